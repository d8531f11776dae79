"""What a class's own cells cost: each notebook in a bare fork, with nobody who watches, judges or writes anything down.

``autograder bench --grade`` runs this as a process of its own, in a course's folder. It has no jail: the class is one that the bench has made.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from autograder.runner.jail import WARM

os.environ.update(WARM)  # before torch and matplotlib are imported

from autograder.commands.bench_ways import BEFORE  # noqa: E402
from autograder.course.directory import load_course  # noqa: E402
from autograder.grading.secret import facts_for  # noqa: E402
from autograder.inside import warming  # noqa: E402
from autograder.inside.shell import RecordingShell  # noqa: E402
from autograder.student import session  # noqa: E402
from autograder.student.session import Tried  # noqa: E402
from autograder.wall.calls import Call  # noqa: E402
from autograder.wall.facts import Facts  # noqa: E402
from autograder.wall.record import Record  # noqa: E402


class _Nobody:
    """Takes what checks hand over, and forgets all but whose it was."""

    training, looks, stops, training_steps, training_seconds = "grading", False, False, 0, 0.0

    def __init__(self, facts: Facts) -> None:
        self.facts, self.taken = facts, set[str]()

    def submit(self, record: Record, calls: Sequence[Call] = (), trial: Tried = ()) -> None:
        self.taken.add(record.exercise)

    def given(self) -> frozenset[str]:
        return frozenset()

    def report(self, exercise: str, step: int, steps: int | None, loss: float) -> None:
        pass


def run_all(lecture: str) -> None:
    """Run what everybody has handed in of a lecture, one after the other."""
    if not Path(BEFORE).is_file():
        sys.exit("This runs notebooks without a jail, and only where `autograder bench --grade` has made the class.")
    course = load_course(Path("course.yml"))
    facts = facts_for(course, lecture, b"floor", course.course.seeds.hidden_draws)
    checked = {name for name, rules in facts.exercises.items() if not rules.written}
    names = course.names.read_bytes()
    warming.warm_up()
    warming.load_late()
    warming.prepare({"facts": facts.for_a_run().to_json(), "files": [["names.txt", len(names)]]}, names)
    for folder in sorted(Path("submitted").glob(f"*/{lecture}")):
        cells = [cell["source"] for cell in json.loads((folder / f"{lecture}.ipynb").read_text())["cells"] if cell["cell_type"] == "code"]
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                with tempfile.TemporaryDirectory() as place:
                    shutil.copytree(folder, place, dirs_exist_ok=True)
                    Path(place, "names.txt").write_bytes(names)
                    os.chdir(place)
                    session.use(nobody := _Nobody(facts))
                    for source in cells:
                        RecordingShell.instance().run("".join(source))
                status = int(nobody.taken != checked)
            finally:
                os._exit(status)
        if os.waitpid(pid, 0)[1]:
            sys.exit(f"The cells of {folder} did not come to their end.")


if __name__ == "__main__":
    run_all(sys.argv[1])
