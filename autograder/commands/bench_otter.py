"""What otter-grader takes for the same class: its own ``grade_submission``, with each check cell as one of its tests.

``autograder bench --grade --otter`` runs this as a process of its own, in a course that the bench has made. Its containers are left out,
which cost it more: each notebook runs in a kernel of this machine, with nothing between it and the machine.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

from autograder.commands.bench_ways import BEFORE, OTTERS
from autograder.course.notebook import ANSWER

TEST = """OK_FORMAT = False
from otter.test_files import test_case

name = {name!r}
points = {points!r}


@test_case(points={points!r})
def test(env):
    exec(compile({source!r}, {name!r}, "exec"), env)
"""


def as_otters(notebook: Any, tests: Path) -> dict[str, float]:
    """Turn a released notebook's check cells into otter's: the text becomes a test file, the cell asks for it.

    Args:
        tests: the folder for the test files.

    Returns:
        The points of each test.
    """
    points = {}
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and about.get("grade") and not about.get("solution"):
            name = about["grade_id"].removesuffix(ANSWER)
            points[name] = about["points"]
            (tests / f"{name}.py").write_text(TEST.format(name=name, points=about["points"], source=cell.source))
            cell.source = f'grader.check("{name}")'
    notebook.cells.insert(0, nbformat.v4.new_code_cell("import otter\ngrader = otter.Notebook()"))
    return points


def grade_all(lecture: str) -> None:
    """Grade what everybody has handed in of a lecture, one after the other; the results stand in ``autograded/`` as otter's JSON."""
    if not Path(BEFORE).is_file():
        sys.exit("This runs notebooks without a jail, and only where `autograder bench --grade` has made the class.")
    from otter import generate, run

    with tempfile.TemporaryDirectory() as made:
        zipped, tests = Path(made) / "autograder.zip", Path(made) / "tests"
        tests.mkdir()
        as_otters(nbformat.read(Path("release") / lecture / f"{lecture}.ipynb", as_version=4), tests)
        beside = [path for path in (Path("release") / lecture).iterdir() if path.suffix != ".ipynb"]
        generate.main(tests_dir=str(tests), output_path=str(zipped), no_config=True, no_requirements=True, no_environment=True)
        for folder in sorted(Path("submitted").glob(f"*/{lecture}")):
            work = Path(made) / "work"
            shutil.copytree(folder, work)
            for path in beside:
                shutil.copyfile(path, work / path.name)
            notebook = nbformat.read(work / f"{lecture}.ipynb", as_version=4)
            as_otters(notebook, tests)
            nbformat.write(notebook, work / f"{lecture}.ipynb")
            submission = Path(shutil.make_archive(str(Path(made) / "submission"), "zip", work))
            target = Path("autograded") / folder.parent.name / lecture
            target.mkdir(parents=True)
            run.main(str(submission), autograder=str(zipped), output_dir=str(target), no_logo=True)
            (target / "results.json").rename(target / OTTERS)
            shutil.rmtree(work)


if __name__ == "__main__":
    grade_all(sys.argv[1])
