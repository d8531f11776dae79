"""Draws the rooms of the package from its imports, into docs/architecture.md: ``python docs/rooms.py``.

Without ``--check`` it writes the picture anew; with it, it only says whether the picture is current, by its exit code.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grimp

PAGE = Path(__file__).parent / "architecture.md"
BEGIN, END = "<!-- the picture: python docs/rooms.py -->", "<!-- end of the picture -->"
SIDES = {  # of the wall -> rooms
    "an instructor's commands": ("commands",),
    "trusted": ("report", "plugin", "grading", "runner", "judge"),
    "both sides": ("wall", "changes", "course"),
    "beside a student's code": ("student", "inside"),
}
ROOMS = tuple(room for rooms in SIDES.values() for room in rooms)


def arrows(graph: grimp.ImportGraph) -> set[tuple[str, str]]:
    """Which room uses which; the desk, which alone judges beside a student's code, stands apart."""
    found = set()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            pair = (_room(module), _room(other))
            if all(pair) and pair[0] != pair[1]:
                found.add(pair)
    return found


def _room(module: str) -> str:
    if module == "autograder.student.desk":
        return "desk"
    name = module.split(".")[1] if "." in module else ""
    return name if name in ROOMS else ""


def told_by_others(pair: tuple[str, str], all_arrows: set[tuple[str, str]]) -> bool:
    """Whether a longer way of arrows leads from the one to the other."""
    todo, seen = [b for a, b in all_arrows if a == pair[0] and b != pair[1]], set()
    while todo:
        room = todo.pop()
        if room == pair[1]:
            return True
        if room not in seen:
            seen.add(room)
            todo += [b for a, b in all_arrows if a == room]
    return False


def picture() -> str:
    """A Mermaid flowchart: an arrow reads "uses"; one that a longer way tells as well is left out."""
    graph = grimp.build_graph("autograder")
    found = arrows(graph)
    sizes = {room: len([m for m in graph.modules if _room(m) == room and m.count(".") == 2]) for room in (*ROOMS, "desk")}
    lines = ["```mermaid", "flowchart TD"]
    for number, (side, rooms) in enumerate(SIDES.items()):
        lines.append(f'  subgraph side{number}["{side}"]')
        lines += [f'    {room}["{room}/ · {sizes[room]} modules"]' for room in rooms]
        lines += ['    desk["student/desk.py · judges at home"]'] if "student" in rooms else []
        lines.append("  end")
    lines += [f"  {a} --> {b}" for a, b in sorted(found) if not told_by_others((a, b), found)]
    return "\n".join([*lines, "```"])


def page_with(drawn: str) -> str:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return f"{before}{BEGIN}\n\n{drawn}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    page = page_with(picture())
    if "--check" in sys.argv:
        sys.exit(0 if page == PAGE.read_text() else f"{PAGE} is not current: python docs/rooms.py")
    PAGE.write_text(page)
