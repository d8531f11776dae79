"""What people see, in a real browser: a notebook in JupyterLab, light and dark, and the formgrader."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT, TINY, copy_course
from converters import convert
from lab import Lab, browser, jupyter_lab, why_no_browser
from nbgrader.api import Gradebook

from autograder.commands.cli import main
from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.course.frame import INSTALLED

pytestmark = pytest.mark.slow
NOT_OF_A_PART = {"region": {"enabled": False}, "scrollable-region-focusable": {"enabled": False}}  # JupyterLab's own affair
HEADINGS = {"heading-order": {"enabled": False}}  # a lecture's own


@pytest.fixture(scope="module")
def chromium():
    if reason := why_no_browser():
        pytest.skip(reason)
    with browser() as found:
        yield found


@pytest.fixture
def stub(tiny, tmp_path) -> Path:
    """A student's folder."""
    folder = tmp_path / "student"
    shutil.copytree(tiny.released(TINY), folder)
    return folder


THEMES_OWN = {"landmark-unique": {"enabled": False}}  # of the site's theme: each button that copies a block stands in a nav


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_documentation_has_no_faults_light_or_dark(scheme, tmp_path, chromium):
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})
    page = chromium.new_page(color_scheme=scheme)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    pages = sorted(path for path in tmp_path.rglob("*.html") if path.name != "404.html")
    for path in pages:
        page.goto(path.as_uri())
        page.wait_for_timeout(500)  # the theme puts tables into boxes
        found = Axe().run(page, options={"rules": THEMES_OWN}).response["violations"]
        assert not found, (path.name, [(fault["id"], node["html"][:100]) for fault in found for node in fault["nodes"]])
    assert len(pages) > 10 and not errors


def faults(page, within: str) -> list[str]:
    """What axe finds in a page, or in a part of one."""
    found = Axe().run(page, context=within, options={"rules": HEADINGS | ({} if within == "html" else NOT_OF_A_PART)})
    return [f"{fault['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:200]}" for fault in found.response["violations"] for node in fault["nodes"]]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_notebook_from_a_wrong_answer_to_all_right(stub, tiny, tmp_path, chromium, dark):
    texts = solution_texts(tiny, TINY)
    with jupyter_lab(stub, tmp_path / "settings", dark) as address:
        page = chromium.new_page(viewport={"width": 1200, "height": 900})
        lab = Lab(page, address, f"{TINY}.ipynb")
        assert lab.page.evaluate("document.body.dataset.jpThemeLight") == str(not dark).lower()
        lab.run("provided_1")
        lab.run("double_answer")
        assert "Not attempted" in lab.run("double")
        lab.write("double_answer", "def double(x):\n    return x * x")
        lab.run("double_answer")
        said = lab.run("double")
        assert said.count("You squared the tensor") == 1 and "CheckFailed: double: not all right yet, the card says why" in said
        assert said.count("0 / 2 points") == 1 and "0 of 2 points" not in said and said.lower().count("wrong") == 1
        lab.write("pieces_answer", "def pieces(x):\n    return {'sum': x.sum(1), 'mean': x.mean(1) * 1.25 + 0.3 * x[:, 0]}")
        lab.run("pieces_answer")
        said = lab.run("pieces")
        assert "right" in said and "expected" in said and lab.below("pieces").locator("svg[role=img]").count() == 1
        assert not faults(page, ".jp-Cell-outputArea")
        for name in ("double", "pieces", "slope", "by_hand", "train_tiny"):
            lab.write(f"{name}_answer", texts[name])
        lab.command("notebook:run-all-cells")
        lab.below("train_tiny").get_by_text(re.compile("Correct|Wrong|Error")).wait_for()
        for name in ("double", "pieces", "slope", "by_hand", "train_tiny"):
            assert "✓ Correct" in lab.shown(name) and "CheckFailed" not in lab.shown(name), lab.shown(name)
        assert "step 40 of 40" in lab.shown("train_tiny_fit")
        assert not faults(page, ".jp-Cell-outputArea") and not lab.errors
        page.close()


def test_an_answer_that_is_saved_and_not_run_is_not_called_right(stub, tiny, tmp_path, chromium):
    """And a name whose cell has not run is told with the cell: the editor tells the kernel which cell runs, and which file it is."""
    right = solution_texts(tiny, TINY)["double"]
    with jupyter_lab(stub, tmp_path / "settings") as address:
        page = chromium.new_page()
        lab = Lab(page, address, f"{TINY}.ipynb")
        lab.run(INSTALLED)
        lab.write("double_answer", right)
        assert "`Float` comes from a given cell further up" in lab.run("double_answer")
        assert "Float comes from a given cell further up" in lab.run("double")
        lab.run("provided_1")
        lab.run("double_answer")
        assert "✓ Correct" in lab.run("double")
        lab.write("double_answer", "def double(x):\n    return x")
        lab.command("docmanager:save")
        said = lab.run("double")
        assert "Correct" not in said and "changed and saved after its cell ran" in said and "0 of 5 exercises" in said, said
        lab.write("double_answer", right)
        lab.command("docmanager:save")
        assert "✓ Correct" in lab.run("double")
        assert not lab.errors


def test_a_training_is_stopped_and_goes_on(stub, tiny, tmp_path, chromium):
    slow = solution_texts(tiny, TINY)["train_tiny"].replace("for _ in range(40):", "import time\n    for _ in range(40):\n        time.sleep(0.3)")
    assert "sleep" in slow
    with jupyter_lab(stub, tmp_path / "settings") as address:
        page = chromium.new_page()
        lab = Lab(page, address, f"{TINY}.ipynb")
        lab.run("provided_1")
        lab.write("train_tiny_answer", slow)
        lab.run("train_tiny_answer")
        lab.start("train_tiny_fit")
        lab.below("train_tiny_fit").get_by_text(re.compile(r"step [3-9] of 40")).wait_for()
        lab.command("notebook:interrupt-kernel")
        lab.below("train_tiny_fit").get_by_text(re.compile("Interrupted:")).first.wait_for()
        stopped = int(re.search(r"step (\d+) of 40", lab.shown("train_tiny_fit"))[1])
        assert 3 <= stopped < 40
        said = lab.run("train_tiny_fit")
        assert "step 40 of 40" in said and f"Continuing after step {stopped}." in said, said
        assert not lab.errors
        page.close()


@pytest.fixture(scope="module")
def to_grade(assigned, tiny, tmp_path_factory, runner) -> Path:
    """A course with one graded submission, whose written answer waits for a person."""
    folder = tmp_path_factory.mktemp("formgrader") / "course"
    copy_course(assigned, folder)
    texts = solution_texts(tiny, TINY)
    answers = {"double": "def double(x):\n    return x * x", "pieces": texts["pieces"], "why": "Because <b>I</b> say so."}
    notebook = hand_in(assigned, folder, TINY, Submission("ada", answers, {})) / f"{TINY}.ipynb"
    notebook.write_text(notebook.read_text().replace("YOUR ANSWER HERE", answers["why"]))
    convert(folder, "autograde", TINY, runner)
    return folder


def test_a_written_answer_is_graded_beside_its_marking_and_the_page_shows_neither(to_grade, tmp_path, chromium, runner):
    with jupyter_lab(to_grade, tmp_path / "settings") as address:
        page = chromium.new_page(viewport={"width": 1200, "height": 1000})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address.removesuffix('/lab')}/formgrader/gradebook/{TINY}/{TINY}")
        page.get_by_role("link", name="Submission #1").click()
        marking = page.locator("details", has_text="model answer and marking")
        assert "Because." in marking.inner_text() and "Two points for" in marking.inner_text() and marking.locator("math").count() == 1
        score = page.locator("input#why")
        score.fill("1.5")
        page.locator("textarea#why-comment").fill("Say whose word it is.")
        score.focus()
        page.wait_for_timeout(2000)
        page.screenshot(path=tmp_path / "formgrader.png", full_page=True)
        assert not errors and all(url.startswith(address.removesuffix("/lab")) for url in asked), asked
        page.close()
    with Gradebook(f"sqlite:///{to_grade}/gradebook.db") as gradebook:
        graded = gradebook.find_submission_notebook(TINY, TINY, "ada")
        grade = next(grade for grade in graded.grades if grade.name == "why")
        assert (grade.manual_score, grade.needs_manual_grade) == (1.5, False)
    convert(to_grade, "generate_feedback", TINY, runner)
    page = chromium.new_page(viewport={"width": 1000, "height": 1000})
    page.goto((to_grade / "feedback" / "ada" / TINY / f"{TINY}.html").as_uri())
    text = page.inner_text("body")
    assert "Say whose word it is." in text and "Two points for" not in text and "model answer" not in text
    page.close()


def test_pages_that_are_written_have_no_faults_light_or_dark(to_grade, tmp_path, chromium, runner, monkeypatch):
    """A feedback page, the class report and the page of a rehearsal: readable, nothing asked of another machine, and no error in the console."""
    convert(to_grade, "generate_feedback", TINY, runner)
    assert main(["--course", str(to_grade / "course.yml"), "report", TINY]) == 0
    student = tmp_path / "student"
    shutil.copytree(to_grade / "release" / TINY, student)
    assert main(["try", str(student / f"{TINY}.ipynb")]) == 0
    pages = [to_grade / "feedback" / "ada" / TINY / f"{TINY}.html", to_grade / "build" / "report" / TINY / "report.html", student / f"{TINY}-try.html"]
    for path in pages:
        for scheme in ("light", "dark"):
            page = chromium.new_page(viewport={"width": 1000, "height": 900}, color_scheme=scheme)
            said: list[str] = []
            page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)  # noqa: B023  of this page
            page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)  # noqa: B023
            page.goto(path.as_uri())
            assert not said, (path.name, said)
            assert not (found := faults(page, "html")), (path.name, scheme, found)
            page.close()
