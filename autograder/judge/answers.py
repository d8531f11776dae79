"""The answer key of a lecture for one set of seeds: what the reference, each mistake and each variant returned, and sketches of many more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from autograder.files import write_whole
from autograder.wall.record import Draw, Record, RecordError, decode, encode


@dataclass(frozen=True)
class Mistake:
    says: str  # to the student whose answer equals this record
    record: Record


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


@dataclass
class Answers:
    keys: dict[str, Key]  # by exercise
    facts: dict[str, Any]  # what the student's side needs of course.yml, versions, canary draw

    def save(self, path: Path) -> None:
        records, says = {}, {}
        catalogues: dict[str, Any] = {}
        sentences: dict[str, int] = {}  # many exercises share one
        for exercise, key in self.keys.items():
            records[f"{exercise}/reference"] = key.reference
            for number, mistake in enumerate(key.mistakes):
                records[f"{exercise}/mistake/{number}"] = without_looks(mistake.record)
                says[f"{exercise}/mistake/{number}"] = mistake.says
            for number, variant in enumerate(key.variants):
                records[f"{exercise}/variant/{number}"] = without_looks(variant)
            rows = {form: [sentences.setdefault(text, len(sentences)) for text in texts] for form, texts in key.catalogue.says.items()}
            catalogues[exercise] = {"made_of": key.catalogue.made_of, "says": rows}
            records[f"{exercise}/catalogue"] = Record(exercise, (Draw(dict(key.catalogue.sketches)),))
        known = {"catalogues": catalogues, "sentences": list(sentences)}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, encode(records, {"says": says, **known, **self.facts}))

    @classmethod
    def load(cls, path: Path) -> Answers:
        """Read a file that :meth:`save` wrote.

        Raises:
            RecordError: the file is damaged.
        """
        records, facts = decode(path.read_bytes())
        says, catalogues, sentences = facts.pop("says", {}), facts.pop("catalogues", {}), facts.pop("sentences", [])
        keys: dict[str, Key] = {}
        try:
            for exercise, *_ in map(_parts, records):
                keys[exercise] = Key(records[f"{exercise}/reference"])
            for name in sorted(records, key=_parts):  # "mistake/10" comes after "mistake/9", as in the lecture file
                exercise, kind, _ = _parts(name)
                if kind == "mistake":
                    keys[exercise].mistakes.append(Mistake(says[name], records[name]))
                elif kind == "variant":
                    keys[exercise].variants.append(records[name])
                elif kind == "catalogue":
                    told = {form: [sentences[number] for number in rows] for form, rows in catalogues[exercise]["says"].items()}
                    keys[exercise].catalogue = Catalogue(catalogues[exercise]["made_of"], records[name].draws[0].values, told)
        except (KeyError, IndexError, TypeError) as error:
            raise RecordError(f"{path} lacks {error}") from None
        except ValueError as error:
            raise RecordError(f"{path} has a record of another kind: {error}") from None
        return cls(keys, facts)


def without_looks(record: Record) -> Record:
    """What was seen at the calls of a known answer is not compared: the reference's alone is kept."""
    return replace(record, facts={name: fact for name, fact in record.facts.items() if name != "looks"})


def _parts(name: str) -> tuple[str, str, int]:
    """Exercise, kind and number of a record's name."""
    exercise, kind, number = f"{name}/0".split("/")[:3]
    return exercise, kind, int(number)
