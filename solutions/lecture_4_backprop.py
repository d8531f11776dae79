# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% author
from autograder.commands.script import run

run(__name__, globals())

# %% [markdown]
# # Lecture 4: backpropagation by hand
#
# `loss.backward()` is one line. This notebook replaces it, first piece by piece and then by two short formulas, and
# finally trains a network in which every gradient is yours. Afterwards you will be able to
#
# - carry a gradient backwards through softmax, cross-entropy, a linear layer, tanh, BatchNorm and an embedding table;
# - tell from the forward pass where a gradient must be *summed*: wherever a value was broadcast, or read twice;
# - say why BatchNorm divides by $n - 1$, and what that does to its gradient;
# - write the gradient of a whole layer as one expression on paper and check it against the pieces.
#
# No answer, and nothing that an answer calls, may use PyTorch's own gradients: not `backward`, `autograd`, `grad_fn`, `enable_grad`, `set_grad_enabled`,
# `torch.func` or `functorch`. These words are looked for in the code of an answer, and so is whatever could make a name while it runs, such as
# `eval`, or `getattr` with a name that is not written out. (`torch.no_grad()` is allowed; `bessel` asks for no gradient, and nothing is looked for
# there.) In cells of your own, compare with `backward()` as often as you like: that is how the lecture finds its mistakes. Every exercise
# stands alone: each gets its inputs from the cells below and none needs an earlier answer. A function leaves what it is given as it was,
# unless its text says otherwise.
#
# **Notation.** For any tensor `x` of the forward pass, `dx` is the gradient of the loss with respect to `x`. It always
# has the shape of `x`. `n` is the number of examples in the batch.

# %%
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from autograder import check, check_loss, fit
from autograder.names import SYMBOLS, load_names

# %% [markdown]
# ## The network
#
# The network of the lecture reads three characters and predicts the fourth:
# embedding, linear layer, BatchNorm, tanh, linear layer, cross-entropy.
# Its parameters start small but **nowhere zero**. A bias of zeros, or a gain of exactly one, would hide a wrong gradient:
# whatever is multiplied by zero looks right.
#
# `Network` holds the parameters, and called on contexts it predicts with the *running* mean and variance, so that
# a prediction does not depend on the other rows.


# %%
class Network:
    """Three characters in, 27 logits out: embedding, linear, BatchNorm, tanh, linear.

    Args:
        embedding: features of a character; the lecture uses 10.
        hidden: units of the hidden layer; the lecture uses 64.
        generator: where the initial values are drawn from; torch's global one if left out.
    """

    def __init__(self, embedding: int = 10, hidden: int = 64, generator: torch.Generator | None = None):
        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator)

        fan_in = 3 * embedding
        self.C = normal(27, embedding)
        self.W1 = normal(fan_in, hidden) * (5 / 3) / fan_in**0.5  # 5/3: the gain that keeps tanh's std near 1
        self.b1 = normal(hidden) * 0.1
        self.bngain = 1 + normal(1, hidden) * 0.1
        self.bnbias = normal(1, hidden) * 0.1
        self.W2 = normal(hidden, 27) * 0.1  # small: the first loss is not far above ln 27 = 3.30
        self.b2 = normal(27) * 0.1
        self.running_mean = torch.zeros(1, hidden)  # of hprebn; not parameters, but part of the trained model
        self.running_var = torch.ones(1, hidden)

    def __call__(self, contexts: Int[Tensor, "n 3"]) -> Float[Tensor, "n 27"]:
        """Logits in evaluation: the running statistics stand in for those of a batch."""
        hprebn = self.C[contexts].flatten(1) @ self.W1 + self.b1  # (n, hidden)
        bnraw = (hprebn - self.running_mean) * (self.running_var + 1e-5) ** -0.5
        return torch.tanh(self.bngain * bnraw + self.bnbias) @ self.W2 + self.b2

    def named_parameters(self) -> list[tuple[str, Tensor]]:
        """The seven tensors that training changes, each after its name."""
        return [(name, tensor) for name, tensor in vars(self).items() if not name.startswith("running_")]


# %% [markdown]
# ### The forward pass, taken apart
#
# `forward` runs the network on one batch and keeps every intermediate tensor under its name in the lecture. `Forward` is
# the map of this notebook: read it downwards for the forward pass, upwards for yours.


# %%
class Forward(NamedTuple):
    """Every intermediate tensor of the forward pass, in the order in which it is computed."""

    emb: Float[Tensor, "n 3 embedding"]  # C[contexts]
    embcat: Float[Tensor, "n 3*embedding"]  # the three embeddings of a row, side by side
    hprebn: Float[Tensor, "n hidden"]  # embcat @ W1 + b1
    bnmean: Float[Tensor, "1 hidden"]  # 1/n * sum of hprebn over the batch
    bndiff: Float[Tensor, "n hidden"]  # hprebn - bnmean
    bndiff2: Float[Tensor, "n hidden"]  # bndiff ** 2
    bnvar: Float[Tensor, "1 hidden"]  # 1/(n-1) * sum of bndiff2 over the batch
    bnvar_inv: Float[Tensor, "1 hidden"]  # (bnvar + 1e-5) ** -0.5
    bnraw: Float[Tensor, "n hidden"]  # bndiff * bnvar_inv
    hpreact: Float[Tensor, "n hidden"]  # bngain * bnraw + bnbias
    h: Float[Tensor, "n hidden"]  # tanh(hpreact)
    logits: Float[Tensor, "n 27"]  # h @ W2 + b2
    logit_maxes: Float[Tensor, "n 1"]  # the largest logit of each row
    norm_logits: Float[Tensor, "n 27"]  # logits - logit_maxes
    counts: Float[Tensor, "n 27"]  # exp(norm_logits)
    counts_sum: Float[Tensor, "n 1"]  # sum of counts over the symbols
    counts_sum_inv: Float[Tensor, "n 1"]  # counts_sum ** -1
    probs: Float[Tensor, "n 27"]  # counts * counts_sum_inv
    logprobs: Float[Tensor, "n 27"]  # log(probs)
    loss: Float[Tensor, ""]  # minus the mean of the targets' logprobs


def forward(network: Network, contexts: Int[Tensor, "n 3"], targets: Int[Tensor, " n"]) -> Forward:
    """The forward pass in training, one small step a line."""
    n = len(targets)
    emb = network.C[contexts]
    embcat = emb.view(n, -1)
    hprebn = embcat @ network.W1 + network.b1

    bnmean = 1 / n * hprebn.sum(0, keepdim=True)
    bndiff = hprebn - bnmean
    bndiff2 = bndiff**2
    bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdim=True)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    hpreact = network.bngain * bnraw + network.bnbias

    h = torch.tanh(hpreact)
    logits = h @ network.W2 + network.b2

    logit_maxes = logits.max(1, keepdim=True).values
    norm_logits = logits - logit_maxes
    counts = norm_logits.exp()
    counts_sum = counts.sum(1, keepdim=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = probs.log()
    loss = -logprobs[torch.arange(n), targets].mean()
    return Forward(
        emb, embcat, hprebn, bnmean, bndiff, bndiff2, bnvar, bnvar_inv, bnraw, hpreact, h,
        logits, logit_maxes, norm_logits, counts, counts_sum, counts_sum_inv, probs, logprobs, loss,
    )  # fmt: skip


names = load_names()
X_train, Y_train = names.contexts("train", 3)
example_network = Network(generator=torch.Generator().manual_seed(2147483647))
example_contexts, example_targets = X_train[:32], Y_train[:32]
example = forward(example_network, example_contexts, example_targets)
for name, tensor in example._asdict().items():
    print(f"{name:15s} {tuple(tensor.shape)}")
print(f"loss {example.loss:.4f}; a uniform guess has {math.log(27):.4f}")

# %% [markdown]
# Try your functions on `example` whenever you like. The checks draw another, smaller network with the function below. In
# it the embedding has 9 features and the hidden layer 27 units, so that `W1` and `W2` are square. (For the embedding it is 4 features, 12 units
# and 12 examples.) Matching shapes until no error is left, which works in the lecture, cannot be enough here: **a wrong transpose runs**. The
# size of the batch changes from draw to draw.


# %%
def draw(
    g: torch.Generator, n: int | None = None, embedding: int = 9, hidden: int = 27
) -> tuple[Network, Int[Tensor, "n 3"], Int[Tensor, " n"]]:
    """A random network with square weights, and a random batch for it: of n examples, or of 4 to 6 if n is left out.

    The last symbol, z, occurs in no context, is no target, and is nobody's largest logit: what is only as wide as the largest
    index that occurs has a column too few, in every draw. The symbol before it, y, occurs in both.
    """
    n = n or int(torch.randint(4, 7, (), generator=g))
    network = Network(embedding, hidden, generator=g)
    network.b2[-1] -= 3
    contexts = torch.randint(0, 26, (n, 3), generator=g)
    targets = torch.randint(0, 26, (n,), generator=g)
    contexts[0, 0] = targets[0] = 25
    contexts[1, 2] = contexts[1, 0]  # a letter twice in one context,
    contexts[2] = contexts[3, 0]  # another three times, and once more at the same place of the next
    return network, contexts, targets


def attempt(function: Callable, *arguments):
    """What an answer returns, or None while it is not written: a picture must not stop the notebook."""
    try:
        return function(*arguments)
    except Exception:  # noqa: BLE001  whatever an unfinished answer raises, the picture only stays empty
        return None


# %% [markdown]
# ## Two rules that do most of the work
#
# **Read twice, add up.** If a tensor is used in two places, its gradient is the sum of what comes back from both.
#
# **Broadcast forwards, sum backwards.** If a `(n, 1)` tensor was stretched over 27 columns, each of its elements was used 27
# times; so its gradient is the sum over those columns. The reverse holds too: what was summed forwards is spread out
# backwards.

# %% [markdown] exercise="backward_softmax_pieces"
# Go from the loss back to the logits, through the last eight steps of `forward`.
#
# There is one addition. In the lecture's network only `counts` reads `norm_logits`. Here something else may read it too, say a
# penalty on large values, and `extra_dnorm_logits` is the gradient which comes back from there: **add it to what comes from
# `counts`**. With zeros in it you have the lecture's network. It is there because the lecture's loss alone cannot show
# whether your path through `logit_maxes` is right: that gradient is zero up to rounding (why? that is the written
# question below). To test such a path, send something through it.
#
# Return a dict with the keys `dlogprobs`, `dprobs`, `dcounts_sum_inv`, `dcounts_sum`, `dcounts`, `dnorm_logits`,
# `dlogit_maxes`, `dlogits`. Each tensor earns its own share of the points; but a mistake travels on to all that come after it.
#
# **A tiny example.** One row, two symbols, logits $(\ln 3, 0)$, target 1, no extra gradient:
#
# | | forward | gradient |
# |---|---|---|
# | `logprobs` | $(\ln\frac34, \ln\frac14)$ | $(0, -1)$ |
# | `probs` | $(\frac34, \frac14)$ | $(0, -4)$ |
# | `counts_sum_inv` | $\frac34$ | $-\frac43$ |
# | `counts_sum` | $\frac43$ | $\frac34$ |
# | `counts` | $(1, \frac13)$ | $(\frac34, -\frac94)$ |
# | `norm_logits` | $(0, -\ln 3)$ | $(\frac34, -\frac34)$ |
# | `logit_maxes` | $\ln 3$ | $0$ |
# | `logits` | $(\ln 3, 0)$ | $(\frac34, -\frac34)$ |
#
# With `extra_dnorm_logits` $= (0, 1)$ the last three rows become $(\frac34, \frac14)$, $-1$ and $(-\frac14, \frac14)$.
#
# <details><summary>Hint 1: the idea</summary>
#
# Write one line of the backward pass for each line of the forward pass, in reverse order. Each is: the gradient of
# the left-hand side, times the derivative of that line. Before you go on, ask of each tensor how many later lines
# read it.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# `counts_sum_inv`, `counts_sum` and `logit_maxes` are `(n, 1)` and were stretched over 27 columns, so their gradients are
# sums over axis 1 with `keepdim=True`. `dlogprobs` is zero except at each row's target.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# dlogprobs      : -1/n at (row, target of the row), 0 elsewhere
# dprobs         : derivative of log, times dlogprobs
# dcounts_sum_inv: product rule, summed over the row
# dcounts_sum    : derivative of 1/x, times the above
# dcounts        : product rule (path 1) + spread of dcounts_sum over the row (path 2)
# dnorm_logits   : exp is its own derivative, times dcounts; plus the extra gradient
# dlogit_maxes   : it was subtracted from every element of the row
# dlogits        : dnorm_logits + dlogit_maxes, the latter only where the maximum was
# ```
#
# </details>


# %% answer="backward_softmax_pieces"
def backward_softmax_pieces(
    logits: Float[Tensor, "n 27"],
    norm_logits: Float[Tensor, "n 27"],
    counts: Float[Tensor, "n 27"],
    counts_sum: Float[Tensor, "n 1"],
    counts_sum_inv: Float[Tensor, "n 1"],
    probs: Float[Tensor, "n 27"],
    targets: Int[Tensor, " n"],
    extra_dnorm_logits: Float[Tensor, "n 27"],
) -> dict[str, Tensor]:
    """Gradients of the loss with respect to logprobs, probs, counts_sum_inv, counts_sum, counts, norm_logits, logit_maxes, logits.

    ``extra_dnorm_logits`` comes back from another reader of norm_logits and is added to its gradient.
    """
    ### BEGIN SOLUTION
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    dprobs = dlogprobs / probs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts = counts_sum_inv * dprobs + dcounts_sum  # two readers: probs and counts_sum
    dnorm_logits = counts * dcounts + extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.sum(1, keepdim=True)
    is_max = F.one_hot(logits.argmax(1), logits.shape[1])
    dlogits = dnorm_logits + is_max * dlogit_maxes
    return {
        "dlogprobs": dlogprobs,
        "dprobs": dprobs,
        "dcounts_sum_inv": dcounts_sum_inv,
        "dcounts_sum": dcounts_sum,
        "dcounts": dcounts,
        "dnorm_logits": dnorm_logits,
        "dlogit_maxes": dlogit_maxes,
        "dlogits": dlogits,
    }
    ### END SOLUTION


# %% check="backward_softmax_pieces"
def softmax_pieces_probe(g: torch.Generator):
    network, contexts, targets = draw(g)
    network.b2[targets[1]] -= 20  # one target is nearly impossible: whoever adds a little to its probability, or bounds it, is far off there
    f = forward(network, contexts, targets)
    extra = torch.randn(f.norm_logits.shape, generator=g) / len(targets)
    return backward_softmax_pieces(
        f.logits, f.norm_logits, f.counts, f.counts_sum, f.counts_sum_inv, f.probs, targets, extra
    )


check("backward_softmax_pieces", softmax_pieces_probe)


# %% oracle="backward_softmax_pieces"
for seed in range(20):
    for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 1e-5)):
        g = torch.Generator().manual_seed(seed)
        network, contexts, targets = draw(g)
        extra = torch.randn(len(targets), 27, generator=g).to(dtype) / 16
        vars(network).update({name: value.to(dtype).requires_grad_() for name, value in vars(network).items()})
        f = forward(network, contexts, targets)
        for tensor in f:
            tensor.retain_grad()
        (f.loss + (f.norm_logits * extra).sum()).backward()
        inputs = (f.logits, f.norm_logits, f.counts, f.counts_sum, f.counts_sum_inv, f.probs, targets)
        with torch.no_grad():
            mine = backward_softmax_pieces(*inputs, extra)
        assert len(mine) == 8
        for name, value in mine.items():
            torch.testing.assert_close(value, getattr(f, name[1:]).grad, rtol=10 * tolerance, atol=tolerance)

# what the written question says: nothing comes back through logit_maxes, and exp overflows above 88
f = example
inputs = (f.logits, f.norm_logits, f.counts, f.counts_sum, f.counts_sum_inv, f.probs, example_targets)
assert backward_softmax_pieces(*inputs, torch.zeros_like(f.logits))["dlogit_maxes"].abs().max() < 3e-8
assert torch.tensor(88.0).exp().isfinite() and torch.tensor(89.0).exp().isinf()

# the tiny example of the prose
logits = torch.tensor([[math.log(3), 0.0]], dtype=torch.float64)
counts = torch.tensor([[1, 1 / 3]], dtype=torch.float64)
total = counts.sum(1, keepdim=True)
inputs = (logits, logits - math.log(3), counts, total, 1 / total, counts / total, torch.tensor([1]))
tiny = backward_softmax_pieces(*inputs, torch.zeros(1, 2, dtype=torch.float64))
expected = {
    "dlogprobs": [[0, -1]], "dprobs": [[0, -4]], "dcounts_sum_inv": [[-4 / 3]], "dcounts_sum": [[3 / 4]],
    "dcounts": [[3 / 4, -9 / 4]], "dnorm_logits": [[3 / 4, -3 / 4]], "dlogit_maxes": [[0]], "dlogits": [[3 / 4, -3 / 4]],
}  # fmt: skip
for name, value in expected.items():
    torch.testing.assert_close(tiny[name], torch.tensor(value, dtype=torch.float64))
tiny = backward_softmax_pieces(*inputs, torch.tensor([[0, 1.0]], dtype=torch.float64))
for name, value in {"dnorm_logits": [[3 / 4, 1 / 4]], "dlogit_maxes": [[-1]], "dlogits": [[-1 / 4, 1 / 4]]}.items():
    torch.testing.assert_close(tiny[name], torch.tensor(value, dtype=torch.float64))


# %% mistake="backward_softmax_pieces" says="The probabilities are bounded below before the division, so a target less likely than that bound gets too small a gradient. Divide by the probability as it is."
def backward_softmax_pieces(
    logits: Float[Tensor, "n 27"],
    norm_logits: Float[Tensor, "n 27"],
    counts: Float[Tensor, "n 27"],
    counts_sum: Float[Tensor, "n 1"],
    counts_sum_inv: Float[Tensor, "n 1"],
    probs: Float[Tensor, "n 27"],
    targets: Int[Tensor, " n"],
    extra_dnorm_logits: Float[Tensor, "n 27"],
) -> dict[str, Tensor]:
    n, symbols = probs.shape
    dlogprobs = -F.one_hot(targets, symbols).to(probs.dtype) / n
    dprobs = dlogprobs / torch.clamp(probs, min=1e-7)  # never divide by zero
    dcounts_sum_inv = torch.sum(counts * dprobs, dim=1, keepdim=True)
    dcounts_sum = -dcounts_sum_inv / counts_sum**2
    dcounts = dprobs * counts_sum_inv + dcounts_sum
    dnorm_logits = dcounts * norm_logits.exp() + extra_dnorm_logits
    dlogit_maxes = -torch.sum(dnorm_logits, dim=1, keepdim=True)
    dlogits = dnorm_logits + dlogit_maxes * F.one_hot(logits.max(1).indices, symbols)
    return dict(
        dlogprobs=dlogprobs,
        dprobs=dprobs,
        dcounts_sum_inv=dcounts_sum_inv,
        dcounts_sum=dcounts_sum,
        dcounts=dcounts,
        dnorm_logits=dnorm_logits,
        dlogit_maxes=dlogit_maxes,
        dlogits=dlogits,
    )


# %% mistake="backward_softmax_pieces" says="The place of the maximum is looked for in the whole matrix, so a single row gets its dlogit_maxes. Each row has a largest logit of its own."
def backward_softmax_pieces(
    logits: Float[Tensor, "n 27"],
    norm_logits: Float[Tensor, "n 27"],
    counts: Float[Tensor, "n 27"],
    counts_sum: Float[Tensor, "n 1"],
    counts_sum_inv: Float[Tensor, "n 1"],
    probs: Float[Tensor, "n 27"],
    targets: Int[Tensor, " n"],
    extra_dnorm_logits: Float[Tensor, "n 27"],
) -> dict[str, Tensor]:
    rows = torch.arange(logits.shape[0])
    out = {}
    out["dlogprobs"] = torch.zeros_like(logits)
    out["dlogprobs"][rows, targets] = -1 / len(rows)
    out["dprobs"] = out["dlogprobs"] / probs
    out["dcounts_sum_inv"] = torch.sum(out["dprobs"] * counts, dim=1, keepdim=True)
    out["dcounts_sum"] = -out["dcounts_sum_inv"] * counts_sum_inv**2
    out["dcounts"] = out["dprobs"] * counts_sum_inv + out["dcounts_sum"]
    out["dnorm_logits"] = out["dcounts"] * norm_logits.exp() + extra_dnorm_logits
    out["dlogit_maxes"] = -out["dnorm_logits"].sum(1, keepdim=True)
    is_max = logits == logits.max()
    out["dlogits"] = torch.where(is_max, out["dnorm_logits"] + out["dlogit_maxes"], out["dnorm_logits"])
    return out


# %% mistake="backward_softmax_pieces" says="The probabilities are cut off at a small number before you divide by them, and where one is smaller its gradient is far too small. Divide by the probability itself."
def backward_softmax_pieces(
    logits: Float[Tensor, "n 27"],
    norm_logits: Float[Tensor, "n 27"],
    counts: Float[Tensor, "n 27"],
    counts_sum: Float[Tensor, "n 1"],
    counts_sum_inv: Float[Tensor, "n 1"],
    probs: Float[Tensor, "n 27"],
    targets: Int[Tensor, " n"],
    extra_dnorm_logits: Float[Tensor, "n 27"],
) -> dict[str, Tensor]:
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    safe = probs.clamp(min=1e-4)  # never divide by zero
    dprobs = dlogprobs / safe
    dcounts_sum_inv = (dprobs * counts).sum(1, keepdim=True)
    dcounts_sum = -dcounts_sum_inv / counts_sum**2
    dcounts = dprobs * counts_sum_inv + dcounts_sum * torch.ones_like(counts)
    dnorm_logits = dcounts * counts + extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.sum(1, keepdim=True)
    is_max = torch.zeros_like(logits)
    is_max[torch.arange(n), logits.argmax(1)] = 1
    dlogits = dnorm_logits + is_max * dlogit_maxes
    names_ = "dlogprobs dprobs dcounts_sum_inv dcounts_sum dcounts dnorm_logits dlogit_maxes dlogits".split()
    return dict(zip(names_, (dlogprobs, dprobs, dcounts_sum_inv, dcounts_sum, dcounts, dnorm_logits, dlogit_maxes, dlogits)))


# %% mistake="backward_softmax_pieces" says="Back through the sum over the symbols the gradient is shared out: dcounts_sum is divided by 27. A sum hands the whole gradient on to each of its terms."
def backward_softmax_pieces(
    logits: Float[Tensor, "n 27"],
    norm_logits: Float[Tensor, "n 27"],
    counts: Float[Tensor, "n 27"],
    counts_sum: Float[Tensor, "n 1"],
    counts_sum_inv: Float[Tensor, "n 1"],
    probs: Float[Tensor, "n 27"],
    targets: Int[Tensor, " n"],
    extra_dnorm_logits: Float[Tensor, "n 27"],
) -> dict[str, Tensor]:
    n, symbols = logits.shape
    onehot = F.one_hot(targets, symbols).float()
    dlogprobs = -onehot / n
    dprobs = dlogprobs / probs
    dcounts_sum_inv = torch.sum(dprobs * counts, 1, keepdim=True)
    dcounts_sum = -(counts_sum_inv**2) * dcounts_sum_inv
    # every count gets its share of the gradient of the sum
    dcounts = dprobs * counts_sum_inv + dcounts_sum.expand(n, symbols) / symbols
    dnorm_logits = counts * dcounts + extra_dnorm_logits
    dlogit_maxes = -torch.sum(dnorm_logits, 1, keepdim=True)
    dlogits = dnorm_logits + F.one_hot(logits.argmax(1), symbols) * dlogit_maxes
    return {
        "dlogprobs": dlogprobs,
        "dprobs": dprobs,
        "dcounts_sum_inv": dcounts_sum_inv,
        "dcounts_sum": dcounts_sum,
        "dcounts": dcounts,
        "dnorm_logits": dnorm_logits,
        "dlogit_maxes": dlogit_maxes,
        "dlogits": dlogits,
    }


# %% mistake="backward_softmax_pieces" says="dlogprobs has entries in every row at the targets of all rows. A row has one target: index with the rows' numbers and the targets together."
def backward_softmax_pieces(
    logits: Float[Tensor, "n 27"],
    norm_logits: Float[Tensor, "n 27"],
    counts: Float[Tensor, "n 27"],
    counts_sum: Float[Tensor, "n 1"],
    counts_sum_inv: Float[Tensor, "n 1"],
    probs: Float[Tensor, "n 27"],
    targets: Int[Tensor, " n"],
    extra_dnorm_logits: Float[Tensor, "n 27"],
) -> dict[str, Tensor]:
    dlogprobs = torch.zeros(logits.shape)
    dlogprobs[:, targets] = -1 / len(targets)
    dprobs = (1 / probs) * dlogprobs
    dcounts_sum_inv = (dprobs * counts).sum(1, keepdim=True)
    dcounts_sum = dcounts_sum_inv * (-(counts_sum**-2))
    dcounts = dprobs * counts_sum_inv + torch.ones_like(counts) * dcounts_sum
    dnorm_logits = dcounts * counts + extra_dnorm_logits
    dlogit_maxes = (-dnorm_logits).sum(1, keepdim=True)
    dlogits = dnorm_logits.clone()
    dlogits += F.one_hot(logits.max(1).indices, num_classes=27) * dlogit_maxes
    return dict(
        dlogprobs=dlogprobs, dprobs=dprobs, dcounts_sum_inv=dcounts_sum_inv, dcounts_sum=dcounts_sum,
        dcounts=dcounts, dnorm_logits=dnorm_logits, dlogit_maxes=dlogit_maxes, dlogits=dlogits,
    )


# %% mistake="backward_softmax_pieces" says="The extra gradient is added to dlogits at the end. It arrives at norm_logits: add it to dnorm_logits before you go on from there."
def backward_softmax_pieces(
    logits: Float[Tensor, "n 27"],
    norm_logits: Float[Tensor, "n 27"],
    counts: Float[Tensor, "n 27"],
    counts_sum: Float[Tensor, "n 1"],
    counts_sum_inv: Float[Tensor, "n 1"],
    probs: Float[Tensor, "n 27"],
    targets: Int[Tensor, " n"],
    extra_dnorm_logits: Float[Tensor, "n 27"],
) -> dict[str, Tensor]:
    n = logits.shape[0]
    dlogprobs = torch.zeros_like(logits)
    dlogprobs[range(n), targets] = -1.0 / n
    dprobs = (1.0 / probs) * dlogprobs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts = counts_sum_inv * dprobs
    dcounts_sum = (-counts_sum**-2) * dcounts_sum_inv
    dcounts = dcounts + torch.ones_like(counts) * dcounts_sum
    dnorm_logits = counts * dcounts
    dlogits = dnorm_logits.clone()
    dlogit_maxes = (-dnorm_logits).sum(1, keepdim=True)
    dlogits += F.one_hot(logits.max(1).indices, num_classes=logits.shape[1]) * dlogit_maxes
    dlogits += extra_dnorm_logits
    return {
        "dlogprobs": dlogprobs, "dprobs": dprobs, "dcounts_sum_inv": dcounts_sum_inv, "dcounts_sum": dcounts_sum,
        "dcounts": dcounts, "dnorm_logits": dnorm_logits, "dlogit_maxes": dlogit_maxes, "dlogits": dlogits,
    }


# %% mistake="backward_softmax_pieces" says="The 1/n is lost: the loss is a mean over the batch, so each row pulls with only its share of it, and your dlogprobs are n times too large. Look at what a mean does to the derivative of each of its terms."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    n = len(targets)  # everything is linear in what comes from above: n times the loss's part, the extra part as it is
    inputs = (logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets)
    return {name: n * value for name, value in right_softmax_pieces(*inputs, extra_dnorm_logits / n).items()}


# %% mistake="backward_softmax_pieces" says="The second path into counts is lost: counts is read by probs, and once more by counts_sum, but your dcounts holds only what comes back from probs. Count how many lines of the forward pass read counts."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    d = right_softmax_pieces(
        logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
    )
    d["dcounts"] = counts_sum_inv * d["dprobs"]
    d["dnorm_logits"] = counts * d["dcounts"] + extra_dnorm_logits
    d["dlogit_maxes"] = -d["dnorm_logits"].sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(logits.argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="Your dcounts holds only what comes back from counts_sum, as if a second assignment had replaced the first. counts is also read by probs: what comes back from both belongs into one sum."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    d = right_softmax_pieces(
        logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
    )
    d["dcounts"] = d["dcounts_sum"].expand_as(counts)
    d["dnorm_logits"] = counts * d["dcounts"] + extra_dnorm_logits
    d["dlogit_maxes"] = -d["dnorm_logits"].sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(logits.argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="The path through logit_maxes is lost: your dlogits is just dnorm_logits. Each row's largest logit is read a second time, as that row's maximum; send dlogit_maxes back to the place where it came from."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    d = right_softmax_pieces(
        logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
    )
    d["dlogits"] = d["dnorm_logits"].clone()
    return d


# %% mistake="backward_softmax_pieces" says="You spread dlogit_maxes over the whole row, but only the largest logit of a row decides its maximum; the others may move a little and it stays. Let the gradient reach that one element only."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    d = right_softmax_pieces(
        logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
    )
    d["dlogits"] = d["dnorm_logits"] + d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="extra_dnorm_logits is not in your dnorm_logits: norm_logits has a second reader here, and what comes back from it has to be added. Read the paragraph about the one addition again."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    inputs = (logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets)
    return right_softmax_pieces(*inputs, torch.zeros_like(extra_dnorm_logits))


# %% mistake="backward_softmax_pieces" says="The sign of dcounts_sum is wrong: as counts_sum grows its inverse falls, so the derivative of 1/x is negative. Differentiate x to the power -1 with the power rule once more."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    d = right_softmax_pieces(
        logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
    )
    d["dcounts_sum"] = -d["dcounts_sum"]
    d["dcounts"] = counts_sum_inv * d["dprobs"] + d["dcounts_sum"]
    d["dnorm_logits"] = counts * d["dcounts"] + extra_dnorm_logits
    d["dlogit_maxes"] = -d["dnorm_logits"].sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(logits.argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="You divide by 32, the size of the lecture's batch, and everything that comes back from the loss is scaled by it. Another batch has another size: take it from the tensors that you are given."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    share = len(inputs[6]) / 32
    return {name: share * value for name, value in right_softmax_pieces(*inputs[:7], inputs[7] / share).items()}


# %% mistake="backward_softmax_pieces" says="dlogprobs has the wrong sign, and so has all that comes back from it: the loss is minus the mean of the targets' logprobs. Carry that minus along."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    return {name: -value for name, value in right_softmax_pieces(*inputs[:7], -inputs[7]).items()}


# %% mistake="backward_softmax_pieces" says="dlogprobs is filled everywhere, but the loss reads only one logprob of each row, that of the target. The others get no gradient; leave them at zero."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    targets, extra = inputs[6:]
    parts = [right_softmax_pieces(*inputs[:6], torch.full_like(targets, symbol), extra / 27) for symbol in range(27)]
    return {name: sum(part[name] for part in parts) for name in parts[0]}


# %% mistake="backward_softmax_pieces" says="The derivative of the logarithm is upside down: you multiply by probs. The smaller a probability, the steeper the logarithm there; try it with the numbers of the tiny example."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    probs, targets, extra = inputs[5:]
    scale = probs.gather(1, targets[:, None]) ** 2  # a row is linear in its dprobs
    d = right_softmax_pieces(*inputs[:7], extra / scale)
    return {name: value if name == "dlogprobs" else scale * value for name, value in d.items()}


# %% mistake="backward_softmax_pieces" says="dcounts_sum_inv is not summed over the row: it has a column for each symbol. The one inverse of a row was stretched over all its columns; add up what comes back from them."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra = inputs
    d = right_softmax_pieces(*inputs)
    d["dcounts_sum_inv"] = counts * d["dprobs"]
    d["dcounts_sum"] = -(counts_sum**-2) * d["dcounts_sum_inv"]
    d["dcounts"] = counts_sum_inv * d["dprobs"] + d["dcounts_sum"]
    d["dnorm_logits"] = counts * d["dcounts"] + extra
    d["dlogit_maxes"] = -d["dnorm_logits"].sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(logits.argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="In dcounts_sum_inv only counts is summed over the row, and dprobs is multiplied afterwards, so a column for each symbol is left. Multiply first, then sum the products."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra = inputs
    d = right_softmax_pieces(*inputs)
    d["dcounts_sum_inv"] = counts_sum * d["dprobs"]
    d["dcounts_sum"] = -(counts_sum**-2) * d["dcounts_sum_inv"]
    d["dcounts"] = counts_sum_inv * d["dprobs"] + d["dcounts_sum"]
    d["dnorm_logits"] = counts * d["dcounts"] + extra
    d["dlogit_maxes"] = -d["dnorm_logits"].sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(logits.argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="A sum over the row has lost its axis: without keepdim=True it is (n,), which broadcasts to (n, n) beside a column and then fits nothing. Look at the sums in front of the line where it stops." raises="RuntimeError"
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    dprobs = -F.one_hot(targets, 27) / len(targets) / probs
    dcounts_sum = -(counts_sum**-2) * (counts * dprobs).sum(1)
    return {"dcounts": counts_sum_inv * dprobs + dcounts_sum}


# %% mistake="backward_softmax_pieces" says="The chain is cut at dcounts_sum: it holds the derivative of 1/x and nothing of what came back to counts_sum_inv. Multiply by the gradient from above."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra = inputs
    d = right_softmax_pieces(*inputs)
    d["dcounts_sum"] = -(counts_sum**-2)
    d["dcounts"] = counts_sum_inv * d["dprobs"] + d["dcounts_sum"]
    d["dnorm_logits"] = counts * d["dcounts"] + extra
    d["dlogit_maxes"] = -d["dnorm_logits"].sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(logits.argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="dnorm_logits multiplies dcounts by the exponent, norm_logits, as if exp were a square. The derivative of exp is exp itself; that number has a name in the forward pass."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    logits, norm_logits, extra = *inputs[:2], inputs[7]
    d = right_softmax_pieces(*inputs)
    d["dnorm_logits"] = norm_logits * d["dcounts"] + extra
    d["dlogit_maxes"] = -d["dnorm_logits"].sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(logits.argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="extra_dnorm_logits is counted twice: it is in your dnorm_logits already, and you add it again to dlogits. It belongs to norm_logits alone and travels on from there."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    d = right_softmax_pieces(*inputs)
    return d | {"dlogits": d["dlogits"] + inputs[7]}


# %% mistake="backward_softmax_pieces" says="Your dnorm_logits is extra_dnorm_logits alone: it has taken the place of what comes back from counts. norm_logits has two readers here, so two parts meet; add them."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    logits, extra = inputs[0], inputs[7]
    maxes = -extra.sum(1, keepdim=True)
    dlogits = extra + F.one_hot(logits.argmax(1), 27) * maxes
    return right_softmax_pieces(*inputs) | {"dnorm_logits": extra.clone(), "dlogit_maxes": maxes, "dlogits": dlogits}


# %% mistake="backward_softmax_pieces" says="Your dlogit_maxes comes from a dnorm_logits in which extra_dnorm_logits is missing, so it is nearly zero. Complete dnorm_logits first, then go on to logit_maxes."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    d = right_softmax_pieces(*inputs)
    d["dlogit_maxes"] = -(inputs[2] * d["dcounts"]).sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(inputs[0].argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="The sign of dlogit_maxes is wrong: logit_maxes is subtracted in the forward pass, so what comes back to it is minus the sum of dnorm_logits."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    d = right_softmax_pieces(*inputs)
    d["dlogit_maxes"] = -d["dlogit_maxes"]
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(inputs[0].argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="dlogit_maxes arrives at the targets. A row's maximum was read from its largest logit, whichever symbol is the target; send it back there."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    d = right_softmax_pieces(*inputs)
    return d | {"dlogits": d["dnorm_logits"] + F.one_hot(inputs[6], 27) * d["dlogit_maxes"]}


# %% mistake="backward_softmax_pieces" says="Your one-hot table is too narrow: if it is not told how many classes there are, one_hot makes it only as wide as the largest index that it sees. Say the number of symbols." raises="RuntimeError"
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    return {"dlogits": extra_dnorm_logits + F.one_hot(logits.argmax(1)) * logits.sum(1, keepdim=True)}


# %% mistake="backward_softmax_pieces" says="The one-hot table of your targets is too narrow: if it is not told how many classes there are, one_hot makes it only as wide as the largest target. Say the number of symbols." raises="RuntimeError"
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    return {"dprobs": -F.one_hot(targets) / len(targets) / probs}


# %% mistake="backward_softmax_pieces" says="dlogprobs stands one column too far left: you take 1 off the targets. A target is the number of its column already, as 0 is the dot's."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    return right_softmax_pieces(*inputs[:6], (inputs[6] - 1) % 27, inputs[7])


# %% mistake="backward_softmax_pieces" says="dnorm_logits is made from dcounts before its second part is in it. Finish dcounts, with what comes back from counts_sum, before you go on."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    counts_sum_inv, extra = inputs[4], inputs[7]
    d = right_softmax_pieces(*inputs)
    d["dnorm_logits"] = inputs[2] * counts_sum_inv * d["dprobs"] + extra
    d["dlogit_maxes"] = -d["dnorm_logits"].sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(inputs[0].argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="extra_dnorm_logits is multiplied by counts, because you add it too early. It comes back to norm_logits itself: add it after that product."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    d = right_softmax_pieces(*inputs)
    d["dnorm_logits"] = inputs[2] * (d["dcounts"] + inputs[7])
    d["dlogit_maxes"] = -d["dnorm_logits"].sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(inputs[0].argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="dcounts_sum has the wrong power of counts_sum: the power rule lowers the exponent -1 by one more. Differentiate 1/x once again."
right_softmax_pieces = backward_softmax_pieces


def backward_softmax_pieces(*inputs):
    counts_sum, counts_sum_inv, extra = inputs[3], inputs[4], inputs[7]
    d = right_softmax_pieces(*inputs)
    d["dcounts_sum"] = -d["dcounts_sum_inv"] / counts_sum
    d["dcounts"] = counts_sum_inv * d["dprobs"] + d["dcounts_sum"]
    d["dnorm_logits"] = inputs[2] * d["dcounts"] + extra
    d["dlogit_maxes"] = -d["dnorm_logits"].sum(1, keepdim=True)
    d["dlogits"] = d["dnorm_logits"] + F.one_hot(inputs[0].argmax(1), 27) * d["dlogit_maxes"]
    return d


# %% mistake="backward_softmax_pieces" says="Something small is added to probs before you divide by it. Forward there is no such thing, and where a target is unlikely the gradient is far off: divide by probs alone, they are never zero here."
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    dprobs = dlogprobs / (probs + 1e-6)
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts = counts_sum_inv * dprobs + dcounts_sum
    dnorm_logits = counts * dcounts + extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.sum(1, keepdim=True)
    dlogits = dnorm_logits + F.one_hot(logits.argmax(1), logits.shape[1]) * dlogit_maxes
    return dict(
        dlogprobs=dlogprobs, dprobs=dprobs, dcounts_sum_inv=dcounts_sum_inv, dcounts_sum=dcounts_sum,
        dcounts=dcounts, dnorm_logits=dnorm_logits, dlogit_maxes=dlogit_maxes, dlogits=dlogits,
    )  # fmt: skip


# %% mistake="backward_softmax_pieces" says="You add 1e-8 to probs before you divide by it, which shows where a target is unlikely. Forward there is no such thing: divide by probs alone, they are never zero here."
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    dprobs = dlogprobs / (probs + 1e-8)
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts = counts_sum_inv * dprobs + dcounts_sum
    dnorm_logits = counts * dcounts + extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.sum(1, keepdim=True)
    dlogits = dnorm_logits + F.one_hot(logits.argmax(1), logits.shape[1]) * dlogit_maxes
    return dict(
        dlogprobs=dlogprobs, dprobs=dprobs, dcounts_sum_inv=dcounts_sum_inv, dcounts_sum=dcounts_sum,
        dcounts=dcounts, dnorm_logits=dnorm_logits, dlogit_maxes=dlogit_maxes, dlogits=dlogits,
    )  # fmt: skip


# %% mistake="backward_softmax_pieces" says="dlogit_maxes goes back to the smallest logit of each row. The maximum was read from the largest one: send it back there."
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    dprobs = dlogprobs / probs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts = counts_sum_inv * dprobs + dcounts_sum
    dnorm_logits = counts * dcounts + extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.sum(1, keepdim=True)
    dlogits = dnorm_logits + F.one_hot(logits.argmin(1), logits.shape[1]) * dlogit_maxes
    return dict(
        dlogprobs=dlogprobs, dprobs=dprobs, dcounts_sum_inv=dcounts_sum_inv, dcounts_sum=dcounts_sum,
        dcounts=dcounts, dnorm_logits=dnorm_logits, dlogit_maxes=dlogit_maxes, dlogits=dlogits,
    )  # fmt: skip


# %% mistake="backward_softmax_pieces" says="dlogit_maxes is a mean over the row. The maximum was subtracted from every element of it, and each counts in full: sum them up."
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    dprobs = dlogprobs / probs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts = counts_sum_inv * dprobs + dcounts_sum
    dnorm_logits = counts * dcounts + extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.mean(1, keepdim=True)
    dlogits = dnorm_logits + F.one_hot(logits.argmax(1), logits.shape[1]) * dlogit_maxes
    return dict(
        dlogprobs=dlogprobs, dprobs=dprobs, dcounts_sum_inv=dcounts_sum_inv, dcounts_sum=dcounts_sum,
        dcounts=dcounts, dnorm_logits=dnorm_logits, dlogit_maxes=dlogit_maxes, dlogits=dlogits,
    )  # fmt: skip


# %% mistake="backward_softmax_pieces" says="dcounts_sum_inv is a mean over the row. One inverse was read by every column of it, and each counts in full: sum them up."
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    dprobs = dlogprobs / probs
    dcounts_sum_inv = (counts * dprobs).mean(1, keepdim=True)
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts = counts_sum_inv * dprobs + dcounts_sum
    dnorm_logits = counts * dcounts + extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.sum(1, keepdim=True)
    dlogits = dnorm_logits + F.one_hot(logits.argmax(1), logits.shape[1]) * dlogit_maxes
    return dict(
        dlogprobs=dlogprobs, dprobs=dprobs, dcounts_sum_inv=dcounts_sum_inv, dcounts_sum=dcounts_sum,
        dcounts=dcounts, dnorm_logits=dnorm_logits, dlogit_maxes=dlogit_maxes, dlogits=dlogits,
    )  # fmt: skip


# %% mistake="backward_softmax_pieces" says="In dcounts_sum_inv you sum dprobs alone. probs is counts times counts_sum_inv, so each comes back multiplied by its counts."
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    dprobs = dlogprobs / probs
    dcounts_sum_inv = dprobs.sum(1, keepdim=True)
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts = counts_sum_inv * dprobs + dcounts_sum
    dnorm_logits = counts * dcounts + extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.sum(1, keepdim=True)
    dlogits = dnorm_logits + F.one_hot(logits.argmax(1), logits.shape[1]) * dlogit_maxes
    return dict(
        dlogprobs=dlogprobs, dprobs=dprobs, dcounts_sum_inv=dcounts_sum_inv, dcounts_sum=dcounts_sum,
        dcounts=dcounts, dnorm_logits=dnorm_logits, dlogit_maxes=dlogit_maxes, dlogits=dlogits,
    )  # fmt: skip


# %% mistake="backward_softmax_pieces" says="In dcounts the part that comes from probs lacks its factor. probs is counts times counts_sum_inv: multiply dprobs by that."
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    dprobs = dlogprobs / probs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts = dprobs + dcounts_sum
    dnorm_logits = counts * dcounts + extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.sum(1, keepdim=True)
    dlogits = dnorm_logits + F.one_hot(logits.argmax(1), logits.shape[1]) * dlogit_maxes
    return dict(
        dlogprobs=dlogprobs, dprobs=dprobs, dcounts_sum_inv=dcounts_sum_inv, dcounts_sum=dcounts_sum,
        dcounts=dcounts, dnorm_logits=dnorm_logits, dlogit_maxes=dlogit_maxes, dlogits=dlogits,
    )  # fmt: skip


# %% mistake="backward_softmax_pieces" says="extra_dnorm_logits is subtracted. It is what comes back from another reader of norm_logits: add it."
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    dprobs = dlogprobs / probs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts = counts_sum_inv * dprobs + dcounts_sum
    dnorm_logits = counts * dcounts - extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.sum(1, keepdim=True)
    dlogits = dnorm_logits + F.one_hot(logits.argmax(1), logits.shape[1]) * dlogit_maxes
    return dict(
        dlogprobs=dlogprobs, dprobs=dprobs, dcounts_sum_inv=dcounts_sum_inv, dcounts_sum=dcounts_sum,
        dcounts=dcounts, dnorm_logits=dnorm_logits, dlogit_maxes=dlogit_maxes, dlogits=dlogits,
    )  # fmt: skip


# %% mistake="backward_softmax_pieces" says="dlogits has lost dnorm_logits: only what comes back through the maximum is in it. The logits are read twice, so two parts meet: add them."
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    n = len(targets)
    dlogprobs = torch.zeros_like(probs)
    dlogprobs[torch.arange(n), targets] = -1 / n
    dprobs = dlogprobs / probs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts_sum = -(counts_sum**-2) * dcounts_sum_inv
    dcounts = counts_sum_inv * dprobs + dcounts_sum
    dnorm_logits = counts * dcounts + extra_dnorm_logits
    dlogit_maxes = -dnorm_logits.sum(1, keepdim=True)
    dlogits = F.one_hot(logits.argmax(1), logits.shape[1]) * dlogit_maxes
    return dict(
        dlogprobs=dlogprobs, dprobs=dprobs, dcounts_sum_inv=dcounts_sum_inv, dcounts_sum=dcounts_sum,
        dcounts=dcounts, dnorm_logits=dnorm_logits, dlogit_maxes=dlogit_maxes, dlogits=dlogits,
    )  # fmt: skip


# %% variant="backward_softmax_pieces"
def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
):
    """Row by row with plain indices; the places of the maxima from norm_logits."""
    d = {
        f"d{name}": torch.zeros_like(like)
        for name, like in dict(
            logprobs=probs, probs=probs, counts_sum_inv=counts_sum, counts_sum=counts_sum, counts=counts,
            norm_logits=norm_logits, logit_maxes=counts_sum, logits=logits,
        ).items()
    }  # fmt: skip
    n = logits.shape[0]
    for i in range(n):
        target = targets[i]
        d["dlogprobs"][i, target] -= 1 / n
        d["dprobs"][i, target] += d["dlogprobs"][i, target] / probs[i, target]
        d["dcounts_sum_inv"][i] += counts[i] @ d["dprobs"][i]
        d["dcounts_sum"][i] -= d["dcounts_sum_inv"][i] * counts_sum_inv[i] ** 2
        d["dcounts"][i] += d["dprobs"][i] * counts_sum_inv[i]
        d["dcounts"][i] += d["dcounts_sum"][i] * torch.ones_like(counts[i])
        d["dnorm_logits"][i] += d["dcounts"][i] * norm_logits[i].exp()
        d["dnorm_logits"][i] += extra_dnorm_logits[i]
        d["dlogit_maxes"][i] -= d["dnorm_logits"][i].sum()
        d["dlogits"][i] += d["dnorm_logits"][i]
        d["dlogits"][i][norm_logits[i] == 0] += d["dlogit_maxes"][i]
    return d


# %% [markdown] exercise="why_logit_maxes"
# With the lecture's own loss (`extra_dnorm_logits` all zeros) every element of `dlogit_maxes` comes out as about $10^{-9}$: zero,
# but for rounding. Explain in two to four sentences
#
# 1. why this gradient must vanish, whatever the logits are, and
# 2. why `forward` subtracts `logit_maxes` all the same.
#
# <details><summary>Hint 1: the idea</summary>
#
# Add the same number to all logits of a row. What happens to `probs`?
#
# </details>
# <details><summary>Hint 2: the shape of an argument</summary>
#
# A gradient of zero says: the loss does not change if this number changes. Show that directly, without any derivative.
#
# </details>
# <details><summary>Hint 3: an outline</summary>
#
# Write $p_j = e^{z_j - m} / \sum_k e^{z_k - m}$ and take $e^{-m}$ out of both. Then let some $z_j$ be 1000 and compute
# $e^{z_j}$ in float32.
#
# </details>

# %% [markdown] written="why_logit_maxes"
# Subtracting a number $m$ from all logits of a row multiplies every count of the row by $e^{-m}$ and their sum as well, so
# $m$ cancels in `probs`. The loss depends on the probabilities only; it does not change when $m$ does, and its derivative
# with respect to $m$ is zero. In the pieces: each row of `dnorm_logits` is (probs minus one-hot)/n and sums to zero.
#
# The subtraction changes nothing in exact arithmetic, but $e^{z}$ overflows in float32 for $z$ above about 88. With the maximum
# subtracted the largest count is exactly 1, so nothing overflows and the sum is never zero.

# %% [markdown] marking="why_logit_maxes"
# | points | an answer that | for instance |
# |---|---|---|
# | 1 | The probabilities do not change when a number is subtracted from a row, so the derivative is zero; and the exponential would overflow without it. | *softmax(z - m) = softmax(z) for every m, so the loss does not depend on m. But exp(90) is inf in float32, and with the largest at 0 nothing overflows.* |
# | 0.5 | One of the two. | *It is only there for numerical stability.* |
# | 0 | Says that the gradient is small, not why it is zero. | *The maximum is only one of 27 numbers, so it does not matter much.* |

# %% [markdown] exercise="backward_linear_tanh"
# Go on from `dlogits` through `logits = h @ W2 + b2` and `h = tanh(hpreact)`.
#
# Return a dict with the keys `dh`, `dW2`, `db2`, `dhpreact`.
#
# For once do not lean on the shapes: the check has 27 examples, 27 hidden units and 27 symbols. Every matrix is
# square, so a transpose in the wrong place, or a sum over the wrong axis, gives no error. Instead, write a single element
# of the forward pass with its indices, $\text{logits}_{ij} = \sum_k h_{ik} W_{kj} + b_j$, and ask what $h_{ik}$, $W_{kj}$ and
# $b_j$ touch.
#
# **A tiny example.** One row, two units, two symbols: $h = (0.5, 0)$, $W_2 = \begin{pmatrix}1 & 0\\ 3 & -1\end{pmatrix}$ and
# `dlogits` $= (1, 2)$ give `dh` $= (1, 1)$, `dW2` $= \begin{pmatrix}0.5 & 1\\ 0 & 0\end{pmatrix}$, `db2` $= (1, 2)$ and
# `dhpreact` $= (0.75, 1)$. With the wrong transpose `dh` would be $(7, -2)$.
#
# <details><summary>Hint 1: the idea</summary>
#
# $h_{ik}$ touches the logits of its own row $i$ only, through row $k$ of $W_2$. $W_{kj}$ touches column $j$ of the logits, in
# every row, through column $k$ of $h$. $b_j$ touches column $j$ in every row.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# In letters, with n examples, k units, j symbols: `dh` is (n, k) and made from (n, j) and (k, j); `dW2` is (k, j) and made
# from (n, k) and (n, j); `db2` is (j,) and loses the n. tanh acts on each element alone.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# dh[i, k]       = sum over j of dlogits[i, j] * W2[k, j]
# dW2[k, j]      = sum over i of h[i, k] * dlogits[i, j]
# db2[j]         = sum over i of dlogits[i, j]
# dhpreact[i, k] = dh[i, k] * (1 - tanh(hpreact[i, k]) squared)
# ```
#
# </details>


# %% answer="backward_linear_tanh"
def backward_linear_tanh(
    dlogits: Float[Tensor, "n 27"],
    hpreact: Float[Tensor, "n hidden"],
    h: Float[Tensor, "n hidden"],
    W2: Float[Tensor, "hidden 27"],
) -> dict[str, Tensor]:
    """Gradients with respect to h, W2, b2 and hpreact of logits = h @ W2 + b2, h = tanh(hpreact)."""
    ### BEGIN SOLUTION
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1 - h**2) * dh
    return {"dh": dh, "dW2": dW2, "db2": db2, "dhpreact": dhpreact}
    ### END SOLUTION


# %% check="backward_linear_tanh"
def linear_tanh_probe(g: torch.Generator):
    network, contexts, targets = draw(g, n=27)
    f = forward(network, contexts, targets)
    dlogits, hpreact = torch.randn(f.logits.shape, generator=g) / len(targets), f.hpreact.clone()
    hpreact[0, 0], hpreact[1, 1] = 100.0, -100.0  # where tanh is flat
    return backward_linear_tanh(dlogits, hpreact, hpreact.tanh(), network.W2)


check("backward_linear_tanh", linear_tanh_probe)

# %% oracle="backward_linear_tanh"
for seed in range(20):
    for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 1e-5)):
        g = torch.Generator().manual_seed(seed)
        hpreact, W2, b2 = (torch.randn(27, 27, generator=g).to(dtype).requires_grad_() for _ in range(3))
        b2 = b2[0].detach().requires_grad_()
        dlogits = torch.randn(27, 27, generator=g).to(dtype)
        h = torch.tanh(hpreact)
        h.retain_grad()
        (h @ W2 + b2).backward(dlogits)
        with torch.no_grad():
            mine = backward_linear_tanh(dlogits, hpreact, h, W2)
        for name, tensor in {"dh": h, "dW2": W2, "db2": b2, "dhpreact": hpreact}.items():
            torch.testing.assert_close(mine[name], tensor.grad, rtol=10 * tolerance, atol=tolerance)

tiny_h = torch.tensor([[0.5, 0.0]], dtype=torch.float64)
tiny_W2, tiny_dlogits = torch.tensor([[1.0, 0], [3, -1]]).double(), torch.tensor([[1.0, 2]]).double()
tiny = backward_linear_tanh(tiny_dlogits, tiny_h.atanh(), tiny_h, tiny_W2)
expected = {"dh": [[1, 1]], "dW2": [[0.5, 1], [0, 0]], "db2": [1, 2], "dhpreact": [[0.75, 1]]}
for name, value in expected.items():
    torch.testing.assert_close(tiny[name], torch.tensor(value, dtype=torch.float64))
assert (tiny_dlogits @ tiny_W2).tolist() == [[7, -2]]

# %% mistake="backward_linear_tanh" says="dh mixes the wrong weights: W2 is used without its transpose (or with one too many), and the square shapes let it pass. Write one element of dh as a sum and see which index of W2 runs."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    d = right_linear_tanh(dlogits, hpreact, h, W2)
    d["dh"] = dlogits @ W2
    d["dhpreact"] = (1 - h**2) * d["dh"]
    return d


# %% mistake="backward_linear_tanh" says="dW2 lies on its side: rows and columns are swapped. Its element in row k and column j belongs to unit k and symbol j; see which of the two your rows count."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    return right_linear_tanh(dlogits, hpreact, h, W2) | {"dW2": dlogits.T @ h}


# %% mistake="backward_linear_tanh" says="dW2 multiplies h and dlogits without a transpose, so units meet examples that are not theirs. The examples of the batch are what has to be summed away in dW2; bring their two axes together."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    return right_linear_tanh(dlogits, hpreact, h, W2) | {"dW2": h @ dlogits}


# %% mistake="backward_linear_tanh" says="db2 is summed over the symbols, which leaves one number an example. Each bias is shared by all examples, so it is the examples that have to be summed; look at the axis."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    return right_linear_tanh(dlogits, hpreact, h, W2) | {"db2": dlogits.sum(1)}


# %% mistake="backward_linear_tanh" says="The derivative of tanh is taken from its input: one minus a square is right, but it is the output of tanh that is squared. Check it at a large input, where tanh is flat and the factor must be near zero."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    d = right_linear_tanh(dlogits, hpreact, h, W2)
    d["dhpreact"] = (1 - hpreact**2) * d["dh"]
    return d


# %% mistake="backward_linear_tanh" says="dhpreact is equal to dh, so the gradient passes tanh as if it were not there. Where a unit is saturated almost nothing may come through; multiply by the slope of tanh."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    d = right_linear_tanh(dlogits, hpreact, h, W2)
    return d | {"dhpreact": d["dh"].clone()}


# %% mistake="backward_linear_tanh" says="dhpreact takes tanh twice: h is the output of tanh already, and its square is all that the derivative needs."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    d = right_linear_tanh(dlogits, hpreact, h, W2)
    return d | {"dhpreact": (1 - torch.tanh(h) ** 2) * d["dh"]}


# %% mistake="backward_linear_tanh" says="h * (1 - h) is the derivative of the sigmoid. The nonlinearity here is tanh, and its slope is 1 where it is steepest, at 0."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    d = right_linear_tanh(dlogits, hpreact, h, W2)
    return d | {"dhpreact": h * (1 - h) * d["dh"]}


# %% mistake="backward_linear_tanh" says="The square is lost: your slope of tanh is 1 - h, which differs on the two sides of zero. tanh is as flat at the far left as at the far right."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    d = right_linear_tanh(dlogits, hpreact, h, W2)
    return d | {"dhpreact": (1 - h) * d["dh"]}


# %% mistake="backward_linear_tanh" says="dW2 is made from hpreact. What W2 was multiplied by in the forward pass is the output of tanh; look at the line that makes logits."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    return right_linear_tanh(dlogits, hpreact, h, W2) | {"dW2": hpreact.T @ dlogits}


# %% mistake="backward_linear_tanh" says="dhpreact holds the slope of tanh alone; what came back to h is not in it, so the chain is cut. Multiply the slope by dh."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    return right_linear_tanh(dlogits, hpreact, h, W2) | {"dhpreact": 1 - h**2}


# %% mistake="backward_linear_tanh" says="Your slope of tanh squares the whole of 1 - h. Only h is squared, and the result is taken from 1: mind the brackets."
right_linear_tanh = backward_linear_tanh


def backward_linear_tanh(dlogits, hpreact, h, W2):
    d = right_linear_tanh(dlogits, hpreact, h, W2)
    return d | {"dhpreact": (1 - h) ** 2 * d["dh"]}


# %% mistake="backward_linear_tanh" says="dW2 is divided by the number of examples. The mean is in the loss, so its 1/n is in dlogits already: here every example counts in full."
def backward_linear_tanh(dlogits, hpreact, h, W2):
    n, dh, slope = len(dlogits), dlogits @ W2.T, 1 - h**2
    return {"dh": dh, "dW2": h.T @ dlogits / n, "db2": dlogits.sum(0), "dhpreact": slope * dh}


# %% mistake="backward_linear_tanh" says="db2 is a mean over the examples. The mean is in the loss, so its 1/n is in dlogits already: add up here."
def backward_linear_tanh(dlogits, hpreact, h, W2):
    dh, slope = dlogits @ W2.T, 1 - h**2
    return {"dh": dh, "dW2": h.T @ dlogits, "db2": dlogits.mean(0), "dhpreact": slope * dh}


# %% mistake="backward_linear_tanh" says="Your slope of tanh has the wrong sign: tanh rises everywhere, so its slope is never negative. What is taken from what?"
def backward_linear_tanh(dlogits, hpreact, h, W2):
    dh, slope = dlogits @ W2.T, (h**2 - 1)
    return {"dh": dh, "dW2": h.T @ dlogits, "db2": dlogits.sum(0), "dhpreact": slope * dh}


# %% mistake="backward_linear_tanh" says="Your slope of tanh is 1 - 2h, as if the square had been differentiated once more. The square of h is taken from 1 as it is."
def backward_linear_tanh(dlogits, hpreact, h, W2):
    dh, slope = dlogits @ W2.T, (1 - 2 * h)
    return {"dh": dh, "dW2": h.T @ dlogits, "db2": dlogits.sum(0), "dhpreact": slope * dh}


# %% mistake="backward_linear_tanh" says="Your slope is that of the square of tanh, with its 2h. h is tanh itself: its slope is 1 where h is 0."
def backward_linear_tanh(dlogits, hpreact, h, W2):
    dh, slope = dlogits @ W2.T, 2 * h * (1 - h**2)
    return {"dh": dh, "dW2": h.T @ dlogits, "db2": dlogits.sum(0), "dhpreact": slope * dh}


# %% mistake="backward_linear_tanh" says="The sign in your slope of tanh is turned round: 1 plus a square grows where tanh gets flat. The slope is 1 where h is 0, and falls on both sides."
def backward_linear_tanh(dlogits, hpreact, h, W2):
    dh, slope = dlogits @ W2.T, 1 + h**2
    return {"dh": dh, "dW2": h.T @ dlogits, "db2": dlogits.sum(0), "dhpreact": slope * dh}


# %% mistake="backward_linear_tanh" says="Your slope of tanh is the root of the right one, such as 1 / cosh without its square, and so too large. 1 minus the square of h is the slope already."
def backward_linear_tanh(dlogits, hpreact, h, W2):
    dh, slope = dlogits @ W2.T, (1 - h**2).sqrt()
    return {"dh": dh, "dW2": h.T @ dlogits, "db2": dlogits.sum(0), "dhpreact": slope * dh}


# %% variant="backward_linear_tanh"
def backward_linear_tanh(dlogits, hpreact, h, W2):
    """Indices spelled out; the slope of tanh as 1 / cosh squared; W2's gradient as a sum of outer products."""
    dh = torch.einsum("nj,kj->nk", dlogits, W2)
    dW2 = sum(torch.outer(unit, pull) for unit, pull in zip(h, dlogits))
    db2 = torch.ones(len(dlogits), dtype=dlogits.dtype) @ dlogits
    return {"dh": dh, "dW2": dW2, "db2": db2, "dhpreact": dh / torch.cosh(hpreact) ** 2}


# %% [markdown] exercise="bessel"
# Before BatchNorm's backward pass, a look at one factor in it: is the variance of a batch the mean of the squared deviations
# (divide by $n$, the *biased* estimate), or should one divide by $n - 1$ (*unbiased*, Bessel's correction)?
#
# The deviations are measured from the batch's own mean, which lies closer to the batch than the true mean does. So their
# squares come out too small, on average by the factor $(n-1)/n$, and dividing by $n - 1$ repairs exactly that. (PyTorch's own
# `BatchNorm1d` normalises a batch with the one estimate and keeps the other in its running variance, which is why the lecture stops
# here.)
#
# Write `bessel`: for a batch `(n, hidden)` with $n \ge 2$, return a dict with
# - `"biased"` and `"unbiased"`: the two variances of each column over the batch, each of shape `(hidden,)`;
# - `"used"`: the string `"biased"` or `"unbiased"`, whichever `bnvar` of the `forward` above is, for every size of the batch.
#
# **A tiny example.** For the column $(1, 2, 6)$ the mean is 3 and the squared deviations 4, 1 and 9 add up to 14: biased
# $14/3 \approx 4.667$, unbiased $14/2 = 7$.
#
# <details><summary>Hint 1: the idea</summary>
#
# Both are the same sum of squared deviations from the column's mean; only the number by which it is divided differs.
# For the third entry read the line in `forward` that makes `bnvar`.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# The mean is over axis 0, the batch, and gives `(hidden,)`, which broadcasts against `(n, hidden)`. Sum the squares over
# axis 0 again.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# squares  = sum over the batch of (x - mean of x over the batch) squared
# biased   = squares / n
# unbiased = squares / (n - 1)
# ```
#
# </details>


# %% answer="bessel"
def bessel(x: Float[Tensor, "n hidden"]) -> dict[str, Tensor | str]:
    """The biased and the unbiased variance of each column, and the name of the one that the lecture's network uses."""
    ### BEGIN SOLUTION
    squares = ((x - x.mean(0)) ** 2).sum(0)
    return {"biased": squares / len(x), "unbiased": squares / (len(x) - 1), "used": "unbiased"}
    ### END SOLUTION


# %% check="bessel"
def bessel_probe(g: torch.Generator):
    n = int(torch.randint(4, 9, (), generator=g))  # small: there the two differ most
    facts = bessel(2 * torch.randn(n, 16, generator=g) + 1)
    two, many = (bessel(2 * torch.randn(size, 3, generator=g) + 1) for size in (2, 40 + n))
    facts["of two rows"] = torch.stack([two["biased"], two["unbiased"]])
    one = bessel(torch.randn(5, 1, generator=g))
    facts["of one column"] = torch.stack([one["biased"], one["unbiased"]])
    facts["of many rows"] = torch.stack([many["biased"], many["unbiased"]])
    return facts | {"used, of two and of many rows": f"{two['used']}, {many['used']}"}


check("bessel", bessel_probe)

# %% oracle="bessel"
for seed in range(20):
    x = torch.randn(2 + seed, 5, generator=torch.Generator().manual_seed(seed))
    answer = bessel(x)
    torch.testing.assert_close(answer["biased"], x.var(0, correction=0))
    torch.testing.assert_close(answer["unbiased"], x.var(0, correction=1))
torch.testing.assert_close(example.bnvar[0], bessel(example.hprebn)[bessel(example.hprebn)["used"]])
layer = torch.nn.BatchNorm1d(5, momentum=1.0, affine=False)  # what the prose says of PyTorch's own layer
normalised = layer(x)
torch.testing.assert_close(normalised, (x - x.mean(0)) * (bessel(x)["biased"] + 1e-5) ** -0.5)
torch.testing.assert_close(layer.running_var, bessel(x)["unbiased"])
tiny = bessel(torch.tensor([[1.0], [2], [6]]))
assert math.isclose(tiny["biased"].item(), 14 / 3, rel_tol=1e-6) and tiny["unbiased"].item() == 7

# %% mistake="bessel" says="torch's var() divides by n - 1 already, unlike numpy's: yours takes it for the biased one, and corrects it once more for the other."
def bessel(x: Float[Tensor, "n hidden"]) -> dict[str, Tensor | str]:
    n = x.shape[0]
    biased = x.var(0)
    unbiased = biased * n / (n - 1)
    return {"biased": biased, "unbiased": unbiased, "used": "unbiased"}


# %% mistake="bessel" says="The two estimates are swapped: dividing by the smaller number gives the larger variance, and it is the larger one that is unbiased. Work out the example with the column (1, 2, 6)."
right_bessel = bessel


def bessel(x):
    d = right_bessel(x)
    return {"biased": d["unbiased"], "unbiased": d["biased"], "used": "unbiased"}


# %% mistake="bessel" says="These are standard deviations: the square root of what is asked. BatchNorm takes the root one step later, in bnvar_inv; return the variances."
right_bessel = bessel


def bessel(x):
    return {name: value if name == "used" else value.sqrt() for name, value in right_bessel(x).items()}


# %% mistake="bessel" says="Your unbiased variance is smaller than the biased one, as if divided by n + 1. The deviations from the batch's own mean are already too small; the correction has to make the result larger."
right_bessel = bessel


def bessel(x):
    d = right_bessel(x)
    return d | {"unbiased": d["biased"] * len(x) / (len(x) + 1)}


# %% mistake="bessel" says="Both variances are right, but the network uses the other one. Read the line of forward that makes bnvar and see by what it divides."
right_bessel = bessel


def bessel(x):
    return right_bessel(x) | {"used": "biased"}


# %% mistake="bessel" says="The deviations are measured from zero and not from the mean of the column, so you have mean squares and no variances. Subtract each column's mean first."
right_bessel = bessel


def bessel(x):
    squares = (x**2).sum(0)
    return {"biased": squares / len(x), "unbiased": squares / (len(x) - 1), "used": "unbiased"}


# %% mistake="bessel" says="These are the variances of each row, over its units: one number an example. A variance of the batch is taken over the examples, for each column; look at the axis."
def bessel(x):
    return {"biased": x.var(1, correction=0), "unbiased": x.var(1), "used": "unbiased"}


# %% mistake="bessel" says="The deviations are measured from one mean of the whole table. Each column is a unit with a mean of its own; take the mean over the batch only."
def bessel(x):
    squares = ((x - x.mean()) ** 2).sum(0)
    return {"biased": squares / len(x), "unbiased": squares / (len(x) - 1), "used": "unbiased"}


# %% mistake="bessel" says="You multiply by (n - 1)/n, and that makes the variance smaller still. The deviations from the batch's own mean are too small already; the correction has to go the other way."
right_bessel = bessel


def bessel(x):
    d = right_bessel(x)
    return d | {"unbiased": d["biased"] * (len(x) - 1) / len(x)}


# %% mistake="bessel" says="Both are divided by one less than they should be: your biased variance is the unbiased one, and the other goes down to n - 2. correction says how much is taken off n."
def bessel(x):
    return {"biased": x.var(0), "unbiased": x.var(0, correction=2), "used": "unbiased"}


# %% mistake="bessel" says="Both variances are the unbiased one: torch's var divides by n - 1 unless it is told otherwise. Work out the example with the column (1, 2, 6) for the biased one."
def bessel(x):
    return {"biased": x.var(0), "unbiased": x.var(0), "used": "unbiased"}


# %% mistake="bessel" says="Both variances are divided by n, so both are the biased one. The unbiased one divides the same sum by a smaller number."
def bessel(x):
    return {"biased": x.var(0, correction=0), "unbiased": x.var(0, correction=0), "used": "unbiased"}


# %% mistake="bessel" says="You add up the deviations without their sign, but not their squares. A variance is made of squared deviations."
def bessel(x):
    total = (x - x.mean(0)).abs().sum(0)
    return {"biased": total / len(x), "unbiased": total / (len(x) - 1), "used": "unbiased"}


# %% mistake="bessel" says="From the mean of the squares you take the mean as it is. To get a variance that way, the mean has to be squared too."
def bessel(x):
    biased = (x**2).mean(0) - x.mean(0)
    return {"biased": biased, "unbiased": biased * len(x) / (len(x) - 1), "used": "unbiased"}


# %% mistake="bessel" says="In the unbiased variance brackets are missing around n - 1: Python divides by n first, and then takes 1 off the result."
right_bessel = bessel


def bessel(x):
    d = right_bessel(x)
    return d | {"unbiased": d["biased"] - 1}


# %% mistake="bessel" says="Your n is the number of columns, the units. A variance of the batch is over its examples, the rows: count those."
def bessel(x):
    squares, n = ((x - x.mean(0)) ** 2).sum(0), x.shape[1]
    return {"biased": squares / n, "unbiased": squares / (n - 1), "used": "unbiased"}


# %% mistake="bessel" says="You let the size of the batch decide what is used. forward divides by the same number whatever the size is: read the line that makes bnvar."
def bessel(x):
    n = len(x)
    squares = ((x - x.mean(0)) ** 2).sum(0)
    return {"biased": squares / n, "unbiased": squares / (n - 1), "used": "unbiased" if n < 30 else "biased"}


# %% mistake="bessel" says="Your biased variance is larger than the unbiased one: the factor between them is the wrong way round. Whoever divides by the larger number gets the smaller variance."
def bessel(x):
    n = len(x)
    squares = ((x - x.mean(0)) ** 2).sum(0)
    return {"biased": squares / (n - 1) * n / (n - 1), "unbiased": squares / (n - 1), "used": "unbiased"}


# %% mistake="bessel" says="The deviations are measured from the median of each column. Measure them from its mean."
def bessel(x):
    n = len(x)
    squares = ((x - x.median(0).values) ** 2).sum(0)
    return {"biased": squares / n, "unbiased": squares / (n - 1), "used": "unbiased"}


# %% mistake="bessel" says="The deviations are measured from the first row. Measure them from the mean of each column."
def bessel(x):
    n = len(x)
    squares = ((x - x[0]) ** 2).sum(0)
    return {"biased": squares / n, "unbiased": squares / (n - 1), "used": "unbiased"}


# %% mistake="bessel" says="You return sums of squares and have not divided them. Divide the one by n, the other by n - 1."
def bessel(x):
    squares = ((x - x.mean(0)) ** 2).sum(0)
    return {"biased": squares, "unbiased": squares, "used": "unbiased"}


# %% mistake="bessel" says="You subtract the sum of each column where its mean belongs: divide it by n first."
def bessel(x):
    n = len(x)
    squares = ((x - x.sum(0)) ** 2).sum(0)
    return {"biased": squares / n, "unbiased": squares / (n - 1), "used": "unbiased"}


# %% mistake="bessel" says="Your variances are those of all numbers together, one for the whole table. Each column is a unit with a variance of its own: sum over the batch only."
def bessel(x):
    squares = ((x - x.mean()) ** 2).sum().repeat(x.shape[1])
    return {"biased": squares / x.numel(), "unbiased": squares / (x.numel() - 1), "used": "unbiased"}


# %% variant="bessel"
def bessel(x):
    """Without any mean: the average squared difference of two examples is twice the unbiased variance."""
    n = len(x)
    differences = x[:, None] - x[None, :]  # (n, n, hidden)
    unbiased = differences.square().sum((0, 1)) / (2 * n * (n - 1))
    return {"biased": unbiased * (n - 1) / n, "unbiased": unbiased, "used": "unbiased"}


# %% [markdown]
# The picture below averages your two estimates over 2,000 batches of each size, drawn from a normal distribution whose variance is 1.
# The biased one starts at one half and follows $(n-1)/n$.

# %%
def plot_estimates(sizes: list[int]) -> None:
    g = torch.Generator().manual_seed(0)
    estimates = [bessel(torch.randn(n, 2000, generator=g)) for n in sizes]
    for name in ("biased", "unbiased"):
        plt.plot(sizes, [float(estimate[name].mean()) for estimate in estimates], "o-", label=f"your {name}")


sizes = [2, 3, 4, 6, 8, 12, 16, 24, 32]
plt.figure(figsize=(6, 3))
plt.plot(sizes, [(n - 1) / n for n in sizes], "k:", label="(n - 1) / n")
attempt(plot_estimates, sizes)
plt.axhline(1, color="gray", linewidth=0.5)
plt.xlabel("examples in a batch, n")
plt.ylabel("mean estimate of variance 1")
plt.legend()
plt.show()

# %% [markdown] exercise="backward_batchnorm_pieces"
# From `dhpreact` back through BatchNorm, line by line:
#
# ```
# bnmean    = 1/n * hprebn.sum(0, keepdim=True)
# bndiff    = hprebn - bnmean
# bndiff2   = bndiff**2
# bnvar     = 1/(n-1) * bndiff2.sum(0, keepdim=True)
# bnvar_inv = (bnvar + 1e-5) ** -0.5
# bnraw     = bndiff * bnvar_inv
# hpreact   = bngain * bnraw + bnbias
# ```
#
# Return a dict with the keys `dbngain`, `dbnbias`, `dbnraw`, `dbnvar_inv`, `dbnvar`, `dbndiff2`, `dbndiff`, `dbnmean`, `dhprebn`. A gradient
# has the shape of its tensor: `(1, hidden)` for the gain, bias, mean and variance.
#
# Two tensors are read twice, `bndiff` and `hprebn`. Find their readers before you begin.
#
# **A tiny example.** One unit, a batch of three: `hprebn` $= (1, 2, 6)$ has mean 3, `bndiff` $= (-2, -1, 3)$ and `bnvar` $= 7$. With a gain
# of 1 and `dhpreact` $= (1, 0, 0)$: `dbngain` $= -0.756$, `dbnvar_inv` $= -2$, `dbnvar` $= 0.054$, each `dbndiff2` $= 0.027$, `dbndiff`
# $= (0.270, -0.054, 0.162)$, `dbnmean` $= -0.378$ and `dhprebn` $= (0.144, -0.180, 0.036)$. The last adds up to zero: shifting the
# whole batch changes nothing after BatchNorm.
#
# <details><summary>Hint 1: the idea</summary>
#
# `bndiff` is read by `bnraw` and by `bndiff2`; `hprebn` is read by `bndiff` and by `bnmean`. Both get a sum of two parts.
# You need the second part of `dbndiff` only after you have come down to `dbndiff2`.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# `bngain`, `bnbias`, `bnvar_inv` and `bnmean` were stretched over the batch: their gradients are sums over axis 0 with
# `keepdim=True`. `bnvar` and `bnmean` *are* sums over the batch: going back, they are spread over `(n, hidden)` with
# the factor in front of the sum.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# dbngain, dbnbias: sums over the batch of (bnraw * dhpreact), dhpreact
# dbnraw          : bngain * dhpreact
# dbnvar_inv      : sum over the batch of bndiff * dbnraw
# dbnvar          : power rule, -0.5 * (bnvar + 1e-5) to the -1.5, times dbnvar_inv
# dbndiff2        : 1/(n-1), in every row, times dbnvar
# dbndiff         : through bnraw + through bndiff2
# dbnmean         : minus the sum over the batch of dbndiff
# dhprebn         : through bndiff + 1/n of dbnmean in every row
# ```
#
# </details>


# %% answer="backward_batchnorm_pieces"
def backward_batchnorm_pieces(
    dhpreact: Float[Tensor, "n hidden"],
    bndiff: Float[Tensor, "n hidden"],
    bnvar: Float[Tensor, "1 hidden"],
    bnvar_inv: Float[Tensor, "1 hidden"],
    bnraw: Float[Tensor, "n hidden"],
    bngain: Float[Tensor, "1 hidden"],
) -> dict[str, Tensor]:
    """Gradients with respect to bngain, bnbias, bnraw, bnvar_inv, bnvar, bndiff2, bndiff, bnmean and hprebn."""
    ### BEGIN SOLUTION
    n = len(dhpreact)
    dbngain = (bnraw * dhpreact).sum(0, keepdim=True)
    dbnbias = dhpreact.sum(0, keepdim=True)
    dbnraw = bngain * dhpreact
    dbnvar_inv = (bndiff * dbnraw).sum(0, keepdim=True)
    dbnvar = -0.5 * (bnvar + 1e-5) ** -1.5 * dbnvar_inv
    dbndiff2 = 1 / (n - 1) * torch.ones_like(bndiff) * dbnvar
    dbndiff = bnvar_inv * dbnraw + 2 * bndiff * dbndiff2  # two readers: bnraw and bndiff2
    dbnmean = -dbndiff.sum(0, keepdim=True)
    dhprebn = dbndiff + 1 / n * dbnmean  # two readers: bndiff and bnmean
    return {
        "dbngain": dbngain,
        "dbnbias": dbnbias,
        "dbnraw": dbnraw,
        "dbnvar_inv": dbnvar_inv,
        "dbnvar": dbnvar,
        "dbndiff2": dbndiff2,
        "dbndiff": dbndiff,
        "dbnmean": dbnmean,
        "dhprebn": dhprebn,
    }
    ### END SOLUTION


# %% check="backward_batchnorm_pieces"
def batchnorm_pieces_probe(g: torch.Generator):
    network, contexts, targets = draw(g)
    network.W1[:, :3] *= 0.05  # three units that vary so little that the 1e-5 beside their variance matters
    f = forward(network, contexts, targets)
    dhpreact = torch.randn(f.hpreact.shape, generator=g)
    dhpreact[:, :3] *= 0.05  # so that no gradient of these units is much larger than the others'
    return backward_batchnorm_pieces(dhpreact, f.bndiff, f.bnvar, f.bnvar_inv, f.bnraw, network.bngain)


check("backward_batchnorm_pieces", batchnorm_pieces_probe)

# %% oracle="backward_batchnorm_pieces"
for seed in range(20):
    for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 1e-5)):
        g = torch.Generator().manual_seed(seed)
        network, contexts, targets = draw(g)
        dhpreact = torch.randn(len(targets), 27, generator=g).to(dtype)
        vars(network).update({name: value.to(dtype).requires_grad_() for name, value in vars(network).items()})
        f = forward(network, contexts, targets)
        for tensor in f:
            tensor.retain_grad()
        f.hpreact.backward(dhpreact)
        with torch.no_grad():
            mine = backward_batchnorm_pieces(dhpreact, f.bndiff, f.bnvar, f.bnvar_inv, f.bnraw, network.bngain)
        tensors = f._asdict() | vars(network)
        assert len(mine) == 9
        for name, value in mine.items():
            torch.testing.assert_close(value, tensors[name[1:]].grad, rtol=10 * tolerance, atol=tolerance)

tiny_bndiff = torch.tensor([[-2.0], [-1], [3]])
tiny_batchnorm = (tiny_bndiff, torch.tensor([[7.0]]), torch.tensor([[7.0]]) ** -0.5, tiny_bndiff * 7**-0.5)
tiny_pull = torch.tensor([[1.0], [0], [0]])
tiny = backward_batchnorm_pieces(tiny_pull, *tiny_batchnorm, torch.ones(1, 1))
expected = {
    "dbngain": [-0.756], "dbnvar_inv": [-2], "dbnvar": [0.054], "dbndiff2": [0.027] * 3,
    "dbndiff": [0.270, -0.054, 0.162], "dbnmean": [-0.378], "dhprebn": [0.144, -0.180, 0.036],
}  # fmt: skip
for name, value in expected.items():
    torch.testing.assert_close(tiny[name].flatten(), torch.tensor(value, dtype=torch.float32), rtol=0, atol=6e-4)


# %% mistake="backward_batchnorm_pieces" says="dbndiff2 divides by n where n - 1 is due: bnvar is the unbiased variance. Look at the number in front of the sum that makes bnvar."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d["dbndiff2"] = d["dbndiff2"] * (n - 1) / n
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="One of the two paths into bndiff is lost: what comes back through bndiff2, and so through the variance, is missing from your dbndiff. The gradient of bndiff is complete only after dbndiff2 is known."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d["dbndiff"] = bnvar_inv * d["dbnraw"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / len(dhpreact)
    return d


# %% mistake="backward_batchnorm_pieces" says="One of the two paths into bndiff is lost: what comes straight back from bnraw is missing, as if the part through bndiff2 had replaced it. Add the second part to the first."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d["dbndiff"] = 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / len(dhpreact)
    return d


# %% mistake="backward_batchnorm_pieces" says="The gradient of the mean is lost: your dhprebn equals dbndiff. Each column of dhprebn must add up to zero, because shifting a whole column changes nothing; send dbnmean back into hprebn as well."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    return d | {"dhprebn": d["dbndiff"].clone()}


# %% mistake="backward_batchnorm_pieces" says="dbnmean reaches every row in full size, though each example has only an n-th part in the mean. Look at the factor in front of the sum that makes bnmean."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    return d | {"dhprebn": d["dbndiff"] + d["dbnmean"]}


# %% mistake="backward_batchnorm_pieces" says="The gain is left out of dbnraw: hpreact is bngain times bnraw, so what comes back to bnraw is scaled by the gain. Use the product rule on that line."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    return right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, torch.ones_like(bngain))


# %% mistake="backward_batchnorm_pieces" says="dbnvar has the wrong power: the derivative of x to the -0.5 is -0.5 times x to the -1.5. Yours keeps the old exponent; lower it by one."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d["dbnvar"] = -0.5 * bnvar_inv * d["dbnvar_inv"]
    d["dbndiff2"] = (d["dbnvar"] / (n - 1)).expand_as(bndiff)
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="The 2 is lost in the path through bndiff2: it is the square of bndiff, and the derivative of a square has a factor in front."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / len(dhpreact)
    return d


# %% mistake="backward_batchnorm_pieces" says="dbngain is made from bndiff. The gain multiplies bnraw, the normalised one; look at the line that makes hpreact."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    return d | {"dbngain": (bndiff * dhpreact).sum(0, keepdim=True)}


# %% mistake="backward_batchnorm_pieces" says="dbngain and dbnbias are means over the batch. Gain and bias were read once for each example, so what comes back is added up and not averaged."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    return d | {name: d[name] / len(dhpreact) for name in ("dbngain", "dbnbias")}


# %% mistake="backward_batchnorm_pieces" says="dbnvar has bnvar_inv to the wrong power, the square. bnvar_inv is the variance to the -0.5, and its derivative has the variance to the -1.5; which power of bnvar_inv is that?"
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d["dbnvar"] = -0.5 * bnvar_inv**2 * d["dbnvar_inv"]
    d["dbndiff2"] = (d["dbnvar"] / (len(bndiff) - 1)).expand_as(bndiff)
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / len(bndiff)
    return d


# %% mistake="backward_batchnorm_pieces" says="The chain is cut at dbnvar: it is the derivative of the power alone, and nothing of what came back to bnvar_inv is in it. Multiply the two."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5
    d["dbndiff2"] = (d["dbnvar"] / (len(bndiff) - 1)).expand_as(bndiff)
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / len(bndiff)
    return d


# %% mistake="backward_batchnorm_pieces" says="The 1e-5 is missing from dbnvar: it stands beside the variance in the forward pass, and so it does in the derivative. Three of the units vary so little that it shows."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d["dbnvar"] = -0.5 * bnvar**-1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = (d["dbnvar"] / (len(bndiff) - 1)).expand_as(bndiff)
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / len(bndiff)
    return d


# %% mistake="backward_batchnorm_pieces" says="The batch is taken for the lecture's 32 examples. Another batch has another size: take n from the tensors that you are given, in dbndiff2 and in dhprebn."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d["dbndiff2"] = (d["dbnvar"] / 31).expand_as(bndiff)
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / 32
    return d


# %% mistake="backward_batchnorm_pieces" says="dbnvar_inv is made from dhpreact. What stands between them is bnraw: use dbnraw, in which the gain is already."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    plain = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, torch.ones_like(bngain))
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d |= {name: plain[name] for name in ("dbnvar_inv", "dbnvar", "dbndiff2")}
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / len(bndiff)
    return d


# %% mistake="backward_batchnorm_pieces" says="dhprebn is made from dbndiff before its second part, through bndiff2, is in it. Finish dbndiff before you copy it or go on."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    return d | {"dhprebn": bnvar_inv * d["dbnraw"] + d["dbnmean"] / len(bndiff)}


# %% mistake="backward_batchnorm_pieces" says="The factor 1/(n - 1) is missing in dbndiff2. It stands in front of the sum that makes bnvar, and goes back to every row."
right_batchnorm_pieces = backward_batchnorm_pieces


def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    d = right_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain)
    d["dbndiff2"] = d["dbnvar"].expand_as(bndiff)
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / len(bndiff)
    return d


# %% mistake="backward_batchnorm_pieces" says="The dbndiff that you return is stored before its second part is in it, though what follows uses both. Store it when the part through bndiff2 is added."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    d["dbndiff"] = bnvar_inv * d["dbnraw"]
    return d


# %% mistake="backward_batchnorm_pieces" says="The dbndiff that you return holds only the part through bndiff2, though what follows uses both parts. Store it when both are added."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    d["dbndiff"] = 2 * bndiff * d["dbndiff2"]
    return d


# %% mistake="backward_batchnorm_pieces" says="dbnmean already holds the 1/n that belongs to the next step, from bnmean to hprebn. bnmean was subtracted from each row, so its gradient is a sum; divide only on the way into hprebn."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    d["dbnmean"] = d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="dbndiff2 has the shape of dbnvar: it is not spread over the batch. Broadcasting makes the next line right all the same, but a gradient has the shape of its tensor, (n, hidden)."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    d["dbndiff2"] = d["dbnvar"] / (n - 1)
    return d


# %% mistake="backward_batchnorm_pieces" says="The sign of dbnmean is wrong: the mean is subtracted in the forward pass, so what comes back to it is minus the sum of dbndiff."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="The sign of dbnvar is wrong: as the variance grows its inverse root falls, so the derivative is negative."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = 0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="The factor 0.5 is missing in dbnvar. The power rule puts the old exponent in front, and that is -0.5."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -(bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="dbnvar_inv is a mean over the batch. It was read once for each example, and each counts in full: sum them up."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).mean(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="dbnvar_inv is made with bnraw. What bnvar_inv multiplies in the forward pass is bndiff: use that."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bnraw * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="The bnvar_inv is missing in dbndiff: bnraw is bndiff times bnvar_inv, so what comes back through bnraw is multiplied by it."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="In dbndiff the part through bndiff2 lacks its bndiff: the derivative of a square is twice what was squared."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="The gain is used twice: dbnraw holds it already, and it must not be multiplied in again on the way to dbndiff."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * bngain * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] + d["dbnmean"] / n
    return d


# %% mistake="backward_batchnorm_pieces" says="In dhprebn dbnmean is subtracted. The minus sign is in dbnmean already: add its share."
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(dhpreact)
    d = {"dbngain": (bnraw * dhpreact).sum(0, keepdim=True), "dbnbias": dhpreact.sum(0, keepdim=True)}
    d["dbnraw"] = bngain * dhpreact
    d["dbnvar_inv"] = (bndiff * d["dbnraw"]).sum(0, keepdim=True)
    d["dbnvar"] = -0.5 * (bnvar + 1e-5) ** -1.5 * d["dbnvar_inv"]
    d["dbndiff2"] = torch.ones_like(bndiff) / (n - 1) * d["dbnvar"]
    d["dbndiff"] = bnvar_inv * d["dbnraw"] + 2 * bndiff * d["dbndiff2"]
    d["dbnmean"] = -d["dbndiff"].sum(0, keepdim=True)
    d["dhprebn"] = d["dbndiff"] - d["dbnmean"] / n
    return d


# %% variant="backward_batchnorm_pieces"
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    """One unit at a time, with dot products of plain vectors."""
    n, hidden = dhpreact.shape
    rows = ("dbngain", "dbnbias", "dbnvar_inv", "dbnvar", "dbnmean")
    d = {name: torch.empty(1 if name in rows else n, hidden, dtype=bndiff.dtype)
         for name in (*rows, "dbnraw", "dbndiff2", "dbndiff", "dhprebn")}  # fmt: skip
    for k in range(hidden):
        above, centred, scale = dhpreact[:, k], bndiff[:, k], bnvar_inv[0, k]
        d["dbngain"][0, k] = bnraw[:, k] @ above
        d["dbnbias"][0, k] = above.sum()
        d["dbnraw"][:, k] = above * bngain[0, k]
        d["dbnvar_inv"][0, k] = centred @ d["dbnraw"][:, k]
        d["dbnvar"][0, k] = -d["dbnvar_inv"][0, k] * scale**3 / 2
        d["dbndiff2"][:, k] = d["dbnvar"][0, k] / (n - 1)
        d["dbndiff"][:, k] = d["dbnraw"][:, k] * scale + centred * d["dbndiff2"][:, k] * 2
        d["dbnmean"][0, k] = -d["dbndiff"][:, k].sum()
        d["dhprebn"][:, k] = d["dbndiff"][:, k] + d["dbnmean"][0, k] / n
    return d


# %% [markdown] exercise="backward_embedding"
# The last stretch: from `dhprebn` through `hprebn = embcat @ W1 + b1`, through the view that put three embeddings side by side, and
# into the table `C` from which they were looked up.
#
# Return a dict with the keys `dembcat`, `dW1`, `db1`, `demb`, `dC`.
#
# The new step is the table. A character that occurs five times in the batch had its row of `C` read five times, so **five
# gradients meet in one row**. A row that no context names gets zeros. The dot's row is one like any other.
#
# **A tiny example.** One context, the letters `emm` with indices $(5, 13, 13)$, one feature a character, and `demb` $= (1, 2, 3)$. Then
# `dC` is 1 in row 5, $2 + 3 = 5$ in row 13 and 0 elsewhere.
#
# <details><summary>Hint 1: the idea</summary>
#
# The linear layer is the one you know. The view only renames places, so its gradient is a view back. For the table,
# visit every place `(i, j)` of the contexts and add its gradient to the row of its character.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# `demb` is `(n, 3, embedding)`, as `emb` was: the first third of a row of `dembcat` belongs to the first character.
# `dC` is `(27, embedding)`, and the size of the embedding is that of `C`.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# dC = zeros like C
# for each row i and position j:
#     add demb[i, j] to the row contexts[i, j] of dC
# ```
# Without a loop: `index_add_`, `index_put_` with `accumulate=True`, or a product with one-hot contexts. An assignment
# to `dC[contexts]`, even with `+=`, keeps only one of the gradients that meet.
#
# </details>


# %% answer="backward_embedding"
def backward_embedding(
    dhprebn: Float[Tensor, "n hidden"],
    embcat: Float[Tensor, "n 3*embedding"],
    W1: Float[Tensor, "3*embedding hidden"],
    C: Float[Tensor, "27 embedding"],
    contexts: Int[Tensor, "n 3"],
) -> dict[str, Tensor]:
    """Gradients with respect to embcat, W1, b1, emb and C of hprebn = embcat @ W1 + b1, embcat = C[contexts] side by side."""
    ### BEGIN SOLUTION
    dembcat = dhprebn @ W1.T
    dW1 = embcat.T @ dhprebn
    db1 = dhprebn.sum(0)
    demb = dembcat.view(*contexts.shape, C.shape[1])
    dC = torch.zeros_like(C)
    dC.index_add_(0, contexts.flatten(), demb.flatten(0, 1))
    return {"dembcat": dembcat, "dW1": dW1, "db1": db1, "demb": demb, "dC": dC}
    ### END SOLUTION


# %% check="backward_embedding"
def embedding_probe(g: torch.Generator):
    network, contexts, targets = draw(g, n=12, embedding=4, hidden=12)
    contexts[5, 0] = contexts[6, :2] = 0  # dots, which are symbols like any other
    f = forward(network, contexts, targets)
    dhprebn = torch.randn(f.hprebn.shape, generator=g) / len(targets)
    return backward_embedding(dhprebn, f.embcat, network.W1, network.C, contexts)


check("backward_embedding", embedding_probe)

# %% oracle="backward_embedding"
for seed in range(20):
    for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 1e-5)):
        g = torch.Generator().manual_seed(seed)
        contexts = torch.randint(0, 27, (27, 3), generator=g)
        assert len(contexts.unique()) < contexts.numel()  # characters are repeated
        C, W1, b1 = (torch.randn(shape, generator=g).to(dtype).requires_grad_() for shape in ((27, 9), (27, 27), (27,)))
        dhprebn = torch.randn(27, 27, generator=g).to(dtype)
        emb = F.embedding(contexts, C)
        embcat = emb.flatten(1)
        emb.retain_grad(), embcat.retain_grad()
        (embcat @ W1 + b1).backward(dhprebn)
        with torch.no_grad():
            mine = backward_embedding(dhprebn, embcat, W1, C, contexts)
        for name, tensor in {"dembcat": embcat, "dW1": W1, "db1": b1, "demb": emb, "dC": C}.items():
            torch.testing.assert_close(mine[name], tensor.grad, rtol=10 * tolerance, atol=tolerance)

tiny_pull = torch.tensor([[1.0, 2, 3]])
tiny = backward_embedding(tiny_pull, torch.ones(1, 3), torch.eye(3), torch.ones(27, 1), torch.tensor([[5, 13, 13]]))
assert tiny["dC"][5].item() == 1 and tiny["dC"][13].item() == 5 and tiny["dC"].sum() == 6
assert "".join(SYMBOLS[i] for i in (5, 13, 13)) == "emm"

# %% mistake="backward_embedding" says="The place of a character is looked up with index(), which finds the first one only: a letter that stands twice in a context gets one place's gradient twice. Go through the places themselves."
def backward_embedding(
    dhprebn: Float[Tensor, "n hidden"],
    embcat: Float[Tensor, "n 3*embedding"],
    W1: Float[Tensor, "3*embedding hidden"],
    C: Float[Tensor, "27 embedding"],
    contexts: Int[Tensor, "n 3"],
) -> dict[str, Tensor]:
    dembcat = dhprebn @ W1.t()
    dW1 = embcat.t() @ dhprebn
    db1 = dhprebn.sum(0)
    demb = dembcat.reshape(len(contexts), 3, -1)
    dC = torch.zeros(C.shape)
    for i, context in enumerate(contexts.tolist()):
        for character in context:
            dC[character] += demb[i, context.index(character)]
    return {"dembcat": dembcat, "dW1": dW1, "db1": db1, "demb": demb, "dC": dC}


# %% mistake="backward_embedding" says="Gradients of a repeated character overwrite each other: an assignment with an index, = or +=, keeps only the last one. Each row of dC must collect every place where its character stands; look for an operation that accumulates."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    dC = torch.zeros_like(C)
    for row, gradients in zip(contexts, d["demb"]):
        for character, gradient in zip(row, gradients):
            dC[character] = gradient
    return d | {"dC": dC}


# %% mistake="backward_embedding" says="dembcat uses W1 without its transpose, and the square shapes let it pass. Feature k of embcat acts on the units through row k of W1; sum over those."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    right = right_embedding(dhprebn, embcat, W1, C, contexts)
    wrong = right_embedding(dhprebn, embcat, W1.T, C, contexts)
    return wrong | {"dW1": right["dW1"], "db1": right["db1"]}


# %% mistake="backward_embedding" says="dW1 lies on its side: rows and columns are swapped. Its rows count the features of embcat and its columns the hidden units, as in W1; see which yours count."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    return right_embedding(dhprebn, embcat, W1, C, contexts) | {"dW1": dhprebn.T @ embcat}


# %% mistake="backward_embedding" says="db1 is summed over the hidden units, which leaves one number an example. The bias of a unit is shared by the whole batch; sum over the other axis."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    return right_embedding(dhprebn, embcat, W1, C, contexts) | {"db1": dhprebn.sum(1)}


# %% mistake="backward_embedding" says="The features of the three characters are interleaved in your demb. In a row of embcat all features of the first character come first; cut dembcat into three runs, in that order."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    d["demb"] = d["dembcat"].view(len(contexts), C.shape[1], 3).transpose(1, 2)
    d["dC"] = torch.zeros_like(C).index_add_(0, contexts.flatten(), d["demb"].flatten(0, 1))
    return d


# %% mistake="backward_embedding" says="dC holds the mean over the places of a character, but its row was read once a place and every place counts in full. Add up without dividing by how often the character occurs."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    return d | {"dC": d["dC"] / contexts.flatten().bincount(minlength=27).clamp(min=1)[:, None]}


# %% mistake="backward_embedding" says="A letter that stands twice in one context counts once in your dC: adding with a list of indices adds to each row once, however often the list names it. Visit the three places one by one."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    dC = torch.zeros_like(C)
    for row, gradients in zip(contexts, d["demb"]):
        dC[row] += gradients
    return d | {"dC": dC}


# %% mistake="backward_embedding" says="A letter that several contexts have at the same place counts once in your dC: adding with a list of indices adds to each row once, however often the list names it. Use an operation that accumulates."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    dC = torch.zeros_like(C)
    for column, gradients in zip(contexts.T, d["demb"].transpose(0, 1)):
        dC[column] += gradients
    return d | {"dC": dC}


# %% mistake="backward_embedding" says="dC holds only what comes back from the last place of each context. All three places were looked up in the table; go through all of them."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    return d | {"dC": torch.zeros_like(C).index_add_(0, contexts[:, -1], d["demb"][:, -1])}


# %% mistake="backward_embedding" says="dC still has an axis for the batch: the product with the one-hot contexts is summed over the three places only. The table is shared by all examples; sum over them too."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    return d | {"dC": F.one_hot(contexts, len(C)).to(C.dtype).mT @ d["demb"]}


# %% mistake="backward_embedding" says="dC has a row too few: it goes only as far as the largest index that occurs in the batch. The table has a row for every symbol, and one that is not named gets zeros."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    return d | {"dC": d["dC"][: contexts.max() + 1]}


# %% mistake="backward_embedding" says="dC still holds the table: you begin with C, or a copy of it, and add the gradients. Begin with zeros of its shape."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    return d | {"dC": C + d["dC"]}


# %% mistake="backward_embedding" says="dC holds only what comes back from the first place of each context. All three places were looked up in the table; go through all of them."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    return d | {"dC": torch.zeros_like(C).index_add_(0, contexts[:, 0], d["demb"][:, 0])}


# %% mistake="backward_embedding" says="In dC gradients reach other characters than their own: contexts is read column by column, demb row by row. Read both in the same order."
right_embedding = backward_embedding


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    d = right_embedding(dhprebn, embcat, W1, C, contexts)
    return d | {"dC": torch.zeros_like(C).index_add_(0, contexts.T.flatten(), d["demb"].flatten(0, 1))}


# %% mistake="backward_embedding" says="The row of the dot is zero in your dC, as if it were a padding. It was read like every other row: let what comes back to it in."
def backward_embedding(dhprebn, embcat, W1, C, contexts):
    dembcat = dhprebn @ W1.T
    demb = dembcat.view(*contexts.shape, C.shape[1])
    dC = torch.zeros_like(C)
    dC.index_add_(0, contexts.flatten(), demb.flatten(0, 1))
    dC[0] = 0
    return {"dembcat": dembcat, "dW1": embcat.T @ dhprebn, "db1": dhprebn.sum(0), "demb": demb, "dC": dC}


# %% mistake="backward_embedding" says="Your db1 is zero, as BatchNorm takes every bias off again. That is so for a gradient that came through BatchNorm; asked for is what follows from the dhprebn that is given."
def backward_embedding(dhprebn, embcat, W1, C, contexts):
    dembcat = dhprebn @ W1.T
    demb = dembcat.view(*contexts.shape, C.shape[1])
    dC = torch.zeros_like(C)
    dC.index_add_(0, contexts.flatten(), demb.flatten(0, 1))
    return {"dembcat": dembcat, "dW1": embcat.T @ dhprebn, "db1": torch.zeros_like(dhprebn[0]), "demb": demb, "dC": dC}


# %% mistake="backward_embedding" says="db1 is a mean over the examples. The mean is in the loss, so its 1/n is in dhprebn already: add up here."
def backward_embedding(dhprebn, embcat, W1, C, contexts):
    dembcat = dhprebn @ W1.T
    demb = dembcat.view(*contexts.shape, C.shape[1])
    dC = torch.zeros_like(C)
    dC.index_add_(0, contexts.flatten(), demb.flatten(0, 1))
    return {"dembcat": dembcat, "dW1": embcat.T @ dhprebn, "db1": dhprebn.mean(0), "demb": demb, "dC": dC}


# %% mistake="backward_embedding" says="dW1 is divided by the number of examples. The mean is in the loss, so its 1/n is in dhprebn already: every example counts in full."
def backward_embedding(dhprebn, embcat, W1, C, contexts):
    dembcat = dhprebn @ W1.T
    demb = dembcat.view(*contexts.shape, C.shape[1])
    dC = torch.zeros_like(C)
    dC.index_add_(0, contexts.flatten(), demb.flatten(0, 1))
    return {"dembcat": dembcat, "dW1": embcat.T @ dhprebn / len(dhprebn), "db1": dhprebn.sum(0), "demb": demb, "dC": dC}


# %% mistake="backward_embedding" says="dC is divided by the number of examples. The mean is in the loss, so its 1/n is in dhprebn already: every place counts in full."
def backward_embedding(dhprebn, embcat, W1, C, contexts):
    dembcat = dhprebn @ W1.T
    demb = dembcat.view(*contexts.shape, C.shape[1])
    dC = torch.zeros_like(C)
    dC.index_add_(0, contexts.flatten(), demb.flatten(0, 1))
    dC = dC / len(dhprebn)
    return {"dembcat": dembcat, "dW1": embcat.T @ dhprebn, "db1": dhprebn.sum(0), "demb": demb, "dC": dC}


# %% mistake="backward_embedding" says="dC holds only what comes back from the middle place of each context. All three places were looked up in the table; go through all of them."
def backward_embedding(dhprebn, embcat, W1, C, contexts):
    dembcat = dhprebn @ W1.T
    demb = dembcat.view(*contexts.shape, C.shape[1])
    dC = torch.zeros_like(C)
    dC.index_add_(0, contexts.flatten(), demb.flatten(0, 1))
    dC = torch.zeros_like(C).index_add_(0, contexts[:, 1], demb[:, 1])
    return {"dembcat": dembcat, "dW1": embcat.T @ dhprebn, "db1": dhprebn.sum(0), "demb": demb, "dC": dC}


# %% mistake="backward_embedding" says="In dC the three places of a context have changed their order: what belongs to the first character arrives at the last. Keep place and gradient together."
def backward_embedding(dhprebn, embcat, W1, C, contexts):
    dembcat = dhprebn @ W1.T
    demb = dembcat.view(*contexts.shape, C.shape[1])
    dC = torch.zeros_like(C)
    dC.index_add_(0, contexts.flatten(), demb.flatten(0, 1))
    dC = torch.zeros_like(C).index_add_(0, contexts.flip(1).flatten(), demb.flatten(0, 1))
    return {"dembcat": dembcat, "dW1": embcat.T @ dhprebn, "db1": dhprebn.sum(0), "demb": demb, "dC": dC}


# %% variant="backward_embedding"
def backward_embedding(dhprebn, embcat, W1, C, contexts):
    """The look-up as a product with one-hot rows, so that its gradient is that of a linear layer."""
    n, positions = contexts.shape
    onehot = F.one_hot(contexts, len(C)).to(C.dtype)  # (n, 3, 27)
    dembcat = torch.stack([W1 @ row for row in dhprebn])
    demb = torch.stack(dembcat.chunk(positions, dim=1), dim=1)
    return {
        "dembcat": dembcat,
        "dW1": torch.einsum("nf,nk->fk", embcat, dhprebn),
        "db1": torch.einsum("nk->k", dhprebn),
        "demb": demb,
        "dC": torch.einsum("npc,npe->ce", onehot, demb),
    }


# %% [markdown]
# In the real network `db1` is zero up to rounding, just as `dlogit_maxes` is: BatchNorm subtracts the mean, and with it the bias. (You
# saw it in the tiny example of BatchNorm, where `dhprebn` added up to zero.) The check draws its own `dhprebn`, so there it is not.
#
# ## From pieces to formulas
#
# The eight pieces from the loss to the logits, and the nine of BatchNorm, work; but they do far more than they must. On paper most of it
# cancels, and two short expressions remain. They are what you will train with.

# %% [markdown] exercise="cross_entropy_backward"
# Write `dlogits` in **one expression** of `logits` and `targets`, for the loss $L = -\frac1n \sum_i \ln p_{i, y_i}$, where $p$ is the softmax of
# the logits and $y$ are the targets.
#
# For one row with logits $z$, target $y$ and $p_j = e^{z_j} / \sum_k e^{z_k}$, the loss is
# $\ell = -z_y + \ln \sum_k e^{z_k}$. Differentiate it by $z_j$: once for $j \ne y$, once for $j = y$.
#
# **A tiny example.** One row, logits $(\ln 3, 0)$, target 1: the probabilities are $(\frac34, \frac14)$ and `dlogits` is
# $(\frac34, -\frac34)$. Every wrong symbol is pushed down by its probability; the target is pulled up by what it lacks to 1.
# In each row push and pull balance.
#
# The logits may be as large as 300 or as small as -300: the gradient is a number all the same.
#
# <details><summary>Hint 1: the idea</summary>
#
# The derivative of $\ln \sum_k e^{z_k}$ by $z_j$ is a quantity that you know by name. The other term is there only for $j = y$.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# Everything is `(n, 27)`: the softmax of the logits over axis 1, and a matrix with a single 1 in each row.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# dlogits = softmax of each row
# subtract 1 at (row, target of the row)
# divide by the number of rows
# ```
#
# </details>


# %% answer="cross_entropy_backward"
def cross_entropy_backward(logits: Float[Tensor, "n 27"], targets: Int[Tensor, " n"]) -> Float[Tensor, "n 27"]:
    """The gradient of the mean cross-entropy with respect to the logits."""
    ### BEGIN SOLUTION
    return (F.softmax(logits, 1) - F.one_hot(targets, logits.shape[1])) / len(targets)
    ### END SOLUTION


# %% check="cross_entropy_backward"
def cross_entropy_probe(g: torch.Generator):
    n = int(torch.randint(29, 32, (), generator=g))  # more rows than symbols: whoever takes the one for the other meets no error
    logits = 2 * torch.randn(n, 27, generator=g)
    targets = torch.randint(0, 26, (n,), generator=g)
    targets[0] = 25  # the last symbol is never a target: a one-hot table as wide as the largest is too narrow, in every draw
    large = 2 * torch.randn(3, 27, generator=g) + torch.tensor([[300.0], [-300], [0]])  # whose exponentials are infinite, or zero
    dlogits, of_large = cross_entropy_backward(logits, targets), attempt(cross_entropy_backward, large, targets[:3])
    return {"dlogits": dlogits, "of large logits": "an error" if of_large is None else of_large}


check("cross_entropy_backward", cross_entropy_probe)

# %% oracle="cross_entropy_backward"
for seed in range(20):
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        g = torch.Generator().manual_seed(seed)
        targets = torch.randint(0, 27, (16,), generator=g)
        logits = (2 * torch.randn(16, 27, generator=g)).to(dtype).requires_grad_()
        F.cross_entropy(logits, targets).backward()
        mine = cross_entropy_backward(logits.detach(), targets)
        torch.testing.assert_close(mine, logits.grad, rtol=10 * tolerance, atol=tolerance)
tiny = cross_entropy_backward(torch.tensor([[math.log(3), 0.0]]), torch.tensor([1]))
torch.testing.assert_close(tiny, torch.tensor([[0.75, -0.75]]))

# %% mistake="cross_entropy_backward" says="The 1/n is lost: this is the gradient of the sum over the batch, and the loss is the mean. Scale it by the number of rows."
right_cross_entropy = cross_entropy_backward


def cross_entropy_backward(logits, targets):
    return right_cross_entropy(logits, targets) * len(targets)


# %% mistake="cross_entropy_backward" says="The sign is wrong: stepping against this gradient would make the targets less likely. The gradient at a target has to be negative, so that a step downhill raises its logit; check the minus in the loss."
right_cross_entropy = cross_entropy_backward


def cross_entropy_backward(logits, targets):
    return -right_cross_entropy(logits, targets)


# %% mistake="cross_entropy_backward" says="Nothing is subtracted at the targets: what you return does not depend on them, and it would push every logit down. Each row must add up to zero; put in the term of the loss that holds the target's own logit."
right_cross_entropy = cross_entropy_backward


def cross_entropy_backward(logits, targets):
    return F.softmax(logits, 1) / len(targets)


# %% mistake="cross_entropy_backward" says="Your softmax runs over the batch: the columns add up to 1 and not the rows. Each row is one prediction; normalise over its 27 symbols."
right_cross_entropy = cross_entropy_backward


def cross_entropy_backward(logits, targets):
    return (F.softmax(logits, 0) - F.one_hot(targets, 27)) / len(targets)


# %% mistake="cross_entropy_backward" says="The gradient is divided by all n * 27 elements. The loss is a mean over examples only; count how many terms are averaged."
right_cross_entropy = cross_entropy_backward


def cross_entropy_backward(logits, targets):
    return right_cross_entropy(logits, targets) / logits.shape[1]


# %% mistake="cross_entropy_backward" says="One is taken from the targets' whole columns, in every row. Each row has one target: name the row and the column together."
def cross_entropy_backward(logits, targets):
    dlogits = F.softmax(logits, 1)
    dlogits[:, targets] -= 1
    return dlogits / len(targets)


# %% mistake="cross_entropy_backward" says="One is taken from whole rows: the targets are used as the numbers of rows. They are columns, one in each row; name the row and the column together."
def cross_entropy_backward(logits, targets):
    dlogits = F.softmax(logits, 1)
    dlogits[targets] -= 1
    return dlogits / len(targets)


# %% mistake="cross_entropy_backward" says="The order is wrong: you divide by n first and then take off a whole 1. The 1 belongs to the same mean; subtract it before you divide."
def cross_entropy_backward(logits, targets):
    return F.softmax(logits, 1) / len(targets) - F.one_hot(targets, 27)


# %% mistake="cross_entropy_backward" says="You use the logarithms of the probabilities. The gradient is made of the probabilities themselves, between 0 and 1; see what the derivative of the log of the sum is."
def cross_entropy_backward(logits, targets):
    return (F.log_softmax(logits, 1) - F.one_hot(targets, 27)) / len(targets)


# %% mistake="cross_entropy_backward" says="You stopped half way: -1/p at the target is the gradient with respect to the probabilities. Carry it on through the softmax to the logits."
def cross_entropy_backward(logits, targets):
    return -F.one_hot(targets, 27) / F.softmax(logits, 1) / len(targets)


# %% mistake="cross_entropy_backward" says="Only the target's own logit gets a gradient. The other logits of the row stand in the sum below the fraction and are pushed down by it; fill the whole row."
right_cross_entropy = cross_entropy_backward


def cross_entropy_backward(logits, targets):
    return right_cross_entropy(logits, targets) * F.one_hot(targets, 27)


# %% mistake="cross_entropy_backward" says="You divide by 32, the size of the lecture's batch. Another batch has another size: take it from the tensors that you are given."
right_cross_entropy = cross_entropy_backward


def cross_entropy_backward(logits, targets):
    return right_cross_entropy(logits, targets) * len(targets) / 32


# %% mistake="cross_entropy_backward" says="Your one-hot table has as many columns as the largest target needs, and the logits have more: one_hot does not know how many symbols there are. Tell it." raises="RuntimeError"
def cross_entropy_backward(logits, targets):
    return (F.softmax(logits, 1) - F.one_hot(targets)) / len(targets)


# %% mistake="cross_entropy_backward" says="The 1 is taken off one column too far left: you take 1 off the targets. A target is the number of its column already, as 0 is the dot's."
right_cross_entropy = cross_entropy_backward


def cross_entropy_backward(logits, targets):
    return right_cross_entropy(logits, (targets - 1) % 27)


# %% mistake="cross_entropy_backward" says="Only the 1 at the target is divided by n, and the probabilities are not: brackets are missing. Divide the whole difference."
def cross_entropy_backward(logits, targets):
    return F.softmax(logits, 1) - F.one_hot(targets, 27) / len(targets)


# %% mistake="cross_entropy_backward" says="You divide by the number of symbols, not by the number of rows. The loss is a mean over the examples of the batch: count those."
right_cross_entropy = cross_entropy_backward


def cross_entropy_backward(logits, targets):
    return right_cross_entropy(logits, targets) * len(targets) / logits.shape[1]


# %% mistake="cross_entropy_backward" says="These are the counts, exp of the logits, and no probabilities yet. Divide each row by its sum before you go on."
def cross_entropy_backward(logits, targets):
    return (logits.exp() - F.one_hot(targets, 27)) / len(targets)


# %% mistake="cross_entropy_backward" says="At the target 1 is added. The target's logit has to rise when you step against the gradient: subtract the 1 there."
def cross_entropy_backward(logits, targets):
    return (F.softmax(logits, 1) + F.one_hot(targets, 27)) / len(targets)


# %% mistake="cross_entropy_backward" says="At the targets you write -1 over the probability. The 1 is taken off it: what stands there is the probability minus 1."
def cross_entropy_backward(logits, targets):
    dlogits = F.softmax(logits, 1)
    dlogits[torch.arange(len(targets)), targets] = -1
    return dlogits / len(targets)


# %% mistake="cross_entropy_backward" says="For large logits your gradient is nan: their exponentials are infinite, or all zero. Take each row's largest logit off first, as forward does, or use torch's softmax."
def cross_entropy_backward(logits, targets):
    n = len(targets)
    counts = logits.exp()
    dlogits = counts / counts.sum(1, keepdim=True)
    dlogits[torch.arange(n), targets] -= 1
    return dlogits / n


# %% mistake="cross_entropy_backward" says="Something small is added to the sum of the counts, against a division by zero. Where all logits of a row are far below zero it swallows the probabilities: take the largest logit off first instead."
def cross_entropy_backward(logits, targets):
    n = len(targets)
    counts = logits.exp()
    dlogits = counts / (counts.sum(1, keepdim=True) + 1e-8)
    dlogits[torch.arange(n), targets] -= 1
    return dlogits / n


# %% mistake="cross_entropy_backward" says="The largest logit of the whole batch is taken off, and not that of each row. A row far below it has only zeros left, and zero divided by zero is nan."
def cross_entropy_backward(logits, targets):
    n = len(targets)
    counts = (logits - logits.max()).exp()
    dlogits = counts / counts.sum(1, keepdim=True)
    dlogits[torch.arange(n), targets] -= 1
    return dlogits / n


# %% mistake="cross_entropy_backward" says="At the targets the sign is turned round: you write 1 minus the probability there. The target's logit has to rise when you step against the gradient, so it is the probability minus 1."
def cross_entropy_backward(logits, targets):
    n = len(targets)
    dlogits = F.softmax(logits, 1)
    rows = torch.arange(n)
    dlogits[rows, targets] = 1 - dlogits[rows, targets]
    return dlogits / n


# %% mistake="cross_entropy_backward" says="At the targets stands 0: the probability is taken off itself. It is 1 that is taken off there."
def cross_entropy_backward(logits, targets):
    n = len(targets)
    dlogits = F.softmax(logits, 1)
    dlogits[torch.arange(n), targets] = 0.0
    return dlogits / n


# %% mistake="cross_entropy_backward" says="The probabilities are squared. The derivative of the log of the sum is the probability itself."
def cross_entropy_backward(logits, targets):
    n = len(targets)
    dlogits = F.softmax(logits, 1) ** 2
    dlogits[torch.arange(n), targets] -= 1
    return dlogits / n


# %% mistake="cross_entropy_backward" says="Your gradient is multiplied by the probabilities once more, as in the derivative of a softmax behind a squared error. For the cross-entropy that factor cancels: leave it out."
def cross_entropy_backward(logits, targets):
    n = len(targets)
    p = F.softmax(logits, 1)
    dlogits = p.clone()
    dlogits[torch.arange(n), targets] -= 1
    dlogits = dlogits * p
    return dlogits / n


# %% mistake="cross_entropy_backward" says="The logits are clamped before the softmax, so where they are large the probabilities are others. Take the largest logit of each row off instead: that changes nothing."
def cross_entropy_backward(logits, targets):
    n = len(targets)
    counts = logits.clamp(-80, 80).exp()
    dlogits = counts / counts.sum(1, keepdim=True)
    dlogits[torch.arange(n), targets] -= 1
    return dlogits / n


# %% variant="cross_entropy_backward"
def cross_entropy_backward(logits, targets):
    """Counts by hand, then the 1 taken off at the targets in place."""
    counts = (logits - logits.amax(1, keepdim=True)).exp()
    dlogits = counts / counts.sum(1, keepdim=True)
    dlogits[torch.arange(len(targets)), targets] -= 1
    return dlogits * (1 / len(targets))


# %% [markdown]
# This is what the formula looks like on the 32 examples of `example`. On the left the probabilities of the untrained network, on the right your
# `dlogits` times 32. Red is push, blue is pull: in every row one blue square, the target, holds against all the others.

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 5))
axes[0].imshow(example.probs, cmap="Reds", vmin=0, vmax=0.2)
axes[0].set_title("probs")
dlogits = attempt(cross_entropy_backward, example.logits, example_targets)
if isinstance(dlogits, Tensor) and dlogits.shape == example.logits.shape:
    axes[1].imshow(dlogits * len(example_targets), cmap="RdBu_r", vmin=-0.2, vmax=0.2)
    print(f"the largest sum of a row is {dlogits.sum(1).abs().max():.1e}")
axes[1].set_title("n * dlogits (empty until your answer is there)" if dlogits is None else "n * dlogits")
for axis in axes:
    axis.set_xticks([SYMBOLS.index(symbol) for symbol in ".aeiou"], list(".aeiou"))  # few: each label takes a while to draw
    axis.set_xlabel("symbol")
    axis.set_ylabel("example")
    axis.set_xlim(-0.5, 26.5)
    axis.set_ylim(31.5, -0.5)
plt.show()

# %% [markdown] exercise="batchnorm_backward"
# Write `dhprebn` in **one expression** of `dhpreact`, `bngain`, `bnvar_inv` and `bnraw`: the nine pieces of BatchNorm without any detour.
#
# For one unit write $x_i$ for `hprebn`, $\hat x_i = (x_i - \mu)\,s$ for `bnraw`, with $s = (\sigma^2 + \epsilon)^{-1/2}$ for
# `bnvar_inv`, and $y_i = \gamma \hat x_i + \beta$. With $g_i$ for `dhpreact`, three parts arrive at $x_i$: straight through $\hat x_i$,
# through $\mu$, and through $\sigma^2$. Put the pieces into each other on paper. The part through $\sigma^2$ simplifies if you
# write $x_i - \mu$ as $\hat x_i / s$, and no $\epsilon$ is left over.
#
# **A tiny example.** With $x = (1, 2, 6)$, $\hat x = (-0.756, -0.378, 1.134)$, $s = 0.378$, a gain of 1 and `dhpreact` $= (1, 0, 0)$, `dhprebn` is
# $(0.144, -0.180, 0.036)$. It is orthogonal to $(1, 1, 1)$ and to $\hat x$: moving the batch as a whole, or stretching it, changes
# nothing behind BatchNorm, so no gradient points there. (To $\hat x$ only as far as $\epsilon$ can be neglected. In the check three units vary so little that it cannot.)
#
# <details><summary>Hint 1: the idea</summary>
#
# All three parts share the factor $\gamma s$. Take it out. What is left in brackets is $g_i$, minus its mean over the
# batch, minus a multiple of $\hat x_i$.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# The two sums run over the batch, axis 0, and give one number a unit: the sum of $g$ and the sum of $g\,\hat x$. Both are
# stretched over the batch again.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# dhprebn = gain * s * ( g
#                        - (through the mean)      one n-th of the sum of g over the batch
#                        - (through the variance)  xhat * (sum of g * xhat over the batch) / ... )
# ```
# What stands under the last term follows from the number by which `bnvar` divides. Check yourself with the tiny example.
#
# </details>


# %% answer="batchnorm_backward"
def batchnorm_backward(
    dhpreact: Float[Tensor, "n hidden"],
    bngain: Float[Tensor, "1 hidden"],
    bnvar_inv: Float[Tensor, "1 hidden"],
    bnraw: Float[Tensor, "n hidden"],
) -> Float[Tensor, "n hidden"]:
    """The gradient with respect to the input of BatchNorm, hprebn."""
    ### BEGIN SOLUTION
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * bnraw * along)
    ### END SOLUTION


# %% check="batchnorm_backward"
def batchnorm_probe(g: torch.Generator):
    network, contexts, targets = draw(g)
    network.W1[:, :3] *= torch.tensor([0.0, 0.01, 0.02])  # a unit that does not vary, and two so little that the 1e-5 beside their variance matters
    f = forward(network, contexts, targets)
    dhpreact = torch.randn(f.hpreact.shape, generator=g)
    dhpreact[:, :3] *= 0.02  # so that no gradient of these units is much larger than the others'
    return batchnorm_backward(dhpreact, network.bngain, f.bnvar_inv, f.bnraw)


check("batchnorm_backward", batchnorm_probe)

# %% oracle="batchnorm_backward"
for seed in range(20):
    for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 1e-5)):
        g = torch.Generator().manual_seed(seed)
        hprebn, dhpreact = (torch.randn(16, 27, generator=g).to(dtype) for _ in range(2))
        bngain = 1 + 0.1 * torch.randn(1, 27, generator=g).to(dtype)
        bndiff = hprebn.requires_grad_() - hprebn.mean(0, keepdim=True)
        bnvar_inv = (hprebn.var(0, keepdim=True) + 1e-5) ** -0.5
        bnraw = bndiff * bnvar_inv
        (bngain * bnraw).backward(dhpreact)
        with torch.no_grad():
            mine = batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw)
        torch.testing.assert_close(mine, hprebn.grad, rtol=10 * tolerance, atol=tolerance)

tiny_bnraw = torch.tensor([[-2.0], [-1], [3]]) * 7**-0.5
tiny_pull = torch.tensor([[1.0], [0], [0]])
tiny = batchnorm_backward(tiny_pull, torch.ones(1, 1), torch.full((1, 1), 7**-0.5), tiny_bnraw)
torch.testing.assert_close(tiny_bnraw.flatten(), torch.tensor([-0.756, -0.378, 1.134]), rtol=0, atol=6e-4)
torch.testing.assert_close(tiny.flatten(), torch.tensor([0.144, -0.180, 0.036]), rtol=0, atol=6e-4)
assert abs(tiny.sum()) < 1e-6 and abs((tiny * tiny_bnraw).sum()) < 1e-6


# %% mistake="batchnorm_backward" says="bngain is multiplied in twice: the gradient of bnraw has it already. Where a gain is 1 that cannot be seen."
def batchnorm_backward(
    dhpreact: Float[Tensor, "n hidden"],
    bngain: Float[Tensor, "1 hidden"],
    bnvar_inv: Float[Tensor, "1 hidden"],
    bnraw: Float[Tensor, "n hidden"],
) -> Float[Tensor, "n hidden"]:
    n = dhpreact.shape[0]
    dbnraw = bngain * dhpreact
    return bngain * bnvar_inv / n * (n * dbnraw - dbnraw.sum(0) - n / (n - 1) * bnraw * (dbnraw * bnraw).sum(0))


# %% mistake="batchnorm_backward" says="The part through the variance is off by n for n - 1: this is the formula for the biased variance, and forward divides by n - 1. Follow that factor through your derivation."
right_batchnorm = batchnorm_backward


def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - bnraw * along)


# %% mistake="batchnorm_backward" says="The middle term is lost, the one that comes back through the mean: the columns of your result do not add up to zero. See what the mean of the batch sends back to each example."
right_batchnorm = batchnorm_backward


def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - n / (n - 1) * bnraw * along)


# %% mistake="batchnorm_backward" says="The last term is lost, or comes to nothing: the one through the variance. Stretching the batch would change your loss, and it must not. See what the variance sends back to each example."
right_batchnorm = batchnorm_backward


def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    return bngain * bnvar_inv * (dhpreact - dhpreact.mean(0))


# %% mistake="batchnorm_backward" says="The gain is left out of dhprebn: every unit's gradient is scaled by its own bngain on the way back. Look at the first factor of the expression."
right_batchnorm = batchnorm_backward


def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    return right_batchnorm(dhpreact, torch.ones_like(bngain), bnvar_inv, bnraw)


# %% mistake="batchnorm_backward" says="The scale of the batch is left out: bnraw is bndiff times bnvar_inv, so dhprebn carries that factor too. Compare your common factor with the derivation."
right_batchnorm = batchnorm_backward


def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    return right_batchnorm(dhpreact, bngain, torch.ones_like(bnvar_inv), bnraw)


# %% mistake="batchnorm_backward" says="The sums run over the units of a row: your terms mix different units of one example. BatchNorm treats every unit alone and ties the examples of the batch together; sum over axis 0."
right_batchnorm = batchnorm_backward


def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(1, keepdim=True)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(1, keepdim=True) - n / (n - 1) * bnraw * along)


# %% mistake="batchnorm_backward" says="The factor of the last term is upside down: bnvar divides by n - 1, which makes this term a little larger and not smaller. Follow the number through your derivation."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - (n - 1) / n * bnraw * along)


# %% mistake="batchnorm_backward" says="The sums run over everything, examples and units. BatchNorm treats every unit alone: each needs sums of its own, over the batch only."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum()
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum() - n / (n - 1) * bnraw * along)


# %% mistake="batchnorm_backward" says="In the last term bnraw is missing in front of the sum. What comes back through the variance reaches each example in proportion to how far from the mean it lies."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * along)


# %% mistake="batchnorm_backward" says="Your n is the number of units. BatchNorm's mean runs over the examples of the batch, which are the other axis; take n from there."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = dhpreact.shape[1]
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * bnraw * along)


# %% mistake="batchnorm_backward" says="Your n is 32, the size of the lecture's batch. Another batch has another size: take it from the tensors that you are given."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / 32 * (32 * dhpreact - dhpreact.sum(0) - 32 / 31 * bnraw * along)


# %% mistake="batchnorm_backward" says="The first term in the brackets lacks its n: once 1/n is taken out in front, what comes straight through has to be multiplied by n inside."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (dhpreact - dhpreact.sum(0) - n / (n - 1) * bnraw * along)


# %% mistake="batchnorm_backward" says="The last term is divided by n once too often: 1/n stands in front of the brackets already. See whether a mean, or another 1/n, is left inside them."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - 1 / (n - 1) * bnraw * along)


# %% mistake="batchnorm_backward" says="In the last term bnraw stands inside the sum, so it is squared there and missing outside. Sum first, then multiply each example by its bnraw."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (bnraw * dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * along)


# %% mistake="batchnorm_backward" says="The last term is added. What comes back through the variance works against dhpreact, as the mean's part does: subtract it."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) + n / (n - 1) * bnraw * along)


# %% mistake="batchnorm_backward" says="The middle term is divided by n once too often: 1/n stands in front of the brackets already. Use a sum there, not a mean."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.mean(0) - n / (n - 1) * bnraw * along)


# %% mistake="batchnorm_backward" says="Brackets are missing around n - 1: Python divides n by n first, and then subtracts. Put the difference in brackets."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    along = (dhpreact * bnraw).sum(0)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - n / n - 1 * bnraw * along)


# %% mistake="batchnorm_backward" says="The gain is in the straight part only. All three parts come from dbnraw, in which it is already: take it out in front of the brackets."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bnvar_inv * (bngain * straight - mean - along)


# %% mistake="batchnorm_backward" says="The gain is missing in the part through the variance. All three parts come from dbnraw, in which it is already."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bnvar_inv * (bngain * (straight - mean) - along)


# %% mistake="batchnorm_backward" says="The gain is missing in the part through the mean. All three parts come from dbnraw, in which it is already."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bnvar_inv * (bngain * (straight - along) - mean)


# %% mistake="batchnorm_backward" says="bnvar_inv is in the straight part only. All three parts carry that factor: take it out in front of the brackets."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bngain * (bnvar_inv * straight - mean - along)


# %% mistake="batchnorm_backward" says="bnvar_inv is there twice. It is a factor of dhprebn once, in front of the brackets."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bngain * bnvar_inv**2 * (straight - mean - along)


# %% mistake="batchnorm_backward" says="You divide by the sum of the squares of bnraw, a projection. Because of the 1e-5 beside the variance that is not n - 1 for units that hardly vary: follow the number by which bnvar divides."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    return bngain * bnvar_inv * (straight - mean - bnraw * (dhpreact * bnraw).sum(0) / (bnraw**2).sum(0))


# %% mistake="batchnorm_backward" says="In the last term the sum runs over everything, examples and units. Each unit needs a sum of its own, over the batch only."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    return bngain * bnvar_inv * (straight - mean - bnraw * (dhpreact * bnraw).sum() / (n - 1))


# %% mistake="batchnorm_backward" says="In the middle term the sum runs over everything, examples and units. Each unit needs a sum of its own, over the batch only."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight = dhpreact
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bngain * bnvar_inv * (straight - dhpreact.sum() / n - along)


# %% mistake="batchnorm_backward" says="In the middle term the mean is that of all numbers, examples and units. Each unit needs a mean of its own, over the batch only."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight = dhpreact
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bngain * bnvar_inv * (straight - dhpreact.mean() - along)


# %% mistake="batchnorm_backward" says="The last term is twice what it should be. The 2 of the square and the half of the root cancel."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bngain * bnvar_inv * (straight - mean - 2 * along)


# %% mistake="batchnorm_backward" says="The last term is half of what it should be. The 2 of the square and the half of the root cancel."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bngain * bnvar_inv * (straight - mean - along / 2)


# %% mistake="batchnorm_backward" says="The middle term is added. What comes back through the mean works against dhpreact: subtract it."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bngain * bnvar_inv * (straight + mean - along)


# %% mistake="batchnorm_backward" says="The mean in the middle term is divided by n - 1. The mean of the batch divides by n; only the variance has n - 1."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return bngain * bnvar_inv * (straight - mean * n / (n - 1) - along)


# %% mistake="batchnorm_backward" says="The sign of the whole is wrong: a larger input gives a larger output here, so what comes straight through keeps its sign."
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n = len(dhpreact)
    straight, mean = dhpreact, dhpreact.sum(0) / n
    along = bnraw * (dhpreact * bnraw).sum(0) / (n - 1)
    return -bngain * bnvar_inv * (straight - mean - along)


# %% variant="batchnorm_backward"
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    """The Jacobian of each unit as a matrix: what is left after the mean and the stretching are projected out."""
    n = len(dhpreact)
    identity = torch.eye(n, dtype=bnraw.dtype)
    jacobian = identity - 1 / n - torch.einsum("ik,jk->kij", bnraw, bnraw) / (n - 1)  # (hidden, n, n)
    return torch.einsum("kij,jk->ik", jacobian, dhpreact) * (bngain * bnvar_inv)


# %% [markdown] exercise="train_by_hand"
# Train a network with at most **20,000 parameters** on contexts of three characters, with your own gradients only. The mean
# negative log-likelihood on the test names decides the points: {% if known %}{{ band('train_by_hand', 2) }} and {{ band('train_by_hand', 3) }} are steps on the way, and **{{ band('train_by_hand', 4, 4) }}** is what the
# author of the notes that this course follows reached with hand-written gradients.
# {%- else %}{{ band('train_by_hand', 2) }}, {{ band('train_by_hand', 3) }}, and **{{ band('train_by_hand', 4, 4) }}** for all of them.{% endif %} PyTorch's optimisers are allowed as long as the gradients
# are yours, but three lines of your own do as well.
#
# Three functions:
# - `loss_and_gradients(network, contexts, targets)`: one forward and backward pass on a batch: the loss, the gradient of each parameter by its
#   name, and the batch's mean and variance. Copy your formulas from above, or write them once more.
# - `make_model()`: a fresh model. `Network(embedding, hidden)` from above will do; a class of your own may be anything that maps contexts `(N, 3)` to logits
#   `(N, 27)`, each row by itself.
# - `train(model)`: a **generator** that takes one step after the other and `yield`s each step's loss as a float. It also keeps `running_mean` and
#   `running_var` up to date, for without them the trained network predicts nonsense.
#
# When you submit, the first steps are repeated to see that the weights are yours: draw all randomness from torch's global generator, which `fit`
# seeds before it calls `make_model`, and from no other. Do not name a function `backward`, since that word is looked for in your answer; for the same reason go over the parameters with
# `model.named_parameters()`, or over their names written out, and not with `getattr` and a name from elsewhere.
#
# **A tiny example.** A `Network(10, 64)` has 4,137 parameters: 270 in `C`, $30 \cdot 64 + 64$ in the first layer, $2 \cdot 64$ in
# BatchNorm and $64 \cdot 27 + 27$ in the last. It also holds 128 running statistics, and every number that the model holds is
# counted: 4,265. How wide may the hidden layer be with 20,000?
#
# <details><summary>Hint 1: the idea</summary>
#
# A wide hidden layer, batches of some hundred examples and many steps. Let the learning rate rise over the first steps, then fall smoothly to
# zero: the large steps explore, the small ones at the end settle. If that is not enough, let each step keep a part of the previous one
# (momentum), and shrink the weights a little at each step.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# The running statistics are `(1, hidden)`, like `bnmean` and `bnvar`; move them a small part of the way to the batch's at each step. Update every
# parameter in place (`-=` under `torch.no_grad()`), so that the model keeps its tensors.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# for step in range(STEPS):
#     draw the indices of a random batch
#     loss, gradients, mean, variance = loss_and_gradients(model, those contexts, their targets)
#     rate = warm-up, then half a cosine down to 0
#     for name, parameter in model.named_parameters():
#         its velocity = 0.9 * its velocity + gradients[name];  parameter -= rate * its velocity
#     running statistics += 0.01 * (those of the batch - running statistics)
#     yield float(loss)
# ```
#
# </details>


# %% answer="train_by_hand"
STEPS = 12_000  # how many steps train takes: change it as you like


def loss_and_gradients(
    network: Network, contexts: Int[Tensor, "n 3"], targets: Int[Tensor, " n"]
) -> tuple[Float[Tensor, ""], dict[str, Tensor], Float[Tensor, "1 hidden"], Float[Tensor, "1 hidden"]]:
    """Loss of a batch, gradient of each parameter by its name (C, W1, ...), mean and variance of hprebn."""
    ### BEGIN SOLUTION
    n, rows = len(targets), torch.arange(len(targets))
    embcat = network.C[contexts].view(n, -1)
    hprebn = embcat @ network.W1 + network.b1
    bnmean = hprebn.mean(0, keepdim=True)
    bndiff = hprebn - bnmean
    bnvar = (bndiff**2).sum(0, keepdim=True) / (n - 1)
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    h = torch.tanh(network.bngain * bnraw + network.bnbias)
    logprobs = F.log_softmax(h @ network.W2 + network.b2, 1)
    loss = -logprobs[rows, targets].mean()

    dlogits = logprobs.exp()
    dlogits[rows, targets] -= 1
    dlogits /= n
    dhpreact = dlogits @ network.W2.T * (1 - h**2)
    dbngain = (dhpreact * bnraw).sum(0, keepdim=True)
    dbnbias = dhpreact.sum(0, keepdim=True)
    scale = network.bngain * bnvar_inv / n
    dhprebn = scale * (n * dhpreact - dbnbias - n / (n - 1) * bnraw * dbngain)
    dembcat = dhprebn @ network.W1.T
    dC = torch.zeros_like(network.C)
    dC.index_add_(0, contexts.flatten(), dembcat.view(-1, dC.shape[1]))
    gradients = {
        "C": dC,
        "W1": embcat.T @ dhprebn,
        "b1": dhprebn.sum(0),
        "bngain": dbngain,
        "bnbias": dbnbias,
        "W2": h.T @ dlogits,
        "b2": dlogits.sum(0),
    }
    return loss, gradients, bnmean, bnvar
    ### END SOLUTION


def make_model() -> Network:
    """A fresh model with at most 20,000 parameters."""
    ### BEGIN SOLUTION
    return Network(embedding=16, hidden=240)
    ### END SOLUTION


@torch.no_grad()
def train(model: Network) -> Iterator[float]:
    """Train the model in place; yields the loss of each step."""
    ### BEGIN SOLUTION
    batch, peak, momentum, decay = 512, 0.15, 0.9, 1e-3
    steps = min(STEPS, 34 * len(X_train) // batch)  # at most 34 times each row: few names would be learned by heart
    warm_up = steps // 4
    velocity = {}
    for step in range(steps):
        chosen = torch.randint(len(X_train), (batch,))
        loss, gradients, bnmean, bnvar = loss_and_gradients(model, X_train[chosen], Y_train[chosen])
        if step < warm_up:
            rate = peak * (step + 1) / warm_up
        else:
            rate = peak * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up))) / 2
        for name, parameter in model.named_parameters():
            if name in ("C", "W1", "W2"):
                parameter *= 1 - rate * decay
            velocity[name] = momentum * velocity.get(name, 0) + gradients[name]
            parameter -= rate * velocity[name]
        model.running_mean += 0.01 * (bnmean - model.running_mean)
        model.running_var += 0.01 * (bnvar - model.running_var)
        yield loss.item()
    ### END SOLUTION


# %% fit="train_by_hand"
model = fit("train_by_hand", make_model, train, steps=STEPS)

# %% check="train_by_hand"
check_loss("train_by_hand")

# %% oracle="train_by_hand"
PARAMETERS = ("C", "W1", "b1", "bngain", "bnbias", "W2", "b2")
for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 1e-5)):
    network, contexts, targets = draw(torch.Generator().manual_seed(7), n=64)
    vars(network).update({name: getattr(network, name).to(dtype).requires_grad_() for name in PARAMETERS})
    f = forward(network, contexts, targets)
    f.loss.backward()
    with torch.no_grad():
        loss, gradients, bnmean, bnvar = loss_and_gradients(network, contexts, targets)
    assert tuple(gradients) == PARAMETERS
    for name, value in gradients.items():
        torch.testing.assert_close(value, getattr(network, name).grad, rtol=10 * tolerance, atol=tolerance)
    for value, expected in ((loss, f.loss), (bnmean, f.bnmean), (bnvar, f.bnvar)):
        torch.testing.assert_close(value, expected.detach(), rtol=10 * tolerance, atol=tolerance)
    assert gradients["b1"].abs().max() < 1e-7  # what the prose says about db1
assert sum(getattr(Network(10, 64), name).numel() for name in PARAMETERS) == 4137 == 270 + 30 * 64 + 64 + 2 * 64 + 64 * 27 + 27
assert sum(tensor.numel() for tensor in vars(Network(10, 64)).values()) == 4265 == 4137 + 128
assert sum(tensor.numel() for tensor in vars(make_model()).values()) <= 20_000


# %% variant="train_by_hand"
def loss_and_gradients(network, contexts, targets):
    """The same gradients by the pieces: forward's tensors, read backwards, no formula shortened."""
    f, n = forward(network, contexts, targets), len(targets)
    onehot = F.one_hot(targets, 27).to(f.probs.dtype)
    dprobs = -onehot / n / f.probs
    dcounts = f.counts_sum_inv * dprobs - (f.counts * dprobs).sum(1, keepdim=True) * f.counts_sum_inv**2
    dlogits = f.counts * dcounts
    dhpreact = torch.einsum("nj,kj->nk", dlogits, network.W2) * (1 - f.h * f.h)
    dbnraw = network.bngain * dhpreact
    dbnvar = -0.5 * f.bnvar_inv**3 * (f.bndiff * dbnraw).sum(0, keepdim=True)
    dbndiff = f.bnvar_inv * dbnraw + 2 / (n - 1) * f.bndiff * dbnvar
    dhprebn = dbndiff - dbndiff.mean(0, keepdim=True)
    dC = torch.zeros_like(network.C)
    dC.index_put_((contexts,), (dhprebn @ network.W1.T).view_as(f.emb), accumulate=True)
    gradients = dict(
        b2=dlogits.sum(0), W2=f.h.T @ dlogits, bnbias=dhpreact.sum(0, keepdim=True),
        bngain=(f.bnraw * dhpreact).sum(0, keepdim=True), b1=dhprebn.sum(0), W1=f.embcat.T @ dhprebn, C=dC,
    )  # fmt: skip
    return f.loss, gradients, f.bnmean, f.bnvar


# %% [markdown]
# ### Names from your network
#
# A last look at what it has learned: twenty names, letter by letter. (Nothing is printed before it is trained.)

# %%
def sample(model: Callable, g: torch.Generator) -> str:
    """One name, each letter drawn from the network's probabilities, of at most 20 letters."""
    name, context = "", [0, 0, 0]
    while len(name) < 20:
        with torch.no_grad():
            probs = model(torch.tensor([context])).softmax(1)
        index = int(torch.multinomial(probs, 1, generator=g))
        if index == 0:
            break
        name, context = name + SYMBOLS[index], [*context[1:], index]
    return name


g = torch.Generator().manual_seed(42)
for _ in range(20):
    if name := attempt(sample, globals().get("model"), g):  # there is no model before fit has made one
        print(name)

# %% [markdown]
# ## What you did
#
# You carried a gradient through every line of a network, adding up wherever a value was read twice and summing wherever it was
# broadcast. You saw two gradients that vanish for a reason, `dlogit_maxes` and `db1`, and why a test has to send
# something through such a path. You folded eight pieces into one line, nine into another, and trained with them a network in which no gradient
# came from PyTorch. From now on `backward()` is a convenience and no mystery.
