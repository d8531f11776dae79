"""The steps of a training, seen from outside: what goes into the loss, and the gradients that come out of it.

Nothing of torch is replaced: a mode of torch's own is told of each call while it is on.  What is looked at is copied; the training goes on as
if nobody had looked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from autograder.student.leaves import Leaf, leaves_of, nodes_of

LOSSES = (F.cross_entropy.__name__, F.nll_loss.__name__)
INDEXED = ("__getitem__", "gather", "one_hot", "take_along_dim")  # by the targets, of a loss that is written out
LOOKED_UP = ("embedding", "one_hot", "index_select")
AS_NUMBERS = ("float", "to", "double", "type", "half", "mul", "__mul__", "__truediv__", "div")
FIRST = 3  # times the seconds, until the first loss: what is prepared before the loop
ROWS_OF = ("__getitem__", "index_select")
REMEMBERED = 40  # tensors of whole numbers, the last ones before a loss
Values = dict[str, Tensor]


class Enough(BaseException):
    """Breaks off a training that does not stop between two steps."""


@dataclass
class Drawn:
    """Where a batch was taken from: two tables of as many rows, and the rows that were asked for; all of them, where nothing else is known."""

    contexts: Tensor  # (n, T)
    targets: Tensor  # (n,)
    rows: Any = None  # an index


@dataclass
class Taken:
    """One step's loss at the moment when it is differentiated."""

    loss: float
    contexts: Tensor | None
    targets: Tensor | None
    before: Values  # of the model, by name
    kept: Values = field(default_factory=dict)  # gradients that were there before
    gradients: Values = field(default_factory=dict)  # that this loss has added
    training: bool | None = None  # whether any part of the model was in training mode
    logits: Tensor | None = None  # of the model on these contexts, at this moment
    yields: int = 0  # losses that were handed out before
    drawn: Drawn | None = None


class Watch(TorchFunctionMode):
    """On while a training runs.

    Args:
        context: T.
        steps: after so many the training is broken off.
        seconds: of the processor, that it may take.
        ask: the model's logits on contexts, as it stands; the training does not notice.
    """

    def __init__(self, context: int, steps: int, seconds: float, ask: Callable[[Any, Tensor], Tensor | None]) -> None:
        super().__init__()
        self.context, self.steps, self.ask = context, steps, ask
        self.seconds, self.until = seconds, time.process_time() + FIRST * seconds
        self.model: Any = None
        self.off = False
        self.taken: list[Taken] = []
        self.sources: set[int] = set()  # lengths of the tables of contexts that batches are taken from
        self.looked_up = self.as_numbers = False
        self.batch = 0  # rows of the last loss
        self.yields = 0
        self._contexts: list[Tensor] = []
        self._taken_from: list[tuple[Tensor, Tensor, Any, int]] = []  # rows, the table they come from, which, and after how many losses
        self._targets: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.off:
            return func(*args, **kwargs)
        if time.process_time() > self.until:
            raise Enough
        name = getattr(func, "__name__", "")
        differentiates = name in ("backward", "grad") and bool(args) and self.model is not None
        if differentiates:
            if not self.taken:
                self.until = time.process_time() + self.seconds
            self._quietly(self._loss, args)
            if len(self.taken) > self.steps:
                raise Enough
        out = func(*args, **kwargs)
        if differentiates:
            self._quietly(self._differentiated, name, args, kwargs, out)
        else:
            self._quietly(self._called, name, args, kwargs, out)
        return out

    def _quietly(self, look: Callable[..., None], *arguments: Any) -> None:
        """Whatever is looked at may be of any kind: what cannot be read is not seen."""
        self.off = True
        try:
            with torch.no_grad():
                look(*arguments)
        except Exception:  # noqa: BLE001  a student's objects
            return
        finally:
            self.off = False

    def _called(self, name: str, args: Any, kwargs: Any, out: Any) -> None:
        for tensor in _whole_numbers((*args, *kwargs.values())):
            if tensor.ndim == 2 and tensor.shape[1] == self.context:
                self._contexts = [*self._contexts[1 - REMEMBERED :], tensor]
                if (
                    name in AS_NUMBERS
                    and isinstance(out, Tensor)
                    and out.is_floating_point()
                    and out.shape == tensor.shape
                ):
                    self.as_numbers = True
            if name in ROWS_OF and tensor is args[0] and isinstance(out, Tensor) and out.shape[1:] == tensor.shape[1:] and tensor.ndim < 3:
                which = kwargs.get("index", args[-1])
                self._taken_from = [*self._taken_from[1 - REMEMBERED :], (out, tensor, which, len(self.taken))]
        if (
            name in LOOKED_UP
            or name == "__getitem__"
            and args[0].is_floating_point()
            and isinstance(args[1], Tensor)
            and args[1].dtype == torch.int64
        ):
            self.looked_up = True
        if name in LOSSES:
            target = args[1] if len(args) > 1 else kwargs["target"]
            self._targets = [target if target.ndim == 1 else target.argmax(1)]
            self.batch = len(target)
        elif name in INDEXED:
            rows = [t for t in _whole_numbers(args[1:] if name != "one_hot" else args)]
            if rows and (
                name != "__getitem__" or args[0].is_floating_point() and len(rows) <= 2 and isinstance(args[1], tuple)
            ):
                self._targets.append(rows[-1] if rows[-1].ndim == 1 else rows[-1].flatten())

    def _loss(self, args: Any) -> None:
        loss = args[0][0] if isinstance(args[0], (list, tuple)) else args[0]
        leaves = floats_of(self.model)
        targets = self._targets[-1] if self._targets else None
        candidates = {id(x): x for x in self._contexts if targets is not None and len(x) == len(targets)}
        contexts = self._which(list(candidates.values()), targets, float(loss.detach()))
        self._targets, self._contexts = [], []
        flags = [flag for node in nodes_of(self.model) if isinstance(flag := getattr(node, "training", None), bool)]
        taken = Taken(
            float(loss.detach()),
            contexts,
            targets,
            {leaf.name: leaf.tensor() for leaf in leaves},
            training=any(flags) if flags else None,
        )
        taken.kept = {name: gradient for name, gradient in _gradients(leaves)}
        taken.yields = self.yields
        if contexts is not None:
            source, rows = self._source(contexts)
            if self.taken and source is not contexts:
                self.sources.add(len(source))
            if targets is not None and len(source) == len(answers := self._source(targets)[0]):
                taken.drawn = Drawn(source, answers, rows)
        self.taken.append(taken)
        if contexts is not None:
            taken.contexts, taken.targets = contexts.clone(), targets.clone() if targets is not None else None
            taken.logits = self.ask(self.model, taken.contexts)

    def _which(self, candidates: list[Tensor], targets: Tensor | None, loss: float) -> Tensor | None:
        """What the model was called with, of the tensors that look like it: the first of which the loss is the one that was taken."""
        for contexts in candidates[:3] if targets is not None and len(candidates) > 1 else []:
            logits = self.ask(self.model, contexts)
            if logits is not None and targets is not None:
                mine = float(torch.nn.functional.cross_entropy(logits, targets[: len(logits)]))
                if abs(mine - loss) < 1e-4 * abs(loss):
                    return contexts
        return candidates[0] if candidates else None

    def _source(self, batch: Tensor) -> tuple[Tensor, Any]:
        """The table that a batch is taken from, and which rows of it: what was made for this step alone is none."""
        which = None
        for rows, table, index, losses in reversed(self._taken_from):
            if rows is batch and losses == len(self.taken):
                batch, which = table, index
        return batch, which

    def _differentiated(self, name: str, args: Any, kwargs: Any, out: Any) -> None:
        if not self.taken:
            return
        taken, leaves = self.taken[-1], floats_of(self.model)
        if name == "grad":
            inputs = args[1] if len(args) > 1 else kwargs["inputs"]
            inputs = list(inputs) if isinstance(inputs, (list, tuple)) or not isinstance(inputs, Tensor) else [inputs]
            found = {id(tensor): gradient for tensor, gradient in zip(inputs, out) if gradient is not None}
            taken.gradients = {
                leaf.name: found[id(leaf.value)].detach().clone() for leaf in leaves if id(leaf.value) in found
            }
            return
        for which, gradient in _gradients(leaves):
            taken.gradients[which] = gradient - taken.kept[which] if which in taken.kept else gradient


def floats_of(model: Any) -> list[Leaf]:
    """The tensors of floating-point numbers that a model holds."""
    return [
        leaf for leaf in leaves_of(model) if leaf.kind == "tensor" and leaf.ready and leaf.value.is_floating_point()
    ]


def _gradients(leaves: list[Leaf]) -> Iterator[tuple[str, Tensor]]:
    for leaf in leaves:
        if leaf.value.is_leaf and leaf.value.grad is not None:
            gradient = leaf.value.grad.detach()
            yield leaf.name, (gradient.to_dense() if gradient.is_sparse else gradient).clone()


def _whole_numbers(values: Any, depth: int = 0) -> list[Tensor]:
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            if value.dtype in (torch.int64, torch.int32, torch.int16, torch.uint8):
                found.append(value)
        elif isinstance(value, (list, tuple)) and depth < 1 and len(value) < 10:
            found += _whole_numbers(value, depth + 1)
    return found
