"""What the README says of the lectures is what course.yml says."""

import re

from conftest import ROOT

README = (ROOT / "README.md").read_text()
ROW = re.compile(
    r"^\| \[`(\w+)`\]\((\S+)\) \|[^|]*\| ([\d.]+) hours \| (\d+)(?: \+ (\d+))? \| \[[^]]*\]\((\S+)\) \|$", re.M
)


def test_the_syllabus_is_that_of_the_course(course):
    rows = {row[0]: row[1:] for row in ROW.findall(README)}
    assert list(rows) == list(course.course.lectures)
    for name, lecture in course.course.lectures.items():
        folder, hours, points, bonus, video = rows[name]
        exercises = lecture.exercises.values()
        minutes = sum(e.minutes for e in exercises)
        assert (ROOT / folder).is_dir() and video == lecture.video
        assert abs(60 * float(hours) - minutes) <= 30, minutes
        assert float(points) == sum(e.points - e.bonus_points for e in exercises)
        assert float(bonus or 0) == sum(e.bonus_points for e in exercises)
