"""What the README says of the lectures is what course.yml says; ``docs/attacks.md`` of the attacks, what they say themselves and what is measured."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT
from hostile import ATTACKS
from stock import plain

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


ATTACK_ROW = re.compile(r"^\| ([a-z0-9 ]+) \| (.+) \| (.+) \| (.+) \|$", re.M)
ATTACKS_PAGE = (ROOT / "docs" / "attacks.md").read_text()
ATTACK_ROWS = {found[0]: found[1:] for found in ATTACK_ROW.findall(ATTACKS_PAGE) if found[0] != "attack"}


def test_the_table_of_attacks_is_that_of_the_gauntlet():
    told = {name: (tries, here) for name, (tries, _, here) in ATTACK_ROWS.items()}
    assert told == {attack.name.replace("_", " "): (plain(attack.tries), plain(attack.ends)) for attack in ATTACKS}
    for attack in ATTACKS:
        alone = ATTACK_ROWS[attack.name.replace("_", " ")][1]
        assert alone.startswith("not tried:") == bool(attack.stock), attack.name


def test_its_summary_counts_its_rows():
    alone = [columns[1] for columns in ATTACK_ROWS.values()]
    tried = [words for words in alone if not words.startswith("not tried:")]
    gave = sum("did not earn" in words for words in tried)
    data = sum(any(sign in words for sign in ("gets at:", "heard by", "writes:", "live in")) for words in tried)
    said = f"Of {len(tried)} attacks tried, nbgrader alone gave away points in {gave}, data in {data}, and lost grading in"
    for page in (README, ATTACKS_PAGE):
        assert said in page and f"; {len(alone) - len(tried)} are not tried." in page


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]])
def test_links_between_pages_lead_somewhere(page):
    text = (ROOT / page).read_text()
    for target, place in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), target
        if place:
            titles = re.findall(r"^#+ (.+)$", path.read_text(), re.M)
            assert place in {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}, place


@pytest.mark.slow
@pytest.mark.parametrize("name", ["backward_plain", "reads_the_course", "script_in_outputs", "patches_comparisons"])
def test_nbgrader_alone_still_does_what_the_table_says(name):
    ended = subprocess.run([sys.executable, ROOT / "tests" / "stock.py", "--only", name], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    found = {found[0]: found[1:] for found in ATTACK_ROW.findall(ended.stdout)}
    assert found[name.replace('_', ' ')] == ATTACK_ROWS[name.replace('_', ' ')]
