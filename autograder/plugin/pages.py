"""The feedback page of ``nbgrader generate_feedback``, without a second reading of its own HTML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter

from autograder.plugin.folders import add_overlooked
from autograder.plugin.harmless import Highlighted
from autograder.plugin.interrupted import claim_for, drop_outdated, why_written_again
from autograder.plugin.lateness import agree_before, course_of, zone_of
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
            for said in drop_outdated(self.parent, why_written_again):
                self.log.warning(said)

    def from_notebook_node(
        self, nb: Any, resources: dict[str, Any] | None = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        claim_for(self.parent, resources)
        resources = self._init_resources(resources)
        self.register_filter("highlight_code", self.filters.get("highlight_code", Highlighted))
        widgets = WidgetsDataTypeFilter(notebook_metadata=self._nb_metadata, parent=self, resources=resources)
        self.register_filter("filter_data_type", widgets)
        page, resources = TemplateExporter.from_notebook_node(self, nb, resources, **kwargs)
        return NO_ALT.sub('<img alt="a figure of this notebook" ', page), resources
