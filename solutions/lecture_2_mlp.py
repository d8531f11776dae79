# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% author
from autograder.commands.script import run

run(__name__, globals())

# %% [markdown]
# # Lecture 2: a multi-layer perceptron
#
# A table of counts grows by a factor of 27 with every symbol of context, and the names soon are too few to fill it. Bengio and others (2003) replaced the table by a
# network: each symbol becomes a short vector, the vectors of the context are joined, and a hidden layer reads them. What it learns about one context then helps with similar ones. Afterwards you will be able to
#
# - cut names into contexts of any length;
# - look up embeddings and join them, and write the network in two lines;
# - choose initial weights whose first loss is that of an honest guess;
# - train on mini-batches, find a learning rate, and say what a loss on dev tells;
# - draw what the network has learned about letters, and let it invent names.
#
# Every exercise stands alone: what it builds on is given, so that a gap in one does not cost another. A function leaves
# what it is given as it was, unless its text says otherwise: what the caller still needs is copied before it is changed.
#
# **Notation.** `T` is the length of a context, `X` holds contexts, shape `(N, T)`, and `Y` the targets, `(N,)`. `C` is the **embedding table**: row `i` is the vector of `d` numbers for symbol `i`. `E` holds the joined
# embeddings of each context, `(N, T * d)`. A hidden layer has the weights `W1` and the bias `b1`, its output is `h`; the last layer has `W2` and `b2` and gives the logits, `(N, 27)`.

# %%
import math
from collections.abc import Callable, Iterator

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from torch import Tensor

from autograder import check, check_loss, fit
from autograder.figures import drawn
from autograder.names import SYMBOLS, contexts_of, load_names

names = load_names()
print(f"{len(names.train):,} names to train on, {len(names.dev):,} to choose on, {len(names.test):,} to report on")


def some_names(g: torch.Generator, count: int) -> list[str]:
    """Names drawn from the whole list, for the checks below."""
    return [names.all[i] for i in torch.randint(len(names.all), (count,), generator=g).tolist()]


# %% [markdown]
# ## Where tables end
#
# The cell counts what follows each context of T symbols in the training names, for T from 1 to 5, adds a smoothing to every count (the best of three on dev, as in lecture 1), and takes the loss on dev.
# {% if known %}The second symbol of context helps, and so does the third. The fourth makes it worse: the table has $27^4 = 531{,}441$ rows, and 96 % of them are never seen.
# {%- else %}From some symbol of context on it gets worse, though the table is told more: for four symbols it has $27^4 = 531{,}441$ rows, and most of them are never seen.{% endif %}


# %%
def table_loss(T: int) -> tuple[float, int]:
    """Dev loss of a smoothed table of counts for contexts of T symbols, and how many of its 27^T rows occur in train."""
    digits = 27 ** torch.arange(T)  # a context as one number; the last T symbols of a longer context are the context of T
    cells, cell_counts = torch.unique(longest[:, -T:] @ digits * 27 + following, return_counts=True)
    rows, members = torch.unique_consecutive(cells // 27, return_inverse=True)
    row_counts = torch.zeros_like(rows).index_add(0, members, cell_counts)

    def count(keys: Tensor, counts: Tensor, wanted: Tensor) -> Tensor:
        place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
        return torch.where(keys[place] == wanted, counts[place], 0)

    wanted = longest_dev[:, -T:] @ digits
    of_row, of_cell = count(rows, row_counts, wanted), count(cells, cell_counts, wanted * 27 + following_dev)
    losses = [-((of_cell + smoothing) / (of_row + 27 * smoothing)).log().mean().item() for smoothing in (0.05, 0.13, 0.3)]
    return min(losses), len(rows)


(longest, following), (longest_dev, following_dev) = names.contexts("train", 5), names.contexts("dev", 5)
tables = {T: table_loss(T) for T in range(1, 6)}
for T, (loss, rows) in tables.items():
    print(f"T = {T}: dev loss {loss:.2f}; {rows:6,} of {27**T:10,} rows occur in train")
figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(list(tables), [loss for loss, _ in tables.values()], "o-")
axes.set_xticks(list(tables))
axes.set_xlabel("symbols of context, T")
axes.set_ylabel("dev loss of the table")
plt.show()

# %% [markdown]
# ## Contexts

# %% [markdown] exercise="build_contexts"
# Write `build_contexts(words, T)`: contexts and targets of all words, in order. Each word starts with a context of `T` dots (index 0). Each of its letters, and then the dot at its end, is
# one target; after each the context moves on by one symbol: the oldest one drops out on the left, the new one comes in on the right. `SYMBOLS.index(letter)` gives a letter's index.
# A word may be shorter than `T`, even empty, and it may stand in the list twice: then its rows come twice.
#
# For `["ab"]` and `T = 3`:
#
# ```
# . . .  ->  a        [0, 0, 0]  1
# . . a  ->  b        [0, 0, 1]  2
# . a b  ->  .        [0, 1, 2]  0
# ```
#
# <details><summary>Hint 1: the idea</summary>
#
# A name of n letters gives n + 1 rows, whatever T is. Every name begins afresh: nothing of the last name may be in its first context.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# X (N, T) and Y (N,), both of an integer type, with N the number of letters plus the number of names.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for each word: context = T zeros; for each symbol of word + ".": append context to X and its index to Y; context = context without its first + that index
#
# </details>


# %% answer="build_contexts"
def build_contexts(words: list[str], T: int) -> tuple[Int[Tensor, "N T"], Int[Tensor, " N"]]:
    """Contexts of T symbols, padded at the front with dots, and the symbol that follows each."""
    ### BEGIN SOLUTION
    X, Y = [], []
    for word in words:
        context = [0] * T
        for symbol in word + ".":
            index = SYMBOLS.index(symbol)
            X.append(context)
            Y.append(index)
            context = context[1:] + [index]
    return torch.tensor(X), torch.tensor(Y)
    ### END SOLUTION


# %% check="build_contexts"
def contexts_probe(g: torch.Generator):
    T = (4, 5, 6)[int(torch.randint(3, (1,), generator=g))]
    some = some_names(g, 6)
    short = [some[3][:2], (3 * some[4])[:T], "", some[5][:1]]  # shorter than T, of T letters, and empty
    twice = 2 * some[0][:3]  # its letters occur twice
    of_one = build_contexts(some[:2], 1)
    return *build_contexts([some[1], some[0], some[1], *short, twice, some[5], "", some[0]], T), *of_one


check("build_contexts", contexts_probe)

# %% oracle="build_contexts"
X, Y = build_contexts(["ab"], 3)
assert X.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 2]] and Y.tolist() == [1, 2, 0]
assert tables[1][0] > tables[2][0] and 27**4 == 531_441 and 0.5 < 1 - tables[4][1] / 27**4
assert min(loss for loss, _ in tables.values()) < tables[5][0]  # it gets worse from some symbol on
if names.known():
    assert tables[1][0] > tables[2][0] > tables[3][0] < tables[4][0] < tables[5][0]
    assert abs(tables[3][0] - 2.1134) < 1e-3 and 0.96 <= 1 - tables[4][1] / 27**4 < 0.965
for T in (1, 3, 8):
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(build_contexts(names.dev[:50], T), contexts_of(names.dev[:50], T)))


# %% mistake="build_contexts" says="With T = 1 your slice begins at minus 0, which is the beginning, and nothing is dropped: every context is the first one. Drop the first symbol by its place, counted from the front."
def build_contexts(words: list[str], T: int) -> tuple[Int[Tensor, "N T"], Int[Tensor, " N"]]:
    xs = []
    ys = []
    for w in words:
        context = [0] * T
        for ch in w + ".":
            ix = SYMBOLS.index(ch)
            xs.append(context[:T])
            ys.append(ix)
            context = context[-(T - 1):] + [ix]
    return torch.tensor(xs), torch.tensor(ys)


# %% mistake="build_contexts" says="The context is not set back between the names: a name's first contexts hold the end of the name before it. Begin each word with T zeros."
def build_contexts(words, T):
    X, Y, context = [], [], [0] * T
    for word in words:
        for symbol in word + ".":
            index = SYMBOLS.index(symbol)
            X.append(context)
            Y.append(index)
            context = context[1:] + [index]
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="New symbols come in on the left, so each context reads backwards. The newest symbol stands on the right, next to the target."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        context = [0] * T
        for symbol in word + ".":
            index = SYMBOLS.index(symbol)
            X.append(context)
            Y.append(index)
            context = [index] + context[:-1]
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="The dot at the end of each name is never a target, so a model of these rows does not know where names end. Go through the word and one dot more."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        context = [0] * T
        for symbol in word:
            index = SYMBOLS.index(symbol)
            X.append(context)
            Y.append(index)
            context = context[1:] + [index]
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="The context already holds the symbol that is to be predicted: it moves on before the row is kept. Keep the row first."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        context = [0] * T
        for symbol in word + ".":
            index = SYMBOLS.index(symbol)
            context = context[1:] + [index]
            X.append(context)
            Y.append(index)
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="Names begin with a single dot and their first letters are never predicted: the loss of such rows looks better than it is. Begin with T dots, so that the first letter is a target."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        context = [0] * T
        for place, symbol in enumerate(word + "."):
            index = SYMBOLS.index(symbol)
            if place:
                X.append(context)
                Y.append(index)
            context = context[1:] + [index]
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="Your contexts always hold three symbols, as in the lecture. How many they hold is the argument T, here and in the padding."
right_build_contexts = build_contexts


def build_contexts(words, T):
    return right_build_contexts(words, 3)


# %% mistake="build_contexts" says="All contexts of a name show its end: the same list was kept each time and changed afterwards, and with it every row that holds it. Keep a new list for each row."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        context = [0] * T
        for symbol in word + ".":
            X.append(context)
            Y.append(SYMBOLS.index(symbol))
            context.append(Y[-1])
            context.pop(0)
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="Only full contexts are kept: the first letters of a name are never targets, and a name shorter than T is left out. Pad each name in front with T dots."
def build_contexts(words, T):
    rows = [[SYMBOLS.index(s) for s in (word + ".")[i : i + T + 1]] for word in words for i in range(len(word) + 1 - T)]
    rows = torch.tensor(rows).view(-1, T + 1)
    return rows[:, :T], rows[:, T]


# %% mistake="build_contexts" says="Each name begins with a row whose target is a dot, as if it could be empty. The dots in front are its first context; the first target is its first letter."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        context = [0] * T
        for symbol in "." + word + ".":
            X.append(context)
            Y.append(SYMBOLS.index(symbol))
            context = context[1:] + [Y[-1]]
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="The letters count from 0, so a and the dot share an index. The dot is 0 and a is 1: SYMBOLS.index(letter) tells it."
right_build_contexts = build_contexts


def build_contexts(words, T):
    return tuple((indices - 1).clamp(min=0) for indices in right_build_contexts(words, T))


# %% mistake="build_contexts" says="Your letters count from 0 and the dot has the last index, 26. In this notebook the dot is 0 and the letters are 1 to 26: SYMBOLS.index(letter) tells it."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        context = [26] * T
        for symbol in word + ".":
            index = "abcdefghijklmnopqrstuvwxyz.".index(symbol)
            X.append(context)
            Y.append(index)
            context = context[1:] + [index]
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="Names shorter than T are left out. A name of n letters gives n + 1 rows, whatever T is: the dots in front fill its contexts."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        if len(word) < T:
            continue
        context = [0] * T
        for symbol in word + ".":
            index = SYMBOLS.index(symbol)
            X.append(context)
            Y.append(index)
            context = context[1:] + [index]
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="Names of T letters or fewer are left out. A name of n letters gives n + 1 rows, whatever T is: the dots in front fill its contexts."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        if len(word) <= T:
            continue
        context = [0] * T
        for symbol in word + ".":
            index = SYMBOLS.index(symbol)
            X.append(context)
            Y.append(index)
            context = context[1:] + [index]
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="The first letter of each name is left out, as a target and in the contexts. Go through the whole word, from its first letter on."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        context = [0] * T
        for symbol in word[1:] + ".":
            index = SYMBOLS.index(symbol)
            X.append(context)
            Y.append(index)
            context = context[1:] + [index]
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="The contexts are padded with index 26, which is z. They are padded with dots: index 0."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        context = [26] * T
        for symbol in word + ".":
            index = SYMBOLS.index(symbol)
            X.append(context)
            Y.append(index)
            context = context[1:] + [index]
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="The contexts are padded behind, with dots after the letters. The dots stand in front: each name begins after T of them."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        context = [0] * T
        for symbol in word + ".":
            index = SYMBOLS.index(symbol)
            X.append(context)
            Y.append(index)
            context = ([i for i in context if i] + [index])[-T:]
            context += [0] * (T - len(context))
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="A word that stands in the list twice gives its rows only once, as where they are kept in a dict or a set. Each word of the list gives its own rows."
right_build_contexts = build_contexts


def build_contexts(words, T):
    return right_build_contexts(list(dict.fromkeys(words)), T)


# %% mistake="build_contexts" says="The place of a letter is looked for by its name, so the second of two equal letters in a word gets the context of the first. Count the places, as enumerate does."
def build_contexts(words, T):
    X, Y = [], []
    for word in words:
        for symbol in word + ".":
            place = (word + ".").index(symbol)
            X.append([SYMBOLS.index(s) for s in ("." * T + word)[place : place + T]])
            Y.append(SYMBOLS.index(symbol))
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="Between two words there is one dot too few, so the last letter of a word still stands in the first context of the next. The dot at a word's end counts as one of the T before the next."
def build_contexts(words, T):
    X, Y, text = [], [], "." * T
    for place, word in enumerate(words):
        text += "." * (T - 2) if place else ""
        for symbol in word + ".":
            X.append([SYMBOLS.index(s) for s in text[-T:]])
            Y.append(SYMBOLS.index(symbol))
            text += symbol
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="build_contexts" says="Empty words are left out. A word of no letters gives one row all the same: T dots, and a dot for its target."
right_build_contexts = build_contexts


def build_contexts(words, T):
    return right_build_contexts([word for word in words if word], T)


# %% mistake="build_contexts" says="The words are sorted, so the rows come in another order. Take them as they stand in the list."
right_build_contexts = build_contexts


def build_contexts(words, T):
    return right_build_contexts(sorted(words), T)


# %% mistake="build_contexts" says="Equal rows are kept only once. How often a symbol follows a context is what is learned: keep every row."
right_build_contexts = build_contexts


def build_contexts(words, T):
    rows = torch.cat([right_build_contexts(words, T)[0], right_build_contexts(words, T)[1][:, None]], 1).tolist()
    kept = torch.tensor(list(map(list, dict.fromkeys(map(tuple, rows)))))
    return kept[:, :T], kept[:, T]


# %% mistake="build_contexts" says="Only the first word is used: the function returns inside its loop. The return belongs behind it."
right_build_contexts = build_contexts


def build_contexts(words, T):
    return right_build_contexts(words[:1], T)


# %% mistake="build_contexts" says="The words are read backwards. The first context of a word is followed by its first letter."
right_build_contexts = build_contexts


def build_contexts(words, T):
    return right_build_contexts([word[::-1] for word in words], T)


# %% variant="build_contexts"
def build_contexts(words, T):
    rows = []
    for word in words:
        text = "." * T + word + "."
        rows += [[SYMBOLS.index(s) for s in text[i : i + T + 1]] for i in range(len(word) + 1)]
    rows = torch.tensor(rows)
    return rows[:, :T], rows[:, T]


# %% [markdown]
# ## The network

# %% [markdown] exercise="embed"
# Write `embed(C, X)`: look up the row of `C` for every symbol of every context and **join** the rows of a context side by side, the oldest symbol first.
#
# With $d = 2$, `C[1] = [10, 11]` and `C[2] = [20, 21]`, the context `[1, 2]` becomes `[10, 11, 20, 21]`.
#
# `C[X]` already holds these numbers in this order. So nothing has to be copied: `view` gives the same memory another shape.
#
# <details><summary>Hint 1: the idea</summary>
#
# A tensor of indices in square brackets looks up a row for each of its elements.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# C[X] is (N, T, d). The result is (N, T * d): the last two dimensions become one.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# look up all symbols at once, then view the result as a matrix: how many rows stay, and what do the last two dimensions become?
# (A size of -1 means: as many as it takes.)
#
# </details>


# %% answer="embed"
def embed(C: Float[Tensor, "27 d"], X: Int[Tensor, "N T"]) -> Float[Tensor, "N T*d"]:
    """The embeddings of each context's symbols, side by side."""
    ### BEGIN SOLUTION
    return C[X].view(len(X), -1)
    ### END SOLUTION


# %%
def random_contexts(g: torch.Generator, count: int, T: int) -> Tensor:
    """Contexts as they stand in names, (count, T), in random order."""
    X, _ = contexts_of(some_names(g, count), T)
    return X[torch.randperm(len(X), generator=g)[:count]]


# %% check="embed"
def embed_probe(g: torch.Generator):
    T, d = 4 + int(torch.randint(2, (1,), generator=g)), 5 * (1 + int(torch.randint(2, (1,), generator=g)))
    return embed(torch.randn(27, d, generator=g), random_contexts(g, 6 * (1 + int(torch.randint(3, (1,), generator=g))), T))


check("embed", embed_probe)

# %% oracle="embed"
C = torch.zeros(27, 2)
C[1], C[2] = torch.tensor([10.0, 11.0]), torch.tensor([20.0, 21.0])
assert embed(C, torch.tensor([[1, 2]])).tolist() == [[10, 11, 20, 21]]
C, X = torch.randn(27, 5), torch.randint(27, (7, 3))
assert torch.equal(embed(C, X), torch.cat([C[X[:, 0]], C[X[:, 1]], C[X[:, 2]]], 1))


# %% mistake="embed" says="The features are interleaved: first feature of every symbol, then the second of every symbol. Keep the numbers of one symbol together; no transpose is needed."
def embed(C, X):
    return C[X].transpose(1, 2).reshape(len(X), -1)


# %% mistake="embed" says="The embeddings of a context are added up, so that 'ab' and 'ba' look the same. Join them side by side."
def embed(C, X):
    return C[X].sum(1)


# %% mistake="embed" says="The three dimensions are still there. Make one of the last two."
def embed(C, X):
    return C[X]


# %% mistake="embed" says="The newest symbol comes first. The order of a context is the order of its columns."
def embed(C, X):
    return C[X.flip(1)].reshape(len(X), -1)


# %% mistake="embed" says="The symbols of a context stand below each other: torch.cat joins along dimension 0 unless it is told otherwise. Join them along dimension 1."
def embed(C, X):
    return torch.cat(C[X].unbind(1))


# %% mistake="embed" says="There is a row for each symbol, not for each context. A row holds all symbols of its context: as many rows as X has."
def embed(C, X):
    return C[X].view(-1, C.shape[1])


# %% mistake="embed" says="The number of columns is 6 whatever is given, such as the lecture's, for three symbols of two features. Here it follows from X and C: T times d."
def embed(C, X):
    return C[X].view(-1, 6)


# %% mistake="embed" says="The number of columns is the lecture's 30, for three symbols of ten features. Here it follows from X and C: T times d."
def embed(C, X):
    return C[X].view(-1, 30)


# %% mistake="embed" says="Everything is in one long row, the rows of X too: flatten takes all dimensions unless it is told where to start. The first one stays."
def embed(C, X):
    return C[X].flatten()


# %% mistake="embed" says="Only the first three symbols of each context are joined, as in the lecture's first try. A context has T of them, X.shape[1]."
def embed(C, X):
    return torch.cat([C[X[:, 0]], C[X[:, 1]], C[X[:, 2]]], 1)


# %% mistake="embed" says="The symbols of a context were joined along dimension 0 and then cut into rows again, so each row mixes several contexts. Join along dimension 1."
def embed(C, X):
    return torch.cat(C[X].unbind(1), 0).view(len(X), -1)


# %% mistake="embed" says="The embeddings of a context are averaged, so that 'ab' and 'ba' look the same. Join them side by side: T times d columns."
def embed(C, X):
    return C[X].mean(1)


# %% mistake="embed" says="The symbols come in the right order, but the features of each one backwards. A row of C is taken as it is."
def embed(C, X):
    return C[X].flip(2).flatten(1)


# %% mistake="embed" says="The look-up is made in the transposed table, so features come before rows, and giving that the wanted shape mixes the contexts. Look up rows of C as it is."
def embed(C, X):
    return C.T[:, X].reshape(len(X), -1)


# %% mistake="embed" says="The look-up is one row off: index 0 is the dot, and its embedding is row 0 of C. Use the indices as they are."
def embed(C, X):
    return C[X - 1].flatten(1)


# %% mistake="embed" says="Only the newest symbol of each context is looked up. All T of them stand side by side: T times d columns."
def embed(C, X):
    return C[X[:, -1]]


# %% mistake="embed" says="Each row holds the numbers of its context in the right order, but the rows come in the opposite one. Leave X in its order."
def embed(C, X):
    return C[X.flip(0)].flatten(1)


# %% variant="embed"
def embed(C, X):
    return torch.cat([C[column] for column in X.unbind(1)], dim=1)


# %% variant="embed"
def embed(C, X):
    return (F.one_hot(X, 27).float() @ C).flatten(start_dim=1)


# %% [markdown] exercise="mlp_logits"
# Write `mlp_logits(E, W1, b1, W2, b2)`, the network on embedded contexts: a hidden layer with tanh, then a linear layer that gives a logit for each symbol,
#
# $$\text{logits} = \tanh(E W_1 + b_1)\, W_2 + b_2.$$
#
# Logits may be any numbers; the softmax is part of the loss.
#
# One number in, one hidden unit, one logit: $E = 1$, $W_1 = 2$, $b_1 = -2$, $W_2 = 5$, $b_2 = 3$ give $\tanh(0) \cdot 5 + 3 = 3$.
#
# <details><summary>Hint 1: the idea</summary>
#
# Two linear layers with a tanh between them. Without the tanh the two would be one linear layer.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# E (N, T * d), h (N, hidden), logits (N, 27).
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# hidden layer: multiply, add its bias, tanh; last layer: multiply, add its bias. Which step of the first is missing in the second, and why?
#
# </details>


# %% answer="mlp_logits"
def mlp_logits(
    E: Float[Tensor, "N T*d"],
    W1: Float[Tensor, "T*d hidden"],
    b1: Float[Tensor, " hidden"],
    W2: Float[Tensor, "hidden 27"],
    b2: Float[Tensor, " 27"],
) -> Float[Tensor, "N 27"]:
    """Logits of a network with one hidden tanh layer."""
    ### BEGIN SOLUTION
    return (E @ W1 + b1).tanh() @ W2 + b2
    ### END SOLUTION


# %%
def random_layers(g: torch.Generator, fan_in: int, hidden: int) -> list[Tensor]:
    """W1, b1, W2 and b2 of a small network, none of them zero."""
    shapes = ((fan_in, hidden), (hidden,), (hidden, 27), (27,))
    return [torch.randn(shape, generator=g) * 0.5 for shape in shapes]


# %% check="mlp_logits"
def mlp_probe(g: torch.Generator):
    E, (W1, b1, W2, b2) = torch.randn(5, 6, generator=g), random_layers(g, 6, 9)
    b1[:2] = torch.tensor([100.0, -100.0])  # a tanh is 1 and -1 there, whatever it is made of
    return mlp_logits(E, W1, b1, W2, b2)


check("mlp_logits", mlp_probe)

# %% oracle="mlp_logits"
assert mlp_logits(*[torch.tensor(v) for v in ([[1.0]], [[2.0]], [-2.0], [[5.0]], [3.0])]).item() == 3.0
layers = random_layers(torch.Generator().manual_seed(1), 6, 9)
theirs = torch.nn.Sequential(torch.nn.Linear(6, 9), torch.nn.Tanh(), torch.nn.Linear(9, 27))
with torch.no_grad():
    for parameter, ours in zip(theirs.parameters(), layers):
        parameter.copy_(ours.T)
    torch.testing.assert_close(mlp_logits(torch.ones(2, 6), *layers), theirs(torch.ones(2, 6)))


# %% mistake="mlp_logits" says="There is a tanh on the output too, so that no logit leaves -1 to 1 and no symbol can ever be certain. The last layer is linear."
def mlp_logits(E, W1, b1, W2, b2):
    return ((E @ W1 + b1).tanh() @ W2 + b2).tanh()


# %% mistake="mlp_logits" says="The bias of the hidden layer is missing: every unit then switches at zero."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1).tanh() @ W2 + b2


# %% mistake="mlp_logits" says="The bias of the last layer is missing: it is what could say that some symbols are frequent."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 + b1).tanh() @ W2


# %% mistake="mlp_logits" says="The tanh is missing: two linear layers in a row are one linear layer, and the hidden units are for nothing."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 + b1) @ W2 + b2


# %% mistake="mlp_logits" says="You return probabilities. Logits are asked for: the loss takes the softmax itself, and twice would flatten everything."
def mlp_logits(E, W1, b1, W2, b2):
    return ((E @ W1 + b1).tanh() @ W2 + b2).softmax(1)


# %% mistake="mlp_logits" says="b1 is added behind the tanh. It belongs inside, to E @ W1: there it decides where a unit switches."
def mlp_logits(E, W1, b1, W2, b2):
    return ((E @ W1).tanh() + b1) @ W2 + b2


# %% mistake="mlp_logits" says="The hidden layer has a ReLU, which cuts off what is negative. This network has a tanh there."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 + b1).relu() @ W2 + b2


# %% mistake="mlp_logits" says="The hidden layer has a sigmoid, between 0 and 1. This network has a tanh there, between -1 and 1."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 + b1).sigmoid() @ W2 + b2


# %% mistake="mlp_logits" says="You return the hidden layer. The logits come out of the linear layer behind it, W2 and b2."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 + b1).tanh()


# %% mistake="mlp_logits" says="The hidden layer returns the derivative of tanh, 1 minus its square. Going forward, take tanh itself: the derivative is for the way back."
def mlp_logits(E, W1, b1, W2, b2):
    h = (E @ W1 + b1).tanh()
    return (1 - h**2) @ W2 + b2


# %% mistake="mlp_logits" says="The hidden layer returns the square of 1 minus tanh. Going forward, take tanh itself, as the formula has it."
def mlp_logits(E, W1, b1, W2, b2):
    h = (E @ W1 + b1).tanh()
    return (1 - h) ** 2 @ W2 + b2


# %% mistake="mlp_logits" says="You return the logarithms of the probabilities. Logits are asked for, the sums as they are: the loss takes the softmax itself."
def mlp_logits(E, W1, b1, W2, b2):
    h = (E @ W1 + b1).tanh()
    return (h @ W2 + b2).log_softmax(1)


# %% mistake="mlp_logits" says="The bias of the hidden layer is subtracted. It is added to E @ W1, inside the tanh."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 - b1).tanh() @ W2 + b2


# %% mistake="mlp_logits" says="The bias of the last layer is subtracted. It is added to the product with W2."
def mlp_logits(E, W1, b1, W2, b2):
    h = (E @ W1 + b1).tanh()
    return h @ W2 - b2


# %% mistake="mlp_logits" says="The hidden layer has a sine. This network has a tanh there: it saturates, where a sine turns round."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 + b1).sin() @ W2 + b2


# %% mistake="mlp_logits" says="The largest logit of each row is subtracted. A softmax does not notice that, but asked for are the logits themselves: leave them as they are."
def mlp_logits(E, W1, b1, W2, b2):
    logits = (E @ W1 + b1).tanh() @ W2 + b2
    return logits - logits.max(1, keepdim=True).values


# %% mistake="mlp_logits" says="The tanh stands around the last layer's product with h, and the hidden layer has none. It belongs around E @ W1 + b1."
def mlp_logits(E, W1, b1, W2, b2):
    return ((E @ W1 + b1) @ W2 + b2).tanh()


# %% mistake="mlp_logits" says="The hidden layer has tanh of half the sum: 2 sigmoid(x) - 1 is tanh(x / 2). If you write tanh by a sigmoid, that has to get twice the sum; or use torch's tanh."
def mlp_logits(E, W1, b1, W2, b2):
    return ((E @ W1 + b1) / 2).tanh() @ W2 + b2


# %% mistake="mlp_logits" says="The hidden layer has tanh of twice the sum. Give it the sum E @ W1 + b1 as it is."
def mlp_logits(E, W1, b1, W2, b2):
    return (2 * (E @ W1 + b1)).tanh() @ W2 + b2


# %% mistake="mlp_logits" says="The tanh is taken twice. Once is enough: its output goes to the last layer."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 + b1).tanh().tanh() @ W2 + b2


# %% mistake="mlp_logits" says="b2 is added twice. It is added to the product with W2 once, as it is."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 + b1).tanh() @ W2 + 2 * b2


# %% mistake="mlp_logits" says="The hidden layer's outputs are normalised over the units by a softmax behind the tanh. The last layer gets the tanh as it is."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 + b1).tanh().softmax(1) @ W2 + b2


# %% mistake="mlp_logits" says="The mean of each row of logits is subtracted. A softmax does not notice that, but asked for are the logits themselves: leave them as they are."
def mlp_logits(E, W1, b1, W2, b2):
    logits = (E @ W1 + b1).tanh() @ W2 + b2
    return logits - logits.mean(1, keepdim=True)


# %% mistake="mlp_logits" says="b1 is added twice. It is added to E @ W1 once, as it is."
def mlp_logits(E, W1, b1, W2, b2):
    return (E @ W1 + 2 * b1).tanh() @ W2 + b2


# %% variant="mlp_logits"
def mlp_logits(E, W1, b1, W2, b2):
    hidden = torch.addmm(b1, E, W1)
    return F.linear(torch.tanh(hidden), W2.T, b2)


# %% [markdown] exercise="direct_connections"
# In the paper of 2003 the input also goes **directly** to the output, past the hidden layer. In the paper's letters, with $x$ the joined embeddings:
#
# $$y = b + W x + U \tanh(d + H x).$$
#
# Write `direct_connections(x, W, H, d, U, b)`. Here `x` has a row for each example, so every product is `x @ W` instead of $W x$.
#
# One number everywhere: $x = 1$, $W = 7$, $H = 2$, $d = -2$, $U = 5$, $b = 3$ give $3 + 7 + 5 \tanh(0) = 10$.
#
# <details><summary>Hint 1: the idea</summary>
#
# Two roads from x to the logits, added up at the end: a straight one, and one through tanh.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# W (fan_in, 27) goes straight to the logits, H (fan_in, hidden) to the hidden layer, U (hidden, 27) from there to the logits.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# straight road: one product of x; other road: a product of x, the bias d, tanh, one more product. Where do the two meet, and where does b come in?
#
# </details>


# %% answer="direct_connections"
def direct_connections(
    x: Float[Tensor, "N fan_in"],
    W: Float[Tensor, "fan_in 27"],
    H: Float[Tensor, "fan_in hidden"],
    d: Float[Tensor, " hidden"],
    U: Float[Tensor, "hidden 27"],
    b: Float[Tensor, " 27"],
) -> Float[Tensor, "N 27"]:
    """Logits of the network of Bengio et al. (2003): y = b + Wx + U tanh(d + Hx)."""
    ### BEGIN SOLUTION
    return b + x @ W + (d + x @ H).tanh() @ U
    ### END SOLUTION


# %% check="direct_connections"
def direct_probe(g: torch.Generator):
    shapes = ((5, 6), (6, 27), (6, 27), (27,), (27, 27), (27,))  # 27 hidden units, so that a mix-up shows in the values
    x, *parameters = [torch.randn(shape, generator=g) * 0.5 for shape in shapes]
    return {"five contexts": direct_connections(x, *parameters), "one context": direct_connections(x[:1].clone(), *parameters)}


check("direct_connections", direct_probe)

# %% oracle="direct_connections"
one = [torch.tensor(v) for v in ([[1.0]], [[7.0]], [[2.0]], [-2.0], [[5.0]], [3.0])]
assert direct_connections(*one).item() == 10.0
g = torch.Generator().manual_seed(2)
x, W, H, d, U, b = (torch.randn(s, generator=g) for s in ((4, 6), (6, 27), (6, 9), (9,), (9, 27), (27,)))
slow = torch.stack([b + W.T @ row + U.T @ torch.tanh(d + H.T @ row) for row in x])  # the paper's own order, example by example
torch.testing.assert_close(direct_connections(x, W, H, d, U, b), slow, rtol=1e-4, atol=1e-5)


# %% mistake="direct_connections" says="The blocks do not fit: x is multiplied by U, and the hidden values by W. Where you join two tensors, stack their matrices in the same order."
def direct_connections(
    x: Float[Tensor, "N fan_in"],
    W: Float[Tensor, "fan_in 27"],
    H: Float[Tensor, "fan_in hidden"],
    d: Float[Tensor, " hidden"],
    U: Float[Tensor, "hidden 27"],
    b: Float[Tensor, " 27"],
) -> Float[Tensor, "N 27"]:
    h = (x @ H + d).tanh()
    both = torch.cat([x, h], dim=1)
    weights = torch.cat([U, W], dim=0)
    return both @ weights + b


# %% mistake="direct_connections" says="The direct part is added inside the tanh: then it is no way around the hidden layer. Add it to the logits."
def direct_connections(x, W, H, d, U, b):
    return b + (d + x @ H + x @ W).tanh() @ U


# %% mistake="direct_connections" says="The direct part does not come to the logits as x @ W: U, or a function, is applied to it as well. It goes from x to the logits through W alone."
def direct_connections(x, W, H, d, U, b):
    return b + (x @ W + (d + x @ H).tanh()) @ U


# %% mistake="direct_connections" says="The direct part is missing: this is the network without Wx."
def direct_connections(x, W, H, d, U, b):
    return b + (d + x @ H).tanh() @ U


# %% mistake="direct_connections" says="The two biases have changed places: d belongs to the hidden layer, b to the logits."
def direct_connections(x, W, H, d, U, b):
    return d + x @ W + (b + x @ H).tanh() @ U


# %% mistake="direct_connections" says="W and H have changed places: W goes to the logits, H to the hidden layer."
def direct_connections(x, W, H, d, U, b):
    return b + x @ H + (d + x @ W).tanh() @ U


# %% mistake="direct_connections" says="The tanh goes around everything. In y = b + Wx + U tanh(d + Hx) it holds d + Hx alone: logits have no bounds."
def direct_connections(x, W, H, d, U, b):
    return (b + x @ W + (d + x @ H) @ U).tanh()


# %% mistake="direct_connections" says="There is a tanh around all logits besides the one of the hidden layer, so none of them leaves -1 to 1. The sum at the end is bare."
def direct_connections(x, W, H, d, U, b):
    return (b + x @ W + (d + x @ H).tanh() @ U).tanh()


# %% mistake="direct_connections" says="What goes past U is the hidden layer, and W is not used. The direct part begins at the input: x through W."
def direct_connections(x, W, H, d, U, b):
    h = (d + x @ H).tanh()
    return b + h @ U + h


# %% mistake="direct_connections" says="The direct part has a tanh of its own. It is the straight road: x @ W is added as it is."
def direct_connections(x, W, H, d, U, b):
    return b + (x @ W).tanh() + (d + x @ H).tanh() @ U


# %% mistake="direct_connections" says="The tanh is missing: then both roads are linear, and together they are no more than one linear layer."
def direct_connections(x, W, H, d, U, b):
    return b + x @ W + (d + x @ H) @ U


# %% mistake="direct_connections" says="The bias of the hidden layer, d, is missing: it belongs inside the tanh."
def direct_connections(x, W, H, d, U, b):
    return b + x @ W + (x @ H).tanh() @ U


# %% mistake="direct_connections" says="The bias of the logits, b, is missing: it is added at the end."
def direct_connections(x, W, H, d, U, b):
    return x @ W + (d + x @ H).tanh() @ U


# %% mistake="direct_connections" says="d is added behind the tanh. It belongs inside: d + x @ H is what the tanh gets."
def direct_connections(x, W, H, d, U, b):
    return b + x @ W + (d + (x @ H).tanh()) @ U


# %% mistake="direct_connections" says="The hidden road returns the derivative of tanh, 1 minus its square. Going forward, take tanh itself."
def direct_connections(x, W, H, d, U, b):
    h = (d + x @ H).tanh()
    return b + x @ W + (1 - h**2) @ U


# %% mistake="direct_connections" says="The hidden road returns the square of 1 minus tanh. Going forward, take tanh itself, as the formula has it."
def direct_connections(x, W, H, d, U, b):
    h = (d + x @ H).tanh()
    return b + x @ W + (1 - h) ** 2 @ U


# %% mistake="direct_connections" says="U is transposed here. Each row of x is an example, so each product has the examples on the left and the weights on the right, as they are."
def direct_connections(x, W, H, d, U, b):
    h = (d + x @ H).tanh()
    return b + x @ W + h @ U.T


# %% mistake="direct_connections" says="The two roads are averaged. They are added up, each as it is."
def direct_connections(x, W, H, d, U, b):
    h = (d + x @ H).tanh()
    return b + (x @ W + h @ U) / 2


# %% mistake="direct_connections" says="You return the logarithms of the probabilities. Logits are asked for: the sum of the two roads and b, as it is."
def direct_connections(x, W, H, d, U, b):
    h = (d + x @ H).tanh()
    return (b + x @ W + h @ U).log_softmax(1)


# %% mistake="direct_connections" says="The bias of the hidden layer, d, is subtracted. It is added to x @ H, inside the tanh."
def direct_connections(x, W, H, d, U, b):
    return b + x @ W + (x @ H - d).tanh() @ U


# %% mistake="direct_connections" says="The hidden road has a ReLU. In this network it has a tanh."
def direct_connections(x, W, H, d, U, b):
    return b + x @ W + (d + x @ H).relu() @ U


# %% mistake="direct_connections" says="The hidden road has a sigmoid, between 0 and 1. In this network it has a tanh, between -1 and 1."
def direct_connections(x, W, H, d, U, b):
    return b + x @ W + (d + x @ H).sigmoid() @ U


# %% mistake="direct_connections" says="b is added twice, once on each road. The two roads meet, and b is added to their sum once."
def direct_connections(x, W, H, d, U, b):
    return 2 * b + x @ W + (d + x @ H).tanh() @ U


# %% mistake="direct_connections" says="The tanh reaches too far: it holds the product with U as well. In y = b + Wx + U tanh(d + Hx) it holds d + Hx alone, and U comes after it: mind the brackets."
def direct_connections(x, W, H, d, U, b):
    return b + x @ W + ((d + x @ H) @ U).tanh()


# %% mistake="direct_connections" says="b has come inside the hidden road: it is added to the tanh and multiplied by U. It is added at the end, to the logits."
def direct_connections(x, W, H, d, U, b):
    return x @ W + ((d + x @ H).tanh() + b) @ U


# %% mistake="direct_connections" says="The hidden road is subtracted. The two roads are added up."
def direct_connections(x, W, H, d, U, b):
    return b + x @ W - (d + x @ H).tanh() @ U


# %% mistake="direct_connections" says="b is subtracted. It is added to the sum of the two roads."
def direct_connections(x, W, H, d, U, b):
    return x @ W + (d + x @ H).tanh() @ U - b


# %% mistake="direct_connections" says="The hidden road is missing: only b and the straight road are there. Add U's product with the tanh."
def direct_connections(x, W, H, d, U, b):
    return b + x @ W


# %% mistake="direct_connections" says="b is missing, and d is added at the end in its place and inside the tanh too. d belongs inside, b to the logits."
def direct_connections(x, W, H, d, U, b):
    return d + x @ W + (d + x @ H).tanh() @ U


# %% mistake="direct_connections" says="The result is squeezed: with one example its axis of length 1 goes as well, and the logits are (27,) in place of (1, 27). Leave the axis of the examples."
right_direct_connections = direct_connections


def direct_connections(x, W, H, d, U, b):
    return right_direct_connections(x, W, H, d, U, b).squeeze()


# %% mistake="direct_connections" says="The hidden layer has tanh of half the sum: 2 sigmoid(x) - 1 is tanh(x / 2). Give it d + x @ H as it is."
def direct_connections(x, W, H, d, U, b):
    return b + x @ W + ((d + x @ H) / 2).tanh() @ U


# %% variant="direct_connections"
def direct_connections(x, W, H, d, U, b):
    h = torch.tanh(F.linear(x, H.T, d))
    return torch.cat([x, h], 1) @ torch.cat([W, U], 0) + b


# %% [markdown]
# ## The first loss
#
# Before any training a network knows nothing, so it should claim nothing: every symbol about equally likely, a loss near $\ln 27 = 3.2958$. The last layer decides that: if its weights are as large as `torch.randn`
# gives them, the logits are far apart at random and the network is sure of wrong answers. The cell measures it for 200 hidden units. Training does repair that, but its first steps then go into shrinking logits, and
# little about names is learned from them.


# %%
def first_loss(parameters: list[Tensor], X: Tensor, Y: Tensor) -> Tensor:
    """The loss of the network with the parameters C, W1, b1, W2, b2 on contexts and targets."""
    C, W1, b1, W2, b2 = parameters
    return F.cross_entropy((C[X].flatten(1) @ W1 + b1).tanh() @ W2 + b2, Y)


X_dev, Y_dev = names.contexts("dev", 3)
g = torch.Generator().manual_seed(42)
as_drawn = [torch.randn(shape, generator=g) for shape in ((27, 10), (30, 200), (200,), (200, 27), (27,))]
print(f"all weights as torch.randn gives them: first loss {first_loss(as_drawn, X_dev, Y_dev):.2f}; an honest guess costs {math.log(27):.2f}")

# %% [markdown] exercise="initial_loss"
# Write `initial_parameters(T, d, hidden, g)`, the parameters `[C, W1, b1, W2, b2]` of a network, drawn from the generator `g` where they are random, such that
#
# - the first loss on names is within **0.05** of 3.2958 (the check takes the mean over eight networks, so that a single unlucky draw does no harm);
# - the embeddings of different symbols differ, and so do the hidden units: if two units started equal, they would get equal gradients and stay equal for ever.
#
# With `T = 3`, `d = 10` and `hidden = 200` the shapes are `(27, 10)`, `(30, 200)`, `(200,)`, `(200, 27)` and `(27,)`.
#
# <details><summary>Hint 1: the idea</summary>
#
# The loss of a guess needs logits that are all nearly the same. What makes logits? Not all of it need be small: `C` and `W1` may be random and large, as long as what comes out of the last layer is small.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# C (27, d), W1 (T * d, hidden), b1 (hidden,), W2 (hidden, 27), b2 (27,). With 200 units and weights of spread s in W2, the logits have a spread of about 14 s.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# C and W1 from randn; b1 zeros, or random; W2 from randn times one hundredth; b2 zeros
#
# </details>


# %% answer="initial_loss"
def initial_parameters(T: int, d: int, hidden: int, g: torch.Generator) -> list[Float[Tensor, "..."]]:
    """C (27, d), W1 (T*d, hidden), b1 (hidden,), W2 (hidden, 27) and b2 (27,), whose first loss is near ln 27."""
    ### BEGIN SOLUTION
    C = torch.randn(27, d, generator=g)
    W1 = torch.randn(T * d, hidden, generator=g) * 0.2
    W2 = torch.randn(hidden, 27, generator=g) * 0.01
    return [C, W1, torch.zeros(hidden), W2, torch.zeros(27)]
    ### END SOLUTION


# %% check="initial_loss"
def too_high(parameters: list[Tensor], X: Tensor) -> str:
    """Which part of the last layer makes a first loss too high. A spread s of the logits costs about s² / 2."""
    C, W1, b1, W2, b2 = parameters
    spread = ((C[X].flatten(1) @ W1 + b1).tanh() @ W2).std(1).mean()
    guilty = " and ".join(name for name, s in (("W2", spread), ("b2", b2.std())) if s > 0.3)
    return f"too high because of {guilty}" if guilty else "too high"


def initial_probe(g: torch.Generator):
    T, d, hidden = (2, 4, 5)[int(torch.randint(3, (1,), generator=g))], 8 + int(torch.randint(2, (1,), generator=g)), 150 + int(torch.randint(50, (1,), generator=g))
    X, Y = contexts_of(some_names(g, 100), T)
    seed = int(torch.randint(2**31, (1,), generator=g))
    first, again, other = (initial_parameters(T, d, hidden, torch.Generator().manual_seed(s)) for s in (seed, seed, seed + 1))
    shapes = [list(parameter.shape) for parameter in first]
    if shapes != [[27, d], [T * d, hidden], [hidden], [hidden, 27], [27]]:
        unknown = "not measured: the shapes do not fit"
        return {"shapes": shapes, **dict.fromkeys(("first loss", "embeddings differ", "hidden units differ", "random numbers"), unknown)}
    same, differ = (all(torch.equal(one, two) for one, two in zip(first, others)) for others in (again, other))
    networks = [initial_parameters(T, d, hidden, g) for _ in range(8)]
    # Measured with W2 = 0.01 randn and all before it randn, the largest sensible choice: one network's first loss is 0.008 above ln 27, give or take 0.012. A bound of
    # 0.05 would fail it three times in 10,000. The mean of eight is off by 0.004 only, so the bound is more than nine of these away: never.
    excess = sum(first_loss(parameters, X, Y).item() for parameters in networks) / len(networks) - math.log(27)
    C, W1, b1, W2, b2 = networks[0]
    h = (C[X].flatten(1) @ W1 + b1).tanh()
    return {
        "shapes": shapes,
        "first loss": "within 0.05 of ln 27" if abs(excess) < 0.05 else too_high(networks[0], X) if excess > 0 else "lower than a guess",
        "embeddings differ": bool(C.std(0).min() > 1e-4),
        "hidden units differ": bool(h.std(1).min() > 1e-4),
        "random numbers": "from g" if same and not differ else "the same for every g" if same else "not from g alone",
    }


check("initial_loss", initial_probe)

# %% oracle="initial_loss"
assert abs(math.log(27) - 3.2958) < 1e-4 and [list(p.shape) for p in initial_parameters(3, 10, 200, torch.Generator())] == [[27, 10], [30, 200], [200], [200, 27], [27]]
for seed in range(50):
    parameters = initial_parameters(3, 10, 200, torch.Generator().manual_seed(seed))
    assert abs(first_loss(parameters, X_dev[:2000], Y_dev[:2000]) - math.log(27)) < 0.04
assert 10 < first_loss(as_drawn, X_dev, Y_dev) < 40 and abs(200**0.5 - 14) < 0.2


# %% mistake="initial_loss" says="The last layer is not scaled down, neither its weights nor its bias: the network starts out sure of wrong answers. Make W2 small, and b2 as well."
def initial_parameters(T, d, hidden, g):
    return [torch.randn(shape, generator=g) for shape in ((27, d), (T * d, hidden), (hidden,), (hidden, 27), (27,))]


# %% mistake="initial_loss" says="Everything is zero: the first loss is right, but all hidden units are alike and get the same gradient for ever. Let C and W1 be random."
def initial_parameters(T, d, hidden, g):
    return [torch.zeros(shape) for shape in ((27, d), (T * d, hidden), (hidden,), (hidden, 27), (27,))]


# %% mistake="initial_loss" says="All hidden units start with the same weights, so all of them compute the same at first, and only W2 can tell them apart. Let W1 be random."
def initial_parameters(T, d, hidden, g):
    return [torch.randn(27, d, generator=g), torch.ones(T * d, hidden) * 0.1, torch.zeros(hidden), torch.zeros(hidden, 27), torch.zeros(27)]


# %% mistake="initial_loss" says="The first loss is too high because of W2: its weights are too large, and the logits lie far apart at random. Make them smaller."
def initial_parameters(T, d, hidden, g):
    sizes = ((27, d), (T * d, hidden), (hidden,), (hidden, 27), (27,))
    return [torch.randn(shape, generator=g) * scale for shape, scale in zip(sizes, (1, 0.2, 0, 0.1, 0))]


# %% mistake="initial_loss" says="W1 has its rows and columns swapped: it is multiplied from the right, so its rows are its inputs, T * d of them."
def initial_parameters(T, d, hidden, g):
    C, W1 = torch.randn(27, d, generator=g), torch.randn(hidden, T * d, generator=g) * 0.2
    return [C, W1, torch.zeros(hidden), torch.randn(hidden, 27, generator=g) * 0.01, torch.zeros(27)]


# %% mistake="initial_loss" says="The first loss is too high because of b2: a bias as large as torch.randn gives it prefers some symbols before anything is learned. Begin with zeros, or nearly."
def initial_parameters(T, d, hidden, g):
    C, W1, W2, b2 = (torch.randn(shape, generator=g) for shape in ((27, d), (T * d, hidden), (hidden, 27), (27,)))
    return [C, 0.2 * W1, torch.zeros(hidden), 0.01 * W2, b2]


# %% mistake="initial_loss" says="The weights do not come from the generator g: nobody could draw the same network again. Hand generator=g to every torch.randn."
def initial_parameters(T, d, hidden, g):
    return [torch.randn(27, d), 0.2 * torch.randn(T * d, hidden), torch.zeros(hidden), 0.01 * torch.randn(hidden, 27), torch.zeros(27)]


# %% mistake="initial_loss" says="Every call gives the same weights, whatever g is: a seed is set inside, or the generator begins anew. Draw from g as it comes."
right_initial_parameters = initial_parameters


def initial_parameters(T, d, hidden, g):
    return right_initial_parameters(T, d, hidden, torch.Generator().manual_seed(42))


# %% mistake="initial_loss" says="W1 has 3 * d rows, as for three symbols. A context holds T symbols, so there are T * d inputs."
right_initial_parameters = initial_parameters


def initial_parameters(T, d, hidden, g):
    return right_initial_parameters(3, d, hidden, g)


# %% mistake="initial_loss" says="These are the lecture's own sizes, ten features and 200 units. Here T, d and hidden decide the shapes."
right_initial_parameters = initial_parameters


def initial_parameters(T, d, hidden, g):
    return right_initial_parameters(3, 10, 200, g)


# %% mistake="initial_loss" says="All symbols start with the same embedding: the network cannot tell one context from another. Let C be random."
right_initial_parameters = initial_parameters


def initial_parameters(T, d, hidden, g):
    C, *others = right_initial_parameters(T, d, hidden, g)
    return [torch.ones_like(C), *others]


# %% mistake="initial_loss" says="All embeddings are zero: the network cannot tell one context from another, and its hidden units all give the same. Let C be random."
right_initial_parameters = initial_parameters


def initial_parameters(T, d, hidden, g):
    C, *others = right_initial_parameters(T, d, hidden, g)
    return [torch.zeros_like(C), *others]


# %% mistake="initial_loss" says="W2 has its rows and columns swapped: it is multiplied from the right, so its rows are the hidden units and its columns the 27 symbols."
right_initial_parameters = initial_parameters


def initial_parameters(T, d, hidden, g):
    C, W1, b1, W2, b2 = right_initial_parameters(T, d, hidden, g)
    return [C, W1, b1, W2.T, b2]


# %% mistake="initial_loss" says="The first loss is lower than that of an honest guess: something knows already how frequent the symbols are, such as a b2 made from their counts. At first all symbols are to be equally likely."
right_initial_parameters = initial_parameters


def initial_parameters(T, d, hidden, g):
    counts = torch.bincount(Y_dev, minlength=27) + 1.0
    return [*right_initial_parameters(T, d, hidden, g)[:4], (counts / counts.sum()).log()]


# %% variant="initial_loss"
def initial_parameters(T, d, hidden, g):
    C = torch.empty(27, d).uniform_(-1, 1, generator=g)
    W1 = torch.empty(T * d, hidden).normal_(0, (T * d) ** -0.5, generator=g)
    b1 = 0.01 * torch.randn(hidden, generator=g)
    return [C, W1, b1, torch.zeros(hidden, 27), torch.zeros(27)]


# %% variant="initial_loss"
def initial_parameters(T, d, hidden, g):
    C, W1, b1 = (torch.randn(shape, generator=g) for shape in ((27, d), (T * d, hidden), (hidden,)))
    return [C, W1, b1, torch.randn(hidden, 27, generator=g) * 0.01, torch.randn(27, generator=g) * 0]


# %% variant="initial_loss"
def initial_parameters(T, d, hidden, g):
    scales = (1.0, 5 / 3 / (T * d) ** 0.5, 0.01, 0.1 / hidden**0.5, 0.0)
    shapes = ((27, d), (T * d, hidden), (hidden,), (hidden, 27), (27,))
    return [(torch.randn(shape, generator=g) * scale).requires_grad_() for shape, scale in zip(shapes, scales)]


# %% [markdown]
# ## Steps

# %% [markdown] exercise="sgd_step"
# Write `sgd_step(parameters, loss_of, rate)`, one step of plain gradient descent. `loss_of()` computes the loss with the parameters as they are. The step computes the loss and its gradients, moves every parameter **in
# place** by the rate times its gradient, downhill, and returns the loss before the step as a float.
#
# The parameters require gradients, and their `.grad` may still hold those of an earlier step: `backward()` *adds* to it.
#
# A parameter 3 with the loss $p^2$ has the gradient 6. With the rate 0.1 it becomes 2.4, and 9 is returned.
#
# <details><summary>Hint 1: the idea</summary>
#
# Forget the old gradients, go backward, and change the values without that change becoming part of a graph.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# A gradient has the shape of its parameter. What is returned is a Python float: loss.item().
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# loss = loss_of(); every .grad = None; loss.backward(); for each parameter: its data -= rate times its gradient; return the loss as a float
#
# </details>


# %% answer="sgd_step"
def sgd_step(parameters: list[Float[Tensor, "..."]], loss_of: Callable[[], Float[Tensor, ""]], rate: float) -> float:
    """Move the parameters one step downhill, in place; returns the loss before the step."""
    ### BEGIN SOLUTION
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad
    return loss.item()
    ### END SOLUTION


# %% check="sgd_step"
def sgd_probe(g: torch.Generator):
    W, b = (torch.randn(shape, generator=g).requires_grad_() for shape in ((4, 3), (3,)))
    x, y = torch.randn(8, 4, generator=g), torch.randn(8, 3, generator=g)
    W.grad, b.grad = torch.randn(4, 3, generator=g), torch.randn(3, generator=g)  # left over from something else
    before = W.detach().clone(), b.detach().clone()
    rates = (0.2 + 0.3 * torch.rand(3, generator=g)).tolist()
    losses = [sgd_step([b, W], lambda: ((x @ W + b - y) ** 2).mean(), rate) for rate in rates]
    moved = " and ".join(name for name, p, old in zip("Wb", (W, b), before) if not torch.equal(p, old))
    if not moved:  # a gradient that is there was not used; one that is zero came too late
        moved = "nothing, and .grad is full of zeros" if W.grad is not None and not W.grad.any() else "nothing"
    graphs = any(isinstance(loss, Tensor) and loss.requires_grad for loss in losses)
    steep = torch.randn(3, generator=g).requires_grad_()
    steep.grad = torch.randn(3, generator=g)
    sgd_step([steep], lambda: 1000 * (steep**2).sum(), 1e-4)  # gradients of some thousands
    facts = {"losses": [float(loss) for loss in losses], "W": W, "b": b, "where it is steep": steep, "moved": moved}
    fresh = torch.randn(3, generator=g).requires_grad_()  # through which nothing has come back yet
    try:
        sgd_step([fresh], lambda: (fresh**2).sum(), 0.1)
        facts["a first step"] = fresh
    except (AttributeError, TypeError) as error:  # what None as a gradient leads to
        facts["a first step"] = f"{type(error).__name__}: {error}"
    return facts | {"losses are": "tensors with a graph" if graphs else "numbers"}


check("sgd_step", sgd_probe)

# %% oracle="sgd_step"
p = torch.tensor([3.0], requires_grad=True)
assert sgd_step([p], lambda: (p**2).sum(), 0.1) == 9.0 and abs(p.item() - 2.4) < 1e-6
g = torch.Generator().manual_seed(3)
W = torch.randn(4, 3, generator=g).requires_grad_()
twin, x = W.detach().clone().requires_grad_(), torch.randn(8, 4, generator=g)
optimiser = torch.optim.SGD([twin], lr=0.3)
for _ in range(4):
    sgd_step([W], lambda: (x @ W).tanh().pow(2).sum(), 0.3)
    optimiser.zero_grad()
    (x @ twin).tanh().pow(2).sum().backward()
    optimiser.step()
torch.testing.assert_close(W, twin)


# %% mistake="sgd_step" says="The first step ends in an error: a parameter through which nothing has come back yet has no gradient that could be filled with zeros. Set .grad to None."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for p in parameters:
        p.grad.zero_()
    loss.backward()
    for p in parameters:
        p.data -= rate * p.grad
    return loss.item()


# %% mistake="sgd_step" says="Long gradients are shortened before the step (clip_grad_norm_). Plain gradient descent moves by rate times gradient, however long it is."
def sgd_step(parameters: list[Float[Tensor, "..."]], loss_of: Callable[[], Float[Tensor, ""]], rate: float) -> float:
    for p in parameters:
        p.grad = None
    loss = loss_of()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 10.0)  # so that it never explodes
    with torch.no_grad():
        for p in parameters:
            p -= rate * p.grad
    return loss.item()


# %% mistake="sgd_step" says="The step uses old gradients as well: backward() adds to what .grad already holds. Empty .grad before you call backward()."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad
    return loss.item()


# %% mistake="sgd_step" says="The step goes uphill: the gradient points to where the loss grows. Move against it."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data += rate * parameter.grad
    return loss.item()


# %% mistake="sgd_step" says="The parameters do not change: 'p = p - ...' gives the name p to a new tensor and leaves the old one as it was. Change it in place."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter = parameter - rate * parameter.grad
    return loss.item()


# %% mistake="sgd_step" says="The parameters move by the gradient itself: the learning rate is left out."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= parameter.grad
    return loss.item()


# %% mistake="sgd_step" says="You return the loss after the step. Asked for is the loss before it, of which the gradients were taken: keep that one."
def sgd_step(parameters, loss_of, rate):
    for parameter in parameters:
        parameter.grad = None
    loss_of().backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad
    return loss_of().item()


# %% mistake="sgd_step" says="You set the gradients to zero between backward() and the step, so that the parameters do not move. Empty them before backward()."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    loss.backward()
    for parameter in parameters:
        parameter.grad.zero_()
        parameter.data -= rate * parameter.grad
    return loss.item()


# %% mistake="sgd_step" says="You empty the gradients after the step. But .grad may hold old ones when your function is called, and the first step still uses them: empty it before backward()."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad
        parameter.grad = None
    return loss.item()


# %% mistake="sgd_step" says="The parameters move by what .grad held before: backward() is never called, so no gradient belongs to this loss."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad
    return loss.item()


# %% mistake="sgd_step" says="What you return is a tensor that still holds its graph, and memory grows with every step that is kept. Return a Python number: loss.item()."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad
    return loss


# %% mistake="sgd_step" says="The rate is always 0.1. It is an argument: whoever calls the function decides it, and here it changes from step to step."
right_sgd_step = sgd_step


def sgd_step(parameters, loss_of, rate):
    return right_sgd_step(parameters, loss_of, 0.1)


# %% mistake="sgd_step" says="Only the first parameter moves. Every one of them takes the step: go through all, and let a return stand behind the loop, not in it."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad
        return loss.item()


# %% mistake="sgd_step" says="torch refuses to change in place what a graph belongs to. Change the values without recording it: parameter.data, or under torch.no_grad()." raises="RuntimeError"
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter -= rate * parameter.grad
    return loss.item()


# %% mistake="sgd_step" says="Each gradient is divided by its own length, so that every step is as long as the others. Move by the rate times the gradient as it is."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad / parameter.grad.norm()
    return loss.item()


# %% mistake="sgd_step" says="The gradients are cut down to a common length of 1. Move by the rate times each gradient as it is, however long it is."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    length = sum((parameter.grad**2).sum() for parameter in parameters) ** 0.5
    for parameter in parameters:
        parameter.data -= rate * parameter.grad / length
    return loss.item()


# %% mistake="sgd_step" says="Only the sign of each gradient counts, so that all numbers move equally far. Move each by the rate times its gradient."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad.sign()
    return loss.item()


# %% mistake="sgd_step" says="All numbers of a parameter move by the mean of its gradient. Each one has a gradient of its own: use the tensor as it is."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad.mean()
    return loss.item()


# %% mistake="sgd_step" says="Large gradients are cut off at 1 in your step. Plain gradient descent moves by the rate times the gradient, however large it is."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad.clamp(-1, 1)
    return loss.item()


# %% mistake="sgd_step" says="The step is multiplied by the parameter as well. Move by the rate times the gradient, whatever the parameter's own size is."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad * parameter.data
    return loss.item()


# %% mistake="sgd_step" says="Loss and gradient are computed anew for each parameter, when those before it have moved already. All gradients belong to one place: go backward once, then move all of them."
def sgd_step(parameters, loss_of, rate):
    losses = []
    for parameter in parameters:
        parameter.grad = None
        loss = loss_of()
        loss.backward()
        losses.append(loss.item())
        parameter.data -= rate * parameter.grad
    return losses[0]


# %% mistake="sgd_step" says="Loss and gradient are computed anew for each parameter, and the last of these losses is returned. Go backward once, from one loss, then move all parameters, and return that loss."
def sgd_step(parameters, loss_of, rate):
    for parameter in parameters:
        parameter.grad = None
        loss = loss_of()
        loss.backward()
        parameter.data -= rate * parameter.grad
    return loss.item()


# %% mistake="sgd_step" says="Only parameters of two dimensions move, and the biases stay. Every parameter moves by the rate times its gradient."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        if parameter.ndim > 1:
            parameter.data -= rate * parameter.grad
    return loss.item()


# %% mistake="sgd_step" says="Old gradients are emptied for one of the parameters only, so the other still moves by what was left over. Empty all of them before you go backward."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    parameters[0].grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad
    return loss.item()


# %% mistake="sgd_step" says="Each parameter moves by half the rate times its gradient, as where the loss or the step is halved. Move by the whole of it."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * parameter.grad / 2
    return loss.item()


# %% mistake="sgd_step" says="Each call takes two steps: you go backward and move the parameters twice. One step is asked for."
def sgd_step(parameters, loss_of, rate):
    first = loss_of().item()
    for _ in range(2):
        loss = loss_of()
        for parameter in parameters:
            parameter.grad = None
        loss.backward()
        for parameter in parameters:
            parameter.data -= rate * parameter.grad
    return first


# %% mistake="sgd_step" says="The rate is squared: it is multiplied in twice. Move by the rate times the gradient."
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    for parameter in parameters:
        parameter.data -= rate * rate * parameter.grad
    return loss.item()


# %% variant="sgd_step"
def sgd_step(parameters, loss_of, rate):
    loss = loss_of()
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients):
            parameter.sub_(gradient, alpha=rate)
    return float(loss)


# %% variant="sgd_step"
def sgd_step(parameters, loss_of, rate):
    optimiser = torch.optim.SGD(parameters, lr=rate)
    optimiser.zero_grad()
    loss = loss_of()
    loss.backward()
    optimiser.step()
    return loss.detach().item()


# %% [markdown] exercise="minibatch"
# A gradient from 256 rows is noisy, but on average it points where that of all {{ about(rows) }} does, and it costs {{ about(rows / 256, 1) }} times less: many rough steps bring more than a few exact ones. Write `minibatch(n, size, g)`: `size` indices from 0 to `n - 1`, each drawn by itself, so that one may occur twice. Use
# `torch.randint` with the generator `g`.
#
# With `n = 5` and `size = 3` these may be `[4, 0, 4]`.
#
# <details><summary>Hint 1: the idea</summary>
#
# Look at torch.randint: where does its range end?
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# (size,), of an integer type, so that X[indices] and Y[indices] are a batch.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# one call of torch.randint: its lower and upper end, then a shape, then the generator by its name. Is n itself a row that exists?
#
# </details>


# %% answer="minibatch"
def minibatch(n: int, size: int, g: torch.Generator) -> Int[Tensor, " size"]:
    """Indices of a random batch of n rows, drawn with replacement from g."""
    ### BEGIN SOLUTION
    return torch.randint(0, n, (size,), generator=g)
    ### END SOLUTION


# %% check="minibatch"
def minibatch_probe(g: torch.Generator):
    n, seed = 20 + int(torch.randint(10, (1,), generator=g)), int(torch.randint(2**31, (1,), generator=g))
    first, again, other = (torch.as_tensor(minibatch(n, 40, torch.Generator().manual_seed(s))) for s in (seed, seed, seed + 1))
    follows = torch.equal(first, again) and not torch.equal(first, other)
    origin = "g" if follows else "the same numbers for every g" if torch.equal(first, again) else "not g"
    return {"a batch of 40": first, "then one of 5": minibatch(n, 5, g), "drawn from": origin}


check("minibatch", minibatch_probe)

# %% oracle="minibatch"
g = torch.Generator().manual_seed(1)
drawn_indices = minibatch(7, 70_000, g)
assert drawn_indices.dtype == torch.int64 and (torch.bincount(drawn_indices, minlength=7) / 10_000 - 1).abs().max() < 0.06
rows = len(names.contexts("train", 3)[1])
assert not names.known() or 175_000 < rows < 185_000 and 690 < rows / 256 < 720


# %% mistake="minibatch" says="Your indices are drawn below another number than n, such as the rows of a table of the notebook. How many rows there are is what n says."
def minibatch(n: int, size: int, g: torch.Generator) -> Int[Tensor, " size"]:
    ix = torch.randint(0, X_dev.shape[0], (size,), generator=g)
    return ix


# %% mistake="minibatch" says="Your batch is never larger than n. It may be: rows are drawn with replacement, so size indices come back whatever n is."
def minibatch(n: int, size: int, g: torch.Generator) -> Int[Tensor, " size"]:
    size = min(size, n)
    return torch.randint(0, n, (size,), generator=g)


# %% mistake="minibatch" says="The last row can never be drawn: randint leaves out its upper end by itself."
def minibatch(n, size, g):
    return torch.randint(0, n - 1, (size,), generator=g)


# %% mistake="minibatch" says="The first row can never be drawn: indices begin at 0."
def minibatch(n, size, g):
    return torch.randint(1, n, (size,), generator=g)


# %% mistake="minibatch" says="These are always the first rows, in their order: nothing is drawn."
def minibatch(n, size, g):
    return torch.arange(size) % n


# %% mistake="minibatch" says="The numbers do not come from the generator g: nobody could repeat your training. Hand it to randint."
def minibatch(n, size, g):
    return torch.randint(0, n, (size,))


# %% mistake="minibatch" says="No index occurs twice: you draw without putting back, and shuffle all n rows for each batch. Draw every index by itself, with randint."
def minibatch(n, size, g):
    return torch.randperm(n, generator=g)[:size]


# %% mistake="minibatch" says="Indices run from 1 to n, but a tensor of n rows ends at n - 1: the last one does not exist, and row 0 is never drawn."
def minibatch(n, size, g):
    return torch.randint(1, n + 1, (size,), generator=g)


# %% mistake="minibatch" says="The batch is the same in every call: a seed is set inside, so nothing new is ever drawn. Use g as it comes."
def minibatch(n, size, g):
    return torch.randint(0, n, (size,), generator=torch.Generator().manual_seed(2147483647))


# %% mistake="minibatch" says="n and size have changed places: there are n rows to choose from, and size of them are wanted."
def minibatch(n, size, g):
    return torch.randint(0, size, (n,), generator=g)


# %% mistake="minibatch" says="You draw fractions and round them down to indices. They are as even, but others than torch.randint draws, and cannot be compared: use torch.randint."
def minibatch(n, size, g):
    return (torch.rand(size, generator=g) * n).long()


# %% mistake="minibatch" says="You draw with multinomial. Its indices are as even, but others than torch.randint draws, and cannot be compared: use torch.randint."
def minibatch(n, size, g):
    return torch.multinomial(torch.ones(n), size, replacement=True, generator=g)


# %% mistake="minibatch" says="Your batch always has 32 indices, as in the lecture. How many are wanted is the argument `size`."
def minibatch(n, size, g):
    return torch.randint(0, n, (32,), generator=g)


# %% mistake="minibatch" says="Your batch always has 256 indices, whatever size is. Take as many as the argument `size` says."
def minibatch(n, size, g):
    return torch.randint(0, n, (256,), generator=g)


# %% mistake="minibatch" says="The batch is a block of neighbouring rows from a random place on. Draw each of the indices by itself."
def minibatch(n, size, g):
    start = torch.randint(0, n, (1,), generator=g)
    return (start + torch.arange(size)) % n


# %% mistake="minibatch" says="Indices that were drawn twice are kept only once, so a batch has fewer than size of them, and they are sorted. An index may occur twice: leave what was drawn as it is."
def minibatch(n, size, g):
    return torch.randint(0, n, (size,), generator=g).unique()


# %% mistake="minibatch" says="The indices are sorted. Leave them in the order in which they were drawn."
def minibatch(n, size, g):
    return torch.randint(0, n, (size,), generator=g).sort().values


# %% mistake="minibatch" says="Your indices come as a matrix of one column, or of one row. A batch is a row of `size` numbers: its shape is (size,)."
def minibatch(n, size, g):
    return torch.randint(0, n, (size, 1), generator=g)


# %% mistake="minibatch" says="Only one index is drawn and used for the whole batch. Draw `size` of them: that is the shape that randint gets."
def minibatch(n, size, g):
    return torch.randint(0, n, (1,), generator=g).repeat(size)


# %% variant="minibatch"
def minibatch(n, size, g):
    return torch.empty(size, dtype=torch.int64).random_(0, n, generator=g)


# %% [markdown]
# ## A learning rate

# %% [markdown] exercise="learning_rate_range"
# How large may a step be? One way to find out: train a little with very small rates, then with larger and larger ones, and watch the loss. It falls slowly, then fast, and then it blows up.
#
# Write `learning_rate_range(step, count)`. `step(rate)` takes one training step with a rate and returns the loss as a float. Take `count` steps with rates from $10^{-3}$ to $10^0$, **exponentially** spaced: their exponents are equally far
# apart. Return the rates, the losses, and your pick: the rate at which the loss was lowest.
#
# With `count = 4` the rates are 0.001, 0.01, 0.1 and 1. Losses of 3.2, 2.9, 2.5 and 8.0 would give the pick 0.1.
#
# Whoever repeats this on other batches finds another number, so the pick counts as right within a factor of ten. The check calls your function with two losses, whose best rates lie far apart.
#
# <details><summary>Hint 1: the idea</summary>
#
# Equally spaced exponents, then ten to their power. In steps of equal size, from 0.001 to 1, nearly all rates would lie above 0.1.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Rates and losses: (count,). The pick is one of the rates, a float.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# exponents = count numbers from -3 to 0, equally spaced; rates from them; one step for each rate, in order, its loss kept; then look for the smallest loss: what stands at its position among the rates?
#
# </details>


# %% answer="learning_rate_range"
def learning_rate_range(
    step: Callable[[float], float], count: int
) -> tuple[Float[Tensor, " count"], Float[Tensor, " count"], float]:
    """Rates from 10^-3 to 1, the loss of one step with each, and the rate at which it was lowest."""
    ### BEGIN SOLUTION
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, rates[losses.argmin()].item()
    ### END SOLUTION


# %%
class Valley:
    """A loss that falls with steps up to a known rate and grows with larger ones, until it has blown up. It is never below 1.5.

    It falls fastest in the first steps, whatever the rate, as after a start with large weights; and it is highest at the end. In between it goes up and
    down a little, as the loss of batches does.
    """

    def __init__(self, g: torch.Generator, turning: float = 0.03):
        self.loss, self.start = 3 + float(torch.rand(1, generator=g)), 3.0
        self.turning = turning * (1 + float(torch.rand(1, generator=g)))
        self.calls = 0

    def step(self, rate: float) -> float:
        self.calls += 1
        loss = self.loss + self.start + 0.3 * (self.calls % 2) * (0.15 < rate < 0.7)
        self.loss = min(100.0 + rate, self.loss * math.exp(min(20.0, -10 * rate * (1 - rate / self.turning))))
        self.start *= 0.3
        return 1.5 + loss


def judge_pick(pick: float, rates: Tensor, losses: Tensor) -> str:
    """A pick beside the rate of the lowest loss."""
    losses = torch.as_tensor(losses)
    best = float(rates[int(losses.argmin())])
    if not 9.99e-4 <= pick <= 1.001:
        others = {"is the lowest loss": losses.min(), "is a position": losses.argmin(), "is an exponent": math.log10(best) if best > 0 else best}
        return next((name for name, other in others.items() if abs(pick - float(other)) < 1e-4), "is not a rate between 0.001 and 1")
    falls = (losses.diff() < 0).nonzero().flatten() + 1
    last_fall = float(rates[int(falls[-1])]) if len(falls) else 0.0
    decades = math.log10(pick) - (math.log10(best) if best > 0 else best)
    if decades > 1 and abs(pick - last_fall) < 1e-6:
        return "is where the loss fell for the last time"
    return "fits the losses" if abs(decades) <= 1 else f"is more than a decade too {'large' if decades > 0 else 'small'}"


# %% check="learning_rate_range"
def range_probe(g: torch.Generator):
    count = 40 + int(torch.randint(20, (1,), generator=g))
    found = [learning_rate_range(Valley(g, turning).step, count) for turning in (0.03, 0.004)]  # the second one blows up early
    rates, losses, _ = found[0]
    return {"rates": rates, "losses": losses, "the pick": tuple(judge_pick(float(pick), rates, losses) for rates, losses, pick in found)}


check("learning_rate_range", range_probe)

# %% oracle="learning_rate_range"
told = iter([3.2, 2.9, 2.5, 8.0])
rates, losses, pick = learning_rate_range(lambda rate: next(told), 4)
assert torch.allclose(rates, torch.tensor([0.001, 0.01, 0.1, 1.0])) and abs(pick - 0.1) < 1e-6
for seed in range(20):
    valley = Valley(torch.Generator().manual_seed(seed))
    _, _, pick = learning_rate_range(valley.step, 50)
    assert 0.012 < pick < 0.098  # so that 0.001 and 1 are both more than a decade away
    _, _, pick = learning_rate_range(Valley(torch.Generator().manual_seed(seed), 0.004).step, 50)
    assert 0.003 < pick < 0.0099  # and here 0.1, too


# %% mistake="learning_rate_range" says="The search stops when a loss has grown, so fewer rates come back than were asked for. Try all of them; what is too large is seen afterwards."
def learning_rate_range(
    step: Callable[[float], float], count: int
) -> tuple[Float[Tensor, " count"], Float[Tensor, " count"], float]:
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = []
    for rate in rates.tolist():
        losses.append(step(rate))
        if losses[-1] > 4 * min(losses):
            break  # it has blown up, no use in going on
    losses = torch.tensor(losses)
    return rates[: len(losses)], losses, rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="Your rates run from 10 to the power 0.001, hardly more than 1, up to 10: `torch.logspace` takes the exponents of the two ends, not the ends themselves."
def learning_rate_range(step, count):
    rates = torch.logspace(0.001, 1, count)
    losses = torch.tensor([step(float(rate)) for rate in rates])
    return rates, losses, float(rates[losses.argmin()])


# %% mistake="learning_rate_range" says="The rates are spaced linearly, so nine of ten lie above 0.1 and the small ones are hardly tried. Space the exponents."
def learning_rate_range(step, count):
    rates = torch.linspace(1e-3, 1, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="Your pick is a position in the list, not the rate that stands there."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, float(losses.argmin())


# %% mistake="learning_rate_range" says="Your pick is more than ten times the rate at which the loss was lowest: there it has long blown up. Pick the rate of the lowest loss."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, 1.0


# %% mistake="learning_rate_range" says="Your rates are powers of e, which `exp` takes: they begin near 0.05, not at 0.001. Take powers of ten with the same exponents."
def learning_rate_range(step, count):
    rates = torch.linspace(-3, 0, count).exp()
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="Your pick is the exponent, a negative number. Return ten to its power."
def learning_rate_range(step, count):
    exponents = torch.linspace(-3, 0, count)
    losses = torch.tensor([step(10**e) for e in exponents.tolist()])
    return 10**exponents, losses, exponents[losses.argmin()].item()


# %% mistake="learning_rate_range" says="Your pick is the lowest loss itself. Wanted is the rate that belongs to it: the rate at the same position."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, losses.min().item()


# %% mistake="learning_rate_range" says="step is called with the exponents, which are negative: it then goes uphill. Call it with the rates, ten to their power."
def learning_rate_range(step, count):
    exponents = torch.linspace(-3, 0, count)
    losses = torch.tensor([step(exponent) for exponent in exponents.tolist()])
    return 10**exponents, losses, (10 ** exponents[losses.argmin()]).item()


# %% mistake="learning_rate_range" says="The rates that you return are still exponents, from -3 to 0. Ten to their power are the rates, and those you gave to step."
def learning_rate_range(step, count):
    exponents = torch.linspace(-3, 0, count)
    losses = torch.tensor([step(10**e) for e in exponents.tolist()])
    return exponents, losses, (10 ** exponents[losses.argmin()]).item()


# %% mistake="learning_rate_range" says="You take 1,000 steps, as in the lecture. How many are wanted is the argument count."
right_learning_rate_range = learning_rate_range


def learning_rate_range(step, count):
    return right_learning_rate_range(step, 1000)


# %% mistake="learning_rate_range" says="step is called twice for each rate, so every other loss is lost: each call takes a step. Call it once and keep what it returns."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([(step(rate), step(rate))[1] for rate in rates.tolist()])
    return rates, losses, rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="Your pick is more than ten times smaller than the rate at which the loss was lowest. Where it falls fastest is not where it is lowest: take the position of the smallest loss."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, rates[losses.diff().argmin()].item()


# %% mistake="learning_rate_range" says="Your pick fits one run of losses, but not another one, which blows up at smaller rates: there it is ten times too large. Take the rate at the position of the lowest loss, whatever the losses are."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, 0.1


# %% mistake="learning_rate_range" says="Your rates fall, from 1 to 0.001, and the first steps already blow the loss up. Begin with the smallest rate."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(0, -3, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="Your rates begin at 0.0001. They are to run from 0.001 to 1, so their exponents from -3 to 0."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-4, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="Your rates are powers of 2, from 0.125 to 1. Take powers of ten with the same exponents, so that they begin at 0.001."
def learning_rate_range(step, count):
    rates = 2 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="Your rates are powers of ten without a minus: they run from 1 to 1,000. The exponents run from -3 to 0."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(0, 3, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="You go through the rates twice, once for the pick and once for the losses, which therefore belong to a network trained already. Go through them once, and find the pick in the losses you kept."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    best = min(rates.tolist(), key=step)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, best


# %% mistake="learning_rate_range" says="Your pick is the last rate with which the loss fell: each loss is compared with the one before it. Compare with the smallest so far, and keep the rate where it is beaten."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, rates[1:][losses.diff() < 0][-1].item()


# %% mistake="learning_rate_range" says="Your losses are in the opposite order of your rates. Keep each loss as it comes, beside its rate."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses.flip(0), rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="Your rates do not reach 1: there is one exponent too many in front of it, and the last one is left out. The first rate is 0.001 and the last one 1, with count of them in all."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count + 1)[:-1]
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses, rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="The smallest loss so far is returned for each step instead of the loss of that step. Keep the losses as step returns them."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = torch.tensor([step(rate) for rate in rates.tolist()])
    return rates, losses.cummin(0).values, rates[losses.argmin()].item()


# %% mistake="learning_rate_range" says="The losses are smoothed. Return each loss as step returns it."
def learning_rate_range(step, count):
    rates = 10 ** torch.linspace(-3, 0, count)
    losses = [step(rate) for rate in rates.tolist()]
    smooth = [losses[0]]
    for loss in losses[1:]:
        smooth.append(0.9 * smooth[-1] + 0.1 * loss)
    return rates, torch.tensor(smooth), rates[int(torch.tensor(losses).argmin())].item()


# %% variant="learning_rate_range"
def learning_rate_range(step, count):
    rates = torch.logspace(-3, 0, count)
    losses = []
    for rate in rates:
        losses.append(step(float(rate)))
    best = min(range(count), key=losses.__getitem__)
    return rates, torch.tensor(losses), float(rates[max(best - 1, 0)])  # a little before the lowest, to be on the safe side


# %% [markdown]
# The same on a network of names: your function, on 100 hidden units and batches of 256. (The picture comes when it is written.)


# %%
def one_step_at(parameters: list[Tensor], g: torch.Generator) -> Callable[[float], float]:
    """A function that takes one training step with a rate, on a fresh batch, and returns its loss."""
    X, Y = names.contexts("train", 3)

    def step(rate: float) -> float:
        batch = torch.randint(len(Y), (256,), generator=g)
        loss = first_loss(parameters, X[batch], Y[batch])
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients):
                parameter -= rate * gradient
        return loss.item()

    return step


g = torch.Generator().manual_seed(42)
shapes, scales = ((27, 10), (30, 100), (100,), (100, 27), (27,)), (1.0, 0.2, 0.0, 0.01, 0.0)
small_network = [(torch.randn(shape, generator=g) * scale).requires_grad_() for shape, scale in zip(shapes, scales)]
try:
    rates, losses, pick = learning_rate_range(one_step_at(small_network, g), 400)
    figure, axes = plt.subplots(figsize=(7, 3))
    axes.semilogx(rates, losses)
    axes.axvline(pick, color="tab:red", linewidth=1, label=f"pick {pick:.2f}")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss of one batch")
    axes.legend()
    plt.show()
except Exception as error:  # noqa: BLE001  a picture must not stop the notebook; the check tells what is wrong
    plt.close()
    print(f"The picture comes when learning_rate_range is {'written' if isinstance(error, NotImplementedError) else 'right'}.")

# %% [markdown]
# ## Training

# %% [markdown] exercise="train_mlp"
# Train a network with at most **20,000 parameters** on contexts of three symbols. The mean negative log-likelihood on the **dev** names decides the points: {% if known %}{{ band('train_mlp', 1) }} is a step on the way, **{{ band('train_mlp', 2, 4) }}** is what the lecture
# reached, **{{ band('train_mlp', 3, 4) }}** the author of the notes that this course follows, and {{ band('train_mlp', 5) }} earns the bonus points. The table of three symbols is a strong opponent: {{ table('dev', 3, 2) }}. Below {{ band('train_mlp', 5) }} you beat every table of the picture above.
# {%- else %}{{ band('train_mlp', 1) }}, {{ band('train_mlp', 2, 4) }} and **{{ band('train_mlp', 3, 4) }}** are the steps on the way, and {{ band('train_mlp', 5) }} earns the bonus points. The table of three symbols reaches {{ table('dev', 3, 2) }}.{% endif %}
#
# - `make_model()`: a fresh model. It may be any object that holds its tensors in attributes and, called on contexts `(N, 3)`, returns logits `(N, 27)`, each row by itself.
# - `train(model)`: a **generator** that takes one step after the other and `yield`s each step's loss as a float.
#
# Your embedding, layers and steps from above belong in here; PyTorch's optimisers are welcome too. `fit` below trains as in lecture 1 and keeps the weights in `train_mlp.safetensors`: hand that file in with the notebook.
# When you submit, the first steps are repeated to see that the weights are yours. So draw all that is random from torch's global generator, which `fit` seeds.
#
# **A tiny example.** With $d = 10$, 200 hidden units and no direct connections there are $270 + 30 \cdot 200 + 200 + 200 \cdot 27 + 27 = 11{,}897$ parameters. Direct connections add $30 \cdot 27 = 810$.
#
# <details><summary>Hint 1: the idea</summary>
#
# Use what 20,000 parameters allow: larger embeddings, more hidden units, direct connections. Batches of some hundred rows, and a rate that rises at first and falls to zero in the end. The last part of the fall brings much.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# X and Y of names.contexts("train", 3): about {{ about(rows) }} rows. All parameters need requires_grad.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# ```
# optimiser = AdamW over the parameters;  schedule = OneCycleLR with STEPS steps
# for step in range(STEPS):
#     random batch;  loss = cross_entropy(model(X[batch]), Y[batch])
#     forget gradients, backward, step, schedule step
#     yield loss.item()
# ```
#
# </details>


# %% answer="train_mlp"
STEPS = 6000  # how many steps train takes: change it as you like


class MLP:
    """Embedding, a hidden tanh layer, and direct connections, as in Bengio et al. (2003)."""

    def __init__(self, d: int, hidden: int):
        ### BEGIN SOLUTION
        self.C = torch.randn(27, d)
        self.H = torch.randn(3 * d, hidden) / (3 * d) ** 0.5
        self.d = torch.zeros(hidden)
        self.U = torch.randn(hidden, 27) * 0.01
        self.W = torch.zeros(3 * d, 27)
        self.b = torch.zeros(27)
        ### END SOLUTION

    def __call__(self, contexts: Int[Tensor, "n 3"]) -> Float[Tensor, "n 27"]:
        """Logits."""
        ### BEGIN SOLUTION
        x = self.C[contexts].flatten(1)
        return self.b + x @ self.W + (self.d + x @ self.H).tanh() @ self.U
        ### END SOLUTION


def make_model() -> MLP:
    """A fresh model with at most 20,000 parameters."""
    ### BEGIN SOLUTION
    return MLP(d=16, hidden=230)
    ### END SOLUTION


def train(model: MLP) -> Iterator[float]:
    """Train the model in place; yields the loss of each step."""
    ### BEGIN SOLUTION
    X, Y = names.contexts("train", 3)
    parameters = [parameter.requires_grad_() for parameter in vars(model).values()]
    optimiser = torch.optim.AdamW(parameters, weight_decay=0.04)
    steps = min(STEPS, 34 * len(Y) // 1024)  # at most 34 times each row: few names would be learned by heart
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.02, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(Y), (1024,))
        loss = F.cross_entropy(model(X[batch]), Y[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        yield loss.item()
    ### END SOLUTION


# %% fit="train_mlp"
model = fit("train_mlp", make_model, train, steps=STEPS)

# %% check="train_mlp"
check_loss("train_mlp")

# %% oracle="train_mlp"
X, Y = names.contexts("dev", 3)
with torch.no_grad():
    reached = F.cross_entropy(model(X), Y)
assert reached < tables[2][0]  # three symbols of context tell more than two
assert not names.known() or reached <= 2.10 < min(loss for loss, _ in tables.values()) < 2.1175
assert 270 + 30 * 200 + 200 + 200 * 27 + 27 == 11_897 and sum(p.numel() for p in vars(make_model()).values()) <= 20_000


# %% variant="train_mlp"
class MLP(MLP):
    def __call__(self, contexts):
        x = torch.cat([self.C[column] for column in contexts.unbind(1)], 1)
        h = torch.tanh(torch.addmm(self.d, x, self.H))
        return torch.cat([x, h], 1) @ torch.cat([self.W, self.U]) + self.b


# %% [markdown]
# ### A fair comparison
#
# The cell below trains a small network, with or without direct connections. It is used after the next exercise.

# %%
X_small, Y_small = names.contexts("train", 3)


def train_small(units: int, direct: bool, seed: int) -> float:
    """The dev loss of a small network of three symbols, ten features each, after 150 steps."""
    g = torch.Generator().manual_seed(seed)
    C, H, U = (torch.randn(shape, generator=g) * scale for shape, scale in (((27, 10), 1.0), ((30, units), 30**-0.5), ((units, 27), 0.01)))
    parameters = [C, H, torch.zeros(units), U, torch.zeros(27)] + [torch.zeros(30, 27)] * direct
    optimiser = torch.optim.Adam([parameter.requires_grad_() for parameter in parameters], lr=0.02)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=150)

    def loss_on(X: Tensor, Y: Tensor) -> Tensor:
        x = C[X].flatten(1)
        logits = (x @ H + parameters[2]).tanh() @ U + parameters[4]
        return F.cross_entropy(logits + x @ parameters[5] if direct else logits, Y)

    for _ in range(150):
        batch = torch.randint(len(Y_small), (128,), generator=g)
        loss = loss_on(X_small[batch], Y_small[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return loss_on(X_dev, Y_dev).item()


# %% [markdown] exercise="direct_help"
# Do direct connections help? They are {{ 27 * 3 }} `d` parameters more, and a larger network often is better whatever is added. A fair comparison gives the network without them as many parameters: more hidden units instead. And a training may be
# lucky, so it is repeated with other seeds.
#
# Write `direct_help(train_one, d, hidden, seeds)`. `train_one(units, direct, seed)` trains a network on three symbols with `d` features each and that many hidden units, `direct` says whether with direct connections, and returns its loss on dev. The network *with*
# direct connections has `hidden` units. Return a dict with
#
# - `"hidden without"`: how many hidden units the network *without* gets, so that its number of parameters comes nearest to that of the other;
# - `"losses"`: a tensor of two rows, with direct connections and without, and one column a seed;
# - `"gain"`: by how much direct connections **lower** the loss, the mean over the seeds. It is negative if they do harm;
# - `"sure"`: whether the differences have the same sign for all seeds, a truth value.
#
# With $d = 10$ direct connections are 810 parameters, and a hidden unit has $30 + 1 + 27 = 58$: 14 units more. Losses of 2.30, 2.32 with and 2.33, 2.33 without are a gain of 0.02, and sure.
#
# <details><summary>Hint 1: the idea</summary>
#
# What does one more hidden unit cost? Its column of W1, its bias, its row of W2.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# A whole number, a tensor (2, seeds), a number, a truth value.
#
# </details>
# <details><summary>Hint 3: the order</summary>
#
# First the sizes. Then the trainings, both kinds with each seed. The differences, one a seed, answer the last two questions.
#
# </details>


# %% answer="direct_help"
def direct_help(train_one: Callable[[int, bool, int], float], d: int, hidden: int, seeds: list[int]) -> dict:
    """Networks with and without direct connections, equal in size, over several seeds."""
    ### BEGIN SOLUTION
    without = hidden + round(3 * d * 27 / (3 * d + 1 + 27))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}
    ### END SOLUTION


# %%
def pretended(g: torch.Generator, signs: list[float]) -> tuple[Callable[[int, bool, int], float], list[int]]:
    """What stands for training: losses that fall with the hidden units and the luck of a seed, and differ by direct connections as the signs say."""
    seeds = (10 * torch.arange(len(signs)) + torch.randint(1, 10, (len(signs),), generator=g)).tolist()
    luck = dict(zip(seeds, (0.05 * torch.rand(len(signs), generator=g)).tolist()))
    effect = dict(zip(seeds, (torch.tensor(signs) * (0.02 + 0.03 * torch.rand(len(signs), generator=g))).tolist()))
    return (lambda units, direct, seed: 2.3 + luck[seed] - 4e-4 * units - effect[seed] * direct), seeds


# of each seed: which sign, and how large; one that all agree in may be small or vary, and one that they do not agree in may be large in the mean
SIGNS = ([1, 1, 1], [-1, -1, -1], [1, 1, -1, 1], [0.8, 20, 0.8], [3, 3, -1], [-3, 1.5, -3])


# %% check="direct_help"
def help_probe(g: torch.Generator):
    found = []
    for signs, sizes in zip(SIGNS, 2 * [(10, 26, 32), (12, 14, 16), (8, 17, 20)]):
        train_one, seeds = pretended(g, signs)
        d, hidden = sizes[int(torch.randint(3, (1,), generator=g))], 40 + int(torch.randint(60, (1,), generator=g))
        found.append(direct_help(train_one, d, hidden, seeds))
    facts = {name: [one[name] for one in found] for name in ("hidden without", "gain", "sure")}
    return facts | {"losses": tuple(one["losses"] for one in found)}


check("direct_help", help_probe)

# %% oracle="direct_help"
tried = direct_help(lambda units, direct, seed: {(True, 1): 2.30, (True, 2): 2.32, (False, 1): 2.33, (False, 2): 2.33}[direct, seed] + 0.1 * (units not in (50, 64)), 10, 50, [1, 2])
assert tried["hidden without"] == 64 and abs(tried["gain"] - 0.02) < 1e-6 and tried["sure"]
assert 270 + 50 * 58 + 27 + 810 - (270 + 64 * 58 + 27) == -2  # parameters with and without
measured = direct_help(train_small, 10, 50, [1, 2, 3])
assert not names.known() or measured["sure"] and -0.03 < measured["gain"] < -0.005


# %% mistake="direct_help" says="Your `sure` asks whether most of the seeds gain. All of them have to agree, and they may agree in losing, too."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + round(3 * d * 27 / (3 * d + 1 + 27))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    better = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": better.mean().item(), "sure": bool((better > 0).float().mean() > 0.5)}


# %% mistake="direct_help" says="Your `sure` compares the mean gain with its spread over the seeds. Here it is asked whether all seeds agree in the sign, however much they differ in size."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + round(3 * d * 27 / (3 * d + 1 + 27))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    better = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": better.mean().item(), "sure": bool(better.mean().abs() > better.std())}


# %% mistake="direct_help" says="Your `sure` goes by the size of the mean gain. Here it is asked whether all seeds agree in the sign, be the gain large or small."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + round(3 * d * 27 / (3 * d + 1 + 27))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    better = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": better.mean().item(), "sure": bool(better.mean().abs() > 0.02)}


# %% mistake="direct_help" says="A hidden unit is taken to cost 58 parameters, as in the example, where d is 10. With another d it costs another number: 3 d weights to it, its own bias, and 27 weights from it."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + round(81 * d / 58)
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    better = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": better.mean().item(), "sure": bool((better > 0).all() or (better < 0).all())}


# %% mistake="direct_help" says="Both networks have the same hidden units, so the one with direct connections is larger by 81 d parameters. Give the other as many more units as these parameters are worth."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    losses = torch.tensor([[train_one(hidden, direct, seed) for seed in seeds] for direct in (True, False)])
    gains = losses[1] - losses[0]
    return {"hidden without": hidden, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="The gain has the wrong sign: it says by how much direct connections lower the loss, so it is the loss without them minus the loss with them."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    found = right_direct_help(train_one, d, hidden, seeds)
    return {**found, "gain": -found["gain"]}


# %% mistake="direct_help" says="Rounding down leaves the network without direct connections further from equal size than it need be. Take the nearest number of units."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + 81 * d // (3 * d + 28)
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="A hidden unit costs more than its row of W2: it also has a column of W1 and a bias. With 27 parameters a unit the other network becomes too large."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + 3 * d
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="Your `sure` is true only where direct connections help with every seed. It is to be true as well where they do harm with every seed: the signs only have to agree."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    found = right_direct_help(train_one, d, hidden, seeds)
    return {**found, "sure": bool((found["losses"][1] > found["losses"][0]).all())}


# %% mistake="direct_help" says="Your gain is the difference of the two lowest losses, so the luckiest seeds decide it. Take the difference for each seed, then the mean over all seeds."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    found = right_direct_help(train_one, d, hidden, seeds)
    return {**found, "gain": found["losses"][1].min() - found["losses"][0].min()}


# %% mistake="direct_help" says="The rows of the losses have changed places: with direct connections first, then without."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    found = right_direct_help(train_one, d, hidden, seeds)
    return {**found, "losses": found["losses"].flip(0)}


# %% mistake="direct_help" says="Only the first seed is used, so its luck is all that you see. Train both networks with each of the seeds."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    return right_direct_help(train_one, d, hidden, seeds[:1])


# %% mistake="direct_help" says="You count one parameter too few for a hidden unit: its bias. A unit has a column of W1, a bias and a row of W2."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + round(81 * d / (3 * d + 27))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="You round the number of units up. Take the nearest whole number, so that the two networks come as close in size as they can."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + math.ceil(81 * d / (3 * d + 28))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="The number of units is too large: you round it up, and a hidden unit's bias is not counted. Count the bias, and round to the nearest whole number."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + math.ceil(81 * d / (3 * d + 27))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="A hidden unit costs more than its column of W1: it also has a bias and a row of W2. With 3d parameters a unit the other network becomes too large."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + 27
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="You count d inputs, but three symbols with d features each are 3d: for a column of W1 and for the direct connections. Count them again."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + round(27 * d / (d + 28))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="The direct connections are counted as 27 d parameters, those of one symbol. There are three symbols in a context: 81 d."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + round(27 * d / (3 * d + 28))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="The units that you add are returned by themselves. Asked for is how many the network without direct connections has in all: `hidden` and those."
def direct_help(train_one, d, hidden, seeds):
    without = round(81 * d / (3 * d + 28))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (without, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="The network without direct connections is trained with `hidden` units, although you return a larger number. Train it with the number that you return."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + round(81 * d / (3 * d + 28))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, True), (hidden, False))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="The two kinds of training have changed places: the network with `hidden` units is trained without direct connections, the larger one with them. Swap True and False."
def direct_help(train_one, d, hidden, seeds):
    without = hidden + round(81 * d / (3 * d + 28))
    losses = torch.tensor([[train_one(units, direct, seed) for seed in seeds] for units, direct in ((hidden, False), (without, True))])
    gains = losses[1] - losses[0]
    return {"hidden without": without, "losses": losses, "gain": gains.mean(), "sure": bool((gains > 0).all() or (gains < 0).all())}


# %% mistake="direct_help" says="Your `sure` is true although a seed has the other sign: it looks at most of the seeds, at their mean, or at their sizes without the sign. All of them have to agree."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    found = right_direct_help(train_one, d, hidden, seeds)
    return {**found, "sure": True}


# %% mistake="direct_help" says="The gain is given as a share of the loss without direct connections. Asked for is the plain difference of the losses, averaged over the seeds."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    found = right_direct_help(train_one, d, hidden, seeds)
    gains = found["losses"][1] - found["losses"][0]
    return {**found, "gain": (gains / found["losses"][1]).mean()}


# %% mistake="direct_help" says="The gain is the sum over the seeds. Take their mean, so that it does not grow with the number of seeds."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    found = right_direct_help(train_one, d, hidden, seeds)
    gains = found["losses"][1] - found["losses"][0]
    return {**found, "gain": gains.sum()}


# %% mistake="direct_help" says="The gain has lost its sign: it is the mean of the differences' sizes. Where direct connections do harm it is to be negative."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    found = right_direct_help(train_one, d, hidden, seeds)
    gains = found["losses"][1] - found["losses"][0]
    return {**found, "gain": gains.abs().mean()}


# %% mistake="direct_help" says="The gain is that of the first seed alone. Take the mean over all seeds."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    found = right_direct_help(train_one, d, hidden, seeds)
    gains = found["losses"][1] - found["losses"][0]
    return {**found, "gain": gains[0]}


# %% mistake="direct_help" says="The gain is the median over the seeds. Asked for is the mean."
right_direct_help = direct_help


def direct_help(train_one, d, hidden, seeds):
    found = right_direct_help(train_one, d, hidden, seeds)
    gains = found["losses"][1] - found["losses"][0]
    return {**found, "gain": gains.quantile(0.5)}


# %% variant="direct_help"
def direct_help(train_one, d, hidden, seeds):
    def size(units, direct):
        return 27 * d + 3 * d * units + units + 27 * units + 27 + 81 * d * direct

    units = min(range(hidden, hidden + 100), key=lambda u: abs(size(u, False) - size(hidden, True)))
    pairs = [(train_one(hidden, True, seed), train_one(units, False, seed)) for seed in seeds]
    signs = {one < two for one, two in pairs}
    return {
        "hidden without": units,
        "losses": [[pair[i] for pair in pairs] for i in (0, 1)],
        "gain": sum(two - one for one, two in pairs) / len(pairs),
        "sure": len(signs) == 1,
    }


# %% [markdown]
# The same with networks of names: 50 hidden units and direct connections against 64 without, 150 steps each, three seeds. Run it in a cell of your own; it takes a few seconds.
#
# ```python
# comparison = direct_help(train_small, 10, 50, [1, 2, 3])
# print(comparison["losses"], comparison["gain"], comparison["sure"])
# ```

# %% [markdown] exercise="direct_help_why"
# In your own words, two or three sentences. Did the direct connections help your small networks, and how sure are you? In the paper of 2003 training took fewer passes with them, and the models without them were slightly better. Name one thing that your measurement does **not** say.

# %% [markdown] written="direct_help_why"
# {% if known %}No: at an equal number of parameters the networks without them are better by 0.009 to 0.016 with each of the three seeds. The seeds differ from each other as much, by 0.014; what makes the gain credible is its sign, the same each time. The hidden units that the same parameters buy are worth more than a straight road to the logits.
# {%- else %}The answer names the gain that was measured, its sign, and whether it was the same with all three seeds, compared with how much the seeds differ.{% endif %} It says nothing about larger networks, longer trainings, other rates or longer contexts, and it is no statement about test. A good answer names the measured
# number and one such limit.

# %% [markdown] marking="direct_help_why"
# | points | an answer that | for instance |
# |---|---|---|
# | 1 | The measured gain with its sign, set against how much the seeds differ, and one thing that was not measured (larger networks, longer trainings, other rates, test). | *Without direct connections it is better by 0.01 with all three seeds, about as much as the seeds differ. It says nothing about longer trainings.* |
# | 0.5 | The number without a limit, or a limit without the number. | *They did not help in my runs, but I only tried one learning rate.* |
# | 0 | An opinion without the measurement. | *Direct connections always help because gradients flow better.* |

# %% [markdown] exercise="why_embedding"
# In your own words, three or four sentences. The table of counts gets worse from {% if known %}the fourth{% else %}some{% endif %} symbol of context on, although it is told more. A network like yours goes on getting better: lecture 5 trains one on eight symbols{% if known %} and
# comes below 2.0{% endif %}. What does the table do with a context that it has rarely or never seen, what does the network do with it, and what does the embedding have to do with that?

# %% [markdown] written="why_embedding"
# In the table every context stands alone: what is counted for `bra` says nothing about `dra`. With every further symbol of context the same names are spread over 27 times as many rows, so most rows hold few counts or none,
# and there the table has only its smoothing, nearly a uniform guess. The network has no row of its own for a context. It has to say everything with few weights, and it does so by giving symbols that behave alike, such as the vowels,
# similar embeddings. What it learns from one context then moves its prediction for all contexts with similar embeddings, also for those that it has never seen.

# %% [markdown] marking="why_embedding"
# | points | an answer that | for instance |
# |---|---|---|
# | 1 | All three: a rare context is nearly empty in the table, so only the smoothing is left; the network answers it with the weights that it learned on others; symbols that behave alike have similar embeddings, so what was learned carries over. | *The table has no counts for most 4-grams and falls back on uniform. The network shares its weights over all contexts, and since vowels end up close together, a new context gets the prediction of similar ones.* |
# | 0.5 | The empty rows, or the shared weights, but not what the embedding does. | *The table gets too sparse, a network generalises better.* |
# | 0 | Only that networks are better, or something untrue. | *The network has more parameters than the table.* |

# %% [markdown]
# ## What it has learned

# %% [markdown] exercise="sample_names"
# Write `sample_names(logits_of, T, count, g)`: names drawn from a model. `logits_of(contexts)` maps contexts `(N, T)` to logits `(N, 27)`. Each name starts from `T` dots; every symbol is drawn from the probabilities of the current context by
# **one** call of `torch.multinomial(probabilities, 1, generator=g)`; the dot ends the name and is not part of it. If the dot comes first the name is empty, and it counts like any other.
#
# A model that is certain of `a` after dots and of the dot after `a` gives the name `a` every time.
#
# <details><summary>Hint 1: the idea</summary>
#
# The same walk as in build_contexts, only that the next symbol is drawn and not read.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# One context at a time: contexts of shape (1, T), logits (1, 27), probabilities that sum to 1 over the 27.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# count times: context = T zeros, name = ""; repeat: softmax of the logits over the symbols; draw an index; 0 ends the name; else add the symbol, context = context[1:] + [index]
#
# </details>


# %% answer="sample_names"
def sample_names(
    logits_of: Callable[[Int[Tensor, "n T"]], Float[Tensor, "n 27"]], T: int, count: int, g: torch.Generator
) -> list[str]:
    """Names drawn symbol by symbol from a model of T symbols."""
    ### BEGIN SOLUTION
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        while True:
            probabilities = logits_of(torch.tensor([context])).softmax(1)
            index = torch.multinomial(probabilities, 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found
    ### END SOLUTION


# %%
def random_model(g: torch.Generator, T: int, hasty: bool = False) -> Callable[[Tensor], Tensor]:
    """A model that nobody has trained, with clear preferences. No name is empty, and each symbol may be the last, by 1 in 21 to 1 in 4.

    Args:
        hasty: every second name is empty, and each symbol is the last by 3 in 4.
    """
    C, W = torch.randn(27, 4, generator=g), torch.randn(4 * T, 27, generator=g)

    def logits_of(contexts: Tensor) -> Tensor:
        logits = C[contexts].flatten(1) @ W
        started = (contexts != 0).any(1)
        dot = logits[:, 1:].logsumexp(1) - 2 + logits[:, 0].tanh()  # whatever the letters' logits are, so that every name ends
        if hasty:
            dot = logits[:, 1:].logsumexp(1) + 1.1 * started
            return torch.cat([dot[:, None], logits[:, 1:]], 1)
        return torch.cat([torch.where(started, dot, -100.0)[:, None], logits[:, 1:]], 1)

    return logits_of


def bounded(model: Callable[[Tensor], Tensor], T: int) -> Callable[[Tensor], Tensor]:
    """The model, with a word on contexts that it cannot take; and a name that never ends would never end here either."""
    asked = 0

    def logits_of(contexts: Tensor) -> Tensor:
        nonlocal asked
        asked += 1
        if contexts.ndim != 2 or contexts.shape[1] != T:
            raise ValueError(f"logits_of was called with contexts of shape {tuple(contexts.shape)}; for T = {T} it takes (1, {T})")
        if asked > 2000:
            raise RuntimeError("more than 2,000 symbols were drawn for a few names: does the dot end a name, does the context move, and is each symbol drawn?")
        return model(contexts)

    return logits_of


def spelled(g: torch.Generator, length: int) -> str:
    """Letters in a row, no pair of neighbours twice: two symbols of context tell what follows."""
    name, pairs = "", set()
    while len(name) < length:
        letter = SYMBOLS[1 + int(torch.randint(26, (1,), generator=g))]
        if name[-1:] + letter not in pairs:
            pairs.add(name[-1:] + letter)
            name += letter
    return name


def certain_model(name: str, T: int) -> Callable[[Tensor], Tensor]:
    """A model that is certain of one name, whatever is drawn."""
    X, Y = contexts_of([name], T)
    follows = dict(zip(map(tuple, X.tolist()), Y.tolist()))
    return lambda contexts: torch.tensor([[50.0 * (i == follows.get(tuple(context), 0)) for i in range(27)] for context in contexts.tolist()])


# %% check="sample_names"
def sample_probe(g: torch.Generator):
    T = (2, 4)[int(torch.randint(2, (1,), generator=g))]
    model, seed = random_model(g, T), int(torch.randint(2**31, (1,), generator=g))
    first, again, other = (sample_names(bounded(model, T), T, 8, torch.Generator().manual_seed(s)) for s in (seed, seed, seed + 1))
    if first != again or first == other:  # then the names themselves say nothing
        one_name = first == again and len({*first}) == 1
        what = "the same name again and again" if one_name else "the same names for every g" if first == again else "not drawn from g"
        return dict.fromkeys(("8 names", "40 names, half of them empty", "a name of 60 letters"), what)
    long_name = spelled(g, 60)
    found = sample_names(bounded(certain_model(long_name, T), T), T, 1, g)[0]
    kind = "right" if found == long_name else "only its beginning" if found and long_name.startswith(found) else "another"
    if kind == "only its beginning" and len(found) > 5:  # a limit, whatever it is
        return dict.fromkeys(("8 names", "40 names, half of them empty", "a name of 60 letters"), "cut off")
    hasty = sample_names(bounded(random_model(g, T, hasty=True), T), T, 40, g)
    return {"8 names": first, "40 names, half of them empty": hasty, "a name of 60 letters": kind}


check("sample_names", sample_probe)

# %% oracle="sample_names"
certain = lambda X: torch.where(X[:, -1:] == 0, 50.0 * (torch.arange(27) == 1), 50.0 * (torch.arange(27) == 0))
assert sample_names(certain, 3, 4, torch.Generator()) == ["a"] * 4


# %% mistake="sample_names" says="The context is set to dots once, before all names, so that each name goes on from the letters of the last one. Begin every name with a context of dots."
def sample_names(logits_of, T, count, g):
    found, context = [], [0] * T
    for _ in range(count):
        name = ""
        while True:
            index = int(torch.multinomial(logits_of(torch.tensor([context])).softmax(1), 1, generator=g))
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found


# %% mistake="sample_names" says="Always the most likely symbol is taken, so all names are the same. Draw from the probabilities."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        for _ in range(100):
            index = logits_of(torch.tensor([context])).argmax(1).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found


# %% mistake="sample_names" says="The drawn symbol comes into the context on the left, so the model reads backwards. The newest stands on the right."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        while True:
            index = torch.multinomial(logits_of(torch.tensor([context])).softmax(1), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = [index] + context[:-1]
        found.append(name)
    return found


# %% mistake="sample_names" says="The softmax runs over the rows. There is one row, so every symbol gets the same weight, and the model has no say. Take it over the symbols."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        while True:
            index = torch.multinomial(logits_of(torch.tensor([context])).softmax(0), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found


# %% mistake="sample_names" says="The closing dot is part of your names. It ends them and is not one of their letters."
right_sample_names = sample_names


def sample_names(logits_of, T, count, g):
    return [name + "." for name in right_sample_names(logits_of, T, count, g)]


# %% mistake="sample_names" says="A new name begins where the last one ended: its first context is not all dots."
def sample_names(logits_of, T, count, g):
    found, context = [], [0] * T
    for _ in range(count):
        name = ""
        while True:
            index = torch.multinomial(logits_of(torch.tensor([context])).softmax(1), 1, generator=g).item()
            context = context[1:] + [index]
            if index == 0:
                break
            name += SYMBOLS[index]
        found.append(name)
    return found


# %% mistake="sample_names" says="You draw all names side by side, one symbol of each in turn. Finish one name before you begin the next: then the random numbers go to the letters that they are meant for."
def sample_names(logits_of, T, count, g):
    contexts, found, going = torch.zeros(count, T, dtype=torch.int64), [""] * count, [True] * count
    while any(going):
        drawn_now = torch.multinomial(logits_of(contexts).softmax(1), 1, generator=g)
        contexts = torch.cat([contexts[:, 1:], drawn_now], 1)
        for i, index in enumerate(drawn_now[:, 0].tolist()):
            going[i] = going[i] and index != 0
            found[i] += SYMBOLS[index] if going[i] else ""
    return found


# %% mistake="sample_names" says="multinomial draws from probabilities, but it was given logits or their logarithms, which may be negative. Take the softmax over the symbols first." raises="RuntimeError"
def sample_names(logits_of, T, count, g):
    return [SYMBOLS[torch.multinomial(logits_of(torch.tensor([[0] * T])), 1, generator=g).item()]]


# %% mistake="sample_names" says="Your long names are cut off, though no dot was drawn: is there a limit for their length? Only the dot ends a name."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        while len(name) < 20:
            index = torch.multinomial(logits_of(torch.tensor([context])).softmax(1), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found


# %% mistake="sample_names" says="The draws do not come from the generator g, so nobody can draw these names again. Hand generator=g to multinomial."
right_sample_names = sample_names


def sample_names(logits_of, T, count, g):
    return right_sample_names(logits_of, T, count, torch.default_generator)


# %% mistake="sample_names" says="The letters are shifted by one: index 1 is a, index 2 is b, and so on. SYMBOLS has them, with the dot at 0."
right_sample_names = sample_names


def sample_names(logits_of, T, count, g):
    return ["".join(chr(ord(letter) + 1) for letter in name) for name in right_sample_names(logits_of, T, count, g)]


# %% mistake="sample_names" says="The letters of all names stand in one text. A list with an entry for each name is asked for."
right_sample_names = sample_names


def sample_names(logits_of, T, count, g):
    return "".join(right_sample_names(logits_of, T, count, g))


# %% mistake="sample_names" says="The same names come out whatever g is: a generator of your own is seeded inside. Draw from g as it comes."
right_sample_names = sample_names


def sample_names(logits_of, T, count, g):
    return right_sample_names(logits_of, T, count, torch.Generator().manual_seed(2147483647))


# %% mistake="sample_names" says="Each logit goes through a sigmoid by itself, which makes every liked symbol about equally likely. Probabilities come from the softmax over the symbols."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        while True:
            logits = logits_of(torch.tensor([context]))
            index = torch.multinomial(logits.sigmoid(), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found


# %% mistake="sample_names" says="Negative logits are cut off at 0 and the others are taken for probabilities. Take the softmax over the symbols: it has a place for negative logits."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        for _ in range(100):
            logits = logits_of(torch.tensor([context]))
            index = torch.multinomial(logits.clamp(min=1e-9), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found


# %% mistake="sample_names" says="The sizes of the logits are taken for probabilities, negative ones without their sign. Take the softmax over the symbols."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        while True:
            logits = logits_of(torch.tensor([context]))
            index = torch.multinomial(logits.abs(), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found


# %% mistake="sample_names" says="The logits are divided by 2 before the softmax, which makes rare symbols more frequent. Take the softmax of the logits as they are."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        while True:
            logits = logits_of(torch.tensor([context]))
            index = torch.multinomial((logits / 2).softmax(1), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found


# %% mistake="sample_names" says="The softmax is taken twice, which flattens the probabilities. Take it of the logits once."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        while True:
            logits = logits_of(torch.tensor([context]))
            index = torch.multinomial(logits.softmax(1).softmax(1), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found


# %% mistake="sample_names" says="Empty names are thrown away and drawn again. The dot ends a name also if it comes first: an empty name is one of the names."
def sample_names(logits_of, T, count, g):
    found = []
    while len(found) < count:
        name, context = "", [0] * T
        while True:
            index = torch.multinomial(logits_of(torch.tensor([context])).softmax(1), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        if name:
            found.append(name)
    return found


# %% mistake="sample_names" says="Empty names are left out of the list. The dot ends a name also if it comes first: an empty name is one of the names."
right_sample_names = sample_names


def sample_names(logits_of, T, count, g):
    return [name for name in right_sample_names(logits_of, T, count, g) if name]


# %% mistake="sample_names" says="While a name is shorter than T, the dots stand behind its letters in the context. They stand in front: each name begins after T of them."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name = ""
        while True:
            context = [SYMBOLS.index(s) for s in name[-T:].ljust(T, ".")]
            index = torch.multinomial(logits_of(torch.tensor([context])).softmax(1), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
        found.append(name)
    return found


# %% mistake="sample_names" says="A name never begins with a dot in your answer: it is given no chance at the first place. Draw the first symbol as all others; an empty name is one of the names."
def sample_names(logits_of, T, count, g):
    found = []
    for _ in range(count):
        name, context = "", [0] * T
        while True:
            logits = logits_of(torch.tensor([context])).clone()
            logits[:, 0] -= 0 if name else 1000.0
            index = torch.multinomial(logits.softmax(1), 1, generator=g).item()
            if index == 0:
                break
            name += SYMBOLS[index]
            context = context[1:] + [index]
        found.append(name)
    return found


# %% mistake="sample_names" says="The same name is kept only once. A model may give a name twice: return every one, in the order drawn."
right_sample_names = sample_names


def sample_names(logits_of, T, count, g):
    return list(dict.fromkeys(right_sample_names(logits_of, T, count, g)))


# %% mistake="sample_names" says="The names are sorted. Return them in the order in which they were drawn."
right_sample_names = sample_names


def sample_names(logits_of, T, count, g):
    return sorted(right_sample_names(logits_of, T, count, g))


# %% variant="sample_names"
def sample_names(logits_of, T, count, g):
    def one(context):
        logits = logits_of(torch.tensor(context[-T:]).view(1, T))
        weights = logits.double().exp().div(logits.double().exp().sum()).float()
        index = int(torch.multinomial(weights[0], 1, generator=g))
        return context[T:] if index == 0 else one([*context, index])

    return ["".join(SYMBOLS[i] for i in one([0] * T)) for _ in range(count)]


# %% [markdown]
# The cell lets your network invent twenty names, as soon as one is trained.

# %%
try:
    if globals().get("model") is None:
        print("The names come when train_mlp has a model.")
    else:
        with torch.no_grad():
            print(", ".join(sample_names(model, 3, 20, torch.Generator().manual_seed(42))))
except Exception as error:  # noqa: BLE001  what is only shown must not stop the notebook; the check tells what is wrong
    print(f"The names come when sample_names is {'written' if isinstance(error, NotImplementedError) else 'right'}.")

# %% [markdown] exercise="embedding_plot"
# Write `embedding_plot(C)`: a picture in which every symbol stands at a point of the plane, and symbols with similar embeddings stand near each other. The plane is the one in which the embeddings differ most, that of their first two
# **principal components**: subtract the mean of the rows, and multiply by the first two right singular vectors.
#
# `torch.linalg.svd(centred, full_matrices=False)` returns `U`, `S` and `Vh`; the rows of `Vh` are the right singular vectors, the most important one first. So the points are `centred @ Vh[:2].T`, shape (27, 2).
#
# Draw the 27 points, write each symbol at its point, and return the axes.
#
# **A tiny example.** The embeddings $(5, 1, 0)$, $(5, -1, 0)$, $(5, 0, 3)$ and $(5, 0, -3)$ do not differ in their first number and differ most in their last. So the last becomes the first coordinate and the middle one the second: the points are
# $(0, 1)$, $(0, -1)$, $(3, 0)$ and $(-3, 0)$, or the same mirrored, since a principal component has no sign of its own.
#
# <details><summary>Hint 1: the idea</summary>
#
# First the 27 points, then a scatter plot of them, then a text at each.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# C (27, d), centred (27, d), Vh[:2] (2, d), points (27, 2).
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# centred = C - its mean over dimension 0; points; scatter of both columns; for each symbol and point: axes.text or axes.annotate at the point
#
# </details>


# %% answer="embedding_plot"
def embedding_plot(C: Float[Tensor, "27 d"]) -> Axes:
    """The embeddings in the plane of their first two principal components, each point with its symbol."""
    ### BEGIN SOLUTION
    centred = C - C.mean(0)
    _, _, Vh = torch.linalg.svd(centred, full_matrices=False)
    points = centred @ Vh[:2].T
    _, axes = plt.subplots(figsize=(6, 6))
    axes.scatter(points[:, 0], points[:, 1], s=200, color="#cfe8ff")
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol, ha="center", va="center")
    axes.set_xlabel("first principal component")
    axes.set_ylabel("second principal component")
    return axes
    ### END SOLUTION


# %%
def scattered_embeddings(g: torch.Generator) -> Tensor:
    """Embeddings of 5 to 8 features, each about a mean of its own, whose principal plane shows a shaken grid: no two points are so near that a label beside one could belong to the other."""
    places = torch.cartesian_prod(1.6 * torch.arange(6.0), torch.arange(5.0))[torch.randperm(30, generator=g)[:27]]
    places = 2 * (places + 0.4 * torch.rand(27, 2, generator=g))
    features = 5 + int(torch.randint(4, (1,), generator=g))
    turn, _ = torch.linalg.qr(torch.randn(features, features, generator=g))
    return torch.cat([places, 0.2 * torch.randn(27, features - 2, generator=g)], 1) @ turn + 3 * torch.arange(features)


def embedding_facts(axes: Axes) -> dict:
    """How many points and labels there are, which symbols are written, and how far the points of the symbols are from each other.

    Principal components have no sign of their own, so positions are compared by their distances.
    """
    drawing = drawn(axes)
    nowhere = torch.full((2,), torch.nan, dtype=torch.float64)
    beside = drawing.point_of if len(drawing.points) else lambda symbol: drawing.texts.get(symbol, nowhere)
    points = torch.stack([beside(symbol) for symbol in SYMBOLS])
    return {
        "points": len(drawing.points),
        "labels": min(len(drawing.texts), 27),  # a remark in the picture is no mistake
        "symbols": "".join(symbol for symbol in SYMBOLS if symbol in drawing.texts),
        "distances between the symbols' points": torch.cdist(points, points).float(),
    }


# %% check="embedding_plot"
check("embedding_plot", lambda g: embedding_facts(embedding_plot(scattered_embeddings(g))))

# %% oracle="embedding_plot"
C = torch.randn(27, 6, generator=torch.Generator().manual_seed(1)) * torch.tensor([1, 4, 1, 3, 1, 1])
facts = embedding_facts(embedding_plot(C))
U, S, V = torch.pca_lowrank(C.double(), q=6)
theirs = U[:, :2] * S[:2]
assert facts["points"] == 27 and facts["symbols"] == SYMBOLS
torch.testing.assert_close(facts["distances between the symbols' points"], torch.cdist(theirs, theirs).float(), rtol=1e-3, atol=1e-3)
four = torch.tensor([[5.0, 1, 0], [5, -1, 0], [5, 0, 3], [5, 0, -3]])
points = drawn(embedding_plot(four)).points.abs()  # SYMBOLS is longer than four: zip stops there
torch.testing.assert_close(points.float(), torch.tensor([[0.0, 1], [0, 1], [3, 0], [3, 0]]))
vowels, others = (model.C.detach()[[SYMBOLS.index(symbol) for symbol in some]] for some in ("aeiou", "bcdfghjklmnpqrstvwxz"))
assert not names.known() or torch.cdist(vowels, vowels).sum() / 20 < 0.95 * torch.cdist(vowels, others).mean()  # what the closing words say of the vowels
plt.close("all")


# %% mistake="embedding_plot" says="The points have no symbols, and nobody can tell them apart. Write each symbol at its point."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][:2].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    return axes


# %% mistake="embedding_plot" says="The symbols are there, but not the points. Draw the 27 points as well, for instance with scatter."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][:2].T
    _, axes = plt.subplots()
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    axes.set(xlim=(-10, 10), ylim=(-10, 10))
    return axes


# %% mistake="embedding_plot" says="The points carry numbers, the rows of C, and nobody knows them by heart. Write the symbols: SYMBOLS has one for each row."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][:2].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for row, (x, y) in enumerate(points.tolist()):
        axes.text(x, y, str(row))
    return axes


# %% mistake="embedding_plot" says="The symbols are shifted by one: the dot has row 0, and a has row 1."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][:2].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS[1:] + SYMBOLS[0], points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="You draw the first two columns of C, as they are or with their means subtracted. Draw the principal components: subtract the mean of the rows, then multiply by the first two right singular vectors."
def embedding_plot(C):
    _, axes = plt.subplots()
    axes.scatter(C[:, 0], C[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, C[:, :2].tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="The mean is not subtracted, so the first direction points from zero to the middle of all embeddings. Subtract the mean of the rows before the svd."
def embedding_plot(C):
    points = C @ torch.linalg.svd(C, full_matrices=False)[2][:2].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="Both directions come out equally wide, as in U, or where the points are divided by the singular values. Multiply the centred rows by the first two right singular vectors, and leave it at that."
def embedding_plot(C):
    points = torch.linalg.svd(C - C.mean(0), full_matrices=False)[0][:, :2]
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="The first two columns of Vh are taken. The right singular vectors are its rows."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][:, :2]
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="These are the two directions in which the embeddings differ least. The most important ones stand first in Vh, but last in what eigh gives."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][-2:].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="The mean of each row is subtracted from that row. Subtract the mean of all rows, one number a feature: the mean over dimension 0."
def embedding_plot(C):
    centred = C - C.mean(1, keepdim=True)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][:2].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="The dot is missing: it is a symbol like the others, with the embedding of row 0."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = (centred @ torch.linalg.svd(centred, full_matrices=False)[2][:2].T)[1:]
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS[1:], points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="One mean of all numbers is subtracted. Each feature has a mean of its own: the mean over dimension 0."
def embedding_plot(C):
    centred = C - C.mean()
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][:2].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="Each feature is divided by its spread first, so that all count alike. The features count as they are: only their mean is subtracted."
def embedding_plot(C):
    centred = (C - C.mean(0)) / C.std(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][:2].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="You draw the second and the third principal component: Python counts from 0. The two most important ones stand first in Vh."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][1:3].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="You draw the first and the third principal component. Take the first two rows of Vh."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][[0, 2]].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="Only 26 symbols are written, and each stands one row too early: a at the dot's place. Row 0 is the dot; SYMBOLS has all 27 in order."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][:2].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS[1:], points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% mistake="embedding_plot" says="All points lie on one line: only the first principal component is drawn. The second one is the other coordinate."
def embedding_plot(C):
    centred = C - C.mean(0)
    points = centred @ torch.linalg.svd(centred, full_matrices=False)[2][:1].T
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], torch.zeros(27))
    for symbol, (x,) in zip(SYMBOLS, points.tolist()):
        axes.text(x, 0.0, symbol)
    return axes


# %% mistake="embedding_plot" says="Two principal components are drawn, but stretched by their singular values: the points are multiplied by S once more. Multiply the centred rows by the two vectors, and leave it at that."
def embedding_plot(C):
    centred = C - C.mean(0)
    _, S, Vh = torch.linalg.svd(centred, full_matrices=False)
    points = centred @ Vh[:2].T * S[:2]
    _, axes = plt.subplots()
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    return axes


# %% variant="embedding_plot"
def embedding_plot(C):
    X = (C - C.mean(dim=0, keepdim=True)).numpy()
    import numpy as np

    values, vectors = np.linalg.eigh(X.T @ X)
    points = X @ vectors[:, ::-1][:, :2]
    plt.figure(figsize=(5, 5))
    plt.plot(points[:, 0], -points[:, 1], "o")
    for i, letter in enumerate(SYMBOLS):
        plt.annotate(letter, (points[i, 0], -points[i, 1]), xytext=(4, 4), textcoords="offset points")
    plt.grid()
    return plt.gca()


# %% variant="embedding_plot"
def embedding_plot(C):
    U, S, _ = torch.linalg.svd(C - C.mean(0), full_matrices=False)
    xs, ys = (U[:, :2] * S[:2]).T
    _, axes = plt.subplots()
    for symbol, x, y in zip(SYMBOLS, xs, ys):
        axes.scatter([x], [y], color="black")
        axes.text(x + 0.3, y + 0.3, symbol)
    axes.text(0, 12, "the letters")
    return axes


# %% [markdown]
# The cell draws your network's letters, as soon as one is trained. Which of the vowels stand together? A plane is only a shadow of all `d` dimensions, so the cell also says what share of the variance it shows, and compares distances in all of them.

# %%
try:
    table = getattr(globals().get("model"), "C", None)
    table = getattr(table, "weight", table)  # of an nn.Embedding
    if isinstance(table, Tensor):
        table = table.detach()
        embedding_plot(table)
        plt.show()
        variances = torch.linalg.svdvals(table - table.mean(0)) ** 2
        vowels, others = (table[[SYMBOLS.index(symbol) for symbol in some]] for some in ("aeiou", "bcdfghjklmnpqrstvwxz"))
        print(f"The plane shows {variances[:2].sum() / variances.sum():.0%} of the variance. In all {table.shape[1]} dimensions a vowel is on average")
        print(f"{torch.cdist(vowels, vowels).sum() / 20:.1f} from another vowel and {torch.cdist(vowels, others).mean():.1f} from a consonant.")  # 20 pairs, the zeros left out
    else:
        print("The picture comes when train_mlp has a model whose embedding table is called C.")
except Exception as error:  # noqa: BLE001  a picture must not stop the notebook; the check tells what is wrong
    plt.close()
    print(f"The picture comes when embedding_plot is {'written' if isinstance(error, NotImplementedError) else 'right'}.")

# %% [markdown]
# ## What you did
#
# You cut names into contexts, gave every symbol a vector, and wrote the network of 2003 in two lines. You started it at an honest guess, took steps on mini-batches with a rate that you had looked for, and let the network
# invent names. {% if known %}Nobody told it about vowels, and yet they came out nearer to each other than to the consonants.{% else %}Nobody told it about vowels: did they come out nearer to each other than to the consonants?{% endif %} The next lecture makes such networks deep, and looks at what then goes wrong inside.
