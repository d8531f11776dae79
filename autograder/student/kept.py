"""The files of one exercise's trainings: the one that counts, and beside it every other, none of which is ever overwritten."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch.nn.functional as F

from autograder.student import weights
from autograder.student.fingerprint import VERSION, change, same_code
from autograder.student.names import load_names
from autograder.student.run import Run
from autograder.student.snapshot import Snapshot
from autograder.wall.checkpoint import Checkpoint, load

SPLIT = "dev"  # on which trainings are compared; the test split is for the end
OLDER = Path("older_weights")  # a folder beside the notebook, which is not handed in


@dataclass
class Kept:
    """``<exercise>.safetensors``, and the older ones in a folder of their own.

    Args:
        context: T, the length of a context.
    """

    exercise: str
    context: int
    came_from: str = ""  # in words, the file that was taken up

    def __post_init__(self) -> None:
        self.came_from = self.path.name

    @property
    def path(self) -> Path:
        """The file that counts, and is handed in."""
        return Path(f"{self.exercise}.safetensors")

    def save(self, run: Run, code: dict[str, str]) -> None:
        """Write the training as it stands."""
        facts: dict[str, Any] = {
            "code": {"": VERSION, **code},
            "first": run.first,
            "steps": run.step,
            "seconds": round(run.seconds, 2),
            "core_seconds": round(run.core_seconds, 2),
            "finished": run.finished,
            "curve": run.curve,
        }
        if run.planned:
            facts["planned"] = run.planned
        if run.finished and (loss := self._loss(run.model)) is not None:
            facts["loss"] = loss
        weights.save(self.path, run.model, self.context, facts)

    def _loss(self, model: Any) -> float | None:
        """Mean negative log-likelihood (nats a symbol) on dev; ``None`` if the model cannot be asked."""
        before = Snapshot(model)
        try:
            contexts, targets = load_names().contexts(SPLIT, self.context)
            weights.evaluation_mode(model)
            loss = float(F.cross_entropy(weights.predict(model, contexts).float(), targets))
            return round(loss, 4) if loss == loss else None
        except Exception:  # noqa: BLE001  a student's model; the check tells what it raises
            return None
        finally:
            before.restore()

    def of_code(self, code: dict[str, str], begins_like: Callable[[list[float]], bool]) -> Checkpoint | None:
        """The training of this code, from whichever file it is in; that file is the one that counts from now on.

        Args:
            begins_like: whether the code begins with these losses: asked of files that another Python, or an older kit, has written.
        """
        found = _read(self.path) if self.path.exists() else None
        if found is not None:
            foreign = found.facts.get("code", {}).get("") != VERSION
            if _is_of(found, code) or foreign and begins_like(found.facts["first"]):
                return found
        older = {path: kept for path in self._others() if (kept := _read(path)) and _is_of(kept, code)}
        if not older:
            return None
        best = min(older, key=lambda path: (older[path].facts.get("loss", math.inf), -older[path].facts["steps"]))
        aside = self._swap(best)
        self.came_from = f"{best.as_posix()}, which is of this code and counts again as {self.path.name}"
        self.came_from += f"; what counted until now is kept in {aside}" if aside else ""
        return older[best]

    def set_aside(self, code: dict[str, str]) -> str:
        """Before other code trains: the file that counts joins the older ones; says what has changed and where it is."""
        if not self.path.exists():
            return ""
        found = _read(self.path)
        if found is None:
            return f"{self.path.name} cannot be read. Training afresh; the file is kept as {self.put_aside()}."
        before = {name: text for name, text in found.facts.get("code", {}).items() if name}
        changed = change(before, code) if before else "the code has changed"
        return f"Training afresh, because {changed}. {self._told(found)} are kept in {self.put_aside()}: go back to that code, and they count again."

    def _told(self, found: Checkpoint) -> str:
        facts = found.facts
        loss = f"loss {facts['loss']:.4f} on {SPLIT}, " if "loss" in facts else ""
        steps = facts.get("steps", 0)
        return f"The older weights ({loss}{steps:,} step{'' if steps == 1 else 's'})"

    def choose_best(self, code: dict[str, str]) -> list[str]:
        """Among the finished trainings of one code the one with the lowest loss counts; says so if there is a choice."""
        found = {path: kept for path in (self.path, *self._others()) if path.exists() and (kept := _read(path))}
        losses = {p: k.facts["loss"] for p, k in found.items() if _is_of(k, code) and "loss" in k.facts}
        if len(losses) < 2 or self.path not in losses:
            return []
        best = min(losses, key=lambda path: (losses[path], path != self.path))
        if best == self.path:
            return [f"The best of {len(losses)} trainings of this code counts: loss {losses[best]:.4f} on {SPLIT}."]
        return [
            f"An earlier training of this code is better and counts: loss {losses[best]:.4f} on {SPLIT}, this one has {losses[self.path]:.4f} and is "
            f"kept in {self._swap(best)}. Run the cell again to load the better one."
        ]

    def _others(self) -> Iterator[Path]:
        """In the folder, and beside the notebook, where an earlier kit has put them."""
        return (path for folder in (OLDER, Path()) for path in sorted(folder.glob(f"{self.exercise}.previous*.safetensors")))

    def put_aside(self) -> str:
        """The file that counts joins the older ones; where it is."""
        OLDER.mkdir(exist_ok=True)
        aside = next(path for path in _names(self.exercise, _read(self.path)) if not path.exists())
        self.path.replace(aside)
        return aside.as_posix()

    def _swap(self, other: Path) -> str:
        """The other file counts, and what counted joins the older ones; where it is. Who is killed in between finds both there."""
        aside = self.put_aside() if self.path.exists() else ""
        other.replace(self.path)
        return aside


def _is_of(found: Checkpoint, code: dict[str, str]) -> bool:
    told = found.facts.get("code", {})
    return told.get("") == VERSION and same_code({name: text for name, text in told.items() if name}, code)


def _names(exercise: str, found: Checkpoint | None) -> Iterator[Path]:
    """Such as tell a person what is in the file, and are not taken for the one that counts, wherever a platform puts them."""
    facts = found.facts if found else {}
    steps = f"-{facts['steps']}-steps" if "steps" in facts else ""
    loss = f"-loss-{facts['loss']:.4f}" if "loss" in facts else ""
    yield from (OLDER / f"{exercise}.previous{steps}{loss}{number}.safetensors" for number in itertools.chain([""], (f"-{n}" for n in itertools.count(2))))


def _read(path: Path) -> Checkpoint | None:
    try:
        found = load(path)
        return found if {"first", "steps", "seconds", "finished"} <= set(found.facts) else None
    except (ValueError, OSError):
        return None
