"""What a student wrote, without what a browser would run.

Done when a submission is read and graded, so that the autograded notebook is harmless for whoever shows it: the feedback page,
the formgrader, JupyterLab.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import html
import io
import re
import signal
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import mistune
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath, import_plugin
from PIL import Image

from autograder.swallowed import swallowed

PICTURES = {"image/png": "PNG", "image/jpeg": "JPEG"}
MAX_PIXELS = 25_000_000  # 100 MB in the browser that shows it
PAGE_PIXELS, PAGE_PICTURES = 100_000_000, 300  # of all pictures of a page
TOO_MANY = "[a picture that is not shown here: the page holds too many, or too large ones]"
HIDDEN = "[an output that is not shown here]"
MAX_COLOURS = 5_000  # of one output; a long traceback has some hundreds
MAX_COLOURED = 500_000_000  # sequences times characters: a page is looked through once for each
COLOUR = re.compile(r"\x1b(\[[0-9;:?]{0,64}[@-~])?")
LONG_COLOUR = re.compile(r"\x1b(?!\[[0-9;:?]{0,64}[@-~])")
MAX_MARKDOWN = 20_000  # characters of a cell that are rendered
AGAIN_SECONDS = 0.1  # until a time that is up is told once more
SECONDS = 0.2  # of the processor for one cell; an honest one takes some milliseconds, and time grows with the square of some texts
PAGE_SECONDS = 3.0  # for all code of a page
MARKUP = re.compile(r"</?(?:b|br|code|del|details|em|hr|i|kbd|li|mark|ol|p|pre|s|strong|sub|summary|sup|u|ul)\s*/?>", re.I)
TAG = re.compile(r"<(/?)([a-z]+)[^>]*>")
TEX = re.compile(  # runs something, styles the page, or gives such a command another name
    r"\\(?:(?:href|url|unicode|style|cssid|class|require|mmltoken|data|bbox|includegraphics|[gex]?def|let)(?![a-z])"
    r"|html|(?:re)?new(?:command|environment)|provide|declare)",
    re.I,
)
LINK = re.compile(r"(?:https?://|mailto:|#)[^\s\"'<>\\]*", re.I)
AS_TYPED = re.compile(r"(`{3,})\n.*\n\1", re.S)
CODE = re.compile(r"(?:i?python3?|py|text|bash|sh|console)?")


class Pictures:
    """How much more of pictures a page may hold."""

    def __init__(self) -> None:
        self.pixels, self.number = PAGE_PIXELS, PAGE_PICTURES

    def take(self, pixels: int) -> bool:
        """Whether there is room for one more."""
        if self.number < 1 or pixels > self.pixels:
            return False
        self.number, self.pixels = self.number - 1, self.pixels - pixels
        return True


def output(found: dict[str, Any], pictures: Pictures | None = None) -> dict[str, Any]:
    """A cell's output: text, and pictures that are pictures, as long as the page has room for them."""
    if found.get("output_type") not in ("display_data", "execute_result"):
        return {key: _colours(value) if key in ("text", "traceback") else value for key, value in found.items()}
    data = {}
    for mime, value in found.get("data", {}).items():
        if mime == "text/plain":
            data[mime] = _colours(value)
        elif mime in PICTURES and (size := pixels_of(mime, value)):
            if pictures is not None and not pictures.take(size):
                return {**found, "data": {"text/plain": TOO_MANY}, "metadata": {}}
            data[mime] = value
    return {**found, "data": data or {"text/plain": HIDDEN}, "metadata": {}}


def _colours(text: str | list[str]) -> str | list[str]:
    """Text without its terminal's colours, if there are so many or such long ones that their page would take minutes."""
    whole = "".join(text)
    number = whole.count("\x1b")
    if not number or number <= MAX_COLOURS and number * len(whole) <= MAX_COLOURED and not LONG_COLOUR.search(whole):
        return text
    return COLOUR.sub("", text) if isinstance(text, str) else [COLOUR.sub("", line) for line in text]


def pixels_of(mime: str, value: Any) -> int:
    """Of strict base64 (it goes into a page as it is) of a file of its kind; 0 if it is none, or one that is 100 GB once it is shown."""
    try:
        data = base64.b64decode(value.replace("\n", ""), validate=True)
        with warnings.catch_warnings(action="ignore"):  # of a size that is refused anyway
            width, height = Image.open(io.BytesIO(data), formats=[PICTURES[mime]]).size
        return int(width * height) if width * height <= MAX_PIXELS else 0
    except Exception:  # noqa: BLE001  Pillow raises whatever a false header leads it to
        return 0


def markdown(source: str) -> str:
    """A student's Markdown; where its page would hold more than text, all of it is shown as it was typed instead of obeyed.

    Done twice, it changes nothing more.
    """
    if (typed := AS_TYPED.fullmatch(source)) and source.count(typed[1]) == 2:
        return source
    if len(source) <= MAX_MARKDOWN and not TEX.search(source):
        with contextlib.suppress(TooLong), at_most(SECONDS):
            if not any(_more_than_text(source, parser) for parser in (MarkdownWithMath, _without_math)):
                return source
    longest = max(map(len, re.findall("`+", source)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{source}\n{fence}"


def _without_math(renderer: IPythonRenderer) -> Any:
    """As JupyterLab reads what nbconvert takes for a formula: there one ends at an empty line."""
    plugins = map(import_plugin, MarkdownWithMath.DEFAULT_PLUGINS)
    return MarkdownWithMath(renderer, mistune.BlockParser(), mistune.InlineParser(hard_wrap=False), plugins)


def _more_than_text(source: str, parser: Any) -> bool:
    look = _Looking(escape=False)
    parser(renderer=look).render(source)
    return bool(look.found) or not look.closed


class TooLong(BaseException):
    """The time is up. No Exception: pygments and others take those for errors of their own and raise something else."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Processor time for what is inside, where it runs in the main thread: elsewhere no signal comes.

    Raises:
        TooLong: it takes more.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def up(number: int, frame: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, up)
    signal.setitimer(signal.ITIMER_VIRTUAL, max(seconds, 0.001), AGAIN_SECONDS)  # the first may come in a callback of Python's, which lets no error out
    try:
        with swallowed(TooLong):
            yield
    finally:
        signal.signal(signal.SIGVTALRM, signal.SIG_IGN)  # first: no second one while the timer is put out
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


class Highlighted(Highlight2HTML):
    """nbconvert's colours for the code of one page; where they take too long, the code without."""

    left = PAGE_SECONDS

    def __call__(self, source: str, language: str | None = None, metadata: Any = None) -> str:
        _load_python()
        begun = time.process_time()
        try:
            with at_most(min(SECONDS, self.left)):
                return super().__call__(source, language, metadata)
        except TooLong:
            return f'<div class="highlight"><pre>{html.escape(source)}</pre></div>'
        finally:
            self.left -= time.process_time() - begun


@functools.cache
def _load_python() -> None:
    """The first use of a language imports and compiles it, for a quarter of a second: that is not time of a student's cell."""
    Highlight2HTML()("", "ipython3")


class _Looking(IPythonRenderer):
    """nbconvert's renderer, which notes what is more than text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.found: list[str] = []
        self.opened: list[tuple[str, str]] = []  # tags in their order: a slash or nothing, and the name

    @property
    def closed(self) -> bool:
        """Whether each tag has its end: one that has not would go on in the cells below."""
        open_now = Counter[str]()
        for end, name in self.opened:
            if name not in ("br", "hr"):
                open_now[name] += -1 if end else 1
                if open_now[name] < 0:
                    return False
        return not any(open_now.values())

    def block_html(self, markup: str) -> str:
        return self.inline_html(markup)

    def inline_html(self, markup: str) -> str:
        if "<" in MARKUP.sub("", markup):
            self.found.append(markup)
        self.opened += TAG.findall(markup.lower())
        return markup

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not LINK.fullmatch(html.unescape(url)):
            self.found.append(url)
        return super().link(text, url, title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        self.found.append(url)
        return ""

    def block_code(self, code: str, info: str | None = None) -> str:
        if not CODE.fullmatch((info or "").strip()):
            self.found.append(str(info))
            return ""
        return super().block_code(code, info)
