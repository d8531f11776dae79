"""The feedback page of ``nbgrader generate_feedback``, without a second reading of its own HTML."""

from __future__ import annotations

import re
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter

NO_ALT = re.compile(r"<img (?![^>]*\balt=)")


class FeedbackExporter(HTMLExporter):
    """nbconvert's page.

    Its exporter parses the finished page with BeautifulSoup to add alternative texts, two thirds of the time that a page
    takes; here they are added as text.
    """

    def from_notebook_node(self, nb, resources: dict | None = None, **kwargs: Any):
        resources = self._init_resources(resources)
        highlight = self.filters.get("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=self))
        self.register_filter("highlight_code", highlight)
        widgets = WidgetsDataTypeFilter(notebook_metadata=self._nb_metadata, parent=self, resources=resources)
        self.register_filter("filter_data_type", widgets)
        page, resources = TemplateExporter.from_notebook_node(self, nb, resources, **kwargs)
        return NO_ALT.sub('<img alt="a figure of this notebook" ', page), resources
