"""An answer key is the same after it was written and read."""

import pytest
import torch

from autograder.judge.answers import Answers, Key, Mistake
from autograder.wall.record import Draw, Record, RecordError, encode


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


@pytest.mark.parametrize("name", ["double/mistake/0", "double", "double/reference/x", "double/reference/0/0/0"])
def test_a_damaged_key_is_refused(tmp_path, name):
    (tmp_path / "answers").write_bytes(encode({name: record(0)}, {"says": {}}))
    with pytest.raises(RecordError):
        Answers.load(tmp_path / "answers")
