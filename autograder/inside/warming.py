"""What every submission would pay for is paid once, in the warm process, before it forks."""

from __future__ import annotations

import gc
import os
from typing import Any

import matplotlib.pyplot
import matplotlib_inline.backend_inline
import torch
from matplotlib_inline.config import InlineBackend

from autograder.course import names
from autograder.inside.shell import RecordingShell
from autograder.student import session
from autograder.wall.facts import Facts

LATE = ("optim", "torch.testing", "assert_close")  # parts of torch that import for seconds when they are used for the first time


def warm_up() -> None:
    """Pay once for what every submission would pay for: first error, first figure, first gradient."""
    torch.set_num_threads(1)
    session.never_a_desk()
    shell = RecordingShell.instance()
    for source in (
        "1/0",
        "import numpy as np",
        "import torch\nw = torch.randn(3, 3, requires_grad=True)\n(w @ w).tanh().sum().backward()",
        "torch.nn.functional.cross_entropy(torch.nn.Linear(3, 3)(w), torch.tensor([0, 1, 2])).backward()",
    ):
        shell.run(source)
    matplotlib.interactive(True)  # as in a notebook: a figure is shown below its cell without plt.show()
    matplotlib_inline.backend_inline.configure_inline_support(shell, os.environ["MPLBACKEND"])
    InlineBackend.instance(parent=shell).print_figure_kwargs = {
        "bbox_inches": None
    }  # a tight one draws every figure twice
    shell.run(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2], label='0'); plt.legend(); plt.show()\nplt.imshow([[0, 1]]); plt.show()"
    )
    shell.run(
        "from autograder import check, check_loss, fit\nfrom autograder import figures, names\nfrom jaxtyping import Float, Int\nfrom torch import Tensor"
    )
    shell.reset(new_session=True)
    shell.execution_count = 1
    shell.close_loop()
    gc.collect()
    gc.freeze()


def mentions_late(job: dict[str, Any], files: bytes) -> bool:
    """Whether a cell, another answer to a check or a file beside the notebook may use one of those parts."""
    texts = [text for cell in job["cells"] for text in (cell["source"], *cell["forks"])]
    return any(part.encode() in files or any(part in text for text in texts) for part in LATE)


def load_late() -> None:
    """Import them once for all forks; a lecture without any need not wait for that."""
    torch.testing.assert_close(torch.ones(1), torch.ones(1))
    weight = torch.zeros(1, requires_grad=True)
    weight.grad = torch.ones(1)  # by hand: this process may differentiate nothing any more
    optimiser = torch.optim.AdamW([weight])
    torch.optim.lr_scheduler.OneCycleLR(optimiser, 1.0, 10)
    optimiser.step()
    gc.collect()
    gc.freeze()


def prepare(job: dict[str, Any], files: bytes) -> None:
    """Split the names and cut the contexts once, before the fork: they are the course's own, the same for every submission."""
    facts = Facts.from_json(job["facts"])
    position = 0
    for name, size in job["files"]:
        if name == "names.txt":
            known = names.names_of(files[position : position + size].decode("ascii"), name, facts.split_seed)
            for rules in facts.exercises.values():
                if rules.loss:
                    known.contexts("train", rules.loss.context)
                    known.contexts("dev", rules.loss.context)
                    known.contexts("test", rules.loss.context)
        position += size
