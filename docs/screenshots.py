"""The pictures in these pages, taken of the real thing: ``make demo``, then ``make screenshots``.

A student's notebook in JupyterLab, light and dark; of the demo's class a feedback page and the class report; a written answer in the formgrader.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT / "tests"))

import nbformat  # noqa: E402
from lab import Lab, browser, jupyter_lab  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402

from autograder.commands.demo_class import Submission, hand_in, make_course, solution_texts  # noqa: E402
from autograder.course.directory import load_course  # noqa: E402

LECTURE, EXERCISE, WRITTEN = "lecture_1_trigram", "bigram_probabilities", "why_cross_entropy"
DEMO = ROOT / "build" / "demo"
ANSWERED = "The two lines need a second tensor as large as the counts. `F.cross_entropy` works with the largest logit taken off, so `exp` does not overflow."
ABOVE = 190  # pixels: what stands at the top of the formgrader, and the answer's own label


def notebook(chromium: Browser, dark: bool, target: Path) -> None:
    """A check that names the misconception behind a wrong tensor."""
    course = load_course(ROOT / "course.yml")
    right = solution_texts(course, LECTURE)[EXERCISE]
    wrong = right.replace("keepdim=True", "keepdim=False")
    assert right != wrong
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, "student")
        shutil.copytree(ROOT / "assignments" / LECTURE, folder)
        shutil.copyfile(ROOT / "names.txt", folder / "names.txt")
        with jupyter_lab(folder, Path(made, "settings"), dark) as address:
            page = chromium.new_page(viewport={"width": 1180, "height": 1300}, device_scale_factor=1.5)
            lab = Lab(page, address, f"{LECTURE}.ipynb")
            for name in ("provided_1", "vocabulary_answer", "provided_2"):
                lab.run(name)
            lab.write(f"{EXERCISE}_answer", wrong)
            lab.run(f"{EXERCISE}_answer")
            lab.run(EXERCISE)
            lab.command("application:toggle-left-area")
            lab.at(f"{EXERCISE}_answer").scroll_into_view_if_needed()
            page.wait_for_timeout(1000)
            around(page, [lab.at(f"{EXERCISE}_answer"), lab.at(EXERCISE)], target)
            page.close()


def around(page: Page, parts: list, target: Path) -> None:
    """The part of a page that holds these parts of it."""
    boxes = [part.bounding_box() for part in parts]
    left, top = min(box["x"] for box in boxes), min(box["y"] for box in boxes)
    right, bottom = max(box["x"] + box["width"] for box in boxes), max(box["y"] + box["height"] for box in boxes)
    page.screenshot(path=target, full_page=True, clip={"x": left, "y": top, "width": right - left, "height": bottom - top})


def class_pages(chromium: Browser) -> None:
    """What an instructor sees of the demo's class, and what a student of it gets."""
    subprocess.run([sys.executable, "-m", "autograder", "--course", DEMO / "course.yml", "report", LECTURE], check=True)
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    page.goto((DEMO / "build" / "report" / LECTURE / "report.html").as_uri())
    page.screenshot(path=DOCS / "report.png")
    page.goto((DEMO / "feedback" / "mixed_1" / LECTURE / f"{LECTURE}.html").as_uri())
    page.screenshot(path=DOCS / "feedback-page.png")
    page.close()


def formgrader(chromium: Browser) -> None:
    """A written answer of a class of one, graded beside a model answer and how it is marked."""
    course = load_course(ROOT / "course.yml")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, "course")
        make_course(course, folder, [LECTURE])
        autograder = [sys.executable, "-m", "autograder", "--course", str(folder / "course.yml")]
        subprocess.run([sys.executable, "-m", "nbgrader", "generate_assignment", LECTURE], cwd=folder, check=True, capture_output=True)
        path = hand_in(course, folder, LECTURE, Submission("ada", dict(solution_texts(course, LECTURE)), {}))
        notebook = nbformat.read(path / f"{LECTURE}.ipynb", as_version=4)
        next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == WRITTEN).source = ANSWERED
        nbformat.write(notebook, path / f"{LECTURE}.ipynb")
        subprocess.run([*autograder, "grade", LECTURE], check=True)
        with jupyter_lab(folder, Path(made)) as address:
            page = chromium.new_page(viewport={"width": 1100, "height": 720})
            page.goto(f"{address.removesuffix('/lab')}/formgrader/gradebook/{LECTURE}/{LECTURE}")
            page.get_by_role("link", name="Submission #1", exact=True).click()
            page.wait_for_timeout(2000)  # it scrolls by itself, once all is there
            page.locator(f"input#{WRITTEN}").evaluate("field => field.closest('.nbgrader_cell').scrollIntoView()")
            page.mouse.wheel(0, -ABOVE)
            page.wait_for_timeout(1000)
            page.screenshot(path=DOCS / "formgrader.png")
            page.close()


def main() -> None:
    if not (DEMO / "gradebook.db").is_file():
        sys.exit("The pictures of a class are those of the demo. First: make demo")
    with browser() as chromium:
        notebook(chromium, False, DOCS / "feedback.png")
        notebook(chromium, True, DOCS / "feedback-dark.png")
        class_pages(chromium)
        formgrader(chromium)


if __name__ == "__main__":
    main()
