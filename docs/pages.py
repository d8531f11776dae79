"""What the site has beyond the pages of this folder: those of the repository's root, and two references that are made from the code.

mkdocs calls the functions by their names (mkdocs.yml: hooks).
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
FROM_ROOT = {"index.md": "README.md", "security.md": "SECURITY.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
PUBLIC = ("check", "check_loss", "fit", "hand_in")
PICTURE = re.compile(r'((?:src|srcset)=")docs/')
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)#\s]*)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add what is made here."""
    made = {page: with_links((ROOT / file).read_text(), "") for page, file in FROM_ROOT.items()}
    made["reference/course.md"] = reference_of((ROOT / "autograder" / "course" / "schema.py").read_text())
    made["reference/api.md"] = api()
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Let the pages of this folder point to others by where these stand on the site."""
    return markdown if page.file.src_uri in FROM_ROOT or page.file.src_uri.startswith("reference/") else with_links(markdown, "docs")


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:
    """An empty head of a table is no head."""
    return html.replace("<th></th>", "<td></td>")


def with_links(text: str, folder: str) -> str:
    """Links as the site has them; what is no page of it, such as a folder of the repository, is its name alone.

    Args:
        folder: that the text stands in, seen from the repository's root.
    """
    pages = {(ROOT / file).resolve(): page for page, file in FROM_ROOT.items()}
    pages |= {path.resolve(): path.name for path in (ROOT / "docs").glob("*.md")}

    def on_the_site(found: re.Match[str]) -> str:
        page = pages.get((ROOT / folder / found[2]).resolve())
        return f"[{found[1]}]({page}{found[3] or ''})" if page else found[1]

    return PICTURE.sub(r"\1", LINK.sub(on_the_site, text))


def reference_of(source: str) -> str:
    """A page about ``course.yml`` from its model: the keys of each part, their types, what holds without them, and what they are for."""
    lines, parts = source.splitlines(), []
    for part in ast.parse(source).body:
        keys = [line for line in getattr(part, "body", ()) if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)]
        if not isinstance(part, ast.ClassDef) or not keys:
            continue
        rows = [f"## {part.name}", "", ast.get_docstring(part) or "", "", "| key | type | without it | what |", "|---|---|---|---|"]
        for key in keys:
            comment = lines[(key.end_lineno or key.lineno) - 1][key.end_col_offset or 0 :].partition("#")[2].strip()
            name, default = alias_of(key.value) or ast.unparse(key.target), default_of(key.value)
            rows.append(f"| `{name}` | `{type_of(key.annotation)}` | {default} | {comment} |")
        parts.append("\n".join(row.replace("``", "`") for row in rows))
    assert parts, "the model has no parts"
    return "# course.yml, key by key\n\nMade from its model; a key that is not listed is an error.\n\n" + "\n\n".join(reversed(parts)) + "\n"


def default_of(value: ast.expr | None) -> str:
    if isinstance(value, ast.Call):
        if ast.unparse(value.func) != "Field":
            return "what stands there without its keys"
        value = next((word.value for word in value.keywords if word.arg == "default"), None)
    return "it must be there" if value is None else f"`{ast.unparse(value)}`"


def type_of(annotation: ast.expr) -> str:
    """As it is written, without what a validator adds to it."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated" and isinstance(annotation.slice, ast.Tuple):
        return type_of(annotation.slice.elts[0])
    if isinstance(annotation, ast.BinOp):
        return f"{type_of(annotation.left)} or {type_of(annotation.right)}"
    return ast.unparse(annotation)


def alias_of(value: ast.expr | None) -> str:
    words = value.keywords if isinstance(value, ast.Call) else []
    return next((str(word.value.value) for word in words if word.arg == "alias" and isinstance(word.value, ast.Constant)), "")


def api() -> str:
    """What a lecture file and a student's notebook may use."""
    names = [*(f"autograder.{name}" for name in PUBLIC), "autograder.names.load_names", "autograder.figures.drawn"]
    return "# What notebooks use\n\n" + "\n\n".join(f"::: {name}" for name in names) + "\n"
