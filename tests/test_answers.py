"""An answer key is the same after it was written and read."""

import base64
import zlib

import pytest
import safetensors.torch
import torch

from autograder.commands.build import same_answers
from autograder.course.schema import Exercise, Tolerance
from autograder.grading.catalogue import made_of
from autograder.judge.answers import Answers, Catalogue, Key, Mistake
from autograder.judge.numbers import tensor_of
from autograder.wall.facts import Facts
from autograder.wall.record import MAX_UNPACKED, SMALL, Draw, Record, RecordError, decode, encode

RULES = Exercise(title="x", points=1, minutes=1, difficulty=1)
FACTS = Facts("x", {"double": RULES}, Tolerance(), 42, 42, {"double": [1]}, "", []).to_json()


def record(value: float) -> Record:
    return Record("double", (Draw({"out": torch.tensor(value)}),))


def test_mistakes_and_variants_keep_the_order_of_the_lecture_file(tmp_path):
    """Also those that stand behind the tenth: a name's digits do not sort like numbers."""
    mistakes = [Mistake(f"You added {n}.", record(n)) for n in range(23)]
    Answers({"double": Key(record(0), mistakes, [record(n) for n in range(12)])}, {}).save(tmp_path / "answers")
    key = Answers.load(tmp_path / "answers").keys["double"]
    assert [m.says for m in key.mistakes] == [m.says for m in mistakes]
    assert [m.record.draws[0].values["out"].item() for m in key.mistakes] == list(range(23))
    assert [variant.draws[0].values["out"].item() for variant in key.variants] == list(range(12))


def test_what_a_mistake_has_right_is_written_once(tmp_path):
    """And comes back in its place and of its kind, whatever stands beside it."""
    large = torch.arange(10_000.0)
    right = {"a": large, "b": 1, "c": ["x", 2.0], "d": torch.tensor(0.0)}

    def records() -> list[Record]:
        same, wide, short = large.clone(), large.double(), large[:-1].clone()
        others = [{"d": torch.tensor(1.0), "a": same}, {"b": True, "a": wide, "more": 3}, {"c": ["x", 2], "a": short, "b": 1}, {}]
        return [Record("e", (Draw(values, named=True), Draw({"a": large.clone()}))) for values in others]

    reference = Record("e", (Draw(right, named=True), Draw({"a": large.clone()})))
    Answers({"e": Key(reference, [Mistake("m", r) for r in records()], records())}, {}).save(tmp_path / "answers")
    assert (tmp_path / "answers").stat().st_size < 9 * large.nbytes  # twice the reference's, and those that differ
    key = Answers.load(tmp_path / "answers").keys["e"]
    for before, *after in zip(records(), [m.record for m in key.mistakes], key.variants):
        for again in after:
            assert encode({"r": again}) == encode({"r": before})
            assert [list(draw.values) for draw in again.draws] == [list(draw.values) for draw in before.draws]


def test_answers_that_another_processor_rounds_otherwise_are_the_same(tmp_path):
    """A mistake may hang on a rounding; the reference may not, nor may the code of either."""

    def answers(reference: float, mistake: float, code: str = "a", marked: bool = True) -> Answers:
        made = Catalogue(made_of([], [{"source": code}]))
        return Answers({"double": Key(record(reference), [Mistake("You added.", record(mistake))], catalogue=made, marked=marked)}, FACTS)

    answers(1.0, 2.0).save(tmp_path / "answers")
    assert same_answers(tmp_path / "answers", answers(1.00001, 2.03))
    for other in (answers(1.01, 2.0), answers(1.0, 2.5), answers(1.0, 2.0, "b")):
        assert not same_answers(tmp_path / "answers", other)
    answers(1.0, 2.0, marked=False).save(tmp_path / "answers")
    assert not same_answers(tmp_path / "answers", answers(1.0, 2.0)), "of a kit that did not look for what is unsteady"


def test_a_list_is_what_it_is_and_not_what_it_equals():
    """What numbers a list holds is remembered by which list it is: 1 and True are equal, and told apart."""
    whole, truth = [1] * 9, [True] * 9
    assert whole == truth and tensor_of(whole).dtype == torch.int64 and tensor_of(truth).dtype == torch.bool
    assert tensor_of(whole) is tensor_of(whole) and tensor_of(["x"] * 9) is None


@pytest.mark.parametrize("name", ["double/mistake/0", "double", "double/reference/x", "double/reference/0/0/0"])
def test_a_damaged_key_is_refused(tmp_path, name):
    (tmp_path / "answers").write_bytes(encode({name: record(0)}, {"says": {}}, small=True))
    with pytest.raises(RecordError):
        Answers.load(tmp_path / "answers")


def test_the_json_of_answers_is_small_and_nobody_unpacks_a_strangers(tmp_path):
    many = {f"e/mistake/{number}": record(0) for number in range(300)}
    plain, small = encode(many, {}), encode(many, {}, small=True)
    assert len(small) < 0.7 * len(plain)
    with pytest.raises(RecordError):
        decode(small)
    huge = base64.b64encode(zlib.compress(b"[" + b" " * MAX_UNPACKED + b"]")).decode()
    bomb = safetensors.torch.save({}, metadata={SMALL: huge})
    with pytest.raises(RecordError):
        decode(bomb, small=True)
    assert {name: encode({"r": r}) for name, r in decode(small, small=True)[0].items()} == {name: encode({"r": r}) for name, r in decode(plain)[0].items()}
