"""The gradebook's URL, looked at before nbgrader meets it: what is wrong with it in a sentence, without a password."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

WHEELS = {"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}  # what pip calls them
FORMS = "Write sqlite:///gradebook.db, or dialect+driver://user:password@host/name such as postgresql+psycopg://…"


def usable(url: str) -> str:
    """The same URL, if this Python can open a gradebook with it. Where SQLAlchemy is not installed nothing is graded, and all are.

    Raises:
        ValueError: it is no URL of a database, or what opens such a database is not installed.
    """
    try:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    except ImportError:  # a student's install
        return url
    try:
        parsed = make_url(url)
        dialect = parsed.get_dialect()
    except NoSuchModuleError:
        raise ValueError(f"no kind of database is called {parsed.drivername!r}. {FORMS}") from None
    except (ArgumentError, ValueError):  # a port that is no number
        raise ValueError(f"this is not the URL of a database. {FORMS}") from None
    try:
        driver = dialect.import_dbapi()
    except ImportError as error:
        package = error.name or dialect.driver
        how = f"pip install {WHEELS.get(package, package)!r}"
        raise ValueError(f"{parsed.drivername} needs the Python package {package!r}, which is not installed here. Beside nbgrader: {how}") from None
    if dialect.name == "sqlite":
        _check_sqlite(parsed, dialect(), driver)
    return url


def _check_sqlite(url: URL, dialect, driver) -> None:  # type: ignore[no-untyped-def]  # SQLAlchemy's own, of a class without a public name
    if url.host or url.port:
        raise ValueError(f"an SQLite file stands behind three slashes: sqlite:///{url.host}{f'/{url.database}' if url.database else ''}")
    if not url.database or ":memory:" in url.database:
        raise ValueError("a gradebook in memory is lost when a command ends. Write sqlite:///gradebook.db")
    try:
        _, options = dialect.create_connect_args(url)
        driver.connect(":memory:", **options).close()
    except Exception as error:  # noqa: BLE001  whatever a wrong option leads SQLite's driver to
        raise ValueError(f"SQLite does not take what stands behind the question mark ({error})") from None


def shown(url: str) -> str:
    """A URL as it may stand on a screen: without its password."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


def file_of(url: str, root: Path) -> Path | None:
    """The file of an SQLite gradebook; a relative path begins in the course's folder. Other databases have none."""
    prefix = "sqlite:///"
    return root / url.removeprefix(prefix).partition("?")[0] if url.startswith(prefix) else None
