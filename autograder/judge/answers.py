"""The answer key of a lecture for one set of seeds: what the reference, each mistake and each variant returned, and sketches of many more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autograder.files import write_whole
from autograder.judge.unsteady import Unsteady
from autograder.wall.record import Draw, Record, RecordError, decode, encode

Order = list[int | str]  # the values of a draw: a place among the reference's, where the two are the same, or a name of its own


@dataclass(frozen=True)
class Mistake:
    says: str  # to the student whose answer equals this record
    record: Record
    unsteady: Unsteady = ()  # what of it differs from machine to machine


@dataclass(frozen=True)
class Catalogue:
    """Wrong answers that nobody wrote down (``grading/catalogue.py``), as sketches of what they return."""

    made_of: str = ""  # digest of the code and sentences that it was made of
    sketches: dict[str, Tensor] = field(default_factory=dict)  # form -> one row for each answer
    says: dict[str, list[str]] = field(default_factory=dict)  # form -> a sentence for each row


@dataclass
class Key:
    """The answers to one exercise."""

    reference: Record
    mistakes: list[Mistake] = field(default_factory=list)
    variants: list[Record] = field(default_factory=list)
    catalogue: Catalogue = field(default_factory=Catalogue)
    marked: bool = False  # whether it was found out what of the mistakes is unsteady


@dataclass
class Answers:
    keys: dict[str, Key]  # by exercise
    facts: dict[str, Any]  # what the student's side needs of course.yml, versions, canary draw

    def save(self, path: Path) -> None:
        records: dict[str, Record] = {}
        says: dict[str, str] = {}
        catalogues: dict[str, Any] = {}
        sentences: dict[str, int] = {}  # many exercises share one
        right: dict[str, list[Order]] = {}
        for exercise, key in self.keys.items():
            records[f"{exercise}/reference"] = key.reference
            others = [("mistake", number, mistake.record) for number, mistake in enumerate(key.mistakes)]
            others += [("variant", number, variant) for number, variant in enumerate(key.variants)]
            for kind, number, record in others:
                name = f"{exercise}/{kind}/{number}"
                records[name], right[name] = _without_the_right(without_looks(record), key.reference)
            for number, mistake in enumerate(key.mistakes):
                if mistake.unsteady:
                    records[f"{exercise}/unsteady/{number}"] = Record(exercise, tuple(Draw(dict(moved)) for moved in mistake.unsteady))
            says |= {f"{exercise}/mistake/{number}": mistake.says for number, mistake in enumerate(key.mistakes)}
            rows = {form: [sentences.setdefault(text, len(sentences)) for text in texts] for form, texts in key.catalogue.says.items()}
            catalogues[exercise] = {"made_of": key.catalogue.made_of, "says": rows, "marked": key.marked}
            records[f"{exercise}/catalogue"] = Record(exercise, (Draw(dict(key.catalogue.sketches)),))
        known = {"catalogues": catalogues, "sentences": list(sentences), "right": right}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, encode(records, {"says": says, **known, **self.facts}, small=True))

    @classmethod
    def load(cls, path: Path) -> Answers:
        """Read a file that :meth:`save` wrote.

        Raises:
            RecordError: the file is damaged.
        """
        records, facts = decode(path.read_bytes(), small=True)
        says, catalogues, sentences = facts.pop("says", {}), facts.pop("catalogues", {}), facts.pop("sentences", [])
        right, keys = facts.pop("right", {}), dict[str, Key]()
        try:
            for exercise, *_ in map(_parts, records):
                keys[exercise] = Key(records[f"{exercise}/reference"])
            for name in sorted(records, key=_parts):  # "mistake/10" comes after "mistake/9", as in the lecture file
                exercise, kind, number = _parts(name)
                if kind == "mistake":
                    own = _with_the_right(records[name], right[name], keys[exercise].reference)
                    moved = records.get(f"{exercise}/unsteady/{number}")
                    keys[exercise].mistakes.append(Mistake(says[name], own, tuple(draw.values for draw in moved.draws) if moved else ()))
                elif kind == "variant":
                    keys[exercise].variants.append(_with_the_right(records[name], right[name], keys[exercise].reference))
                elif kind == "catalogue":
                    told = {form: [sentences[number] for number in rows] for form, rows in catalogues[exercise]["says"].items()}
                    keys[exercise].catalogue = Catalogue(catalogues[exercise]["made_of"], records[name].draws[0].values, told)
                    keys[exercise].marked = bool(catalogues[exercise].get("marked"))  # not in the files of an older kit
        except (KeyError, IndexError, TypeError) as error:
            raise RecordError(f"{path} lacks {error}") from None
        except ValueError as error:
            raise RecordError(f"{path} has a record of another kind: {error}") from None
        return cls(keys, facts)


def without_looks(record: Record) -> Record:
    """What was seen at the calls of a known answer is not compared: the reference's alone is kept."""
    return replace(record, facts={name: fact for name, fact in record.facts.items() if name != "looks"})


def sharing(record: Record, reference: Record) -> Record:
    """The same record, whose values are the reference's own objects where they are exactly its values: that need not be found out again."""
    return _with_the_right(*_without_the_right(record, reference), reference)


def _without_the_right(record: Record, reference: Record) -> tuple[Record, list[Order]]:
    """A record without the values that are exactly the reference's, and for each draw the order of all."""
    draws, orders = [], []
    for number, draw in enumerate(record.draws):
        theirs = reference.draws[number].values if number < len(reference.draws) else {}
        places = {name: place for place, name in enumerate(theirs)}
        order = [places[name] if name in theirs and identical(value, theirs[name]) else name for name, value in draw.values.items()]
        draws.append(replace(draw, values={name: draw.values[name] for name in order if isinstance(name, str)}))
        orders.append(order)
    return replace(record, draws=tuple(draws)), orders


def _with_the_right(record: Record, orders: list[Order], reference: Record) -> Record:
    draws = []
    for number, (draw, order) in enumerate(zip(record.draws, orders, strict=True)):
        theirs = list(reference.draws[number].values.items()) if number < len(reference.draws) else []
        draws.append(replace(draw, values=dict((name, draw.values[name]) if isinstance(name, str) else theirs[name] for name in order)))
    return replace(record, draws=tuple(draws))


def identical(value: Any, other: Any) -> bool:
    """Whether two values are the same to the last bit, and of the same type."""
    if value is other:
        return True
    if isinstance(value, Tensor) and isinstance(other, Tensor):
        return value.dtype == other.dtype and value.shape == other.shape and torch.equal(value, other)
    return type(value) is type(other) and not isinstance(value, Tensor) and repr(value) == repr(other)


def _parts(name: str) -> tuple[str, str, int]:
    """Exercise, kind and number of a record's name."""
    exercise, kind, number = f"{name}/0".split("/")[:3]
    return exercise, kind, int(number)
