"""What a student writes is shown as text wherever it would be more than that."""

import base64
import html
import io
import re
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import daily
from hypothesis import given
from hypothesis import strategies as st
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import Highlight2HTML, ansi2html, markdown2html, strip_files_prefix
from nbgrader.server_extensions.formgrader import handlers
from PIL import Image
from test_fuzzing import fuzz
from traitlets.config import Config

from autograder.plugin import bounded, configure, harmless, maths
from autograder.plugin.maths import markdown2html as markdown2html_drawn

DANGEROUS = [
    "[x](javascript:window.pwned=1)",
    "[x](javascript&colon;window.pwned=1)",
    "[x](&#106;avascript:window.pwned=1)",
    "[x](files/javascript:window.pwned=1)",
    "[x][r]\n\n[r]: javascript:window.pwned=1",
    "[x](evil.html)",
    "[x](//elsewhere/evil.html)",
    "![a picture that tells who reads](https://elsewhere/p.png)",
    "![x](attachment:missing.png)",
    "```mermaid\n<img src=x onerror=window.pwned=1>\n```",
    "<div onmouseover='window.pwned=1'>",
    "<a class='modal-backdrop' href='https://elsewhere'>x</a>",
    "<style>* {display: none}</style>",
    "<b id='main-table'>x</b>",
    "$\\href{javascript:window.pwned=1}{x}$",
    "$\\def\\x{\\href}$",
    "$\\newcommand{\\x}{y}$",
    "$$\n\n![x](https://elsewhere/p.png)\n\n$$",
    "$$\n\n<div style='background:url(https://elsewhere/p.png)'>x</div>\n\n$$",
    "$$\n\n```mermaid\ngraph TD; A-->B\n```\n\n$$",
    "\\\\[\n\n![x](https://elsewhere/p.png)\n\n\\\\]",
    "\\begin{align}\n\n<form>x</form>\n\n\\end{align}",
    "all that follows <del>is struck through",
    "it ends </details> what it did not begin",
    "<b>a</b></b><b>",
    "x" * 30_000,
]
HARMLESS = [
    "# The answer\n\nBecause `x < y` and *z* > 0, see [the notes](https://karpathy.ai) or <https://karpathy.ai>.",
    "| a | b |\n|:-|-:|\n| 1 | 2 |\n\n1. one\n2. two\n\n- [x] done\n\n> said",
    "```python\nx = [1]\n```\n\n    indented",
    "$$\\frac{1}{n} \\sum_i x_i$$ and $a<b$ and $\\left( a \\newline \\dataset$ \\begin{align} a \\end{align}",
    "line<br>line <b>bold</b> x<sub>1</sub>\n\n<details><summary>more</summary>\n\ntext\n\n</details>",
]


@pytest.mark.parametrize("source", DANGEROUS, ids=lambda source: source[:40])
def test_it_is_shown_as_it_was_typed(source):
    shown = harmless.markdown(source)
    page = strip_files_prefix(markdown2html(shown))
    assert source in shown
    assert page.startswith("<pre><code>") and page.endswith("</code></pre>\n") and page.count("<") == 4
    assert harmless.markdown(shown) == shown


@pytest.mark.parametrize("source", HARMLESS, ids=lambda source: source[:40])
def test_what_is_text_stays_markdown(source):
    assert harmless.markdown(source) == source


MARKS = """[x]( [x][r] [r]: ![x]( ) < > </ <div <img <b> <br> onerror=window.pwned=1 href= src= class= id=
 " ' = javascript: javascript&colon; &#106;avascript:
 data:text/html, https://a.b/ files/ attachment: evil.html # > - | |-
 `` ``` ```mermaid ~~~ $ $$ \\( \\href{ \\begin{a} \\end{a} * _ ~~ & &lt; <!-- --> <![CDATA[ ]]> <?php ?> x""".split()
SAFE = {"href": r"(https?://|mailto:|#).*", "style": r"text-align:\w+", "type": "checkbox", "class": r"[\w\s-]*", "start": r"\d+"}
SAFE |= dict.fromkeys(("id", "title", "disabled", "checked"), ".*")
TEXTS = set("h1 h2 h3 h4 h5 h6 p a b i em strong code pre span div table thead tbody tr th td ul ol li input br hr blockquote del dl dt dd".split())


@fuzz
@given(st.lists(st.sampled_from([*MARKS, *(mark + " " for mark in MARKS), *(mark + "\n" for mark in MARKS), "\t", "\r"]), max_size=14))
def test_no_markdown_becomes_more_than_text(parts):
    text = "".join(parts)
    assert harmless.markdown(harmless.markdown(text)) == harmless.markdown(text)
    page = strip_files_prefix(markdown2html(harmless.markdown(text)))
    for element in BeautifulSoup(page, "html.parser").find_all(True):
        assert element.name in TEXTS, (text, page)
        for name, value in element.attrs.items():
            value = " ".join(value) if isinstance(value, list) else value
            assert name in SAFE and re.fullmatch(SAFE[name], value, re.S), (text, page)


# How many cells: of all that a notebook may hold, some in the daily run and all in the slow one.
CELLS = (3, pytest.param(bounded.MAX_PROSE // harmless.MAX_MARKDOWN, marks=pytest.mark.slow))


PIECES = ("\\begin{a}", "\\\\(", "\\\\[", " ", "[", "*", "`", "<", "<b>", "> ", "- ", "$")


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("piece", daily(("\\begin{a}", " ", "[", "`", "<b>", "$"), PIECES), ids=repr)
def test_text_that_a_renderer_chokes_on_is_not_rendered(piece, cells):
    """In one cell and in many: minutes or hours for some of these, seconds here."""
    begun = time.process_time()
    for size in (bounded.MAX_PROSE, *[harmless.MAX_MARKDOWN] * cells):
        markdown2html(harmless.markdown("a" + piece * (size // len(piece) - 1) + "b"))
    assert time.process_time() - begun < 60


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("piece", daily((" \n", "(", "%%perl\ns{"), (" \n", "a.", "match ", "a?", "(", "%", "@", "%%perl\ns{")), ids=repr)
def test_code_that_a_highlighter_chokes_on_is_shown_without_colours(piece, cells):
    begun, highlight = time.process_time(), harmless.Highlighted()
    for size in (bounded.MAX_CODE, *[10_000] * cells):
        source = "x = 1\n" + piece * (size // len(piece)) + "<b>"
        page = highlight(source)
        assert "&lt;" in page and "<b>" not in page
    assert time.process_time() - begun < 60
    assert harmless.Highlighted()("x = 1") == Highlight2HTML()("x = 1")


def test_the_first_page_of_a_process_has_its_colours():
    """Loading the language takes longer than a cell may."""
    first = (
        "from autograder.plugin import harmless; harmless.SECONDS = 0.05; page = harmless.Highlighted()('x = 1');"
        "assert page == harmless.Highlight2HTML()('x = 1')"
    )
    subprocess.run([sys.executable, "-c", first], check=True)


def test_a_library_cannot_take_the_end_of_the_time_for_an_error_of_its_own():
    with pytest.raises(harmless.TooLong), harmless.at_most(0.01):
        try:
            while True:
                pass
        except Exception as error:
            raise ValueError("uncompilable") from error


@pytest.mark.parametrize("colour", ["\x1b[31m", "\x1b[38;2;1;2;3m", "\x1b["])
def test_colours_of_a_terminal_are_kept_until_they_are_too_many(colour):
    few, many = f"{colour}a" * 5_000, f"{colour}a" * 100_000
    for kind, field, shape in (("stream", "text", str), ("error", "traceback", lambda text: [text, "end"])):
        assert harmless.output({"output_type": kind, field: shape(few)})[field] == shape(few)
        assert "\x1b" not in "".join(harmless.output({"output_type": kind, field: shape(many)})[field])


COLOURS = {"long": "\x1b[" + ";".join(["1"] * 500_000) + "m", "endless": "\x1b[" + "1" * 900_000, "many": ("\x1b[" + "1" * 180) * 5_000}


@pytest.mark.parametrize("colour", COLOURS.values(), ids=COLOURS)
def test_a_colour_that_a_page_chokes_on_is_none(colour):
    shown = harmless.output({"output_type": "stream", "name": "stdout", "text": f"a{colour}b"})["text"]
    begun = time.process_time()
    assert "\x1b" not in shown and ansi2html(shown).startswith("a")
    assert time.process_time() - begun < 5


def test_a_page_has_room_for_so_many_pictures():
    """An honest one shows a dozen of half a million pixels each."""
    small, large = ({"output_type": "display_data", "data": {"image/png": base64.b64encode(data).decode()}} for data in (picture("PNG"), bomb(5_000, 4_000)))
    for one, room in ((small, harmless.PAGE_PICTURES), (large, 5)):
        page = harmless.Pictures()
        shown = [harmless.output(one, page)["data"] for _ in range(room + 3)]
        assert all("image/png" in data for data in shown[:room])
        assert shown[room:] == [{"text/plain": harmless.TOO_MANY}] * 3


FORMULAS = ["x", "\\frac{a}{b}", "\\sum_{i=1}^n x_i^2", "\\left(\\begin{matrix} a & b \\\\ c & d \\end{matrix}\\right)", "\\mathbb{R}^{n \\times d}", "a < b"]
NO_FORMULAS = ["\\text{<script>x</script>}", "\\frac{", "{" * 900, "\\sqrt" * 300 + "x", "x" * 3_000, "\\text{<img src=x onerror=y>}"]


@pytest.mark.parametrize("tex", FORMULAS)
def test_a_formula_is_drawn_without_a_script(tex):
    page = markdown2html_drawn(f"so ${tex}$ and\n\n$${tex}$$")
    assert page.count("<math") == 2 and "$" not in page


@pytest.mark.parametrize("tex", NO_FORMULAS, ids=lambda tex: tex[:20])
def test_what_is_no_formula_is_shown_as_it_was_typed(tex):
    assert maths.mathml(tex, "inline") == f"<code>{html.escape(tex)}</code>"


MORE = ["\\href{javascript:x}{y}", "\\style{position:fixed}{y}", "\\class{x}{y}", "\\color{red}{x}", "\\hspace{999em}x", "\\rule{9em}{9999em}"]


@pytest.mark.parametrize("tex", MORE)
def test_a_formula_is_no_more_than_a_formula(tex):
    for element in BeautifulSoup(maths.mathml(tex, "inline"), "html.parser").find_all(True):
        assert element.name == "code" or element.name in maths.ELEMENTS
        assert set(element.attrs) <= maths.ATTRIBUTES | {"xmlns", "width"}


def test_every_formula_of_the_lectures_is_drawn(course):
    for lecture in course.course.lectures:
        for cell in nbformat.read(course.released(lecture) / f"{lecture}.ipynb", as_version=4).cells:
            if cell.cell_type == "markdown":
                drawn, raw = markdown2html_drawn(cell.source), strip_files_prefix(markdown2html(cell.source))
                assert drawn.count("<math") == len(re.findall(r"\$\$.*?\$\$|\$[^$]+\$", re.sub("<code>.*?</code>|<pre>.*?</pre>", "", raw, flags=re.S), re.S))


def test_the_formgraders_pages_ask_no_other_machine(course, monkeypatch):
    """Their template calls for MathJax; what it finds is this kit's, which calls for nothing."""
    config = Config()
    monkeypatch.setenv("JUPYTER_PATH", "")
    configure(config, str(course.root / "nbgrader_config.py"))
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    environment = HTMLExporter(config=config).environment
    found = environment.loader.get_source(environment, "nbconvert/templates/base/mathjax.html.j2")
    assert Path(found[1]).is_relative_to(Path(maths.__file__).parent) and "http" not in found[0]


def picture(kind: str, width: int = 3, height: int = 2) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height)).save(made, kind)
    return made.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is large."""
    data = bytearray(picture("PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.mark.parametrize(("mime", "data"), [("image/png", picture("PNG")), ("image/jpeg", picture("JPEG"))])
def test_a_picture_is_shown(mime, data):
    value = base64.encodebytes(data).decode()
    assert harmless.output({"output_type": "display_data", "data": {mime: value}})["data"] == {mime: value}


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", picture("JPEG"), picture("PNG")[:8], bomb(6_000, 6_000), bomb(2**31 - 1, 2**31 - 1)], ids=len
)
def test_what_is_no_picture_or_too_large_a_one_is_not(data):
    value = base64.b64encode(data).decode()
    for text in (value, value + '"><script>', value + "é"):
        assert "image/png" not in harmless.output({"output_type": "display_data", "data": {"image/png": text}})["data"]
