# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% author
from autograder.commands.script import run

run(__name__, globals())

# %% [markdown]
# # Lecture 0: autograd from scratch
#
# A neural network learns by asking of each of its numbers: if this one were a little larger, would the loss rise or fall, and how fast? The answers are
# derivatives, and **autograd** is the program that finds them all at once. This notebook builds one for single numbers and trains a
# small network with it. Afterwards you will be able to
#
# - find a derivative on paper, measure it with a small step, and say which of the two to trust how far;
# - write a `Value`, a number that remembers how it was computed;
# - carry a gradient backwards through any expression, in the right order, adding up wherever a value was used more than once;
# - put neurons, layers and a multi-layer perceptron together from such numbers and train it by gradient descent;
# - do the same in PyTorch, and know what `loss.backward()` does.
#
# Every exercise stands alone: what it builds on is given, so that a gap in one does not cost another. A function leaves
# what it is given as it was, unless its text says otherwise: what the caller still needs is copied before it is changed.
#
# **Notation.** `x.data` is the number that a node of an expression holds, `x.grad` the derivative of the final result with respect to that node. In prose
# that derivative is $\partial L / \partial x$, where $L$ is the final result; when we train, $L$ is the loss.

# %%
import contextlib
import inspect
import math
import random
import re
import sys
import types
from collections.abc import Callable
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
from jaxtyping import Float
from torch import Tensor

from autograder import check

# %% [markdown]
# ## What a derivative is
#
# Take $f(x) = 3x^2 - 4x + 5$ at $x = 3$. Step a little to the right, by $h$, and see how far $f$ rises: the rise divided by the step is the slope of a line through two
# points of the curve. The smaller the step, the closer that line comes to the tangent, and its slope to the derivative $f'(3) = 6 \cdot 3 - 4 = 14$.


# %%
def parabola(x: float) -> float:
    """3 x^2 - 4 x + 5."""
    return 3 * x**2 - 4 * x + 5


figure, axes = plt.subplots(figsize=(6, 3.6))
xs = [x / 20 for x in range(-20, 105)]
axes.plot(xs, [parabola(x) for x in xs], color="#4477aa")
for h, color in ((2.0, "#ccbb44"), (1.0, "#ee8866"), (0.001, "#cc3311")):
    slope = (parabola(3 + h) - parabola(3)) / h
    print(f"h = {h:<6g} slope = {slope:.3f}")
    line = [1.0, 5.2]
    axes.plot(line, [parabola(3) + slope * (x - 3) for x in line], color=color, linewidth=1, label=f"h = {h:g}")
axes.plot([3], [parabola(3)], "o", color="black")
axes.set_xlabel("x")
axes.set_title("A slope through two points becomes the tangent")
axes.legend()
plt.show()

# %% [markdown] exercise="gradient_by_hand"
# A function of several numbers has one derivative for each of them: the others are held still. All of them together are the **gradient**. Find that of
#
# $$f(a, b, c) = -a^3 + \sin 3b - \frac1c + b^{2.5} - a^{0.5}$$
#
# on paper, then write `gradient_by_hand(a, b, c)`, which returns $[\partial f/\partial a,\ \partial f/\partial b,\ \partial f/\partial c]$ as three floats. Each of them earns its own share.
# Six digits have to be right: formulas give them, the slope over a small step to the right does not.
#
# At $(2, 3, 4)$ the gradient is $[-12.353553390593273,\ 10.25699027111255,\ 0.0625]$: raise $a$ a little and $f$ falls twelve times as fast, raise $c$ and hardly anything
# happens.
#
# <details><summary>Hint 1: the idea</summary>
#
# Go term by term. A term in which the letter does not occur does not change when the letter does: its derivative is 0.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Two terms contain $a$, two contain $b$, one contains $c$. A list of three floats, with `math.sin`, `math.cos`, `**`.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# x ** p     : p * x ** (p - 1), for any p, also 0.5 and 2.5
# 1 / x      : that is x ** -1
# sin(k * x) : cos(k * x), times the derivative of what stands inside
# ```
#
# </details>


# %% answer="gradient_by_hand"
def gradient_by_hand(a: float, b: float, c: float) -> list[float]:
    """[df/da, df/db, df/dc] of f(a, b, c) = -a^3 + sin 3b - 1/c + b^2.5 - a^0.5; a, b, c are positive."""
    ### BEGIN SOLUTION
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]
    ### END SOLUTION


# %% check="gradient_by_hand"
def by_hand_probe(g: torch.Generator):
    points = 0.5 + 3 * torch.rand(4, 3, generator=g, dtype=torch.float64)
    points = (points * torch.tensor([[1.0], [1.0], [0.1], [4.0]], dtype=torch.float64)).tolist()  # one close to zero, one far away
    found = [[float(slope) for slope in gradient_by_hand(a, b, c)] for a, b, c in points]
    return dict(zip(("df/da", "df/db", "df/dc"), map(list, zip(*found))))


check("gradient_by_hand", by_hand_probe)

# %% oracle="gradient_by_hand"
assert gradient_by_hand(2, 3, 4) == [-12.353553390593273, 10.25699027111255, 0.0625]
for seed in range(50):
    leaves = (0.5 + 3 * torch.rand(3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).requires_grad_()
    a, b, c = leaves
    (-(a**3) + torch.sin(3 * b) - 1 / c + b**2.5 - a**0.5).backward()
    torch.testing.assert_close(torch.tensor(gradient_by_hand(*leaves.tolist()), dtype=torch.float64), leaves.grad)
assert abs((parabola(3.001) - parabola(3)) / 0.001 - 14.003) < 1e-9 and 6 * 3 - 4 == 14


# %% mistake="gradient_by_hand" says="The inner derivative of sin 3b is lost: as b moves, 3b moves three times as fast. Use the chain rule on that term of df/db."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="The sign of df/dc is wrong. Write 1/c as a power of c and count the minus signs: one stands before the term, one comes from the rule."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, -1 / c**2]


# %% mistake="gradient_by_hand" says="In the term with b to the power 2.5 the exponent went down by one, but it did not come down as a factor. Apply both halves of the power rule."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="The derivative of the sine has the wrong sign: it is the derivative of the cosine that brings a minus. Check what the sine does just to the right of 0."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, -3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="The root of a has the wrong sign in df/da: it is subtracted in f, and so is its derivative. Look at that term again."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 + 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="The root of a is missing in df/da: a occurs in two terms of f. Go through f once more, letter by letter."
def gradient_by_hand(a, b, c):
    return [-3 * a**2, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/dc the power of c did not change: the derivative of 1/c falls faster than 1/c itself. Write it as c to the power -1 and use the power rule."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c]


# %% mistake="gradient_by_hand" says="Python takes the power first: in df/db, b ** 2.5 - 1 is 1 less than b ** 2.5. Put the whole exponent into brackets, or write it as one number."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**2.5 - 1, 1 / c**2]


# %% mistake="gradient_by_hand" says="Python takes the power before the division: in df/da, a ** -1 / 2 is half of 1/a. Put the exponent into brackets, or write it as one number."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-1 / 2, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="These are the numbers of the example, the gradient at (2, 3, 4), wherever the point is. Write the three formulas with a, b and c in them."
def gradient_by_hand(a, b, c):
    return [-12.353553390593273, 10.25699027111255, 0.0625]


# %% mistake="gradient_by_hand" says="The cosine is taken of b: only the outer function is differentiated, what stands inside of it, 3b, stays inside. Look at the sine's term in df/db."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="The cube of a has the wrong sign in df/da: it is subtracted in f, and so is its derivative. Look at that term again."
def gradient_by_hand(a, b, c):
    return [3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In the term with b to the power 2.5 the exponent came down as a factor, but did not go down by one. Apply both halves of the power rule."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**2.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In the root of a, the power 0.5, the exponent came down as a factor, but did not go down by one: it becomes negative. Look at df/da again."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/dc stands minus the logarithm of c. Its derivative is -1/c, so you went the other way and integrated. Differentiate -1/c: write it as a power of c."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, -math.log(c)]


# %% mistake="gradient_by_hand" says="In df/dc stands the logarithm of c. Its derivative is 1/c, but asked for is the derivative of minus 1/c: write that as a power of c and use the power rule."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, math.log(c)]


# %% mistake="gradient_by_hand" says="Your df/dc is 0, as if c did not occur in f. The third term, 1/c, changes when c does: write it as a power of c and differentiate it."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 0.0]


# %% mistake="gradient_by_hand" says="In df/dc the power of c went down too far. 1/c is c to the power -1; the rule takes 1 from this exponent, once. Count it again."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**3]


# %% mistake="gradient_by_hand" says="Your df/dc is 1 wherever c is. Either the term was taken for c itself, or Python went from left to right: 1 / c * c divides first. Write 1/c as a power of c, and mind the brackets."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1.0]


# %% mistake="gradient_by_hand" says="In df/db the sine's term is multiplied by 3b. What stands inside of the sine is to be differentiated as well: how fast does 3b grow as b does?"
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * b * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="The angle was turned from degrees into radians, but it is a plain number here: `math.cos` takes radians. Hand it 3b as it is."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(math.radians(3 * b)) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/db the cosine has become a sine: the derivative of the sine is the cosine. Look at the sine's term again."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.sin(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In the root of a, the power 0.5, the exponent went down by one, but did not come down as a factor. Look at df/da again."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/da the cube lost its factor: the exponent 3 goes down by one and also comes down in front. Look at that term again."
def gradient_by_hand(a, b, c):
    return [-(a**2) - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="Python takes the power before the division: in df/db, b ** 3 / 2 is half of the cube of b. Put the exponent into brackets, or write it as one number."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**3 / 2, 1 / c**2]


# %% mistake="gradient_by_hand" says="These are slopes over a step of 0.01 to the right, so only the first digits are right. Differentiate the five terms by the rules and write the formulas."
def gradient_by_hand(a, b, c):
    def f(a, b, c):
        return -(a**3) + math.sin(3 * b) - 1 / c + b**2.5 - a**0.5

    h, here = 0.01, f(a, b, c)
    return [(f(a + h, b, c) - here) / h, (f(a, b + h, c) - here) / h, (f(a, b, c + h) - here) / h]


# %% mistake="gradient_by_hand" says="These are slopes over a step of 0.001 to the right, so only the first digits are right. Differentiate the five terms by the rules and write the formulas."
def gradient_by_hand(a, b, c):
    def f(a, b, c):
        return -(a**3) + math.sin(3 * b) - 1 / c + b**2.5 - a**0.5

    h, here = 0.001, f(a, b, c)
    return [(f(a + h, b, c) - here) / h, (f(a, b + h, c) - here) / h, (f(a, b, c + h) - here) / h]


# %% mistake="gradient_by_hand" says="These are slopes over a step of 0.0001 to the right, so only the first digits are right. Differentiate the five terms by the rules and write the formulas."
def gradient_by_hand(a, b, c):
    def f(a, b, c):
        return -(a**3) + math.sin(3 * b) - 1 / c + b**2.5 - a**0.5

    h, here = 0.0001, f(a, b, c)
    return [(f(a + h, b, c) - here) / h, (f(a, b + h, c) - here) / h, (f(a, b, c + h) - here) / h]


# %% mistake="gradient_by_hand" says="These are slopes over a step of 0.00001 to the right, so only the first digits are right. Differentiate the five terms by the rules and write the formulas."
def gradient_by_hand(a, b, c):
    def f(a, b, c):
        return -(a**3) + math.sin(3 * b) - 1 / c + b**2.5 - a**0.5

    h, here = 0.00001, f(a, b, c)
    return [(f(a + h, b, c) - here) / h, (f(a, b + h, c) - here) / h, (f(a, b, c + h) - here) / h]


# %% mistake="gradient_by_hand" says="In df/db the cosine is divided by 3, as if you went the other way, to the integral. As b moves, 3b moves three times as fast: what does that do to the slope?"
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, math.cos(3 * b) / 3 + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/da the root of a became half of a itself. The power 0.5 comes down as a factor and goes down by one, to minus a half. Look at that term again."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/da the exponent of the cube came down as a factor, but did not go down by one. Apply both halves of the power rule."
def gradient_by_hand(a, b, c):
    return [-3 * a**3 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/db the power 2.5 went down by two, to 0.5. The rule takes 1 from the exponent, once."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**0.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/db the power of b is 2, which is 2.5 cut off or lowered by a half. The rule takes 1 from the exponent: that leaves 1.5."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**2, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/db the term with b to the power 2.5 is missing: b occurs in two terms of f. Go through f once more, letter by letter."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b), 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/db the sine's term is missing: b stands inside of the sine as well. Go through f once more, letter by letter."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/da the cube is missing: a occurs in two terms of f. Go through f once more, letter by letter."
def gradient_by_hand(a, b, c):
    return [-0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 1 / c**2]


# %% mistake="gradient_by_hand" says="In df/dc stands half of what is expected, as of a root or of c squared. Write 1/c as c to the power -1: which factor comes down?"
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, 0.5 / c**2]


# %% mistake="gradient_by_hand" says="Your df/dc is 1/c itself with its minus: the term was copied, not differentiated. Write it as a power of c and use the power rule."
def gradient_by_hand(a, b, c):
    return [-3 * a**2 - 0.5 * a**-0.5, 3 * math.cos(3 * b) + 2.5 * b**1.5, -1 / c]


# %% variant="gradient_by_hand"
def gradient_by_hand(a, b, c):
    point = torch.tensor([a, b, c], dtype=torch.float64)
    powers = point ** torch.tensor([2.0, 1.5, -2.0])
    factors = torch.tensor([-3, 2.5, 1.0])
    rest = torch.stack([-0.5 / point[0].sqrt(), 3 * (3 * point[1]).cos(), torch.zeros(())])
    return factors * powers + rest


# %% [markdown]
# ## Measuring a derivative
#
# A derivative on paper can be wrong. A derivative by measurement needs no rules at all: move one input a little and see what the function does. You will use this to
# check every gradient you ever derive.

# %% [markdown] exercise="forward_difference"
# Write `forward_difference(f, point, h)`. `f` is any function of as many numbers as `point` has; call it as `f(*point)`. Return a list with one slope for each coordinate:
# move **that one alone** by `h` to the right, and divide the rise of `f` by `h`.
#
# For $f(x, y) = x^2 y$ at $(3, 2)$ with $h = 0.5$: $[(24.5 - 18)/0.5,\ (22.5 - 18)/0.5] = [13, 9]$. The exact gradient is $[12, 9]$; in $y$ the function is a straight line, so there a large step
# does no harm.
#
# <details><summary>Hint 1: the idea</summary>
#
# One measurement for each coordinate, and each of them starts at the same point.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# As many floats as the point has. `f` is called once at the point and once for each coordinate.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# here = f at the point
# for each coordinate i:
#     moved = a fresh copy of the point, with h added to its element i
#     slope i = (f at moved - here) / h
# ```
#
# </details>


# %% answer="forward_difference"
def forward_difference(f: Callable[..., float], point: list[float], h: float) -> list[float]:
    """The slope of f at the point along each coordinate, by one step of size h to the right."""
    ### BEGIN SOLUTION
    here, slopes = f(*point), []
    for i in range(len(point)):
        moved = list(point)
        moved[i] += h
        slopes.append((f(*moved) - here) / h)
    return slopes
    ### END SOLUTION


# %% [markdown]
# The checks of this and the next exercise draw functions that you have not seen, of one to five variables, each with a point and a step; coordinates may be negative, and two of them equal. Each row of the check earns its own share.


# %%
def random_function(g: torch.Generator, count: int, step: float = 0.01) -> tuple[Callable[..., float], list[float], float]:
    """A function in which every coordinate bends it and every pair of them interacts; a point; a step of one to five times the given one.

    The first coordinate of the point is negative, the second larger than 1; of three or more the last is the same number as the first.
    """
    bends = (0.5 + 1.5 * torch.rand(count, generator=g, dtype=torch.float64)).tolist()
    bends[0] = -bends[0]  # of one variable it falls everywhere
    pairs = 0.5 + 1.5 * torch.rand(count, count, generator=g, dtype=torch.float64)
    pairs = (pairs * (2 * torch.randint(2, (count, count), generator=g) - 1)).tolist()

    def f(*x: float) -> float:
        if len(x) != count:
            raise TypeError(f"f takes {count} numbers, as in f(*point), and was given {len(x)}")
        mixed = sum(pairs[i][j] * x[i] * x[j] for i in range(count) for j in range(i))
        return mixed + sum(bend * math.exp(v) for bend, v in zip(bends, x))

    point = 2 * torch.rand(count, generator=g, dtype=torch.float64) - 1
    point[0], point[1:2] = -point[0].abs() - 0.01, point[1:2].abs() + 1.01
    if count > 2:
        point[-1] = point[0]
    return f, point.tolist(), step * (1 + 4 * float(torch.rand(1, generator=g, dtype=torch.float64)))


def slopes_of(difference: Callable, g: torch.Generator) -> dict[str, list[float]]:
    """What a difference finds of four functions, with steps of all lengths."""

    def slopes(count: int, step: float) -> list[float]:
        return [float(slope) for slope in difference(*random_function(g, count, step))]

    return {"1 and 2 variables": slopes(1, 0.01) + slopes(2, 0.01), "3 variables": slopes(3, 0.1), "5 variables": slopes(5, 0.001)}


# %% check="forward_difference"
check("forward_difference", lambda g: slopes_of(forward_difference, g))

# %% oracle="forward_difference"
assert forward_difference(lambda x, y: x**2 * y, [3.0, 2.0], 0.5) == [13.0, 9.0]
point = [2.0, 3.0, 4.0]
f = lambda a, b, c: -(a**3) + math.sin(3 * b) - 1 / c + b**2.5 - a**0.5
for h in (1e-3, 1e-4):
    assert all(abs(m - e) < 20 * h for m, e in zip(forward_difference(f, point, h), [-12.353553390593273, 10.25699027111255, 0.0625]))
assert point == [2.0, 3.0, 4.0]


# %% mistake="forward_difference" says="The step goes away from zero: where a coordinate is negative, to the left. It is asked for to the right everywhere."
def forward_difference(f: Callable[..., float], point: list[float], h: float) -> list[float]:
    here = f(*point)
    slopes = []
    for i, x in enumerate(point):
        step = math.copysign(h, x)
        moved = list(point)
        moved[i] = x + step
        slopes.append((f(*moved) - here) / step)
    return slopes


# %% mistake="forward_difference" says="The moved point goes through float32 and keeps seven digits, and the division by a small h makes its rounding large. Stay with Python's numbers, or float64."
def forward_difference(f: Callable[..., float], point: list[float], h: float) -> list[float]:
    moved = torch.tensor(point).repeat(len(point), 1) + h * torch.eye(len(point))
    here = f(*point)
    return [(f(*row.tolist()) - here) / h for row in moved]


# %% mistake="forward_difference" says="Your step grows with the size of the coordinate. Move every coordinate by h, as it was given, and divide by h."
def forward_difference(f, point, h):
    here, slopes = f(*point), []
    for i, x in enumerate(point):
        step = h * max(1.0, abs(x))
        slopes.append((f(*(v + step * (i == j) for j, v in enumerate(point))) - here) / step)
    return slopes


# %% mistake="forward_difference" says="This is the rise itself: it shrinks with the step. A slope is the rise divided by the length of the step."
def forward_difference(f, point, h):
    return [f(*(x + h * (i == j) for j, x in enumerate(point))) - f(*point) for i in range(len(point))]


# %% mistake="forward_difference" says="The first slope is right and the later ones are not: the coordinates before them are still moved. Start every measurement from a fresh copy of the point."
def forward_difference(f, point, h):
    here, moved, slopes = f(*point), list(point), []
    for i in range(len(point)):
        moved[i] += h
        slopes.append((f(*moved) - here) / h)
    return slopes


# %% mistake="forward_difference" says="The later coordinates are measured from the place where the earlier steps have led, not from the point itself. Set each coordinate back before you move the next."
def forward_difference(f, point, h):
    moved, slopes = list(point), []
    for i in range(len(point)):
        before = f(*moved)
        moved[i] += h
        slopes.append((f(*moved) - before) / h)
    return slopes


# %% mistake="forward_difference" says="You step to the left: this is the backward difference. It is no worse, but asked for is the rise from the point to a place h further right."
def forward_difference(f, point, h):
    return [(f(*point) - f(*(x - h * (i == j) for j, x in enumerate(point)))) / h for i in range(len(point))]


# %% mistake="forward_difference" says="All slopes are negated: you subtract the value after the step from the value before it. The rise is after minus before."
def forward_difference(f, point, h):
    return [(f(*point) - f(*(x + h * (i == j) for j, x in enumerate(point)))) / h for i in range(len(point))]


# %% mistake="forward_difference" says="You move all coordinates at once and get one slope for all of them. A partial derivative moves one coordinate and holds the others still."
def forward_difference(f, point, h):
    return [(f(*(x + h for x in point)) - f(*point)) / h] * len(point)


# %% mistake="forward_difference" says="Only the second value is divided by h: a division comes before a difference. Put the difference into brackets, then divide."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [at(i, h) - at(i, 0.0) / h for i in range(len(point))]


# %% mistake="forward_difference" says="You step by 0.0001, as the lecture does, whatever `h` is. Step by the number that your function is given, and divide by it."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, 0.0001) - at(i, 0.0)) / 0.0001 for i in range(len(point))]


# %% mistake="forward_difference" says="You step by a millionth, whatever `h` is. Your slopes are close to the exact ones, but asked for are those of the step that is given."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, 0.000001) - at(i, 0.0)) / 0.000001 for i in range(len(point))]


# %% mistake="forward_difference" says="You look to both sides: this is the central difference, the next exercise. Asked for is the rise from the point itself to a place `h` to the right."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, -h)) / (2 * h) for i in range(len(point))]


# %% mistake="forward_difference" says="`f` is given the whole list as one argument. It takes as many numbers as the point has: a star in front of the list, `f(*point)`, hands them over one by one." raises="TypeError"
def forward_difference(f, point, h):
    return [(f([x + h * (i == j) for j, x in enumerate(point)]) - f(point)) / h for i in range(len(point))]


# %% mistake="forward_difference" says="Your step is h times the coordinate: another length for each, and to the left where a coordinate is negative. Add h itself, whatever the coordinate is."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h * point[i]) - at(i, 0.0)) / h for i in range(len(point))]


# %% mistake="forward_difference" says="Each coordinate moves by h times itself, and the rise is divided by that. The step has the same length for all of them: add h itself, and divide by h."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h * point[i]) - at(i, 0.0)) / (h * point[i]) for i in range(len(point))]


# %% mistake="forward_difference" says="Your slopes are half as steep as they should be: you divide by 2h, as for a look to both sides. From the point to the place on its right it is h."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, 0.0)) / (2 * h) for i in range(len(point))]


# %% mistake="forward_difference" says="The rise is divided by the value of f at the point as well, which makes a share of it. A slope is the rise divided by h alone."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, 0.0)) / h / at(i, 0.0) for i in range(len(point))]


# %% mistake="forward_difference" says="You multiply the rise by h. A slope is the rise divided by the length of the step: the shorter the step, the smaller the rise."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, 0.0)) * h for i in range(len(point))]


# %% mistake="forward_difference" says="Each coordinate is looked up by its number, as with `point.index`. Where two coordinates are equal the first one moves twice and the other never. Count the places instead."
def forward_difference(f, point, h):
    here, slopes = f(*point), []
    for number in point:
        moved = list(point)
        moved[point.index(number)] += h
        slopes.append((f(*moved) - here) / h)
    return slopes


# %% mistake="forward_difference" says="Every coordinate that has the same number is moved along. Two coordinates may be equal: move the one at its place, and hold the other still."
def forward_difference(f, point, h):
    here = f(*point)
    return [(f(*(x + h if x == number else x for x in point)) - here) / h for number in point]


# %% mistake="forward_difference" says="Your slopes have no sign: where f falls, the slope is negative. Leave out `abs`, and subtract the value at the point from the value after the step."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [abs(at(i, h) - at(i, 0.0)) / h for i in range(len(point))]


# %% mistake="forward_difference" says="Your slopes are rounded to a few digits. Return what the division gives."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [round((at(i, h) - at(i, 0.0)) / h, 4) for i in range(len(point))]


# %% mistake="forward_difference" says="You step by 0.001, as in the picture above, whatever `h` is. Step by the number that your function is given, and divide by it."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, 0.001) - at(i, 0.0)) / 0.001 for i in range(len(point))]


# %% mistake="forward_difference" says="Only the first two coordinates get a slope. `point` has as many as it has, not always the two of the example: go through all of them."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, 0.0)) / h for i in range(min(2, len(point)))]


# %% mistake="forward_difference" says="The last coordinate gets no slope. Look at where your loop over the coordinates ends."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, 0.0)) / h for i in range(len(point) - 1)]


# %% mistake="forward_difference" says="The slopes of all coordinates are added up to one number. Return a list with a slope for each coordinate."
def forward_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [sum((at(i, h) - at(i, 0.0)) / h for i in range(len(point)))]


# %% variant="forward_difference"
def forward_difference(f, point, h):
    steps = h * torch.eye(len(point), dtype=torch.float64)
    there = [f(*row) for row in (torch.tensor(point, dtype=torch.float64) + steps).tolist()]
    return (torch.tensor(there, dtype=torch.float64) - f(*point)) / h


# %% [markdown] exercise="central_difference"
# The forward difference looks to one side only, so a bend of the function goes straight into its error. Look to both sides, and most of the bend cancels.
# Write `central_difference(f, point, h)`. For each coordinate, take `f` at `h` to the right and at `h` to the left, and divide the difference by the distance of these two places.
#
# For $f(x, y) = x^2 y$ at $(3, 2)$ with $h = 0.5$: $[(24.5 - 12.5)/1,\ (22.5 - 13.5)/1] = [12, 9]$, exact, although the step is large: of a parabola the central difference has no error at all.
# Of other functions it has one of the order of $h^2$, where the forward difference has one of the order of $h$: ten times finer steps make it a hundred times better.
#
# <details><summary>Hint 1: the idea</summary>
#
# As before, but the point itself is not needed: only its two neighbours.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# As many floats as the point has; `f` is called twice for each. How far are the two neighbours from each other?
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# for each coordinate i:
#     right = a fresh copy of the point with h added to element i
#     left  = a fresh copy of the point with h taken from element i
#     slope i = (f at right - f at left) / (distance from left to right)
# ```
#
# </details>


# %% answer="central_difference"
def central_difference(f: Callable[..., float], point: list[float], h: float) -> list[float]:
    """The slope of f at the point along each coordinate, from one step of size h to either side."""
    ### BEGIN SOLUTION
    slopes = []
    for i in range(len(point)):
        right, left = list(point), list(point)
        right[i] += h
        left[i] -= h
        slopes.append((f(*right) - f(*left)) / (2 * h))
    return slopes
    ### END SOLUTION


# %% check="central_difference"
check("central_difference", lambda g: slopes_of(central_difference, g))

# %% oracle="central_difference"
assert central_difference(lambda x, y: x**2 * y, [3.0, 2.0], 0.5) == [12.0, 9.0]
f, exact = lambda a, b, c: -(a**3) + math.sin(3 * b) - 1 / c + b**2.5 - a**0.5, [-12.353553390593273, 10.25699027111255, 0.0625]
for measure, order in ((forward_difference, 10), (central_difference, 100)):  # what a ten times finer step does to the error
    coarse, fine = (sum(abs(m - e) for m, e in zip(measure(f, [2.0, 3.0, 4.0], h), exact)) for h in (1e-2, 1e-3))
    assert 0.95 < coarse / fine / order < 1.05
for seed in range(20):
    f, point, h = random_function(torch.Generator().manual_seed(seed), 2 + seed % 3)
    one = forward_difference(f, point, h)
    other = forward_difference(f, point, -h)
    both = torch.tensor(central_difference(f, point, h), dtype=torch.float64)
    torch.testing.assert_close(both, (torch.tensor(one, dtype=torch.float64) + torch.tensor(other, dtype=torch.float64)) / 2)


# %% mistake="central_difference" says="All coordinates are moved to the left at once, and the slope is measured from there. Only the coordinate that is measured may move."
def central_difference(f: Callable[..., float], point: list[float], h: float) -> list[float]:
    left = [x - h for x in point]
    here = f(*left)
    slopes = []
    for i in range(len(left)):
        right = left.copy()
        right[i] += 2 * h
        slopes.append((f(*right) - here) / (2 * h))
    return slopes


# %% mistake="central_difference" says="Your step grows with the size of the coordinate. Move every coordinate by h, as it was given, to both sides."
def central_difference(f, point, h):
    slopes = []
    for i, x in enumerate(point):
        step = h * max(1.0, abs(x))
        right, left = (f(*(v + s * (i == j) for j, v in enumerate(point))) for s in (step, -step))
        slopes.append((right - left) / (2 * step))
    return slopes


# %% mistake="central_difference" says="Your slopes are twice as steep as they should be: from h to the left to h to the right it is not h. Divide by the distance between the two places."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, -h)) / h for i in range(len(point))]


# %% mistake="central_difference" says="Python reads / 2 * h from left to right: it halves and then multiplies by h. Put what you divide by into brackets."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, -h)) / 2 * h for i in range(len(point))]


# %% mistake="central_difference" says="This is the difference of the two values and no slope yet. Divide it by how far the two places are apart."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [at(i, h) - at(i, -h) for i in range(len(point))]


# %% mistake="central_difference" says="This is still the forward difference, with its error of the order of h. Look at f on both sides of the point."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, 0.0)) / h for i in range(len(point))]


# %% mistake="central_difference" says="The first slope is right and the later ones are slightly off: each coordinate stays h to the left of where it was. Put it back, or take a fresh copy each time."
def central_difference(f, point, h):
    moved, slopes = list(point), []
    for i in range(len(point)):
        moved[i] += h
        right = f(*moved)
        moved[i] -= 2 * h
        slopes.append((right - f(*moved)) / (2 * h))
    return slopes


# %% mistake="central_difference" says="The first slope is right and the later ones are not: in one of the two places the earlier coordinates are still moved. Make both copies afresh for each coordinate."
def central_difference(f, point, h):
    right, left, slopes = list(point), list(point), []
    for i in range(len(point)):
        right[i] += h
        left[i] -= h
        slopes.append((f(*right) - f(*left)) / (2 * h))
    return slopes


# %% mistake="central_difference" says="You go from the point itself to the right, but divide by 2h, so each slope is about half of what it should be. Take the value of f at h to the left of the point; a second name for the list of its coordinates is no copy of it."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, 0.0)) / (2 * h) for i in range(len(point))]


# %% mistake="central_difference" says="The list is one argument, and `f` takes as many numbers as the point has. Put a star in front of it, as in `f(*point)`." raises="TypeError"
def central_difference(f, point, h):
    return [f([x + h * (i == j) for j, x in enumerate(point)]) / (2 * h) for i in range(len(point))]


# %% mistake="central_difference" says="Only the second value is divided: a division comes before a difference. Put the difference of the two values into brackets."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [at(i, h) - at(i, -h) / (2 * h) for i in range(len(point))]


# %% mistake="central_difference" says="You move all coordinates at once and get the same slope for all of them. Move one coordinate alone, to both sides, and hold the others still."
def central_difference(f, point, h):
    return [(f(*(x + h for x in point)) - f(*(x - h for x in point))) / (2 * h)] * len(point)


# %% mistake="central_difference" says="All slopes are negated: you subtract the value on the right from the value on the left. Take right minus left."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, -h) - at(i, h)) / (2 * h) for i in range(len(point))]


# %% mistake="central_difference" says="This is the second difference, which tells how f bends at the point. For its slope the value at the point itself is not needed: take right minus left."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - 2 * at(i, 0.0) + at(i, -h)) / h**2 for i in range(len(point))]


# %% mistake="central_difference" says="You step by half of h to each side. Asked for is a step of h to the right and one of h to the left, so that the places are 2h apart."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h / 2) - at(i, -h / 2)) / h for i in range(len(point))]


# %% mistake="central_difference" says="This is the backward difference: you look from the point to the left only. Take one place on each side of the point."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, 0.0) - at(i, -h)) / h for i in range(len(point))]


# %% mistake="central_difference" says="Your steps are h times the coordinate: another length for each of them, and turned round where it is negative. Step by h itself, to both sides."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h * point[i]) - at(i, -h * point[i])) / (2 * h) for i in range(len(point))]


# %% mistake="central_difference" says="You step by a small number of your own, such as 0.001 or 0.0001, whatever `h` is. Step by the number that your function is given, to both sides."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, 0.0001) - at(i, -0.0001)) / 0.0002 for i in range(len(point))]


# %% mistake="central_difference" says="You multiply by the distance of the two places. A slope is the difference of the two values divided by that distance, so put the division in its place."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, -h)) * (2 * h) for i in range(len(point))]


# %% mistake="central_difference" says="The coordinates are looked up by their numbers, as with `point.index`. Of two that are equal the first one moves twice, and the other never. Count their places instead."
def central_difference(f, point, h):
    slopes = []
    for number in point:
        right, left = list(point), list(point)
        right[point.index(number)] += h
        left[point.index(number)] -= h
        slopes.append((f(*right) - f(*left)) / (2 * h))
    return slopes


# %% mistake="central_difference" says="Every coordinate that has the same number is moved along. Two coordinates may be equal: move the one at its place, to both sides, and hold the other still."
def central_difference(f, point, h):
    def at(number, step):
        return f(*(x + step if x == number else x for x in point))

    return [(at(number, h) - at(number, -h)) / (2 * h) for number in point]


# %% mistake="central_difference" says="The distance of the two places is taken from their sizes, without their signs. Left of zero it comes out negative, and across zero too short. It is 2h, wherever the point is."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, -h)) / (abs(x + h) - abs(x - h)) for i, x in enumerate(point)]


# %% mistake="central_difference" says="The slopes have no sign: where f falls, the slope is negative. Leave out `abs`, and take right minus left."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [abs(at(i, h) - at(i, -h)) / (2 * h) for i in range(len(point))]


# %% mistake="central_difference" says="Your slopes are rounded. Return what the division gives, with all of its digits."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [round((at(i, h) - at(i, -h)) / (2 * h), 4) for i in range(len(point))]


# %% mistake="central_difference" says="You divide by h squared. From the left place to the right one it is 2h."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, -h)) / h**2 for i in range(len(point))]


# %% mistake="central_difference" says="Only the first two coordinates get a slope. `point` has as many as it has, not always two as in the example: go through all of them."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) - at(i, -h)) / (2 * h) for i in range(min(2, len(point)))]


# %% mistake="central_difference" says="From one place to the other it is 4h: you step by 2h to each side. Step by h to the right and by h to the left."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, 2 * h) - at(i, -2 * h)) / (4 * h) for i in range(len(point))]


# %% mistake="central_difference" says="The two values are added where the one on the left is to be taken from the one on the right. A slope needs their difference."
def central_difference(f, point, h):
    def at(i, step):
        return f(*(x + step * (i == j) for j, x in enumerate(point)))

    return [(at(i, h) + at(i, -h)) / (2 * h) for i in range(len(point))]


# %% variant="central_difference"
def central_difference(f, point, h):
    def along(i):
        return lambda t: f(*point[:i], point[i] + t, *point[i + 1 :])

    return tuple((line(h) - line(-h)) * 0.5 / h for line in map(along, range(len(point))))


# %% [markdown]
# How small should the step be? With both functions written, the cell below draws their errors for the parabola plus $\sin x$, at $x = 3$. From right to left they fall, the
# central one twice as steeply. Then they *rise* again: `f(x + h)` and `f(x)` agree in more and more digits, and what is left of their difference is rounding. So a measured derivative is a
# check, never exact, and each one costs a call of `f` for each coordinate. A network with a million weights would need a million calls for one gradient. The rest of this notebook
# gets all of them, exactly, for the price of a few.

# %%
try:
    exact = 6 * 3 - 4 + math.cos(3)  # of the parabola plus sin x: the parabola alone would be too easy for the central difference
    steps = [10 ** (-k / 4) for k in range(4, 53)]
    figure, axes = plt.subplots(figsize=(6, 3.6))
    for measure, label in ((forward_difference, "forward"), (central_difference, "central")):
        errors = [abs(measure(lambda x: parabola(x) + math.sin(x), [3.0], h)[0] - exact) for h in steps]
        axes.loglog(steps, errors, ".-", label=label)
    axes.set_xlabel("step h")
    axes.set_ylabel("error of the slope")
    axes.legend()
    plt.show()
except Exception:  # noqa: BLE001  whatever an unfinished answer raises, a picture must not stop the notebook
    plt.close("all")
    print("The picture comes when both differences are written.")

# %% [markdown]
# ## A number that remembers
#
# Any formula, however long, is a sequence of small operations: $L = (a b + c) f$ is a product, a sum and another product. Written as a **graph**, with an arrow from each number to the
# results that use it, such a formula can be read in two directions. Forwards it gives the result; backwards, as you will see, all derivatives. The class `Value` makes Python draw this graph for us while it
# computes: a `Value` holds a number, `data`, and an operation on values gives a new `Value`.
#
# First only forwards. Later sections give a `Value` its memory and its gradient.

# %% [markdown] exercise="value_forward"
# Complete the class `Value`: all of `+ - * / **`, the unary minus, and the methods `tanh()`, `exp()`, `log()` (natural). Each returns a **new** `Value` and leaves its operands as they are.
# A plain number, `int` or `float`, may stand on either side of `+ - * /`; the exponent of `**` is always a plain number, `int` or `float`, and may be 0 or negative. Only a divisor is never 0. `grad` starts at `0.0` and is not used yet.
#
# How does `2 * x` reach your class? Python first asks `2`, which does not know any `Value`, and then `x`, by calling `x.__rmul__(2)`. For `1 - x` it calls `x.__rsub__(1)`: note which of the two was on the left.
#
# With `x = Value(3.0)`: `(2 * x - 1).data` is 5.0, `(1 - x).data` is -2.0, `(x ** 2 / 6).data` is 1.5, `(-x).tanh().data` is about -0.9951.
# Each operation earns its own share.
#
# <details><summary>Hint 1: the idea</summary>
#
# Only a few operations have to be computed: the others can be told in terms of these. A difference is a sum with a negated second part, a quotient is a product with a power of -1.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Every method returns `Value(some float)`. What comes in as `other` may be a `Value` or a plain number: make it a `Value` first, in one place, if it is none.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# add      : other = other if it is a Value, else Value(other); return Value(sum of the two data)
# radd     : the order does not matter: the same as add
# rsub     : called for other - self; it is not sub
# rtruediv : called for other / self
# tanh     : math.tanh knows it; by hand it is (e^2x - 1) / (e^2x + 1)
# ```
#
# </details>


# %% answer="value_forward"
class Value:
    """A number, and what can be computed with it."""

    def __init__(self, data: float):
        self.data = float(data)
        self.grad = 0.0

    def __repr__(self) -> str:
        return f"Value({self.data:.4f})"

    def __add__(self, other: "Value | float") -> "Value":
        """self + other"""
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data)
        ### END SOLUTION

    def __mul__(self, other: "Value | float") -> "Value":
        """self * other"""
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data)
        ### END SOLUTION

    def __pow__(self, exponent: float) -> "Value":
        """self ** exponent, a plain number"""
        ### BEGIN SOLUTION
        return Value(self.data**exponent)
        ### END SOLUTION

    def __neg__(self) -> "Value":
        """-self"""
        ### BEGIN SOLUTION
        return self * -1
        ### END SOLUTION

    def __sub__(self, other: "Value | float") -> "Value":
        """self - other"""
        ### BEGIN SOLUTION
        return self + -1 * other
        ### END SOLUTION

    def __truediv__(self, other: "Value | float") -> "Value":
        """self / other"""
        ### BEGIN SOLUTION
        return self * other**-1
        ### END SOLUTION

    def __radd__(self, other: float) -> "Value":
        """other + self, where other is a plain number"""
        ### BEGIN SOLUTION
        return self + other
        ### END SOLUTION

    def __rmul__(self, other: float) -> "Value":
        """other * self, where other is a plain number"""
        ### BEGIN SOLUTION
        return self * other
        ### END SOLUTION

    def __rsub__(self, other: float) -> "Value":
        """other - self, where other is a plain number"""
        ### BEGIN SOLUTION
        return -self + other
        ### END SOLUTION

    def __rtruediv__(self, other: float) -> "Value":
        """other / self, where other is a plain number"""
        ### BEGIN SOLUTION
        return self**-1 * other
        ### END SOLUTION

    def tanh(self) -> "Value":
        """The hyperbolic tangent."""
        ### BEGIN SOLUTION
        return Value(math.tanh(self.data))
        ### END SOLUTION

    def exp(self) -> "Value":
        """e to the power of self."""
        ### BEGIN SOLUTION
        return Value(math.exp(self.data))
        ### END SOLUTION

    def log(self) -> "Value":
        """The natural logarithm."""
        ### BEGIN SOLUTION
        return Value(math.log(self.data))
        ### END SOLUTION


# %% [markdown]
# ### How the checks look at a `Value`
#
# One row for each operation, and one row for a **random expression**: a list of operations, each on results of earlier ones or on a plain number, that nobody has seen before.
# The same list can be run on float64 numbers of PyTorch, if you want to see what should come out.


# %%
class Step(NamedTuple):
    """One operation of a program. Its operands: an int is the number of an earlier node, a float a plain number."""

    operation: str
    operands: tuple[int | float, ...]


APPLY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "neg": lambda a: -a,
    "tanh": lambda a: a.tanh(),
    "exp": lambda a: a.exp(),
    "log": lambda a: a.log(),
}


def run_program(leaves: list, steps: list[Step]) -> list:
    """All nodes: the leaves, then the result of each step. The leaves may be Values or tensors."""
    nodes = list(leaves)
    for operation, operands in steps:
        nodes.append(APPLY[operation](*(nodes[o] if isinstance(o, int) else o for o in operands)))
    return nodes


def draw_program(g: torch.Generator, length: int = 22) -> tuple[list[float], list[Step]]:
    """Four numbers, and a random program on them with every operation in it; the last node depends on all the others.

    Every value in it is tame: between 0.1 and 4 in size, no divisor below 0.4, logarithms and powers of positive numbers only. At
    the end everything that was not used is added up.
    """

    def number(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand(1, generator=g, dtype=torch.float64))

    def one_of(items: list):
        return items[int(torch.randint(len(items), (1,), generator=g))]

    numbers = [number(1.5, 2.5), number(-1.5, -0.5), number(0.5, 1.5), number(-2, -1)]
    nodes, steps = [torch.tensor(n, dtype=torch.float64) for n in numbers], []
    names = [list(APPLY)[i] for i in torch.randperm(len(APPLY), generator=g).tolist()]  # first each operation once
    while len(steps) < length:
        name = names[len(steps)] if len(steps) < len(names) else one_of(names)
        first = int(torch.randint(len(nodes), (1,), generator=g))
        operands: tuple[int | float, ...] = (first,)
        if name == "**":
            operands = (first, one_of([-1.0, 0.5, 1.5, 2.0, 3.0]))
        elif name in ("+", "-", "*", "/"):
            other = one_of([int(torch.randint(len(nodes), (1,), generator=g)), round(number(0.5, 2.5), 2)])
            operands = one_of([(first, other), (other, first)])
        step = Step(name, operands)
        a, b = (torch.as_tensor(nodes[o] if isinstance(o, int) else o) for o in (operands * 2)[:2])
        if (name in ("log", "**") and a < 0.4) or (name == "/" and b.abs() < 0.4) or (name == "tanh" and a.abs() > 2):
            continue
        result = run_program(nodes, [step])[-1]
        if 0.1 < result.abs() < 4:
            steps.append(step)
            nodes.append(result)
    used = {o for step in steps for o in step.operands if isinstance(o, int)}
    unused = [i for i in range(len(nodes)) if i not in used]
    for other in unused[:-1]:
        steps.append(Step("+", (other, len(numbers) + len(steps) - 1)))
    return numbers, steps


told: set[str] = set()  # errors that each_row has shown since the check began


def each_row(rows: dict[str, Callable[[], list[float]]]) -> dict[str, list[float] | str]:
    """What each row of a check returns. An error costs the row in which it happens; an error in every row is raised."""
    found, errors = {}, []
    for name, row in rows.items():
        try:
            found[name] = [float(number) for number in row()]
        except Exception as error:  # noqa: BLE001  whatever a student's class raises belongs to its row
            errors.append(error)
            if not isinstance(error, NotImplementedError):  # a row that is not written yet is missing
                found[name] = f"{type(error).__name__}: {error}"
    if len(errors) == len(rows):
        raise errors[0]
    for name, value in found.items():
        if isinstance(value, str) and (line := f"{name:14s} {value}") not in told:
            told.add(line)
            print(line)
    return found


numbers, steps = draw_program(torch.Generator().manual_seed(3), length=9)
print("nodes 0 to 3:", ", ".join(f"{n:.2f}" for n in numbers))
for number, (step, result) in enumerate(zip(steps, run_program([torch.tensor(n) for n in numbers], steps)[4:]), 4):
    print(f"node {number:2d} = {step.operation:5s}{str(step.operands):12s} = {result:.4f}")


# %% check="value_forward"
class OperandChangedError(Exception):
    """An operation has changed what it was given."""


def forward_probe(g: torch.Generator):
    if issubclass(Value, globals().get("Recorded", ())):
        raise RuntimeError("Value is the class of a later section by now: run the cell with this answer once more")
    a, b, c = (0.5 + 1.5 * torch.rand(3, generator=g, dtype=torch.float64)).tolist()
    numbers, steps = draw_program(g)

    def row(build: Callable) -> Callable[[], list[float]]:
        def run() -> list[float]:
            operands = [Value(a), Value(-b), Value(c)]
            results = build(*operands)
            for place, node, before in zip(("first", "second", "third"), operands, (a, -b, c)):
                if node.data != before:
                    raise OperandChangedError(f"of the numbers x, y, z that the row starts from the {place} is another one afterwards")
            if any(result is node for result in results for node in operands):
                raise OperandChangedError("the result is the operand itself, and no new Value")
            return [result.data for result in results]

        return run

    return each_row(
        {
            "x + y": row(lambda x, y, z: [x + y + 2, z + 0.5, x + x, y + 0]),
            "x - y": row(lambda x, y, z: [x - (y - 2) - z, z - 0.5, x - x, y - 0]),
            "x * y": row(lambda x, y, z: [x * y * 3 * z, z * -0.5, y * y, x * 1, z * 0]),
            "x / y": row(lambda x, y, z: [x / y / 4 / z, z / 0.5, y / y, x / 1, Value(0.0) / y]),
            "x ** 2.5": row(lambda x, y, z: [(x**2.5) ** -1 + y**2, z**0.5, y**3, y**-1, y**0, x**1, Value(0.0) ** 2]),
            "-x": row(lambda x, y, z: [-x, -y, APPLY["neg"](-z)]),
            "2 + x": row(lambda x, y, z: [2 + x, 0 + y, -0.5 + z]),
            "1 - x": row(lambda x, y, z: [1 - x, 0 - y, -0.5 - z]),
            "2 * x": row(lambda x, y, z: [2 * x, 0 * y, -0.5 * z, 1 * x]),
            "1 / x": row(lambda x, y, z: [1 / x, 0 / y, -0.5 / z]),
            "tanh": row(lambda x, y, z: [y.tanh().tanh(), x.tanh(), Value(9 * a).tanh(), Value(-9 * b).tanh(), Value(0.0).tanh()]),
            "exp": row(lambda x, y, z: [y.exp().exp(), x.exp(), Value(-9 * c).exp(), Value(0.0).exp()]),
            "log": row(lambda x, y, z: [z.log(), Value(a / 99).log(), Value(99 * a).log(), Value(1.0).log()]),
            "expression": lambda: [node.data for node in run_program([Value(n) for n in numbers], steps)],
        }
    )


told.clear()
check("value_forward", forward_probe)

# %% oracle="value_forward"
x = Value(3.0)
assert ((2 * x - 1).data, (1 - x).data, (x**2 / 6).data) == (5, -2, 1.5) and abs((-x).tanh().data + 0.9951) < 1e-4
assert x.data == 3 and x.grad == 0.0 and isinstance(x.grad, float)
for seed in range(300):
    g = torch.Generator().manual_seed(seed)
    numbers, steps = draw_program(g)
    assert {step.operation for step in steps} == set(APPLY)
    mine = run_program([Value(n) for n in numbers], steps)
    theirs = run_program([torch.tensor(n, dtype=torch.float64) for n in numbers], steps)
    torch.testing.assert_close(torch.tensor([v.data for v in mine], dtype=torch.float64), torch.stack(theirs), rtol=1e-9, atol=1e-12)
    a, b = (float(v) for v in torch.randn(2, generator=g, dtype=torch.float64))
    for operation in "+-*/":
        for left, right in ((Value(a), Value(b)), (a, Value(b)), (Value(a), b)):
            assert math.isclose(APPLY[operation](left, right).data, APPLY[operation](a, b), rel_tol=1e-12)


# %% mistake="value_forward" says="A whole exponent is done by multiplying in a loop, and for a negative one the loop never runs: x ** -1 comes out as 1. Treat all exponents alike."
class Value:

    def __init__(self, data: float):
        self.data = float(data)
        self.grad = 0.0

    def __repr__(self) -> str:
        return f"Value({self.data:.4f})"

    def __add__(self, other: "Value | float") -> "Value":
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data)

    def __mul__(self, other: "Value | float") -> "Value":
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data)

    def __pow__(self, exponent: float) -> "Value":
        if isinstance(exponent, int):  # exact for whole numbers
            result = 1.0
            for _ in range(exponent):
                result *= self.data
            return Value(result)
        return Value(self.data**exponent)

    def __neg__(self) -> "Value":
        return Value(-self.data)

    def __sub__(self, other: "Value | float") -> "Value":
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data - other.data)

    def __truediv__(self, other: "Value | float") -> "Value":
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data / other.data)

    def __radd__(self, other: float) -> "Value":
        return self + other

    def __rmul__(self, other: float) -> "Value":
        return self * other

    def __rsub__(self, other: float) -> "Value":
        return Value(other - self.data)

    def __rtruediv__(self, other: float) -> "Value":
        return Value(other / self.data)

    def tanh(self) -> "Value":
        return Value(math.tanh(self.data))

    def exp(self) -> "Value":
        return Value(math.exp(self.data))

    def log(self) -> "Value":
        return Value(math.log(self.data))


# %% mistake="value_forward" says="A number divided by a Value gives 1 / x in your class, whatever the number is. Multiply by that number."
class Value:

    def __init__(self, data: float):
        self.data = float(data)
        self.grad = 0.0

    def __repr__(self) -> str:
        return f"Value({self.data:.4f})"

    def __add__(self, other: "Value | float") -> "Value":
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data + other.data)

    def __mul__(self, other: "Value | float") -> "Value":
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data * other.data)

    def __pow__(self, exponent: float) -> "Value":
        return Value(self.data**exponent)

    def __neg__(self) -> "Value":
        return Value(0.0 - self.data)

    def __sub__(self, other: "Value | float") -> "Value":
        return self + other * -1

    def __truediv__(self, other: "Value | float") -> "Value":
        if not isinstance(other, Value):
            other = Value(other)
        return self * other**-1

    def __radd__(self, other: float) -> "Value":
        return self.__add__(other)

    def __rmul__(self, other: float) -> "Value":
        return self.__mul__(other)

    def __rsub__(self, other: float) -> "Value":
        return Value(other) - self

    def __rtruediv__(self, other: float) -> "Value":
        return self**-1

    def tanh(self) -> "Value":
        return Value(math.tanh(self.data))

    def exp(self) -> "Value":
        return Value(math.exp(self.data))

    def log(self) -> "Value":
        return Value(math.log(self.data))


# %% mistake="value_forward" says="A plain number on the left fails: Python calls __radd__, __rsub__, __rmul__ or __rtruediv__ of the Value on the right, and your class does not answer. Write these four."
class Value:
    def __init__(self, data):
        self.data, self.grad = float(data), 0.0

    def other(self, other):
        return other.data if isinstance(other, Value) else other

    __add__ = lambda self, other: Value(self.data + self.other(other))
    __sub__ = lambda self, other: Value(self.data - self.other(other))
    __mul__ = lambda self, other: Value(self.data * self.other(other))
    __truediv__ = lambda self, other: Value(self.data / self.other(other))
    __pow__ = lambda self, exponent: Value(self.data**exponent)
    __neg__ = lambda self: Value(-self.data)
    tanh = lambda self: Value(math.tanh(self.data))
    exp = lambda self: Value(math.exp(self.data))
    log = lambda self: Value(math.log(self.data))


# %% mistake="value_forward" says="1 - x and 1 / x come out the wrong way round, as x - 1 and x / 1. The method with the r is called for other - self: self stands on the right."
right_value = Value  # whose methods make a Value, whatever class that name stands for by then


class Value(right_value):
    __rsub__ = lambda self, other: Value(self.data - other)
    __rtruediv__ = lambda self, other: Value(self.data / other)


# %% mistake="value_forward" says="A plain number on the right fails: a float has no attribute data. Make the other operand a Value first if it is none."
class Value:
    def __init__(self, data):
        self.data, self.grad = float(data), 0.0

    __add__ = lambda self, other: Value(self.data + other.data)
    __sub__ = lambda self, other: Value(self.data - other.data)
    __mul__ = lambda self, other: Value(self.data * other.data)
    __truediv__ = lambda self, other: Value(self.data / other.data)
    __radd__ = lambda self, other: self + other
    __rsub__ = lambda self, other: -self + other
    __rmul__ = lambda self, other: self * other
    __rtruediv__ = lambda self, other: self**-1 * other
    __pow__ = lambda self, exponent: Value(self.data**exponent)
    __neg__ = lambda self: Value(-self.data)
    tanh = lambda self: Value(math.tanh(self.data))
    exp = lambda self: Value(math.exp(self.data))
    log = lambda self: Value(math.log(self.data))


# %% mistake="value_forward" says="Only whole numbers are made into a Value: with x + 0.5 the float stays what it is, and has no data. Wrap whatever is no Value yet."
class Value:
    def __init__(self, data):
        self.data, self.grad = float(data), 0.0

    def wrapped(self, other):
        return Value(other) if isinstance(other, int) else other

    __add__ = __radd__ = lambda self, other: Value(self.data + self.wrapped(other).data)
    __mul__ = __rmul__ = lambda self, other: Value(self.data * self.wrapped(other).data)
    __sub__ = lambda self, other: self + -self.wrapped(other)
    __rsub__ = lambda self, other: -self + other
    __truediv__ = lambda self, other: self * self.wrapped(other) ** -1
    __rtruediv__ = lambda self, other: self**-1 * other
    __pow__ = lambda self, exponent: Value(self.data**exponent)
    __neg__ = lambda self: Value(-self.data)
    tanh = lambda self: Value(math.tanh(self.data))
    exp = lambda self: Value(math.exp(self.data))
    log = lambda self: Value(math.log(self.data))


# %% mistake="value_forward" says="Your tanh is that of half the number: it needs e to the power 2x, not x. Try it on 3: it should give 0.9951."
right_value = Value


class Value(right_value):
    tanh = lambda self: Value((math.exp(self.data) - 1) / (math.exp(self.data) + 1))


# %% mistake="value_forward" says="This is the logarithm to base 10, not the natural one that undoes exp. Look at what math.log does without a base."
right_value = Value


class Value(right_value):
    log = lambda self: Value(math.log10(self.data))


# %% mistake="value_forward" says="tanh, exp and log return a plain number, with which nothing can be computed further. Wrap each result in a Value."
right_value = Value


class Value(right_value):
    tanh = lambda self: math.tanh(self.data)
    exp = lambda self: math.exp(self.data)
    log = lambda self: math.log(self.data)


# %% mistake="value_forward" says="Your + and * change the number they start from: afterwards x is no longer x. Leave self.data alone and return a new Value."
right_value = Value


class Value(right_value):
    def __add__(self, other):
        self.data += other.data if isinstance(other, Value) else other
        return self

    def __mul__(self, other):
        self.data *= other.data if isinstance(other, Value) else other
        return self

    __radd__, __rmul__ = __add__, __mul__


# %% mistake="value_forward" says="+ - * and / return plain numbers, with which no graph can be built. Wrap each result in a Value."
right_value = Value


class Value(right_value):
    __add__ = __radd__ = lambda self, other: super().__add__(other).data
    __mul__ = __rmul__ = lambda self, other: super().__mul__(other).data
    __sub__ = lambda self, other: self.data - getattr(other, "data", other)
    __rsub__ = lambda self, other: other - self.data
    __truediv__ = lambda self, other: self.data / getattr(other, "data", other)
    __rtruediv__ = lambda self, other: other / self.data


# %% mistake="value_forward" says="Your ** multiplies by the exponent: `x ** 2.5` comes out as 2.5 times x. Python writes a power as `self.data ** exponent`."
right_value = Value


class Value(right_value):
    __pow__ = lambda self, exponent: Value(self.data * exponent)


# %% mistake="value_forward" says="1 / x comes out as x / 1. `__rtruediv__` is called for other / self: self is the divisor. Turn the quotient round in this method."
right_value = Value


class Value(right_value):
    __rtruediv__ = lambda self, other: Value(self.data / other)


# %% mistake="value_forward" says="1 - x comes out as x - 1. `__rsub__` is called for other - self: self is what is taken away. Turn the difference round in this method."
right_value = Value


class Value(right_value):
    __rsub__ = lambda self, other: Value(self.data - other)


# %% mistake="value_forward" says="x - y comes out as y - x. In `__sub__`, self stands on the left: take other away from self."
right_value = Value


class Value(right_value):
    __sub__ = lambda self, other: Value(getattr(other, "data", other) - self.data)


# %% mistake="value_forward" says="x / y comes out as y / x. In `__truediv__`, self stands on the left: divide self by other."
right_value = Value


class Value(right_value):
    __truediv__ = lambda self, other: Value(getattr(other, "data", other) / self.data)


# %% mistake="value_forward" says="Your quotients are rounded down to whole numbers: `//` does that. Divide with a single stroke, or multiply by the power -1."
right_value = Value


class Value(right_value):
    __truediv__ = lambda self, other: Value(self.data // getattr(other, "data", other))


# %% mistake="value_forward" says="Your exp changes the number that it is taken of: afterwards x is no longer x. Leave self.data alone and return a new Value that holds the result."
right_value = Value


class Value(right_value):
    def exp(self):
        self.data = math.exp(self.data)
        return self


# %% mistake="value_forward" says="Your tanh changes the number that it is taken of: afterwards x is no longer x. Leave self.data alone and return a new Value that holds the result."
right_value = Value


class Value(right_value):
    def tanh(self):
        self.data = math.tanh(self.data)
        return self


# %% mistake="value_forward" says="Your log changes the number that it is taken of: afterwards x is no longer x. Leave self.data alone and return a new Value that holds the result."
right_value = Value


class Value(right_value):
    def log(self):
        self.data = math.log(self.data)
        return self


# %% mistake="value_forward" says="Your tanh has the two parts of its fraction the wrong way round, so it leaves the range from -1 to 1. The difference is divided by the sum."
right_value = Value


class Value(right_value):
    tanh = lambda self: Value(1 / math.tanh(self.data))


# %% mistake="value_forward" says="This tanh is a sigmoid, between 0 and 1. The hyperbolic tangent lies between -1 and 1; `math.tanh` knows it."
right_value = Value


class Value(right_value):
    tanh = lambda self: Value(1 / (1 + math.exp(-self.data)))


# %% mistake="value_forward" says="This tanh is the ordinary tangent of an angle, `math.tan`. Asked for is the hyperbolic tangent, which stays between -1 and 1."
right_value = Value


class Value(right_value):
    tanh = lambda self: Value(math.tan(self.data))


# %% mistake="value_forward" says="Your exp is a power of 2. Its base is the number e, 2.718 and so on: `math.exp` takes it."
right_value = Value


class Value(right_value):
    exp = lambda self: Value(2**self.data)


# %% mistake="value_forward" says="This is the logarithm to base 2, not the natural one that undoes exp. Look at what `math.log` does without a base."
right_value = Value


class Value(right_value):
    log = lambda self: Value(math.log2(self.data))


# %% mistake="value_forward" says="Your ** squares, whatever the exponent is. Take the exponent that the method is given."
right_value = Value


class Value(right_value):
    __pow__ = lambda self, exponent: Value(self.data**2)


# %% mistake="value_forward" says="In your ** the two numbers have changed places: x ** 2.5 comes out as 2.5 ** x. self is the base, the exponent is the other one."
right_value = Value


class Value(right_value):
    __pow__ = lambda self, exponent: Value(exponent**self.data)


# %% mistake="value_forward" says="x - y turns the sign of y itself, so that afterwards y is no longer y. Leave the data of both operands alone and return a new Value."
class Value(Value):
    def __sub__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        other.data = -other.data
        return self + other


# %% mistake="value_forward" says="x - y is computed in x itself, so that afterwards x is no longer x. Leave the data of both operands alone and return a new Value."
class Value(Value):
    def __sub__(self, other):
        self.data -= other.data if isinstance(other, Value) else other
        return self


# %% mistake="value_forward" says="x / y changes one of its operands, so that afterwards it is another number. Leave the data of both alone and return a new Value."
class Value(Value):
    def __truediv__(self, other):
        self.data /= other.data if isinstance(other, Value) else other
        return self


# %% mistake="value_forward" says="In your tanh the -1 and the +1 stand in the exponents, so it gives the same for every number. Mind the brackets: they are taken from, and added to, the exponential."
class Value(Value):
    def tanh(self):
        return Value(math.exp(2 * self.data - 1) / math.exp(2 * self.data + 1))


# %% mistake="value_forward" says="Your unary minus gives the number back as it is. -x is x times -1."
right_value = Value


class Value(right_value):
    __neg__ = lambda self: Value(self.data)


# %% mistake="value_forward" says="Your unary minus turns the sign of x itself, so that afterwards x is no longer x. Leave self.data alone and return a new Value."
right_value = Value


class Value(right_value):
    def __neg__(self):
        self.data = -self.data
        return self


# %% mistake="value_forward" says="Your power multiplies int(exponent) times: that cuts 2.5 off to 2, and a negative exponent gives 1. Python knows every power: `self.data ** exponent`."
class Value(Value):
    def __pow__(self, exponent):
        result = Value(1.0)
        for _ in range(int(exponent)):
            result = result * self
        return result

    def __truediv__(self, other):
        return Value(self.data / (other.data if isinstance(other, Value) else other))

    def __rtruediv__(self, other):
        return Value(other / self.data)


# %% mistake="value_forward" says="Your power multiplies int(exponent) times, so that a negative exponent gives 1; and a quotient is made with the power -1, so that it is wrong, too. Python knows every power: `self.data ** exponent`."
class Value(Value):
    def __pow__(self, exponent):
        result = Value(1.0)
        for _ in range(int(exponent)):
            result = result * self
        return result

    def __truediv__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return self * other**-1

    def __rtruediv__(self, other):
        return other * self**-1


# %% mistake="value_forward" says="Your power takes the exponent as a whole number: 2.5 becomes 2. Take it as it comes, `self.data ** exponent`."
right_value = Value


class Value(right_value):
    __pow__ = lambda self, exponent: Value(self.data ** int(exponent))


# %% mistake="value_forward" says="Your power takes the exponent without its sign. A negative exponent divides: `x ** -1` is 1 / x."
right_value = Value


class Value(right_value):
    __pow__ = lambda self, exponent: Value(self.data ** abs(exponent))
    __truediv__ = lambda self, other: Value(self.data / (other.data if isinstance(other, right_value) else other))
    __rtruediv__ = lambda self, other: Value(other / self.data)


# %% mistake="value_forward" says="Your power goes by way of the logarithm, which a negative number does not have. `self.data ** exponent` takes negative numbers, too."
right_value = Value


class Value(right_value):
    __pow__ = lambda self, exponent: Value(math.exp(exponent * math.log(self.data)))
    __truediv__ = lambda self, other: Value(self.data / (other.data if isinstance(other, right_value) else other))
    __rtruediv__ = lambda self, other: Value(other / self.data)


# %% mistake="value_forward" says="In your tanh the brackets are missing: in e^2x - 1 / e^2x + 1 Python divides only the 1. Put the difference above and the sum below into brackets."
right_value = Value


class Value(right_value):
    tanh = lambda self: Value(math.exp(2 * self.data) - 1 / math.exp(2 * self.data) + 1)


# %% mistake="value_forward" says="In your tanh only the sum below has its brackets: e^2x - 1 / (e^2x + 1) divides only the 1. Put the difference into brackets, too."
right_value = Value


class Value(right_value):
    tanh = lambda self: Value(math.exp(2 * self.data) - 1 / (math.exp(2 * self.data) + 1))


# %% mistake="value_forward" says="In your tanh only the difference above has its brackets: the 1 is added after the division. Put the sum into brackets, too."
right_value = Value


class Value(right_value):
    tanh = lambda self: Value((math.exp(2 * self.data) - 1) / math.exp(2 * self.data) + 1)


# %% mistake="value_forward" says="This tanh is the hyperbolic sine, which grows without limit. Divide it by the hyperbolic cosine: tanh stays between -1 and 1."
right_value = Value


class Value(right_value):
    tanh = lambda self: Value(math.sinh(self.data))


# %% mistake="value_forward" says="other / self goes through self / other, or divides by other. That fails where other is 0, and 0 / x is simply 0. Multiply other by the power -1 of self."
right_value = Value


class Value(right_value):
    __rtruediv__ = lambda self, other: (self / other) ** -1


# %% mistake="value_forward" says="2 + x leaves out the 2: `__radd__` gives back self alone. Add the other operand, as in `__add__`."
right_value = Value


class Value(right_value):
    __radd__ = lambda self, other: Value(self.data)


# %% mistake="value_forward" says="An operation with a plain 0 or 1 gives the operand itself back. Each operation returns a new Value, also where the number stays the same."
right_value = Value


class Value(right_value):
    def __add__(self, other):
        return self if not isinstance(other, right_value) and other == 0 else super().__add__(other)

    def __mul__(self, other):
        return self if not isinstance(other, right_value) and other == 1 else super().__mul__(other)


# %% mistake="value_forward" says="x - y comes out as x + y: the sign of the second one is lost. Negate it before you add, or subtract the two numbers."
right_value = Value


class Value(right_value):
    __sub__ = lambda self, other: Value(self.data + (other.data if isinstance(other, right_value) else other))


# %% mistake="value_forward" says="x / y comes out as x * y: the power -1 of the divisor is lost. Divide by it."
right_value = Value


class Value(right_value):
    __truediv__ = lambda self, other: Value(self.data * (other.data if isinstance(other, right_value) else other))


# %% mistake="value_forward" says="Your exp has the base 2.718, cut off. `math.exp` knows e to all of its digits."
right_value = Value


class Value(right_value):
    exp = lambda self: Value(2.718**self.data)


# %% mistake="value_forward" says="Your log is that of 1 plus the number, `math.log1p`. Asked for is the logarithm of the number itself."
right_value = Value


class Value(right_value):
    log = lambda self: Value(math.log1p(self.data))


# %% mistake="value_forward" says="Your exp is less by 1, as `math.expm1` gives it. Asked for is e to the power x itself."
right_value = Value


class Value(right_value):
    exp = lambda self: Value(math.expm1(self.data))


# %% variant="value_forward"
class Value:
    """Each operation by itself, none in terms of another; plain numbers are unwrapped instead of wrapped."""

    def __init__(self, data, inputs=()):
        self.data, self.inputs, self.grad = data, inputs, 0

    def _number(self, other):
        return getattr(other, "data", other)

    def __add__(self, other):
        return Value(self.data + self._number(other), (self, other))

    def __sub__(self, other):
        return Value(self.data - self._number(other), (self, other))

    def __rsub__(self, other):
        return Value(self._number(other) - self.data, (other, self))

    def __mul__(self, other):
        return Value(self.data * self._number(other), (self, other))

    def __truediv__(self, other):
        return Value(self.data / self._number(other), (self, other))

    def __rtruediv__(self, other):
        return Value(self._number(other) / self.data, (other, self))

    def __pow__(self, exponent):
        return Value(math.pow(self.data, exponent), (self,))

    def __neg__(self):
        return Value(-self.data, (self,))

    def tanh(self):
        return Value(1 - 2 / (math.exp(2 * self.data) + 1), (self,))

    def exp(self):
        return Value(math.e**self.data, (self,))

    def log(self):
        return Value(math.log1p(self.data - 1), (self,))

    __radd__, __rmul__ = __add__, __mul__


# %% variant="value_forward"
from dataclasses import dataclass


@dataclass
class Value:
    """Few operations computed, all others in terms of them; every method is put on the class by a loop."""

    data: float
    grad: float = 0.0


def lifted(function):
    def method(self, *others):
        return Value(function(self.data, *(o.data if isinstance(o, Value) else o for o in others)))

    return method


for name, function in {
    "__add__": lambda a, b: a + b, "__radd__": lambda a, b: b + a, "__sub__": lambda a, b: a - b, "__rsub__": lambda a, b: b - a,
    "__mul__": lambda a, b: a * b, "__rmul__": lambda a, b: b * a, "__truediv__": lambda a, b: a / b, "__rtruediv__": lambda a, b: b / a,
    "__pow__": lambda a, b: a**b, "__neg__": lambda a: -a, "exp": math.exp, "log": math.log,
    "tanh": lambda a: (math.exp(2 * a) - 1) / (math.exp(2 * a) + 1),
}.items():  # fmt: skip
    setattr(Value, name, lifted(function))

# %% [markdown]
# ## The graph
#
# From here on every node knows where it comes from. The class `Recorded` below is the forward part once more, complete, so that a gap above costs nothing here. New is what each node **records**:
#
# | attribute | of a node made by `x * y` | of `x ** 3` | of a number you put in |
# |---|---|---|---|
# | `data` | the product | the power | the number |
# | `operation` | `"*"` | `"**"` | `""` |
# | `inputs` | `(x, y)` | `(x,)` | `()` |
# | `exponent` | `None` | `3` | `None` |
#
# The operations are `"+"`, `"-"`, `"*"`, `"/"`, `"**"`, `"neg"`, `"tanh"`, `"exp"` and `"log"`. A plain number becomes a node without inputs: in `2 * x` the inputs are a node that holds 2, and `x`.


# %%
class Recorded:
    """A number that remembers the operation and the nodes that it was computed from."""

    def __init__(self, data: float, operation: str = "", inputs: tuple["Recorded", ...] = ()):
        self.data = float(data)
        self.grad = 0.0
        self.operation = operation
        self.inputs = inputs
        self.exponent: float | None = None  # of a power

    def __repr__(self) -> str:
        return f"{type(self).__name__}(data={self.data:.4f}, grad={self.grad:.4f})"

    def _node(self, other: "Recorded | float") -> "Recorded":
        if isinstance(other, Recorded):
            return other
        if hasattr(other, "grad") and not isinstance(other, Tensor):  # its gradient would be lost on the way
            raise TypeError(f"{type(self).__name__} and {type(other).__name__} are two classes of nodes: use one of them in an expression")
        return type(self)(other)

    def __add__(self, other: "Recorded | float") -> "Recorded":
        other = self._node(other)
        return type(self)(self.data + other.data, "+", (self, other))

    def __sub__(self, other: "Recorded | float") -> "Recorded":
        other = self._node(other)
        return type(self)(self.data - other.data, "-", (self, other))

    def __mul__(self, other: "Recorded | float") -> "Recorded":
        other = self._node(other)
        return type(self)(self.data * other.data, "*", (self, other))

    def __truediv__(self, other: "Recorded | float") -> "Recorded":
        other = self._node(other)
        return type(self)(self.data / other.data, "/", (self, other))

    def __pow__(self, exponent: float) -> "Recorded":
        power = type(self)(self.data**exponent, "**", (self,))
        power.exponent = exponent
        return power

    def __neg__(self) -> "Recorded":
        return type(self)(-self.data, "neg", (self,))

    def tanh(self) -> "Recorded":
        return type(self)(math.tanh(self.data), "tanh", (self,))

    def exp(self) -> "Recorded":
        return type(self)(math.exp(self.data), "exp", (self,))

    def log(self) -> "Recorded":
        return type(self)(math.log(self.data), "log", (self,))

    def __radd__(self, other: float) -> "Recorded":
        return self._node(other) + self

    def __rsub__(self, other: float) -> "Recorded":
        return self._node(other) - self

    def __rmul__(self, other: float) -> "Recorded":
        return self._node(other) * self

    def __rtruediv__(self, other: float) -> "Recorded":
        return self._node(other) / self


def draw_graph(root: Recorded, names: dict[str, Recorded], title: str, gradients: bool = False) -> None:
    """The graph from the inputs (left) to the root (right); a box holds the name or operation, the data and perhaps the grad."""
    column: dict[Recorded, int] = {}

    def place(node: Recorded) -> int:
        if node not in column:
            column[node] = 1 + max((place(x) for x in node.inputs), default=-1)
        return column[node]

    place(root)
    for node in column:  # an input stands just left of the first node that uses it
        if not node.inputs:
            column[node] = min(column[user] for user in column if node in user.inputs) - 1
    height: dict[Recorded, float] = {}
    for number in range(column[root] + 1):
        nodes = [node for node in column if column[node] == number]
        wish = {node: sum(height[x] for x in node.inputs) / len(node.inputs) if node.inputs else 0.0 for node in nodes}
        nodes.sort(key=lambda node: wish[node])
        middle = sum(wish.values()) / len(nodes)
        height.update({node: middle + rank - (len(nodes) - 1) / 2 for rank, node in enumerate(nodes)})
    names_of = {node: name for name, node in names.items()}
    figure, axes = plt.subplots(figsize=(min(10, 1.5 + 1.9 * column[root]), 2.6))
    for node, x in column.items():
        for source in node.inputs:
            ends = {"xy": (x - 0.27, height[node]), "xytext": (column[source] + 0.27, height[source])}
            axes.annotate("", arrowprops={"arrowstyle": "->", "color": "#777777"}, **ends)
        operation = f"({node.operation})" if node.operation else ""
        label = f"{names_of.get(node, '')} {operation}".strip() or "number"
        told = f"{label}\ndata {node.data:.2f}" + (f"\ngrad {node.grad:.2f}" if gradients else "")
        box = {"boxstyle": "round", "facecolor": "#eef3fa" if node.inputs else "#fdf3e1", "edgecolor": "#99aabb"}
        axes.text(x, height[node], told, ha="center", va="center", fontsize=8, bbox=box)
    axes.set_xlim(-0.5, column[root] + 0.5)
    axes.set_ylim(min(height.values()) - 0.7, max(height.values()) + 0.7)
    axes.axis("off")
    axes.set_title(title, fontsize=10)
    plt.show()


a, b, c, f = Recorded(2.0), Recorded(-3.0), Recorded(10.0), Recorded(-2.0)
e = a * b
d = e + c
L = d * f
draw_graph(L, {"a": a, "b": b, "c": c, "f": f, "e": e, "d": d, "L": L}, "L = (a b + c) f, forwards")

# %% [markdown]
# ### Backwards by hand
#
# We want $\partial L/\partial$ of every node in the picture. Start at the right, where it is trivial: $\partial L/\partial L = 1$.
#
# - $L = d f$. Moving $d$ a little moves $L$ by $f$ times as much: $\partial L/\partial d = f = -2$, and in the same way $\partial L/\partial f = d = 4$.
# - $d = e + c$. Moving $e$ moves $d$ by just as much, and moving $d$ moves $L$ by $-2$ times as much: $\partial L/\partial e = 1 \cdot (-2) = -2$, and $\partial L/\partial c = -2$.
# - $e = a b$. Moving $a$ moves $e$ by $b$ times as much: $\partial L/\partial a = b \cdot (-2) = 6$, and $\partial L/\partial b = a \cdot (-2) = -4$.
#
# That is the **chain rule**, and it needs only two numbers at each node: the gradient that has arrived there from the right, and the **local derivative**, that of the node with respect to its input:
#
# $$\frac{\partial L}{\partial \text{input}} \mathrel{+}= \frac{\partial L}{\partial \text{node}} \cdot \frac{\partial\, \text{node}}{\partial\, \text{input}}$$
#
# Nothing in it knows the rest of the graph. Why `+=`? A node that is used in several places reaches $L$ by several paths, and moving it moves $L$ along all of them at once. And that decides the **order**: a node may pass its gradient on
# only when all of it has arrived, that is, after every node that uses it has passed on its own.

# %% [markdown] exercise="value_backward"
# Complete the class `Value`, which has the forward part of `Recorded`:
#
# - `pass_back()` does the step above for one node: to the `grad` of each of its inputs it adds its own `grad` times the local derivative. One rule for each of the nine operations.
# - `backward()` starts at the root: it sets its `grad` to 1 and calls `pass_back` once on the root and on each node that it was computed from, in an order in which every node comes before its inputs.
#
# (In the lecture each operation stores such a rule as a function `_backward` in the node that it makes. That is the same thing. You may write it that way, even with a class of your own from scratch: the check computes with `Value(number)`, calls `backward()` and looks at `grad`. Six digits have to be right, so a number of NumPy or PyTorch inside it should be a float64, as Python's floats are.)
#
# In the example above `a.grad` is 6, `b.grad` -4, `c.grad` -2, `f.grad` 4. In `y = x + x` with `y.backward()`, `x.grad` is 2. With `x = Value(-2.0)`, `y = Value(3.0)` and `(x * y) * (x + y)`, `x.grad` is -3 and `y.grad` is -8: two paths lead back to each.
#
# Each operation earns its own share, tested alone and twice in a row, so that a missing factor shows. So do nodes used twice, by every operation in turn, a diamond (two paths of different lengths that meet again), and a random expression, where everything has to be right.
#
# <details><summary>Hint 1: the idea</summary>
#
# Write the nine rules first, on paper: for z = x - y, for instance, how far does z move when y moves? Then the order. If you list the nodes so that each comes after its inputs, you have only to read that list backwards.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# `self.data` is the result of the operation, `x.data` of its input: for exp and tanh the derivative is simplest in terms of the *result*, for log and powers in terms of the *input*. Unary operations have one input (`(x,) = self.inputs`), the others two (`x, y = self.inputs`).
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# pass_back, for "+": x.grad += self.grad;  y.grad += self.grad
#            for "*": x.grad += self.grad * (what x is multiplied by);  y.grad likewise
#            ... seven more
#
# backward:  order = [], seen = empty set
#            visit(node): if it was seen: nothing; otherwise note it as seen, visit each input, THEN append the node
#            visit the root; set its grad; for each node of order, from the end to the beginning: pass_back
# ```
#
# </details>


# %% answer="value_backward"
class Value(Recorded):
    """A number that knows how it was computed and can carry a gradient back."""

    def pass_back(self) -> None:
        """Add to the grad of each input: self.grad times the derivative of self with respect to that input."""
        ### BEGIN SOLUTION
        if len(self.inputs) == 2:
            x, y = self.inputs
        elif self.inputs:
            (x,) = self.inputs
        if self.operation == "+":
            x.grad += self.grad
            y.grad += self.grad
        elif self.operation == "-":
            x.grad += self.grad
            y.grad -= self.grad
        elif self.operation == "*":
            x.grad += self.grad * y.data
            y.grad += self.grad * x.data
        elif self.operation == "/":
            x.grad += self.grad / y.data
            y.grad -= self.grad * x.data / y.data**2
        elif self.operation == "**":
            x.grad += self.grad * self.exponent * x.data ** (self.exponent - 1)
        elif self.operation == "neg":
            x.grad -= self.grad
        elif self.operation == "tanh":
            x.grad += self.grad * (1 - self.data**2)
        elif self.operation == "exp":
            x.grad += self.grad * self.data
        elif self.operation == "log":
            x.grad += self.grad / x.data
        ### END SOLUTION

    def backward(self) -> None:
        """Fill in the grad of every node that self was computed from: the derivative of self with respect to that node."""
        ### BEGIN SOLUTION
        order, seen = [], set()

        def visit(node: Recorded) -> None:
            if node not in seen:
                seen.add(node)
                for x in node.inputs:
                    visit(x)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.pass_back()
        ### END SOLUTION


# %% check="value_backward"
def backward_probe(g: torch.Generator):
    def between(low: float, high: float, count: int = 3) -> list[float]:
        return (low + (high - low) * torch.rand(count, generator=g, dtype=torch.float64)).tolist()

    def gradients(build: Callable, inputs: list[float]) -> list[float]:
        """The gradients of the inputs, and of all nodes that ``build`` returns, the last of which is the root; then the root's number."""
        leaves = [Value(number) for number in inputs]
        nodes = build(*leaves)
        nodes[-1].backward()
        return [*(node.grad or 0.0 for node in (*leaves, *nodes)), nodes[-1].data]  # what the root does not reach has none, or 0

    def diamond(x, y, z, short_first: bool):
        m = x * y
        long = (m * z + x) * y
        return m, long, (m * long if short_first else long * m)

    def twice(x, y, z):
        double = x + x
        square = double * double
        return double, square, square * y + z

    def each_twice(x, y, z):
        """Every operation on the same inputs two times, all of it added up: each input is reached by many paths."""
        sums = [a + a_ for a, a_ in ((x + y, x + y), (x - y, x - y), (x * y, x * y), (x / y, x / y), (z**p, z**p), (negative(x), negative(x)))]
        sums += [a + a_ for a, a_ in ((y.tanh(), y.tanh()), (y.exp(), y.exp()), (z.log(), z.log()))]
        return (*sums, sum(sums[1:], sums[0]))

    def itself(x, y, z):
        """Every operation of two with the same node on both sides, none of them the root; from one of the results a branch leads nowhere."""
        parts = [x + x, x - x, x * x, x / x]
        branch = parts[2].tanh()
        return branch, *parts, (parts[0] * y + parts[1] * z) + (parts[2] * z - parts[3] * y)

    def in_the_middle(x, y, z):
        """The root is used further on: what comes behind it gets no gradient."""
        root = x * y
        return root + z, root

    def early_and_late(x, y, z):
        """A node with inputs of its own, which one path reaches early and another one late."""
        early = (x * y).tanh()
        return [early + ((early * z).exp() * y).tanh()]

    def second_root(x, y, z):
        """Gradients set back to 0, and another root, which has nodes of the first one's below it."""
        leaves = [Value(number) for number in (x, y, z)]
        m = leaves[0] * leaves[1]
        (m * leaves[2]).backward()
        for node in (*leaves, m):
            node.grad = 0.0
        (m + leaves[0]).backward()
        return [node.grad or 0.0 for node in (*leaves, m)]

    def alone_twice(operation, number):
        """One operation, twice on the same input."""
        return gradients(lambda x: [operation(x) + operation(x)], [number])

    xyz = [n * s for n, s in zip(between(0.5, 1.5), (1, -1, 1))]
    p, q = between(1.2, 2.8, 1)[0], -between(0.3, 1.5, 1)[0]
    positive, wide, small, large = between(0.6, 0.9), between(-1.5, 1.5), between(-1, 0.4), between(4, 8)
    numbers, steps = draw_program(g)
    negative = APPLY["neg"]
    return each_row(
        {
            "+": lambda: gradients(lambda x, y, z: [(x + y) + (z + 2)], xyz),
            "-": lambda: gradients(lambda x, y, z: [(x - y) - (1.5 - z)], xyz),
            "*": lambda: gradients(lambda x, y, z: [x * y * (3 * z)], xyz),
            "/": lambda: gradients(lambda x, y, z: [x / y / (2 / z)], xyz),
            "**": lambda: gradients(lambda x: [(x**p) ** q], positive[:1]) + gradients(lambda x, y, z: [x**3 + y**2 + (z**1) ** -1], [-n for n in positive]) + gradients(lambda x: [x**3 + x**2 + 2 * x**1], [0.0]),
            "neg": lambda: gradients(lambda x: [negative(negative(negative(x)))], wide[:1]) + gradients(lambda x: [negative(negative(x) + negative(x))], wide[:1]),
            "tanh": lambda: gradients(lambda x: [x.tanh().tanh()], wide[:1]) + gradients(lambda x: [x.tanh()], wide[1:2]),
            "exp": lambda: gradients(lambda x: [x.exp().exp()], small[:1]) + gradients(lambda x: [x.exp()], small[1:2]),
            "log": lambda: gradients(lambda x: [x.log().log()], large[:1]) + gradients(lambda x: [x.log()], large[1:2]),
            "used twice": lambda: gradients(twice, xyz) + gradients(each_twice, xyz) + alone_twice(lambda x: x.exp(), xyz[1]) + alone_twice(lambda x: x.tanh(), xyz[2]) + gradients(itself, xyz),
            "diamond": lambda: gradients(lambda *v: diamond(*v, True), xyz) + gradients(lambda *v: diamond(*v, False), xyz) + gradients(in_the_middle, xyz) + gradients(early_and_late, xyz) + gradients(lambda x: [x], xyz[:1]),
            "expression": lambda: gradients(lambda *leaves: run_program(leaves, steps), numbers),
            "second root": lambda: second_root(*xyz),
        }
    )


told.clear()
check("value_backward", backward_probe)

# %% oracle="value_backward"
a, b, c, f = Value(2.0), Value(-3.0), Value(10.0), Value(-2.0)
L = (a * b + c) * f
L.backward()
assert (L.data, a.grad, b.grad, c.grad, f.grad, L.grad) == (-8, 6, -4, -2, 4, 1)
x = Value(1.5)
(x + x).backward()
assert x.grad == 2
x, y = Value(-2.0), Value(3.0)
((x * y) * (x + y)).backward()
assert (x.grad, y.grad) == (-3, -8)
for seed in range(300):
    numbers, steps = draw_program(torch.Generator().manual_seed(seed))
    mine = run_program([Value(n) for n in numbers], steps)
    theirs = run_program([torch.tensor(n, dtype=torch.float64, requires_grad=True) for n in numbers], steps)
    for node in theirs:
        node.retain_grad()
    mine[-1].backward()
    theirs[-1].backward()
    found = torch.tensor([v.grad for v in mine], dtype=torch.float64)
    torch.testing.assert_close(found, torch.stack([t.grad for t in theirs]), rtol=1e-9, atol=1e-12)  # every node reaches the root
    assert found.abs().max() < 1e5


class Twin:
    """A float64 tensor with the face of a Value: the check's own rows are asserted against torch, too."""

    def __init__(self, data):
        self.tensor = data if isinstance(data, Tensor) else torch.tensor(data, dtype=torch.float64, requires_grad=True)
        self.tensor.retain_grad()

    data = property(lambda self: self.tensor.item())
    grad = property(lambda self: 0.0 if self.tensor.grad is None else self.tensor.grad.item(), lambda self, _: setattr(self.tensor, "grad", None))
    backward = lambda self: self.tensor.backward(retain_graph=True)
    tanh = lambda self: Twin(self.tensor.tanh())
    exp = lambda self: Twin(self.tensor.exp())
    log = lambda self: Twin(self.tensor.log())


for method in "add sub mul truediv pow radd rsub rmul rtruediv neg".split():
    name = f"__{method}__"
    setattr(Twin, name, lambda self, *other, name=name: Twin(getattr(self.tensor, name)(*(getattr(o, "tensor", o) for o in other))))
for seed in range(50):
    mine = backward_probe(torch.Generator().manual_seed(seed))
    right_value, Value = Value, Twin
    theirs = backward_probe(torch.Generator().manual_seed(seed))
    Value = right_value
    for name, row in mine.items():
        assert all(math.isclose(m, t, rel_tol=1e-9, abs_tol=1e-12) for m, t in zip(row, theirs[name], strict=True)), name


# %% mistake="value_backward" says="A second root passes over the nodes that the first one has gone through: what was visited is kept from one backward() to the next. Begin with an empty set in each."
class RightValue(Value):
    pass


class Value(RightValue):
    visited = set()

    def backward(self):
        order = []

        def visit(node):
            if node not in Value.visited:
                Value.visited.add(node)
                for x in node.inputs:
                    visit(x)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.pass_back()


# %% mistake="value_backward" says="A node that is met again is put behind, but the nodes it was computed from stay where they are: one of them can come before it. A node goes first only when all its users have."
class Value(Recorded):

    def pass_back(self) -> None:
        values = [node.data for node in self.inputs]
        if self.operation == "+":
            local = [1, 1]
        elif self.operation == "-":
            local = [1, -1]
        elif self.operation == "*":
            local = [values[1], values[0]]
        elif self.operation == "/":
            local = [1 / values[1], -values[0] / values[1] ** 2]
        elif self.operation == "**":
            local = [self.exponent * values[0] ** (self.exponent - 1)]
        elif self.operation == "neg":
            local = [-1]
        elif self.operation == "tanh":
            local = [1 - self.data**2]
        elif self.operation == "exp":
            local = [self.data]
        elif self.operation == "log":
            local = [1 / values[0]]
        else:
            local = []
        for node, d in zip(self.inputs, local):
            node.grad += self.grad * d

    def backward(self) -> None:
        order = [self]
        queue = [self]
        while queue:
            node = queue.pop(0)
            for x in node.inputs:
                if x in order:
                    order.remove(x)  # must come later: another node uses it
                else:
                    queue.append(x)
                order.append(x)
        self.grad = 1.0
        for node in order:
            node.pass_back()


# %% mistake="value_backward" says="Your rule for ** divides by the base, which fails where the base is 0. Lower the exponent by one instead: x ** 2 has a slope at 0, too."
class Value(Recorded):

    def pass_back(self) -> None:
        g = self.grad
        if len(self.inputs) == 2:
            x, y = self.inputs
            if self.operation == "+":
                x.grad += g
                y.grad += g
            elif self.operation == "-":
                x.grad += g
                y.grad -= g
            elif self.operation == "*":
                x.grad += g * y.data
                y.grad += g * x.data
            elif self.operation == "/":
                x.grad += g / y.data
                y.grad -= g * self.data / y.data
        elif len(self.inputs) == 1:
            (x,) = self.inputs
            if self.operation == "**":
                x.grad += g * self.exponent * self.data / x.data
            elif self.operation == "neg":
                x.grad -= g
            elif self.operation == "tanh":
                x.grad += g * (1 - self.data**2)
            elif self.operation == "exp":
                x.grad += g * self.data
            elif self.operation == "log":
                x.grad += g / x.data

    def backward(self) -> None:
        order, seen = [], set()

        def visit(node):
            if node in seen:
                return
            seen.add(node)
            for x in node.inputs:
                visit(x)
            order.append(node)

        visit(self)
        self.grad = 1.0
        for node in order[::-1]:
            node.pass_back()


# %% mistake="value_backward" says="In some of the rules result and input are mixed up: the derivative of tanh is written with its result, that of log with its input."
class Value(Recorded):

    def pass_back(self) -> None:
        g = self.grad
        if len(self.inputs) == 2:
            x, y = self.inputs
            if self.operation == "+":
                x.grad += g
                y.grad += g
            elif self.operation == "-":
                x.grad += g
                y.grad -= g
            elif self.operation == "*":
                x.grad += g * y.data
                y.grad += g * x.data
            elif self.operation == "/":
                x.grad += g / y.data
                y.grad -= g * x.data / y.data**2
        elif len(self.inputs) == 1:
            (x,) = self.inputs
            if self.operation == "**":
                x.grad += g * self.exponent * x.data ** (self.exponent - 1)
            elif self.operation == "neg":
                x.grad -= g
            elif self.operation == "tanh":
                x.grad += g * (1 - x.data**2)
            elif self.operation == "exp":
                x.grad += g * self.data
            elif self.operation == "log":
                x.grad += g / self.data

    def backward(self) -> None:
        order, seen = [], set()

        def visit(node):
            if node in seen:
                return
            seen.add(node)
            for x in node.inputs:
                visit(x)
            order.append(node)

        visit(self)
        self.grad = 1.0
        while order:
            order.pop().pass_back()


# %% mistake="value_backward" says="The derivatives of tanh and exp apply the function a second time: data of the node is its result already. Use that result as it is."
class Value(Recorded):

    def pass_back(self) -> None:
        g = self.grad
        if self.operation in ("+", "-", "*", "/"):
            x, y = self.inputs
            if self.operation == "+":
                x.grad += g
                y.grad += g
            elif self.operation == "-":
                x.grad += g
                y.grad -= g
            elif self.operation == "*":
                x.grad += g * y.data
                y.grad += g * x.data
            else:
                x.grad += g / y.data
                y.grad -= g * x.data / y.data**2
        elif self.operation:
            (x,) = self.inputs
            if self.operation == "**":
                x.grad += g * self.exponent * x.data ** (self.exponent - 1)
            elif self.operation == "neg":
                x.grad -= g
            elif self.operation == "tanh":
                x.grad += g * (1 - math.tanh(self.data) ** 2)
            elif self.operation == "exp":
                x.grad += g * math.exp(self.data)
            elif self.operation == "log":
                x.grad += g / x.data

    def backward(self) -> None:
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for x in node.inputs:
                    visit(x)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.pass_back()


# %% mistake="value_backward" says="A difference assigns the gradient of its second input, which throws away what has arrived there by other ways. Add to it, as the other operations do."
class Value(Recorded):

    def pass_back(self) -> None:
        g = self.grad
        if self.operation in ("+", "-", "*", "/"):
            x, y = self.inputs
            if self.operation == "+":
                x.grad += g
                y.grad += g
            elif self.operation == "-":
                x.grad += g
                y.grad = -g
            elif self.operation == "*":
                x.grad += g * y.data
                y.grad += g * x.data
            else:
                x.grad += g / y.data
                y.grad -= g * x.data / y.data**2
        elif self.operation:
            (x,) = self.inputs
            if self.operation == "**":
                x.grad += g * self.exponent * x.data ** (self.exponent - 1)
            elif self.operation == "neg":
                x.grad -= g
            elif self.operation == "tanh":
                x.grad += g * (1 - self.data**2)
            elif self.operation == "exp":
                x.grad += g * self.data
            elif self.operation == "log":
                x.grad += g / x.data

    def backward(self) -> None:
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for x in node.inputs:
                    visit(x)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.pass_back()


# %% mistake="value_backward" says="A gradient is assigned where it has to be added: what arrives last replaces what was there, and a node that is used twice keeps only one of its paths. Look at how your rules write to grad."
right_value = Value


class Value(right_value):
    def pass_back(self):
        inputs = self.inputs
        self.inputs = tuple(Recorded(x.data) for x in inputs)  # each receives its own part
        super().pass_back()
        for x, received in zip(inputs, self.inputs):
            x.grad = received.grad
        self.inputs = inputs


# %% mistake="value_backward" says="Each input is called again from every node that uses it, and each time passes on all that it has so far: where two paths meet, the first part is counted twice. List every node once, in order, before anything is passed back."
right_value = Value


class Value(right_value):
    def backward(self, root=True):
        if root:
            self.grad = 1.0
        self.pass_back()
        for x in self.inputs:
            x.backward(root=False)


# %% mistake="value_backward" says="You go through the graph level by level from the root and take each node when it is first reached: at the end of a short path, before the long one has delivered. A node must wait for all that use it."
right_value = Value


class Value(right_value):
    def backward(self):
        self.grad = 1.0
        queue, seen = [self], {self}
        for node in queue:
            node.pass_back()
            for x in node.inputs:
                if x not in seen:
                    seen.add(x)
                    queue.append(x)


# %% mistake="value_backward" says="You note the numbers of the nodes as seen, not the nodes: of two nodes that hold the same number the second is left out. Put the node itself into your set."
right_value = Value


class Value(right_value):
    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node.data not in seen:
                seen.add(node.data)
                for x in node.inputs:
                    visit(x)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.pass_back()


# %% mistake="value_backward" says="Depth first, a node passes on (or enters your order) as soon as it is reached, before others that use it. List each node after its inputs first, then go through the list from its end."
right_value = Value


class Value(right_value):
    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                order.append(node)
                for x in node.inputs:
                    visit(x)

        visit(self)
        self.grad = 1.0
        for node in order:
            node.pass_back()


# %% mistake="value_backward" says="Only what enters the last operation directly gets a gradient: the order begins at the leaves, which pass on zeros. Go through it from the root."
right_value = Value


class Value(right_value):
    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for x in node.inputs:
                    visit(x)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in order:
            node.pass_back()


# %% mistake="value_backward" says="All gradients are zero: every one is some factor times that of the root, and the root's is still 0.0. What is the derivative of the result with respect to itself?"
right_value = Value


class Value(right_value):
    def backward(self):
        super().backward()
        todo = [self]
        while todo:  # what zeros become, whatever each of them is multiplied by
            node = todo.pop()
            node.grad = 0.0
            todo += node.inputs


# %% mistake="value_backward" says="Every node that you reach gets the gradient 1: only the root's own derivative is 1, the others are what arrives there. Set it once, outside of the recursion."
right_value = Value


class Value(right_value):
    def backward(self):
        self.grad = 1.0
        self.pass_back()
        for x in self.inputs:
            x.backward()


# %% mistake="value_backward" says="You pass on the local derivative alone: it is right for the last operation and too short before it. Multiply it by the gradient that has arrived at the node, that is the chain rule."
right_value = Value


class Value(right_value):
    def pass_back(self):
        arrived, self.grad = self.grad, 1.0
        super().pass_back()
        self.grad = arrived


# %% mistake="value_backward" says="The right operand of - gets the gradient of a sum: when it rises, the difference falls. Mind its sign."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "-":
            for x in self.inputs:
                x.grad += self.grad
        else:
            super().pass_back()


# %% mistake="value_backward" says="In a product each factor gets itself as the local derivative. Move one factor a little: how far the product moves depends on the other one."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "*":
            for x in self.inputs:
                x.grad += self.grad * x.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="The divisor of / gets a gradient with the wrong sign: when it rises, a quotient of positive numbers falls. Differentiate the power -1 of it."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "/":
            x, y = self.inputs
            x.grad += self.grad / y.data
            y.grad += self.grad * x.data / y.data**2
        else:
            super().pass_back()


# %% mistake="value_backward" says="The divisor of / lacks a power: the derivative of 1/y falls faster than 1/y itself. Differentiate y to the power -1 by the power rule."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "/":
            x, y = self.inputs
            x.grad += self.grad / y.data
            y.grad -= self.grad * x.data / y.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="The divisor of / gets no gradient at all, as if it were a plain number. It is an input like the other one."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "/":
            x, y = self.inputs
            x.grad += self.grad / y.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="In your rule for ** the exponent comes down as a factor but does not go down by one. Compare with x squared, whose derivative is 2x."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "**":
            (x,) = self.inputs
            x.grad += self.grad * self.exponent * self.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="In your rule for ** the exponent goes down by one but does not come down as a factor. Compare with x squared, whose derivative is 2x."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "**":
            (x,) = self.inputs
            x.grad += self.grad * x.data ** (self.exponent - 1)
        else:
            super().pass_back()


# %% mistake="value_backward" says="The unary minus passes the gradient on unchanged: when its input rises, it falls. What is its local derivative?"
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "neg":
            (x,) = self.inputs
            x.grad += self.grad
        else:
            super().pass_back()


# %% mistake="value_backward" says="The derivative of tanh is 1 minus the square of its result, and you take the square of its input. Which of the two is self.data?"
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "tanh":
            (x,) = self.inputs
            x.grad += self.grad * (1 - x.data**2)
        else:
            super().pass_back()


# %% mistake="value_backward" says="In your rule for tanh the square is missing: the result itself is taken from 1. Far to the left, where the curve is flat, your rule gives nearly 2: square the result first."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "tanh":
            (x,) = self.inputs
            x.grad += self.grad * (1 - self.data)
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for tanh takes tanh of the result once more: self.data has gone through tanh already. Use it as it is."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "tanh":
            (x,) = self.inputs
            x.grad += self.grad * (1 - math.tanh(self.data) ** 2)
        else:
            super().pass_back()


# %% mistake="value_backward" says="The derivative of exp is exp itself, the result; you multiply by the input. Which of the two is self.data?"
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "exp":
            (x,) = self.inputs
            x.grad += self.grad * x.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="In your rule for exp the result goes through exp once more: self.data is the exponential already."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "exp":
            (x,) = self.inputs
            x.grad += self.grad * math.exp(self.data)
        else:
            super().pass_back()


# %% mistake="value_backward" says="The derivative of log is 1 over its input; you divide by its result. Which of the two is self.data?"
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "log":
            (x,) = self.inputs
            x.grad += self.grad / self.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for log multiplies by the input: the larger a number, the flatter its logarithm. Check the derivative of log at 1 and at 10."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "log":
            (x,) = self.inputs
            x.grad += self.grad * x.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for exp assigns the gradient, the others add it: a node that goes into exp and is used elsewhere too loses what had arrived. Add here as well."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "exp":
            self.inputs[0].grad = 0.0  # what has arrived is lost
        super().pass_back()


# %% mistake="value_backward" says="Your rule for tanh assigns the gradient, the others add it: a node that goes into tanh and is used elsewhere too loses what had arrived. Add here as well."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "tanh":
            self.inputs[0].grad = 0.0  # what has arrived is lost
        super().pass_back()


# %% mistake="value_backward" says="Your rule for a power assigns the gradient, the others add it: a node that goes into a power and is used elsewhere too loses what had arrived. Add here as well."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "**":
            self.inputs[0].grad = 0.0  # what has arrived is lost
        super().pass_back()


# %% mistake="value_backward" says="Your rule for log assigns the gradient, the others add it: a node that goes into log and is used elsewhere too loses what had arrived. Add here as well."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "log":
            self.inputs[0].grad = 0.0  # what has arrived is lost
        super().pass_back()


# %% mistake="value_backward" says="Your rule for a sum assigns the gradients of its two inputs, the others add: an input that is used elsewhere too loses what had arrived. Add here as well."
right_value = Value


class Value(right_value):
    def pass_back(self):
        inputs = self.inputs
        if self.operation == "+":
            self.inputs = tuple(Recorded(x.data) for x in inputs)  # each receives its own part
        super().pass_back()
        for x, received in zip(inputs, self.inputs):
            if x is not received:
                x.grad = received.grad
        self.inputs = inputs


# %% mistake="value_backward" says="Your rule for a product assigns the gradients of its two inputs, the others add: an input that is used elsewhere too loses what had arrived. Add here as well."
right_value = Value


class Value(right_value):
    def pass_back(self):
        inputs = self.inputs
        if self.operation == "*":
            self.inputs = tuple(Recorded(x.data) for x in inputs)  # each receives its own part
        super().pass_back()
        for x, received in zip(inputs, self.inputs):
            if x is not received:
                x.grad = received.grad
        self.inputs = inputs


# %% mistake="value_backward" says="Your rule for ** takes the power of the result: self.data has the exponent in it already. The rule needs the base, which is the input's number."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "**":
            (x,) = self.inputs
            x.grad += self.grad * self.exponent * self.data ** (self.exponent - 1)
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for ** swaps base and exponent: it takes the exponent to the power of the base. In x ** n the base is the input, n is self.exponent."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "**":
            (x,) = self.inputs
            x.grad += self.grad * self.exponent ** (x.data - 1) * x.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Python takes the power before it subtracts: in your rule for **, 1 is taken from the power, not from the exponent. Put the exponent into brackets."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "**":
            (x,) = self.inputs
            x.grad += self.grad * (self.exponent * x.data**self.exponent - 1)
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for tanh squares the whole bracket, 1 minus the result. Square the result first, then take it from 1."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "tanh":
            (x,) = self.inputs
            x.grad += self.grad * (1 - self.data) ** 2
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for tanh passes the result on as its own derivative, as exp does. The derivative of tanh is 1 minus the square of the result."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "tanh":
            (x,) = self.inputs
            x.grad += self.grad * self.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for tanh is that of a sigmoid: the result times 1 minus the result. Of tanh, it is 1 minus the square of the result."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "tanh":
            (x,) = self.inputs
            x.grad += self.grad * self.data * (1 - self.data)
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for tanh adds the square where it takes it away: tanh is never steeper than 1. It is 1 minus the square of the result."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "tanh":
            (x,) = self.inputs
            x.grad += self.grad * (1 + self.data**2)
        else:
            super().pass_back()


# %% mistake="value_backward" says="The dividend of / gets its gradient multiplied by the divisor, as in a product. Dividing by a large number makes the result move little: divide by it."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "/":
            x, y = self.inputs
            x.grad += self.grad * y.data
            y.grad -= self.grad * x.data / y.data**2
        else:
            super().pass_back()


# %% mistake="value_backward" says="The divisor of / gets the gradient without the dividend: the larger x is, the more x / y changes with y. Differentiate x times y to the power -1."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "/":
            x, y = self.inputs
            x.grad += self.grad / y.data
            y.grad -= self.grad / y.data**2
        else:
            super().pass_back()


# %% mistake="value_backward" says="In a product only the first factor gets a gradient. The second one moves the result as well: give it its share, too."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "*":
            x, y = self.inputs
            x.grad += self.grad * y.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Both operands of - get a minus. When the left one rises, so does the difference: only the right one's gradient turns its sign."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "-":
            x, y = self.inputs
            x.grad -= self.grad
            y.grad -= self.grad
        else:
            super().pass_back()


# %% mistake="value_backward" says="The minus of - has come to the wrong operand: when the left one rises, the difference rises, and when the right one rises, it falls. Swap the signs."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "-":
            x, y = self.inputs
            x.grad -= self.grad
            y.grad += self.grad
        else:
            super().pass_back()


# %% mistake="value_backward" says="The derivative of exp is taken as if it were a power: x times e to the power x - 1. That rule is for a fixed exponent; exp is its own derivative."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "exp":
            (x,) = self.inputs
            x.grad += self.grad * x.data * math.exp(x.data - 1)
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for the product of a node with itself gives 2x, without the gradient that has arrived at the product. Multiply by it, as everywhere; the general rule for a product needs no such case."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "*" and self.inputs[0] is self.inputs[1]:
            self.inputs[0].grad += 2 * self.inputs[0].data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Where both inputs of an operation are the same node, it gets only one of its two shares. Add the share of each place, also when the same node stands at both."
right_value = Value


class Value(right_value):
    def pass_back(self):
        inputs = self.inputs
        if len(inputs) == 2 and inputs[0] is inputs[1]:
            self.inputs = (Recorded(inputs[0].data), inputs[1])  # what the first place gets is lost
        super().pass_back()
        self.inputs = inputs


# %% mistake="value_backward" says="Your rule for the product of a node with itself gives it one share, x instead of 2x. It stands at both places: add both shares."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "*" and self.inputs[0] is self.inputs[1]:
            self.inputs[0].grad += self.grad * self.inputs[0].data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for a difference assigns the gradients of its two inputs, the others add: an input that is used elsewhere too loses what had arrived. Add here as well."
right_value = Value


class Value(right_value):
    def pass_back(self):
        inputs = self.inputs
        if self.operation == "-":
            self.inputs = tuple(Recorded(x.data) for x in inputs)  # each receives its own part
        super().pass_back()
        for x, received in zip(inputs, self.inputs):
            if x is not received:
                x.grad = received.grad
        self.inputs = inputs


# %% mistake="value_backward" says="Your rule for a quotient assigns the gradients of its two inputs, the others add: an input that is used elsewhere too loses what had arrived. Add here as well."
right_value = Value


class Value(right_value):
    def pass_back(self):
        inputs = self.inputs
        if self.operation == "/":
            self.inputs = tuple(Recorded(x.data) for x in inputs)  # each receives its own part
        super().pass_back()
        for x, received in zip(inputs, self.inputs):
            if x is not received:
                x.grad = received.grad
        self.inputs = inputs


# %% mistake="value_backward" says="Your rule for the unary minus assigns the gradient, the others add: a node that is negated and used elsewhere too loses what had arrived. Add here as well."
right_value = Value


class Value(right_value):
    def pass_back(self):
        inputs = self.inputs
        if self.operation == "neg":
            self.inputs = tuple(Recorded(x.data) for x in inputs)  # each receives its own part
        super().pass_back()
        for x, received in zip(inputs, self.inputs):
            if x is not received:
                x.grad = received.grad
        self.inputs = inputs


# %% mistake="value_backward" says="Your rule for exp passes on the local derivative alone. Multiply it by the gradient that has arrived at the node, as in your other rules."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "exp":
            (x,) = self.inputs
            x.grad += self.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for tanh passes on the local derivative alone. Multiply it by the gradient that has arrived at the node, as in your other rules."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "tanh":
            (x,) = self.inputs
            x.grad += 1 - self.data**2
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for log passes on the local derivative alone. Multiply it by the gradient that has arrived at the node, as in your other rules."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "log":
            (x,) = self.inputs
            x.grad += 1 / x.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for ** passes on the local derivative alone. Multiply it by the gradient that has arrived at the node, as in your other rules."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "**":
            (x,) = self.inputs
            x.grad += self.exponent * x.data ** (self.exponent - 1)
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for a product passes on the other factor alone. Multiply it by the gradient that has arrived at the product, as in your other rules."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "*":
            x, y = self.inputs
            x.grad += y.data
            y.grad += x.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for a quotient passes on the local derivatives alone. Multiply both by the gradient that has arrived at the quotient, as in your other rules."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "/":
            x, y = self.inputs
            x.grad += 1 / y.data
            y.grad -= x.data / y.data**2
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for a sum passes on 1 to each input, whatever has arrived at the sum. Pass on the gradient of the sum itself."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "+":
            x, y = self.inputs
            x.grad += 1
            y.grad += 1
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for a difference passes on 1 and -1, whatever has arrived there. Multiply both by the gradient of the difference."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "-":
            x, y = self.inputs
            x.grad += 1
            y.grad -= 1
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for the unary minus passes on -1, whatever has arrived there. Multiply it by the gradient of the node."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "neg":
            (x,) = self.inputs
            x.grad -= 1
        else:
            super().pass_back()


# %% mistake="value_backward" says="In your rule for a product the shares of the two factors are both made of the left one. Each factor's derivative is the other factor."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "*":
            x, y = self.inputs
            x.grad += self.grad * x.data
            y.grad += self.grad * x.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="In a sum only the first input gets a gradient. The second one moves the result as well: give it its share, too."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "+":
            x, y = self.inputs
            x.grad += self.grad
        else:
            super().pass_back()


# %% mistake="value_backward" says="In a difference only the first operand gets a gradient. The second one moves the result as well, the other way."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "-":
            x, y = self.inputs
            x.grad += self.grad
        else:
            super().pass_back()


# %% mistake="value_backward" says="The derivative of log is taken as the logarithm itself, as exp is its own derivative. Of log it is 1 over the input."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "log":
            (x,) = self.inputs
            x.grad += self.grad * self.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for ** takes the base without its sign. For an even exponent the slope at a negative base is negative: take the input's number as it is."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "**":
            (x,) = self.inputs
            x.grad += self.grad * self.exponent * abs(x.data) ** (self.exponent - 1)
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your rule for ** is that of a square, 2x, whatever the exponent is. Bring the exponent down as a factor, and take 1 from it."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "**":
            (x,) = self.inputs
            x.grad += self.grad * 2 * x.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="Your divisor's derivative is made of the quotient and multiplied by the divisor, where it is to be divided: it is minus the quotient over y."
right_value = Value


class Value(right_value):
    def pass_back(self):
        if self.operation == "/":
            x, y = self.inputs
            x.grad += self.grad / y.data
            y.grad -= self.grad * self.data * y.data
        else:
            super().pass_back()


# %% mistake="value_backward" says="A root that was computed from nothing gets no gradient. Its derivative with respect to itself is 1, as that of any root."
right_value = Value


class Value(right_value):
    def backward(self):
        if self.inputs:
            super().backward()


# %% mistake="value_backward" says="The nodes are told apart by operation and number, so that two equal ones count as one. Two nodes may hold the same: put the nodes themselves into your set."
right_value = Value


class Value(right_value):
    def backward(self):
        order, seen = [], set()

        def visit(node):
            if (node.operation, node.data) not in seen:
                seen.add((node.operation, node.data))
                for x in node.inputs:
                    visit(x)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.pass_back()


# %% mistake="value_backward" says="Each node waits for all that use it, also for those that the root was not computed from and that never pass anything back. Count only the users that are reached from the root."
class Value(Value):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.users = 0
        for x in self.inputs:
            x.users += 1

    def backward(self):
        self.grad, ready = 1.0, [self]
        while ready:
            node = ready.pop()
            node.pass_back()
            for x in node.inputs:
                x.users -= 1
                if not x.users:
                    ready.append(x)


# %% mistake="value_backward" says="An input that stands at both places, as in x + x, counts as two users, but only one of them is ticked off: it is never let go, and nothing reaches what is behind it. Tick off both."
right_value = Value


class Value(right_value):
    def backward(self):
        users, todo = {self: 0}, [self]
        while todo:
            for x in todo.pop().inputs:
                if x not in users:
                    users[x] = 0
                    todo.append(x)
                users[x] += 1
        self.grad, ready = 1.0, [self]
        while ready:
            node = ready.pop()
            node.pass_back()
            for x in set(node.inputs):
                users[x] -= 1
                if users[x] == 0:
                    ready.append(x)


# %% variant="value_backward"
class Value:
    """From scratch, as in the lecture: every operation makes a closure; differences and quotients are made of other operations."""

    def __init__(self, data, children=()):
        self.data, self.grad = data, 0.0
        self._prev, self._backward = set(children), lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __pow__(self, other):
        out = Value(self.data**other, (self,))

        def _backward():
            self.grad += other * self.data ** (other - 1) * out.grad

        out._backward = _backward
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,))

        def _backward():
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self):
        out = Value(math.log(self.data), (self,))

        def _backward():
            self.grad += out.grad / self.data

        out._backward = _backward
        return out

    def tanh(self):
        e = (self * 2).exp()
        return (e - 1) / (e + 1)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * other**-1

    def __rsub__(self, other):
        return other + (-self)

    def __rtruediv__(self, other):
        return other * self**-1

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        topo, visited = [], set()

        def build_topo(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build_topo(child)
                topo.append(v)

        build_topo(self)
        self.grad = 1
        for node in reversed(topo):
            node._backward()


# %% variant="value_backward"
class Value:
    """Local derivatives are computed forwards and kept as (input, derivative); a node is done when all its users are (Kahn)."""

    def __init__(self, data, edges=()):
        self.data, self.edges, self.grad = float(data), edges, 0.0

    def _lift(self, other):
        return (other, other.data) if isinstance(other, Value) else (Value(other), other)

    def __add__(self, other):
        node, y = self._lift(other)
        return Value(self.data + y, [(self, 1), (node, 1)])

    def __sub__(self, other):
        node, y = self._lift(other)
        return Value(self.data - y, [(self, 1), (node, -1)])

    def __rsub__(self, other):
        return Value(other - self.data, [(self, -1)])

    def __mul__(self, other):
        node, y = self._lift(other)
        return Value(self.data * y, [(self, y), (node, self.data)])

    def __truediv__(self, other):
        node, y = self._lift(other)
        return Value(self.data / y, [(self, 1 / y), (node, -self.data / y / y)])

    def __rtruediv__(self, other):
        return Value(other / self.data, [(self, -other / self.data**2)])

    def __pow__(self, n):
        return Value(self.data**n, [(self, n * self.data ** (n - 1))])

    def __neg__(self):
        return Value(-self.data, [(self, -1)])

    def tanh(self):
        return Value(math.tanh(self.data), [(self, 1 / math.cosh(self.data) ** 2)])

    def exp(self):
        return Value(math.exp(self.data), [(self, math.exp(self.data))])

    def log(self):
        return Value(math.log(self.data), [(self, 1 / self.data)])

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        waiting, todo = {self: 0}, [self]
        while todo:
            for x, _ in todo.pop().edges:
                if x not in waiting:
                    waiting[x] = 0
                    todo.append(x)
                waiting[x] += 1
        self.grad, ready = 1.0, [self]
        while ready:
            node = ready.pop()
            for x, derivative in node.edges:
                x.grad += derivative * node.grad
                waiting[x] -= 1
                if not waiting[x]:
                    ready.append(x)


# %% variant="value_backward"
import itertools

RULES = {
    "+": lambda z, x, y: (1, 1),
    "-": lambda z, x, y: (1, -1),
    "*": lambda z, x, y: (y.data, x.data),
    "/": lambda z, x, y: (1 / y.data, -z.data / y.data),
    "**": lambda z, x: (z.exponent * x.data ** (z.exponent - 1),),
    "neg": lambda z, x: (-1,),
    "tanh": lambda z, x: (1 - z.data * z.data,),
    "exp": lambda z, x: (z.data,),
    "log": lambda z, x: (x.data**-1,),
}
born = itertools.count()


class Value(Recorded):
    """A table of rules; nodes are numbered when they are made, and the youngest goes first."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.number = next(born)

    def backward(self):
        nodes, todo = {self}, [self]
        while todo:
            new = set(todo.pop().inputs) - nodes
            nodes |= new
            todo += new
        for node in nodes:
            node.grad = 1.0 if node is self else 0.0
        for node in sorted(nodes, key=lambda node: -node.number):
            if node.operation:
                for x, local in zip(node.inputs, RULES[node.operation](node, *node.inputs)):
                    x.grad = x.grad + local * node.grad


# %% [markdown]
# The example once more, now with the gradients that your class finds. Start at the right, and follow each arrow back.

# %%
try:
    a, b, c, f = Value(2.0), Value(-3.0), Value(10.0), Value(-2.0)
    e = a * b
    d = e + c
    L = d * f
    L.backward()
    draw_graph(L, {"a": a, "b": b, "c": c, "f": f, "e": e, "d": d, "L": L}, "L = (a b + c) f, and back", gradients=True)
except Exception:  # noqa: BLE001  not written yet, not right yet, or a class of your own without inputs and operation
    plt.close("all")
    print("The picture comes when value_backward is written, on top of Recorded.")

# %% [markdown]
# ## The kit's own `Value`
#
# What follows is built on `Scalar`, the kit's own finished version of `Value`, so that a gap above costs nothing below. Its rules stand in one method, `local_derivatives`, and `backward` walks the graph by a function that calls itself, as in the lecture.
#
# Where every row of `value_backward` is right for your own class, you can put `Value` for `Scalar` in your answers and get the same points:
#
# | exercise | with a `Value` of your own |
# |---|---|
# | `value_deep` | Not here: it is about the graph of `Scalar`s, their `inputs` and `pass_back`, and is always given these, whatever the signature says. |
# | `neuron_layer_mlp` | The parameters are of your class. The check puts numbers into their `data`, calls the network with plain numbers or with nodes of the same class, and reads `data` and `grad`. |
# | `train_mlp`, `softmax_nll` | Here the nodes are given: `Value`s if your answer names `Value`, in its code or else in its signature, and otherwise `Scalar`s. Where it stops with an error, the check tries it with the other class. |
#
# Keep to one of them within an answer: a `Scalar` cannot find its way back through the graph of a `Value` from scratch, nor the other way round.


# %%
class Scalar(Recorded):
    """A number that knows how it was computed and can carry a gradient back."""

    def local_derivatives(self) -> tuple[float, ...]:
        """The derivative of self with respect to each of its inputs."""
        x, y = (*(node.data for node in self.inputs), 0.0, 0.0)[:2]
        match self.operation:
            case "+":
                return 1.0, 1.0
            case "-":
                return 1.0, -1.0
            case "*":
                return y, x
            case "/":
                return 1 / y, -x / y**2
            case "**":
                return (self.exponent * x ** (self.exponent - 1),)
            case "neg":
                return (-1.0,)
            case "tanh":
                return (1 - self.data**2,)
            case "exp":
                return (self.data,)
            case "log":
                return (1 / x,)
        return ()

    def pass_back(self) -> None:
        """Add self.grad times the local derivative to the grad of each input."""
        for node, derivative in zip(self.inputs, self.local_derivatives()):
            node.grad += self.grad * derivative

    def backward(self) -> None:
        """Fill in the grad of every node that self was computed from."""
        order, seen = [], set()

        def visit(node: Scalar) -> None:
            if node not in seen:
                seen.add(node)
                for x in node.inputs:
                    visit(x)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.pass_back()


# %% [markdown]
# The checks below make and read nodes by these functions, and need not know how a class was written.


# %%
def node_classes(answer: Callable) -> tuple[Callable, Callable]:
    """The class of nodes that an answer is written for, and the other one: your Value first where it names that class, else Scalar.

    Its code is looked at first, with that of the functions of this notebook that it calls, then its signature.
    """
    in_code, todo = set(), [inspect.unwrap(answer)]
    while todo:
        code = getattr(item := todo.pop(), "__code__", item)
        if isinstance(code, types.CodeType):
            new = {*code.co_names, *code.co_freevars} - in_code
            in_code |= new
            todo += [*code.co_consts, *(globals().get(name) for name in new)]
    in_signature = re.findall(r"\w+", str(getattr(answer, "__annotations__", "")))
    own = globals().get("Value", Scalar)
    for names in (in_code, in_signature):
        classes = {c for name in names if isinstance(c := globals().get(name), type)}
        derived = isinstance(own, type) and any(issubclass(c, own) for c in classes - {Scalar})
        if "Value" in names or derived:  # by another name, or a class that is made of it
            return own, Scalar
        if Scalar in classes:
            break
    return Scalar, own


def put_number(node: Scalar, number: float) -> None:
    """Let a node hold this number, in the form in which its class keeps numbers: a float, a number of NumPy, a tensor."""
    tensor = isinstance(node.data, Tensor)
    node.data = torch.tensor(number, dtype=torch.float64) if tensor else 0.0 * node.data + number


def gradient_of(node: Scalar) -> float:
    """What has arrived in the grad of a node; 0.0 if nothing has."""
    return 0.0 if node.grad is None else float(node.grad)


# %% [markdown]
# ### Where that breaks
#
# A function that calls itself once for each node of a path needs one level of Python's call stack for each of them, and Python allows only a thousand or a few. A loss that is a sum over thousands of examples makes such a path.

# %%
x = total = Scalar(0.5)
for _ in range(20_000):
    total = total + x
try:
    total.backward()
except RecursionError as error:
    print(f"The limit is {sys.getrecursionlimit():,}. RecursionError: {error}.")

# %% [markdown] exercise="value_deep"
# Write `deep_backward(root)`. It does what `root.backward()` does, for a graph of any depth: **no function that calls itself**, and the limit is not to be raised (`setrecursionlimit` is not allowed). The nodes are `Scalar`s; call
# `node.pass_back()` on each of them once, every node after all that use it.
#
# Twenty thousand nodes take the kit's own function a few hundredths of a second. No clock decides about yours, but it must not slow down as the chain grows: one chain of 10,000 nodes may cost at most ten times the
# processor time of a hundred chains of 100, which are just as many nodes. (It costs the kit's own about as much, and more than twenty times as much if a list of nodes is searched for each node.)
#
# In the cell above `x` is used 20,001 times, and `deep_backward(total)` must leave `x.grad` at 20001.0.
#
# <details><summary>Hint 1: the idea</summary>
#
# What Python keeps on its call stack you can keep in a list of your own. A node comes up twice: first to let its inputs go before it, then, when they are all done, to be appended itself.
# Or else count how many users each node has, and let it go when the last of them has passed on.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# A list used as a stack (`append`, `pop`), a `set` of nodes seen (to look something up in a list of 20,000 takes 20,000 steps), and the list of the order.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# stack = [(root, inputs done? no)]
# while the stack is not empty:
#     take (node, done) off it
#     if done: append the node to the order
#     else if it was not seen: note it as seen, put (node, yes) on the stack, then (x, no) for each of its inputs
# set the root's grad; pass_back for each node of the order, from its end
# ```
#
# </details>


# %% answer="value_deep"
def deep_backward(root: Scalar) -> None:
    """Fill in the grad of every node that root was computed from, however long the paths are."""
    ### BEGIN SOLUTION
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, inputs_done = stack.pop()
        if inputs_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(x, False) for x in node.inputs]
    root.grad = 1.0
    for node in reversed(order):
        node.pass_back()
    ### END SOLUTION


# %% check="value_deep"
import io
import time
import timeit


def deep_graph(g: torch.Generator, length: int = 6_000, number: Callable = Scalar) -> tuple[list, list]:
    """A chain on two inputs in which w is used at every step; two early nodes are used again late, and two nodes twice by the same one.

    The inputs, and nodes along the way, the last of which is the root; one node is made on the way and not used.
    """
    start, w = (number(float(n)) for n in torch.rand(2, generator=g, dtype=torch.float64) * 0.01 + 0.005)
    upwards = torch.randint(2, (length,), generator=g).tolist()
    x, kept = start, []
    for i, up in enumerate(upwards):
        x = x + w if up else x - w
        if i == length // 8:
            early = x
        elif i == length // 4:
            second = x
        elif i == length // 3:
            x = ((x + w) + (x + x)) * (1 / 3)
        elif i == 2 * length // 5:
            x = x * x + 1.0
            _ = x * w  # leads nowhere
        elif i == length // 2:
            x = x * early + 1.0
        elif i == 3 * length // 4:
            x = second * x + 1.0
        if i % (length // 7) == 0:
            kept.append(x)
    return [start, w, early, second], [*kept, x]


def slows_down() -> bool:
    """Whether 10,000 nodes cost more than ten times the processor time in one chain than in a hundred; by turns, and the least of each counts."""

    def seconds(length: int, chains: int, rounds: int) -> float:
        roots = [deep_graph(torch.Generator().manual_seed(n), length)[1][-1] for n in range(chains)]
        with contextlib.redirect_stdout(io.StringIO()):  # what an answer prints is shown once
            return timeit.timeit(lambda: [deep_backward(root) for root in roots], number=rounds, timer=time.process_time) / rounds

    one, hundred = [], [seconds(100, 100, 1)]
    for _ in range(2):
        one.append(seconds(10_000, 1, 1))
        hundred.append(seconds(100, 100, 1))
        if min(one) <= 10 * min(hundred):
            return False
    return True


slow: list[bool] = []  # measured once for all draws


def deep_probe(g: torch.Generator):
    inputs, nodes = deep_graph(g)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(3000)  # whatever it was raised to before
    try:
        if not slow:
            slow.append(slows_down())
        if slow[0]:
            return "the longer the chain, the more time each node takes"
        deep_backward(nodes[-1])
        alone = Scalar(0.0)
        deep_backward(alone)
    except RecursionError:
        return "RecursionError: a function called itself too often"
    finally:
        sys.setrecursionlimit(limit)
    return [float(node.grad) for node in (*inputs, *nodes, alone)]


check("value_deep", deep_probe)

# %% oracle="value_deep"
for seed in range(100):
    numbers, steps = draw_program(torch.Generator().manual_seed(seed))
    mine = run_program([Scalar(n) for n in numbers], steps)
    theirs = run_program([torch.tensor(n, dtype=torch.float64, requires_grad=True) for n in numbers], steps)
    mine[-1].backward()
    theirs[-1].backward()
    for node, tensor in zip(mine, theirs[: len(numbers)]):
        assert math.isclose(node.grad, tensor.grad.item(), rel_tol=1e-9, abs_tol=1e-12)
x = total = Scalar(0.5)
for _ in range(20_000):
    total = total + x
deep_backward(total)
assert x.grad == 20001.0
for seed in range(3):
    inputs, nodes = deep_graph(torch.Generator().manual_seed(seed))
    deep_backward(nodes[-1])
    def leaf(n):
        return torch.tensor(n, dtype=torch.float64, requires_grad=True)
    their_inputs, their_nodes = deep_graph(torch.Generator().manual_seed(seed), number=leaf)
    theirs = torch.autograd.grad(their_nodes[-1], [*their_inputs, *their_nodes])
    found = torch.tensor([node.grad for node in (*inputs, *nodes)], dtype=torch.float64)
    torch.testing.assert_close(found, torch.stack(theirs), rtol=1e-9, atol=1e-12)
for seed in range(20):
    numbers, steps = draw_program(torch.Generator().manual_seed(seed))
    one, other = (run_program([Scalar(n) for n in numbers], steps) for _ in range(2))
    one[-1].backward()
    deep_backward(other[-1])
    assert all(math.isclose(a.grad, b.grad, rel_tol=1e-9, abs_tol=1e-12) for a, b in zip(one, other))


# %% mistake="value_deep" says="A function still calls itself once for each node of the chain, and Python stops it. Keep the nodes that wait in a list of your own."
def deep_backward(root):
    root.backward()


# %% mistake="value_deep" says="Your function takes more time for each node the longer the chain is. Look for a step that goes through a whole list each time, such as `in` on a list: a set or a dict finds a node at once."
def deep_backward(root):
    order, seen, stack = [], [], [(root, False)]
    while stack:
        node, inputs_done = stack.pop()
        if inputs_done:
            order.append(node)
        elif node not in seen:
            seen.append(node)
            stack.append((node, True))
            stack += [(x, False) for x in node.inputs]
    root.grad = 1.0
    for node in reversed(order):
        node.pass_back()


# %% mistake="value_deep" says="A node is passed back as soon as it comes off your stack, although a longer path to it may still be on its way. First list all nodes, each behind its inputs; then pass back from the end of that list."
def deep_backward(root):
    root.grad, seen, stack = 1.0, {root}, [root]
    while stack:
        node = stack.pop()
        node.pass_back()
        for x in node.inputs:
            if x not in seen:
                seen.add(x)
                stack.append(x)


# %% mistake="value_deep" says="You go level by level from the root: the early nodes that are used again late are reached by the short way first, and do not wait for the long one. Count the users of each node, or list the inputs first."
def deep_backward(root):
    root.grad, seen, queue = 1.0, {root}, [root]
    for node in queue:
        node.pass_back()
        for x in node.inputs:
            if x not in seen:
                seen.add(x)
                queue.append(x)


# %% mistake="value_deep" says="A node is passed back each time a path reaches it, with all that it has by then, so parts are counted several times. Each node passes back once."
def deep_backward(root):
    root.grad, stack = 1.0, [root]
    while stack:
        node = stack.pop()
        node.pass_back()
        stack += node.inputs


# %% mistake="value_deep" says="Every gradient is zero: either that of the root was never set to 1, or each node's is emptied again behind its pass_back. Look at where your function writes to grad."
def deep_backward(root):
    root.grad = 0.0


# %% mistake="value_deep" says="Only the root's own inputs have a gradient: your list is read from the leaves, which pass on zeros, or you follow one input of each node and soon stand at a leaf. Visit all inputs; read the list from its end."
def deep_backward(root):
    root.grad = 1.0
    root.pass_back()


# %% mistake="value_deep" says="A node is noted as seen when it is put on the stack. Where two paths meet it keeps the place of the first, too early in the order: note it when it is taken off."
def deep_backward(root):
    order, stack, seen = [], [(root, False)], {root}
    while stack:
        node, inputs_done = stack.pop()
        if inputs_done:
            order.append(node)
            continue
        stack.append((node, True))
        new = [x for x in dict.fromkeys(node.inputs) if x not in seen]
        seen.update(new)
        stack += [(x, False) for x in new]
    root.grad = 1.0
    for node in reversed(order):
        node.pass_back()


# %% mistake="value_deep" says="A node that is used at two places stands in your order twice, and passes its gradient back twice. Note which nodes you have seen, and list each of them once."
def deep_backward(root):
    order, stack = [], [(root, False)]
    while stack:
        node, inputs_done = stack.pop()
        if inputs_done:
            order.append(node)
        else:
            stack.append((node, True))
            stack += [(x, False) for x in node.inputs]
    root.grad = 1.0
    for node in reversed(order):
        node.pass_back()


# %% mistake="value_deep" says="You follow the first input of each node only. What comes in by another input never gets its gradient: visit all inputs of a node."
def deep_backward(root):
    order, node = [], root
    while node.inputs:
        order.append(node)
        node = node.inputs[0]
    root.grad = 1.0
    for node in order:
        node.pass_back()


# %% mistake="value_deep" says="Every gradient is 1: you set that of each node, and then it holds no longer what has arrived there. Only the root's is set, once."
def deep_backward(root):
    stack, seen = [root], {root}
    while stack:
        node = stack.pop()
        node.grad = 1.0
        fresh = [x for x in node.inputs if x not in seen]
        seen.update(fresh)
        stack += fresh


# %% mistake="value_deep" says="The root's gradient is set, but the root never passes it back, so that all other nodes have zeros. Begin the way back with the root itself."
def deep_backward(root):
    root.grad = 1.0


# %% mistake="value_deep" says="A node that stands at both places of an operation, as in x + x, counts as two users, but is ticked off once: it is never let go, and everything behind it keeps 0. Tick it off for each place."
def deep_backward(root):
    users, todo = {root: 0}, [root]
    while todo:
        for x in todo.pop().inputs:
            if x not in users:
                users[x] = 0
                todo.append(x)
            users[x] += 1
    root.grad, ready = 1.0, [root]
    while ready:
        node = ready.pop()
        node.pass_back()
        for x in set(node.inputs):
            users[x] -= 1
            if users[x] == 0:
                ready.append(x)


# %% mistake="value_deep" says="A node that stands at both places of an operation, as in x + x, is ticked off twice but was counted once: it goes too early, or never. Count it for each place."
def deep_backward(root):
    users, todo = {root: 0}, [root]
    while todo:
        node = todo.pop()
        for x in set(node.inputs):
            if x not in users:
                users[x] = 0
                todo.append(x)
            users[x] += 1
    root.grad, ready = 1.0, [root]
    while ready:
        node = ready.pop()
        node.pass_back()
        for x in node.inputs:
            users[x] -= 1
            if users[x] == 0:
                ready.append(x)


# %% variant="value_deep"
def deep_backward(root):
    """Count the users of every node; a node goes when its last user has gone."""
    users, todo = {root: 0}, [root]
    while todo:
        for x in todo.pop().inputs:
            if x not in users:
                users[x] = 0
                todo.append(x)
            users[x] += 1
    root.grad, ready = 1.0, [root]
    while ready:
        node = ready.pop()
        node.pass_back()
        for x in node.inputs:
            users[x] -= 1
            if users[x] == 0:
                ready.append(x)


# %% variant="value_deep"
def deep_backward(root):
    """The call stack by hand: each entry is a node with what is left of its inputs. The rules from local_derivatives."""
    grads, order, stack = {root: 1.0}, [], [(root, iter(root.inputs))]
    seen = {id(root)}
    while stack:
        node, left = stack[-1]
        for x in left:
            if id(x) not in seen:
                seen.add(id(x))
                stack.append((x, iter(x.inputs)))
                break
        else:
            order.insert(len(order), stack.pop()[0])
    for node in order[::-1]:
        node.grad = grads[node]
        for x, local in zip(node.inputs, node.local_derivatives()):
            grads[x] = grads.get(x, 0.0) + local * node.grad


# %% [markdown]
# ## Neurons
#
# A **neuron** takes some numbers $x_1 \ldots x_n$, multiplies each by a **weight** of its own, adds them up together with a **bias**, and squashes the result by tanh into the range from -1 to 1:
#
# $$\text{out} = \tanh(w_1 x_1 + \ldots + w_n x_n + b)$$
#
# A **layer** is a list of neurons that all see the same inputs. A **multi-layer perceptron** (MLP) is a list of layers, each of which takes the outputs of the one before it as its inputs. The weights and biases are the **parameters**: what training changes.

# %% [markdown] exercise="neuron_layer_mlp"
# Write the three classes with `Scalar` parameters. (Or with those of your own class: then put `Value` for `Scalar` everywhere below.)
#
# - `Neuron(nin)`: `nin` weights, drawn uniformly between -1 and 1 (`random.uniform`), and a bias, which may start at 0. Called with a list of `nin` inputs it returns one `Scalar`.
# - `Layer(nin, nout)`: `nout` neurons with `nin` inputs each. Called, it returns the list of their outputs; **if there is only one, the `Scalar` itself**.
# - `MLP(nin, nouts)`: one layer for each number in `nouts`.
# - Each of them has `parameters()`, a list in this order: layer by layer, neuron by neuron, in each neuron first the weights in the order of the inputs, then the bias.
#
# The inputs may be plain numbers or nodes of the class that the parameters have, as between two layers.
#
# A neuron with the weights 0.5 and -1 and the bias 0.25 gives for the inputs 2 and 1: $\tanh(1 - 1 + 0.25) = 0.2449$. `MLP(3, [4, 4, 1])` has 41 parameters: $4 \cdot (3 + 1) + 4 \cdot (4 + 1) + 1 \cdot (4 + 1)$.
#
# <details><summary>Hint 1: the idea</summary>
#
# Only the neuron computes anything. A layer calls its neurons, an MLP calls its layers, and `parameters()` collects what the parts return.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# The sizes of an `MLP(3, [4, 4, 1])` in a row are 3, 4, 4, 1: its layers are `Layer(3, 4)`, `Layer(4, 4)`, `Layer(4, 1)`. `zip(weights, inputs)` pairs them, but says nothing if one of the two is longer.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# Neuron: out = bias; for each weight and input: out = out + weight * input; return out.tanh()
# Layer : outs = [each neuron called with x]; return its only element if there is one, else the list
# MLP   : sizes = [nin, *nouts]; a Layer for each pair of neighbours;  called: x = layer(x) for each, return x
# parameters: one flat list, [p for each part for p in its parameters()]
# ```
#
# </details>


# %% answer="neuron_layer_mlp"
class Neuron:
    """tanh(w1 x1 + ... + wn xn + b)."""

    def __init__(self, nin: int):
        ### BEGIN SOLUTION
        self.weights = [Scalar(random.uniform(-1, 1)) for _ in range(nin)]
        self.bias = Scalar(0.0)
        ### END SOLUTION

    def __call__(self, x: list[Scalar | float]) -> Scalar:
        """The output for nin inputs."""
        ### BEGIN SOLUTION
        return sum((w * xi for w, xi in zip(self.weights, x, strict=True)), self.bias).tanh()
        ### END SOLUTION

    def parameters(self) -> list[Scalar]:
        """The nin weights, then the bias."""
        ### BEGIN SOLUTION
        return [*self.weights, self.bias]
        ### END SOLUTION


class Layer:
    """Neurons that see the same inputs."""

    def __init__(self, nin: int, nout: int):
        ### BEGIN SOLUTION
        self.neurons = [Neuron(nin) for _ in range(nout)]
        ### END SOLUTION

    def __call__(self, x: list[Scalar | float]) -> list[Scalar] | Scalar:
        """The nout outputs for nin inputs; of a single neuron its output itself."""
        ### BEGIN SOLUTION
        outs = [neuron(x) for neuron in self.neurons]
        return outs[0] if len(outs) == 1 else outs
        ### END SOLUTION

    def parameters(self) -> list[Scalar]:
        """nout (nin + 1) parameters, neuron by neuron."""
        ### BEGIN SOLUTION
        return [p for neuron in self.neurons for p in neuron.parameters()]
        ### END SOLUTION


class MLP:
    """Layers, each of which takes the outputs of the one before it."""

    def __init__(self, nin: int, nouts: list[int]):
        ### BEGIN SOLUTION
        sizes = [nin, *nouts]
        self.layers = [Layer(*pair) for pair in zip(sizes, sizes[1:])]
        ### END SOLUTION

    def __call__(self, x: list[Scalar | float]) -> list[Scalar] | Scalar:
        """The outputs of the last layer for nin inputs."""
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer(x)
        return x
        ### END SOLUTION

    def parameters(self) -> list[Scalar]:
        """All parameters, layer by layer."""
        ### BEGIN SOLUTION
        return [p for layer in self.layers for p in layer.parameters()]
        ### END SOLUTION


# %% check="neuron_layer_mlp"
def mlp_probe(g: torch.Generator):
    numbers = (2 * torch.rand(41, generator=g, dtype=torch.float64) - 1).tolist()
    x = [*(2 * torch.rand(3, generator=g, dtype=torch.float64) - 1).tolist(), 2, -1]  # whole numbers are numbers, too

    def given(module):
        """The module with the numbers above for its parameters, in their order."""
        for parameter, number in zip(module.parameters(), numbers):
            put_number(parameter, number)
        return module

    def outputs(module, count: int) -> list[float]:
        """What the module says to so many inputs, when it is called for the second time."""
        given(module)(x[:count])
        found = module(x[:count])
        return [out.data for out in (found if hasattr(found, "__len__") else [found])]

    def gradients(nin: int, nouts: list[int]) -> list[float]:
        mlp = given(MLP(nin, nouts))
        inputs = list(Neuron(nin).parameters())[:nin]  # nodes of whatever class yours are
        for node, xi in zip(inputs, x):
            put_number(node, xi)
        found = mlp(inputs)
        (found if nouts[-1] == 1 else found[0] * 2 + found[-1]).backward()
        return [gradient_of(node) for node in (*mlp.parameters(), *inputs)]

    def layer_of_one() -> list[float]:
        return [given(Layer(3, 1))(x[:3]).data, given(Layer(1, 1))(x[:1]).data]

    def fresh() -> list[float]:
        """Of two fresh neurons: within the range; different in a neuron, and from neuron to neuron (two floats agree once in 2^53 draws); of both signs; not all small.

        (Of 800 numbers between -1 and 1 none is beyond 0.9, or less than 38 or more than 62 percent are beyond 0.5, once in 10^11 times.) Then whether two
        layers differ, the layers of a network, and two networks.
        """

        def weights(module) -> list[float]:
            return [float(p.data) for p in module.parameters()]

        one, other = (weights(Neuron(400))[:400] for _ in range(2))
        numbers, deep = one + other, weights(MLP(3, [3, 3]))
        spread = min(numbers) < -0.9 and max(numbers) > 0.9 and 0.38 < sum(abs(n) > 0.5 for n in numbers) / 800 < 0.62
        differ = [weights(Layer(3, 2)) != weights(Layer(3, 2)), deep[:12] != deep[12:], deep != weights(MLP(3, [3, 3]))]
        return [all(-1 <= n <= 1 for n in numbers), len({*one}) == 400, one != other, min(numbers) < 0 < max(numbers), spread, *differ]

    return each_row(
        {
            "Neuron": lambda: [given(Neuron(n))(x[:n]).data for n in (3, 1, 5)],
            "Layer": lambda: [*outputs(Layer(3, 5), 3), *outputs(Layer(1, 3), 1), *outputs(Layer(5, 2), 5)],
            "MLP": lambda: [*layer_of_one(), given(MLP(3, [4, 4, 1]))(x[:3]).data, *outputs(MLP(2, [3, 2]), 2), *outputs(MLP(1, [2, 5, 2, 3]), 1)],
            "parameters": lambda: [len(m.parameters()) for m in (Neuron(3), Layer(3, 5), MLP(3, [4, 4, 1]), Neuron(1), Layer(4, 1), MLP(2, [3]))],
            "gradients": lambda: gradients(3, [4, 4, 1]) + gradients(4, [2, 3]),
            "fresh weights": fresh,
        }
    )


told.clear()
check("neuron_layer_mlp", mlp_probe)

# %% oracle="neuron_layer_mlp"
assert len(MLP(3, [4, 4, 1]).parameters()) == 41 == 4 * (3 + 1) + 4 * (4 + 1) + 1 * (4 + 1)
neuron = Neuron(2)
for p, n in zip(neuron.parameters(), [0.5, -1, 0.25]):
    p.data = n
assert abs(neuron([2, 1]).data - 0.2449) < 1e-4
for seed in range(20):  # against torch.nn
    g = torch.Generator().manual_seed(seed)
    mlp = MLP(3, [4, 4, 1])
    linears = [torch.nn.Linear(i, o, dtype=torch.float64) for i, o in ((3, 4), (4, 4), (4, 1))]
    theirs = torch.cat([torch.cat([l.weight, l.bias[:, None]], 1).flatten() for l in linears])  # a row: weights, then bias
    for p, n in zip(mlp.parameters(), theirs.tolist(), strict=True):
        p.data = n
    x = torch.randn(3, generator=g, dtype=torch.float64)
    out = x
    for linear in linears:
        out = linear(out).tanh()
    mine = mlp(x.tolist())
    mine.backward()
    out.backward()
    grads = torch.cat([torch.cat([l.weight.grad, l.bias.grad[:, None]], 1).flatten() for l in linears])
    assert math.isclose(mine.data, out.item(), rel_tol=1e-9)
    torch.testing.assert_close(torch.tensor([p.grad for p in mlp.parameters()], dtype=torch.float64), grads)


# %% mistake="neuron_layer_mlp" says="Only your MLP takes a single output out of its list. A Layer of one neuron, called by itself, has to return the Scalar itself as well."
class Neuron:

    def __init__(self, nin: int):
        self.w = [Scalar(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Scalar(0.0)

    def __call__(self, x: list[Scalar | float]) -> Scalar:
        return sum((wi * xi for wi, xi in zip(self.w, x)), self.b).tanh()

    def parameters(self) -> list[Scalar]:
        return self.w + [self.b]


class Layer:

    def __init__(self, nin: int, nout: int):
        self.neurons = [Neuron(nin) for _ in range(nout)]

    def __call__(self, x: list[Scalar | float]) -> list[Scalar] | Scalar:
        return [n(x) for n in self.neurons]

    def parameters(self) -> list[Scalar]:
        return [p for n in self.neurons for p in n.parameters()]


class MLP:

    def __init__(self, nin: int, nouts: list[int]):
        sizes = [nin] + list(nouts)
        self.layers = [Layer(sizes[i], sizes[i + 1]) for i in range(len(nouts))]

    def __call__(self, x: list[Scalar | float]) -> list[Scalar] | Scalar:
        for layer in self.layers:
            x = layer(x)
        return x[0] if len(x) == 1 else x

    def parameters(self) -> list[Scalar]:
        return [p for layer in self.layers for p in layer.parameters()]


# %% mistake="neuron_layer_mlp" says="The bias stands in the default of an argument, which Python makes once: all neurons share one number. Make a new one inside the function."
class Neuron:

    def __init__(self, nin: int, bias: Scalar = Scalar(0.0)):  # noqa: B008  the mistake itself
        self.weights = [Scalar(random.uniform(-1, 1)) for _ in range(nin)]
        self.bias = bias

    def __call__(self, x: list[Scalar | float]) -> Scalar:
        return sum((w * xi for w, xi in zip(self.weights, x)), self.bias).tanh()

    def parameters(self) -> list[Scalar]:
        return [*self.weights, self.bias]


class Layer:

    def __init__(self, nin: int, nout: int):
        self.neurons = [Neuron(nin) for _ in range(nout)]

    def __call__(self, x: list[Scalar | float]) -> list[Scalar] | Scalar:
        outs = [neuron(x) for neuron in self.neurons]
        return outs[0] if len(outs) == 1 else outs

    def parameters(self) -> list[Scalar]:
        return [p for neuron in self.neurons for p in neuron.parameters()]


class MLP:

    def __init__(self, nin: int, nouts: list[int]):
        self.layers = []
        for nout in nouts:
            self.layers.append(Layer(nin, nout))
            nin = nout

    def __call__(self, x: list[Scalar | float]) -> list[Scalar] | Scalar:
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[Scalar]:
        return [p for layer in self.layers for p in layer.parameters()]


# %% mistake="neuron_layer_mlp" says="The biases are missing: MLP(3, [4, 4, 1]) lists too few parameters. Either your neurons have none, and can give nothing but 0 when all inputs are 0, or parameters() lists the weights only, and training would never move a bias."
class Neuron:
    def __init__(self, nin):
        self.weights = [Scalar(random.uniform(-1, 1)) for _ in range(nin)]

    def __call__(self, x):
        return sum(w * xi for w, xi in zip(self.weights, x)).tanh()

    def parameters(self):
        return self.weights


# %% mistake="neuron_layer_mlp" says="tanh is applied twice, in the neuron and once more in the layer. Only the neuron has an activation."
right_layer = Layer


class Layer(right_layer):
    def __call__(self, x):
        outs = super().__call__(x)
        return [out.tanh() for out in outs] if isinstance(outs, list) else outs.tanh()


# %% mistake="neuron_layer_mlp" says="Your neurons are linear: there is no tanh, and layers of straight lines are one straight line, however many you stack. Squash each neuron's sum."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return sum((w * xi for w, xi in zip(weights, x)), bias)


# %% mistake="neuron_layer_mlp" says="The bias is added after tanh, outside of it: then the output leaves the range from -1 to 1. Squash the whole sum."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return sum(w * xi for w, xi in zip(weights, x)).tanh() + bias


# %% mistake="neuron_layer_mlp" says="A layer's neurons are one and the same object, listed several times: they share their weights and always agree. Make a new Neuron for each place in the list."
right_layer = Layer


class Layer(right_layer):
    def __init__(self, nin, nout):
        self.neurons = [Neuron(nin)] * nout


# %% mistake="neuron_layer_mlp" says="Every layer is built for the inputs of the whole network. From the second on, a layer's inputs are the outputs of the layer before it: look at zip, which silently drops what is left over."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return sum((w * xi for w, xi in zip(weights, x)), bias).tanh()


class MLP:
    def __init__(self, nin, nouts):
        self.layers = [Layer(nin, nout) for nout in nouts]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]


# %% mistake="neuron_layer_mlp" says="A list with one element comes out where the element itself is asked for: a layer of one neuron returns it, and an MLP goes through all its layers before it returns."
right_layer = Layer


class Layer(right_layer):
    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


# %% mistake="neuron_layer_mlp" says="The bias comes first in your list of parameters; asked for are the weights, then the bias. Swap them."
right_neuron = Neuron


class Neuron(right_neuron):
    def parameters(self):
        *weights, bias = super().parameters()
        return [bias, *weights]

    def __call__(self, x):
        bias, *weights = self.parameters()
        return sum((w * xi for w, xi in zip(weights, x)), bias).tanh()


# %% mistake="neuron_layer_mlp" says="All weights start with the same value, so all neurons of a layer compute the same and get the same gradient, for ever. Draw them at random between -1 and 1."
right_neuron = Neuron


class Neuron(right_neuron):
    def __init__(self, nin):
        super().__init__(nin)
        for parameter in self.parameters():
            parameter.data = 0.0


# %% mistake="neuron_layer_mlp" says="Your MLP lists the parameters of its last layer only; the others would never learn. Collect them from every layer."
right_mlp = MLP


class MLP(right_mlp):
    def parameters(self):
        return self.layers[-1].parameters()


# %% mistake="neuron_layer_mlp" says="A neuron's weights are one and the same node, listed several times: a number put into one of them is in all. Make a new Scalar, with a number of its own, for each."
class Neuron:
    def __init__(self, nin):
        self.weights, self.bias = [Scalar(random.uniform(-1, 1))] * nin, Scalar(0.0)

    def __call__(self, x):
        return sum((w * xi for w, xi in zip(self.weights, x)), self.bias).tanh()

    def parameters(self):
        return [*self.weights, self.bias]


# %% mistake="neuron_layer_mlp" says="Your weights are plain numbers: nothing remembers what was computed with them, and they can hold no gradient. Make each of them a Scalar, the bias too."
class Neuron:
    def __init__(self, nin):
        self.weights, self.bias = [random.uniform(-1, 1) for _ in range(nin)], 0.0

    def __call__(self, x):
        return math.tanh(sum(w * xi for w, xi in zip(self.weights, x)) + self.bias)

    def parameters(self):
        return [*self.weights, self.bias]


# %% mistake="neuron_layer_mlp" says="Every neuron gets the same weights: the random numbers begin anew with each, as after a seed in the constructor. Then all of a layer compute the same. Seed once, outside, or not at all."
right_neuron = Neuron


class Neuron(right_neuron):
    def __init__(self, nin):
        random.seed(42)
        super().__init__(nin)


# %% mistake="neuron_layer_mlp" says="None of your weights is negative: they lie between 0 and 1. Draw them evenly from -1 to 1, as `random.uniform(-1, 1)` does."
right_neuron = Neuron


class Neuron(right_neuron):
    def __init__(self, nin):
        super().__init__(nin)
        for parameter in self.parameters():
            parameter.data = random.random()


# %% mistake="neuron_layer_mlp" says="Some of your weights are below -1 or above 1, as of a normal distribution. Draw them evenly from -1 to 1, as `random.uniform(-1, 1)` does."
right_neuron = Neuron


class Neuron(right_neuron):
    def __init__(self, nin):
        super().__init__(nin)
        for parameter in self.parameters():
            parameter.data = random.gauss(0, 1)


# %% mistake="neuron_layer_mlp" says="The last layer of your MLP has no tanh. Here every neuron has one, also the last: its output stays between -1 and 1."
right_mlp, right_neuron = MLP, Neuron


class Neuron(right_neuron):
    linear = False

    def __call__(self, x):
        *weights, bias = self.parameters()
        total = sum((w * xi for w, xi in zip(weights, x)), bias)
        return total if self.linear else total.tanh()


class MLP(right_mlp):
    def __init__(self, nin, nouts):
        super().__init__(nin, nouts)
        for neuron in self.layers[-1].neurons:
            neuron.linear = True


# %% mistake="neuron_layer_mlp" says="The bias is added once for each input. It belongs to the neuron, not to its inputs: add it once, to the sum of the products."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return sum(w * xi + bias for w, xi in zip(weights, x)).tanh()


# %% mistake="neuron_layer_mlp" says="Each product goes through tanh by itself, and then they are added up. First the sum of all products and the bias, then tanh once."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return sum(((w * xi).tanh() for w, xi in zip(weights, x)), bias)


# %% mistake="neuron_layer_mlp" says="Your neurons cut off what is negative: that is a ReLU. These neurons squash their sum with tanh."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        total = sum((w * xi for w, xi in zip(weights, x)), bias)
        return total if total.data > 0 else total * 0


# %% mistake="neuron_layer_mlp" says="Your neurons end in a sigmoid, between 0 and 1. These end in tanh, between -1 and 1."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return 1 / (1 + (-sum((w * xi for w, xi in zip(weights, x)), bias)).exp())


# %% mistake="neuron_layer_mlp" says="The bias is taken away from the sum, not added to it. A neuron is tanh of the products plus the bias."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return (sum(w * xi for w, xi in zip(weights, x)) - bias).tanh()


# %% mistake="neuron_layer_mlp" says="The sum of the products is divided by the number of inputs. A neuron takes the plain sum and its bias."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return (sum(w * xi for w, xi in zip(weights, x)) / len(weights) + bias).tanh()


# %% mistake="neuron_layer_mlp" says="Your MLP has a layer too many: one with as many neurons as there are inputs stands in front. The inputs are no layer; begin with the first of nouts."
right_mlp = MLP


class MLP(right_mlp):
    def __init__(self, nin, nouts):
        super().__init__(nin, [nin, *nouts])


# %% mistake="neuron_layer_mlp" says="Your MLP has a layer too few. There is one for each number in nouts: look at where your loop over the sizes begins or ends."
right_mlp = MLP


class MLP(right_mlp):
    def __init__(self, nin, nouts):
        super().__init__(nin, nouts[:-1])


# %% mistake="neuron_layer_mlp" says="The bias enters the sum as a plain number, `.data`: the outputs are right, but no gradient ever reaches it. Add the node itself."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return (sum(w * xi for w, xi in zip(weights, x)) + bias.data).tanh()


# %% mistake="neuron_layer_mlp" says="The weights enter the sum as plain numbers, `.data`: the outputs are right, but no gradient ever reaches a weight. Multiply the inputs with the nodes themselves."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return sum((w.data * xi for w, xi in zip(weights, x)), bias).tanh()


# %% mistake="neuron_layer_mlp" says="The inputs enter the sum as plain numbers: the outputs are right, but the way back ends there, and no earlier layer gets a gradient. Use them as they come."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return sum((w * getattr(xi, "data", xi) for w, xi in zip(weights, x)), bias).tanh()


# %% mistake="neuron_layer_mlp" says="Each neuron makes its result into a new node from a plain number, so that the way back ends at it. Let the sum itself go through tanh, by the node's own method."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return Scalar(math.tanh(sum(w.data * float(getattr(xi, 'data', xi)) for w, xi in zip(weights, x)) + bias.data))


# %% mistake="neuron_layer_mlp" says="A layer returns its first output alone when there is a single input. It is the number of outputs that counts: of one neuron the element itself, of several always the list."
right_layer = Layer


class Layer(right_layer):
    def __call__(self, x):
        outs = [neuron(x) for neuron in self.neurons]
        return outs[0] if len(x) == 1 else outs


# %% mistake="neuron_layer_mlp" says="Your MLP takes the first output when its last layer has several. Return what the last layer returns, whatever it is."
right_mlp = MLP


class MLP(right_mlp):
    def __call__(self, x):
        found = super().__call__(x)
        return found[0] if isinstance(found, list) else found


# %% mistake="neuron_layer_mlp" says="All layers begin with the same random numbers, as after a seed in the constructor of `Layer`. Seed once, outside, or not at all."
right_layer = Layer


class Layer(right_layer):
    def __init__(self, nin, nout):
        random.seed(1337)
        super().__init__(nin, nout)


# %% mistake="neuron_layer_mlp" says="Every network begins with the same random numbers, as after a seed in the constructor of `MLP`. Seed once, outside, or not at all."
right_mlp = MLP


class MLP(right_mlp):
    def __init__(self, nin, nouts):
        random.seed(42)
        super().__init__(nin, nouts)


# %% mistake="neuron_layer_mlp" says="Your weights lie within -1 and 1, but not evenly: too many are small, or too few. Draw each with `random.uniform(-1, 1)` and leave it as it is."
right_neuron = Neuron


class Neuron(right_neuron):
    def __init__(self, nin):
        super().__init__(nin)
        for weight in self.parameters():
            weight.data = weight.data / 10


# %% mistake="neuron_layer_mlp" says="The outputs of earlier calls stay in your layer's list, so that a second call returns them as well. Begin each call with an empty list."
right_layer = Layer


class Layer(right_layer):
    def __init__(self, nin, nout):
        super().__init__(nin, nout)
        self.outs = []

    def __call__(self, x):
        self.outs += [neuron(x) for neuron in self.neurons]
        return self.outs[0] if len(self.outs) == 1 else list(self.outs)


# %% mistake="neuron_layer_mlp" says="The neurons have no bias in their sum, though parameters() lists one: their output for inputs of 0 is always 0. Add it to the products before tanh."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return sum(w * xi for w, xi in zip(weights, x)).tanh()


# %% mistake="neuron_layer_mlp" says="The inputs are paired with the weights in reverse order. The first weight belongs to the first input."
right_neuron = Neuron


class Neuron(right_neuron):
    def __call__(self, x):
        *weights, bias = self.parameters()
        return sum((w * xi for w, xi in zip(weights[::-1], x)), bias).tanh()


# %% mistake="neuron_layer_mlp" says="The parameters of your MLP come from its last layer to its first. List them in the order in which the inputs go through."
right_mlp = MLP


class MLP(right_mlp):
    def parameters(self):
        return [p for layer in self.layers[::-1] for p in layer.parameters()]


# %% mistake="neuron_layer_mlp" says="In a layer you list the weights of all neurons first, then all biases. The order is neuron by neuron: the weights of one, then its bias."
right_layer = Layer


class Layer(right_layer):
    def parameters(self):
        each = [neuron.parameters() for neuron in self.neurons]
        return [p for parameters in each for p in parameters[:-1]] + [parameters[-1] for parameters in each]


# %% mistake="neuron_layer_mlp" says="Each of your MLP's layers is called with the inputs of the network, so all but the last one might as well not be there. Hand each layer's outputs to the next."
right_mlp = MLP


class MLP(right_mlp):
    def __call__(self, x):
        neurons = self.layers[-1].neurons
        outputs = [sum((w * value for w, value in zip(n.parameters()[:-1], x)), n.parameters()[-1]).tanh() for n in neurons]
        return outputs[0] if len(outputs) == 1 else outputs


# %% mistake="neuron_layer_mlp" says="A list of lists comes back from parameters(). One flat list is asked for: collect each p of each part."
right_mlp = MLP


class MLP(right_mlp):
    def parameters(self):
        return [layer.parameters() for layer in self.layers]


# %% variant="neuron_layer_mlp"
class Neuron:
    """The inner product in a loop, weights and bias in one list, drawn by torch."""

    def __init__(self, nin):
        self.w = [Scalar(n) for n in (2 * torch.rand(nin + 1, dtype=torch.float64) - 1).tolist()]

    def __call__(self, x):
        out = 1.0 * self.w[-1]
        for i, value in enumerate(x):
            out += value * self.w[i]
        return (1 - 2 / ((2 * out).exp() + 1)) if out.data < 0 else out.tanh()

    def parameters(self):
        return list(self.w)


class Layer(list):
    def __init__(self, nin, nout):
        super().__init__(map(Neuron, [nin] * nout))

    def __call__(self, x):
        outs = [neuron(x) for neuron in self]
        if len(outs) > 1:
            return outs
        return outs.pop()

    def parameters(self):
        return sum((neuron.w for neuron in self), [])


class MLP:
    def __init__(self, nin, nouts):
        self.layers = []
        for nout in nouts:
            self.layers.append(Layer(nin, nout))
            nin = nout

    def __call__(self, x):
        first, *rest = self.layers
        x = first(x)
        for layer in rest:
            x = layer(x)
        return x

    def parameters(self):
        out = []
        for layer in self.layers:
            out.extend(layer.parameters())
        return out


# %% variant="neuron_layer_mlp"
class Value:
    """Closures, a set of children, a recursive order; numbers as they come."""

    def __init__(self, data, _children=(), _op="", label=""):
        self.data = data
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = set(_children)
        self._op = _op
        self.label = label

    def __repr__(self):
        return f"Value(data={self.data})"

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad += 1.0 * out.grad
            other.grad += 1.0 * out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __pow__(self, other):
        assert isinstance(other, (int, float)), "only supporting int/float powers for now"
        out = Value(self.data**other, (self,), f"**{other}")

        def _backward():
            self.grad += other * (self.data ** (other - 1)) * out.grad

        out._backward = _backward
        return out

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return other * self**-1

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def __radd__(self, other):
        return self + other

    def tanh(self):
        x = self.data
        t = (math.exp(2 * x) - 1) / (math.exp(2 * x) + 1)
        out = Value(t, (self,), "tanh")

        def _backward():
            self.grad += (1 - t**2) * out.grad

        out._backward = _backward
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,), "exp")

        def _backward():
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self):
        out = Value(math.log(self.data), (self,), "log")

        def _backward():
            self.grad += (1 / self.data) * out.grad

        out._backward = _backward
        return out

    def backward(self):
        topo = []
        visited = set()

        def build_topo(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build_topo(child)
                topo.append(v)

        build_topo(self)
        self.grad = 1.0
        for node in reversed(topo):
            node._backward()


class Neuron:
    def __init__(self, nin):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(random.uniform(-1, 1))

    def __call__(self, x: list[Value | float]) -> Value:
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return act.tanh()

    def parameters(self) -> list[Value]:
        return self.w + [self.b]


class Layer:
    def __init__(self, nin, nout):
        self.neurons = [Neuron(nin) for _ in range(nout)]

    def __call__(self, x):
        outs = [n(x) for n in self.neurons]
        return outs[0] if len(outs) == 1 else outs

    def parameters(self):
        return [p for n in self.neurons for p in n.parameters()]


class MLP:
    def __init__(self, nin, nouts):
        sz = [nin] + nouts
        self.layers = [Layer(sz[i], sz[i + 1]) for i in range(len(nouts))]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]


# %% variant="neuron_layer_mlp"
from dataclasses import dataclass, field


@dataclass
class Value:
    """Compares by value, so that no set can hold it; the order goes by id; no gradient is None."""

    data: float
    children: tuple = ()
    local: tuple = field(default=(), repr=False)
    grad: float | None = None

    @staticmethod
    def of(x):
        return x if isinstance(x, Value) else Value(float(x))

    def __add__(self, other):
        other = Value.of(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = Value.of(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return Value(self.data**n, (self,), (n * self.data ** (n - 1),))

    def __neg__(self):
        return Value(-self.data, (self,), (-1.0,))

    def __sub__(self, other):
        return self + -Value.of(other)

    def __truediv__(self, other):
        return self * Value.of(other) ** -1

    def __radd__(self, other):
        return Value.of(other) + self

    def __rmul__(self, other):
        return Value.of(other) * self

    def __rsub__(self, other):
        return Value.of(other) - self

    def __rtruediv__(self, other):
        return Value.of(other) / self

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, (self,), (1 - t * t,))

    def exp(self):
        e = math.exp(self.data)
        return Value(e, (self,), (e,))

    def log(self):
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            v, done = stack.pop()
            if done:
                order.append(v)
            elif id(v) not in seen:
                seen.add(id(v))
                stack.append((v, True))
                stack.extend((c, False) for c in v.children)
        self.grad = 1.0
        for v in reversed(order):
            for c, d in zip(v.children, v.local):
                c.grad = (c.grad or 0.0) + d * v.grad


class Neuron:
    """Inputs first, the bias last, an integer 0 to begin with."""

    def __init__(self, nin):
        self.w, self.b = [Value(random.uniform(-1, 1)) for _ in range(nin)], Value(0)

    def __call__(self, x):
        out = Value(0.0)
        for xi, wi in zip(x, self.w):
            out += xi * wi
        return (self.b + out).tanh()

    def parameters(self):
        return [*self.w, self.b]


class Layer:
    def __init__(self, nin, nout):
        self.neurons = [Neuron(nin) for _ in range(nout)]

    def __call__(self, x):
        outs = [n(x) for n in self.neurons]
        return outs[0] if len(outs) == 1 else outs

    def parameters(self):
        return [p for n in self.neurons for p in n.parameters()]


class MLP:
    def __init__(self, nin, nouts):
        sz = [nin] + nouts
        self.layers = [Layer(sz[i], sz[i + 1]) for i in range(len(nouts))]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]


# %% [markdown]
# ## Training
#
# Four points, each with three coordinates, and what the network should say to each: 1 or -1. The **loss** is one number for how far it is from that: the mean, over the points, of the squared difference between what it says and what it should say.
# Its gradient tells how the loss rises with each parameter; so a small step **against** the gradient lowers it. Step after step, that is **gradient descent**.
#
# The network below is the kit's own, with its numbers given, so that everybody's losses are the same.


# %%
class ScalarMLP:
    """A multi-layer perceptron whose parameters are given: layer by layer, neuron by neuron, weights then bias."""

    def __init__(self, nin: int, nouts: list[int], numbers: list[float], node: type = Scalar):
        left = iter(node(number) for number in numbers)
        sizes = [nin, *nouts]
        self.layers = [[[next(left) for _ in range(i + 1)] for _ in range(o)] for i, o in zip(sizes, sizes[1:])]

    def __call__(self, x: list[float]) -> Scalar:
        """The output of a network that ends in one neuron."""
        for layer in self.layers:
            x = [sum((w * xi for w, xi in zip(weights, x)), bias).tanh() for *weights, bias in layer]
        return x[0]

    def parameters(self) -> list[Scalar]:
        return [parameter for layer in self.layers for neuron in layer for parameter in neuron]


xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
ys = [1.0, -1.0, -1.0, 1.0]


def example_mlp(node: type = Scalar) -> ScalarMLP:
    """41 parameters between -1 and 1, always the same."""
    source = random.Random(42)
    return ScalarMLP(3, [4, 4, 1], [source.uniform(-1, 1) for _ in range(41)], node)


untrained = example_mlp()
print("before training:", ", ".join(f"{untrained(x).data:+.2f} (should be {y:+.0f})" for x, y in zip(xs, ys)))

# %% [markdown] exercise="train_mlp"
# Write `train_mlp(model, xs, ys, steps, rate)`. At each step: the predictions for all points, the **mean** of their squared errors, all gradients, and then every parameter moves by `rate` times its gradient, in the direction in which the loss falls.
# The model is changed in place. Return the list of the losses, one float for each step, each taken **before** the parameters move.
#
# `model.parameters()` are `Scalar`s (`Value`s if your answer names that class): read `p.grad`, change `p.data`.
#
# The smallest case: one neuron with $w = 0$, $b = 0$, the point $x = 1$ with target 1, rate 0.1. The prediction is 0, the loss 1, both gradients are $2 \cdot (0 - 1) \cdot 1 = -2$. After the step $w = b = 0.2$, and the second loss is $(\tanh 0.4 - 1)^2 = 0.3845$.
# So two steps return `[1.0, 0.3845]`.
#
# <details><summary>Hint 1: the idea</summary>
#
# Forward, backward, update, again. But `backward` *adds* to what is in `grad`, and the parameters live on from one step to the next.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# The loss is one `Scalar`: a sum of `(prediction - y) ** 2` over the points, divided by their number. A list of `steps` floats goes out.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# repeat steps times:
#     loss = mean over the points of (model(x) - y) squared
#     set the grad of every parameter back to 0
#     loss.backward()
#     for each parameter: its data goes down by rate times its grad
#     note loss.data
# ```
#
# </details>


# %% answer="train_mlp"
def train_mlp(model: ScalarMLP, xs: list[list[float]], ys: list[float], steps: int, rate: float) -> list[float]:
    """Gradient descent on the mean squared error, in place; the loss of each step, before its update."""
    ### BEGIN SOLUTION
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses
    ### END SOLUTION


# %% check="train_mlp"
def train_probe(g: torch.Generator):
    def uniform(count: int) -> list[float]:
        return (2 * torch.rand(count, generator=g, dtype=torch.float64) - 1).tolist()

    count, steps = 3 + 2 * int(torch.randint(2, (1,), generator=g)), 5 + int(torch.randint(4, (1,), generator=g))
    numbers, points, targets = uniform(13), [uniform(2) for _ in range(count)], [0.9, -0.9, -0.9, 0.9, -0.9][:count]
    rate, far = 0.2 + 0.3 * float(torch.rand(1, generator=g)), [uniform(3), [2 * n for n in uniform(3)]]

    def trained(node: Callable) -> dict[str, list[float]]:
        model = ScalarMLP(2, [3, 1], numbers, node)
        losses = train_mlp(model, [list(x) for x in points], list(targets), steps, rate)
        if any(hasattr(loss, "backward") and not isinstance(loss, Tensor) for loss in losses):
            raise TypeError("the list of the losses holds nodes, and floats are asked for")
        found = {"losses": [float(loss) for loss in losses], "parameters afterwards": [float(p.data) for p in model.parameters()]}
        larger = ScalarMLP(3, [2, 2, 1], numbers + numbers[:4], node)  # in long steps, from two points of which the first is met nearly
        losses = train_mlp(larger, [list(x) for x in far], [larger(far[0]).data + 0.01, -1.7], 4, 4 * rate)
        found |= {"another network": [*(float(loss) for loss in losses), *(float(p.data) for p in larger.parameters())]}
        rising = ScalarMLP(3, [2, 2, 1], numbers + numbers[:4], node)  # in steps so long that its loss rises on the way
        return found | {"losses that rise": [float(loss) for loss in train_mlp(rising, [list(x) for x in far], [0.1, 0.0], 6, 8 * rate)]}

    first, other = node_classes(train_mlp)
    try:
        return trained(first)
    except Exception:  # noqa: BLE001  whatever an answer raises when it meets a class that it was not written for
        with contextlib.suppress(Exception):
            return trained(other)
        raise


check("train_mlp", train_probe)

# %% oracle="train_mlp"
tiny = train_mlp(ScalarMLP(1, [1], [0.0, 0.0]), [[1.0]], [1.0], 2, 0.1)
assert tiny[0] == 1 and abs(tiny[1] - 0.3845) < 1e-4 and len(tiny) == 2
assert len(example_mlp().parameters()) == 41
model = example_mlp()
linears = [torch.nn.Linear(i, o, dtype=torch.float64) for i, o in ((3, 4), (4, 4), (4, 1))]
with torch.no_grad():
    for linear, layer in zip(linears, model.layers):
        linear.weight[:] = torch.tensor([[w.data for w in neuron[:-1]] for neuron in layer], dtype=torch.float64)
        linear.bias[:] = torch.tensor([neuron[-1].data for neuron in layer], dtype=torch.float64)
theirs, optimizer = [], torch.optim.SGD([p for l in linears for p in l.parameters()], lr=0.1)
for _ in range(20):
    out = torch.tensor(xs, dtype=torch.float64)
    for linear in linears:
        out = linear(out).tanh()
    loss = torch.nn.functional.mse_loss(out[:, 0], torch.tensor(ys, dtype=torch.float64))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    theirs.append(loss.item())
torch.testing.assert_close(torch.tensor(train_mlp(model, xs, ys, 20, 0.1)), torch.tensor(theirs))


# %% mistake="train_mlp" says="The training ends where a loss rises. Take as many steps as are asked for, whatever the loss does."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        if losses and loss.data > losses[-1]:
            break
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="The gradients are never set back to zero, so each step follows the sum of all gradients so far. Reset them before each backward pass."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Your loss rises: the parameters move along the gradient, which points uphill. Go the other way."
right_train_mlp = train_mlp


def train_mlp(model, xs, ys, steps, rate):
    return right_train_mlp(model, xs, ys, steps, -rate)


# %% mistake="train_mlp" says="Your loss is the sum over the points, not their mean, and so each step is as many times too long. Divide by the number of points."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys))
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="The parameters never move. Is backward() called, and is the gradient still there at the update? Does the update change p.data, and not only the meaning of the name p?"
def train_mlp(model, xs, ys, steps, rate):
    return [(sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)).data for _ in range(steps)]


# %% mistake="train_mlp" says="You note each loss after its step: the first one, that of the given parameters, is missing. Note it before the parameters move."
right_train_mlp = train_mlp


def train_mlp(model, xs, ys, steps, rate):
    losses = right_train_mlp(model, xs, ys, steps, rate)
    return [*losses[1:], (sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)).data]


# %% mistake="train_mlp" says="The parameters move after each single point, so the later points are judged by a network that has changed meanwhile. Add up the loss of all points first, then take one step."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        total = 0.0
        for x, y in zip(xs, ys):
            loss = (model(x) - y) ** 2
            for p in model.parameters():
                p.grad = 0.0
            loss.backward()
            for p in model.parameters():
                p.data -= rate * p.grad
            total += loss.data
        losses.append(total / len(xs))
    return losses


# %% mistake="train_mlp" says="The errors are averaged before they are squared, so one that is too high and one that is too low cancel. Square each point's error, then take the mean."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = (sum(model(x) - y for x, y in zip(xs, ys)) / len(xs)) ** 2
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="The predictions are computed once, before the loop, so every step sees the loss and the gradients of the first weights. Compute both anew in each step."
def train_mlp(model, xs, ys, steps, rate):
    loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
    losses = []
    for _ in range(steps):
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="You divide by 4, the number of points in the example, however many points there are. Divide by the number of those that are given."
right_train_mlp = train_mlp


def train_mlp(model, xs, ys, steps, rate):
    losses = right_train_mlp(model, xs, ys, steps, rate * len(xs) / 4)
    return [loss * len(xs) / 4 for loss in losses]


# %% mistake="train_mlp" says="The gradients are divided by their common length, so every step is as long as the others, however flat the loss is. Move by rate times the gradient itself."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        length = sum(p.grad**2 for p in model.parameters()) ** 0.5
        for p in model.parameters():
            p.data -= rate * p.grad / length
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Only the sign of each gradient counts in your update, so all parameters move by the same amount. Move each by rate times its gradient."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * math.copysign(1, p.grad)
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="The losses that you note are means, but backward starts from the sum over the points: each step is as many times too long. Divide before you call backward."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys))
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data / len(xs))
    return losses


# %% mistake="train_mlp" says="The steps are right, but the losses that you note are sums over the points. Note their mean, the one that backward starts from."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data * len(xs))
    return losses


# %% mistake="train_mlp" says="Python takes the power before it subtracts: `model(x) - y ** 2` squares the target alone. Put the difference into brackets, then square it."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum(model(x) - y**2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="The errors are not squared, so that one too high and one too low cancel. Square the error of each point, then take the mean."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum(model(x) - y for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Your loss is the mean of the errors' sizes, without their sign. Asked for is the mean of their squares: it weighs large errors more."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum(((model(x) - y) ** 2) ** 0.5 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Your loss is the root of the mean squared error. Asked for is the mean of the squares itself: leave out the root."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = (sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)) ** 0.5
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Your loss is half of the mean squared error, and so are its gradients. Leave out the factor 1/2 in front of the mean."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs) / 2
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Every step moves by the gradient itself: the learning rate is left out. Multiply by the `rate` that your function is given."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Your rate is always 0.1. It is an argument: take the `rate` that your function is given."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Your rate is always 0.05. It is an argument: take the `rate` that your function is given."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= 0.05 * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Your rate falls from step to step. Asked for are steps that all have the same `rate`."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for step in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * (1 - step / steps) * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="The sum is divided by the number of coordinates of a point. Divide by the number of points: the loss is a mean over them."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs[0])
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Only the first point counts in your loss. Take the mean over all of them."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = (model(xs[0]) - ys[0]) ** 2
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Only the last point counts in your loss: the name that the loop over the points sets is overwritten by each. Add them up."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = (model(xs[-1]) - ys[-1]) ** 2 / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="You take one step too few. Your loop has to turn as often as `steps` says."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps - 1):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="You take one step too many. Your loop has to turn as often as `steps` says."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps + 1):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Only the last parameter moves: the line that changes it stands behind the loop over the parameters. Put it inside."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        last = model.parameters()[-1]
        last.data -= rate * last.grad
        losses.append(loss.data)
    return losses


# %% mistake="train_mlp" says="Your steps divide by the number of points once more: the loss is a mean already. Move by rate times the gradient."
def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad / len(xs)
        losses.append(loss.data)
    return losses


# %% variant="train_mlp"
def train_mlp(model, xs, ys, steps, rate):
    """backward for each point on its share of the loss, gradients added up by +=, emptied after the update."""
    parameters, history = list(model.parameters()), []
    while len(history) < steps:
        history.append(0.0)
        for x, y in zip(xs, ys):
            error = y - model(x)
            share = error * error * (1 / len(ys))
            share.backward()
            history[-1] += share.data
        for p in parameters:
            p.data, p.grad = p.data + -rate * p.grad, 0.0
    return history


# %% variant="train_mlp"
class Value:
    """A float64 tensor without dimensions inside; its methods are those of tensors; gradients are tensors, too."""

    def __init__(self, data, _prev=()):
        self.data = torch.as_tensor(data, dtype=torch.float64)
        self.grad = torch.zeros((), dtype=torch.float64)
        self._prev = list(_prev)

    def __repr__(self):
        return f"<{self.data.item():.3f}>"

    def _wrap(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._wrap(other)
        return Value(self.data.add(other.data), [(self, torch.ones(())), (other, torch.ones(()))])

    def __mul__(self, other):
        other = self._wrap(other)
        return Value(self.data.mul(other.data), [(self, other.data), (other, self.data)])

    def __pow__(self, n):
        return Value(self.data.pow(n), [(self, n * self.data.pow(n - 1))])

    def tanh(self):
        t = self.data.tanh()
        return Value(t, [(self, 1 - t.square())])

    def exp(self):
        e = self.data.exp()
        return Value(e, [(self, e)])

    def log(self):
        return Value(self.data.log(), [(self, self.data.reciprocal())])

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -self._wrap(other)

    def __truediv__(self, other):
        return self * self._wrap(other) ** -1

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return self._wrap(other) - self

    def __rtruediv__(self, other):
        return self._wrap(other) / self

    def backward(self):
        order, seen = [], []

        def walk(v):
            if not any(v is s for s in seen):
                seen.append(v)
                for c, _ in v._prev:
                    walk(c)
                order.insert(0, v)

        walk(self)
        self.grad = torch.ones((), dtype=torch.float64)
        for v in order:
            for c, d in v._prev:
                c.grad = c.grad + d * v.grad


def train_mlp(model: ScalarMLP, xs: list[list[float]], ys: list[float], steps: int, rate: float) -> list[float]:
    losses = []
    for _ in range(steps):
        loss = Value(0.0)
        for x, y in zip(xs, ys):
            loss += (model(x) - y) ** 2
        loss = loss / len(xs)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        losses.append(loss.data)
    return losses


# %% variant="train_mlp"
class Value:
    """The number hides behind a property; a node's inputs know it, not the other way round; duck typing all through."""

    def __init__(self, number):
        self._number, self.grad, self._tape = number, 0.0, [self]
        self._push = None

    @property
    def data(self):
        return self._number

    @data.setter
    def data(self, number):
        self._number = float(number)

    def _make(self, number, *pairs):
        out = Value(number)
        out._tape = list(dict.fromkeys([n for node, _ in pairs for n in node._tape])) + [out]
        out._push = pairs
        return out

    def __add__(self, o):
        if not hasattr(o, "data"):
            o = Value(o)
        return self._make(self.data + o.data, (self, 1), (o, 1))

    def __sub__(self, o):
        if not hasattr(o, "data"):
            o = Value(o)
        return self._make(self.data - o.data, (self, 1), (o, -1))

    def __mul__(self, o):
        if not hasattr(o, "data"):
            o = Value(o)
        return self._make(self.data * o.data, (self, o.data), (o, self.data))

    def __truediv__(self, o):
        if not hasattr(o, "data"):
            o = Value(o)
        return self._make(self.data / o.data, (self, 1 / o.data), (o, -self.data / o.data**2))

    def __pow__(self, n):
        return self._make(self.data**n, (self, n * self.data ** (n - 1)))

    def __neg__(self):
        return self._make(-self.data, (self, -1))

    def __radd__(self, o):
        return Value(o) + self

    def __rsub__(self, o):
        return Value(o) - self

    def __rmul__(self, o):
        return Value(o) * self

    def __rtruediv__(self, o):
        return Value(o) / self

    def tanh(self):
        t = math.tanh(self.data)
        return self._make(t, (self, 1 - t**2))

    def exp(self):
        e = math.exp(self.data)
        return self._make(e, (self, e))

    def log(self):
        return self._make(math.log(self.data), (self, 1 / self.data))

    def backward(self):
        self.grad = 1.0
        for node in self._tape[::-1]:
            for source, slope in node._push or ():
                source.grad += slope * node.grad


def mean_loss(model, xs, ys):
    targets = [Value(y) for y in ys]
    return sum([(y - model(x)) ** 2 for x, y in zip(xs, targets)]) * (1 / len(ys))


def train_mlp(model, xs, ys, steps, rate):
    losses = []
    for _ in range(steps):
        for p in model.parameters():
            p.grad = 0
        loss = mean_loss(model, xs, ys)
        loss.backward()
        losses.append(float(loss.data))
        for p in model.parameters():
            p.data = p.data - rate * p.grad
    return losses


# %% [markdown]
# The loss of the network above, when your function trains it, and what it says afterwards.

# %%
try:
    model = example_mlp(node_classes(train_mlp)[0])
    losses = [float(loss) for loss in train_mlp(model, xs, ys, 60, 0.2)]
    figure, axes = plt.subplots(figsize=(6, 3.2))
    axes.plot(losses)
    axes.set_xlabel("step")
    axes.set_ylabel("mean squared error")
    axes.set_ylim(0)
    plt.show()
    print("after training:", ", ".join(f"{model(x).data:+.2f} (should be {y:+.0f})" for x, y in zip(xs, ys)))
except Exception:  # noqa: BLE001  whatever an unfinished answer raises, a picture must not stop the notebook
    plt.close("all")
    print("The picture comes when train_mlp is written.")

# %% [markdown] exercise="why_add_gradients"
# In `pass_back` a gradient is *added* to what the input already has. In the lecture it was first assigned with `=`, and all examples came out right until one used a number twice.
#
# 1. Which rule of calculus does the `+=` stand for, and what does it say? Use $y = x + x$, or another example of yours, to show what `=` would give instead.
# 2. In a training loop the same `+=` becomes a trap. Which one, and what does every training loop do about it?
#
# Three to five sentences.
#
# <details><summary>Hint 1: the idea</summary>
#
# Let $x$ move by a tiny $\varepsilon$. Along how many paths does this reach $y$?
#
# </details>
# <details><summary>Hint 2: the shape of an argument</summary>
#
# Write $y = u + v$ with $u = x$ and $v = x$, find how far each part moves $y$, and compare with what each version of the code stores in `x.grad`. For 2: what is in `w.grad` when the second step begins?
#
# </details>
# <details><summary>Hint 3: an outline</summary>
#
# Name the rule for a function of several things that all depend on $x$. Give the value with `+=` and with `=`. Then say what is mixed up if nothing happens between two steps, and by which line that is prevented.
#
# </details>

# %% [markdown] written="why_add_gradients"
# The chain rule for several variables: if $y$ depends on $x$ by way of $u$ and $v$, then $\frac{dy}{dx} = \frac{\partial y}{\partial u}\frac{du}{dx} + \frac{\partial y}{\partial v}\frac{dv}{dx}$, one
# term for each path. In $y = x + x$ a small $\varepsilon$ reaches $y$ along two paths, so $y$ moves by $2\varepsilon$ and the derivative is 2. With `=`, the part that comes second replaces the first and `x.grad` is 1: any node
# with several users loses all of its paths but one.
#
# The parameters of a network live on from step to step, and their `grad` with them. Without a reset the second step's gradient is added to the first's, and the update follows the sum of all gradients so far, most of them taken at places
# that were left long ago. So every training loop sets the gradients to zero before each backward pass (`zero_grad()` in PyTorch).

# %% [markdown] marking="why_add_gradients"
# | points | an answer that | for instance |
# |---|---|---|
# | 1 | Names the chain rule for several variables (one term for each path, added up) with an example in which `=` gives another number, **and** the second pass: gradients of earlier steps stay and are added, so they are set to zero before each backward pass. | *The sum over all paths. In $y = x + x$ each path gives 1, so $dy/dx = 2$, with = only the last 1 is left. In training the old gradients would be added to the new ones, so zero_grad first.* |
# | 0.5 | One of the two halves, or both without an example or a rule. | *You have to zero the gradients because otherwise they accumulate over the steps.* |
# | 0 | Says only that it works, or repeats the question. | *With = it was a bug and += fixes it.* |

# %% [markdown]
# ## From numbers to a choice
#
# The squared error suits a network that is to give a number. Often it is to choose: one of several labels, such as the next letter of a name. Then it gives one number for each label, the **logits**, which may be anything. **Softmax** makes them into
# probabilities, positive and with the sum 1:
#
# $$p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}$$
#
# and the loss is the **negative log-likelihood** of the right label, $-\ln p_\text{label}$: 0 if the network is sure and right, and without limit if it is sure and wrong.

# %% [markdown] exercise="softmax_nll"
# Write `softmax_nll(logits, label)`. `logits` is a list of `Scalar`s (`Value`s if your answer names that class), `label` the index of the right one. Return the list of the probabilities and the loss, all of them nodes of the same class, computed with its operations, so that `loss.backward()` reaches the logits.
#
# For the logits `[0, 3, -2, 1]` and label 3 the probabilities are about `[0.0418, 0.8390, 0.0057, 0.1135]`, the loss is 2.1755153626167147, and after `loss.backward()` the gradients of the logits are
#
# `[0.041772570515350445, 0.8390245074625319, 0.005653302662216329, -0.8864503806400986]`.
#
# Compare the gradients with the probabilities: what has happened to that of the label?
#
# <details><summary>Hint 1: the idea</summary>
#
# Three steps: the exponential of each logit, each divided by the sum of all, then minus the logarithm of one of them.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# As many probabilities as logits, and one loss. Python's `sum` of a list of `Scalar`s works, since it begins with `0 + first`. Use the methods `exp()` and `log()`: `math.exp` takes and gives plain numbers, and the way back ends there.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# counts = exp of each logit
# total  = sum of counts
# probs  = each count / total
# return probs, minus the log of the label's
# ```
#
# </details>


# %% answer="softmax_nll"
def softmax_nll(logits: list[Scalar], label: int) -> tuple[list[Scalar], Scalar]:
    """The probabilities of all labels, and the negative log-likelihood of the right one."""
    ### BEGIN SOLUTION
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, -probs[label].log()
    ### END SOLUTION


# %%
def logits_and_label(g: torch.Generator) -> tuple[Tensor, int]:
    """Seven logits and a label: its place, the ones beside it, the first, the last and that of the largest logit all differ."""
    logits = 2 * torch.randn(7, generator=g, dtype=torch.float64)
    label, largest = ((2, 5), (4, 1))[int(torch.randint(2, (1,), generator=g))]
    for find, place in ((torch.argmax, largest), (torch.argmin, 0)):
        found = int(find(logits))
        logits[[found, place]] = logits[[place, found]]
    return logits, label


# %% check="softmax_nll"
def softmax_probe(g: torch.Generator):
    logits, label = logits_and_label(g)
    numbers = logits.tolist()

    def forth_and_back(node: Callable) -> dict[str, float | list[float]]:
        logits = [node(number) for number in numbers]
        probs, loss = softmax_nll(list(logits), label)
        loss.backward()
        found = {
            "probabilities": [float(p.data) for p in probs],
            "loss": float(loss.data),
            "gradients": [gradient_of(logit) for logit in logits],
        }
        few = []  # of other numbers of labels: the first is right, the last, one of two with equal logits
        for small, place in ((numbers[:2], 0), (numbers[:4], 3), ([*numbers[:4], numbers[1]], 1)):
            logits = [node(number) for number in small]
            probs, loss = softmax_nll(list(logits), place)
            loss.backward()
            few += [*(p.data for p in probs), loss.data, *map(gradient_of, logits), *(logit.data for logit in logits)]  # whose numbers stay
        logits = [node(number) for number in numbers]
        softmax_nll(list(logits), label)[0][label].backward()  # a probability is a node, too
        return found | {"other labels": [float(n) for n in (*few, *map(gradient_of, logits))]}

    first, other = node_classes(softmax_nll)
    try:
        return forth_and_back(first)
    except Exception:  # noqa: BLE001  whatever an answer raises when it meets a class that it was not written for
        with contextlib.suppress(Exception):
            return forth_and_back(other)
        raise


check("softmax_nll", softmax_probe)

# %% oracle="softmax_nll"
example = [Scalar(n) for n in (0, 3, -2, 1)]
probs, loss = softmax_nll(example, 3)
loss.backward()
expected = [0.041772570515350445, 0.8390245074625319, 0.005653302662216329, -0.8864503806400986]
assert math.isclose(loss.data, 2.1755153626167147, rel_tol=1e-14)
assert all(math.isclose(z.grad, e, rel_tol=1e-13) for z, e in zip(example, expected))
assert all(abs(p.data - e) < 1e-4 for p, e in zip(probs, (0.0418, 0.8390, 0.0057, 0.1135)))
for seed in range(50):
    g = torch.Generator().manual_seed(seed)
    z = (3 * torch.randn(6, generator=g, dtype=torch.float64)).requires_grad_()
    label = int(torch.randint(6, (1,), generator=g))
    theirs = torch.nn.functional.cross_entropy(z, torch.tensor(label))
    theirs.backward()
    mine = [Scalar(n) for n in z.tolist()]
    probs, loss = softmax_nll(mine, label)
    loss.backward()
    assert math.isclose(loss.data, theirs.item(), rel_tol=1e-9, abs_tol=1e-12)
    torch.testing.assert_close(torch.tensor([m.grad for m in mine], dtype=torch.float64), z.grad)
    torch.testing.assert_close(torch.tensor([p.data for p in probs], dtype=torch.float64), z.detach().softmax(0))


# %% mistake="softmax_nll" says="The loss divides by the exponentials of all the other labels and leaves the label's own out. It belongs into the sum."
def softmax_nll(logits: list[Scalar], label: int) -> tuple[list[Scalar], Scalar]:
    counts = [z.exp() for z in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    wrong = sum(counts[:label] + counts[label + 1 :])
    loss = wrong.log() - logits[label]
    return probs, loss


# %% mistake="softmax_nll" says="Each exponential is divided by the sum of those up to it. First add up all of them, then divide."
def softmax_nll(logits: list[Scalar], label: int) -> tuple[list[Scalar], Scalar]:
    probs = []
    total = 0.0
    for z in logits:
        e = z.exp()
        total = total + e
        probs.append(e / total)
    loss = -probs[label].log()
    return probs, loss


# %% mistake="softmax_nll" says="The nodes that you are given hold other numbers afterwards, as if something were taken off their `data`. Whoever gave them may still need these: calculate with new nodes."
right_softmax_nll = softmax_nll


def softmax_nll(logits, label):
    found = right_softmax_nll(logits, label)
    largest = max(logit.data for logit in logits)
    for logit in logits:
        logit.data -= largest
    return found


# %% mistake="softmax_nll" says="The exponentials are not divided by their sum, so they are no probabilities: they do not add up to 1, and only the label's own logit gets a gradient. Normalise them."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    return counts, -counts[label].log()


# %% mistake="softmax_nll" says="The sign of the loss is missing: the logarithm of a probability is negative, and to lower it would make the right label less likely. Negate it."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    probs = [count / sum(counts) for count in counts]
    return probs, probs[label].log()


# %% mistake="softmax_nll" says="This is a logarithm to base 10: the loss is 2.3 times too small. Use the natural one."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    probs = [count / sum(counts) for count in counts]
    return probs, -probs[label].log() / math.log(10)


# %% mistake="softmax_nll" says="The numbers are right and every gradient is zero: on the way from the logits to the loss you left the graph, by math.exp, math.log or .data. Use the methods of Scalar all the way."
right_softmax_nll = softmax_nll


def softmax_nll(logits, label):
    probs, loss = right_softmax_nll(logits, label)
    return [Scalar(p.data) for p in probs], Scalar(loss.data)


# %% mistake="softmax_nll" says="You sum the losses of all labels, as if each of them were right. Only the probability of the given label counts."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    probs = [count / sum(counts) for count in counts]
    return probs, sum(-p.log() for p in probs)


# %% mistake="softmax_nll" says="The logarithm is missing: this is minus the probability itself. It hardly moves when a network is sure and wrong, just where the gradient should be large."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    probs = [count / sum(counts) for count in counts]
    return probs, -probs[label]


# %% mistake="softmax_nll" says="The logits themselves are divided by their sum, without exp: so some of your probabilities are negative. Take the exponential of each first."
def softmax_nll(logits, label):
    total = sum(logits)
    probs = [logit / total for logit in logits]
    positive = probs[label] if probs[label].data > 0 else -probs[label]
    return probs, -positive.log()


# %% mistake="softmax_nll" says="The probabilities and the loss are right, but the sum of the exponentials was taken of plain numbers, so the gradients lack the way through it. Sum the Scalars themselves."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(count.data for count in counts)
    probs = [count / total for count in counts]
    return probs, -probs[label].log()


# %% mistake="softmax_nll" says="Your function calls backward itself, and whoever calls it does so again: then the gradients are added a second time. Only return the loss."
right_softmax_nll = softmax_nll


def softmax_nll(logits, label):
    probs, loss = right_softmax_nll(logits, label)
    loss.backward()
    return probs, loss


# %% mistake="softmax_nll" says="You average the losses of all labels. Only one of them is right: take minus the logarithm of the probability of the label that is given."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    probs = [count / sum(counts) for count in counts]
    return probs, -sum(p.log() for p in probs) / len(probs)


# %% mistake="softmax_nll" says="You take the largest probability, whatever the label is: such a network is always content. Take the probability of the label that is given."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    probs = [count / sum(counts) for count in counts]
    return probs, -max(probs, key=lambda p: p.data).log()


# %% mistake="softmax_nll" says="Your loss reads the probability one place too early, as if labels were counted from 1. They count from 0: label 3 is the fourth."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, -probs[label - 1].log()


# %% mistake="softmax_nll" says="Your loss reads the probability one place too late. Labels count from 0, as Python's places do: take the one at `label` itself."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, -probs[(label + 1) % len(probs)].log()


# %% mistake="softmax_nll" says="Your loss reads the first probability, whatever the label is. Take that of the label that is given."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, -probs[0].log()


# %% mistake="softmax_nll" says="Your loss reads the last probability, whatever the label is: a name that a loop has left behind? Take that of the label that is given."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, -probs[-1].log()


# %% mistake="softmax_nll" says="Your loss is 1 minus the probability of the label: it never exceeds 1, however wrong the network is. Take minus its logarithm."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, 1 - probs[label]


# %% mistake="softmax_nll" says="Your loss is the squared distance of the label's probability from 1. Asked for is the negative log-likelihood: minus the logarithm of that probability."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, (1 - probs[label]) ** 2


# %% mistake="softmax_nll" says="Your counts are squares of the logits, so that -2 weighs as much as 2. Take the exponential of each logit: it grows with the logit and is never negative."
def softmax_nll(logits, label):
    counts = [logit * logit for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, -probs[label].log()


# %% mistake="softmax_nll" says="Each exponential is divided by the sum of the others, without itself: these are odds, which may exceed 1. The sum below goes over all labels."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    probs = [count / (sum(counts) - count) for count in counts]
    return probs, -probs[label].log()


# %% mistake="softmax_nll" says="The probabilities are right, but the loss is taken from the exponential of the label, which was not divided yet. Take minus the logarithm of its probability."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, -counts[label].log()


# %% mistake="softmax_nll" says="The loss is right, but your probabilities are plain numbers put into new nodes: nothing leads from them back to the logits. Return the nodes that you computed with."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return [type(p)(p.data) for p in probs], -probs[label].log()


# %% mistake="softmax_nll" says="The loss is a logarithm to base 2: it is 1.44 times too large. Use the natural one."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, -probs[label].log() / math.log(2)


# %% mistake="softmax_nll" says="Your probabilities are powers of 2, divided by their sum. The softmax takes e to the power of each logit."
def softmax_nll(logits, label):
    counts = [(logit * math.log(2)).exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, -probs[label].log()


# %% mistake="softmax_nll" says="Logits that are equal count once in your sum, as in a dict or a set of their numbers. Each label has its own term, also when two are alike."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum({logit.data: count for logit, count in zip(logits, counts)}.values())
    probs = [count / total for count in counts]
    return probs, -probs[label].log()


# %% mistake="softmax_nll" says="The exponentials are divided by the largest one, not by their sum. Probabilities add up to 1."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    largest = max(counts, key=lambda count: count.data)
    probs = [count / largest for count in counts]
    return probs, -probs[label].log()


# %% mistake="softmax_nll" says="The exponentials are divided by their mean: your probabilities add up to the number of labels. Divide by the sum."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts) / len(counts)
    probs = [count / total for count in counts]
    return probs, -probs[label].log()


# %% mistake="softmax_nll" says="What you return first are the logarithms of the probabilities. Return the probabilities themselves."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return [p.log() for p in probs], -probs[label].log()


# %% mistake="softmax_nll" says="The softmax is taken twice: your probabilities went through it once more, as if they were logits. Once is enough."
def softmax_nll(logits, label):
    for _ in range(2):
        counts = [logit.exp() for logit in logits]
        total = sum(counts)
        logits = [count / total for count in counts]
    return logits, -logits[label].log()


# %% mistake="softmax_nll" says="You subtract the largest logit inside the sum, but not from the label's own logit, so the loss is off by that number. Subtract it from both."
def softmax_nll(logits, label):
    top = max(logit.data for logit in logits)
    counts = [(logit - top).exp() for logit in logits]
    total = sum(counts)
    return [count / total for count in counts], total.log() - logits[label]


# %% mistake="softmax_nll" says="Your loss is 1 divided by the probability of the label. Take the logarithm of that, or minus the logarithm of the probability."
def softmax_nll(logits, label):
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, 1 / probs[label]


# %% variant="softmax_nll"
def softmax_nll(logits, label):
    """With the largest logit subtracted as a plain number, and the loss as log-sum-exp minus the logit."""
    largest = max(logit.data for logit in logits)
    total = Scalar(0.0)
    for logit in logits:
        total += (logit - largest).exp()
    log_total = total.log() + largest
    return [(logit - log_total).exp() for logit in logits], log_total - logits[label]


# %% variant="softmax_nll"
RULES = {
    "+": lambda z, x, y: (1, 1),
    "-": lambda z, x, y: (1, -1),
    "*": lambda z, x, y: (y.data, x.data),
    "/": lambda z, x, y: (1 / y.data, -z.data / y.data),
    "**": lambda z, x: (z.exponent * x.data ** (z.exponent - 1),),
    "neg": lambda z, x: (-1,),
    "tanh": lambda z, x: (1 - z.data**2,),
    "exp": lambda z, x: (z.data,),
    "log": lambda z, x: (1 / x.data,),
}


class Value(Recorded):
    """On top of the given class, with a table of rules and without pass_back."""

    def backward(self):
        def order(node, seen):
            if node not in seen:
                seen.add(node)
                for x in node.inputs:
                    yield from order(x, seen)
                yield node

        self.grad = 1.0
        for node in list(order(self, set()))[::-1]:
            if node.inputs:
                for x, slope in zip(node.inputs, RULES[node.operation](node, *node.inputs)):
                    x.grad += slope * node.grad


def softmax_nll(logits, label):
    total = Value(0.0)
    for logit in logits:
        total = total + logit.exp()
    probs = [logit.exp() / total for logit in logits]
    return probs, Value(0) - probs[label].log()


# %% variant="softmax_nll"
import numpy as np
from typing import NamedTuple


class Edge(NamedTuple):
    to: "Value"
    slope: float


class Arithmetic:
    """Everything that can be told in terms of + * ** and a lift."""

    __slots__ = ()

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + self.lift(other) * -1.0

    def __rsub__(self, other):
        return self.lift(other) + self * -1.0

    def __truediv__(self, other):
        return self * self.lift(other) ** -1.0

    def __rtruediv__(self, other):
        return self.lift(other) * self**-1.0

    def __radd__(self, other):
        return self.lift(other) + self

    def __rmul__(self, other):
        return self.lift(other) * self


class Value(Arithmetic):
    """Slots, NumPy's numbers, named edges, all gradients reset by each backward pass, a float when asked."""

    __slots__ = ("data", "grad", "edges")

    def __init__(self, data, *edges):
        self.data, self.grad, self.edges = np.float64(data), 0, edges

    @staticmethod
    def lift(x):
        return x if isinstance(x, Value) else Value(x)

    def __float__(self):
        return float(self.data)

    def __add__(self, other):
        other = self.lift(other)
        return Value(self.data + other.data, Edge(self, 1.0), Edge(other, 1.0))

    def __mul__(self, other):
        other = self.lift(other)
        return Value(self.data * other.data, Edge(self, other.data), Edge(other, self.data))

    def __pow__(self, n):
        return Value(np.power(self.data, n), Edge(self, n * np.power(self.data, n - 1)))

    def tanh(self):
        return Value(np.tanh(self.data), Edge(self, 1 / np.cosh(self.data) ** 2))

    def exp(self):
        return Value(np.exp(self.data), Edge(self, np.exp(self.data)))

    def log(self):
        return Value(np.log(self.data), Edge(self, 1 / self.data))

    def backward(self):
        users, todo = {self: 0}, [self]
        while todo:
            node = todo.pop()
            node.grad = np.float64(0)
            for edge in node.edges:
                if edge.to not in users:
                    users[edge.to] = 0
                    todo.append(edge.to)
                users[edge.to] += 1
        self.grad, ready = np.float64(1), [self]
        while ready:
            node = ready.pop()
            for to, slope in node.edges:
                to.grad += slope * node.grad
                users[to] -= 1
                if not users[to]:
                    ready.append(to)


Node = Value


def softmax_nll(logits: "list[Node]", label: int):
    largest = max(float(z.data) for z in logits)
    shifted = [z - Node(largest) for z in logits]
    log_total = sum((z.exp() for z in shifted), Node(0.0)).log()
    return tuple((z - log_total).exp() for z in shifted), log_total - shifted[label]


# %% [markdown]
# ## The same in PyTorch
#
# A PyTorch **tensor** is a `Value` for a whole array of numbers: `requires_grad` says that gradients are wanted, the operations are recorded, `backward()` walks back, `.grad` holds the result. It has the same `+=`, with the same consequences.

# %% [markdown] exercise="logits_grad_torch"
# Write `logits_grad_torch(logits, label)`: the gradient of the same loss, with PyTorch doing the work. `logits` is a plain float64 tensor; return a tensor of the same shape.
# Leave the tensor that comes in as it is: whoever calls twice with the same logits should get the same gradient twice.
#
# For the logits `[0., 3., -2., 1.]` and label 3: `[0.0418, 0.8390, 0.0057, -0.8865]`, to more digits the numbers of the exercise above.
#
# <details><summary>Hint 1: the idea</summary>
#
# Make a copy that wants gradients, compute the loss from it, go backward, and read the copy's gradient.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Logits, probabilities and gradient are all `(k,)`, the loss is a single number. `logits.clone().requires_grad_()` is a new tensor that wants gradients.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# z = copy of the logits that wants gradients
# loss = minus the log of softmax(z) at the label
# go backward from the loss
# return z's gradient
# ```
#
# </details>


# %% answer="logits_grad_torch"
def logits_grad_torch(logits: Float[Tensor, " k"], label: int) -> Float[Tensor, " k"]:
    """The gradient of -ln softmax(logits)[label] with respect to the logits; the tensor given stays as it is."""
    ### BEGIN SOLUTION
    z = logits.clone().requires_grad_()
    loss = -torch.softmax(z, 0)[label].log()
    loss.backward()
    return z.grad
    ### END SOLUTION


# %% check="logits_grad_torch"
def torch_probe(g: torch.Generator):
    logits, label = logits_and_label(g)
    before = logits.clone()
    once = logits_grad_torch(logits, label)
    once = once.clone() if isinstance(once, Tensor) else once  # a second call may write into the same tensor
    twice = logits_grad_torch(logits, label)
    left = "as they were" if torch.equal(logits.detach(), before) else "with other numbers"
    left += ", and made to want gradients" if logits.requires_grad or logits.grad is not None else ""
    few = ((before[[0, 1]], 0), (before[[0, 1, 2, 3]], 3), (before[[0, 1, 2, 1]], 1))  # the first is right, the last, one of two with equal logits
    few += ((before[[0, 1]] - torch.tensor([30.0, 0.0]), 0),)  # one that is all but impossible
    found = torch.cat([logits_grad_torch(*inputs).reshape(-1) for inputs in few])
    return {"first call": once, "second call": twice, "how the logits are left": left, "other labels": found}


check("logits_grad_torch", torch_probe)

# %% oracle="logits_grad_torch"
found = logits_grad_torch(torch.tensor([0.0, 3.0, -2.0, 1.0], dtype=torch.float64), 3)
expected = [0.041772570515350445, 0.8390245074625319, 0.005653302662216329, -0.8864503806400986]
torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-13, atol=0)
for seed in range(50):  # against the formula on paper: probabilities, minus 1 at the label
    g = torch.Generator().manual_seed(seed)
    z = 3 * torch.randn(6, generator=g, dtype=torch.float64)
    on_paper = z.exp() / z.exp().sum()
    on_paper[seed % 6] -= 1
    torch.testing.assert_close(logits_grad_torch(z, seed % 6), on_paper)
    assert not z.requires_grad and z.grad is None


# %% mistake="logits_grad_torch" says="The label is looked for by the value of its logit, so every label with an equal logit counts as it. Use the index that you are given."
def logits_grad_torch(logits: Float[Tensor, " k"], label: int) -> Float[Tensor, " k"]:
    z = logits.clone().requires_grad_()
    probs = torch.softmax(z, dim=0)
    right = (logits == logits[label]).to(logits.dtype)
    loss = -(right * probs.log()).sum()
    loss.backward()
    return z.grad


# %% mistake="logits_grad_torch" says="Every logit that equals the label's gets the minus 1 as well. Only the label's own place gets it: go by the place, not by the number."
def logits_grad_torch(logits: Float[Tensor, " k"], label: int) -> Float[Tensor, " k"]:
    p = torch.softmax(logits, dim=0)
    return p - (logits == logits[label]).double()


# %% mistake="logits_grad_torch" says="The second call with the same logits gives the double: you made the caller's own tensor want gradients, and its grad still holds those of the first call. Work on a copy."
def logits_grad_torch(logits, label):
    logits.requires_grad_()
    (-torch.softmax(logits, 0)[label].log()).backward()
    return logits.grad


# %% mistake="logits_grad_torch" says="The gradients are right, but the caller's logits have other numbers now: detach() gives a second name for the same memory, and a change in place, as -= makes it, reaches both. Work on a clone()."
def logits_grad_torch(logits, label):
    z = logits.detach()
    z -= z.max()
    z.requires_grad_()
    (-torch.softmax(z, 0)[label].log()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="A small number is added to the probability before the logarithm. Where the label is all but impossible it is larger than the probability, and the gradient is nearly 0 in place of nearly -1. Leave it out: no probability is exactly 0 here."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.log(torch.softmax(z, 0)[label] + 1e-10)).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="The gradients are right, but the caller's own tensor is not as it was: it wants gradients now, or holds some in its grad. Work on a copy."
def logits_grad_torch(logits, label):
    logits.requires_grad_()
    logits.grad = None
    (-torch.softmax(logits, 0)[label].log()).backward()
    return logits.grad


# %% mistake="logits_grad_torch" says="This is the gradient of plus the logarithm: following it down would make the label less likely. The loss has a minus."
right_logits_grad_torch = logits_grad_torch


def logits_grad_torch(logits, label):
    return -right_logits_grad_torch(logits, label)


# %% mistake="logits_grad_torch" says="This is the gradient of minus the probability; the loss is minus its logarithm. Take the logarithm before you go backward."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.softmax(z, 0)[label]).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="These are the probabilities, all positive. The gradient is different at the label: compare the two rows of numbers in the exercise before."
def logits_grad_torch(logits, label):
    return torch.softmax(logits, 0)


# %% mistake="logits_grad_torch" says="softmax is applied twice: F.cross_entropy takes the logits themselves and makes the probabilities on its own. Give it the logits."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    torch.nn.functional.cross_entropy(torch.softmax(z, 0), torch.tensor(label)).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="The loss of all labels is summed, as if each were the right one. Pick the label's probability before you go backward."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.softmax(z, 0).log().sum()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="The exponentials are not normalised, so only the label's own logit gets a gradient. Divide by their sum."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-z.exp()[label].log()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="This is the loss, one number. Return its gradient, which has a number for each logit: backward has put it into `grad` of the copy."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    loss = -torch.softmax(z, 0)[label].log()
    loss.backward()
    return loss


# %% mistake="logits_grad_torch" says="You take the largest probability, whatever the label is. Take that of the label given, then go backward."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.softmax(z, 0).max().log()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="The loss reads the probability one place too early, as if labels were counted from 1. They count from 0: label 3 is the fourth."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.softmax(z, 0)[label - 1].log()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="The loss reads the probability one place too late. Labels count from 0, as Python's places do: take the one at `label` itself."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.softmax(z, 0)[(label + 1) % len(z)].log()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="The loss reads the first probability, whatever the label is. Take that of the label given, then go backward."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.softmax(z, 0)[0].log()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="Each logit goes through a sigmoid by itself, so only the label's own logit gets a gradient. Use the softmax, in which all logits share one sum."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.sigmoid(z)[label].log()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="The loss is a mean over all the logits, of which only one counts, so your gradient is too small. Take the loss of the label alone."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.softmax(z, 0)[label].log() / len(z)).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="This is the gradient of the loss with a logarithm to base 10. Take the natural logarithm, `log`."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.softmax(z, 0)[label].log10()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="This is the gradient of the loss with a logarithm to base 2. Take the natural logarithm, `log`."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.softmax(z, 0)[label].log2()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="These are the probabilities with 1 added at the label. There it is taken away: raising the right logit lowers the loss."
def logits_grad_torch(logits, label):
    found = torch.softmax(logits, 0)
    found[label] += 1
    return found


# %% mistake="logits_grad_torch" says="Only the label's own entry is filled in, the others are zero. Every logit moves the loss, by way of the sum below: let backward find all of them."
def logits_grad_torch(logits, label):
    found = torch.zeros_like(logits)
    found[label] = torch.softmax(logits, 0)[label] - 1
    return found


# %% mistake="logits_grad_torch" says="The loss reads the last probability, whatever the label is. Take that of the label given, then go backward."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    (-torch.softmax(z, 0)[-1].log()).backward()
    return z.grad


# %% mistake="logits_grad_torch" says="Your gradient is that of the squared distance between the probabilities and the right label. Asked for is the loss with the logarithm."
def logits_grad_torch(logits, label):
    z = logits.clone().requires_grad_()
    hot = torch.nn.functional.one_hot(torch.tensor(label), len(z))
    ((torch.softmax(z, 0) - hot) ** 2).sum().backward()
    return z.grad


# %% variant="logits_grad_torch"
def logits_grad_torch(logits, label):
    leaf = torch.tensor(logits.tolist(), dtype=logits.dtype, requires_grad=True)
    return torch.autograd.grad(torch.logsumexp(leaf, 0) - leaf[label], leaf)[0]


# %% variant="logits_grad_torch"
def logits_grad_torch(logits, label):
    z = logits.detach().clone().requires_grad_(True)
    torch.nn.functional.cross_entropy(z[None], torch.tensor([label])).backward()
    return z.grad.detach()


# %% [markdown]
# ## What you did
#
# You found a gradient on paper, measured it from one side and from both, and saw why neither scales to a network. You wrote a number that remembers where it comes from, nine local derivatives, and the order in which they fit together; and with nothing else you
# built neurons, trained a network and made a loss for choices. PyTorch does the same on whole arrays at a time. The next lecture uses that on names: it predicts the next letter, by softmax and the negative log-likelihood you have just written.
