"""The documentation is built from the pages that stand here, and asks no other machine for anything."""

import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

ASKS = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(https?:|//)|<link\b[^>]*rel=[\"']?(?:stylesheet|preconnect)[^>]*href=[\"']?(https?:|//)")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_each_page_is_there_and_loads_nothing_from_elsewhere(site):
    pages = {path.relative_to(site).as_posix(): path.read_text() for path in site.rglob("*.html")}
    written = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert {f"{name}.html" for name in written} | {"index.html", "security.html", "reference/course.html", "reference/api.html"} <= set(pages)
    for name, text in pages.items():
        assert not ASKS.search(text), name


def test_the_references_come_from_the_code(site, course):
    keys = (site / "reference" / "course.html").read_text()
    for name in (*type(course.course).model_fields, "percent_per_day", "exercises", "extensions"):
        assert f"<code>{name}</code>" in keys or name == "listed", name
    api = (site / "reference" / "api.html").read_text()
    assert "autograder.check" in api and "Call <code>probe</code> with seeded generators" in api
