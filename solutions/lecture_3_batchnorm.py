# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% author
from autograder.commands.script import run

run(__name__, globals())

# %% [markdown]
# # Lecture 3: activations, gradients and BatchNorm
#
# A deep network can be right in every line and still learn badly, because its numbers have drifted to where tanh is flat, or its
# gradients have faded on the way back. This notebook is about looking inside, and about the layer that keeps the numbers where they
# should be. Afterwards you will be able to
#
# - choose the scale of the initial weights so that the activations of every layer keep their spread;
# - see saturated activations, fading gradients and a badly set learning rate in three pictures;
# - write BatchNorm as `torch.nn.BatchNorm1d` does it: training, running statistics, evaluation;
# - fold a trained BatchNorm into the linear layer before it;
# - say what happens when all weights start at zero, and train a deep network on names.
#
# Every exercise stands alone: what it builds on is given, so that a gap in one does not cost another. A function leaves
# what it is given as it was, unless its text says otherwise: what the caller still needs is copied before it is changed.
#
# **Notation.** `X` holds contexts and `Y` targets, as before. A linear layer has the weights `W`, of shape `(fan_in, fan_out)`, and the bias `b`: a row `x` becomes
# `x @ W + b`. `fan_in` is the number of inputs that a unit adds up. `h` is the output of a tanh, a value between -1 and 1 for each example and unit, and the
# **preactivation** is what goes into the tanh. The *spread* of a tensor is its standard deviation. $n$ is the number of examples in a batch.

# %%
import math
from collections.abc import Iterator

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from torch import Tensor, nn

from autograder import check, check_loss, fit
from autograder.figures import Drawing, drawn
from autograder.names import SYMBOLS, load_names

names = load_names()
X_train, Y_train = names.contexts("train", 3)
print(f"{len(Y_train):,} contexts of three symbols to train on; the first: {X_train[0].tolist()} -> {int(Y_train[0])}")

# %% [markdown]
# ## Saturation
#
# The derivative of tanh is $1 - h^2$, with $h$ its output. At $h = 0$ it is 1 and the gradient passes untouched. At $h = 0.97$ only 6 % of it passes, at
# $h = 0.999$ 0.2 %. Such a unit is called **saturated** for that example: whatever its weights did wrong, they hardly hear of it.
# The cell draws both curves, and shades where $|h| > 0.97$.

# %%
x = torch.linspace(-4, 4, 401)
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(x, x.tanh(), label="h = tanh(x)")
axes.plot(x, 1 - x.tanh() ** 2, label="its derivative, 1 - h²")
for side in (-1, 1):
    axes.axvspan(side * 2.092, side * 4, color="tab:red", alpha=0.1)  # tanh(2.092) = 0.97
axes.set_xlabel("preactivation x")
axes.set_ylabel("value")
axes.legend()
plt.show()
for h in (0.0, 0.97, 0.999):
    print(f"h = {h:5.3f}: {1 - h**2:.1%} of the gradient passes")

# %% [markdown] exercise="saturation"
# Write `saturation(layers)`. It gets the tanh outputs of several layers, each of shape `(n, units)` with its own number of units, and
# returns for each layer the **share** of all values with $|h| > 0.97$, a number between 0 and 1.
#
# Two layers: `[[0.99, 0.5], [-0.98, 0.1]]` has the share 0.5, `[[0.2], [-1.0]]` has 0.5 too.
#
# <details><summary>Hint 1: the idea</summary>
#
# A comparison gives a tensor of true and false; the mean of these, as ones and zeros, is the share of the true ones.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# One number a layer, so (layers,), whatever the shapes of the layers are.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for each h: compare the size of h, without its sign, with 0.97; as float; mean. Stack the results.
#
# </details>


# %% answer="saturation"
def saturation(layers: list[Float[Tensor, "n units"]]) -> Float[Tensor, " layers"]:
    """The share of |h| > 0.97 in each layer's tanh outputs."""
    ### BEGIN SOLUTION
    return torch.stack([(h.abs() > 0.97).float().mean() for h in layers])
    ### END SOLUTION


# %%
def tanh_layers(g: torch.Generator, n: int = 32) -> list[Tensor]:
    """The outputs of five tanh layers of different widths and spreads, none centred on zero, each with values a little beyond 0.97 and a little below.

    In every other layer two units jump between -1 and 1, one is saturated for all examples but one, and one example is saturated in all units. In
    those between, a unit and some examples have no saturated value. The last layer has a single unit.
    """
    widths = (torch.randint(9, 13, (4,), generator=g) + 4 * torch.randperm(4, generator=g)).tolist()
    layers = [(torch.randn(n, width, generator=g) * (1 + i) + 0.7).tanh() for i, width in enumerate(widths)]
    for h in layers:
        h[0, :6] = torch.tensor([0.98, -0.98, 0.96, -0.96, 0.0, 0.9697])
    for h in layers[::2]:
        h[::2, -3:-1], h[1::2, -3:-1] = 0.995, -0.995
        h[:, -1], h[3, -1] = 0.999, 0.6
        h[1] = torch.where(h[1] < 0, -0.98, 0.98)
    for h in layers[1::2]:
        h[:, 5] *= 0.9
        h[4:8] *= 0.9
    single = torch.linspace(-0.999, 0.995, n)[torch.randperm(n, generator=g), None]
    single[: int(torch.randint(3, n // 2, (1,), generator=g))] = 0.98
    return [*layers, single]


# %% check="saturation"
check("saturation", lambda g: saturation(tanh_layers(g)))

# %% oracle="saturation"
assert saturation([torch.tensor([[0.99, 0.5], [-0.98, 0.1]]), torch.tensor([[0.2], [-1.0]])]).tolist() == [0.5, 0.5]
g = torch.Generator().manual_seed(1)
h = tanh_layers(g)[2]
assert abs(saturation([h]).item() - sum(abs(v) > 0.97 for v in h.flatten().tolist()) / h.numel()) < 1e-6
assert abs((1 - 0.97**2) - 0.06) < 0.001 and abs((1 - 0.999**2) - 0.002) < 1e-5 and abs(torch.tensor(2.092).tanh() - 0.97) < 1e-4


# %% mistake="saturation" says="The values are rounded before they are compared with the limit, so those just beyond it are lost. Compare them as they are."
def saturation(layers: list[Float[Tensor, "n units"]]) -> Float[Tensor, " layers"]:
    shares = []
    for h in layers:
        hundredths = (h.abs() * 100).round()
        shares.append((hundredths > 97).float().mean())
    return torch.stack(shares)


# %% mistake="saturation" says="The sign is not ignored: tanh is just as flat near -1 as near 1, but your shares count only one side. Look at the size of h."
def saturation(layers):
    return torch.stack([(h > 0.97).float().mean() for h in layers])


# %% mistake="saturation" says="You count the saturated values, so a wider layer always looks worse. A share is that count divided by how many values the layer has."
def saturation(layers):
    return torch.stack([(h.abs() > 0.97).float().sum() for h in layers])


# %% mistake="saturation" says="You return per cent, from 0 to 100. A share is a number between 0 and 1: leave out the factor of 100."
def saturation(layers):
    return torch.stack([100 * (h.abs() > 0.97).float().mean() for h in layers])


# %% mistake="saturation" says="You count the values that are NOT saturated: turn the comparison round."
def saturation(layers):
    return torch.stack([(h.abs() <= 0.97).float().mean() for h in layers])


# %% mistake="saturation" says="All layers are counted together. The shares are there to compare layers: one number for each."
right_saturation = saturation


def saturation(layers):
    return right_saturation([torch.cat([h.flatten() for h in layers])])[0]


# %% mistake="saturation" says="You count units with any saturated value. The share of all values is asked for: a unit of 32 examples has 32 of them."
def saturation(layers):
    return torch.stack([(h.abs() > 0.97).any(0).float().mean() for h in layers])


# %% mistake="saturation" says="You count units of which all values are saturated, which is the next exercise. Here each value counts by itself."
def saturation(layers):
    return torch.stack([(h.abs() > 0.97).all(0).float().mean() for h in layers])


# %% mistake="saturation" says="Your limit is 0.99, as in one of the lecture's pictures. Here a value is saturated beyond 0.97."
def saturation(layers):
    return torch.stack([(h.abs() > 0.99).float().mean() for h in layers])


# %% mistake="saturation" says="You count examples, the rows, that have any saturated value. Here each value counts by itself: take the mean over all comparisons of a layer."
def saturation(layers):
    return torch.stack([(h.abs() > 0.97).any(1).float().mean() for h in layers])


# %% mistake="saturation" says="You count examples of which all values are saturated. Here each value counts by itself: take the mean over all comparisons of a layer."
def saturation(layers):
    return torch.stack([(h.abs() > 0.97).all(1).float().mean() for h in layers])


# %% mistake="saturation" says="You divide by the number of examples only. A layer has a value for each example and each unit: divide by how many values it has."
def saturation(layers):
    return torch.stack([(h.abs() > 0.97).sum() / len(h) for h in layers])


# %% mistake="saturation" says="You divide by the number of units only. A layer has a value for each example and each unit: divide by how many values it has."
def saturation(layers):
    return torch.stack([(h.abs() > 0.97).sum() / h.shape[1] for h in layers])


# %% mistake="saturation" says="You average each unit over the examples before you compare, so a unit that jumps between -1 and 1 looks alive. Compare each value by itself."
def saturation(layers):
    return torch.stack([(h.mean(0).abs() > 0.97).float().mean() for h in layers])


# %% mistake="saturation" says="You compare the mean size of each unit with 0.97, and the single values no longer count. Compare first, then take the mean."
def saturation(layers):
    return torch.stack([(h.abs().mean(0) > 0.97).float().mean() for h in layers])


# %% mistake="saturation" says="It is the slope of tanh that you compare with 0.97, so you count values near 0, where tanh is steep. Compare the size of h itself."
def saturation(layers):
    return torch.stack([(1 - h**2 > 0.97).float().mean() for h in layers])


# %% mistake="saturation" says="You count values below -0.97 only. tanh is just as flat near 1: look at the size of h, without its sign."
def saturation(layers):
    return torch.stack([(h < -0.97).float().mean() for h in layers])


# %% mistake="saturation" says="Your limit lies below 0.97, at 0.95 or so: values between the two are counted as well. Here a value is saturated beyond 0.97."
def saturation(layers):
    return torch.stack([(h.abs() > 0.95).float().mean() for h in layers])


# %% mistake="saturation" says="You square h to be rid of the sign, but not the limit: h² > 0.97 means sizes beyond 0.985. Square both sides, or take the size of h without squaring."
def saturation(layers):
    return torch.stack([(h**2 > 0.97).float().mean() for h in layers])


# %% mistake="saturation" says="You ask whether the slope is below 0.06, which is rounded: the limit for h is then 0.9695, and values just below 0.97 are counted too. Compare the size of h itself with 0.97."
def saturation(layers):
    return torch.stack([(1 - h**2 < 0.06).float().mean() for h in layers])


# %% mistake="saturation" says="Each share is that of its layer and of all layers before it together: your counters go on from layer to layer. Begin anew with each layer."
right_saturation = saturation


def saturation(layers):
    return torch.stack([right_saturation([torch.cat([h.flatten() for h in layers[: i + 1]])])[0] for i in range(len(layers))])


# %% mistake="saturation" says="You divide the count of each layer by the number of values of all layers together. Divide it by how many values this layer has."
def saturation(layers):
    return torch.stack([(h.abs() > 0.97).sum() for h in layers]) / sum(h.numel() for h in layers)


# %% mistake="saturation" says="You divide by the number of values of one layer, the first, for all of them. The layers differ in width: divide by how many values each has itself."
def saturation(layers):
    return torch.stack([(h.abs() > 0.97).sum() / layers[0].numel() for h in layers])


# %% mistake="saturation" says="Your limit is 0.999, the second number of the text. Here a value is saturated beyond 0.97."
def saturation(layers):
    return torch.stack([(h.abs() > 0.999).float().mean() for h in layers])


# %% mistake="saturation" says="No value of any layer counts as saturated for you, as where it is asked to be beyond 0.97 and below -0.97 at once. One of the two is enough: look at the size of h."
def saturation(layers):
    return torch.stack([((h > 0.97) & (h < -0.97)).float().mean() for h in layers])


# %% mistake="saturation" says="These are mean sizes of the outputs, and no limit is asked for. Compare each value with 0.97, and take the share of those beyond."
def saturation(layers):
    return torch.stack([h.abs().mean() for h in layers])


# %% variant="saturation"
def saturation(layers):
    shares = []
    for h in layers:
        flat = h.flatten()
        high, low = (flat > 0.97).sum().item(), (flat < -0.97).sum().item()
        shares.append((high + low) / len(flat))
    return torch.tensor(shares)


# %% [markdown] exercise="dead_neurons"
# A unit that is saturated for **every** example of a batch learns nothing from it. Write `dead_neurons(h)`: for each unit, is $|h| > 0.97$ for all
# examples?
#
# `[[0.99, 0.99], [-0.98, 0.3]]`: the first unit is dead (both of its values are beyond 0.97 in size, one on either side), the second is not. The
# answer is `[True, False]`.
#
# <details><summary>Hint 1: the idea</summary>
#
# A column is a unit, a row an example. A unit with a single example in the middle still learns.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# (units,), dtype bool.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# the comparison as in the last exercise, then `all` over the dimension of the examples
#
# </details>


# %% answer="dead_neurons"
def dead_neurons(h: Float[Tensor, "n units"]) -> Bool[Tensor, " units"]:
    """For each unit, whether |h| > 0.97 for all examples."""
    ### BEGIN SOLUTION
    return (h.abs() > 0.97).all(0)
    ### END SOLUTION


# %%
def units_of_every_kind(g: torch.Generator) -> Tensor:
    """Tanh outputs (n, 14), n above 120, of units that are dead on one side, dead on both sides, saturated at times, and alive, in random order."""
    n = 124 + int(torch.randint(4, (1,), generator=g))
    size = 0.975 + 0.02 * torch.rand(n, 8, generator=g)
    size[1] = 0.98
    size[:, :2] = 0.986 + 0.003 * torch.rand(n, 2, generator=g)  # their squares are beyond 0.97 too
    side = torch.where(torch.arange(n)[:, None] % 2 == torch.tensor([0, 1]), -1.0, 1.0)  # (n, 2): both sides in turn
    signs = torch.cat([torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, -1.0]).expand(n, 6), side], 1)
    dead = size * signs
    alive = 0.9 * (2 * torch.rand(n, 6, generator=g) - 1)
    alive[0, 0] = 0.99  # once in a while is not always
    alive[:, 1], alive[int(torch.randint(1, n - 1, (1,), generator=g)), 1] = -0.995, -0.9  # nor is nearly always, though the mean is beyond 0.97
    alive[:, 2], alive[n // 3 : 2 * (n // 3), 2] = 0.98, 0.2  # nor is mostly
    alive[:, 3], alive[-1, 3] = 0.985, -0.9698  # a limit of 0.95, or a slope below 0.06, would do for this one
    alive[:, 4], alive[int(torch.randint(1, n - 1, (1,), generator=g)), 4] = 0.999, 0.001  # the mean is beyond 0.97, the geometric mean is not
    alive[:, 5], alive[::40, 5] = 0.99, 0.5  # less than 97 % of them
    return torch.cat([dead, alive], 1)[:, torch.randperm(14, generator=g)]


# %% check="dead_neurons"
check("dead_neurons", lambda g: dead_neurons(units_of_every_kind(g)))

# %% oracle="dead_neurons"
assert dead_neurons(torch.tensor([[0.99, 0.99], [-0.98, 0.3]])).tolist() == [True, False]
h = units_of_every_kind(torch.Generator().manual_seed(3))
assert dead_neurons(h).tolist() == [all(abs(v) > 0.97 for v in column) for column in h.T.tolist()]
assert dead_neurons(h).sum() == 8 and len(h) > 120
assert dead_neurons(torch.tensor([[-0.98, 0.3]])).tolist() == [True, False]


# %% mistake="dead_neurons" says="One saturated example is enough for you, but a unit with any example in the middle still learns. It is dead only if all of them are saturated."
def dead_neurons(h):
    return (h.abs() > 0.97).any(0)


# %% mistake="dead_neurons" says="You look along the rows and so ask for dead examples. A unit is a column: go through its examples."
def dead_neurons(h):
    return (h.abs() > 0.97).all(1)


# %% mistake="dead_neurons" says="Units that are stuck at -1 are missing: the sign does not matter, tanh is flat on both sides."
def dead_neurons(h):
    return (h > 0.97).all(0)


# %% mistake="dead_neurons" says="A unit that jumps between -1 and 1 counts as alive for you, but it is flat for every example all the same. Drop the sign before you compare."
def dead_neurons(h):
    return (h > 0.97).all(0) | (h < -0.97).all(0)


# %% mistake="dead_neurons" says="You take a mean over the examples, so one of them in the middle can hide behind many at the edge. Ask each example."
def dead_neurons(h):
    return h.abs().mean(0) > 0.97


# %% mistake="dead_neurons" says="A single truth value is returned, and each unit has an answer of its own: all() over the examples only, dimension 0."
def dead_neurons(h):
    return (h.abs() > 0.97).all()


# %% mistake="dead_neurons" says="You return the positions of the dead units. A truth value for each unit is asked for, also for those that learn."
def dead_neurons(h):
    return (h.abs() > 0.97).all(0).nonzero().flatten()


# %% mistake="dead_neurons" says="Your limit is 0.99, as in the lecture's picture, so units between 0.97 and 0.99 pass for alive. Here it is 0.97."
def dead_neurons(h):
    return (h.abs() > 0.99).all(0)


# %% mistake="dead_neurons" says="True and false have changed places: true is asked for where a unit is dead."
def dead_neurons(h):
    return ~(h.abs() > 0.97).all(0)


# %% mistake="dead_neurons" says="You return how many units are dead, or their share. A truth value for each unit is asked for."
def dead_neurons(h):
    return (h.abs() > 0.97).all(0).sum()


# %% mistake="dead_neurons" says="The truth value stands at each single value of h. A unit has one answer for all of its examples: ask whether all of them are true."
def dead_neurons(h):
    return h.abs() > 0.97


# %% mistake="dead_neurons" says="A unit counts as dead for you if most of its examples are saturated. As long as one of them is not, it still learns: ask for all."
def dead_neurons(h):
    return (h.abs() > 0.97).float().mean(0) > 0.5


# %% mistake="dead_neurons" says="You average a unit's outputs with their signs, so one that jumps between -1 and 1 looks alive. Compare each example, without its sign."
def dead_neurons(h):
    return h.mean(0).abs() > 0.97


# %% mistake="dead_neurons" says="Units that are stuck at 1 are missing: you ask for values below -0.97 only. The sign does not matter, tanh is flat on both sides."
def dead_neurons(h):
    return (h < -0.97).all(0)


# %% mistake="dead_neurons" says="Your limit lies below 0.97, at 0.95 or so: a unit with an output between the two passes for dead. Here a unit is dead beyond 0.97."
def dead_neurons(h):
    return (h.abs() > 0.95).all(0)


# %% mistake="dead_neurons" says="A share of the examples, such as 97 %, is enough for you. That is the limit for h: a unit is dead only if every one of its examples is beyond it."
def dead_neurons(h):
    return (h.abs() > 0.97).float().mean(0) > 0.97


# %% mistake="dead_neurons" says="You square h but not the limit: h² > 0.97 means sizes beyond 0.985. Square both sides, or take the size of h without squaring."
def dead_neurons(h):
    return (h**2 > 0.97).all(0)


# %% mistake="dead_neurons" says="The product of a unit's sizes is compared, which asks for their geometric mean: one example in the middle can hide behind many at the edge. Ask each example."
def dead_neurons(h):
    return h.abs().log().mean(0) > math.log(0.97)


# %% mistake="dead_neurons" says="Only the first example decides for you. A unit is dead only if all of its examples are saturated."
def dead_neurons(h):
    return h[0].abs() > 0.97


# %% mistake="dead_neurons" says="Only the last example decides for you, as where a loop overwrites what it found before. A unit is dead only if all of its examples are saturated."
def dead_neurons(h):
    return h[-1].abs() > 0.97


# %% mistake="dead_neurons" says="You compare the smallest value with its sign, so units with values near -1 pass for alive. Take the size first, and the smallest of the sizes."
def dead_neurons(h):
    return h.amin(0).abs() > 0.97


# %% mistake="dead_neurons" says="You return for each unit how many of its examples, or which share of them, are saturated. A truth value for each unit is asked for."
def dead_neurons(h):
    return (h.abs() > 0.97).float().mean(0)


# %% variant="dead_neurons"
def dead_neurons(h):
    return h.abs().amin(dim=0) > 0.97


# %% [markdown]
# ## The scale of the initial weights
#
# A unit adds up `fan_in` products. If the inputs have spread 1 and the weights have spread $s$, the sum has spread $s \sqrt{\text{fan\_in}}$: with 200 inputs and $s = 1$ about
# 14, and most tanh outputs are saturated. The cell measures it, once for weights as `torch.randn` gives them and once divided by $\sqrt{\text{fan\_in}}$.

# %%
g = torch.Generator().manual_seed(42)
inputs, W = torch.randn(1000, 200, generator=g), torch.randn(200, 300, generator=g)
for scale, told in ((1.0, "as drawn"), (200**-0.5, "divided by sqrt(200)")):
    preactivation = inputs @ (W * scale)
    passes = (1 - preactivation.tanh() ** 2).median()
    print(f"weights {told}: the spread of the preactivations is {preactivation.std():.2f}, and half of the units let less than {passes:.2%} of the gradient pass")

# %% [markdown]
# The division keeps the spread of the sum. But tanh presses it together a little in every layer: a spread of 1 becomes 0.63. After many layers little would be
# left, so the weights are made larger by a **gain**. For tanh the customary gain is 5/3: under it the spread settles near 0.65 and stays there, however many layers follow.

# %%
def spreads(gain: float, depth: int = 30) -> list[float]:
    """The spread of the tanh outputs of each of many layers of 200 units, for a gain."""
    g = torch.Generator().manual_seed(42)
    h, found = torch.randn(400, 200, generator=g), []
    for _ in range(depth):
        h = (h @ (gain * F.normalize(torch.randn(200, 200, generator=g), dim=0))).tanh()  # every column has the length gain
        found.append(h.std().item())
    return found


figure, axes = plt.subplots(figsize=(6, 3))
for gain, label in ((1.0, "1"), (5 / 3, "5/3"), (3.0, "3")):
    spread = spreads(gain)
    axes.plot(range(1, 31), spread, label=f"gain {label}")
    print(f"gain {label:>3}: spread {spread[0]:.2f} in the first layer, {spread[-1]:.2f} in layer 30")
axes.set_xlabel("layer")
axes.set_ylabel("spread of h")
axes.set_ylim(0, 1)
axes.legend()
plt.show()

# %% [markdown] exercise="kaiming_weight"
# Write `kaiming_weight(fan_in, fan_out, gain, g)`: weights for a linear layer, drawn from the **normal** distribution with mean 0 and standard deviation
# $\text{gain} / \sqrt{\text{fan\_in}}$, each independent of the others, all of them from the generator `g`.
#
# With `fan_in = 400` and `gain = 5/3` the standard deviation is 0.0833.
#
# Random numbers are never exactly as ordered, so the check measures their mean, their standard deviation and the form of their distribution, and allows six standard errors: chance alone goes beyond
# that about once in 500 million times. It also looks whether the lengths of rows and columns vary as those of independent numbers do.
#
# <details><summary>Hint 1: the idea</summary>
#
# `torch.randn` has standard deviation 1. Multiply by the one you want. What counts is how many inputs a unit **adds up**.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# (fan_in, fan_out), so that `x @ W` works for x of shape (n, fan_in).
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# standard normal numbers of that shape with generator=g, times gain, divided by the square root of fan_in
#
# </details>


# %% answer="kaiming_weight"
def kaiming_weight(fan_in: int, fan_out: int, gain: float, g: torch.Generator) -> Float[Tensor, "fan_in fan_out"]:
    """Normal weights with mean 0 and standard deviation gain / sqrt(fan_in), drawn from g."""
    ### BEGIN SOLUTION
    return torch.randn(fan_in, fan_out, generator=g) * gain / fan_in**0.5
    ### END SOLUTION


# %%
def as_asked(measured: Tensor, expected: float, error: float) -> float:
    """What is asked for, where six standard errors cover the difference (chance exceeds that once in 500 million times); otherwise what was measured."""
    return expected if abs(float(measured) - expected) <= 6 * error else float(measured)


def origin(first: Tensor, again: Tensor, other: Tensor) -> str:
    """Where numbers come from: `again` was drawn with the same generator as `first`, `other` with another."""
    if torch.equal(first, other):
        return "the same numbers for every generator"
    if torch.equal(first, again):
        return "g"
    return "g, but not their signs" if torch.equal(first.abs(), again.abs()) else "not g"


def lengths(W: Tensor) -> str:
    """Whether rows and columns vary in length as those of many independent numbers do; chance is out of the question from a hundred of them on."""
    squares = W.double() ** 2
    for dim, which in ((0, "columns"), (1, "rows")):
        varies = float(squares.mean(dim).var() * W.shape[dim] / squares.var())  # 1 for independent numbers
        if not 0.25 < varies < 2:
            return f"all {which} have one length" if varies <= 0.25 else f"the {which} differ too much in length"
    return "as of independent numbers"


def normal_facts(W: Tensor, std: float) -> dict:
    """Mean, spread and form of the distribution of many weights; the standard errors are those of a normal sample."""
    count = W.numel()
    mean = "zero" if abs(float(W.mean())) < 6 * max(std, float(W.std())) / count**0.5 else "not zero"
    fourth = float(((W - W.mean()) / W.std()).pow(4).mean())  # 3 for the normal distribution, 1.8 for the uniform
    form = "normal" if abs(fourth - 3) < 6 * (24 / count) ** 0.5 else "not normal"
    return {"mean": mean, "standard deviation": as_asked(W.std(), std, std / (2 * count) ** 0.5), "distribution": form, "lengths of rows and columns": lengths(W)}


# %% check="kaiming_weight"
def kaiming_probe(g: torch.Generator):
    fan_in, fan_out = 150 + int(torch.randint(50, (1,), generator=g)), 700 + int(torch.randint(100, (1,), generator=g))
    gain = 0.15 + 0.25 * float(torch.rand(1, generator=g))  # far from 1, from its root and its square: two formulas do not agree by luck
    seed = int(torch.randint(2**31, (1,), generator=g))
    W, again, other = (kaiming_weight(fan_in, fan_out, gain, torch.Generator().manual_seed(s)).detach() for s in (seed, seed, seed + 1))
    shape = "as asked for" if W.shape == (fan_in, fan_out) else "transposed" if W.shape == (fan_out, fan_in) else str(tuple(W.shape))
    exact = bool(W.mean().abs() < 1e-6 * W.std() and (W.std() * fan_in**0.5 / gain - 1).abs() < 1e-6)  # which no random numbers are
    facts = normal_facts(W, gain / fan_in**0.5) | {"their own mean and spread": "exactly as asked for" if exact else "near to it, as drawn"}
    return {"shape": shape, **facts, "drawn from": origin(W, again, other)}


check("kaiming_weight", kaiming_probe)

# %% oracle="kaiming_weight"
assert abs((5 / 3) / 400**0.5 - 0.0833) < 1e-4
W = kaiming_weight(500, 300, nn.init.calculate_gain("tanh"), torch.Generator().manual_seed(5))
like_torch = nn.init.kaiming_normal_(torch.empty(300, 500), nonlinearity="tanh")  # torch keeps (fan_out, fan_in)
assert abs(W.std() / like_torch.std() - 1) < 0.02
assert abs(torch.randn(10**6, generator=torch.Generator().manual_seed(1)).tanh().std() - 0.63) < 0.005
assert abs(spreads(5 / 3)[-1] - 0.65) < 0.02 and spreads(1.0)[-1] < 0.2
assert abs(2 * (1 - torch.special.ndtr(torch.tensor(6.0, dtype=torch.float64))) * 5e8 - 1) < 0.05  # once in 500 million times


# %% mistake="kaiming_weight" says="The weights are standardised with their own mean and spread, so they are not free draws from the normal distribution any more. Scale what is drawn, and leave its chance in."
def kaiming_weight(fan_in: int, fan_out: int, gain: float, g: torch.Generator) -> Float[Tensor, "fan_in fan_out"]:
    W = torch.randn(fan_in, fan_out, generator=g)
    W = (W - W.mean()) / W.std()  # exactly mean 0 and std 1
    return W * gain / math.sqrt(fan_in)


# %% mistake="kaiming_weight" says="The spread follows fan_out, the number of units. What a unit adds up is its inputs: the other number belongs under the root."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * gain / fan_out**0.5


# %% mistake="kaiming_weight" says="The gain is missing: without it tanh presses the activations together, layer by layer. Multiply the weights by it."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) / fan_in**0.5


# %% mistake="kaiming_weight" says="You multiplied by the variance, gain squared over fan_in. randn is scaled by the standard deviation: its root."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * gain**2 / fan_in


# %% mistake="kaiming_weight" says="The weights are uniform, not normal: rand and randn differ in one letter."
def kaiming_weight(fan_in, fan_out, gain, g):
    return (2 * torch.rand(fan_in, fan_out, generator=g) - 1) * 3**0.5 * gain / fan_in**0.5


# %% mistake="kaiming_weight" says="The weights do not come from the generator g, so nobody can draw the same ones again. Hand it to torch.randn."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out) * gain / fan_in**0.5


# %% mistake="kaiming_weight" says="You divided by fan_in itself. The spread of a sum of fan_in numbers grows with the root of fan_in, so that is what to divide by."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * gain / fan_in


# %% mistake="kaiming_weight" says="The root is taken of the gain as well. Only fan_in stands under it: mind the brackets."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * (gain / fan_in) ** 0.5


# %% mistake="kaiming_weight" says="The weights grow with fan_in: you multiplied by its root. The more a unit adds up, the smaller its weights have to be."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * gain * fan_in**0.5


# %% mistake="kaiming_weight" says="The gain is always 5/3. It is an argument, and other functions than tanh ask for another one."
right_kaiming_weight = kaiming_weight


def kaiming_weight(fan_in, fan_out, gain, g):
    return right_kaiming_weight(fan_in, fan_out, 5 / 3, g)


# %% mistake="kaiming_weight" says="The spread depends on fan_in and fan_out together, as in the initialisation of Xavier Glorot. Here only the inputs count."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * gain * (2 / (fan_in + fan_out)) ** 0.5


# %% mistake="kaiming_weight" says="The shape is transposed, as nn.Linear keeps its weights. Here x @ W has to work for x of shape (n, fan_in)."
right_kaiming_weight = kaiming_weight


def kaiming_weight(fan_in, fan_out, gain, g):
    return right_kaiming_weight(fan_in, fan_out, gain, g).T


# %% mistake="kaiming_weight" says="Every call gives the same weights, whatever g is: a seed is set inside. Two layers of a size would start equal. Draw from g as it comes."
right_kaiming_weight = kaiming_weight


def kaiming_weight(fan_in, fan_out, gain, g):
    return right_kaiming_weight(fan_in, fan_out, gain, torch.Generator().manual_seed(42))


# %% mistake="kaiming_weight" says="The weights are as torch.randn gives them, with standard deviation 1. Scale them to the one that is asked for."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g)


# %% mistake="kaiming_weight" says="You divide by the gain. It is there to make the weights larger, since tanh presses the spread together: multiply by it."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) / (gain * fan_in**0.5)


# %% mistake="kaiming_weight" says="The spread is the root of 2 over fan_in, which is for relu, whatever gain is handed in. Use the argument gain in place of the root of 2."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * (2 / fan_in) ** 0.5


# %% mistake="kaiming_weight" says="The weights are uniform between minus and plus the standard deviation that is asked for, so theirs is smaller. Draw them from the normal distribution."
def kaiming_weight(fan_in, fan_out, gain, g):
    return (2 * torch.rand(fan_in, fan_out, generator=g) - 1) * gain / fan_in**0.5


# %% mistake="kaiming_weight" says="Every column is scaled to one length, as the cell above does it for its picture. Weights from the normal distribution are drawn independently: scale all of them by the same number."
def kaiming_weight(fan_in, fan_out, gain, g):
    return gain * F.normalize(torch.randn(fan_in, fan_out, generator=g), dim=0)


# %% mistake="kaiming_weight" says="Every row is scaled to one length. Weights from the normal distribution are drawn independently: scale all of them by the same number."
def kaiming_weight(fan_in, fan_out, gain, g):
    return gain * F.normalize(torch.randn(fan_in, fan_out, generator=g), dim=1) * (fan_out / fan_in) ** 0.5


# %% mistake="kaiming_weight" says="The matrix is made orthogonal: its rows are all of one length. Draw each weight by itself from the normal distribution, and scale all by the same number."
def kaiming_weight(fan_in, fan_out, gain, g):
    return nn.init.orthogonal_(torch.empty(fan_in, fan_out), gain, generator=g)


# %% mistake="kaiming_weight" says="One row of numbers is drawn and used for every input, so the weights of a unit are all the same. Draw fan_in times fan_out numbers."
def kaiming_weight(fan_in, fan_out, gain, g):
    return (torch.randn(fan_out, generator=g) * gain / fan_in**0.5).repeat(fan_in, 1)


# %% mistake="kaiming_weight" says="One column of numbers is drawn and used for every unit, so that all units are the same. Draw fan_in times fan_out numbers."
def kaiming_weight(fan_in, fan_out, gain, g):
    return (torch.randn(fan_in, 1, generator=g) * gain / fan_in**0.5).repeat(1, fan_out)


# %% mistake="kaiming_weight" says="What lies beyond two standard deviations is pressed onto that limit, so the spread is a few per cent too small and the distribution not normal. Leave large numbers as they are drawn."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g).clamp(-2, 2) * gain / fan_in**0.5


# %% mistake="kaiming_weight" says="The normal distribution is cut off at two standard deviations, which makes the spread an eighth smaller. Here it is the whole one: leave large numbers as they are drawn."
def kaiming_weight(fan_in, fan_out, gain, g):
    std = gain / fan_in**0.5
    return nn.init.trunc_normal_(torch.empty(fan_in, fan_out), 0.0, std, -2 * std, 2 * std, generator=g)


# %% mistake="kaiming_weight" says="Torch's `kaiming_normal_` with the gain of tanh: it takes the second dimension, here fan_out, for the number of inputs, and 5/3 for the gain. Use your arguments fan_in and gain."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * (5 / 3) / fan_out**0.5


# %% mistake="kaiming_weight" says="Torch's `kaiming_normal_` as it is without arguments: it takes the second dimension, here fan_out, for the number of inputs, and the root of 2 for the gain. Use fan_in and gain."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * (2 / fan_out) ** 0.5


# %% mistake="kaiming_weight" says="This is Xavier Glorot's spread without a gain: the root of 2 over the sum of both sizes. Here it is gain over the root of fan_in."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * (2 / (fan_in + fan_out)) ** 0.5


# %% mistake="kaiming_weight" says="The spread follows fan_in times fan_out, the number of weights. A unit adds up fan_in products: only that number stands under the root."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g) * gain / (fan_in * fan_out) ** 0.5


# %% mistake="kaiming_weight" says="Only the sizes of your weights come from g, not their signs: nobody can draw the same ones again. Hand g to everything that draws; torch.randn gives numbers with their signs."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g).abs() * (2 * torch.randint(2, (fan_in, fan_out)) - 1) * gain / fan_in**0.5


# %% mistake="kaiming_weight" says="All weights are positive: the sign of what torch.randn drew is gone. Half of them have to be negative, so that their mean is 0."
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.randn(fan_in, fan_out, generator=g).abs() * gain / fan_in**0.5


# %% variant="kaiming_weight"
def kaiming_weight(fan_in, fan_out, gain, g):
    return torch.empty(fan_in, fan_out).normal_(0, gain * fan_in**-0.5, generator=g)


# %% variant="kaiming_weight"
def kaiming_weight(fan_in, fan_out, gain, g):
    rows = [torch.randn(fan_out, generator=g) for _ in range(fan_in)]
    return torch.stack(rows).mul_(gain).div_(torch.tensor(float(fan_in)).sqrt())


# %% [markdown] exercise="uniform_weight"
# `torch.nn.Linear` does it in another way: **uniform** weights between $-1/\sqrt{\text{fan\_in}}$ and $1/\sqrt{\text{fan\_in}}$. Write `uniform_weight(fan_in, fan_out, g)`
# that draws such weights.
#
# With `fan_in = 400` all weights lie between -0.05 and 0.05, and their standard deviation is 0.0289: that of a uniform distribution is its half width divided by
# $\sqrt 3$. So `nn.Linear` starts with a gain of $1/\sqrt 3 = 0.58$, which is small for a tanh; BatchNorm will make up for it.
#
# <details><summary>Hint 1: the idea</summary>
#
# `torch.rand` draws between 0 and 1. Stretch and shift that to the interval you want.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# (fan_in, fan_out), as in the last exercise.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# twice a uniform number minus 1 lies between -1 and 1; divide by the square root of fan_in
#
# </details>


# %% answer="uniform_weight"
def uniform_weight(fan_in: int, fan_out: int, g: torch.Generator) -> Float[Tensor, "fan_in fan_out"]:
    """Weights from the uniform distribution between -1/sqrt(fan_in) and 1/sqrt(fan_in), drawn from g."""
    ### BEGIN SOLUTION
    return (2 * torch.rand(fan_in, fan_out, generator=g) - 1) / fan_in**0.5
    ### END SOLUTION


# %%
def uniform_facts(W: Tensor, bound: float) -> dict:
    """Bounds and mean of many weights; the largest of 40,000 is below 0.999 of its bound less than once in 10^17 times."""
    count, std = W.numel(), bound / 3**0.5
    mean = "zero" if abs(float(W.mean())) < 6 * max(std, float(W.std())) / count**0.5 else "not zero"
    ends = [end if 0.999 <= float(found) / end <= 1 else float(found) for found, end in ((W.min(), -bound), (W.max(), bound))]
    error = std * (0.8 / (4 * count)) ** 0.5  # (fourth moment 1.8 - 1) / 4n
    return {"smallest and largest": ends, "mean": mean, "standard deviation": as_asked(W.std(), std, error)}


# %% check="uniform_weight"
def uniform_probe(g: torch.Generator):
    fan_in, fan_out = 500 + int(torch.randint(1000, (1,), generator=g)), 60 + int(torch.randint(10, (1,), generator=g))
    seed = int(torch.randint(2**31, (1,), generator=g))
    W, again, other = (uniform_weight(fan_in, fan_out, torch.Generator().manual_seed(s)).detach() for s in (seed, seed, seed + 1))
    shape = "as asked for" if W.shape == (fan_in, fan_out) else "transposed" if W.shape == (fan_out, fan_in) else str(tuple(W.shape))
    return {"shape": shape, **uniform_facts(W, fan_in**-0.5), "drawn from": origin(W, again, other)}


check("uniform_weight", uniform_probe)

# %% oracle="uniform_weight"
assert abs(400**-0.5 - 0.05) < 1e-9 and abs(0.05 / 3**0.5 - 0.0289) < 1e-4 and abs(3**-0.5 - 0.58) < 0.003
assert 0.999**40_000 < 1e-17
torch.manual_seed(1)
theirs = nn.Linear(500, 300).weight.T  # torch keeps (fan_out, fan_in)
asked = lambda bound: {"smallest and largest": [-bound, bound], "mean": "zero", "standard deviation": bound / 3**0.5}
assert uniform_facts(theirs.detach(), 500**-0.5) == asked(500**-0.5)
for seed in range(50):
    assert uniform_facts(uniform_weight(400, 100, torch.Generator().manual_seed(seed)), 0.05) == asked(0.05)


# %% mistake="uniform_weight" says="The bound is the root of 6 / fan_in, which `kaiming_uniform_` takes unless it is told otherwise. Asked for is 1 over the root of fan_in."
def uniform_weight(fan_in, fan_out, g):
    return (6 / fan_in) ** 0.5 * (2 * torch.rand(fan_in, fan_out, generator=g) - 1)


# %% mistake="uniform_weight" says="All weights are positive, between 0 and the bound: every unit would add up its inputs with the same sign. Shift the interval so that it lies around zero."
def uniform_weight(fan_in, fan_out, g):
    return torch.rand(fan_in, fan_out, generator=g) / fan_in**0.5


# %% mistake="uniform_weight" says="The bounds follow fan_out, the number of units. A unit adds up fan_in inputs."
def uniform_weight(fan_in, fan_out, g):
    return (2 * torch.rand(fan_in, fan_out, generator=g) - 1) / fan_out**0.5


# %% mistake="uniform_weight" says="Here the standard deviation, not the bound, is 1/sqrt(fan_in), so some weights lie outside. The bound is what is given."
def uniform_weight(fan_in, fan_out, g):
    return (2 * torch.rand(fan_in, fan_out, generator=g) - 1) * (3 / fan_in) ** 0.5


# %% mistake="uniform_weight" says="The interval is half as wide as asked for: each end lies at half of the bound. Let it reach from minus the bound to the bound."
def uniform_weight(fan_in, fan_out, g):
    return (torch.rand(fan_in, fan_out, generator=g) - 0.5) / fan_in**0.5


# %% mistake="uniform_weight" says="These weights are normal: they have no bounds at all. torch.rand draws uniform numbers."
def uniform_weight(fan_in, fan_out, g):
    return torch.randn(fan_in, fan_out, generator=g) / fan_in**0.5


# %% mistake="uniform_weight" says="The bound is 1 / fan_in in your weights: the root is missing. They are many times too small."
def uniform_weight(fan_in, fan_out, g):
    return (2 * torch.rand(fan_in, fan_out, generator=g) - 1) / fan_in


# %% mistake="uniform_weight" says="The weights do not come from the generator g, so nobody can draw the same ones again. nn.Linear takes torch's own numbers; hand g to what draws yours."
def uniform_weight(fan_in, fan_out, g):
    return nn.Linear(fan_in, fan_out).weight.T


# %% mistake="uniform_weight" says="Rows and columns of the shape have changed places, as in nn.Linear. The weights of this course are (fan_in, fan_out), for x @ W."
right_uniform_weight = uniform_weight


def uniform_weight(fan_in, fan_out, g):
    return right_uniform_weight(fan_in, fan_out, g).T


# %% mistake="uniform_weight" says="Every call gives the same weights, whatever g is: a seed is set inside. Draw from g as it comes."
right_uniform_weight = uniform_weight


def uniform_weight(fan_in, fan_out, g):
    return right_uniform_weight(fan_in, fan_out, torch.Generator().manual_seed(42))


# %% mistake="uniform_weight" says="The weights lie between -1 and 1: they are not scaled yet. Divide by the root of fan_in."
def uniform_weight(fan_in, fan_out, g):
    return 2 * torch.rand(fan_in, fan_out, generator=g) - 1


# %% mistake="uniform_weight" says="Only the 1 is divided by the root, so your weights reach nearly up to 2. First shift the whole interval, then divide: mind the brackets."
def uniform_weight(fan_in, fan_out, g):
    return 2 * torch.rand(fan_in, fan_out, generator=g) - 1 / fan_in**0.5


# %% mistake="uniform_weight" says="A whole 1 is taken off after the division, so all your weights lie near -1. First shift the interval, then divide: mind the brackets."
def uniform_weight(fan_in, fan_out, g):
    return 2 * torch.rand(fan_in, fan_out, generator=g) / fan_in**0.5 - 1


# %% mistake="uniform_weight" says="All weights are negative, between minus the bound and 0. Stretch the interval to twice its length before you shift it."
def uniform_weight(fan_in, fan_out, g):
    return (torch.rand(fan_in, fan_out, generator=g) - 1) / fan_in**0.5


# %% mistake="uniform_weight" says="The interval is as long as it should be, but it begins at 0, so all weights are positive. Shift it so that its middle lies at zero."
def uniform_weight(fan_in, fan_out, g):
    return 2 * torch.rand(fan_in, fan_out, generator=g) / fan_in**0.5


# %% mistake="uniform_weight" says="The interval is twice as wide as asked for: before you divide by the root it reaches from -2 to 2. Let it reach from -1 to 1."
def uniform_weight(fan_in, fan_out, g):
    return 2 * (2 * torch.rand(fan_in, fan_out, generator=g) - 1) / fan_in**0.5


# %% mistake="uniform_weight" says="Only the sizes of your weights come from g, not their signs: nobody can draw the same ones again. Hand g to everything that draws."
def uniform_weight(fan_in, fan_out, g):
    return torch.rand(fan_in, fan_out, generator=g) * (2 * torch.randint(2, (fan_in, fan_out)) - 1) / fan_in**0.5


# %% mistake="uniform_weight" says="The bounds follow both sizes, as in the initialisation of Xavier Glorot: the root of 6 over their sum. Asked for is 1 over the root of fan_in."
def uniform_weight(fan_in, fan_out, g):
    return (6 / (fan_in + fan_out)) ** 0.5 * (2 * torch.rand(fan_in, fan_out, generator=g) - 1)


# %% mistake="uniform_weight" says="The bound is larger by 5/3, the gain of tanh. nn.Linear knows of no gain: the bound is 1 over the root of fan_in."
def uniform_weight(fan_in, fan_out, g):
    return (2 * torch.rand(fan_in, fan_out, generator=g) - 1) * (5 / 3) / fan_in**0.5


# %% mistake="uniform_weight" says="The root is multiplied where it has to divide, so the weights grow with the number of inputs. The more a unit adds up, the smaller its weights have to be."
def uniform_weight(fan_in, fan_out, g):
    return (2 * torch.rand(fan_in, fan_out, generator=g) - 1) * fan_in**0.5


# %% variant="uniform_weight"
def uniform_weight(fan_in, fan_out, g):
    bound = 1 / torch.tensor(fan_in).sqrt().item()
    return torch.empty(fan_in, fan_out).uniform_(-bound, bound, generator=g)


# %% [markdown]
# ## Three pictures of a network at work
#
# A training curve says *that* something is wrong. These three pictures say *where*: the activations of each layer, the gradients of each layer, and how far each
# layer moves in a step. All three are figures with **one labelled curve a layer**, labels on both axes and a legend. The check reads from your figure what it shows, however you
# draw it; your own figure stands below it. If the labels count the layers, the curves may come in any order.

# %% [markdown] exercise="activation_plot"
# Write `activation_plot(layers)`. For each layer's tanh outputs draw the **distribution of its values** as one curve: a histogram, or its outline. Label the curves
# so that one can tell the layers apart, also layers of equal size, label both axes, add the legend, and return the axes.
#
# For a healthy network the curves lie over each other, wide and without towers at -1 and 1. If they shrink to a needle at 0 from layer to layer, the gain is too small; if they
# pile up at the ends, it is too large.
#
# <details><summary>Hint 1: the idea</summary>
#
# A histogram has borders and heights. `torch.histogram(h, bins=50, density=True)` gives both, and heights that make the area 1.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# With b bins there are b heights and b + 1 borders; the curve goes over the middles of the bins. A layer's values are wanted in one row: flatten.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# figure and axes; for each number and layer: histogram, plot its heights over its middles with a label that holds the number; x label, y label, legend; return axes
#
# </details>


# %% answer="activation_plot"
def activation_plot(layers: list[Float[Tensor, "n units"]]) -> Axes:
    """One labelled curve a layer: the distribution of its activations."""
    ### BEGIN SOLUTION
    _, axes = plt.subplots(figsize=(7, 3.5))
    for number, h in enumerate(layers):
        heights, borders = torch.histogram(h, bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"layer {number}, spread {h.std():.2f}")
    axes.set_xlabel("activation")
    axes.set_ylabel("density")
    axes.legend()
    return axes
    ### END SOLUTION


# %%
def layers_apart(g: torch.Generator) -> list[Tensor]:
    """Some layers, always two of a size, in random order. Nine tenths of a layer's values lie far from those of the others: each curve can be told from every other.

    The others lie near 0, in all layers: bins of one layer do not do for the others. The first column and the first row have more of them, so that they are not like the whole.
    """
    count = 4 + 2 * int(torch.randint(2, (1,), generator=g))  # even: none lies where the mean of all does
    middles = torch.linspace(-0.8, 0.8, count)[torch.randperm(count, generator=g)].tolist()
    spreads = (0.03 + 0.12 * torch.rand(count, generator=g)).tolist()
    layers = [m + s * (2 * torch.rand(64, 24 + i // 2, generator=g) - 1) for i, (m, s) in enumerate(zip(middles, spreads))]
    for h in layers:
        i, j = torch.arange(len(h))[:, None], torch.arange(h.shape[1])
        near = ((i + 3 * j) % 10 == 0) | (j == 0) & (i % 3 == 0) | (i == 0) & (j % 3 == 0)  # as many in every other row and column
        h[near] = 0.2 * (2 * torch.rand(int(near.sum()), generator=g) - 1)
    return layers


def words_of(drawing: Drawing) -> dict:
    """What is written in a picture: how many labels of curves that differ, which axes have a label, whether there is a legend."""
    return {
        "different labels of curves": len({curve.label for curve in drawing.labelled}) if drawing.curves else "there is no curve",
        "axes with a label": ("none", "only x", "only y", "x and y")[bool(drawing.x_label) + 2 * bool(drawing.y_label)],
        "legend": "there" if drawing.legend else "missing",
    }


def curve_facts(axes: Axes, spread: Tensor) -> dict:
    """How many curves there are, whether they are labelled, where each lies and whether all are wide enough; not how they are drawn.

    Args:
        spread: the standard deviations of what is to be drawn. Curves with a quarter of them, together, are those of something else.
    """
    drawing = drawn(axes)
    where = torch.tensor([curve.centre for curve in drawing.curves])
    wide = sum(curve.spread for curve in drawing.curves) > 0.25 * float(spread.mean()) * len(drawing.curves)
    counting = any(len(curve.x) > 2 and torch.equal(curve.x - curve.x[0], torch.arange(len(curve.x))) for curve in drawing.curves)
    return {
        "curves": len(drawing.curves),
        "where the curves lie, in the order of the layers": "nowhere: x counts 0, 1, 2 and so on" if counting else where if len(where) <= len(spread) else "too many to compare",
        "how wide the curves are": "x counts 0, 1, 2 and so on" if counting else "as the values are" if wide else "much narrower than the values",
        **words_of(drawing),
    }


# %% check="activation_plot"
def activation_plot_probe(g: torch.Generator):
    layers = layers_apart(g)
    return curve_facts(activation_plot(layers), torch.stack([h.std() for h in layers]))


check("activation_plot", activation_plot_probe)

# %% oracle="activation_plot"
layers = layers_apart(torch.Generator().manual_seed(8))
facts = curve_facts(activation_plot(layers), torch.stack([h.std() for h in layers]))
assert facts["curves"] == len(layers) and torch.allclose(facts["where the curves lie, in the order of the layers"], torch.stack([h.mean() for h in layers]), atol=0.01)
plt.close("all")


# %% mistake="activation_plot" says="There is one curve for all layers together. The picture is there to compare them: one curve a layer."
right_activation_plot = activation_plot


def activation_plot(layers):
    return right_activation_plot([torch.cat([h.flatten() for h in layers])])


# %% mistake="activation_plot" says="The curves have no labels of their own, so nobody can tell the layers apart. Give each a label, and make the legend from them."
def activation_plot(layers):
    _, axes = plt.subplots()
    for h in layers:
        heights, borders = torch.histogram(h, bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights)
    axes.set_xlabel("activation")
    axes.set_ylabel("density")
    return axes


# %% mistake="activation_plot" says="The axes have no labels: a reader has to guess what is drawn. Set both."
def activation_plot(layers):
    _, axes = plt.subplots()
    for number, h in enumerate(layers):
        heights, borders = torch.histogram(h, bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"layer {number}")
    axes.legend()
    return axes


# %% mistake="activation_plot" says="All curves have the same label, so nobody can tell the layers apart. Put the number of the layer into it."
def activation_plot(layers):
    _, axes = plt.subplots()
    for h in layers:
        heights, borders = torch.histogram(h, bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label="activations")
    axes.set(xlabel="activation", ylabel="density")
    axes.legend()
    return axes


# %% mistake="activation_plot" says="Each unit has a histogram of its own: a matrix is drawn column by column. A layer's values are wanted in one row: flatten."
def activation_plot(layers):
    _, axes = plt.subplots()
    for number, h in enumerate(layers):
        axes.hist(h.numpy(), bins=40, histtype="step", label=f"layer {number}")
    axes.set(xlabel="activation", ylabel="density")
    axes.legend()
    return axes


# %% mistake="activation_plot" says="The labels name other layers than those that the curves show: they count in the opposite order."
def activation_plot(layers):
    _, axes = plt.subplots()
    for number, h in enumerate(layers):
        heights, borders = torch.histogram(h, bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"layer {len(layers) - 1 - number}")
    axes.set(xlabel="activation", ylabel="density")
    axes.legend()
    return axes


# %% mistake="activation_plot" says="No legend is seen: legend() is not called, or it is called before there is a curve that it could name. Call it behind the last curve."
def activation_plot(layers):
    _, axes = plt.subplots()
    for number, h in enumerate(layers):
        heights, borders = torch.histogram(h, bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"layer {number}")
    axes.set(xlabel="activation", ylabel="density")
    return axes


# %% mistake="activation_plot" says="The last layer is not drawn. The lecture leaves out its last one because it has no tanh; here every layer that is given is drawn."
right_activation_plot = activation_plot


def activation_plot(layers):
    return right_activation_plot(layers[:-1])


# %% mistake="activation_plot" says="Only the first layer is drawn: the function returns inside its loop. The return belongs behind it."
right_activation_plot = activation_plot


def activation_plot(layers):
    return right_activation_plot(layers[:1])


# %% mistake="activation_plot" says="The sizes of the activations are drawn, without their sign, so that the left half lies folded onto the right. Keep the sign."
right_activation_plot = activation_plot


def activation_plot(layers):
    return right_activation_plot([h.abs() for h in layers])


# %% mistake="activation_plot" says="Your curves run over 0, 1, 2 and so on: numbers of bins, examples, units or values. The x axis has to show the values of h, and y how often they occur."
def activation_plot(layers):
    _, axes = plt.subplots()
    for number, h in enumerate(layers):
        axes.plot(h.flatten(), label=f"layer {number}")
    axes.set(xlabel="activation", ylabel="density")
    axes.legend()
    return axes


# %% mistake="activation_plot" says="Your curves lie in the right places but are far too narrow, as those of means would be. Draw all values of a layer, not the mean of each unit or example."
right_activation_plot = activation_plot


def activation_plot(layers):
    return right_activation_plot([h.mean(0) for h in layers])


# %% mistake="activation_plot" says="Your curves are those of a part of each layer, such as its first unit or its first example. Draw all values of a layer."
right_activation_plot = activation_plot


def activation_plot(layers):
    return right_activation_plot([h[:, :1] for h in layers])


# %% mistake="activation_plot" says="The tanh is undone: the curves show what went into it, the preactivations. Draw the outputs h as they come."
right_activation_plot = activation_plot


def activation_plot(layers):
    return right_activation_plot([h.atanh() for h in layers])


# %% mistake="activation_plot" says="The bins of the first layer are used for all, so of the others only those values are drawn that lie between its borders. Make bins for each layer, or some that reach from -1 to 1."
def activation_plot(layers):
    _, axes = plt.subplots()
    borders = torch.histogram(layers[0], bins=50).bin_edges
    for number, h in enumerate(layers):
        axes.plot((borders[:-1] + borders[1:]) / 2, torch.histogram(h, bins=borders, density=True).hist, label=f"layer {number}")
    axes.set(xlabel="activation", ylabel="density")
    axes.legend()
    return axes


# %% mistake="activation_plot" says="Heights and borders have changed places: the densities run along x. torch.histogram returns the heights first and then the borders; the borders belong on the x axis."
def activation_plot(layers):
    _, axes = plt.subplots()
    for number, h in enumerate(layers):
        heights, borders = torch.histogram(h, bins=50, density=True)
        axes.plot(heights, borders[:-1], label=f"layer {number}")
    axes.set(xlabel="activation", ylabel="density")
    axes.legend()
    return axes


# %% mistake="activation_plot" says="Two curves have the same label: it is the size of a layer, and two layers may have the same. Put the number of the layer into it."
def activation_plot(layers):
    _, axes = plt.subplots()
    for h in layers:
        heights, borders = torch.histogram(h, bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{h.shape[1]} units")
    axes.set(xlabel="activation", ylabel="density")
    axes.legend()
    return axes


# %% mistake="activation_plot" says="Only values from 0 to 1 are drawn. A tanh gives negative ones too: let the bins reach from -1 to 1, or from the smallest value to the largest."
def activation_plot(layers):
    _, axes = plt.subplots()
    for number, h in enumerate(layers):
        heights, borders = torch.histogram(h, bins=50, range=(0, 1))
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"layer {number}")
    axes.set(xlabel="activation", ylabel="density")
    axes.legend()
    return axes


# %% mistake="activation_plot" says="The first layer is not drawn. Every layer that is given is: see where your loop or slice begins."
right_activation_plot = activation_plot


def activation_plot(layers):
    return right_activation_plot(layers[1:])


# %% mistake="activation_plot" says="Only the last layer is drawn: the picture is made anew in each turn of the loop, or drawn behind it. Make one picture before the loop, and draw inside."
right_activation_plot = activation_plot


def activation_plot(layers):
    return right_activation_plot(layers[-1:])


# %% mistake="activation_plot" says="Tanh is taken once more, of what are its outputs already: all curves are pressed towards 0. Draw h as it comes."
right_activation_plot = activation_plot


def activation_plot(layers):
    return right_activation_plot([h.tanh() for h in layers])


# %% variant="activation_plot"
def activation_plot(layers):
    figure = plt.figure()
    for number, h in enumerate(layers):
        plt.hist(h.flatten().tolist(), bins=20, histtype="step", label=str(number))
    plt.xlabel("value of h")
    plt.ylabel("how often")
    plt.legend(title="layer")
    return figure.axes[0]


# %% variant="activation_plot"
def activation_plot(layers):
    fig, ax = plt.subplots(1, 1)
    for number, h in enumerate(layers, 1):
        ax.hist(h.flatten().numpy(), bins=30, density=True, alpha=0.5, label=f"h{number}")
    ax.set(xlabel="tanh output", ylabel="density", title="Activations")
    fig.legend()
    return fig, ax


# %% variant="activation_plot"
def activation_plot(layers):
    names = []
    for number, h in enumerate(layers):
        plt.hist(h.view(-1).tolist(), 50, density=True, alpha=0.5)
        names.append(f"layer {number}")
    plt.legend(names)
    plt.xlabel("activation")
    plt.ylabel("density")
    return plt.gca()


# %% variant="activation_plot"
def activation_plot(layers):
    fig, ax = plt.subplots()
    for number, h in reversed(list(enumerate(layers))):
        heights, borders = torch.histogram(h, bins=50, density=True)
        ax.fill_between((borders[:-1] + borders[1:]) / 2, heights, alpha=0.4, label=f"layer {number}")
    fig.supxlabel("activation")
    fig.supylabel("density")
    fig.legend()
    return fig


# %% [markdown]
# With your function, the lecture's picture: six tanh layers of 100 units, fed with names, before any training, for three gains.


# %%
def untrained(gain: float) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Six tanh layers and a linear one on a batch of names: activations, weights, and the gradients of the weights."""
    g = torch.Generator().manual_seed(42)
    X, Y = X_train[:256], Y_train[:256]
    h = torch.randn(27, 10, generator=g)[X].flatten(1)  # (256, 30)
    sizes = [30, 100, 100, 100, 100, 100, 100, 27]
    weights, layers = [], []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        scale = gain / fan_in**0.5 if fan_out != 27 else 0.1 / fan_in**0.5  # small logits at the start
        weights.append((torch.randn(fan_in, fan_out, generator=g) * scale).requires_grad_())
        h = h @ weights[-1]
        if fan_out != 27:
            h = h.tanh()
            layers.append(h.detach())
    gradients = torch.autograd.grad(F.cross_entropy(h, Y), weights)
    return layers, [W.detach() for W in weights], list(gradients)


def attempt(function, *arguments):
    """What an answer returns; None, and a line to say so, where it is not written or ends in an error."""
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001  a picture must not stop the notebook; the check tells what is wrong
        print(f"This comes when {function.__name__} is {'written' if isinstance(error, NotImplementedError) else 'right'}.")


for gain, label in ((0.7, "0.7: too small"), (5 / 3, "5/3"), (4.0, "4: too large")):
    axes = attempt(activation_plot, untrained(gain)[0])
    if not isinstance(axes, plt.Axes):
        break
    axes.set_title(f"gain {label}")
    plt.show()

# %% [markdown]
# ## Gradients and updates

# %% [markdown] exercise="gradient_plot"
# Write `gradient_plot(parameters, gradients)`: the same kind of picture for the gradients. `parameters` and `gradients` are lists of equal length. Draw the distribution
# of the gradient of each **weight matrix**, that is of each parameter of two dimensions, and leave out what has one dimension, such as biases: they have too few numbers for a histogram.
# One curve a matrix, each with a label of its own (two matrices may have the same shape), labelled axes, a legend; return the axes. A matrix may be small and a bias long; a matrix may have no bias, or two vectors behind it, as those of BatchNorm.
#
# The parameters of shapes (30, 8), (8,) and (8, 27) give two curves.
#
# <details><summary>Hint 1: the idea</summary>
#
# Go through both lists in step, and pass over what has not two dimensions.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# What is drawn has the shape of the parameter, but its values are the gradient's.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for number, (parameter, gradient): if parameter has two dimensions: histogram of the gradient, plot with the label number and shape
#
# </details>


# %% answer="gradient_plot"
def gradient_plot(parameters: list[Float[Tensor, "..."]], gradients: list[Float[Tensor, "..."]]) -> Axes:
    """One labelled curve a weight matrix: the distribution of its gradient."""
    ### BEGIN SOLUTION
    _, axes = plt.subplots(figsize=(7, 3.5))
    for number, (parameter, gradient) in enumerate(zip(parameters, gradients)):
        if parameter.ndim == 2:
            heights, borders = torch.histogram(gradient, bins=50, density=True)
            axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{number}: {tuple(parameter.shape)}")
    axes.set_xlabel("gradient")
    axes.set_ylabel("density")
    axes.legend()
    return axes
    ### END SOLUTION


# %%
def parameters_and_gradients(g: torch.Generator) -> tuple[list[Tensor], list[Tensor]]:
    """Some weight matrices and the vectors between them, and gradients that lie elsewhere than the weights.

    Two matrices have one shape, one has few numbers. Behind each but the last stand two vectors, as of a BatchNorm; some of these are long.
    """
    large = layers_apart(g)
    small = 1.3 + 0.03 * (2 * torch.rand(4, 5, generator=g) - 1)
    gradients: list[Tensor] = []
    for number, matrix in enumerate([*large[:2], small, *large[2:]]):
        gradients += [matrix, *(3 + number / 4 + 0.5 * torch.randn(150 if number == 1 else 24, generator=g) for _ in range(2))]
    gradients = gradients[:-2]
    parameters = [1.5 + torch.rand(gradient.shape, generator=g) if gradient.ndim == 2 else torch.randn(gradient.shape, generator=g) for gradient in gradients]
    return parameters, gradients


# %% check="gradient_plot"
def gradient_plot_probe(g: torch.Generator):
    parameters, gradients = parameters_and_gradients(g)
    return curve_facts(gradient_plot(parameters, gradients), torch.stack([d.std() for d in gradients if d.ndim == 2]))


check("gradient_plot", gradient_plot_probe)

# %% oracle="gradient_plot"
parameters, gradients = parameters_and_gradients(torch.Generator().manual_seed(8))
facts = curve_facts(gradient_plot(parameters, gradients), torch.stack([d.std() for d in gradients if d.ndim == 2]))
expected = torch.stack([d.mean() for d in gradients if d.ndim == 2])
assert facts["curves"] == len(expected) and torch.allclose(facts["where the curves lie, in the order of the layers"], expected, atol=0.01)
shapes = [torch.randn(30, 8), torch.randn(8), torch.randn(8, 27)]
assert len(drawn(gradient_plot(shapes, shapes)).curves) == 2
sound, steep = ([d.std() for d in untrained(gain)[2]] for gain in (5 / 3, 4.0))  # what is said of the picture below
assert sound[0] / sound[5] < 3 and 4 < steep[0] / steep[5]
assert not names.known() or sound[0] / sound[5] < 2 and 8 < steep[0] / steep[5] < 12
needle, sound, towers = (untrained(gain)[0][-1] for gain in (0.7, 5 / 3, 4.0))
assert needle.std() < 0.1 and 0.6 < sound.std() < 0.7 and (towers.abs() > 0.97).float().mean() > 0.5
plt.close("all")


# %% mistake="gradient_plot" says="The biases are drawn as well. Pass over every parameter that has not two dimensions."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for number, gradient in enumerate(gradients):
        heights, borders = torch.histogram(gradient, bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{number}")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="The curves show the weights, not their gradients. Both lists come in step: draw from the second one."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    return right_gradient_plot(parameters, parameters)


# %% mistake="gradient_plot" says="The sizes of the gradients are drawn, so that the left half of each curve is folded onto the right. Keep the sign."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    return right_gradient_plot(parameters, [d.abs() for d in gradients])


# %% mistake="gradient_plot" says="There is no legend to be seen: legend() is not called, or it is called before any curve is drawn. Call it when all gradients are drawn."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for number, (parameter, gradient) in enumerate(zip(parameters, gradients)):
        if parameter.ndim == 2:
            heights, borders = torch.histogram(gradient, bins=50, density=True)
            axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{number}")
    axes.set(xlabel="gradient", ylabel="density")
    return axes


# %% mistake="gradient_plot" says="Each gradient is divided by its weights. That is the next exercise, and with standard deviations; here the gradients are drawn as they are."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    return right_gradient_plot(parameters, [d / p for p, d in zip(parameters, gradients)])


# %% mistake="gradient_plot" says="The last weight matrix is not drawn. Every parameter of two dimensions is, the last one too."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    last = max(i for i, p in enumerate(parameters) if p.ndim == 2)
    return right_gradient_plot(parameters[:last], gradients[:last])


# %% mistake="gradient_plot" says="There is one curve for all matrices together. The picture is there to compare them: one curve a matrix."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    together = torch.cat([d.flatten() for d in gradients if d.ndim == 2])[None]
    return right_gradient_plot([together], [together])


# %% mistake="gradient_plot" says="Your curves run over 0, 1, 2 and so on: the numbers of bins, rows or elements. The x axis has to show values of the gradient, and y how often they occur."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for number, (parameter, gradient) in enumerate(zip(parameters, gradients)):
        if parameter.ndim == 2:
            axes.plot(torch.histogram(gradient, bins=50, density=True).hist, label=f"{number}")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="Your curves lie in the right places but are far too narrow, as those of means would be. Draw all elements of a gradient, not the mean of each row or column."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    return right_gradient_plot(parameters, [d.mean(0, keepdim=True) if d.ndim == 2 else d for d in gradients])


# %% mistake="gradient_plot" says="Your curves are those of a part of each gradient, such as its first row or its first column. Draw all elements of a gradient."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    return right_gradient_plot(parameters, [d[:, :1] if d.ndim == 2 else d for d in gradients])


# %% mistake="gradient_plot" says="Weights and gradients are out of step: the biases are left out of one list only, so your curves show other parameters' gradients. Walk through both lists together."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for number in range(sum(p.ndim == 2 for p in parameters)):
        heights, borders = torch.histogram(gradients[number], bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{number}")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="The curves show the biases' gradients, not those of the matrices. Draw what has two dimensions, and leave out what has one."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for number, gradient in enumerate(gradients):
        if gradient.ndim == 1:
            heights, borders = torch.histogram(gradient, bins=50, density=True)
            axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{number}")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="The first weight matrix is not drawn. Every parameter of two dimensions is, so see where your loop or slice begins."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    return right_gradient_plot(parameters[1:], gradients[1:])


# %% mistake="gradient_plot" says="The labels count the matrices in the opposite order: each names another one than its curve shows. Take the label's number from where the matrix stands."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for number, gradient in enumerate(gradients):
        if gradient.ndim == 2:
            heights, borders = torch.histogram(gradient, bins=50, density=True)
            axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{len(gradients) - number}")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="All curves have the same label, so nobody can tell the matrices apart. Put the number of the parameter, or its shape and number, into the label."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for gradient in gradients:
        if gradient.ndim == 2:
            heights, borders = torch.histogram(gradient, bins=50, density=True)
            axes.plot((borders[:-1] + borders[1:]) / 2, heights, label="gradient")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="The curves have no labels, so nobody can tell the matrices apart. Give each a label, and make the legend from them."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for gradient in gradients:
        if gradient.ndim == 2:
            heights, borders = torch.histogram(gradient, bins=50, density=True)
            axes.plot((borders[:-1] + borders[1:]) / 2, heights)
    axes.set(xlabel="gradient", ylabel="density")
    return axes


# %% mistake="gradient_plot" says="The axes have no labels: a reader has to guess what is drawn. Set one for x and one for y."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for number, gradient in enumerate(gradients):
        if gradient.ndim == 2:
            heights, borders = torch.histogram(gradient, bins=50, density=True)
            axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{number}")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="How many numbers a parameter has decides for you what is drawn: a long bias gets a curve, a small matrix none. Ask how many dimensions it has."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for number, gradient in enumerate(gradients):
        if gradient.numel() >= 100:
            heights, borders = torch.histogram(gradient, bins=50, density=True)
            axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{number}")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="Every second parameter is drawn, as if weights and biases took turns. A matrix may have no bias, or two vectors behind it: ask each parameter how many dimensions it has."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for number, gradient in enumerate(gradients[::2]):
        heights, borders = torch.histogram(gradient, bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{number}")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="Two curves have the same label: it is the shape of a matrix, and two of them may have the same. Put the number of the parameter into it."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for gradient in gradients:
        if gradient.ndim == 2:
            heights, borders = torch.histogram(gradient, bins=50, density=True)
            axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"{tuple(gradient.shape)}")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="Heights and borders have changed places: the densities run along x. The values of the gradient belong there, the borders of the bins, and the heights belong on the y axis."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    for number, gradient in enumerate(gradients):
        if gradient.ndim == 2:
            heights, borders = torch.histogram(gradient, bins=50, density=True)
            axes.plot(heights, borders[:-1], label=f"{number}")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="The bins of the first matrix are used for all, so of the other gradients only what lies between its borders is drawn. Make bins for each of them."
def gradient_plot(parameters, gradients):
    _, axes = plt.subplots()
    borders = torch.histogram(gradients[0], bins=50).bin_edges
    for number, gradient in enumerate(gradients):
        if gradient.ndim == 2:
            axes.plot((borders[:-1] + borders[1:]) / 2, torch.histogram(gradient, bins=borders, density=True).hist, label=f"{number}")
    axes.set(xlabel="gradient", ylabel="density")
    axes.legend()
    return axes


# %% mistake="gradient_plot" says="Each gradient is multiplied by its weights. Draw the gradients as they are; the weights only tell what is a matrix."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    return right_gradient_plot(parameters, [d * p for p, d in zip(parameters, gradients)])


# %% mistake="gradient_plot" says="Weights minus gradients are drawn, which is what a step makes of the weights. Draw the gradients themselves."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    return right_gradient_plot(parameters, [p - d for p, d in zip(parameters, gradients)])


# %% mistake="gradient_plot" says="Only the last matrix is drawn: the picture is made anew in each turn of the loop, or drawn behind it. Make one picture before the loop, and draw inside."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    last = max(i for i, p in enumerate(parameters) if p.ndim == 2)
    return right_gradient_plot(parameters[last:], gradients[last:])


# %% mistake="gradient_plot" says="Only the first matrix is drawn: the function returns inside its loop. The return belongs behind it."
right_gradient_plot = gradient_plot


def gradient_plot(parameters, gradients):
    return right_gradient_plot(parameters[:1], gradients[:1])


# %% variant="gradient_plot"
def gradient_plot(parameters, gradients):
    ax = plt.figure().add_subplot()
    matrices = [d for p, d in zip(parameters, gradients) if len(p.shape) == 2]
    for i, d in enumerate(matrices):
        ax.hist(d.reshape(-1).tolist(), 40, label=f"W{i}", histtype="stepfilled", alpha=0.4)
    ax.set_xlabel("d loss / d W")
    ax.set_ylabel("count")
    ax.legend()
    return ax


# %% variant="gradient_plot"
def gradient_plot(parameters, gradients):
    names = []
    for i, (p, d) in enumerate(zip(parameters, gradients)):
        if p.dim() == 2:
            heights, borders = torch.histogram(d, density=True)
            plt.stairs(heights, borders)
            names.append(f"{i} {tuple(p.shape)}")
    plt.axvline(0, color="r", label="zero")
    plt.legend([*names, "zero"])
    plt.title("gradient distribution")
    plt.xlabel("gradient")
    plt.ylabel("density")
    return plt.gca()


# %% [markdown]
# Your picture for the untrained network above. With the gain 5/3 the six curves have {% if known %}widths within a factor of two{% else %}widths not far apart{% endif %}. With the gain 4 the gradient of the first layer is {% if known %}ten{% else %}many{% endif %} times as wide as that of the last: on its way back
# through each layer the gradient is multiplied by weights that are too large. One learning rate cannot suit both.

# %%
for gain in (5 / 3, 4.0):
    _, weights, gradients = untrained(gain)
    axes = attempt(gradient_plot, weights[:-1], gradients[:-1])  # the last layer has no tanh, and a scale of its own
    if not isinstance(axes, plt.Axes):
        break
    axes.set_title(f"gradients of the six tanh layers, gain {gain:.2f}")
    plt.show()

# %% [markdown] exercise="gradient_to_data"
# How large is a gradient? That depends on what it is to move. Write `gradient_to_data(parameters, gradients)`: for each parameter the standard deviation of its gradient divided by
# the standard deviation of its values.
#
# Values `[1, 3]` with the gradient `[0.1, 0.3]` give 0.1. A parameter whose ratio is much larger than that of the others would, with one learning rate for all, move much faster than they.
#
# <details><summary>Hint 1: the idea</summary>
#
# Two standard deviations a parameter, one of them on top.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# One number a parameter: (layers,).
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for each pair: gradient.std() / parameter.std(); stack
#
# </details>


# %% answer="gradient_to_data"
def gradient_to_data(
    parameters: list[Float[Tensor, "fan_in fan_out"]], gradients: list[Float[Tensor, "fan_in fan_out"]]
) -> Float[Tensor, " layers"]:
    """std(gradient) / std(values) of each parameter."""
    ### BEGIN SOLUTION
    return torch.stack([gradient.std() / parameter.std() for parameter, gradient in zip(parameters, gradients)])
    ### END SOLUTION


# %%
def four_matrices(g: torch.Generator) -> tuple[list[Tensor], list[Tensor]]:
    """Four weight matrices of different shapes with their gradients, one of them larger than its weights; no mean is zero."""
    sizes = torch.randint(4, 12, (5,), generator=g).tolist()
    large = [1e-2, 3e-2, 1e-1, 1e2]
    parameters = [(0.2 + 0.1 * i) * (torch.randn(a, b, generator=g) + 0.5) for i, (a, b) in enumerate(zip(sizes, sizes[1:]))]
    return parameters, [large[i] * (torch.randn(p.shape, generator=g) + 0.4) for i, p in zip(torch.randperm(4, generator=g).tolist(), parameters)]


# %% check="gradient_to_data"
check("gradient_to_data", lambda g: gradient_to_data(*four_matrices(g)))

# %% oracle="gradient_to_data"
assert torch.allclose(gradient_to_data([torch.tensor([[1.0, 3.0]])], [torch.tensor([[0.1, 0.3]])]), torch.tensor([0.1]))
parameters, gradients = four_matrices(torch.Generator().manual_seed(2))
import statistics

exact = [statistics.stdev(d.flatten().tolist()) / statistics.stdev(p.flatten().tolist()) for p, d in zip(parameters, gradients)]
assert torch.allclose(gradient_to_data(parameters, gradients), torch.tensor(exact), rtol=1e-4)


# %% mistake="gradient_to_data" says="This is a ratio of means. Weights and gradients scatter around zero, so their means say nothing about their size; take standard deviations."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.mean() / p.mean() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="The ratio is upside down: the gradient belongs on top."
def gradient_to_data(parameters, gradients):
    return torch.stack([p.std() / d.std() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="You divide element by element and then take the standard deviation, and a single weight near zero decides all. First the two standard deviations, then the ratio."
def gradient_to_data(parameters, gradients):
    return torch.stack([(d / p).std() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="This is a ratio of variances. Take the standard deviations: their roots."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.var() / p.var() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="A logarithm is taken. That comes with the next exercise; here it is the ratio itself."
def gradient_to_data(parameters, gradients):
    return torch.stack([(d.std() / p.std()).log10() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="This is a ratio of lengths, the norms. They contain the mean; the standard deviation is the spread around it."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.norm() / p.norm() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="The standard deviations are taken unit by unit and the ratios averaged. A parameter has one standard deviation: that of all its numbers."
def gradient_to_data(parameters, gradients):
    return torch.stack([(d.std(0) / p.std(0)).mean() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="This is a ratio of mean sizes, without sign. Standard deviations are asked for."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.abs().mean() / p.abs().mean() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="This is a ratio of the largest sizes: a single element decides it. Take the standard deviations, in which all of them count."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.abs().max() / p.abs().max() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="On top stands the mean size of the gradient, without sign. Take its standard deviation there, as you did for the values."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.abs().mean() / p.std() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="The spread of the gradient is divided by the mean size of the values. Take the standard deviation of both."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.std() / p.abs().mean() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="On top stands the mean of the gradient. It scatters around its mean: take the standard deviation there, as you did for the values."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.mean() / p.std() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="The standard deviations are taken along each row and the ratios averaged. A parameter has one standard deviation: that of all its numbers."
def gradient_to_data(parameters, gradients):
    return torch.stack([(d.std(1) / p.std(1)).mean() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="The spread of each column is taken and these are averaged, above and below. A parameter has one standard deviation: that of all its numbers."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.std(0).mean() / p.std(0).mean() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="You divide element by element and take the mean of the sizes. First the two standard deviations, then one ratio a parameter."
def gradient_to_data(parameters, gradients):
    return torch.stack([(d / p).abs().mean() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="Every gradient is divided by the spread of all parameters together. Each parameter has a standard deviation of its own."
def gradient_to_data(parameters, gradients):
    everything = torch.cat([p.flatten() for p in parameters])
    return torch.stack([d.std() / everything.std() for d in gradients])


# %% mistake="gradient_to_data" says="These are the standard deviations of the gradients alone. How large they are is asked in relation to the values: divide by the standard deviation of the parameter."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.std() for d in gradients])


# %% mistake="gradient_to_data" says="This is the root of a ratio of standard deviations. std is the root of the variance already: take no root of it."
def gradient_to_data(parameters, gradients):
    return torch.stack([(d.std() / p.std()).sqrt() for p, d in zip(parameters, gradients)])


# %% mistake="gradient_to_data" says="One ratio comes back for all parameters together, their mean or their last one. One number is asked for each parameter: stack them."
def gradient_to_data(parameters, gradients):
    return torch.stack([d.std() / p.std() for p, d in zip(parameters, gradients)]).mean()


# %% variant="gradient_to_data"
def gradient_to_data(parameters, gradients):
    def spread(t):
        return ((t - t.mean()) ** 2).sum().div(t.numel() - 1).sqrt().item()

    return torch.tensor([spread(d) / spread(p) for p, d in zip(parameters, gradients)])


# %% [markdown] exercise="update_to_data"
# What moves a parameter is not the gradient but the **update**: the learning rate times the gradient. Write `update_to_data(parameters, gradients, rate)`: for each parameter the
# logarithm to base 10 of the standard deviation of its update divided by the standard deviation of its values.
#
# Values `[1, 3]` with the gradient `[0.1, 0.3]` and the rate 0.01 give -3: an update of a thousandth. That is about right. Well below -3, and the parameter hardly learns; well above, and it is
# shaken rather than trained.
#
# <details><summary>Hint 1: the idea</summary>
#
# The ratio of the last exercise with one factor more, then the logarithm.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# One number a parameter: (layers,).
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for each pair: log10 of (rate times gradient).std() / parameter.std(); stack
#
# </details>


# %% answer="update_to_data"
def update_to_data(
    parameters: list[Float[Tensor, "fan_in fan_out"]], gradients: list[Float[Tensor, "fan_in fan_out"]], rate: float
) -> Float[Tensor, " layers"]:
    """log10 of std(rate * gradient) / std(values) of each parameter."""
    ### BEGIN SOLUTION
    return torch.stack([(rate * d.std() / p.std()).log10() for p, d in zip(parameters, gradients)])
    ### END SOLUTION


# %% check="update_to_data"
def update_probe(g: torch.Generator):
    rate = 0.01 + 0.03 * float(torch.rand(1, generator=g))
    return update_to_data(*four_matrices(g), rate)


check("update_to_data", update_probe)

# %% oracle="update_to_data"
assert torch.allclose(update_to_data([torch.tensor([[1.0, 3.0]])], [torch.tensor([[0.1, 0.3]])], 0.01), torch.tensor([-3.0]))


# %% mistake="update_to_data" says="The learning rate is left out: this is the gradient's size, and the update is the rate times that."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(d.std() / p.std()).log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="This is the natural logarithm, so a thousandth reads -6.9. Take the one to base 10."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d.std() / p.std()).log() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="The ratio is right, but its logarithm is missing. Take the one to base 10 of each ratio."
def update_to_data(parameters, gradients, rate):
    return torch.stack([rate * d.std() / p.std() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="These are ratios of means, which say nothing about the size of what scatters around zero. Take standard deviations."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d.mean() / p.mean()).abs().log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="This is the logarithm to base 2. Take the one to base 10, so that a thousandth reads -3."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d.std() / p.std()).log2() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="Only the update goes through the logarithm, and is then divided. First the ratio, then its logarithm: mind the brackets."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d).std().log10() / p.std() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="The rate multiplies the logarithm. It belongs to the update, inside: mind the brackets."
def update_to_data(parameters, gradients, rate):
    return torch.stack([rate * (d.std() / p.std()).log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="You take a ratio and a logarithm for each weight and average them. First the two standard deviations, then one ratio and one logarithm a parameter."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d / p).abs().log10().mean() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="You divide element by element and then take the standard deviation, and a single weight near zero decides all. First the two standard deviations."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d / p).std().log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="The rate is always 0.1, as in the lecture. It is an argument of this function."
right_update_to_data = update_to_data


def update_to_data(parameters, gradients, rate):
    return right_update_to_data(parameters, gradients, 0.1)


# %% mistake="update_to_data" says="You return minus what is asked for: the ratio is upside down, or its logarithm has a minus in front. The update belongs on top."
right_update_to_data = update_to_data


def update_to_data(parameters, gradients, rate):
    return -right_update_to_data(parameters, gradients, rate)


# %% mistake="update_to_data" says="You divide by the rate. The update is the rate times the gradient, so a larger rate makes the ratio larger: multiply."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(d.std() / (rate * p.std())).log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="These are lengths, the norms: the means are still in them. Take standard deviations, which measure the spread around the mean."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d.norm() / p.norm()).log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="This is the size of the update alone. How much it moves a parameter depends on how large its values are: divide by their standard deviation first."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d.std()).log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="These are variances: the logarithms come out twice as far from zero. Take standard deviations, their roots."
def update_to_data(parameters, gradients, rate):
    return torch.stack([((rate * d).var() / p.var()).log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="The update is compared with the values after the step. Divide by the standard deviation of the values as they are handed in, before any step."
def update_to_data(parameters, gradients, rate):
    return torch.stack([((rate * d).std() / (p - rate * d).std()).log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="The two logarithms are divided. The logarithm of a ratio is the difference of the two, or one logarithm of the finished ratio."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d).std().log10() / p.std().log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="The standard deviations are taken unit by unit and the ratios averaged before the logarithm. A parameter has one standard deviation: that of all its numbers."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d.std(0) / p.std(0)).mean().log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="A ratio and a logarithm are taken unit by unit, and the logarithms averaged. A parameter has one standard deviation: that of all its numbers."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d.std(0) / p.std(0)).log10().mean() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="These are ratios of mean sizes, without sign. Take the standard deviations of update and values."
def update_to_data(parameters, gradients, rate):
    return torch.stack([((rate * d).abs().mean() / p.abs().mean()).log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="The rate is squared: it is multiplied in twice. An update is the rate times the gradient, and so is its standard deviation."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * (rate * d).std() / p.std()).log10() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="1 is added to the ratio before the logarithm is taken, as by log1p. Take the logarithm of the ratio itself: it is meant to be negative."
def update_to_data(parameters, gradients, rate):
    return torch.stack([torch.log10(1 + rate * d.std() / p.std()) for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="The sign of the logarithm is gone. A small update has a ratio below 1 and a negative logarithm: return it with its minus."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d.std() / p.std()).log10().abs() for p, d in zip(parameters, gradients)])


# %% mistake="update_to_data" says="The logarithms are rounded to whole numbers. Return them as they are."
def update_to_data(parameters, gradients, rate):
    return torch.stack([(rate * d.std() / p.std()).log10().round() for p, d in zip(parameters, gradients)])


# %% variant="update_to_data"
def update_to_data(parameters, gradients, rate):
    log_rate = torch.log10(torch.tensor(rate))
    return torch.stack([log_rate + torch.log10(torch.std(d)) - torch.log10(torch.std(p)) for p, d in zip(parameters, gradients)])


# %% [markdown] exercise="update_plot"
# Write `update_plot(ratios)`. Row `s` of `ratios` holds what `update_to_data` gave in step `s`, one column a layer. Draw one labelled curve a layer over the steps, a **horizontal line at
# -3** as a guide, label both axes, add the legend, and return the axes.
#
# For 100 steps of 5 layers these are 5 curves of 100 points and the guide.
#
# <details><summary>Hint 1: the idea</summary>
#
# A column is a curve. The values are logarithms already.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# ratios (steps, layers): x goes over the steps, and there are as many curves as columns.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for each number and column of ratios: plot the column with a label; axhline at -3; x label, y label, legend; return axes
#
# </details>


# %% answer="update_plot"
def update_plot(ratios: Float[Tensor, "steps layers"]) -> Axes:
    """One labelled curve a layer: log10 of its update-to-data ratio over the steps, and a guide at -3."""
    ### BEGIN SOLUTION
    _, axes = plt.subplots(figsize=(7, 3.5))
    for number, column in enumerate(ratios.T):
        axes.plot(column, label=f"layer {number}")
    axes.axhline(-3, color="black", linewidth=1)
    axes.set_xlabel("step")
    axes.set_ylabel("log10 of update / data")
    axes.legend()
    return axes
    ### END SOLUTION


# %% check="update_plot"
def update_plot_probe(g: torch.Generator):
    length, layers = 12 + int(torch.randint(4, (1,), generator=g)), 3 + int(torch.randint(3, (1,), generator=g))
    ratios = torch.randn(length, layers, generator=g) - 3
    ratios[:3, 1] = 0.2 + torch.rand(3, generator=g)  # a layer that is shaken at first: updates larger than its values
    drawing = drawn(update_plot(ratios))
    widths = {len(curve.x) for curve in drawing.curves}
    steps = widths == {length} or all(torch.equal(curve.x, curve.x.round()) for curve in drawing.curves)
    return {
        "curves": len(drawing.curves),
        "what they show, one after the other": torch.cat([torch.empty(0), *(curve.y.float() for curve in drawing.curves)]) if steps else "nothing over the steps",
        "from left to right": "the steps" if widths == {length} else "not one value for each step" if steps else "other numbers than steps",
        "the horizontal line": min(drawing.levels, key=lambda level: abs(level + 3), default=math.nan),
        **words_of(drawing),
    }


check("update_plot", update_plot_probe)

# %% oracle="update_plot"
ratios = torch.randn(100, 5, generator=torch.Generator().manual_seed(2)) - 3
drawing = drawn(update_plot(ratios))
assert torch.equal(torch.stack([curve.y.float() for curve in drawing.curves], 1), ratios) and drawing.levels == (-3.0,)
plt.close("all")


# %% mistake="update_plot" says="There is one curve for each step, not for each layer: rows and columns have changed places."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios.T)


# %% mistake="update_plot" says="There is no horizontal line. Without a guide at the height of -3 nobody sees whether a ratio is high or low: draw it across the picture. (axvline draws an upright one.)"
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.T):
        axes.plot(column, label=f"layer {number}")
    axes.set(xlabel="step", ylabel="log10 of update / data")
    axes.legend()
    return axes


# %% mistake="update_plot" says="The ratios are logarithms already, and you have undone it. Draw them as they are, with the guide at -3."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(10**ratios)


# %% mistake="update_plot" says="The curves carry no labels, so it cannot be seen which layer learns too fast. Label each."
def update_plot(ratios):
    _, axes = plt.subplots()
    axes.plot(ratios)
    axes.axhline(-3)
    axes.set(xlabel="step", ylabel="log10 of update / data")
    return axes


# %% mistake="update_plot" says="No legend is seen: legend() is not called, or it is called before there is a curve that it could name. Without it nobody knows which curve is which layer. Call it last."
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.T):
        axes.plot(column, label=f"layer {number}")
    axes.axhline(-3)
    axes.set(xlabel="step", ylabel="log10 of update / data")
    return axes


# %% mistake="update_plot" says="Nothing but the guide is drawn. Each column of the ratios is a curve over the steps."
def update_plot(ratios):
    _, axes = plt.subplots()
    axes.axhline(-3)
    axes.set(xlabel="step", ylabel="log10 of update / data")
    return axes


# %% mistake="update_plot" says="There is one curve for all layers together, so it cannot be seen which layer learns too fast. Draw one curve a layer."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios.mean(1, keepdim=True))


# %% mistake="update_plot" says="All curves have the same label, so it cannot be seen which layer learns too fast. Put the number of the layer into it."
def update_plot(ratios):
    _, axes = plt.subplots()
    axes.plot(ratios, label="ratio")
    axes.axhline(-3)
    axes.set(xlabel="step", ylabel="log10 of update / data")
    axes.legend()
    return axes


# %% mistake="update_plot" says="The guide stands at 0.001. The curves show logarithms to base 10, and so must the guide: at -3."
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.T):
        axes.plot(column, label=f"layer {number}")
    axes.axhline(0.001)
    axes.set(xlabel="step", ylabel="log10 of update / data")
    axes.legend()
    return axes


# %% mistake="update_plot" says="The labels count the layers in the opposite order: each names another layer than the one its curve shows."
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.T):
        axes.plot(column, label=f"layer {ratios.shape[1] - number}")
    axes.axhline(-3)
    axes.set(xlabel="step", ylabel="log10 of update / data")
    axes.legend()
    return axes


# %% mistake="update_plot" says="How often each ratio occurs is drawn, as in the pictures before. Here the ratios are followed over the steps: a column is a curve as it stands."
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.T):
        heights, borders = torch.histogram(column.contiguous(), bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"layer {number}")
    axes.axhline(-3)
    axes.set(xlabel="step", ylabel="log10 of update / data")
    axes.legend()
    return axes


# %% mistake="update_plot" says="The last layer is not drawn. Every column of the ratios is a curve, the last one too."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios[:, :-1])


# %% mistake="update_plot" says="The guide stands at 3: its minus is missing. The ratios are logarithms of numbers below 1, and a thousandth lies at -3."
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.T):
        axes.plot(column, label=f"layer {number}")
    axes.axhline(3)
    axes.set(xlabel="step", ylabel="log10 of update / data")
    axes.legend()
    return axes


# %% mistake="update_plot" says="A logarithm is taken of what is a logarithm already, and that of a negative number is none. Draw the ratios as they are."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios.log10())


# %% mistake="update_plot" says="A logarithm is taken of the ratios without their sign. They are logarithms already: draw them as they are."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios.abs().log10())


# %% mistake="update_plot" says="The ratios are added up from step to step. Each step's ratio is drawn by itself: draw the columns as they are."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios.cumsum(0))


# %% mistake="update_plot" says="The y axis is logarithmic, but the ratios are logarithms already. What is negative is not drawn on such an axis, and nearly all of them are: leave the axis as it is."
right_update_plot = update_plot


def update_plot(ratios):
    axes = right_update_plot(ratios)
    axes.set_yscale("log")
    return axes


# %% mistake="update_plot" says="The first layer is not drawn. Every column of the ratios is a curve, the first one too: see where your loop or slice begins."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios[:, 1:])


# %% mistake="update_plot" says="The ratios are drawn without their signs. They are logarithms, and those of small numbers are negative: draw them as they are."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios.abs())


# %% mistake="update_plot" says="The first step is missing. Every row of the ratios is a step, row 0 too: see where your slice begins."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios[1:])


# %% mistake="update_plot" says="The last step is missing. Every row of the ratios is a step, the last one too: see where your slice ends."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios[:-1])


# %% mistake="update_plot" says="The ratios are shifted by 3, so that the guide would have to stand at 0. Draw them as they are."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios + 3)


# %% mistake="update_plot" says="Only the first column is drawn: the function returns inside its loop. The return belongs behind it."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios[:, :1])


# %% mistake="update_plot" says="Only the last column is drawn: the picture is made anew in each turn of the loop, or drawn behind it. Make one picture before the loop, and draw inside."
right_update_plot = update_plot


def update_plot(ratios):
    return right_update_plot(ratios[:, -1:])


# %% mistake="update_plot" says="Nothing is written at the axes: a reader has to guess what is drawn over what. Set a label for x and one for y."
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.T):
        axes.plot(column, label=f"layer {number}")
    axes.axhline(-3)
    axes.legend()
    return axes


# %% variant="update_plot"
def update_plot(ratios):
    plt.plot(ratios)
    plt.hlines(-3, 0, len(ratios), colors="k", linestyles="--", label="about right")
    plt.legend([f"layer {i}" for i in range(ratios.shape[1])])
    plt.xlabel("step")
    plt.ylabel("log10 ratio")
    return plt.gca()


# %% variant="update_plot"
def update_plot(ratios):
    fig, ax = plt.subplots()
    for i in reversed(range(ratios.shape[1])):
        ax.plot(ratios[:, i], ".-", label=f"layer {i}")
    ax.axline((0, -3), slope=0, color="gray")
    ax.set(xlabel="step", ylabel="log10(update / data)")
    fig.legend()
    return [ax]


# %% variant="update_plot"
def update_plot(ratios):
    plt.figure()
    steps = range(len(ratios))
    plt.plot(steps, ratios.numpy(), label=[f"W{i}" for i in range(ratios.shape[1])])
    plt.plot([0, len(ratios) - 1], [-3, -3], "k--", label="about right")
    plt.xlabel("training step")
    plt.ylabel("log10(update std / data std)")
    plt.legend(loc="best")
    return plt.gca()


# %% [markdown]
# Your picture at work: the six layers from above, trained for 60 steps with two learning rates. Which of them would you keep?


# %%
def ratios_while_training(rate: float, steps: int = 60) -> Tensor:
    """log10 of the update-to-data ratio of the six tanh layers in each step of plain gradient descent: (steps, 6)."""
    g = torch.Generator().manual_seed(42)
    C = torch.randn(27, 10, generator=g)
    weights = [W.clone().requires_grad_() for W in untrained(5 / 3)[1]]
    rows = []
    for _ in range(steps):
        batch = torch.randint(len(Y_train), (32,), generator=g)
        h = C[X_train[batch]].flatten(1)
        for W in weights[:-1]:
            h = (h @ W).tanh()
        gradients = torch.autograd.grad(F.cross_entropy(h @ weights[-1], Y_train[batch]), weights)
        sizes = torch.tensor([[float(d.norm()), float(W.detach().norm())] for W, d in zip(weights[:-1], gradients)])  # lengths: here nearly as good as spreads
        rows.append(math.log10(rate) + sizes[:, 0].log10() - sizes[:, 1].log10())
        with torch.no_grad():
            for W, d in zip(weights, gradients):
                W -= rate * d
    return torch.stack(rows)


for rate in (0.001, 0.1):
    axes = attempt(update_plot, ratios_while_training(rate))
    if not isinstance(axes, plt.Axes):
        break
    axes.set_title(f"learning rate {rate}")
    plt.show()

# %% [markdown]
# The second. With the rate 0.001 all curves lie near -5, a hundred times below the guide, and 60 steps change next to nothing. With 0.1 they lie around the guide, and a little above it in the end.

# %% [markdown]
# ## BatchNorm
#
# If activations should have mean 0 and spread 1, why not simply make them so? **BatchNorm** does it to the preactivations: for each unit it takes the mean and the variance over the batch, subtracts, divides,
# and then lets the network scale and shift the result by learned numbers $\gamma$ and $\beta$, one of each for each unit (the lecture calls them gain and bias; the gain of the initial weights above is another thing):
#
# $$y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta, \qquad \mu = \frac1n\sum_i x_i, \qquad \sigma^2 = \frac1n\sum_i (x_i - \mu)^2.$$
#
# $\varepsilon$, a small number, keeps the division finite for a unit that has the same value in the whole batch.
#
# We follow `torch.nn.BatchNorm1d`. It normalises with the variance divided by $n$, and keeps, for later, a running variance divided by $n - 1$. The class of the lecture divides
# by $n - 1$ in both places; with 32 examples the outputs differ by 1.6 %.

# %% [markdown] exercise="batchnorm_train"
# Write `batchnorm_train(x, gamma, beta, eps)`, the output of BatchNorm in training: the formula above, unit by unit.
#
# A unit with the values 1 and 3 has $\mu = 2$ and $\sigma^2 = 1$. With $\gamma = 1$, $\beta = 0$ and a tiny $\varepsilon$ the output is -1 and 1.
#
# <details><summary>Hint 1: the idea</summary>
#
# Each column is a unit and is normalised by itself: all its examples together.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# The mean and the variance have one number a unit: (units,) or (1, units). The output has the shape of x.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# mean over dimension 0; variance over dimension 0, divided by n (in torch: unbiased=False); gamma times (x - mean) over the root of (variance + eps), plus beta
#
# </details>


# %% answer="batchnorm_train"
def batchnorm_train(
    x: Float[Tensor, "n units"], gamma: Float[Tensor, " units"], beta: Float[Tensor, " units"], eps: float
) -> Float[Tensor, "n units"]:
    """BatchNorm's output in training: x normalised with the mean and the variance (over n) of the batch."""
    ### BEGIN SOLUTION
    mean, variance = x.mean(0), x.var(0, unbiased=False)
    return gamma * (x - mean) / (variance + eps).sqrt() + beta
    ### END SOLUTION


# %%
def batch_and_affine(g: torch.Generator, n: int = 7, units: int = 7) -> tuple[Tensor, Tensor, Tensor, float]:
    """A square batch, so that a mix-up of rows and columns shows in the values, with gamma, beta and a large eps. One gamma is negative and one is zero.

    The first unit has a variance far below eps, and a gamma of its own.
    """
    x = torch.randn(n, units, generator=g) * torch.cat([torch.tensor([0.15]), 1 + torch.arange(1, units)]) / 3 + torch.randn(units, generator=g)
    gamma = 0.7 + 0.6 * torch.rand(units, generator=g)
    turned, off = (1 + torch.randperm(units - 1, generator=g))[:2].tolist()
    gamma[turned], gamma[off] = -gamma[turned], 0.0
    return x, gamma, torch.randn(units, generator=g), 0.05 + float(torch.rand(1, generator=g)) / 10


# %% check="batchnorm_train"
check("batchnorm_train", lambda g: batchnorm_train(*batch_and_affine(g)))

# %% oracle="batchnorm_train"
x, gamma, beta, eps = batch_and_affine(torch.Generator().manual_seed(4))
torch.testing.assert_close(batchnorm_train(x, gamma, beta, eps), F.batch_norm(x, None, None, gamma, beta, True, 0.1, eps))
tiny = batchnorm_train(torch.tensor([[1.0], [3.0]]), torch.ones(1), torch.zeros(1), 1e-9)
torch.testing.assert_close(tiny, torch.tensor([[-1.0], [1.0]]))
assert abs((32 / 31) ** 0.5 - 1.016) < 0.0005
slow, fast = ratios_while_training(0.001), ratios_while_training(0.1)  # what is said of the two rates
assert not names.known() or ((slow + 5).abs() < 0.5).all() and ((fast + 3).abs() < 1).all() and (fast[-10:] > -3).all()


# %% mistake="batchnorm_train" says="The variance is subtracted, and the root of the mean divides: torch.var_mean gives the variance first, and the two have changed places."
def batchnorm_train(
    x: Float[Tensor, "n units"], gamma: Float[Tensor, " units"], beta: Float[Tensor, " units"], eps: float
) -> Float[Tensor, "n units"]:
    mean, var = torch.var_mean(x, dim=0, unbiased=False)
    return gamma * (x - mean) / torch.sqrt(var + eps) + beta


# %% mistake="batchnorm_train" says="eps is added after the root. It belongs under it, to the variance: there it is a smallest variance, not a smallest spread."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / (x.var(0, unbiased=False).sqrt() + eps) + beta


# %% mistake="batchnorm_train" says="The statistics run over the units of each example. That is LayerNorm; BatchNorm takes each unit over the examples."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(1, keepdim=True)) / (x.var(1, unbiased=False, keepdim=True) + eps).sqrt() + beta


# %% mistake="batchnorm_train" says="The variance is divided by n - 1. That is right for the running variance; the batch itself is normalised with n."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / (x.var(0) + eps).sqrt() + beta


# %% mistake="batchnorm_train" says="You divide by the variance: its root is missing, and the output has no spread of 1."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / (x.var(0, unbiased=False) + eps) + beta


# %% mistake="batchnorm_train" says="gamma and beta are not used, so the network could never undo the normalisation where it hurts."
def batchnorm_train(x, gamma, beta, eps):
    return (x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt()


# %% mistake="batchnorm_train" says="gamma scales beta as well. First scale with gamma, then shift by beta: the shift is added as it is."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * ((x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt() + beta)


# %% mistake="batchnorm_train" says="One mean and one variance of the whole batch are used for all units. Each unit has its own: over dimension 0."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean()) / (x.var(unbiased=False) + eps).sqrt() + beta


# %% mistake="batchnorm_train" says="eps is not used, or one of your own is. It is an argument, and here it is large enough to be seen."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt() + beta


# %% mistake="batchnorm_train" says="This is the lecture's first line for it: standard deviations over n - 1, and no eps. Here the variance is divided by n, and eps is added under the root."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / x.std(0) + beta


# %% mistake="batchnorm_train" says="The mean is not subtracted: the output of a unit keeps the place of its input. First subtract, then divide."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * x / (x.var(0, unbiased=False) + eps).sqrt() + beta


# %% mistake="batchnorm_train" says="The statistics run over the units of each example, and without keepdim they are subtracted from the wrong ones besides. BatchNorm takes each unit over the examples."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(1)) / (x.var(1, unbiased=False) + eps).sqrt() + beta


# %% mistake="batchnorm_train" says="beta is missing: the output of every unit stays around 0, wherever the network would like to have it."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt()


# %% mistake="batchnorm_train" says="gamma is missing: the output of every unit keeps the spread 1, however much the network would like."
def batchnorm_train(x, gamma, beta, eps):
    return (x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt() + beta


# %% mistake="batchnorm_train" says="This is x.std(0) + eps: the deviation over n - 1, and eps added after the root. Divide the variance by n, and add eps under the root."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / (x.std(0) + eps) + beta


# %% mistake="batchnorm_train" says="gamma multiplies x alone, and the mean is taken off afterwards. First subtract the mean, then scale all that is left: mind the brackets."
def batchnorm_train(x, gamma, beta, eps):
    return (gamma * x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt() + beta


# %% mistake="batchnorm_train" says="Only the mean is divided by the root: brackets are missing around the subtraction. First subtract, then divide the whole difference."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0) / (x.var(0, unbiased=False) + eps).sqrt()) + beta


# %% mistake="batchnorm_train" says="beta is added before you divide, so it is scaled like x. First normalise and multiply by gamma, then add it."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0) + beta) / (x.var(0, unbiased=False) + eps).sqrt()


# %% mistake="batchnorm_train" says="eps has no effect: it is left out, or undone where the result is divided by its own spread once more. Add it to the variance; the spread of the normalised values is then below 1, and should be."
def batchnorm_train(x, gamma, beta, eps):
    normalised = (x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt()
    return gamma * normalised / normalised.std(0, unbiased=False) + beta


# %% mistake="batchnorm_train" says="Each column is divided by its length, as by F.normalize: the root of the sum of squares. The formula has their mean, plus eps, under the root."
def batchnorm_train(x, gamma, beta, eps):
    centred = x - x.mean(0)
    return gamma * centred / centred.norm(dim=0).clamp_min(eps) + beta


# %% mistake="batchnorm_train" says="The squares under the root are added up, and not divided by n: the variance is their mean. Divide by the number of examples."
def batchnorm_train(x, gamma, beta, eps):
    centred = x - x.mean(0)
    return gamma * centred / ((centred**2).sum(0) + eps).sqrt() + beta


# %% mistake="batchnorm_train" says="eps is taken for a smallest variance: it only counts where the variance is less. In the formula it is added to every variance."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / x.var(0, unbiased=False).clamp_min(eps).sqrt() + beta


# %% mistake="batchnorm_train" says="eps is squared under the root. It is added to the variance as it is."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / (x.var(0, unbiased=False) + eps**2).sqrt() + beta


# %% mistake="batchnorm_train" says="The mean square of x stands under the root, without the mean taken off, as in RMSNorm. The variance is the mean square of x minus its mean."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / ((x**2).mean(0) + eps).sqrt() + beta


# %% mistake="batchnorm_train" says="gamma and beta have changed places: gamma multiplies, and beta is added."
def batchnorm_train(x, gamma, beta, eps):
    return beta * (x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt() + gamma


# %% mistake="batchnorm_train" says="beta is subtracted. It is added to the normalised and scaled value."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * (x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt() - beta


# %% mistake="batchnorm_train" says="The size of gamma scales, without its sign. A network may learn a negative gamma, which turns a unit round: multiply by gamma as it is."
def batchnorm_train(x, gamma, beta, eps):
    return gamma.abs() * (x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt() + beta


# %% mistake="batchnorm_train" says="You divide by gamma somewhere, so a unit whose gamma is 0 gives NaN or infinity. gamma only multiplies; then that unit's output is its beta."
def batchnorm_train(x, gamma, beta, eps):
    return gamma * ((x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt() + beta / gamma)


# %% variant="batchnorm_train"
def batchnorm_train(x, gamma, beta, eps):
    n = x.shape[0]
    centred = x - x.sum(0, keepdim=True) / n
    inverse = ((centred * centred).sum(0, keepdim=True) / n + eps) ** -0.5
    return torch.addcmul(beta, gamma, centred * inverse)


# %% [markdown] exercise="batchnorm_running"
# In use there may be a single example, and no batch to take a mean of. So during training BatchNorm keeps **running** statistics: after every batch they move a part of the way, the
# *momentum*, from where they are to the batch's own. Write `batchnorm_running(x, running_mean, running_var, momentum)`, which returns both after one batch:
#
# $$\text{running} \leftarrow (1 - \text{momentum}) \cdot \text{running} + \text{momentum} \cdot \text{batch}.$$
#
# The batch's variance is here the one divided by $n - 1$. The running statistics are **no** part of the network that is differentiated: even if `x` has a graph, what you return must have none.
# The two that are given may be changed in place, or stay as they are.
#
# A running mean of 0 and a batch with the mean 2 give, with momentum 0.1, 0.2.
#
# <details><summary>Hint 1: the idea</summary>
#
# The old value keeps nine tenths of its weight, the batch gets one tenth. With a graph attached, the running statistics would drag along the graph of every batch since the beginning.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Two tensors of shape (units,), with requires_grad False.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# under torch.no_grad(): (1 - momentum) * old + momentum * the batch's mean; the same for the variance
#
# </details>


# %% answer="batchnorm_running"
def batchnorm_running(
    x: Float[Tensor, "n units"],
    running_mean: Float[Tensor, " units"],
    running_var: Float[Tensor, " units"],
    momentum: float,
) -> tuple[Float[Tensor, " units"], Float[Tensor, " units"]]:
    """Running mean and running (unbiased) variance after one more batch, without a graph."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        mean = (1 - momentum) * running_mean + momentum * x.mean(0)
        variance = (1 - momentum) * running_var + momentum * x.var(0)
    return mean, variance
    ### END SOLUTION


# %% check="batchnorm_running"
def running_probe(g: torch.Generator):
    momentum = 0.2 + 0.2 * float(torch.rand(1, generator=g))
    mean, variance = torch.randn(5, generator=g), 1 + torch.rand(5, generator=g)
    for n in (5, 2, 4, 9):  # batches of different sizes, as the last one of an epoch is
        x = torch.randn(n, 5, generator=g) * 2 + torch.randn(5, generator=g)
        mean, variance = batchnorm_running(x.requires_grad_(), mean, variance, momentum)
    return {"running_mean": mean, "running_var": variance, "requires_grad": [mean.requires_grad, variance.requires_grad]}


check("batchnorm_running", running_probe)

# %% oracle="batchnorm_running"
g = torch.Generator().manual_seed(6)
layer, mean, variance = nn.BatchNorm1d(5, momentum=0.25), torch.zeros(5), torch.ones(5)
for n in (4, 6, 9):
    x = torch.randn(n, 5, generator=g) * 2 + 1
    layer(x)
    mean, variance = batchnorm_running(x, mean, variance, 0.25)
torch.testing.assert_close(mean, layer.running_mean)
torch.testing.assert_close(variance, layer.running_var)


# %% mistake="batchnorm_running" says="The variance is corrected twice: var() of torch divides by n - 1 already, and n / (n - 1) does so once more. One of the two has to go."
def batchnorm_running(
    x: Float[Tensor, "n units"],
    running_mean: Float[Tensor, " units"],
    running_var: Float[Tensor, " units"],
    momentum: float,
) -> tuple[Float[Tensor, " units"], Float[Tensor, " units"]]:
    x = x.detach()
    n = len(x)
    unbiased = x.var(0) * n / (n - 1)
    mean = running_mean + momentum * (x.mean(0) - running_mean)
    var = running_var + momentum * (unbiased - running_var)
    return mean, var


# %% mistake="batchnorm_running" says="Mean and variance have changed places: torch.var_mean gives the variance first. Unpack it in that order."
def batchnorm_running(
    x: Float[Tensor, "n units"],
    running_mean: Float[Tensor, " units"],
    running_var: Float[Tensor, " units"],
    momentum: float,
) -> tuple[Float[Tensor, " units"], Float[Tensor, " units"]]:
    with torch.no_grad():
        batch_mean, batch_var = torch.var_mean(x, 0)
        new_mean = (1 - momentum) * running_mean + momentum * batch_mean
        new_var = (1 - momentum) * running_var + momentum * batch_var
    return new_mean, new_var


# %% mistake="batchnorm_running" says="The momentum is on the wrong side: your running statistics forget nearly everything with every batch. The old value keeps 1 - momentum."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        return momentum * running_mean + (1 - momentum) * x.mean(0), momentum * running_var + (1 - momentum) * x.var(0)


# %% mistake="batchnorm_running" says="The variance is divided by n. For the running variance torch takes the unbiased one, divided by n - 1."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        variance = (1 - momentum) * running_var + momentum * x.var(0, unbiased=False)
        return (1 - momentum) * running_mean + momentum * x.mean(0), variance


# %% mistake="batchnorm_running" says="The values are right, but a gradient flows through them: they drag along the graph of every batch so far, and each step is slower than the last. Compute them under torch.no_grad()."
def batchnorm_running(x, running_mean, running_var, momentum):
    return (1 - momentum) * running_mean + momentum * x.mean(0), (1 - momentum) * running_var + momentum * x.var(0)


# %% mistake="batchnorm_running" says="running_var follows the standard deviation of the batches. It has to follow their variance: take no root."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        return (1 - momentum) * running_mean + momentum * x.mean(0), (1 - momentum) * running_var + momentum * x.std(0)


# %% mistake="batchnorm_running" says="The batch's share is added to the whole old value, so the statistics grow without end. Of the old value only 1 - momentum may stay."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        return running_mean + momentum * x.mean(0), running_var + momentum * x.var(0)


# %% mistake="batchnorm_running" says="The batch's own statistics are returned, and the past is forgotten. The running ones move only a part of the way, the momentum, towards them."
def batchnorm_running(x, running_mean, running_var, momentum):
    return x.detach().mean(0), x.detach().var(0)


# %% mistake="batchnorm_running" says="The momentum is always 0.1. It is an argument of this function."
right_batchnorm_running = batchnorm_running


def batchnorm_running(x, running_mean, running_var, momentum):
    return right_batchnorm_running(x, running_mean, running_var, 0.1)


# %% mistake="batchnorm_running" says="The momentum is always 0.001, as in the lecture's first version. It is an argument of this function."
right_batchnorm_running = batchnorm_running


def batchnorm_running(x, running_mean, running_var, momentum):
    return right_batchnorm_running(x, running_mean, running_var, 0.001)


# %% mistake="batchnorm_running" says="One mean and one variance of the whole batch go to all units. Each unit has its own: over dimension 0."
def batchnorm_running(x, running_mean, running_var, momentum):
    x = x.detach()
    return (1 - momentum) * running_mean + momentum * x.mean(), (1 - momentum) * running_var + momentum * x.var()


# %% mistake="batchnorm_running" says="The batch's share is always counted from 0 and 1, where a layer starts. It moves what is handed in: running_mean and running_var."
right_batchnorm_running = batchnorm_running


def batchnorm_running(x, running_mean, running_var, momentum):
    return right_batchnorm_running(x, torch.zeros(x.shape[1]), torch.ones(x.shape[1]), momentum)


# %% mistake="batchnorm_running" says="The batch's variance is measured around the new running mean. It has to be measured around the batch's own mean, as var does."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        mean = (1 - momentum) * running_mean + momentum * x.mean(0)
        variance = ((x - mean) ** 2).sum(0) / (len(x) - 1)
        return mean, (1 - momentum) * running_var + momentum * variance


# %% mistake="batchnorm_running" says="The batch's variance is measured around the old running mean. It has to be measured around the batch's own mean, as var does."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        variance = ((x - running_mean) ** 2).sum(0) / (len(x) - 1)
        mean = (1 - momentum) * running_mean + momentum * x.mean(0)
        return mean, (1 - momentum) * running_var + momentum * variance


# %% mistake="batchnorm_running" says="The mean is right, but for the variance the momentum is on the wrong side: it is the batch's share. The old variance keeps 1 - momentum."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        variance = momentum * running_var + (1 - momentum) * x.var(0)
        return (1 - momentum) * running_mean + momentum * x.mean(0), variance


# %% mistake="batchnorm_running" says="Only the batch's share is returned, and nothing of the old value is left. Add 1 - momentum of the old one."
def batchnorm_running(x, running_mean, running_var, momentum):
    return momentum * x.detach().mean(0), momentum * x.detach().var(0)


# %% mistake="batchnorm_running" says="You average standard deviations and square the result. It is the variances that are averaged: the old one and that of the batch, as they are."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        spread = (1 - momentum) * running_var.sqrt() + momentum * x.std(0)
        return (1 - momentum) * running_mean + momentum * x.mean(0), spread**2


# %% mistake="batchnorm_running" says="Only the running mean is cut from the graph: a gradient flows through the running variance. Compute both under torch.no_grad()."
def batchnorm_running(x, running_mean, running_var, momentum):
    return (1 - momentum) * running_mean + momentum * x.detach().mean(0), (1 - momentum) * running_var + momentum * x.var(0)


# %% mistake="batchnorm_running" says="Only the running variance is cut from the graph: a gradient flows through the running mean. Compute both under torch.no_grad()."
def batchnorm_running(x, running_mean, running_var, momentum):
    return (1 - momentum) * running_mean + momentum * x.mean(0), (1 - momentum) * running_var + momentum * x.detach().var(0)


# %% mistake="batchnorm_running" says="The mean square of the batch is taken for its variance, and its mean is not taken off. Take x.var, which measures around the mean."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        return (1 - momentum) * running_mean + momentum * x.mean(0), (1 - momentum) * running_var + momentum * (x**2).mean(0)


# %% mistake="batchnorm_running" says="For the mean the momentum is on the wrong side: it is the batch's share. The old mean keeps 1 - momentum, as the old variance does."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        return momentum * running_mean + (1 - momentum) * x.mean(0), (1 - momentum) * running_var + momentum * x.var(0)


# %% mistake="batchnorm_running" says="Only the mean moves; the running variance comes back as it was handed in. It follows the variance of the batches in the same way."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        return (1 - momentum) * running_mean + momentum * x.mean(0), running_var


# %% mistake="batchnorm_running" says="Old and new value are averaged half and half. The shares are 1 - momentum for the old one and momentum for the batch's."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        return (running_mean + x.mean(0)) / 2, (running_var + x.var(0)) / 2


# %% mistake="batchnorm_running" says="The batch's statistics are subtracted where they have to be added: the running ones move away from them."
def batchnorm_running(x, running_mean, running_var, momentum):
    with torch.no_grad():
        return (1 - momentum) * running_mean - momentum * x.mean(0), (1 - momentum) * running_var - momentum * x.var(0)


# %% mistake="batchnorm_running" says="Nothing moves: running mean and variance come back as they were handed in. Return the new ones."
def batchnorm_running(x, running_mean, running_var, momentum):
    return running_mean, running_var


# %% variant="batchnorm_running"
def batchnorm_running(x, running_mean, running_var, momentum):
    batch = x.detach()
    n = len(batch)
    mean = batch.sum(0) / n
    variance = ((batch - mean) ** 2).sum(0) / (n - 1)
    running_mean.lerp_(mean, momentum)
    running_var.lerp_(variance, momentum)
    return running_mean, running_var


# %% [markdown] exercise="batchnorm_eval"
# Now the whole layer, as a class. Write `BatchNorm1d(units, eps=1e-5, momentum=0.1)` with
#
# - `gamma` (starts at ones), `beta` (zeros), and `parameters()`, a list of these two;
# - `running_mean` (zeros) and `running_var` (ones), which are buffers and no parameters;
# - `training`, at first `True`. While it is true, a call normalises with the batch's statistics (variance over $n$) and moves the running ones (variance over $n - 1$). When it is `False`, a
#   call uses the running statistics and **leaves them alone**;
# - `out`, the last output, kept for pictures.
#
# A call returns the output, shape `(n, units)`. In evaluation that must work for a single row, and the output of a row must not depend on the other rows.
#
# The layer is to be trained: in training the gradient of `x` flows through the batch's mean and variance too, for they are part of the formula. The running statistics have no graph, even if `x` has one.
#
# <details><summary>Hint 1: the idea</summary>
#
# Two questions decide everything: which mean and variance do I normalise with, and do I update the running ones? Both depend on `self.training`.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Parameters and buffers hold one number a unit. A row of zeros, before any training, comes out as zeros.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# call: if training: mean and both variances of the batch, running ones updated under no_grad, normalise with the batch's; else: take the running ones. out = gamma * (x - mean) / root(variance + eps) + beta
#
# </details>


# %% answer="batchnorm_eval"
class BatchNorm1d:
    """BatchNorm over (n, units) with running statistics, like torch.nn.BatchNorm1d."""

    def __init__(self, units: int, eps: float = 1e-5, momentum: float = 0.1):
        ### BEGIN SOLUTION
        self.eps, self.momentum, self.training = eps, momentum, True
        self.gamma, self.beta = torch.ones(units), torch.zeros(units)
        self.running_mean, self.running_var = torch.zeros(units), torch.ones(units)
        ### END SOLUTION

    def __call__(self, x: Float[Tensor, "n units"]) -> Float[Tensor, "n units"]:
        """The normalised batch; in training the running statistics move."""
        ### BEGIN SOLUTION
        if self.training:
            mean, variance = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (x.var(0) - self.running_var)
        else:
            mean, variance = self.running_mean, self.running_var
        self.out = self.gamma * (x - mean) / (variance + self.eps).sqrt() + self.beta
        return self.out
        ### END SOLUTION

    def parameters(self) -> list[Float[Tensor, " units"]]:
        """gamma and beta."""
        ### BEGIN SOLUTION
        return [self.gamma, self.beta]
        ### END SOLUTION


# %% check="batchnorm_eval"
def batchnorm_probe(g: torch.Generator):
    units = 3 + int(torch.randint(4, (1,), generator=g))
    layer = BatchNorm1d(units, eps=0.05 + 0.05 * float(torch.rand(1, generator=g)), momentum=0.2 + 0.2 * float(torch.rand(1, generator=g)))
    parameters = list(layer.parameters())
    gamma, beta = (p.detach() for p in (parameters if len(parameters) == 2 else (layer.gamma, layer.beta)))
    starts = [float(gamma.sum()) == units, float(beta.abs().sum()) == 0.0]
    gamma.copy_((1 + 0.3 * torch.randn(units, generator=g)).view_as(gamma))
    beta.copy_(torch.randn(units, generator=g).view_as(beta))
    for n in (5, 8, 6):
        x = (torch.randn(n, units, generator=g) * 2 + torch.randn(units, generator=g)).requires_grad_()
        out = layer(x)
    towards = torch.randn(out.shape, generator=g)
    slope = torch.autograd.grad((out * towards).sum(), x, allow_unused=True)[0] if out.requires_grad else None
    graphs = {(True, True): "both", (True, False): "running_mean", (False, True): "running_var"}
    kept = [torch.as_tensor(s).detach().flatten().clone() for s in (layer.running_mean, layer.running_var)]
    graph = graphs.get((torch.as_tensor(layer.running_mean).requires_grad, torch.as_tensor(layer.running_var).requires_grad), "none")
    layer.training = False
    x = torch.randn(6, units, generator=g) + 1
    evaluated, moved = layer(x), False
    for before, now in zip(kept, (layer.running_mean.detach(), layer.running_var.detach())):
        moved |= not torch.equal(before, now.flatten())
        now.copy_(before.view(now.shape))  # so that each of the two calls is looked at by itself
    alone = layer(x[:1])
    last = getattr(layer, "out", None)
    return {
        "evaluation leaves the running statistics": "moved" if moved else "as they were",
        "gamma is 1 and beta 0 at first": starts,
        "tensors in parameters()": len(parameters),
        "output in training": out.detach(),
        "gradient of x in training": "none" if slope is None else slope,
        "running statistics with a graph": graph,
        "running_mean": kept[0],
        "running_var": kept[1],
        "output in evaluation": evaluated,
        "output for a single row": alone,
        "out": "missing" if last is None else "the last output" if torch.equal(last.nan_to_num(7.0), alone.nan_to_num(7.0)) else "not the last output",
    }


check("batchnorm_eval", batchnorm_probe)

# %% oracle="batchnorm_eval"
g = torch.Generator().manual_seed(12)
ours, theirs = BatchNorm1d(4, eps=0.03, momentum=0.3), nn.BatchNorm1d(4, eps=0.03, momentum=0.3)
for n in (5, 8, 6):
    x = torch.randn(n, 4, generator=g) * 3 + 1
    torch.testing.assert_close(ours(x), theirs(x).detach())
ours.training = False
theirs.eval()
torch.testing.assert_close(ours(x), theirs(x).detach())
torch.testing.assert_close(ours(x[:1]), theirs(x[:1]).detach())
ours, theirs = BatchNorm1d(4), nn.BatchNorm1d(4)
x = torch.randn(6, 4, generator=g).requires_grad_()
torch.testing.assert_close(*(torch.autograd.grad((layer(x) ** 3).sum(), x)[0] for layer in (ours, theirs)))
assert BatchNorm1d(3)(torch.zeros(1, 3).expand(2, 3)).abs().sum() == 0


# %% mistake="batchnorm_eval" says="In evaluation the batch's own statistics are used: the output of a row depends on its neighbours, and a single row has no spread at all. Use the running ones."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if not self.training:
            mean, variance = x.mean(0), x.var(0, unbiased=False)
            self.out = self.gamma * (x - mean) / (variance + self.eps).sqrt() + self.beta
            return self.out
        return super().__call__(x)


# %% mistake="batchnorm_eval" says="In evaluation the batch's own statistics are used, its variance divided by n - 1: a row's output depends on its neighbours, and a single row gives NaN. Use the running ones."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training:
            return super().__call__(x)
        self.out = self.gamma * (x - x.mean(0)) / (x.var(0) + self.eps).sqrt() + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="Evaluation moves the running statistics too, so that a model changes while it is only being looked at. Update them in training only."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training:
            return super().__call__(x)
        before = self.running_mean, self.running_var
        out = super().__call__(x)
        self.running_mean = before[0] + self.momentum * (x.mean(0) - before[0])
        self.running_var = before[1] + self.momentum * (x.var(0) - before[1])
        return out


# %% mistake="batchnorm_eval" says="In training, too, the running statistics are used to normalise: then nothing holds the activations of this batch in place. In training take the batch's own."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training:
            super().__call__(x)
        self.out = self.gamma * (x - self.running_mean) / (self.running_var + self.eps).sqrt() + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="The running statistics never move from 0 and 1, so evaluation does not normalise at all. In training, let them follow the batches."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        kept = self.running_mean.clone(), self.running_var.clone()
        out = super().__call__(x)
        self.running_mean, self.running_var = kept
        return out


# %% mistake="batchnorm_eval" says="The momentum is the weight of the batch, not of the past: your running statistics follow each batch almost completely."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __init__(self, units, eps=1e-5, momentum=0.1):
        super().__init__(units, eps, 1 - momentum)


# %% mistake="batchnorm_eval" says="The eps that the layer is made with is not used: it stands at another value, or is left out. Keep the argument in the layer, and add it to the variance."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __init__(self, units, eps=1e-5, momentum=0.1):
        super().__init__(units, 0.0, momentum)


# %% mistake="batchnorm_eval" says="parameters() also lists the running statistics. They follow the batches by themselves; an optimiser has to move gamma and beta only."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def parameters(self):
        return [self.gamma, self.beta, self.running_mean, self.running_var]


# %% mistake="batchnorm_eval" says="The momentum that the layer is made with is not used: 0.1 stands in its place. Keep the argument in the layer."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __init__(self, units, eps=1e-5, momentum=0.1):
        super().__init__(units, eps)


# %% mistake="batchnorm_eval" says="Neither eps nor the momentum that the layer is made with is used: 1e-5 and 0.1 stand in their places. Keep both arguments in the layer."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __init__(self, units, eps=1e-5, momentum=0.1):
        super().__init__(units)


# %% mistake="batchnorm_eval" says="The running variance follows the one divided by n, which is right for the output. What is kept for later is the variance divided by n - 1."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        kept = self.running_var.clone()
        out = super().__call__(x)
        if self.training:
            self.running_var = (1 - self.momentum) * kept + self.momentum * x.var(0, unbiased=False)
        return out


# %% mistake="batchnorm_eval" says="In training the output is normalised with the variance divided by n - 1, as in the lecture's class. Here the batch is normalised with n, and only the running variance takes n - 1."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        out = super().__call__(x)
        if self.training:
            self.out = out = self.gamma * (x - x.mean(0)) / (x.var(0) + self.eps).sqrt() + self.beta
        return out


# %% mistake="batchnorm_eval" says="The running variance starts at 0, so a layer that has seen little divides by nearly nothing. It starts at ones."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __init__(self, units, eps=1e-5, momentum=0.1):
        super().__init__(units, eps, momentum)
        self.running_var = torch.zeros(units)


# %% mistake="batchnorm_eval" says="Your layer normalises, but gamma and beta do not take part. The output is gamma times the normalised value, plus beta."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        kept = self.gamma, self.beta
        self.gamma, self.beta = torch.ones_like(kept[0]), torch.zeros_like(kept[1])
        out = super().__call__(x)
        self.gamma, self.beta = kept
        return out


# %% mistake="batchnorm_eval" says="Evaluation moves the running statistics and then normalises with the moved ones, so a row's output depends on its neighbours. Leave them as they are in evaluation."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if not self.training:
            self.running_mean = self.running_mean + self.momentum * (x.mean(0) - self.running_mean)
            self.running_var = self.running_var + self.momentum * (x.var(0) - self.running_var)
        return super().__call__(x)


# %% mistake="batchnorm_eval" says="Your layer adds eps to the root, in training and in evaluation. Add it to the variance, under the root."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        super().__call__(x)
        mean, variance = (x.mean(0), x.var(0, unbiased=False)) if self.training else (self.running_mean, self.running_var)
        self.out = self.gamma * (x - mean) / (variance.sqrt() + self.eps) + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="The output is returned but not kept. Store it in self.out before you return it, so that pictures can be made of it."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        out = super().__call__(x)
        del self.out
        return out


# %% mistake="batchnorm_eval" says="After an evaluation, what you keep as out is not what was returned. Keep the layer's last output, in evaluation as in training, after gamma and beta."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        out = super().__call__(x)
        self.out = (out - self.beta) / self.gamma
        return out


# %% mistake="batchnorm_eval" says="In evaluation the batch's own statistics are used wherever there are several rows, and the running ones for a single row only. In evaluation a row's output must not depend on other rows."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training or len(x) == 1:
            return super().__call__(x)
        self.out = self.gamma * (x - x.mean(0)) / (x.var(0, unbiased=False) + self.eps).sqrt() + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="The running statistics have a graph if x has one: they drag along the graph of every batch so far. Move them under torch.no_grad(), or detach what comes from x."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if not self.training:
            return super().__call__(x)
        kept = self.running_mean.clone(), self.running_var.clone()
        out = super().__call__(x)
        self.running_mean = (1 - self.momentum) * kept[0] + self.momentum * x.mean(0)
        self.running_var = (1 - self.momentum) * kept[1] + self.momentum * x.var(0)
        return out


# %% mistake="batchnorm_eval" says="running_var has a graph if x has one: only the mean is cut off. Move both under torch.no_grad()."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if not self.training:
            return super().__call__(x)
        kept = self.running_var.clone()
        out = super().__call__(x)
        self.running_var = (1 - self.momentum) * kept + self.momentum * x.var(0)
        return out


# %% mistake="batchnorm_eval" says="running_mean has a graph if x has one: only the variance is cut off. Move both under torch.no_grad()."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if not self.training:
            return super().__call__(x)
        kept = self.running_mean.clone()
        out = super().__call__(x)
        self.running_mean = (1 - self.momentum) * kept + self.momentum * x.mean(0)
        return out


# %% mistake="batchnorm_eval" says="The batch's mean and variance are cut from the graph, so the gradient of x is not right: it has to flow through them as well. Only the running ones belong under torch.no_grad()."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if not self.training:
            return super().__call__(x)
        super().__call__(x.detach())
        mean, variance = x.detach().mean(0), x.detach().var(0, unbiased=False)
        self.out = self.gamma * (x - mean) / (variance + self.eps).sqrt() + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="The batch's variance is cut from the graph and its mean is not, so the gradient of x is not right. It has to flow through both."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if not self.training:
            return super().__call__(x)
        super().__call__(x.detach())
        self.out = self.gamma * (x - x.mean(0)) / (x.detach().var(0, unbiased=False) + self.eps).sqrt() + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="No gradient comes through the layer in training: its output has no graph, as where it is detached or all is computed under torch.no_grad(). Only the running statistics are to have none."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        with torch.no_grad():
            return super().__call__(x)


# %% mistake="batchnorm_eval" says="A new layer is in evaluation: training starts at False. At first it is True."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __init__(self, units, eps=1e-5, momentum=0.1):
        super().__init__(units, eps, momentum)
        self.training = False


# %% mistake="batchnorm_eval" says="The running variance follows the standard deviation of the batches. What is kept is the variance: take no root before you keep it."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        kept = self.running_var.clone()
        out = super().__call__(x)
        if self.training:
            self.running_var = ((1 - self.momentum) * kept + self.momentum * x.std(0)).detach()
        return out


# %% mistake="batchnorm_eval" says="The running statistics are those of the last batch alone: nothing of the past is kept. They move only a part of the way, the momentum, towards each batch's own."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __init__(self, units, eps=1e-5, momentum=0.1):
        super().__init__(units, eps, 1.0)


# %% mistake="batchnorm_eval" says="In evaluation the mean is the running one, but the variance is the batch's own, so a row's output depends on the other rows. Take both from the running ones."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training:
            return super().__call__(x)
        self.out = self.gamma * (x - self.running_mean) / (x.var(0, unbiased=False) + self.eps).sqrt() + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="Evaluation gives x back as it is: the normalisation, gamma and beta are left out there. Normalise with the running statistics."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training:
            return super().__call__(x)
        self.out = x
        return x


# %% mistake="batchnorm_eval" says="In evaluation the eps that the layer is made with is left out, or another one stands there; in training it is right. Add the same eps under the root in both."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training:
            return super().__call__(x)
        self.out = self.gamma * (x - self.running_mean) / (self.running_var + 1e-5).sqrt() + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="In evaluation gamma and beta are left out, and in training they take part. Only mean and variance differ between the two: gamma and beta stay."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training:
            return super().__call__(x)
        self.out = (x - self.running_mean) / (self.running_var + self.eps).sqrt()
        return self.out


# %% mistake="batchnorm_eval" says="In evaluation it is divided by the running variance itself. A spread is its root, of the variance plus eps, as in training."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training:
            return super().__call__(x)
        self.out = self.gamma * (x - self.running_mean) / (self.running_var + self.eps) + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="In evaluation eps is added to the root, and in training to the variance. Add it under the root in both."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training:
            return super().__call__(x)
        self.out = self.gamma * (x - self.running_mean) / (self.running_var.sqrt() + self.eps) + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="In evaluation the variance is the running one, but the mean is the batch's own, so a row's output depends on the other rows. Take both from the running ones."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        if self.training:
            return super().__call__(x)
        self.out = self.gamma * (x - x.mean(0)) / (self.running_var + self.eps).sqrt() + self.beta
        return self.out


# %% mistake="batchnorm_eval" says="The running variance moves by 0.1, whatever momentum the layer is made with; the running mean is right. Use the same momentum for both."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        before = self.running_var.clone()
        out = super().__call__(x)
        if self.training:
            self.running_var = before + 0.1 * (x.detach().var(0) - before)
        return out


# %% mistake="batchnorm_eval" says="The running mean moves by 0.1, whatever momentum the layer is made with; the running variance is right. Use the same momentum for both."
class RightBatchNorm1d(BatchNorm1d):
    pass


class BatchNorm1d(RightBatchNorm1d):
    def __call__(self, x):
        before = self.running_mean.clone()
        out = super().__call__(x)
        if self.training:
            self.running_mean = before + 0.1 * (x.detach().mean(0) - before)
        return out


# %% variant="batchnorm_eval"
class BatchNorm1d(nn.Module):
    def __init__(self, units, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.gamma = nn.Parameter(torch.ones(1, units))
        self.beta = nn.Parameter(torch.zeros(1, units))
        self.register_buffer("running_mean", torch.zeros(1, units))
        self.register_buffer("running_var", torch.ones(1, units))

    def forward(self, x):
        if self.training:
            mean = x.mean(0, keepdim=True)
            variance = ((x - mean) ** 2).mean(0, keepdim=True)
            n = x.shape[0]
            self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean.detach())
            self.running_var.mul_(1 - self.momentum).add_(self.momentum * variance.detach() * n / (n - 1))
        else:
            mean, variance = self.running_mean, self.running_var
        self.out = torch.rsqrt(variance + self.eps) * (x - mean) * self.gamma + self.beta
        return self.out


# %% variant="batchnorm_eval"
class BatchNorm1d:
    def __init__(self, units, eps=1e-5, momentum=0.1):
        self.settings = {"eps": eps, "momentum": momentum}
        self.gamma, self.beta = torch.ones(units, requires_grad=True), torch.zeros(units, requires_grad=True)
        self.running_mean, self.running_var = torch.zeros(units), torch.ones(units)
        self.training = True

    def __call__(self, x):
        self.out = F.batch_norm(x, self.running_mean, self.running_var, self.gamma, self.beta, self.training, **self.settings)
        return self.out

    def parameters(self):
        return self.gamma, self.beta


# %% [markdown] exercise="fold_batchnorm"
# In evaluation BatchNorm is only a multiplication and an addition, unit by unit, and so is part of what the linear layer before it could do by itself. Write
# `fold_batchnorm(W, b, gamma, beta, mean, variance, eps)`: the weights `W2` and the bias `b2` of **one** linear layer that gives the same as the linear layer
# followed by BatchNorm in evaluation with the running `mean` and `variance`:
#
# $$x W_2 + b_2 = \gamma\,\frac{(x W + b) - \text{mean}}{\sqrt{\text{variance} + \varepsilon}} + \beta \qquad \text{for every } x.$$
#
# One input, one unit: $W = 2$, $b = 1$, $\gamma = 3$, $\beta = 5$, mean 4, variance $0.25$ and $\varepsilon$ nearly 0 give $W_2 = 12$ and $b_2 = -13$. With $x = 1$: $2 + 1 = 3$, minus 4 is -1, divided by 0.5 is -2, times 3 plus 5 is
# -1; and $12 - 13 = -1$.
#
# <details><summary>Hint 1: the idea</summary>
#
# Everything that multiplies x goes into the weights, everything else into the bias. Write the right side of the formula as (something) times x plus (something).
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# W is (fan_in, units), and each unit, a column of W, has its own factor gamma / root(variance + eps), shape (units,).
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# factor = gamma / root(variance + eps); weights: each column of W times its factor; bias: what is left for x = 0
#
# </details>


# %% answer="fold_batchnorm"
def fold_batchnorm(
    W: Float[Tensor, "fan_in units"],
    b: Float[Tensor, " units"],
    gamma: Float[Tensor, " units"],
    beta: Float[Tensor, " units"],
    mean: Float[Tensor, " units"],
    variance: Float[Tensor, " units"],
    eps: float,
) -> tuple[Float[Tensor, "fan_in units"], Float[Tensor, " units"]]:
    """Weights and bias of the one linear layer that equals linear + BatchNorm in evaluation."""
    ### BEGIN SOLUTION
    factor = gamma / (variance + eps).sqrt()
    return W * factor, (b - mean) * factor + beta
    ### END SOLUTION


# %% check="fold_batchnorm"
def random_linear_and_batchnorm(g: torch.Generator) -> tuple:
    """A square linear layer and a trained BatchNorm, with an eps that cannot be overlooked. One gamma is negative, and one is zero."""
    units = 4 + int(torch.randint(4, (1,), generator=g))
    W, b, beta, mean = (torch.randn(shape, generator=g) for shape in ((units, units), (units,), (units,), (units,)))
    gamma, variance = (0.5 + torch.rand(units, generator=g) for _ in range(2))
    turned, off = torch.randperm(units, generator=g)[:2].tolist()
    gamma[turned], gamma[off] = -gamma[turned], 0.0
    return W, b, gamma, beta, mean, variance, 0.1 + 0.1 * float(torch.rand(1, generator=g))


def fold_probe(g: torch.Generator):
    W, b, *batchnorm = random_linear_and_batchnorm(g)
    W2, b2 = fold_batchnorm(W, b, *batchnorm)
    x, fits = torch.randn(3, len(W), generator=g), torch.is_tensor(W2) and torch.is_tensor(b2) and (W2.shape, b2.shape) == (W.shape, b.shape)
    return {"W2": W2, "b2": b2, "x @ W2 + b2": x.to(W2) @ W2 + b2 if fits else "not computed: the shapes of W2 and b2 are others"}


check("fold_batchnorm", fold_probe)

# %% oracle="fold_batchnorm"
W, b, gamma, beta, mean, variance, eps = random_linear_and_batchnorm(torch.Generator().manual_seed(9))
x = torch.randn(20, len(W), generator=torch.Generator().manual_seed(10))
W2, b2 = fold_batchnorm(W, b, gamma, beta, mean, variance, eps)
torch.testing.assert_close(x @ W2 + b2, F.batch_norm(x @ W + b, mean, variance, gamma, beta, False, 0.1, eps), rtol=1e-4, atol=1e-5)
one = [torch.tensor([v]) for v in (1.0, 3.0, 5.0, 4.0, 0.25)]
assert [round(t.item(), 3) for t in fold_batchnorm(torch.tensor([[2.0]]), *one, 1e-12)] == [12.0, -13.0]


# %% mistake="fold_batchnorm" says="The bias is returned before the weights. The new weights come first, then the new bias."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return (b - mean) * factor + beta, W * factor


# %% mistake="fold_batchnorm" says="The weights become a single row: W @ factor adds up over the units. Each column of W keeps its place and is multiplied by the factor of its unit."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W @ factor, (b - mean) * factor + beta


# %% mistake="fold_batchnorm" says="gamma is left out of the new bias: b less the running mean is divided by the spread alone. Multiply by gamma as well, as in the weights."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, (b - mean) / (variance + eps).sqrt() + beta


# %% mistake="fold_batchnorm" says="The running mean is not subtracted: your bias is right only where the mean is 0. What BatchNorm subtracts, the new bias has to subtract, scaled like all the rest."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, b * factor + beta


# %% mistake="fold_batchnorm" says="The linear layer's own bias is forgotten: it goes through BatchNorm like everything else, so it is in the new bias, scaled."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, beta - mean * factor


# %% mistake="fold_batchnorm" says="The factor scales the rows of W, the inputs. Each unit has a factor of its own, and a unit is a column."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor[:, None], (b - mean) * factor + beta


# %% mistake="fold_batchnorm" says="eps is left out, or one of your own is used: the layer you fold divides by the root of variance + eps, with its own eps."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / variance.sqrt()
    return W * factor, (b - mean) * factor + beta


# %% mistake="fold_batchnorm" says="Your factor divides by the variance. BatchNorm divides by the root of variance plus eps: the square root is missing."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps)
    return W * factor, (b - mean) * factor + beta


# %% mistake="fold_batchnorm" says="beta is scaled as well, but it is added after everything else: it goes into the new bias as it is."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, (b - mean + beta) * factor


# %% mistake="fold_batchnorm" says="b goes into the new bias as it is, but it passes through BatchNorm as well: it is scaled like x @ W."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, b - mean * factor + beta


# %% mistake="fold_batchnorm" says="The running means are subtracted as they are, but a BatchNorm subtracts before it scales: multiply each by the factor of its unit."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, b * factor - mean + beta


# %% mistake="fold_batchnorm" says="gamma is left out of the factor: what BatchNorm has learned of each unit's spread is lost."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = (variance + eps).rsqrt()
    return W * factor, (b - mean) * factor + beta


# %% mistake="fold_batchnorm" says="beta is left out of the new bias. It is added after everything else, as it is."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, (b - mean) * factor


# %% mistake="fold_batchnorm" says="The running mean is added. BatchNorm subtracts it, so it lowers the new bias."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, (b + mean) * factor + beta


# %% mistake="fold_batchnorm" says="The new bias is right, but the weights are the old ones. Each unit's factor scales its column of W as well."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W, (b - mean) * factor + beta


# %% mistake="fold_batchnorm" says="eps is added after the root. BatchNorm adds it to the variance, under the root, and the folded layer has to do the same."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance.sqrt() + eps)
    return W * factor, (b - mean) * factor + beta


# %% mistake="fold_batchnorm" says="gamma and beta have changed places. gamma scales, so it is in the factor; beta shifts, so it is added at the end."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = beta / (variance + eps).sqrt()
    return W * factor, (b - mean) * factor + gamma


# %% mistake="fold_batchnorm" says="beta is divided by the factor and multiplied by it again. For a unit whose gamma is 0 that is NaN, where the new bias is beta: add beta at the end, as it is."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, (b - mean + beta / factor) * factor


# %% mistake="fold_batchnorm" says="gamma enters without its sign. A BatchNorm may have a negative gamma, which turns a unit round: use it as it is."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma.abs() / (variance + eps).sqrt()
    return W * factor, (b - mean) * factor + beta


# %% mistake="fold_batchnorm" says="You multiply by the root of variance + eps. BatchNorm divides by it."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma * (variance + eps).sqrt()
    return W * factor, (b - mean) * factor + beta


# %% mistake="fold_batchnorm" says="The new weights are right, but the bias is not scaled at all: b minus the mean has to be multiplied by the factor before beta is added."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, b - mean + beta


# %% mistake="fold_batchnorm" says="The new weights are right, but the bias is the old b. The running mean, the factor and beta belong in it too."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    return W * gamma / (variance + eps).sqrt(), b


# %% mistake="fold_batchnorm" says="The new bias is beta alone. What BatchNorm makes of b minus the mean is in it too."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    return W * gamma / (variance + eps).sqrt(), beta.clone()


# %% mistake="fold_batchnorm" says="beta is subtracted from the new bias. BatchNorm adds it."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, (b - mean) * factor - beta


# %% mistake="fold_batchnorm" says="Mean and b have changed sides: your bias holds mean minus b. BatchNorm subtracts the mean from what the linear layer gives."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return W * factor, (mean - b) * factor + beta


# %% mistake="fold_batchnorm" says="The weights you return are transposed. They are used as x @ W2: a unit is a column, as in W."
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    factor = gamma / (variance + eps).sqrt()
    return (W * factor).T, (b - mean) * factor + beta


# %% variant="fold_batchnorm"
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    def both(x):
        return F.batch_norm(x @ W + b, mean, variance, gamma, beta, False, 0.1, eps)

    bias = both(torch.zeros(1, len(W)))  # what is left for x = 0
    return both(torch.eye(len(W))) - bias, bias[0]


# %% [markdown]
# ## Everything at zero
#
# Why are initial weights random at all? Take the network of the last lecture, with an embedding `C` that is random, and all else at zero: `W1`, `b1`, `W2` and `b2`. For a batch
# `X`, `Y`:
#
# ```
# h = tanh(C[X] @ W1 + b1)          all zeros
# logits = h @ W2 + b2              all zeros, so every symbol has the probability 1/27
# loss                              ln 27 = 3.2958
# ```
#
# Does this network learn? One may expect everything, as always, or nothing. Both are wrong.

# %% [markdown] exercise="zero_init"
# Write `zero_init(C, X, Y, hidden)`. Build this network with `hidden` units and return a dict with
#
# - `"first loss"`: its loss on `X`, `Y`;
# - `"with gradient"`: the names of those of its parameters `"C"`, `"W1"`, `"b1"`, `"W2"`, `"b2"` whose gradient is **not zero everywhere**, in this order;
# - `"last loss"`: the loss on `X`, `Y` that it ends at if it is trained on them until nothing changes any more. It is compared to a thousandth of its size.
#
# A batch whose targets are one `a` and three `b` ends at 0.5623, whatever its contexts are.
#
# For the last loss you can train with the gradients there are (at a rate of 0.1, ten thousand steps are not yet there), or find out from what the parameters that do learn can express, and compute it.
#
# <details><summary>Hint 1: the idea</summary>
#
# Let `backward()` tell which gradients are zero. Then ask what the loss depends on if only those parameters move: does the network still see its context?
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Two losses (scalars) and a list of names. The best that can be predicted without a look at the context is how often each symbol occurs among the targets.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# p = share of each symbol among Y; last loss = minus the sum of p ln p over the symbols that occur
#
# </details>


# %% answer="zero_init"
def zero_init(C: Float[Tensor, "27 d"], X: Int[Tensor, "n 3"], Y: Int[Tensor, " n"], hidden: int) -> dict:
    """First loss, parameters with a gradient, and last loss of an MLP whose weights and biases all start at zero."""
    ### BEGIN SOLUTION
    parameters = {
        "C": C.clone(),
        "W1": torch.zeros(3 * C.shape[1], hidden),
        "b1": torch.zeros(hidden),
        "W2": torch.zeros(hidden, 27),
        "b2": torch.zeros(27),
    }
    for parameter in parameters.values():
        parameter.requires_grad_()
    h = (parameters["C"][X].flatten(1) @ parameters["W1"] + parameters["b1"]).tanh()
    loss = F.cross_entropy(h @ parameters["W2"] + parameters["b2"], Y)
    loss.backward()
    shares = torch.bincount(Y, minlength=27) / len(Y)
    return {
        "first loss": loss.detach(),
        "with gradient": [name for name, parameter in parameters.items() if parameter.grad.any()],
        "last loss": -torch.xlogy(shares, shares).sum(),
    }
    ### END SOLUTION


# %% check="zero_init"
def zero_init_probe(g: torch.Generator):
    features, hidden, n = (low + int(torch.randint(5, (1,), generator=g)) for low in (3, 6, 38))
    C = torch.randn(27, features, generator=g)
    rows = torch.randint(len(Y_train), (n,), generator=g)
    return zero_init(C, X_train[rows], Y_train[rows], hidden)


check("zero_init", zero_init_probe)

# %% oracle="zero_init"
found = zero_init(torch.randn(27, 4), X_train, Y_train, 4)
assert abs(found["first loss"] - 3.2958) < 1e-4 and found["with gradient"] == ["b2"]
assert not names.known() or abs(found["last loss"] - 2.82) < 0.005
assert abs(zero_init(torch.randn(27, 4), X_train[:4], torch.tensor([1, 2, 2, 2]), 4)["last loss"] - 0.5623) < 1e-4
# and by training: gradient descent on all parameters of the network ends there
W1, b1, W2, b2 = (torch.zeros(s, requires_grad=True) for s in ((12, 8), (8,), (8, 27), (27,)))
X, Y = X_train[:200], Y_train[:200]
embedding = torch.randn(27, 4, generator=torch.Generator().manual_seed(1))[X].flatten(1)
for _ in range(3000):
    loss = F.cross_entropy((embedding @ W1 + b1).tanh() @ W2 + b2, Y)
    gradients = torch.autograd.grad(loss, [W1, b1, W2, b2])
    with torch.no_grad():
        for parameter, d in zip((W1, b1, W2, b2), gradients):
            parameter -= 3 * d
assert not W1.any() and not b1.any() and not W2.any() and abs(loss - zero_init(torch.randn(27, 4), X, Y, 8)["last loss"]) < 2e-3


# %% mistake="zero_init" says="You list every parameter that HAS a gradient tensor. Most of these tensors are full of zeros; ask for the values in them."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "with gradient": ["C", "W1", "b1", "W2", "b2"]}


# %% mistake="zero_init" says="W2 is said to learn, but its gradient is h times what comes from above, and h = tanh(0) = 0 for every example."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "with gradient": ["W2", "b2"]}


# %% mistake="zero_init" says="Your last loss is the first one, as if nothing learned. One parameter does: ask what the network predicts once only that one is trained."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    found = right_zero_init(C, X, Y, hidden)
    return {**found, "last loss": found["first loss"]}


# %% mistake="zero_init" says="The last loss is measured in bits: the logarithm to base 2. Losses in this course are in nats, with the natural logarithm."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    found = right_zero_init(C, X, Y, hidden)
    return {**found, "last loss": found["last loss"] / torch.tensor(2.0).log()}


# %% mistake="zero_init" says="Your last loss is 0, as if the network could learn the targets by heart. Without its weights it does not see the context: what is the best it can do then?"
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    found = right_zero_init(C, X, Y, hidden)
    return {**found, "last loss": 0.0 * found["last loss"]}


# %% mistake="zero_init" says="Your last loss is that of all training names. Here it is that of the batch: its targets Y decide."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "last loss": right_zero_init(C, X_train, Y_train, hidden)["last loss"]}


# %% mistake="zero_init" says="Nothing is said to learn. One parameter is added to the logits after everything that is zero. (The elements of its gradient add up to 0, so their sum does not tell.)"
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "with gradient": []}


# %% mistake="zero_init" says="b1 is said to learn, but what comes back to it passes through W2, and W2 is zero."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "with gradient": ["b1", "b2"]}


# %% mistake="zero_init" says="Your last loss guesses evenly among the symbols that occur. The bias learns more: how often each of them occurs."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "last loss": math.log(len(Y.unique()))}


# %% mistake="zero_init" says="Your last loss is not the end: a thousand steps at a rate of 0.1 lead there, and it would still fall. Take larger steps and more of them, or compute the end."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    bias, shares = torch.zeros(27), torch.bincount(Y, minlength=27) / len(Y)
    for _ in range(1000):
        bias -= 0.1 * (bias.softmax(0) - shares)
    return {**right_zero_init(C, X, Y, hidden), "last loss": -(shares * bias.log_softmax(0)).sum()}


# %% mistake="zero_init" says="Your last loss is still far from the end: a hundred steps at a rate of 0.1 lead there. Take larger steps and many more of them, or compute the end."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    bias, shares = torch.zeros(27), torch.bincount(Y, minlength=27) / len(Y)
    for _ in range(100):
        bias -= 0.1 * (bias.softmax(0) - shares)
    return {**right_zero_init(C, X, Y, hidden), "last loss": -(shares * bias.log_softmax(0)).sum()}


# %% mistake="zero_init" says="Your last loss is close to the end, but not there: ten thousand steps at a rate of 0.1 lead so far. Take larger steps, or compute the end."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    bias, shares = torch.zeros(27), torch.bincount(Y, minlength=27) / len(Y)
    for _ in range(1000):
        bias -= bias.softmax(0) - shares
    return {**right_zero_init(C, X, Y, hidden), "last loss": -(shares * bias.log_softmax(0)).sum()}


# %% mistake="zero_init" says="W2 and b1 are said to learn beside b2. But W2's gradient is made of h, which is 0, and what comes back to b1 passes through W2, which is 0."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "with gradient": ["W2", "b1", "b2"]}


# %% mistake="zero_init" says="C is said to learn, because it does not start at zero. But what comes back to it passes through W1, which is zero."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "with gradient": ["C", "b2"]}


# %% mistake="zero_init" says="One is added to every count, so that no logarithm of zero occurs. Training smooths nothing: leave out the symbols that do not occur, whose share is 0."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    counts = torch.bincount(Y, minlength=27) + 1
    return {**right_zero_init(C, X, Y, hidden), "last loss": -(counts / counts.sum())[Y].log().mean()}


# %% mistake="zero_init" says="Your last loss is the logarithm to base 10. Losses in this course are in nats, with the natural logarithm."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    found = right_zero_init(C, X, Y, hidden)
    return {**found, "last loss": found["last loss"] / math.log(10)}


# %% mistake="zero_init" says="The sign of your last loss is turned: p ln p is negative, so the loss is minus its sum."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    found = right_zero_init(C, X, Y, hidden)
    return {**found, "last loss": -found["last loss"]}


# %% mistake="zero_init" says="Your last loss is a mean over symbols: the sum of p ln p is divided by 27. Each symbol counts with its share already: take the sum."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    found = right_zero_init(C, X, Y, hidden)
    return {**found, "last loss": found["last loss"] / 27}


# %% mistake="zero_init" says="Your last loss is summed over the examples. A loss in this course is a mean: divide by how many there are."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    found = right_zero_init(C, X, Y, hidden)
    return {**found, "last loss": found["last loss"] * len(Y)}


# %% mistake="zero_init" says="The logarithms of the shares are averaged over the symbols that occur, each as often as any other. A frequent symbol counts more: weight each with its share."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    shares = torch.bincount(Y) / len(Y)
    return {**right_zero_init(C, X, Y, hidden), "last loss": -shares[shares > 0].log().mean()}


# %% mistake="zero_init" says="Your last loss is that of the shares of what stands in the contexts X. The bias learns how often each symbol occurs among the targets Y."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    shares = torch.bincount(X.flatten(), minlength=27) / X.numel()
    return {**right_zero_init(C, X, Y, hidden), "last loss": -torch.xlogy(shares, shares).sum()}


# %% mistake="zero_init" says="Your last loss is the one after a single step. Nothing has come to rest there: go on until nothing changes, or compute the end."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    bias, shares = torch.zeros(27), torch.bincount(Y, minlength=27) / len(Y)
    bias -= 0.1 * (bias.softmax(0) - shares)
    return {**right_zero_init(C, X, Y, hidden), "last loss": -(shares * bias.log_softmax(0)).sum()}


# %% mistake="zero_init" says="W1 is said to learn, but what comes back to it passes through W2, which is zero."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "with gradient": ["W1", "b2"]}


# %% mistake="zero_init" says="Both biases and both weights are said to learn. Only what is added after everything that is zero has a gradient: the rest gets it through W2 or from h, which are zero."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "with gradient": ["W1", "b1", "W2", "b2"]}


# %% mistake="zero_init" says="You list the parameters whose gradient IS zero everywhere. The others are asked for."
right_zero_init = zero_init


def zero_init(C, X, Y, hidden):
    return {**right_zero_init(C, X, Y, hidden), "with gradient": ["C", "W1", "b1", "W2"]}


# %% variant="zero_init"
def zero_init(C, X, Y, hidden):
    network = nn.Sequential(nn.Linear(3 * C.shape[1], hidden), nn.Tanh(), nn.Linear(hidden, 27))
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    table = C.clone().requires_grad_()
    first = F.cross_entropy(network(table[X].flatten(1)), Y)
    first.backward()
    named = {"C": table, "W1": network[0].weight, "b1": network[0].bias, "W2": network[2].weight, "b2": network[2].bias}
    moving = [name for name, parameter in named.items() if float(parameter.grad.abs().max()) > 0]
    bias = torch.zeros(27, dtype=torch.float64)  # trained until nothing changes: Newton's steps are not needed, plain ones do
    shares = torch.bincount(Y, minlength=27).double() / len(Y)
    for _ in range(4000):
        bias += 4 * (shares - bias.softmax(0))
    last = F.cross_entropy(bias.expand(len(Y), 27), Y)
    return {"first loss": first.item(), "with gradient": moving, "last loss": last.item()}


# %% [markdown] exercise="zero_init_why"
# In your own words, three or four sentences: **why** do only these parameters get a gradient, why does that not change in later steps, and what does the loss at which training ends
# say about what the network has learned of names? The cell below shows the end for all training names.

# %%
shares = torch.bincount(Y_train, minlength=27) / len(Y_train)
print(f"first loss {torch.tensor(27.0).log():.4f}, last loss {-(shares * shares.log()).sum():.4f}")

# %% [markdown] written="zero_init_why"
# The gradient of `W2` is $h^\top$ times the gradient of the logits, and $h = \tanh(0) = 0$ for every example, so it is zero. What goes further back passes through $W_2^\top$, which is zero
# too, so `W1`, `b1` and `C` get nothing. Only `b2`, which is added to the logits, is moved. After a step `W2` and `h` are still zero, so the same holds in every later step: the
# symmetry is never broken. A network of which only the output bias learns predicts the same probabilities for every context; the best such prediction is how often each symbol occurs, and the loss ends at the
# entropy of single symbols, {{ entropy }}. It has learned which letters are frequent, and nothing about which follows which.

# %% [markdown] marking="zero_init_why"
# | points | an answer that | for instance |
# |---|---|---|
# | 1 | The zeros by the formulas ($h = 0$ stops `W2`, $W_2 = 0$ stops all behind it), that a step leaves both zero, and that the loss is the entropy of single symbols: only frequencies were learned. | *dW2 = h.T @ dlogits and h is 0; dh = dlogits @ W2.T and W2 is 0. After b2 moved both are still 0, so it never changes. The end, 2.82, is the entropy of the letters: no context is used.* |
# | 0.5 | Two of the three parts, or all as a claim ("symmetry") without the zeros. | *All weights are the same, so they stay symmetric and only the bias learns how frequent letters are.* |
# | 0 | Vanishing gradients or a bad learning rate as the reason. | *tanh saturates, so the gradients vanish.* |

# %% [markdown]
# ## A deep network
#
# Everything of this lecture in one network: initial weights with the right spread, BatchNorm between the linear layers, and several layers instead of one. Draw your three pictures of it when it does not learn as you would like.

# %% [markdown] exercise="train_deep"
# Train a **deep** network with BatchNorm on contexts of three symbols, with at most **200,000 parameters**. The mean negative log-likelihood on the test names decides the points: {% if known %}{{ band('train_deep', 1) }} and {{ band('train_deep', 2) }} are steps on the way,
# **{{ band('train_deep', 3, 4) }}** is what the author of the notes that this course follows reached with six linear layers, and {{ band('train_deep', 5) }} earns the bonus points.
# {%- else %}{{ band('train_deep', 1) }}, {{ band('train_deep', 2) }} and
# **{{ band('train_deep', 3, 4) }}** are steps on the way, and {{ band('train_deep', 5) }} earns the bonus points.{% endif %}
#
# Two functions:
# - `make_model()`: a fresh model that maps contexts `(N, 3)` to logits `(N, 27)`. All of `torch.nn` is yours now: `nn.Embedding`, `nn.Flatten`, `nn.Linear`, `nn.BatchNorm1d`, `nn.Tanh`, `nn.Sequential`. Or take
#   classes of your own.
# - `train(model)`: a **generator** that takes one step after the other and `yield`s each step's loss as a float.
#
# The model is evaluated with `training` set to `False` everywhere, so BatchNorm then uses its running statistics; train with `model.train()`. When you submit, the first steps are repeated to see that the weights are yours:
# draw all randomness from torch's global generator. Running statistics count as numbers that the model holds.
#
# **A tiny example.** An embedding of 10 features, a layer of 100 units with BatchNorm and no bias, and an output layer hold 270 + 3,000 + 200 + 2,727 = 6,197 parameters. Each further layer of 100 units with its BatchNorm adds
# 10,200: how many fit into 200,000?
#
# <details><summary>Hint 1: the idea</summary>
#
# Linear, BatchNorm, tanh, and again. The linear layers before BatchNorm need no bias: it would be subtracted at once. Depth alone does not help much here, width does; and the
# learning rate should rise at first and end near zero.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# Contexts (n, 3), embedded (n, 3, d), flattened (n, 3 d), hidden (n, units), logits (n, 27). Batches of some hundred examples.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# optimiser = AdamW with weight decay;  schedule = OneCycleLR over STEPS steps
# for step in range(STEPS):
#     random batch;  loss = cross_entropy(model(contexts), targets)
#     gradients to None, backward, optimiser step, schedule step
#     yield loss.item()
# ```
#
# If train is far below test, the network learns names by heart: nn.Dropout between the layers, or more weight decay.
#
# </details>


# %% answer="train_deep"
STEPS = 4500  # how many steps train takes: change it as you like


def make_model() -> nn.Module:
    """A fresh deep model with BatchNorm, of at most 200,000 parameters."""
    ### BEGIN SOLUTION
    features, hidden = 24, 200
    layers = [nn.Embedding(27, features), nn.Flatten()]
    for fan_in in (3 * features, hidden, hidden):
        layers += [nn.Linear(fan_in, hidden, bias=False), nn.BatchNorm1d(hidden), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(hidden, 27))
    ### END SOLUTION


def train(model: nn.Module) -> Iterator[float]:
    """Train the model in place; yields the loss of each step."""
    ### BEGIN SOLUTION
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    steps = min(STEPS, 10 * len(Y_train) // 384)  # at most 10 times each row: few names would be learned by heart
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.01, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(Y_train), (384,))
        loss = F.cross_entropy(model(X_train[batch]), Y_train[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        yield loss.item()
    ### END SOLUTION


# %% fit="train_deep"
model = fit("train_deep", make_model, train, steps=STEPS)

# %% check="train_deep"
check_loss("train_deep")

# %% oracle="train_deep"
X, Y = names.contexts("test", 3)
model.eval()
with torch.no_grad():
    reached = F.cross_entropy(model(X), Y)
assert reached < -torch.xlogy(shares, shares).sum() - 0.3  # than what sees no context can end at
assert not names.known() or reached <= 2.09
example = nn.Sequential(nn.Embedding(27, 10), nn.Flatten(), nn.Linear(30, 100, bias=False), nn.BatchNorm1d(100), nn.Tanh(), nn.Linear(100, 27))
assert sum(p.numel() for p in example.parameters()) == 6197 == 270 + 3000 + 200 + 2727 and 100 * 100 + 200 == 10_200


# %% variant="train_deep"
class OwnLoop(nn.Sequential):
    """The same layers, called one by one."""

    def forward(self, contexts):
        x = contexts
        for layer in self:
            x = layer(x)
        return x


right_make_model = make_model


def make_model():
    return OwnLoop(*right_make_model())


# %% [markdown] exercise="fold_network"
# A network that is only used needs no BatchNorm at all. Write `fold_network(model)`. `model` is an `nn.Sequential` in evaluation, in which every `nn.BatchNorm1d` stands right behind an `nn.Linear`. Return an `nn.Sequential` **without** BatchNorm that gives the
# same outputs for every batch, also for a single row, and leave `model` itself as it is.
#
# - `nn.Linear` keeps its weights transposed: `layer.weight` is (fan_out, fan_in), and it computes `x @ layer.weight.T + layer.bias`. With `bias=False` the bias is `None`.
# - An `nn.BatchNorm1d` has `weight` ($\gamma$), `bias` ($\beta$), `running_mean`, `running_var` and an `eps` of its own.
# - All other layers, such as `nn.Tanh` or `nn.ReLU`, stay, and so does an `nn.Linear` with no BatchNorm behind it. There may be no activation behind a BatchNorm, and the last layer may be one.
# - All layers stand in `model` itself, none in an inner `nn.Sequential`.
#
# Linear, BatchNorm, Tanh, Linear, BatchNorm, Tanh, Linear becomes Linear, Tanh, Linear, Tanh, Linear.
#
# <details><summary>Hint 1: the idea</summary>
#
# Go through the layers in order. What does a BatchNorm have to know of the layer before it?
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Each unit has a factor, shape (fan_out,). In `layer.weight` a unit is a row.
#
# </details>
# <details><summary>Hint 3: the order</summary>
#
# Make a new nn.Linear of the same size, with a bias, and fill it under torch.no_grad() by what fold_batchnorm would say. It takes the place of both layers.
#
# </details>


# %% answer="fold_network"
def fold_network(model: nn.Sequential) -> nn.Sequential:
    """The same network in evaluation with every BatchNorm folded into the linear layer before it."""
    ### BEGIN SOLUTION
    layers = []
    for layer in model:
        if isinstance(layer, nn.BatchNorm1d):
            linear = layers.pop()
            folded = nn.Linear(linear.in_features, linear.out_features)
            with torch.no_grad():
                factor = layer.weight / (layer.running_var + layer.eps).sqrt()
                bias = torch.zeros_like(factor) if linear.bias is None else linear.bias
                folded.weight.copy_(linear.weight * factor[:, None])
                folded.bias.copy_((bias - layer.running_mean) * factor + layer.bias)
            layer = folded
        layers.append(layer)
    return nn.Sequential(*layers)
    ### END SOLUTION


# %%
def trained_network(g: torch.Generator) -> nn.Sequential:
    """Three hidden layers with BatchNorm, trained for 20 steps on what is drawn; square layers, so that a transpose shows in the values."""
    layers: list[nn.Module] = []
    without = int(torch.randint(3, (1,), generator=g))
    for number in range(3):
        layers += [nn.Linear(8, 8, bias=number != without), nn.BatchNorm1d(8, eps=0.05 + 0.05 * number), nn.Tanh()]
    model = nn.Sequential(*layers, nn.Linear(8, 5))
    x, y = torch.randn(64, 8, generator=g) + torch.randn(8, generator=g), torch.randint(5, (64,), generator=g)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=g) * 0.5 + 0.3 * (parameter.ndim == 1))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(20):
        optimiser.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimiser.step()
    return model.eval()


def mixed_network(g: torch.Generator) -> nn.Sequential:
    """Layers in another order: one linear layer without BatchNorm, a BatchNorm with nothing behind it and one at the end, two activations in a row, ReLU beside tanh."""
    first, alone, bare, last = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8, bias=False), nn.Linear(8, 8)
    norms = [nn.BatchNorm1d(8, eps=0.02 + 0.05 * number) for number in range(3)]
    model = nn.Sequential(first, norms[0], nn.ReLU(), alone, nn.Tanh(), bare, norms[1], nn.Linear(8, 8), nn.Tanh(), nn.ReLU(), last, norms[2])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=g) * 0.5 + 0.3 * (parameter.ndim == 1))
        for norm in norms:
            norm.running_mean.copy_(torch.randn(norm.num_features, generator=g) / 2)
            norm.running_var.copy_(0.5 + torch.rand(norm.num_features, generator=g))
    return model.eval()


def network_probe(g: torch.Generator):
    model, mixed, x = trained_network(g), mixed_network(g), 2 * torch.randn(6, 8, generator=g)
    before = {name: value.clone() for network in (model, mixed) for name, value in network.state_dict(prefix=f"{id(network)}.").items()}
    folded, folded_mixed = fold_network(model), fold_network(mixed)
    same = all(torch.equal(value, before[name]) for network in (model, mixed) for name, value in network.state_dict(prefix=f"{id(network)}.").items())
    left = sum(isinstance(layer, nn.BatchNorm1d) for network in (folded, folded_mixed) for layer in network.modules())
    facts = {"BatchNorms that are left": left, "the model that was given": "as it was" if same else "changed"}
    names = ("outputs", "output for a single row", "outputs of layers in another order")
    if left:
        return {**dict.fromkeys(names, "not asked for while a BatchNorm is left"), **facts}
    with torch.no_grad():
        return {**dict(zip(names, (folded(x), folded(x[:1] + 1), folded_mixed(x)))), **facts}


# %% check="fold_network"
check("fold_network", network_probe)

# %% oracle="fold_network"
for seed in range(5):
    g = torch.Generator().manual_seed(seed)
    whole, x = trained_network(g), 3 * torch.randn(9, 8, generator=g)
    small = fold_network(whole)
    torch.testing.assert_close(small(x), whole(x), rtol=1e-4, atol=1e-4)
    assert [type(layer) for layer in small] == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]
    mixed, before = mixed_network(g), 3 * torch.randn(9, 8, generator=g)
    torch.testing.assert_close(fold_network(mixed)(before), mixed(before), rtol=1e-4, atol=1e-4)
    assert len(fold_network(mixed)) == 9
model.eval()
torch.testing.assert_close(fold_network(model)(X_train[:50]), model(X_train[:50]), rtol=1e-3, atol=1e-3)


# %% mistake="fold_network" says="BatchNorm is still there: the model itself is returned, or not every BatchNorm is folded. What you return has linear layers, tanh, and no BatchNorm."
def fold_network(model):
    return model


# %% mistake="fold_network" says="The BatchNorms are left out, and nothing of them is in the linear layers. What each of them does has to go into the weights and the bias before it."
def fold_network(model):
    return nn.Sequential(*[layer for layer in model if not isinstance(layer, nn.BatchNorm1d)])


# %% mistake="fold_network" says="The factor of a unit scales a column of layer.weight. nn.Linear keeps its weights transposed: a unit is a row there."
def fold_network(model):
    layers = []
    for layer in model:
        if isinstance(layer, nn.BatchNorm1d):
            linear, factor = layers.pop(), (layer.weight / (layer.running_var + layer.eps).sqrt()).detach()
            folded = nn.Linear(linear.in_features, linear.out_features)
            bias = torch.zeros_like(factor) if linear.bias is None else linear.bias.detach()
            folded.weight.data = linear.weight.detach() * factor
            folded.bias.data = (bias - layer.running_mean) * factor + layer.bias.detach()
            layer = folded
        layers.append(layer)
    return nn.Sequential(*layers)


# %% mistake="fold_network" says="Your network is right, but the model that was given has changed too: its own layers were overwritten. Put the folded numbers into new layers."
def fold_network(model):
    layers = []
    for layer in model:
        if isinstance(layer, nn.BatchNorm1d):
            linear, factor = layers[-1], (layer.weight / (layer.running_var + layer.eps).sqrt()).detach()
            bias = torch.zeros_like(factor) if linear.bias is None else linear.bias.detach()
            linear.weight.data *= factor[:, None]
            linear.bias = nn.Parameter((bias - layer.running_mean) * factor + layer.bias.detach())
        else:
            layers.append(layer)
    return nn.Sequential(*layers)


# %% mistake="fold_network" says="eps is 1e-5 for every layer, or left out. Each BatchNorm has an eps of its own: layer.eps."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for layer in twin:
        if isinstance(layer, nn.BatchNorm1d):
            layer.eps = 1e-5
    return right_fold_network(twin)


# %% mistake="fold_network" says="The running means are not subtracted in your biases. What a BatchNorm subtracts, the new bias has to subtract, scaled like all the rest."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for layer in twin:
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean.zero_()
    return right_fold_network(twin)


# %% mistake="fold_network" says="The biases of the linear layers themselves are lost. Each passes through its BatchNorm like everything else, so it is in the new bias, scaled."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for linear, layer in zip(twin, list(twin)[1:]):
        if isinstance(layer, nn.BatchNorm1d) and linear.bias is not None:
            linear.bias.data.zero_()
    return right_fold_network(twin)


# %% mistake="fold_network" says="A linear layer made with bias=False has no bias, only None: nothing can be subtracted from that. Take zeros in its place." raises="TypeError"
def fold_network(model):
    for linear, layer in zip(model, list(model)[1:]):
        if isinstance(layer, nn.BatchNorm1d):
            linear.bias - layer.running_mean
    return model


# %% mistake="fold_network" says="The tanh layers are missing, so all your linear layers in a row are one. Only BatchNorm disappears; all else stays."
right_fold_network = fold_network


def fold_network(model):
    return nn.Sequential(*[layer for layer in right_fold_network(model) if not isinstance(layer, nn.Tanh)])


# %% mistake="fold_network" says="Where the linear layer has no bias, your new bias is the BatchNorm's bias alone. The running mean is subtracted there too, scaled: put zeros in place of the missing bias."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for linear, layer in zip(twin, list(twin)[1:]):
        if isinstance(layer, nn.BatchNorm1d) and linear.bias is None:
            layer.running_mean.zero_()
    return right_fold_network(twin)


# %% mistake="fold_network" says="The running mean is subtracted as it is, but BatchNorm subtracts it before it scales: it goes into the new bias with the factor."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for layer in twin:
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean *= ((layer.running_var + layer.eps).sqrt() / layer.weight).detach()
    return right_fold_network(twin)


# %% mistake="fold_network" says="gamma, the BatchNorm's weight, is left out of the factor: what it has learned of each unit's spread is lost."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for layer in twin:
        if isinstance(layer, nn.BatchNorm1d):
            layer.weight.data.fill_(1)
    return right_fold_network(twin)


# %% mistake="fold_network" says="beta, the BatchNorm's bias, is left out of the new bias. It is added after everything else, as it is."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for layer in twin:
        if isinstance(layer, nn.BatchNorm1d):
            layer.bias.data.zero_()
    return right_fold_network(twin)


# %% mistake="fold_network" says="You divide by the running variance plus eps. BatchNorm divides by the root of that: the square root is missing in your factor."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for layer in twin:
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_var, layer.eps = (layer.running_var + layer.eps) ** 2, 0.0
    return right_fold_network(twin)


# %% mistake="fold_network" says="Only the first BatchNorm is folded, and the others are left out. Do the same for each: what it does has to go into the linear layer before it."
right_fold_network = fold_network


def fold_network(model):
    layers = list(model)
    return nn.Sequential(*right_fold_network(nn.Sequential(*layers[:2])), *[layer for layer in layers[2:] if not isinstance(layer, nn.BatchNorm1d)])


# %% mistake="fold_network" says="A linear layer without a bias is made one without a bias again, so what its BatchNorm adds is lost there. The folded layer always has a bias."
right_fold_network = fold_network


def fold_network(model):
    layers = list(right_fold_network(model))
    linears = [(linear, following) for linear, following in zip(model, [*model][1:] + [None]) if isinstance(linear, nn.Linear)]
    for (linear, following), layer in zip(linears, [layer for layer in layers if isinstance(layer, nn.Linear)]):
        if isinstance(following, nn.BatchNorm1d) and linear.bias is None:
            layer.bias = None
    return nn.Sequential(*layers)


# %% mistake="fold_network" says="A tanh stands behind every folded layer, whatever stood there, or the other activations are dropped. All layers but the BatchNorms are taken over as they are."
right_fold_network = fold_network


def fold_network(model):
    layers = []
    for layer, following in zip(model, [*list(model)[1:], None]):
        if isinstance(layer, nn.Linear):
            folded = isinstance(following, nn.BatchNorm1d)
            layers += [*right_fold_network(nn.Sequential(layer, following)), nn.Tanh()] if folded else [layer]
    return nn.Sequential(*layers)


# %% mistake="fold_network" says="Every activation is a tanh in your network. Take each layer over as it is: there are others than nn.Tanh."
right_fold_network = fold_network


def fold_network(model):
    return nn.Sequential(*[nn.Tanh() if isinstance(layer, nn.ReLU) else layer for layer in right_fold_network(model)])


# %% mistake="fold_network" says="Only linear layers and tanh are taken over, and other activations are lost. Everything that is no BatchNorm stays."
right_fold_network = fold_network


def fold_network(model):
    return nn.Sequential(*[layer for layer in right_fold_network(model) if isinstance(layer, (nn.Linear, nn.Tanh))])


# %% mistake="fold_network" says="Linear layers with no BatchNorm behind them are lost in the middle of a network. Only BatchNorm disappears: take over every layer that is not folded."
right_fold_network = fold_network


def fold_network(model):
    kept = [layer for layer, following in zip(model, [*list(model)[1:], None]) if not isinstance(layer, nn.Linear) or following is None or isinstance(following, nn.BatchNorm1d)]
    return right_fold_network(nn.Sequential(*kept))


# %% mistake="fold_network" says="Your loop goes in steps of three, as if behind every linear layer stood a BatchNorm and an activation. A layer may stand without either: look at what each layer is." raises="AttributeError"
def fold_network(model):
    layers, folded = list(model), []
    for i in range(0, len(layers) - 1, 3):
        linear, norm, activation = layers[i], layers[i + 1], layers[i + 2]
        new = nn.Linear(linear.in_features, linear.out_features)
        with torch.no_grad():
            factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            bias = torch.zeros_like(factor) if linear.bias is None else linear.bias
            new.weight.copy_(linear.weight * factor[:, None])
            new.bias.copy_((bias - norm.running_mean) * factor + norm.bias)
        folded += [new, activation]
    return nn.Sequential(*folded, layers[-1])


# %% mistake="fold_network" says="eps is added after the root in your factor. BatchNorm adds it to the variance, under the root."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for layer in twin:
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_var, layer.eps = (layer.running_var.sqrt() + layer.eps) ** 2, 0.0
    return right_fold_network(twin)


# %% mistake="fold_network" says="All layers are folded with the eps of the first BatchNorm. Each has an eps of its own."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    norms = [layer for layer in twin if isinstance(layer, nn.BatchNorm1d)]
    for layer in norms:
        layer.eps = norms[0].eps
    return right_fold_network(twin)


# %% mistake="fold_network" says="The running mean is added to the new bias. BatchNorm subtracts it."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for layer in twin:
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean.neg_()
    return right_fold_network(twin)


# %% mistake="fold_network" says="The linear layer's own bias is added as it is. It passes through the BatchNorm like x @ W, and so is scaled by the factor."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for linear, layer in zip(twin, list(twin)[1:]):
        if isinstance(layer, nn.BatchNorm1d) and linear.bias is not None:
            linear.bias.data *= ((layer.running_var + layer.eps).sqrt() / layer.weight).detach()
    return right_fold_network(twin)


# %% mistake="fold_network" says="The BatchNorm's own bias is scaled by the factor too. It is added after everything else, as it is."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for layer in twin:
        if isinstance(layer, nn.BatchNorm1d):
            layer.bias.data *= (layer.weight / (layer.running_var + layer.eps).sqrt()).detach()
    return right_fold_network(twin)


# %% mistake="fold_network" says="The weight and the bias of each BatchNorm have changed places: its weight, gamma, scales, and its bias, beta, is added."
right_fold_network = fold_network


def fold_network(model):
    import copy

    twin = copy.deepcopy(model)
    for layer in twin:
        if isinstance(layer, nn.BatchNorm1d):
            layer.weight, layer.bias = layer.bias, layer.weight
    return right_fold_network(twin)


# %% mistake="fold_network" says="The new biases are right, but the weights are the old ones. The factor of each unit scales its row of layer.weight as well."
right_fold_network = fold_network


def fold_network(model):
    folded = right_fold_network(model)
    with torch.no_grad():
        for old, new in zip([layer for layer in model if isinstance(layer, nn.Linear)], [layer for layer in folded if isinstance(layer, nn.Linear)]):
            new.weight.copy_(old.weight)
    return folded


# %% mistake="fold_network" says="The weights are right, but the folded layers keep the old biases. The running mean, the factor and the BatchNorm's bias belong in them."
right_fold_network = fold_network


def fold_network(model):
    folded = right_fold_network(model)
    with torch.no_grad():
        for old, new in zip([layer for layer in model if isinstance(layer, nn.Linear)], [layer for layer in folded if isinstance(layer, nn.Linear)]):
            new.bias.copy_(torch.zeros_like(new.bias) if old.bias is None else old.bias)
    return folded


# %% variant="fold_network"
def fold_network(model):
    from torch.nn.utils.fusion import fuse_linear_bn_eval

    layers = list(model)
    for place in reversed(range(len(layers))):
        if isinstance(layers[place], nn.BatchNorm1d):
            layers[place - 1 : place + 1] = [fuse_linear_bn_eval(layers[place - 1], layers[place])]
    return nn.Sequential(*layers)


# %% [markdown]
# Your deep network, folded. (Nothing is printed before it is trained and `fold_network` is written.)

# %%
if isinstance(globals().get("model"), nn.Sequential):
    model.eval()
    plain = attempt(fold_network, model)
    if isinstance(plain, nn.Module):
        with torch.no_grad():
            off = (plain(X_train[:1000]) - model(X_train[:1000])).abs().max()
        print(f"{len(model)} layers became {len(plain)}; on 1,000 contexts no logit differs by more than {off:.1g}")

# %% [markdown]
# ### Names from your network
#
# Twenty names, letter by letter. (Nothing is printed before it is trained.)


# %%
def sample(model, g: torch.Generator) -> str:
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
if globals().get("model"):  # there is no model before fit has made one
    print(", ".join(sample(model, g) for _ in range(20)))

# %% [markdown]
# ## What you did
#
# You measured saturation, found the scale of initial weights that keeps activations alive through thirty layers, and drew the three pictures that show where a network is ill. You wrote BatchNorm for training and for
# evaluation, and made it vanish into a linear layer, and then from a whole network. You saw a network that learns with one parameter only, and trained a deep one. The next lecture goes through such a network backwards, by hand.
