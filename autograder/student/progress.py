"""The progress of a training: a bar in a terminal, a bar and a loss curve in JupyterLab."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any

from tqdm import tqdm

from autograder.course.inline import in_code

REFRESH_SECONDS = 0.5  # often enough to watch, seldom enough to cost nothing
PACE_SECONDS = 3.0  # the first steps are slower than the others
POINTS = 160  # of the loss curve


def in_notebook() -> bool:
    """True where HTML is shown: a Jupyter kernel, not a terminal."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None


class Progress:
    """Shows steps, loss and time of one training.

    Args:
        exercise: its id.
        steps: how many there will be, or ``None``.
        note: a line to show first.
        report: told the exercise, the step, of how many, and the loss, in the place of a picture.
    """

    def __init__(
        self, exercise: str, steps: int | None, note: str = "", report: Callable[..., None] | None = None
    ) -> None:
        self.exercise, self.steps, self.note, self.report = exercise, steps, note, report
        self.last = 0.0
        self.handle: Any = None
        self.bar: tqdm | None = None

    def __enter__(self) -> Progress:
        if self.report is None:
            if in_notebook():
                from IPython.display import HTML, display

                self.handle = display(HTML(in_code(escape(self.note))), display_id=True)
            else:
                self.say(self.note)
                self.bar = tqdm(total=self.steps, desc=self.exercise, unit="step", mininterval=REFRESH_SECONDS)
        return self

    def __exit__(self, *_: Any) -> None:
        if self.bar is not None:
            self.bar.close()

    def step(self, step: int, history: list[float], seconds: float) -> None:
        if self.bar is not None:
            self.bar.update(step - self.bar.n)
        if time.monotonic() - self.last < REFRESH_SECONDS:
            return
        self.last = time.monotonic()
        recent = history[-200:]
        loss = sum(recent) / len(recent)
        if self.report is not None:
            self.report(self.exercise, step, self.steps, loss)
        elif self.bar is not None:
            self.bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
        elif self.handle is not None:
            self._show(step, history, seconds, self._time(step, seconds))

    def _time(self, step: int, seconds: float) -> str:
        """What it has taken, and what it will take at this pace; nobody stops it."""
        if not self.steps or step < 2 or seconds < PACE_SECONDS:
            return f"{seconds:.0f} s"
        left = seconds / step * max(0, self.steps - step)
        return f"{seconds:.0f} s, about {left / 60:.0f} min to go" if left > 90 else f"{seconds:.0f} s, about {left:.0f} s to go"

    def done(self, run: Any, message: str) -> None:
        """The last picture, with what ended the training."""
        if self.handle is not None:
            self._show(run.step, run.history, run.seconds, f"{run.seconds:.0f} s. {message}")
        elif self.bar is not None:
            self.bar.close()
            self.bar = None
            self.say(f"{self.exercise}: {message}")

    @staticmethod
    def say(text: str, quiet: bool = False) -> None:
        if text and not quiet:
            print(text)

    def _show(self, step: int, history: list[float], seconds: float, state: str) -> None:
        from IPython.display import HTML

        share = f'value="{min(1.0, step / self.steps):.4f}"' if self.steps else ""  # a bar without a value moves to and fro
        recent = history[-200:]
        total = f" of {self.steps:,}" if self.steps else ""
        note = f"<div>{in_code(escape(self.note))}</div>" if self.note else ""
        self.handle.update(
            HTML(
                f"{note}<div><code>{escape(self.exercise)}</code> step {step:,}{total} · mean loss of the last {len(recent)} batches "
                f"<b>{sum(recent) / len(recent):.4f}</b> · {in_code(escape(state))}</div>"
                f'<progress max="1" {share} aria-label="steps of the training" style="width:420px;max-width:100%"></progress>{loss_curve(history)}'
                '<div style="opacity:.8">The check asks for another loss: on names that this training never sees.</div>'
            )
        )


def loss_curve(history: list[float], width: int = 420, height: int = 120) -> str:
    """An SVG of the losses, averaged to at most ``POINTS`` points, lowest and highest value at the axis."""
    size = max(1, len(history) // POINTS)
    means = [sum(history[i : i + size]) / len(history[i : i + size]) for i in range(0, len(history), size)]
    finite = [m for m in means if m == m and abs(m) < 1e6]
    if len(finite) < 2:
        return ""
    low, high = min(finite), max(finite)
    span = high - low or 1.0
    points = " ".join(
        f"{44 + i / (len(means) - 1) * (width - 50):.1f},{6 + (high - m) / span * (height - 24):.1f}"
        for i, m in enumerate(means)
        if m in finite
    )
    return (
        f'<svg width="{width}" height="{height}" style="display:block;max-width:100%" role="img" fill="currentColor" '
        f'aria-label="loss curve, from {finite[0]:.3f} to {finite[-1]:.3f} in {len(history):,} steps">'
        f'<polyline fill="none" stroke="#2f81f7" stroke-width="1.5" points="{points}"/>'
        f'<text x="2" y="12" font-size="11">{high:.3f}</text><text x="2" y="{height - 16}" font-size="11">{low:.3f}</text>'
        f'<text x="44" y="{height - 3}" font-size="11">step 1</text>'
        f'<text x="{width - 6}" y="{height - 3}" font-size="11" text-anchor="end">step {len(history):,}</text></svg>'
    )
