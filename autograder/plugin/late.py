"""The late rule of ``course.yml`` as nbgrader's plug-in."""

from __future__ import annotations

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float

DAY = 24 * 60 * 60


class LateRule(LateSubmissionPlugin):
    """So many per cent of the points reached for each day begun after the grace period."""

    percent_per_day = Float(0.0, help="Per cent of the points reached, for each day begun").tag(config=True)
    grace_minutes = Float(0.0, help="Minutes after the due date that cost nothing").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        late = math.floor(total_seconds_late) - 60 * self.grace_minutes  # a due time covers its whole second
        if late <= 0:
            return None
        return round(score * min(1.0, math.ceil(late / DAY) * self.percent_per_day / 100), 4)
