"""Downloads of learning platforms: whose file is whose, what is told, and that nothing is lost or written elsewhere."""

import io
import os
import shutil
import stat
import time
import unicodedata
import zipfile
from pathlib import Path

import pytest
from conftest import TINY, copy_course, copy_tiny
from converters import convert
from nbgrader.api import Gradebook
from traitlets.config import Config

from autograder.commands import collect as module
from autograder.commands.cli import main
from autograder.commands.collected import Collected
from autograder.commands.demo import nbgrader
from autograder.commands.demo_class import Submission, hand_in, solution_texts
from autograder.course.directory import CourseDirectory
from autograder.plugin import configure, own_commands_first
from autograder.plugin.platforms import canvas, moodle

NOTEBOOK, WEIGHTS = f"{TINY}.ipynb", "train_tiny.safetensors"
NFC, NFD = (unicodedata.normalize(form, "Jörg Müller") for form in ("NFC", "NFD"))
Tree = dict[str, bytes | str]


@pytest.fixture
def course(tmp_path) -> CourseDirectory:
    return copy_tiny(tmp_path / "course")


def zipped(tree: Tree) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for where, data in tree.items():
            archive.writestr(where, data)
    return made.getvalue()


def as_zip(tree: Tree, folder: Path) -> Path:
    (folder / "download.zip").write_bytes(zipped(tree))
    return folder / "download.zip"


def unpacked(tree: Tree, folder: Path) -> Path:
    for where, data in tree.items():
        path = folder / "download" / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder / "download"


def run(course: CourseDirectory, platform: str, download: Path, *words: object) -> int:
    return main(["--course", str(course.root / "course.yml"), "collect", TINY, str(download), "--from", platform, *map(str, words)])


def submitted(course: CourseDirectory) -> dict[str, dict[str, str]]:
    """By student each file's content."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((course.root / "submitted").rglob("*")):
        if path.is_file():
            student, lecture, *rest = path.relative_to(course.root / "submitted").parts
            assert lecture == TINY
            found.setdefault(student, {})["/".join(rest)] = path.read_bytes().decode(errors="replace")
    return found


C, M = "doejane_12345", "Jane Doe_12345_assignsubmission_file"
CASES: dict[str, tuple[str, Tree, dict[str, dict[str, str]], str]] = {
    "canvas": (
        "canvas", {f"{C}_678901_{NOTEBOOK}": "a", f"{C}_678902_{WEIGHTS}": "w", "li_7_8_x.ipynb": "b"},
        {C: {NOTEBOOK: "a", WEIGHTS: "w"}, "li_7": {"x.ipynb": "b"}}, "",
    ),
    "canvas_late": (
        "canvas", {f"doejane_LATE_12345_6_{NOTEBOOK}": "a"}, {C: {NOTEBOOK: "a"}}, "Marked as late by Canvas: 1 (doejane_12345).",
    ),
    "canvas_late_of_other_years": (
        "canvas", {f"doejane_late_1_6_{NOTEBOOK}": "a", f"roe--late_2_7_{NOTEBOOK}": "b"}, {"doejane_1": {NOTEBOOK: "a"}, "roe_2": {NOTEBOOK: "b"}},
        "2 (doejane_1, roe_2).",
    ),
    "canvas_again": (
        "canvas", {f"{C}_999_{NOTEBOOK}": "old", f"{C}_1000_{TINY}-1.ipynb": "new", f"{C}_1001_train_tiny-2.safetensors": "w"},
        {C: {NOTEBOOK: "new", WEIGHTS: "w"}}, "left out: 1. The newest counts.",
    ),
    "canvas_parts": (
        "canvas", {f"{C}_1_part-1.csv": "a", f"{C}_2_part-2.csv": "b", f"{C}_3_help-3.py": "c"},
        {C: {"part-1.csv": "a", "part-2.csv": "b", "help.py": "c"}}, "",
    ),
    "canvas_text": (
        "canvas", {f"{C}_text.html": "a", "li_7_link.html": "b"}, {C: {"text.html": "a"}, "li_7": {"link.html": "b"}},
        "Text and no file: 2 (doejane_12345, li_7).",
    ),
    "canvas_anonymous": (
        "canvas", {f"anon_x3Zq7_6_{NOTEBOOK}": "a", f"LATE_anon_B_7_{NOTEBOOK}": "b"}, {"anon_x3Zq7": {NOTEBOOK: "a"}, "anon_B": {NOTEBOOK: "b"}},
        "late by Canvas: 1 (anon_B)",
    ),
    "canvas_underscores": (
        "canvas", {f"van_der_berg_12_34_56_{NOTEBOOK}": "a"}, {"van_der_berg_12": {f"56_{NOTEBOOK}": "a"}}, "",
    ),
    "canvas_zip_of_a_student": (
        "canvas", {f"{C}_6_hw.zip": zipped({NOTEBOOK: "a"})},
        {C: {"hw.zip": zipped({NOTEBOOK: "a"}).decode(errors="replace")}}, "",
    ),
    "canvas_in_a_folder": (
        "canvas", {f"submissions/{C}_6_{NOTEBOOK}": "a", "submissions/notes.txt": "x", "submissions/.DS_Store": "x"}, {C: {NOTEBOOK: "a"}},
        "Not recognised: submissions/notes.txt.",
    ),
    "canvas_umlaut": (
        "canvas", {f"{unicodedata.normalize('NFD', 'müller')}_1_6_{NOTEBOOK}": "a", f"müller_1_7_{WEIGHTS}": "w"},
        {"müller_1": {NOTEBOOK: "a", WEIGHTS: "w"}}, "",
    ),
    "moodle": (
        "moodle", {f"{M}/{NOTEBOOK}": "a", f"{M}/models/{WEIGHTS}": "w"}, {"Jane Doe_12345": {NOTEBOOK: "a", f"models/{WEIGHTS}": "w"}}, "",
    ),
    "moodle_before_4_1": (
        "moodle", {f"{M}_/{NOTEBOOK}": "a", f"{M}_/__MACOSX/._x": "x", f"{M}_/.ipynb_checkpoints/x.ipynb": "x"}, {"Jane Doe_12345": {NOTEBOOK: "a"}},
        "",
    ),
    "moodle_flat": (
        "moodle", {f"{M}_{NOTEBOOK}": "a", f"{M}_{WEIGHTS}": "w"}, {"Jane Doe_12345": {NOTEBOOK: "a", WEIGHTS: "w"}}, "",
    ),
    "moodle_text_only": (
        "moodle", {"Jane Doe_1_assignsubmission_onlinetext/onlinetext.html": "a", "Li_2_assignsubmission_onlinetext_onlinetext.html": "b"},
        {"Jane Doe_1": {"onlinetext.html": "a"}, "Li_2": {"onlinetext.html": "b"}}, "Text and no file: 2",
    ),
    "moodle_text_and_file": (
        "moodle", {f"{M}/{NOTEBOOK}": "a", f"{M.replace('_file', '_onlinetext')}/onlinetext.html": "t"},
        {"Jane Doe_12345": {NOTEBOOK: "a", "onlinetext.html": "t"}}, "",
    ),
    "moodle_groups": (
        "moodle", {f"Team A_77_assignsubmission_file/{NOTEBOOK}": "a", f"Default group_assignsubmission_file/{NOTEBOOK}": "b"},
        {"Team A_77": {NOTEBOOK: "a"}, "Default group": {NOTEBOOK: "b"}}, "",
    ),
    "moodle_group_before_the_name": (
        "moodle", {f"Team A-Jane Doe_1_assignsubmission_file_/{NOTEBOOK}": "a"}, {"Team A-Jane Doe_1": {NOTEBOOK: "a"}}, "",
    ),
    "moodle_umlauts": (
        "moodle", {f"{NFD}_1_assignsubmission_file/{NOTEBOOK}": "a", f"{NFC}_1_assignsubmission_file/{WEIGHTS}": "w"},
        {f"{NFC}_1": {NOTEBOOK: "a", WEIGHTS: "w"}}, "",
    ),
    "moodle_same_name": (
        "moodle", {f"Li_1_assignsubmission_file/{NOTEBOOK}": "a", f"Li_2_assignsubmission_file/{NOTEBOOK}": "b"},
        {"Li_1": {NOTEBOOK: "a"}, "Li_2": {NOTEBOOK: "b"}}, "",
    ),
    "moodle_name_of_a_formula": (
        "moodle", {f'=A"1"_5_assignsubmission_file/{NOTEBOOK}': "a"}, {"A1_5": {NOTEBOOK: "a"}},
        '=A"1"_5 is called A1_5 here: the kit does not grade such a name.',
    ),
    "moodle_hidden_name": (
        "moodle", {f".Jane_5_assignsubmission_file/{NOTEBOOK}": "a"}, {"Jane_5": {NOTEBOOK: "a"}}, ".Jane_5 is called Jane_5 here",
    ),
    "moodle_names_that_become_one": (
        "moodle", {f"Li_1_assignsubmission_file/{NOTEBOOK}": "a", f"<Li>_1_assignsubmission_file/{NOTEBOOK}": "b"}, {"Li_1": {NOTEBOOK: "a"}},
        "<Li>_1 would get the id Li_1, which is that of Li_1.",
    ),
    "stamp": (
        "moodle", {f"{M}/timestamp.txt": "2027-01-01 10:00:00 UTC", f"{M}/{NOTEBOOK}": "a"},
        {"Jane Doe_12345": {NOTEBOOK: "a", "timestamp.txt": "2027-01-01 10:00:00 UTC"}},
        "timestamp.txt of their own, which counts: 1 (Jane Doe_12345)",
    ),
    "zip": (
        "zip", {f"ann/{NOTEBOOK}": "a", f"ben/{TINY}/{NOTEBOOK}": "b", "cem.ipynb": "c", "dee.zip": "z", ".DS_Store": "x", "read.me": "x"},
        {"ann": {NOTEBOOK: "a"}, "ben": {NOTEBOOK: "b"}, "cem": {NOTEBOOK: "c"}, "dee": {"dee.zip": "z"}}, "Not recognised: read.me.",
    ),
    "zip_packed_by_the_last_cell": (
        "zip", {f"ada_{TINY}-handin.zip": "a", f"{TINY}-handin (1)-ben.zip": "b", f"cem/{TINY}-handin.zip": "c", f"{TINY}-handin (2).zip": "d"},
        {"ada": {f"ada_{TINY}-handin.zip": "a"}, "ben": {f"{TINY}-handin (1)-ben.zip": "b"}, "cem": {f"{TINY}-handin.zip": "c"}},
        f"{TINY}-handin (2).zip does not say whose it is. Put the student's name before it",
    ),
    "canvas_packed": ("canvas", {f"{C}_1_{TINY}-handin.zip": "a"}, {C: {f"{TINY}-handin.zip": "a"}}, ""),
    "zip_umlauts": ("zip", {f"{NFD}/{NOTEBOOK}": "a", f"{NFC}/{WEIGHTS}": "w"}, {NFC: {NOTEBOOK: "a", WEIGHTS: "w"}}, ""),
    "zip_harmless": (
        "zip", {f"+ann/{NOTEBOOK}": "a", f"&/{NOTEBOOK}": "b"}, {"ann": {NOTEBOOK: "a"}},
        "& has no name under which it can be graded. Rename it in the download.",
    ),
}


@pytest.mark.parametrize("form", [as_zip, unpacked])
@pytest.mark.parametrize("case", CASES)
def test_each_file_comes_to_its_student(case, form, course, tmp_path, capsys):
    platform, tree, expected, told = CASES[case]
    assert run(course, platform, form(tree, tmp_path)) == 0
    said = capsys.readouterr().out
    assert submitted(course) == expected
    assert told in said and f"Next: autograder grade {TINY}" in said and "none was written" in said
    assert ("does not grade such a name" in said) == any(word in case for word in ("formula", "hidden", "harmless"))
    assert ("Not recognised" in said) == ("Not recognised" in told)
    assert not list(course.root.rglob("*.partial")) and not (course.build / "replaced").exists()
    again = run(course, platform, form(tree, tmp_path))
    row = capsys.readouterr().out.splitlines()[4].replace("│", " ").split()
    assert again == 0 and row == [str(len(expected)), "0", "0", str(len(expected))]


def test_what_one_student_packed_is_no_class(course, tmp_path, capsys):
    (tmp_path / f"{TINY}-handin.zip").write_bytes(zipped({NOTEBOOK: "a"}))
    assert run(course, "zip", tmp_path / f"{TINY}-handin.zip") == 1
    assert "is what one student hands in" in " ".join(capsys.readouterr().err.split()) and not (course.root / "submitted").exists()


def test_a_wrapping_folder_and_a_zip_in_a_folder_are_no_students(course, tmp_path):
    (tmp_path / "class.zip").write_bytes(zipped({f"class/ann/{NOTEBOOK}": "a", f"class/ben/{NOTEBOOK}": "b"}))
    assert run(course, "zip", tmp_path / "class.zip") == 0
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "submissions.zip").write_bytes(zipped({f"{C}_1_{NOTEBOOK}": "a"}))
    (tmp_path / "folder" / "li_2_3_hw.zip").write_bytes(b"z")
    assert run(course, "canvas", tmp_path / "folder") == 0
    assert set(submitted(course)) == {"ann", "ben", C, "li_2"}


def test_utf_8_that_is_not_marked_and_backslashes_are_read(course, tmp_path):
    data = zipped({f"mueller_1_2_{NOTEBOOK}": "a"}).replace(b"mueller", "müller".encode())
    (tmp_path / "canvas.zip").write_bytes(data)
    assert run(course, "canvas", tmp_path / "canvas.zip") == 0
    assert run(course, "zip", as_zip({f"ann\\{NOTEBOOK}": "a"}, tmp_path)) == 0
    assert set(submitted(course)) == {"müller_1", "ann"}


CANVAS_ROSTER = '''\
Student,ID,SIS User ID,SIS Login ID,Section,Homework (99)
    Points Possible,,,,,10
"Doe, Jane",12345,S1,jdoe,A,
"=""Roe, Rick""",7,S2,rroe,A,
"Li, X",8,S3,xli,A,
"Student, Test",9,,abcdef,A,
'''
ROSTERS: dict[str, tuple[str, str, Tree, set[str], str]] = {  # platform, table, download, ids, who is missing
    "canvas": (
        "canvas", CANVAS_ROSTER, {f"doejane_12345_1_{NOTEBOOK}": "a", f"li_8_2_{NOTEBOOK}": "b"}, {"jdoe", "xli"}, "Missing: 1 (rroe).",
    ),
    "a_number_decides": (
        "canvas", CANVAS_ROSTER, {f"doejane_99_1_{NOTEBOOK}": "a"}, {"doejane_99"},
        "Not on the roster, or not to be told from somebody else: 1 (doejane_99).",
    ),
    "canvas_by_name": (
        "canvas", "Name;E-Mail\nDoe, Jane;j@x.org\nLi;l@x.org\n", {f"doejane_99_1_{NOTEBOOK}": "a"}, {"j@x.org"}, "Missing: 1 (l@x.org).",
    ),
    "moodle_worksheet": (
        "moodle", "Identifier,Full name,Email address\nParticipant 5,Jane Doe,j@x.org\nParticipant 6,Jane Doe,j2@x.org\n",
        {f"Jane Doe_6_assignsubmission_file/{NOTEBOOK}": "a"}, {"j2@x.org"}, "Missing: 1 (j@x.org).",
    ),
    "moodle_numbers_of_groups": (
        "moodle", "Identifier,Full name,Username\nParticipant 5,Jane Doe,jd\nParticipant 6,Li,li\n",
        {f"Team A_5_assignsubmission_file/{NOTEBOOK}": "a", f"Participant_6_assignsubmission_file/{NOTEBOOK}": "b"},
        {"Team A_5", "li"}, "Not on the roster, or not to be told from somebody else: 1 (Team A_5).",
    ),
    "moodle_grades": (
        "moodle", f"\ufeffFirst name,Last name,ID number,Email address\nMary,O'Neil,4,m@x.org\nJörg,{NFD.split()[1]},5,\n",
        {f"Mary ONeil_1_assignsubmission_file/{NOTEBOOK}": "a", f"{NFC}_2_assignsubmission_file/{NOTEBOOK}": "b"}, {"m@x.org", "5"},
        "Nobody is missing.",
    ),
    "moodle_groups": (
        "moodle", "Full name,Username\nJane Doe,jd\n", {f"Team A-Jane Doe_6_assignsubmission_file_/{NOTEBOOK}": "a"}, {"jd"},
        "was taken for jd: what stands before a hyphen can be a group.",
    ),
    "moodle_two_of_a_name": (
        "moodle", "Full name,Username\nJane Doe,jd\nJane Doe,jd2\n", {f"Jane Doe_6_assignsubmission_file/{NOTEBOOK}": "a"}, {"Jane Doe_6"},
        "Missing: 2 (jd, jd2).",
    ),
    "moodle_two_for_one": (
        "moodle", "Full name,Username\nLi,li\n", {f"Li_6_assignsubmission_file/{NOTEBOOK}": "a", f"Li_7_assignsubmission_file/{NOTEBOOK}": "b"},
        {"Li_6", "Li_7"}, "Li_6 and another one fit li of the roster; each keeps the platform's name.",
    ),
    "any": (
        "zip", "login\tname\nann\tAnn A\nben\tBen B\n", {f"ANN/{NOTEBOOK}": "a", f"Ben B/{NOTEBOOK}": "b"}, {"ann", "ben"}, "Nobody is missing.",
    ),
    "only_names": ("zip", "name\nAnn A\nBen B\n", {f"Ann A/{NOTEBOOK}": "a"}, {"Ann A"}, "Missing: 1 (Ben B)."),
    "harmless": ("zip", "login,name\n../../up,Ann A\n", {f"Ann A/{NOTEBOOK}": "a"}, {"up"}, "Nobody is missing."),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("case", ROSTERS)
def test_a_roster_names_students_and_who_is_missing(case, encoding, course, tmp_path, capsys):
    platform, table, tree, expected, told = ROSTERS[case]
    (tmp_path / "class.csv").write_bytes(table.encode(encoding))
    assert run(course, platform, as_zip(tree, tmp_path), "--roster", tmp_path / "class.csv") == 0
    assert set(submitted(course)) == expected
    said = capsys.readouterr().out
    assert told in said and "test" not in said.lower().replace("newest", "").partition("download holds")[0]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("a,b\n1,2\n", "none of its columns (a, b) says who somebody is"),
        ("login\n\n", "there is nobody in it"),
        ("login,name\nx,A\nx,B\n", "two people have the id x"),
        ("", "has no rows"),
        ("login\n" + "x" * 200_000, "cannot be read as a CSV file"),
    ],
)
def test_a_roster_that_is_none_is_one_sentence(table, told, course, tmp_path, capsys):
    (tmp_path / "class.csv").write_text(table)
    assert run(course, "canvas", as_zip({f"{C}_1_{NOTEBOOK}": "a"}, tmp_path), "--roster", tmp_path / "class.csv") == 1
    said = capsys.readouterr().err
    assert told in said and "Traceback" not in said and not (course.root / "submitted").exists()


def test_who_has_a_date_is_not_told_to_give_one(course):
    late = Collected(new=["ada"], late=["ada"])
    said = [" ".join(late.sentences(TINY, course.root, due=due)) for due in (False, True)]
    assert [f"give {TINY} a due:" in one for one in said] == [True, False] and all("write the time into" in one for one in said)


def test_what_is_replaced_is_kept_and_what_is_the_same_is_not_touched(course, tmp_path, capsys):
    def hand_in_all(**notebooks: str) -> str:
        assert run(course, "zip", as_zip({f"{student}/{NOTEBOOK}": text for student, text in notebooks.items()}, tmp_path)) == 0
        return capsys.readouterr().out

    hand_in_all(ann="1", ben="1")
    place = course.root / "submitted" / "ann" / TINY
    (place / "timestamp.txt").write_text("2027-01-01 10:00:00 UTC")  # the instructor's
    before = (place / NOTEBOOK).stat().st_ino, place.stat().st_ino
    said = hand_in_all(ann="1", ben="2")
    assert ((place / NOTEBOOK).stat().st_ino, place.stat().st_ino) == before and (place / "timestamp.txt").exists()
    (kept,) = (course.build / "replaced" / TINY / "ben").iterdir()
    assert (kept / NOTEBOOK).read_text() == "1" and submitted(course)["ben"] == {NOTEBOOK: "2"}
    assert f"ben has handed in other work; what was there before is in build/replaced/{TINY}/ben/{kept.name}." in said
    for folder in (kept, kept.parent, kept.parent.parent, kept.parent.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert ", with its timestamp.txt." in hand_in_all(ann="2") and not (place / "timestamp.txt").exists()
    hand_in_all(ben="3")
    assert sorted((path / NOTEBOOK).read_text() for path in kept.parent.iterdir()) == ["1", "2"]


def test_it_goes_on_where_it_was_interrupted(course, tmp_path, monkeypatch):
    download = as_zip({f"{student}/{name}": student for student in ("ann", "ben") for name in (NOTEBOOK, WEIGHTS)}, tmp_path)
    times: list[int] = []

    def stop(*arguments: object) -> None:
        times.append(1)
        if len(times) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "utime", stop)
        patch.setattr(module, "_remove", lambda path: None)  # as if killed
        assert run(course, "zip", download) == 130
    assert list((course.root / "submitted" / "ben").iterdir()) == [course.root / "submitted" / "ben" / f"{TINY}.partial"]
    assert run(course, "zip", download) == 0
    assert submitted(course) == {student: {NOTEBOOK: student, WEIGHTS: student} for student in ("ann", "ben")}


def test_who_is_missing_comes_from_the_gradebook_too(course, tmp_path, capsys):
    own_commands_first()
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:
        for student in ("ann", "ben"):
            gradebook.add_student(student)
    assert run(course, "zip", as_zip({f"ann/{NOTEBOOK}": "a"}, tmp_path)) == 0
    assert "Missing: 1 (ben)." in capsys.readouterr().out


def test_names_of_the_roster_stand_in_the_gradebook_for_the_formgrader(course, tmp_path):
    own_commands_first()
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:
        gradebook.add_student("roe", first_name="Rebecca")
    rows = ['"Doe, Jane",12345,,doejane,', '"Roe, Richard",7,,roe,', '"Li <b>, =Mei",8,,li,', '"Missing, M.",9,,missing,']
    (tmp_path / "class.csv").write_text("Student,ID,SIS User ID,SIS Login ID,Section\n" + "\n".join(rows))
    tree = {f"{C}_1_{NOTEBOOK}": "a", f"roe_7_2_{NOTEBOOK}": "b", f"li_8_3_{NOTEBOOK}": "c"}
    assert run(course, "canvas", as_zip(tree, tmp_path), "--roster", tmp_path / "class.csv") == 0
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:
        found = {student.id: (student.first_name, student.last_name) for student in gradebook.students}
    assert found == {"doejane": ("Jane", "Doe"), "roe": ("Rebecca", "Roe"), "li": ("Mei", "Li b")}


def test_a_gradebook_that_cannot_be_read_keeps_nobody_from_collecting(course, tmp_path, capsys):
    own_commands_first()
    (course.root / "gradebook.db").write_bytes(b"no database at all" * 100)
    (tmp_path / "class.csv").write_text('Student,ID,SIS User ID,SIS Login ID,Section\n"Doe, Jane",12345,,doejane,\n')
    assert run(course, "canvas", as_zip({f"{C}_1_{NOTEBOOK}": "a"}, tmp_path), "--roster", tmp_path / "class.csv") == 0
    said = capsys.readouterr().out
    assert submitted(course) == {"doejane": {NOTEBOOK: "a"}} and "The gradebook did not take the names of the roster: " in said and "Traceback" not in said


def linked() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        info = zipfile.ZipInfo(f"li_1_2_{NOTEBOOK}")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.writestr("doe_1_2_x.txt", "x")
    return made.getvalue()


def encrypted() -> bytes:
    data = bytearray(zipped({f"li_1_2_{NOTEBOOK}": "a", "doe_1_2_x.txt": "x"}))
    for mark, at in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(zipped({f"li_1_2_{NOTEBOOK}": "a" * 1000, "doe_1_2_x.txt": "x"}))
    at = data.index(b"ipynb") + 6
    data[at : at + 4] = b"\xff\xff\xff\xff"
    return bytes(data)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "bomb": (zipped({f"li_1_2_{NOTEBOOK}": b"0" * 70_000_000, "doe_1_2_x.txt": "x"}), "is larger than 60 MB"),
    "upwards": (zipped({f"../li_1_2_{NOTEBOOK}": "a", f"li_1_2_{NOTEBOOK}/../../../up": "b", "doe_1_2_x.txt": "x"}), "leads out of the zip"),
    "absolute": (zipped({f"/tmp/li_1_2_{NOTEBOOK}": "a", f"C:\\li_1_2_{NOTEBOOK}": "a", "doe_1_2_x.txt": "x"}), "leads out of the zip"),
    "link": (linked(), f"li_1_2_{NOTEBOOK} is a link"),
    "encrypted": (encrypted(), f"li_1_2_{NOTEBOOK} is encrypted"),
    "damaged": (damaged(), "Nothing of li_1 was collected, and what was there stays: "),
    "file_and_folder": (zipped({"li_1_2_a": "a", "li_1_2_a/b": "b", "doe_1_2_x.txt": "x"}), "Nothing of li_1 was collected"),
    "long": (zipped({f"li_1_2_{'x' * 300}.ipynb": "a", "doe_1_2_x.txt": "x"}), "is no name that can be kept"),
    "escape": (zipped({"\x1b[2Jli.ipynb": "a", "doe_1_2_x.txt": "x"}), "Not recognised: \N{REPLACEMENT CHARACTER}[2Jli.ipynb"),
    "thousands": (zipped({f"li_1_2_{number}.txt": "" for number in range(1100)} | {"doe_1_2_x.txt": "x"}), "Not taken: 100 of the files of li_1"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_hostile_costs_only_its_own_student_and_writes_nowhere_else(case, course, tmp_path, capsys):
    data, told = HOSTILE[case]
    (tmp_path / "download.zip").write_bytes(data)
    before = {path for path in tmp_path.rglob("*") if "submitted" not in path.parts}
    assert run(course, "canvas", tmp_path / "download.zip") == 0
    said = capsys.readouterr()
    assert told in said.out and "Traceback" not in said.err
    found = submitted(course)
    assert found.pop("doe_1") == {"x.txt": "x"} and (case == "thousands") == bool(found)
    own = {course.build, course.build / "collected", course.build / "collected" / f"{TINY}.json"}
    assert {path for path in tmp_path.rglob("*") if "submitted" not in path.parts} == before | own


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"PK\3\4 and nothing", "cannot be read"),
        (b"", "cannot be read"),
        (zipped({"a.txt": "x"}), "Is --from right?"),
        (None, "there is no such folder or zip"),
    ],
)
def test_what_is_no_download_ends_with_a_sentence(data, told, course, tmp_path, capsys):
    if data is not None:
        (tmp_path / "download.zip").write_bytes(data)
    assert run(course, "canvas", tmp_path / "download.zip") == 1
    said = capsys.readouterr().err
    assert told in said and "Traceback" not in said and not (course.root / "submitted").exists()


def test_links_in_the_download_and_in_the_course_are_not_followed(course, tmp_path, capsys):
    download = unpacked({f"ann/{NOTEBOOK}": "a", f"ben/{NOTEBOOK}": "b"}, tmp_path)
    (download / "ann" / "secret.txt").symlink_to("/etc/passwd")
    (download / "cem").symlink_to("/etc")
    os.mkfifo(download / "ann" / "pipe")
    (tmp_path / "elsewhere").mkdir()
    (course.root / "submitted").mkdir()
    (course.root / "submitted" / "ben").symlink_to(tmp_path / "elsewhere")
    assert run(course, "zip", download) == 0
    said = capsys.readouterr().out
    assert submitted(course) == {"ann": {NOTEBOOK: "a"}} and not list((tmp_path / "elsewhere").iterdir())
    assert "cem is a link" in said and "ann/pipe is a link or no plain file" in said and "Nothing of ben was collected" in said


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(course, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "SPARE", 1 << 60)
    assert run(course, "canvas", as_zip({f"{C}_1_{NOTEBOOK}": "a"}, tmp_path)) == 1
    assert "Nothing was collected." in capsys.readouterr().err and not (course.root / "submitted").exists()


def test_a_large_class_takes_seconds(course, tmp_path):
    download = as_zip({f"s{number}_{number}_{number}_{name}": "a" for number in range(1000) for name in (NOTEBOOK, WEIGHTS)}, tmp_path)
    begun = time.monotonic()
    assert run(course, "canvas", download) == 0
    assert len(submitted(course)) == 1000 and time.monotonic() - begun < 60


@pytest.mark.parametrize("name", ["lecture_1_trigram.ipynb", "notes.txt", "12_34_x.ipynb", "_1_2", "a_1_2_", "x_assignsubmission_"])
def test_other_names_say_nothing(name):
    assert canvas(name) is None and moodle(name) is None


def work(assigned, folder: Path) -> tuple[CourseDirectory, Path]:
    """A course, and one right submission of it with weights, by somebody who handed it in elsewhere."""
    course = copy_course(assigned, folder)
    done = hand_in(course, folder, TINY, Submission("ann", solution_texts(course, TINY), {}))
    shutil.copyfile(next(assigned.weights(TINY).glob("*.safetensors")), done / WEIGHTS)
    (folder / "submitted").rename(folder.with_name("elsewhere"))
    return course, folder.with_name("elsewhere") / "ann" / TINY


def test_nbgrader_zip_collect_needs_no_regular_expression(assigned, tmp_path):
    course, done = work(assigned, tmp_path / "course")
    archive = course.root / "downloaded" / TINY / "archive"
    archive.mkdir(parents=True)
    notebook, weights = (done / NOTEBOOK).read_bytes(), (done / WEIGHTS).read_bytes()
    tree = {f"{C}_999_{NOTEBOOK}": b"{}", f"{C}_1000_{TINY}-1.ipynb": notebook, f"{C}_1001_{WEIGHTS}": weights, f"{C}_1002_help.py": b""}
    tree["li_LATE_7_text.html"] = b""
    tree["roe_9_10_hw.zip"] = zipped({f"hw/{NOTEBOOK}": notebook, f"__MACOSX/hw/._{NOTEBOOK}": b"x"})
    tree[f"{M}/{NOTEBOOK}"] = notebook
    (archive / "submissions.zip").write_bytes(zipped(tree))
    said = nbgrader(course.root, "zip_collect", TINY)
    assert "Regular expression" not in said and "Another upload of the same name" in said
    found = submitted(course)
    assert {student: set(files) for student, files in found.items()} == {
        C: {NOTEBOOK, WEIGHTS, "help.py"}, "li_7": {"text.html"}, "roe_9": {f"hw/hw/{NOTEBOOK}"}, "Jane Doe_12345": {NOTEBOOK}
    }
    assert found[C][NOTEBOOK] == notebook.decode()


def test_a_class_is_collected_and_graded_and_its_weights_count(assigned, runner, tmp_path):
    course, done = work(assigned, tmp_path / "course")
    notebook, weights = (done / NOTEBOOK).read_bytes(), (done / WEIGHTS).read_bytes()
    tree = {f"{C}_1_{NOTEBOOK}": notebook, f"{C}_2_{WEIGHTS}": weights, f"li_7_3_{NOTEBOOK}": notebook}
    tree["roe_8_4_hw.zip"] = zipped({NOTEBOOK: notebook, WEIGHTS: weights})
    tree["text_9_text.html"] = b"I could not"
    assert run(course, "canvas", as_zip(tree, tmp_path)) == 0
    convert(course.root, "autograde", TINY, runner)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db", "tiny") as gradebook:
        scores = {student: gradebook.find_submission(TINY, student).score for student in submitted(course)}
    assert scores[C] == scores["roe_8"] == 14 and scores["text_9"] == 0
    assert (course.root / "autograded" / C / TINY / WEIGHTS).is_file() and not (course.root / "autograded" / "li_7" / TINY / WEIGHTS).exists()


def test_nbgrader_keeps_every_file_that_the_limits_allow(course):
    config = Config()
    configure(config, str(course.root / "nbgrader_config.py"))
    limits = course.course.limits
    assert config.CourseDirectory.max_file_size * 1000 >= max(limits.file_mb, 3 * limits.notebook_mb) << 20
    assert {".ipynb", ".safetensors", ".py", ".txt"} <= set(config.FileNameCollectorPlugin.valid_ext)
