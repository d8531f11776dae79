"""The nbgrader plug-in: ``configure(c, __file__)`` in ``nbgrader_config.py`` is all that a course needs."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import sys
import traceback
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for

from autograder.course.directory import CourseDirectory, load_course
from autograder.course.gradebook import file_of
from autograder.errors import UserError

HERE = "autograder.plugin"
PICKLED = (".pt", ".pth", ".ckpt", ".pkl", ".pickle")  # a student's own code may read them, in its jail; nobody else does
KINDS = (".safetensors", ".txt", ".csv", ".json", ".py", ".md", ".npy", ".npz", *PICKLED, ".png", ".jpg", ".jpeg")  # beside a notebook
STOCK = "nbgrader.preprocessors"


def configure(c: Any, config_file: str) -> None:
    """Tell nbgrader where the course stands, and put this kit into its pipelines through their configurable lists.

    Args:
        c: traitlets' config object, as ``get_config()`` gives it.
        config_file: ``__file__`` of ``nbgrader_config.py``; ``course.yml`` stands beside it.

    Whatever goes wrong ends the command: nbgrader goes on without a configuration that fails, and would run each submission outside of the jail.
    """
    try:
        _configure(c, load_course(Path(os.path.relpath(Path(config_file).resolve().parent / "course.yml"))))
    except UserError as error:
        sys.exit(str(error))
    except Exception:  # noqa: BLE001  traitlets would only log it
        traceback.print_exc()
        sys.exit(f"Nothing is done: the course of {config_file} could not be set up. What is missing here says: autograder doctor")


def _configure(c: Any, course: CourseDirectory) -> None:
    own_commands_first()
    own_templates_first()
    keep_private(course)
    one_engine()
    one_validator()
    c.CourseDirectory.root = str(course.root)
    c.CourseDirectory.course_id = course.course.course
    c.CourseDirectory.db_url = absolute_gradebook(course)
    c.CourseDirectory.source_directory = "build/source"
    c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.partial"]
    c.CourseDirectory.max_file_size = -(-course.course.limits.largest_bytes // 1000)  # nbgrader's kilobytes have 1000 bytes
    c.ZipCollectApp.collector_plugin = f"{HERE}.platforms.PlatformCollector"
    c.FileNameCollectorPlugin.valid_ext = [".ipynb", *KINDS, ".html"]  # .html: a text that was typed in place of a file

    c.GenerateAssignment.exporter_class = f"{HERE}.release.ReleaseExporter"
    c.GenerateAssignment.preprocessors = release_preprocessors()
    c.Autograde.exporter_class = f"{HERE}.submission.SubmissionExporter"
    c.SubmissionExporter.optimistic_validation = True  # when all of a stage has run, not after each of its steps
    c.Autograde.sanitize_preprocessors = [
        f"{HERE}.submission.RestoreCells",
        *(f"{STOCK}.{name}" for name in ("ClearOutput", "DeduplicateIds", "OverwriteKernelspec")),
        f"{HERE}.saving.OverwriteCells",
        f"{STOCK}.CheckCellMetadata",
        f"{HERE}.clean.CleanCells",
    ]
    c.Autograde.autograde_preprocessors = [
        f"{HERE}.grading.RunSubmission",
        f"{HERE}.grading.GiveVerdicts",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        f"{STOCK}.LimitOutput",
        f"{HERE}.saving.SaveGrades",
        f"{STOCK}.AssignLatePenalties",
        f"{HERE}.resubmitted.KeepBetter",
        f"{HERE}.clean.CleanCells",
    ]
    c.GenerateFeedback.exporter_class = f"{HERE}.pages.FeedbackExporter"
    c.GenerateFeedback.preprocessors = [f"{HERE}.feedback.SayGrades", "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor"]
    c.FeedbackExporter.template_name = "exercises"
    c.FeedbackExporter.extra_template_paths = nbgraders_pages()
    c.HTMLExporter.filters = {  # of the formgrader's pages, too
        "highlight_code": f"{HERE}.harmless.Highlighted",
        "markdown2html": f"{HERE}.maths.markdown2html",
    }
    c.HTMLExporter.preprocessors = [f"{HERE}.beside_written.ShowMarking"]
    c.FeedbackExporter.preprocessors = []
    c.HTMLExporter.exclude_anchor_links = True  # a heading's id would stand for a cell's: the formgrader loses that cell's grade
    c.ClearMetadataPreprocessor.preserve_cell_metadata_mask = {"nbgrader"}
    c.ClearMetadataPreprocessor.preserve_nb_metadata_mask = {("language_info", "name"), "autograder"}
    c.CoursePreprocessor.course_file = str(course.root / "course.yml")
    c.ExportApp.plugin_class = f"{HERE}.export.CourseExport"
    c.ExchangeFactory.collect = f"{HERE}.collect.Collect"
    if course.course.late:
        c.AssignLatePenalties.plugin_class = f"{HERE}.late.LateRule"
        c.LateRule.percent_per_day = course.course.late.percent_per_day
        c.LateRule.grace_minutes = course.course.late.grace_minutes


def one_engine() -> None:
    """Let nbgrader keep its connection to a gradebook, and what it knows of the tables there: it asks for both a dozen times a submission."""
    from nbgrader import api
    from sqlalchemy.exc import SAWarning

    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own way with its session, in three paragraphs
    if hasattr(api.create_engine, "cache_info"):
        return
    api.create_engine = functools.cache(api.create_engine)
    begin, known = api.Gradebook.__init__, set[tuple[str, str, int]]()

    def init(self: Any, db_url: str, course_id: str = "default_course", authenticator: Any = None) -> None:
        file = file_of(db_url, Path())
        key = db_url, course_id, file.stat().st_ino if file and file.is_file() else 0
        if key not in known:
            begin(self, db_url, course_id, authenticator)
            known.add((*key[:2], file.stat().st_ino if file and file.is_file() else 0))
            return
        self.engine = api.create_engine(db_url, echo=False, future=True)  # its tables are there
        self.db = api.scoped_session(api.sessionmaker(autoflush=True, bind=self.engine, future=True))
        self.course_id, self.authenticator = course_id, authenticator

    api.Gradebook.__init__ = init


def one_validator() -> None:
    """Let nbgrader check the schema of its metadata once, not with every cell: 45 ms of a submission."""
    from nbgrader.nbgraderformat import common

    common.jsonschema = SimpleNamespace(validate=_validate)


def _validate(instance: Any, schema: dict[str, Any]) -> None:
    """As ``jsonschema.validate``.

    Raises:
        ValidationError: the instance is not as the schema says.
    """
    if error := best_match(_validator(json.dumps(schema)).iter_errors(instance)):
        raise error


@functools.cache
def _validator(schema: str) -> Any:
    found = json.loads(schema)
    kind = validator_for(found)
    kind.check_schema(found)
    return kind(found)


def keep_private(course: CourseDirectory) -> None:
    """What holds answers and grades is created for its owner alone; what is there keeps the mode that somebody gave it."""
    with contextlib.suppress(OSError):  # of another account, who may only look
        course.make_private()
        if (file := gradebook_file(course)) and not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def gradebook_file(course: CourseDirectory) -> Path | None:
    """Where the gradebook stands, if it is a file."""
    return file_of(course.course.gradebook, course.root)


def own_commands_first() -> None:
    """Put this environment's commands first on the path: nbgrader calls ``alembic`` by name, activated or not."""
    own = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if path[0] != own:
        os.environ["PATH"] = os.pathsep.join([own, *path])


def own_templates_first() -> None:
    """Let nbconvert find this kit's templates, for the feedback and for the formgrader's pages."""
    own = str(Path(__file__).parent / "templates")
    paths = os.environ.get("JUPYTER_PATH", "").split(os.pathsep)
    if own not in paths:
        os.environ["JUPYTER_PATH"] = os.pathsep.join([own, *filter(None, paths)])


def nbgraders_pages() -> list[str]:
    """Where nbgrader keeps its feedback page, which ours goes on from, and what that page includes."""
    found = importlib.util.find_spec("nbgrader")
    assert found is not None and found.submodule_search_locations
    formgrader = Path(found.submodule_search_locations[0], "server_extensions", "formgrader")
    return [str(formgrader / "templates"), str(formgrader / "static" / "node_modules" / "bootstrap" / "dist" / "css")]


def release_preprocessors() -> list[str]:
    """nbgrader's own list for ``generate_assignment``, with stubs that name their exercise and due dates from ``course.yml``."""
    before = ("IncludeHeaderFooter", "LockCells")
    after = ("ClearOutput", "CheckCellMetadata", "ComputeChecksums", "SaveCells")
    last = ("ClearHiddenTests", "ClearMarkScheme", "ComputeChecksums", "CheckCellMetadata")
    ours = [f"{HERE}.release.ClearNamedSolutions"]
    return [*_stock(before), *ours, *_stock(after), f"{HERE}.release.SaveDueDate", *_stock(last)]


def _stock(names: tuple[str, ...]) -> list[str]:
    return [f"{STOCK}.{name}" for name in names]


def absolute_gradebook(course: CourseDirectory) -> str:
    """The gradebook's URL, with an SQLite file of a relative path taken from the course's folder."""
    url = course.course.gradebook
    file = file_of(url, course.root)
    options = url.partition("?")[1] + url.partition("?")[2]
    return f"sqlite:///{file}{options}" if file else url
