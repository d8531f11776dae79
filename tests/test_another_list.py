"""Another list of names, or another split: its own thresholds, told by text, check and build; nothing changes for the known list."""

import json
import math
import re

import pytest
import torch
import yaml
from conftest import ROOT, daily
from other_lists import course_of, five_thousand, shuffled, syllables
from rich.console import Console

from autograder.commands.bands import bands_table
from autograder.commands.build import write_sources
from autograder.course import known
from autograder.course.directory import load_course
from autograder.course.lecture import read_lecture
from autograder.course.names import Names
from autograder.course.thresholds import counting_loss, entropy, shift, table_loss
from autograder.course.wording import words_of
from autograder.errors import UserError
from autograder.grading.answer_key import compute_answers
from autograder.grading.cells import built_notebook
from autograder.grading.secret import public_facts
from autograder.judge.evaluation import Evaluation
from autograder.judge.training import diagnosis

LISTS = {"known": lambda: None, "95 of 100": lambda: shuffled(0.95), "5,000": five_thousand, "another language": syllables}


SPLIT = "another split"


@pytest.fixture(scope="module", params=daily(("known", "another language", SPLIT), (*LISTS, SPLIT)))
def other(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    return course_of(folder, LISTS.get(request.param, lambda: None)(), seed=7 if request.param == SPLIT else 42)


def losses(course):
    """Each trained model's exercise: lecture, id, rules as course.yml has them, and as they hold."""
    for lecture, entry in course.course.lectures.items():
        for name, rules in entry.exercises.items():
            if rules.loss:
                yield lecture, name, rules.loss, course.lecture(lecture).exercises[name].loss


def test_the_numbers_of_the_known_list_are_those_of_the_kits_own_functions(course):
    names = course.read_names()
    assert names.known() and not Names(names.all, 7).known() and not Names(names.all[1:], 42).known()
    assert len(names.contexts("train", 3)[1]) == known.TRAIN_ROWS and round(entropy(names), 4) == known.ENTROPY
    for split, counted in known.COUNTED.items():
        found = [round(counting_loss(names, split, context), 4) for context in (1, 2, 3, 8)]
        assert found == [*counted, counted[-1]]
    assert all(shift(names, loss) == 0 for _, _, loss, _ in losses(course))


def test_a_table_of_counts_is_that_of_the_plain_loop():
    names = Names(["anna", "anna", "ben", "nab", "nina", "bea", "ann", "ena", "abe", "ian", "ina", "eve"] * 2, 1)
    counts = {}
    for context, target in zip(*(t.tolist() for t in names.contexts("train", 2))):
        counts.setdefault(tuple(context), []).append(target)
    rows = list(zip(*(t.tolist() for t in names.contexts("dev", 2))))
    told = [(counts.get(tuple(c), []).count(y) + 0.3) / (len(counts.get(tuple(c), [])) + 27 * 0.3) for c, y in rows]
    assert math.isclose(table_loss(names, "dev", 2, 0.3), -sum(map(math.log, told)) / len(told), rel_tol=1e-9)


def test_nothing_changes_for_the_known_list(course):
    for _, name, written, holds in losses(course):
        assert holds is written, name


def test_bands_move_by_whole_hundredths_with_what_counting_reaches(other):
    names = other.read_names()
    for lecture, name, written, holds in losses(other):
        by = shift(names, written)
        assert list(holds.bands) == [pytest.approx(bound + by, abs=1e-9) for bound in written.bands], name
        assert list(holds.bands.values()) == list(written.bands.values()) and abs(100 * by - round(100 * by)) < 1e-9
        assert public_facts(other, lecture).rules(name).loss == holds  # what grading and a student's own check go by
        assert names.known() or holds.too_good is None and holds.notes is None


def test_counting_pairs_earns_what_it_earns_on_the_known_list(other):
    names = other.read_names()
    for _, name, _, holds in losses(other):
        reached = counting_loss(names, holds.split, 1)
        assert max((p for bound, p in holds.bands.items() if reached <= bound), default=0) == (1 if name == "train_trigram" else 0), name


def test_a_guess_earns_nothing(other):
    assert all(math.log(27) > max(holds.bands) for *_, holds in losses(other))


def test_the_text_states_the_thresholds_that_hold_and_no_number_of_the_known_list(other):
    stated = ("183,802", "2.3730", "2.4565", "2.2257", "2.1701", "2.1289", "2.0899", "2.1057", "1.993", "by frequency", "notes", "96 % of them")
    for lecture, name, _, holds in losses(other):
        write_sources(other, lecture)
        cells = json.loads(other.source(lecture).read_text())["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        text += "\n".join(extra["says"] for extras in json.loads(other.extras(lecture).read_text()).values() for extra in extras)
        assert "{{" not in text and "{%" not in text
        task = next("".join(cell["source"]) for cell in cells if f"*`{name}`" in "".join(cell["source"]))
        for bound in holds.bands:
            assert re.search(rf"\b{bound:g}0*\b", task), (name, bound)
        if not other.read_names().known():
            true = {said for *_, loss in losses(other) for bound in loss.bands for said in (f"{bound:.4f}", f"{bound:g}")}  # may lie where it was
            others = re.sub("The notes that this course follows trained this model.*", "", text)  # a number of theirs
            assert [said for said in stated if said in others and said not in true] == []


@pytest.mark.parametrize(
    "words, seed, mistakes",
    [
        pytest.param(None, 7, False, id="split, without mistakes"),
        pytest.param(None, 7, True, id="split", marks=pytest.mark.slow),
        pytest.param(shuffled(0.95), 42, True, id="95", marks=pytest.mark.slow),
        pytest.param(five_thousand(), 42, True, id="5,000", marks=pytest.mark.slow),
        pytest.param(syllables(), 42, True, id="language", marks=pytest.mark.slow),
    ],
)
def test_lecture_1_builds_but_for_its_trainings(words, seed, mistakes, tmp_path, runner):
    """Reference, oracles, mistakes and variants run; the models that take a training are left out here, and are tried by test_other_names.py."""
    course = course_of(tmp_path, words, seed)
    lecture = "lecture_1_trigram"
    trained = [name for name, rules in course.lecture(lecture).exercises.items() if rules.loss]
    data = yaml.safe_load((tmp_path / "course.yml").read_text())
    for name in trained:
        del data["lectures"][lecture]["exercises"][name]
    (tmp_path / "course.yml").write_text(yaml.safe_dump(data))
    path = course.solution(lecture)
    cells = re.split(r"(?m)^(?=# %%)", path.read_text())
    path.write_text("".join(cell for cell in cells if not any(f'="{name}"' in cell.splitlines()[0] for name in trained)))
    write_sources(course := load_course(tmp_path / "course.yml"), lecture)
    source, others = built_notebook(course.source(lecture)), json.loads(course.extras(lecture).read_text())
    if not mistakes:
        others = {name: [extra for extra in found if extra["kind"] != "mistake"] for name, found in others.items()}
    keys = compute_answers(course, lecture, source, others, public_facts(course, lecture), runner).keys  # or says what does not run
    assert not mistakes or sum(len(key.mistakes) for key in keys.values()) > 200
    assert sum(len(key.variants) for key in keys.values()) >= len(keys)


def test_an_instructors_own_bands_stay_as_they_are_written(tmp_path):
    course_of(tmp_path, five_thousand())
    text = (tmp_path / "course.yml").read_text()
    (tmp_path / "course.yml").write_text(text.replace("split_seed: 42", "split_seed: 42\n  bands: this_list"))
    course = load_course(tmp_path / "course.yml")
    assert all(holds is written for _, _, written, holds in losses(course))


def test_build_prints_the_bands_beside_what_counting_gets(other):
    table = bands_table(other, other.lectures())
    console = Console(width=160, record=True, file=open("/dev/null", "w"))
    console.print(table)
    said = console.export_text()
    assert table.row_count == 6 and ("known list" in said) and ("moved" in said) != other.read_names().known()
    for _, name, _, holds in losses(other):
        row = next(line for line in said.splitlines() if name in line)
        assert all(f"{bound:g}" in row for bound in holds.bands), row


def test_a_list_that_is_replaced_while_a_process_runs_has_its_own_bands(tmp_path):
    course = course_of(tmp_path)
    before = course.lecture("lecture_2_mlp").exercises["train_mlp"].loss
    (tmp_path / "names.txt").write_text("\n".join(five_thousand()) + "\n")
    assert min(course.lecture("lecture_2_mlp").exercises["train_mlp"].loss.bands) > min(before.bands) + 0.1


def test_an_empty_split_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="the names of course.yml cannot be read: 1 names are too few for three splits"):
        course_of(tmp_path, ["ann"]).lecture("lecture_1_trigram")


@pytest.mark.parametrize("text", ["{{ band('train_trigram', 9) }}", "{{ nothing }}", "{% if known %}", "{{ band('nobody', 1) }}"])
def test_a_text_that_asks_for_what_there_is_not_is_told_with_its_line(text, course, tmp_path):
    lecture = course.lecture("lecture_1_trigram")
    path = tmp_path / "lecture.py"
    path.write_text(course.solution("lecture_1_trigram").read_text().replace("# ## Symbols\n", f"# ## Symbols {text}\n"))
    with pytest.raises(UserError, match=r"lecture.py:\d+: this text cannot be made for this list of names"):
        read_lecture(path, lecture, words_of(course.read_names(), lecture))


def test_a_threshold_is_never_written_shorter_than_it_is(course):
    lecture = course.lecture("lecture_2_mlp")
    band = words_of(course.read_names(), lecture)["band"]
    assert band("train_mlp", 5) == "2.10" and band("train_mlp", 2, 2) == "2.1701"


def test_what_a_model_without_context_ends_at_is_that_of_the_list():
    logits, targets = torch.zeros(50, 27), torch.arange(50) % 27
    each = torch.full((50,), 3.0)
    said = [diagnosis(Evaluation(logits, torch.ones(50, 2), targets, each, each, each, {}, moved)) for moved in (0.0, 0.16)]
    assert "the entropy of single symbols, 2.82." in said[0] and "the entropy of single symbols, 2.98." in said[1]


def test_the_docs_tell_the_rule():
    text = (ROOT / "docs" / "operations.md").read_text()
    assert "nine tenths" in text and "bands: this_list" in text
