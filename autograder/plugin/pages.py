"""The feedback page of ``nbgrader generate_feedback``, without a second reading of its own HTML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
from nbgrader.api import Gradebook

from autograder.plugin.folders import add_overlooked
from autograder.plugin.harmless import Highlighted
from autograder.plugin.interrupted import claim_for, drop_outdated, why_written_again
from autograder.plugin.lateness import agree_before, course_of, zone_of
from autograder.plugin.shown_grades import marked, shown_grades
from autograder.plugin.stamps import time_of

NO_ALT = re.compile(r"<img (?![^>]*\balt=)")


class FeedbackExporter(HTMLExporter):
    """nbconvert's page.

    Its exporter parses the finished page with BeautifulSoup to add alternative texts, two thirds of the time that a page
    takes; here they are added as text.
    """

    def __init__(self, config: Any = None, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        if getattr(self.parent, "assignments", None):
            agree_before(self.parent)
            zone = zone_of(course_of(self))
            self.parent.coursedir.get_existing_timestamp = lambda folder: time_of(Path(folder), zone)
            add_overlooked(self.parent)
            self._drop_outdated()

    def _drop_outdated(self) -> None:
        lecture = self.parent.coursedir.assignment_id
        with Gradebook(self.parent.coursedir.db_url, self.parent.coursedir.course_id) as gradebook:
            shown = {self.parent._format_dest(lecture, student): digest for student, digest in shown_grades(gradebook, lecture).items()}
        for said in drop_outdated(self.parent, lambda folder, source: why_written_again(folder, source, shown.get(str(folder), ""))):
            self.log.warning(said)

    def from_notebook_node(
        self, nb: Any, resources: dict[str, Any] | None = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        claim_for(self.parent, resources)
        digest = self._shown_now((resources or {}).get("nbgrader"))  # before the page reads them: what changes meanwhile is noticed the next time
        resources = self._init_resources(resources)
        self.register_filter("highlight_code", self.filters.get("highlight_code", Highlighted))
        widgets = WidgetsDataTypeFilter(notebook_metadata=self._nb_metadata, parent=self, resources=resources)
        self.register_filter("filter_data_type", widgets)
        page, resources = TemplateExporter.from_notebook_node(self, nb, resources, **kwargs)
        return marked(NO_ALT.sub('<img alt="a figure of this notebook" ', page), digest), resources

    def _shown_now(self, info: dict[str, str] | None) -> str:
        if not info:  # not one of nbgrader's conversions
            return ""
        with Gradebook(info["db_url"]) as gradebook:
            return shown_grades(gradebook, info["assignment"], info["student"]).get(info["student"], "")
