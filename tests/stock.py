"""The attacks of tests/gauntlet against stock nbgrader: ordinary tests with asserts, no plug-in, and what each attack gets.

Every `nbgrader autograde` runs in a sandbox of its own (bubblewrap: no network, disks in memory, limits, never root), in a fresh
course, with a right submission behind the attack. What the table says is read from the gradebook, the notebooks, the feedback
pages and the listeners. The last column is what tests/test_gauntlet.py proves of this repository's grader.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import ordinary_user
from conftest import ROOT, TINY, copy_tiny
from hostile import ATTACKS, FULL, Attack, Listeners, hand_in_attack
from test_gauntlet import CANARY, points_of
from tqdm import tqdm

import autograder
from autograder.commands.build import build
from autograder.commands.demo import nbgrader
from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.course.directory import load_course
from autograder.errors import UserError
from autograder.grading.secret import public_facts, secret
from autograder.runner.host import Runner
from autograder.runner.limits import raised

UID = ordinary_user.UID + 1  # so that nobody else's processes count
COURSE = Path("/tmp/course")  # in the sandbox
DISK, SHARED = 512 << 20, 64 << 20
MEMORY, PROCESSES, FILES = 4 << 30, 250, 1024  # of one process; of the user; Linux's own default
SECONDS = 300  # for one `nbgrader autograde`
LIMITS = {"memory_mb": MEMORY >> 20, "disk_mb": DISK >> 20, "file_mb": 0, "open_files": FILES, "processes": PROCESSES}
ENVIRONMENT = {"HOME": "/tmp/home", "USER": ordinary_user.NAME, "LOGNAME": ordinary_user.NAME, "CANARY": CANARY}
ENVIRONMENT |= {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "PYTHONDONTWRITEBYTECODE": "1"}
RIGHT, STUB = "~right", "0_stub"
CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "tiny"\nc.ExecutePreprocessor.timeout = 20\n'
BEFORE = {"poison_2_finds_nothing": ["poison_1_leaves_things"], "fills_kept_files_2_finds_nothing": ["fills_kept_files"]}
AIMED = {  # at what stands in our course -> at what stands in a stock course
    "becomes_root": (' or "Seccomp:\\t2" not in status', ""),
    "hooks_ipython": ('"check("', '"assert"'),
    "kills_everything": ("os.getppid() == 1", "os.getppid()"),
    "reads_the_course": ("build/source/", "source/"),
}
# What these call loot is a door left open (a system call, a privilege, no limit), not yet data or a way out.
DOORS = {"disk_filler", "fork_bomb", "memory_hog", "new_namespaces", "other_address_families"}
LIVE = re.compile(r"""<script[^>]*>[^<]*pwned|<[^>]*\son\w+=['"][^'"]*pwned|href=['"]javascript:[^'"]*pwned""")
DRAW = "for seed in {}:\n    x = torch.randn({}, generator=torch.Generator().manual_seed(seed))\n    {}"
ASSERTS = {
    "double": "assert torch.allclose(double(x), 2 * x)",
    "pieces": 'p = pieces(x)\n    assert torch.allclose(p["sum"], x.sum(1)) and torch.allclose(p["mean"], x.mean(1))',
    "slope": "assert torch.allclose(slope(x), 2 * x)",
    "by_hand": "with torch.no_grad():\n        assert torch.allclose(by_hand(x), 2 * x)",
}
EXAMPLE = "For example: tests/stock.py --only backward_plain reads_the_course"
TRAIN = "torch.manual_seed(1)\nmodel = Bigram()\nfor loss in train(model):\n    pass\n"
LOSS = "X, Y = names.contexts({!r}, 1)\nwith torch.no_grad():\n    assert torch.nn.functional.cross_entropy(model(X), Y) < {}"


def test_cell(exercise: str, seeds: list[int]) -> str:
    """A test as an instructor writes it for nbgrader alone: public asserts, and hidden ones with other inputs."""
    if exercise == "train_tiny":
        seen, hidden = TRAIN + LOSS.format("dev", 2.9), LOSS.format("test", 2.6)
    else:
        shape = "3, 4" if exercise in ("double", "pieces") else "4"
        seen, hidden = (DRAW.format(some, shape, ASSERTS[exercise]) for some in (seeds, [1009, 1013, 1019]))
    return f"{seen}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"


def stock_course(folder: Path) -> bytes:
    """A course of the tiny lecture for nbgrader alone, as a tar; and in it, for the attacks to be made of, our own."""
    tiny = copy_tiny(folder)
    with Runner() as runner:
        build(tiny, TINY, runner)
    secret(tiny)
    seeds = public_facts(tiny, TINY).seeds
    notebook = nbformat.read(tiny.source(TINY), as_version=4)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id", cell.id): cell for cell in notebook.cells}
    del cells["train_tiny_fit"]
    for exercise in FULL:
        cells[exercise].source = test_cell(exercise, seeds[exercise])
    notebook.cells = list(cells.values())
    (folder / "nbgrader_config.py").write_text(CONFIG)
    (folder / "source" / TINY).mkdir(parents=True)
    nbformat.write(notebook, folder / "source" / TINY / f"{TINY}.ipynb")
    shutil.copyfile(tiny.names, folder / "source" / TINY / "names.txt")
    nbgrader(folder, "generate_assignment", TINY)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(folder, ".")
    return packed.getvalue()


def sandbox() -> list[str]:
    """The outer sandbox's command: system, interpreter and package to read, two small disks in memory to write, no network."""
    options = "--unshare-pid --unshare-ipc --unshare-net --unshare-uts --unshare-cgroup-try --hostname grader".split()
    options += f"--die-with-parent --new-session --perms 1777 --size {DISK} --tmpfs /tmp".split()
    folders = ("/usr", "/etc", sys.base_prefix, sys.prefix, autograder.__path__[0], ROOT / "tests")
    for folder in sorted(Path(name).resolve() for name in folders):
        for parent in list(folder.parents)[-2::-1]:
            options += ["--perms", "0755", "--dir", str(parent)]
        options += ["--ro-bind", str(folder), str(folder)]
    for name in ("bin", "sbin", "lib", "lib64"):
        options += ["--symlink", f"usr/{name}", f"/{name}"]
    options += ["--tmpfs", str((ROOT / "tests" / "tiny").resolve()), "--proc", "/proc", "--dev", "/dev"]
    options += f"--perms 1777 --size {SHARED} --tmpfs /dev/shm --remount-ro /dev --remount-ro / --chdir /tmp --".split()
    if os.getuid() == 0:
        options += f"setpriv --reuid={UID} --regid={UID} --clear-groups --no-new-privs".split()
    return ["timeout", "-s", "KILL", str(3 * SECONDS), "bwrap", *options]


def measured(names: list[str], course: bytes) -> dict[str, Any]:
    """What happens to a class of these attacks, with a right submission behind them, in a sandbox of its own.

    Raises:
        UserError: the sandbox cannot be had, or its end tells nothing.
    """
    arguments = [*sandbox(), sys.executable, str(Path(__file__).resolve()), "--inside", *names]
    ended = subprocess.run(arguments, input=course, capture_output=True, env=ENVIRONMENT)
    if ended.returncode:
        last = f"({ended.returncode}) {ended.stderr.decode(errors='replace')[-2000:]}"
        raise UserError(f"nothing was measured of {names or 'a right submission'}: {last}")
    return json.loads(ended.stdout)


def hand_in_all(names: list[str], listeners: Listeners) -> list[str]:
    """The attacks (or a stub) and a right submission behind them; what is ours then goes. Returns the students."""
    tiny = load_course(COURSE / "course.yml")
    solutions = solution_texts(tiny, TINY)
    students = []
    for attack in [attack for name in names for attack in ATTACKS if attack.name == name]:
        students.append(attack.called or f"{len(students)}_{attack.name}")
        old, new = AIMED.get(attack.name, ("\0", ""))
        code = {exercise: text.replace(old, new) for exercise, text in attack.code.items()}
        hand_in_attack(tiny, COURSE, students[-1], replace(attack, code=code), solutions, listeners)
    for student, answers in [(RIGHT, solutions)] if names else [(STUB, {}), (RIGHT, solutions)]:
        students.append(student)
        hand_in(tiny, COURSE, TINY, Submission(student, dict(answers), {}))
    for ours in ("build", "assignments", "solutions"):
        shutil.rmtree(COURSE / ours)
    (COURSE / "course.yml").unlink()
    return students


def inside(names: list[str]) -> dict[str, Any]:
    """In the sandbox: hand in, grade, and look at what has become of it all."""
    for kind, limit in {"AS": MEMORY, "NPROC": PROCESSES, "NOFILE": FILES}.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (limit, limit))
    signal.signal(signal.SIGTERM, lambda *_: None)  # an attack may send it to everybody; programs started here take it
    Path(os.environ["HOME"]).mkdir()
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
        tar.extractall(COURSE, filter="data")
    (COURSE / "CANARY").write_text(CANARY)
    students = hand_in_all(names, listeners := Listeners(COURSE))
    begun = time.monotonic()
    ended, said = command("autograde")
    facts = {"ended": ended, "seconds": time.monotonic() - begun, "said": said + command("generate_feedback")[1]}
    facts["points"] = {student: points(student) for student in students}
    for folder, kind in (("autograded", "ipynb"), ("feedback", "html")):  # of the last attack
        path = COURSE / folder / students[-2] / TINY / f"{TINY}.{kind}"
        facts[kind] = path.read_text() if path.is_file() else ""
    facts["heard"] = sorted(set(listeners.heard))
    written = [path for place in ("/tmp", "/dev/shm") for path in Path(place).rglob("*planted*")]
    written += [path for path in COURSE.glob("CANARY*") if path.read_text() != CANARY]
    return facts | {"written": [str(path) for path in written]}


def command(name: str) -> tuple[int | None, str]:
    """How a plain nbgrader command ends (``None``: not in time), and what it says."""
    with open(os.memfd_create(name), "w+b") as said:  # no pipe, which a process that is left over would hold open
        try:
            arguments = [sys.executable, "-m", "nbgrader", name, TINY]
            streams = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
            ended = subprocess.run(arguments, cwd=COURSE, timeout=SECONDS, **streams).returncode
        except subprocess.TimeoutExpired:
            ended = None
        said.seek(0)
        return ended, said.read().decode(errors="replace")


def points(student: str) -> dict[str, float] | None:
    """The auto-graded points, or ``None`` where the gradebook has none."""
    with contextlib.suppress(Exception):  # whatever an attack has made of the gradebook
        found = points_of(COURSE, student)
        return found if len(found) == len(FULL) and None not in found.values() else None
    return None


def verdict(attack: Attack, facts: dict[str, Any]) -> tuple[list[str], set[str]]:
    """What stock nbgrader did, in words made of the facts, and of what kind it is: points, data, grading."""
    own, right = list(facts["points"].values())[-2:]
    must = {**FULL, **attack.points}
    unearned = {name: gain for name in attack.code if own and (gain := own[name] - must[name]) > 0}
    lost = sum(max(0.0, must[name] - own[name]) for name in FULL) if own else 0
    behind = sum(FULL.values()) - sum(right.values()) if right else 0
    ungraded = [name for name, has in (("the submission", own), ("the right one behind it", right)) if not has]
    cells = json.loads(facts["ipynb"] or '{"cells": []}')["cells"]
    shown = [output for cell in cells for output in cell.get("outputs", [])]
    loot = re.findall(r"^LOOT ?(.*)", "".join("".join(output.get("text", "")) for output in shown), re.M)
    loot = [re.sub(r"(?<=\S) \d+$", "", line) for line in loot]  # a file's size is another one with each text of it
    first = ", ".join(sorted(loot, key=lambda line: "poison" not in line)[:3])[:90]
    first += f" ({len(loot)} such)" if len(loot) > 3 else ""
    live = LIVE.findall(facts["html"])  # what a browser runs
    said = facts["said"].replace("disk is full", "No space left on device")
    limit = raised(json.dumps(shown) + said, LIMITS).partition(" is ")[2].partition(" (")[0]
    limit = "" if "open files" in limit else limit  # that one is Linux's own
    grading = "stopped" if limit else "grading"  # then the limit may be the reason, and not nbgrader
    found = [
        ("points", unearned, f"gives {sum(unearned.values()):g} points that {' and '.join(unearned)} did not earn"),
        ("", loot and attack.name in DOORS, f"not refused: {first}"),
        ("data", loot and attack.name not in DOORS, f"gets at: {first}"),
        ("data", facts["heard"], f"heard by the listeners: {', '.join(facts['heard'])}"),
        ("data", facts["written"], f"writes: {', '.join(facts['written'])}"),
        ("data", live, f"a script is live in the feedback page ({len(live)} times)"),
        (grading, facts["ended"] is None, f"does not end in {SECONDS} seconds"),
        (grading, ungraded, f"not graded: {' and '.join(ungraded)}"),
        (grading, behind, f"the right submission behind it loses {behind:g} points"),
        ("", lost, f"its right answers lose {lost:g} points too"),
        ("", facts["seconds"] > 60, f"takes {facts['seconds']:.0f} seconds"),
        ("stopped", limit, f"only the sandbox around this test stopped it ({limit})"),
    ]
    said = [words.replace(" 1 points", " 1 point") for _, holds, words in found if holds]
    return said or ["no points, nothing lost"], {kind for kind, holds, _ in found if holds}


def plain(text: str) -> str:
    """Text as it reads in a cell of a Markdown table."""
    return re.sub(r"([\\|_*<`$\[])", r"\\\1", re.sub(r"[^ -~]", "?", text))


def table(attacks: list[Attack], keep: Path | None) -> None:
    """Try them one by one, after a stub and a right submission alone, and print the rows as they are known."""
    with tempfile.TemporaryDirectory(prefix="stock-") as scratch:
        course = stock_course(Path(scratch))
    untouched = measured([], course)
    if untouched["points"] != {STUB: dict.fromkeys(FULL, 0.0), RIGHT: FULL}:
        raise UserError(f"without an attack stock nbgrader gives {untouched['points']}:\n{untouched['said'][-2000:]}")
    print(f"| attack | tries | nbgrader {version('nbgrader')} alone | here |\n|---|---|---|---|", flush=True)
    tally: Counter[str] = Counter()
    for attack in (bar := tqdm(attacks, file=sys.stderr, unit="attack")):
        bar.set_description(attack.name)
        if attack.stock:
            said = [attack.stock.replace("not tried, ", "not tried: ")]
        else:
            facts = measured([*BEFORE.get(attack.name, []), attack.name], course)
            said, kinds = verdict(attack, facts)
            tally.update(kinds)
            if keep:
                (keep / f"{attack.name}.json").write_text(json.dumps(facts, indent=1))
        row = (attack.name.replace("_", " "), attack.tries, "; ".join(said), attack.ends)
        print(f"| {' | '.join(map(plain, row))} |", flush=True)
    tried = sum(not attack.stock for attack in attacks)
    gave = f"gave away points in {tally['points']}, data in {tally['data']}, and lost grading in {tally['grading']}"
    more = f"only the sandbox around this test stopped {tally['stopped']} more; {len(attacks) - tried} are not tried"
    print(f"\nAimed at what stands in a stock course: {', '.join(AIMED).replace('_', ' ')}.")
    print(f"\nOf {tried} attacks tried, stock nbgrader {gave}; {more}.")


def main() -> int:
    if sys.argv[1:2] == ["--inside"] and Path("/proc/1/comm").read_text() == "bwrap\n":  # in the sandbox
        print(json.dumps(inside(sys.argv[2:])))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"Half a minute for each attack. {EXAMPLE}")
    known = [attack.name for attack in ATTACKS]
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of files in tests/gauntlet, without .py")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write there what was measured, as JSON")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.only or ()) - set(known)):
        parser.error(f"there is no attack {', '.join(unknown)}; there are {', '.join(known)}")
    try:
        if missing := [program for program in ("bwrap", "setpriv", "timeout") if not shutil.which(program)]:
            raise UserError(f"not installed: {', '.join(missing)}. On Linux: apt install bubblewrap util-linux")
        (chosen.keep or Path()).mkdir(parents=True, exist_ok=True)
        table([attack for attack in ATTACKS if not chosen.only or attack.name in chosen.only], chosen.keep)
    except (UserError, KeyboardInterrupt) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UserError) else 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
