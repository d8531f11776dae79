# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% author
from autograder.commands.script import run

run(__name__, globals())
# %% [markdown]
# # A small lecture
# %%
import torch
from jaxtyping import Float
from torch import Tensor

from autograder import check, check_loss, fit
from autograder.names import load_names

names = load_names()
# %% [markdown] exercise="double"
# Return twice the tensor.
# %% answer="double"
def double(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
# %% check="double"
check("double", lambda g: double(torch.randn(3, 4, generator=g)))
# %% oracle="double"
assert torch.equal(double(torch.ones(1, 1)), torch.full((1, 1), 2.0))
# %% mistake="double" says="You squared the tensor: twice a number is not its square."
def double(x):
    return x * x
# %% mistake="double" says="You added two: multiply by it."
_right = double


def double(x):
    return _right(x) / 2 + 2
# %% variant="double"
def double(x):
    return x + x
# %% [markdown] exercise="pieces"
# Return a dict with the sum and the mean of each row.
# %% answer="pieces"
def pieces(x: Float[Tensor, "n d"]) -> dict[str, Float[Tensor, " n"]]:
    """The sum and the mean of each row."""
    ### BEGIN SOLUTION
    return {"sum": x.sum(1), "mean": x.mean(1)}
    ### END SOLUTION
# %% check="pieces"
check("pieces", lambda g: pieces(torch.randn(3, 4, generator=g)))
# %% mistake="pieces" says="You averaged over the wrong axis: a row has one mean, not a column."
def pieces(x):
    return {"sum": x.sum(1), "mean": x.mean(0)[:3]}
# %% variant="pieces"
def pieces(x):
    return {"mean": x.sum(1) / x.shape[1], "sum": x @ torch.ones(x.shape[1])}
# %% [markdown] exercise="slope"
# The gradient of the sum of squares, with autograd.
# %% answer="slope"
def slope(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """The gradient of (x * x).sum()."""
    ### BEGIN SOLUTION
    x = x.clone().requires_grad_()
    (x * x).sum().backward()
    return x.grad
    ### END SOLUTION
# %% check="slope"
check("slope", lambda g: slope(torch.randn(4, generator=g)))
# %% variant="slope"
def slope(x):
    return 2 * x
# %% [markdown] exercise="by_hand"
# The same without autograd.
# %% answer="by_hand"
def by_hand(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """The gradient of (x * x).sum(), without backward."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
# %% check="by_hand"
check("by_hand", lambda g: by_hand(torch.randn(4, generator=g)))
# %% variant="by_hand"
def by_hand(x):
    return x + x
# %% [markdown] exercise="train_tiny"
# Train a model of one symbol.
# %% answer="train_tiny"
class Bigram:
    def __init__(self):
        ### BEGIN SOLUTION
        self.W = torch.zeros(27, 27)
        ### END SOLUTION

    def __call__(self, contexts):
        ### BEGIN SOLUTION
        return self.W[contexts[:, -1]]
        ### END SOLUTION


def train(model):
    ### BEGIN SOLUTION
    X, Y = names.contexts("train", 1)
    for _ in range(40):
        batch = torch.randint(len(Y), (4096,))
        x, y = X[batch, -1], Y[batch]
        p = model.W.softmax(1)[x]
        yield -p[range(len(y)), y].log().mean().item()
        p[range(len(y)), y] -= 1
        model.W.index_add_(0, x, p, alpha=-20 / len(y))
    ### END SOLUTION
# %% fit="train_tiny"
model = fit("train_tiny", Bigram, train, steps=40)
# %% check="train_tiny"
check_loss("train_tiny")
# %% variant="train_tiny"
class Bigram:
    def __init__(self):
        self.W = torch.zeros(27, 27)

    def __call__(self, contexts):
        return torch.nn.functional.one_hot(contexts[:, -1], 27).float() @ self.W
# %% [markdown] exercise="why"
# Why?
# %% [markdown] written="why"
# Because.
# %% [markdown] marking="why"
# Two points for *because*, with the formula $1 + 1$; none for anything else.
