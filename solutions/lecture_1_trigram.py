# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% author
from autograder.commands.script import run

run(__name__, globals())

# %% [markdown]
# # Lecture 1: from bigrams to trigrams
#
# A language model predicts the next symbol from the ones before it. This notebook builds the smallest ones there are: first
# by counting, then as a neural network of a single layer that learns the same thing by gradient descent. Afterwards you will be
# able to
#
# - turn a list of names into training examples without losing the first letter or the end;
# - make a table of counts into probabilities, and say what broadcasting can do to you on the way;
# - measure any such model by one number, the average negative log-likelihood, and sample names from it;
# - write the same model as weights, a softmax and a loss, and train it;
# - choose a setting on the dev split, and keep the test split out of every choice.
#
# Every exercise stands alone: what it builds on is given, so that a gap in one does not cost another. A function leaves
# what it is given as it was, unless its text says otherwise: what the caller still needs is copied before it is changed.
#
# **Notation.** There are 27 symbols: `.` has index 0 and stands for both the start and the end of a name, `a` to `z` have the indices 1 to 26.
# `P` is a matrix of probabilities, one row for each current symbol. `W` holds weights, `logits` are the network's raw outputs, a *context*
# is what the model sees, and a *target* is what it has to predict.

# %%
import math
import random
from collections.abc import Iterator

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from matplotlib.textpath import TextPath
from torch import Tensor

from autograder import check, check_loss, fit
from autograder.names import SYMBOLS, contexts_of, load_names

names = load_names()
print(f"{len(names.all):,} names, of which {len(names.train):,} to train on; the first: {', '.join(names.all[:5])}")

# %% [markdown]
# ## Symbols
#
# A computer counts, so each symbol gets a number. The example below uses two words, `ban` and `nab`: they contain `a`, `b` and `n`, and
# together with the dot these are four symbols. `SYMBOLS`, imported above, is the text of all 27, the dot first: `SYMBOLS[1]` is `a`.

# %% [markdown] exercise="vocabulary"
# Write `vocabulary(words)`. It returns two dictionaries: `stoi` from symbol to index, `itos` from index to symbol. The
# symbol `.` has index 0, the letters that occur in the words follow **in alphabetical order**, without gaps. A word may have one letter, or none.
#
# For the words `["ban", "nab"]`: `stoi = {".": 0, "a": 1, "b": 2, "n": 3}`.
#
# <details><summary>Hint 1: the idea</summary>
#
# Collect every letter once, sort, and number from 1, because 0 belongs to the dot.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Two dictionaries with as many entries as there are different letters, plus one. The second is the first turned round.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# letters = sorted set of all letters of all words; stoi = index + 1 for each letter, and the dot; itos = {value: key}.
#
# </details>


# %% answer="vocabulary"
def vocabulary(words: list[str]) -> tuple[dict[str, int], dict[int, str]]:
    """Symbol to index and index to symbol; "." is 0, the letters of the words follow in alphabetical order."""
    ### BEGIN SOLUTION
    letters = sorted(set("".join(words)))
    stoi = {".": 0} | {letter: index for index, letter in enumerate(letters, 1)}
    return stoi, {index: symbol for symbol, index in stoi.items()}
    ### END SOLUTION


# %%
def some_names(g: torch.Generator, count: int) -> list[str]:
    """Names drawn from the whole list, for the checks below."""
    return [names.all[i] for i in torch.randint(len(names.all), (count,), generator=g).tolist()]


def letters_of(g: torch.Generator, count: int) -> str:
    """So many letters, drawn evenly."""
    return "".join(SYMBOLS[i] for i in torch.randint(1, 27, (count,), generator=g).tolist())


def between(g: torch.Generator, low: float, high: float) -> float:
    """A number drawn evenly from a range."""
    return low + (high - low) * float(torch.rand(1, generator=g))


def names_of_all_kinds(g: torch.Generator, count: int) -> list[str]:
    """So many names of the list, and some of all kinds: of one, two and fifteen letters, with a letter doubled, with a pair twice, one that stands there twice, one without letters.

    One of the letters b to k occurs in none of them; e stands in its place.
    """
    a, b, c = (SYMBOLS[1 + i] for i in torch.randperm(26, generator=g)[:3].tolist())
    long, twice = letters_of(g, 15), some_names(g, 1)[0]
    missing = "bcdfghijk"[int(torch.randint(9, (1,), generator=g))]
    made_up = [a + b, twice, long, b + c, c, c + a + a + b, a + b + a + b, "", twice, c + b]
    return [name.replace(missing, "e") for name in (*some_names(g, count), *made_up)]


# %% check="vocabulary"
def vocabulary_probe(g: torch.Generator):
    words = names_of_all_kinds(g, 3)
    words += sorted({*SYMBOLS[1:]} - {*"".join(words)})[-1:]  # a letter that stands alone
    stoi, itos = vocabulary(words)
    return {"stoi": [f"{s} {i}" for s, i in sorted(stoi.items())], "itos": [f"{i} {s}" for i, s in sorted(itos.items())]}


check("vocabulary", vocabulary_probe)

# %% oracle="vocabulary"
assert vocabulary(["ban", "nab"]) == ({".": 0, "a": 1, "b": 2, "n": 3}, {0: ".", 1: "a", 2: "b", 3: "n"})
letters = set("".join(names.all))
assert "".join(vocabulary(names.all)[0]) == "".join(symbol for symbol in SYMBOLS if symbol in {".", *letters})
assert not names.known() or "".join(vocabulary(names.all)[0]) == SYMBOLS


# %% mistake="vocabulary" says="stoi and itos number the symbols in two different orders, so they do not undo each other. Make one from the other."
def vocabulary(words: list[str]) -> tuple[dict[str, int], dict[int, str]]:
    """Symbol to index and index to symbol; "." is 0, the letters of the words follow in alphabetical order."""
    letters = list(dict.fromkeys("".join(words)))
    stoi = {s: i + 1 for i, s in enumerate(sorted(letters))}
    stoi["."] = 0
    itos = {i: s for i, s in enumerate(["."] + letters)}
    return stoi, itos


# %% mistake="vocabulary" says="A letter that occurs only in a name of one letter is missing. Collect the letters themselves: such a name has no pair of neighbours."
def vocabulary(words):
    letters = sorted({letter for word in words if len(word) > 1 for letter in word})
    stoi = {letter: 1 + i for i, letter in enumerate(letters)} | {".": 0}
    return stoi, {i: letter for letter, i in stoi.items()}


# %% mistake="vocabulary" says="Your letters begin at 0, where the dot should be. Keep 0 for the dot and begin the letters at 1."
def vocabulary(words):
    letters = sorted(set("".join(words)))
    stoi = {letter: index for index, letter in enumerate([*letters, "."])}
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% mistake="vocabulary" says="The letters are numbered in the order in which they first occur. Sort them before you number them."
def vocabulary(words):
    letters = list(dict.fromkeys("".join(words)))
    stoi = {".": 0} | {letter: index for index, letter in enumerate(letters, 1)}
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% mistake="vocabulary" says="The first letter and the dot have the same index, 0, so one of them is lost in `itos`. Keep 0 for the dot alone and number the letters from 1."
def vocabulary(words):
    stoi = {letter: index for index, letter in enumerate(sorted(set("".join(words))))} | {".": 0}
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% mistake="vocabulary" says="The dot is missing from both dictionaries: the letters are right, but index 0 belongs to a symbol too. Add it."
def vocabulary(words):
    stoi = {letter: index for index, letter in enumerate(sorted(set("".join(words))), 1)}
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% mistake="vocabulary" says="You number the whole alphabet. Only the letters that occur in the words given get an index, without gaps: in the example `n` has 3, not 14."
def vocabulary(words):
    return {s: i for i, s in enumerate(SYMBOLS)}, dict(enumerate(SYMBOLS))


# %% mistake="vocabulary" says="The two dictionaries come in the wrong order. First `stoi`, from symbol to index, then `itos`, from index to symbol."
right_vocabulary = vocabulary


def vocabulary(words):
    return right_vocabulary(words)[::-1]


# %% mistake="vocabulary" says="The letters are numbered from `z` to `a`. They come in alphabetical order: leave out what turns it round."
def vocabulary(words):
    letters = sorted({*"".join(words)}, reverse=True)
    stoi = {".": 0} | {letter: index for index, letter in enumerate(letters, 1)}
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% mistake="vocabulary" says="Your second dictionary is the first one again, from symbol to index. Turn it round: from index to symbol."
right_vocabulary = vocabulary


def vocabulary(words):
    stoi, _ = right_vocabulary(words)
    return stoi, stoi


# %% mistake="vocabulary" says="Each letter has its place in the alphabet, so there are gaps where letters do not occur. Number those that occur one after the other: in the example `n` has 3, not 14."
def vocabulary(words):
    stoi = {".": 0} | {letter: ord(letter) - 96 for letter in sorted(set("".join(words)))}
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% mistake="vocabulary" says="`itos` has no entry for the dot: it was made before the dot came into `stoi`. Put the dot in first, then turn `stoi` round."
def vocabulary(words):
    stoi = {letter: index for index, letter in enumerate(sorted(set("".join(words))), 1)}
    itos = {index: letter for letter, index in stoi.items()}
    return {".": 0} | stoi, itos


# %% mistake="vocabulary" says="`stoi` has no entry for the dot, `itos` has. Both dictionaries hold the same pairs, each the other way round."
def vocabulary(words):
    stoi = {letter: index for index, letter in enumerate(sorted(set("".join(words))), 1)}
    return stoi, {0: "."} | {index: letter for letter, index in stoi.items()}


# %% mistake="vocabulary" says="The dot has the last index. It has 0, and the letters follow from 1."
def vocabulary(words):
    stoi = {letter: index for index, letter in enumerate(sorted(set("".join(words))), 1)}
    stoi["."] = len(stoi) + 1
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% mistake="vocabulary" says="A letter that occurs several times is numbered each time, so that indices are skipped. Collect each letter once, in a set, before you sort and number."
def vocabulary(words):
    stoi = {".": 0} | {letter: index for index, letter in enumerate(sorted("".join(words)), 1)}
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% mistake="vocabulary" says="Only the first letters of the words are numbered. Collect all letters of all words."
def vocabulary(words):
    stoi = {".": 0} | {letter: index for index, letter in enumerate(sorted({word[0] for word in words if word}), 1)}
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% mistake="vocabulary" says="The letters begin at 2: 1 is left out between the dot and the first of them. Number them from 1."
def vocabulary(words):
    stoi = {".": 0} | {letter: index for index, letter in enumerate(sorted(set("".join(words))), 2)}
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% mistake="vocabulary" says="Whole words are numbered, not letters: a list of words is sorted word by word. Join them, or go through each word's letters."
def vocabulary(words):
    stoi = {".": 0} | {word: index for index, word in enumerate(sorted(set(words)), 1)}
    return stoi, {index: symbol for symbol, index in stoi.items()}


# %% variant="vocabulary"
def vocabulary(words):
    itos = {0: "."}
    for letter in "abcdefghijklmnopqrstuvwxyz":
        if any(letter in word for word in words):
            itos[len(itos)] = letter
    return dict(zip(itos.values(), itos.keys())), itos


# %% [markdown]
# ## Three splits
#
# A model is trained on one part of the names, its settings are chosen on a second, and its loss is reported on a third, which plays no
# part in any choice. {% if known %}The list is ordered by how often a name is given, so it must be shuffled first: the rare names at the end are not like the common
# ones at the beginning.{% else %}A list is seldom in no order, so it must be shuffled first: the names at its end may not be like those at its beginning.{% endif %}

# %% [markdown] exercise="split_names"
# Write `split_names(words, seed)`. Shuffle a **copy** of the list with `random.Random(seed)`, then cut it into three lists: the first 80 % of the
# names, the next 10 %, and the rest. The cuts are at `int(0.8 * n)` and `int(0.9 * n)`.
#
# Ten names give lists of 8, 1 and 1. The three together hold what the list held: a name that stands in it twice counts as two.
#
# <details><summary>Hint 1: the idea</summary>
#
# The unit is the whole name. If the names were first cut into pairs of letters, pieces of one name would be trained on and tested on.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Three lists of names whose lengths add up to the length of the input.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# copy the list; random.Random(seed).shuffle(copy); two indices; three slices.
#
# </details>


# %% answer="split_names"
def split_names(words: list[str], seed: int) -> tuple[list[str], list[str], list[str]]:
    """The words shuffled with ``random.Random(seed)`` and cut 80/10/10; the input stays as it is."""
    ### BEGIN SOLUTION
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    first, second = int(0.8 * len(shuffled)), int(0.9 * len(shuffled))
    return shuffled[:first], shuffled[first:second], shuffled[second:]
    ### END SOLUTION


# %% check="split_names"
def split_probe(g: torch.Generator):
    words = some_names(g, [36, 37, 46, 47][int(torch.randint(4, (1,), generator=g))])  # as many that rounding would cut elsewhere
    words += words[:20]  # names that stand in the list twice
    before = list(words)
    parts = split_names(words, 100 + int(torch.randint(900, (1,), generator=g)))
    few = split_names(words[:6], 0)  # lists of 4, 1 and 1; a seed may be 0
    train, dev, test = map(list, parts)
    return {"train": train, "dev": dev, "test": test, "the list is left as it was": words == before, "of six names": [" ".join(part) for part in few]}


check("split_names", split_probe)

# %% oracle="split_names"
assert [len(part) for part in split_names(names.all[:10], 1)] == [8, 1, 1]
assert split_names(names.all, names.seed) == (names.train, names.dev, names.test) and (names.seed == 42 or not names.known())
assert sorted(sum(split_names(names.all, 3), [])) == sorted(names.all)


# %% mistake="split_names" says="Test holds the words that stand in neither train nor dev, so a word that the list has twice can be lost from it. Cut by places, not by what the words are."
def split_names(words: list[str], seed: int) -> tuple[list[str], list[str], list[str]]:
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    n = len(shuffled)
    train = shuffled[: int(0.8 * n)]
    dev = shuffled[int(0.8 * n) : int(0.9 * n)]
    used = {*train, *dev}
    test = [word for word in shuffled if word not in used]
    return train, dev, test


# %% mistake="split_names" says="The list is cut first and each part shuffled by itself, so all of test still comes from the list's end. Shuffle the whole list, then cut."
def split_names(words: list[str], seed: int) -> tuple[list[str], list[str], list[str]]:
    n = len(words)
    train, dev, test = words[: int(0.8 * n)], words[int(0.8 * n) : int(0.9 * n)], words[int(0.9 * n) :]
    rng = random.Random(seed)
    for part in (train, dev, test):
        rng.shuffle(part)
    return train, dev, test


# %% mistake="split_names" says="You cut the text after joining the names, so a name at a border is torn in two and its letters land in two splits. Cut the list of whole names instead."
def split_names(words, seed):
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    text = ".".join(shuffled)
    first, second = int(0.8 * len(text)), int(0.9 * len(text))
    return tuple([w for w in part.split(".") if w] for part in (text[:first], text[first:second], text[second:]))


# %% mistake="split_names" says="The names are sorted, not shuffled: train would see names from one end of the alphabet and test the other. Shuffle with random.Random(seed)."
def split_names(words, seed):
    ordered = sorted(words)
    first, second = int(0.8 * len(ordered)), int(0.9 * len(ordered))
    return ordered[:first], ordered[first:second], ordered[second:]


# %% mistake="split_names" says="The names are cut in their original order{% if known %}, which is by frequency{% endif %}. Shuffle the copy before cutting it."
def split_names(words, seed):
    first, second = int(0.8 * len(words)), int(0.9 * len(words))
    return words[:first], words[first:second], words[second:]


# %% mistake="split_names" says="The split is right, but the caller's own list was shuffled too. Shuffle a copy: list(words)."
def split_names(words, seed):
    random.Random(seed).shuffle(words)
    first, second = int(0.8 * len(words)), int(0.9 * len(words))
    return words[:first], words[first:second], words[second:]


# %% mistake="split_names" says="Right sizes, but another order: `random.Random(seed).sample` draws otherwise than `shuffle` does with the same seed. Copy the list and shuffle the copy."
def split_names(words, seed):
    drawn = random.Random(seed).sample(words, len(words))
    first, second = int(0.8 * len(drawn)), int(0.9 * len(drawn))
    return drawn[:first], drawn[first:second], drawn[second:]


# %% mistake="split_names" says="Your third list holds the dev names as well: it begins where the second one begins. Begin it where the second one ends."
right_split_names = split_names


def split_names(words, seed):
    train, dev, test = right_split_names(words, seed)
    return train, dev, dev + test


# %% mistake="split_names" says="Your second cut is a tenth of the names, rounded down, behind the first one. It belongs at `int(0.9 * n)`, which may be one name further."
right_split_names = split_names


def split_names(words, seed):
    shuffled = sum(map(list, right_split_names(words, seed)), [])
    first = int(0.8 * len(shuffled))
    second = first + int(0.1 * len(shuffled))
    return shuffled[:first], shuffled[first:second], shuffled[second:]


# %% mistake="split_names" says="Names that stand in the list twice were dropped: a set or the keys of a dict keep one of each. Shuffle and cut the list as it is."
right_split_names = split_names


def split_names(words, seed):
    return right_split_names(list(dict.fromkeys(words)), seed)


# %% mistake="split_names" says="Your cuts are rounded to the nearest whole number. Asked for are `int(0.8 * n)` and `int(0.9 * n)`, which leave out what stands behind the point."
right_split_names = split_names


def split_names(words, seed):
    shuffled = sum(map(list, right_split_names(words, seed)), [])
    first, second = round(0.8 * len(shuffled)), round(0.9 * len(shuffled))
    return shuffled[:first], shuffled[first:second], shuffled[second:]


# %% mistake="split_names" says="Your cuts are at 80 and at 10 percent: the second one is to be at 90 percent of the list, so that dev and test have a tenth each."
def split_names(words, seed):
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    first, second = int(0.8 * len(shuffled)), int(0.1 * len(shuffled))
    return shuffled[:first], shuffled[first:second], shuffled[second:]


# %% mistake="split_names" says="The shuffle's seed is always 42, as in the lecture. Take the `seed` that your function is given."
right_split_names = split_names


def split_names(words, seed):
    return right_split_names(words, 42)


# %% mistake="split_names" says="Dev and test have changed places: the names from 80 to 90 percent are dev and come second, those behind them are test."
right_split_names = split_names


def split_names(words, seed):
    train, dev, test = right_split_names(words, seed)
    return train, test, dev


# %% mistake="split_names" says="Dev and test have a tenth each, rounded down and counted from the end, so that train gets what is left over. The cuts are at `int(0.8 * n)` and `int(0.9 * n)`, from the front."
def split_names(words, seed):
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    n = len(shuffled)
    return shuffled[: n - 2 * (n // 10)], shuffled[n - 2 * (n // 10) : n - n // 10], shuffled[n - n // 10 :]


# %% mistake="split_names" says="Your cuts are rounded up. `int(0.8 * n)` and `int(0.9 * n)` leave out what stands behind the point."
def split_names(words, seed):
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    n = len(shuffled)
    return shuffled[: math.ceil(0.8 * n)], shuffled[math.ceil(0.8 * n) : math.ceil(0.9 * n)], shuffled[math.ceil(0.9 * n) :]


# %% mistake="split_names" says="Your names are split into 70, 15 and 15 percent. The cuts belong at 80 and at 90 percent."
def split_names(words, seed):
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    n = len(shuffled)
    return shuffled[: int(0.7 * n)], shuffled[int(0.7 * n) : int(0.85 * n)], shuffled[int(0.85 * n) :]


# %% mistake="split_names" says="Your names are split into 90, 5 and 5 percent. The cuts belong at 80 and at 90 percent."
def split_names(words, seed):
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    n = len(shuffled)
    return shuffled[: int(0.9 * n)], shuffled[int(0.9 * n) : int(0.95 * n)], shuffled[int(0.95 * n) :]


# %% mistake="split_names" says="One name is lost at each cut: the next list begins one place behind it. A list begins where the one before it ends."
def split_names(words, seed):
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    n = len(shuffled)
    first, second = int(0.8 * n), int(0.9 * n)
    return shuffled[:first], shuffled[first + 1 : second], shuffled[second + 1 :]


# %% mistake="split_names" says="The last name is lost: your third list ends one too early. Leave its end open."
def split_names(words, seed):
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    n = len(shuffled)
    first, second = int(0.8 * n), int(0.9 * n)
    return shuffled[:first], shuffled[first:second], shuffled[second:-1]


# %% mistake="split_names" says="The list is sorted before it is shuffled, so that the same seed gives another order. Shuffle a copy of the list as it comes."
def split_names(words, seed):
    shuffled = sorted(words)
    random.Random(seed).shuffle(shuffled)
    first, second = int(0.8 * len(shuffled)), int(0.9 * len(shuffled))
    return shuffled[:first], shuffled[first:second], shuffled[second:]


# %% mistake="split_names" says="A seed of 0 is taken for none at all. Every whole number is a seed: hand over the one that is given."
right_split_names = split_names


def split_names(words, seed):
    return right_split_names(words, seed or 42)


# %% variant="split_names"
def split_names(words, seed):
    order = list(range(len(words)))
    random.Random(seed).shuffle(order)
    parts = ([], [], [])
    for place, index in enumerate(order):
        parts[(place >= int(0.8 * len(order))) + (place >= int(0.9 * len(order)))].append(words[index])
    return parts


# %% [markdown]
# ## Counting pairs
#
# A **bigram** is a pair of neighbouring symbols. The name `ava` has four of them: `.a`, `av`, `va`, `a.`. The dots count:
# `.a` says how names begin, and `a.` how they end.

# %% [markdown] exercise="bigram_counts"
# Write `bigram_counts(words)`: an integer matrix in which row `i`, column `j` says how often symbol `j` follows symbol `i`. Any integer type will do that can hold the counts.
#
# For `["ava"]` the matrix has exactly four ones: `[0, 1]`, `[1, 22]`, `[22, 1]` and `[1, 0]`, because `v` has index 22. A name without letters, `""`, is two dots: one pair, `[0, 0]`.
#
# <details><summary>Hint 1: the idea</summary>
#
# Put a dot in front of and behind each name; then every pair of neighbours is one count.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# (27, 27), integers: `torch.int32` and `torch.int64` will both do. The sum of all counts is the number of letters plus the number of names.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for each word: symbols = [0, indices of its letters, 0]; for current, following in zip(symbols, symbols[1:]): N[current, following] += 1
#
# </details>


# %% answer="bigram_counts"
def bigram_counts(words: list[str]) -> Int[Tensor, "27 27"]:
    """How often the symbol of a column follows the symbol of a row, start and end included."""
    ### BEGIN SOLUTION
    N = torch.zeros(27, 27, dtype=torch.int64)
    for word in words:
        symbols = [0, *(SYMBOLS.index(letter) for letter in word), 0]
        for current, following in zip(symbols, symbols[1:]):
            N[current, following] += 1
    return N
    ### END SOLUTION


# %% check="bigram_counts"
def counts_probe(g: torch.Generator):
    words = names_of_all_kinds(g, 50)
    in_a_row = [3 * words[0][-1:] + words[1][:3]]  # a pair that overlaps with itself
    counts = bigram_counts(words + words[:1] * 300 + in_a_row)  # so often that a byte could not count it
    return counts.int() if isinstance(counts, Tensor) and counts.dtype == torch.int64 else counts  # half as large in the file of answers


check("bigram_counts", counts_probe)

# %% oracle="bigram_counts"
ones = bigram_counts(["ava"])
assert ones.sum() == 4 and ones[0, 1] == ones[1, 22] == ones[22, 1] == ones[1, 0] == 1
X, Y = contexts_of(names.dev, 1)
assert torch.equal(bigram_counts(names.dev), torch.bincount(27 * X[:, 0] + Y, minlength=27 * 27).view(27, 27))


# %% mistake="bigram_counts" says="The pairs are counted with count() of a text, which does not see pairs that overlap: in aaa it finds aa once, not twice. Go through the pairs one by one."
def bigram_counts(words: list[str]) -> Int[Tensor, "27 27"]:
    N = torch.zeros(27, 27, dtype=torch.int64)
    for word in words:
        padded = "." + word + "."
        for a, b in set(zip(padded, padded[1:])):
            N[SYMBOLS.index(a), SYMBOLS.index(b)] += padded.count(a + b)
    return N


# %% mistake="bigram_counts" says="Row 0 is empty: the pair of the starting dot and the first letter is not counted. Each name needs a dot in front of it, and your loop has to begin there."
def bigram_counts(words):
    N = torch.zeros(27, 27, dtype=torch.int64)
    for word in words:
        symbols = [*(SYMBOLS.index(letter) for letter in word), 0]
        for current, following in zip(symbols, symbols[1:]):
            N[current, following] += 1
    return N


# %% mistake="bigram_counts" says="Column 0 is empty: the pair of the last letter and the ending dot is not counted. Each name needs a dot behind it, and your loop has to reach it."
def bigram_counts(words):
    N = torch.zeros(27, 27, dtype=torch.int64)
    for word in words:
        symbols = [0, *(SYMBOLS.index(letter) for letter in word)]
        for current, following in zip(symbols, symbols[1:]):
            N[current, following] += 1
    return N


# %% mistake="bigram_counts" says="One start and one end are missing: the text has no dot in front of its first name, or behind its last one. Each name begins and ends with a dot, also these two."
def bigram_counts(words):
    N = torch.zeros(27, 27, dtype=torch.int64)
    symbols = [SYMBOLS.index(symbol) for symbol in ".".join(words)]
    for current, following in zip(symbols, symbols[1:]):
        N[current, following] += 1
    return N


# %% mistake="bigram_counts" says="Rows and columns have changed places: the row is the current symbol, the column the one that follows."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    return right_bigram_counts(words).T.contiguous()


# %% mistake="bigram_counts" says="A pair counts at most once, however often it occurs: so does an assignment, and so does += with whole lists of indices. Add one for every occurrence, one after the other."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    return right_bigram_counts(words).clamp(max=1)


# %% mistake="bigram_counts" says="Row 0 and column 0 are empty: you counted pairs of letters only. Each name needs a dot in front of it and one behind it, and your loop has to go from the one to the other."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    N = right_bigram_counts(words)
    N[0], N[:, 0] = 0, 0
    return N


# %% mistake="bigram_counts" says="All names run into one text without dots between them, so the last letter of a name is followed by the first of the next. Begin and end each name with a dot."
def bigram_counts(words):
    N = torch.zeros(27, 27, dtype=torch.int64)
    symbols = [0, *(SYMBOLS.index(letter) for letter in "".join(words)), 0]
    for current, following in zip(symbols, symbols[1:]):
        N[current, following] += 1
    return N


# %% mistake="bigram_counts" says="Your indices are those of the letters that occur in these words. Here `a` to `z` always have 1 to 26, whether all of them occur or not: use SYMBOLS."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    occurring = sorted(set("".join(words)))
    return right_bigram_counts(["".join(SYMBOLS[1 + occurring.index(letter)] for letter in word) for word in words])


# %% mistake="bigram_counts" says="The letters begin at 0, and the dot has 0 as well: each `a` is counted as a dot, and `z` has row 25. Letters have the indices 1 to 26."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    N = torch.zeros(27, 27, dtype=torch.int64)
    for word in words:
        symbols = [0, *(SYMBOLS.index(letter) - 1 for letter in word), 0]
        for current, following in zip(symbols, symbols[1:]):
            N[current, following] += 1
    return N


# %% mistake="bigram_counts" says="Your dot has the last index, 26, and the letters begin at 0. In this notebook the dot has 0 and the letters 1 to 26."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    return right_bigram_counts(words).roll((-1, -1), (0, 1))


# %% mistake="bigram_counts" says="A name that stands in the list several times is counted once. Go through the list as it is, not through a set of it."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    return right_bigram_counts(list(dict.fromkeys(words)))


# %% mistake="bigram_counts" says="The ending dot of a name and the starting dot of the next are counted as a pair, at `[0, 0]`. They are not neighbours in any name: begin each name afresh."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    N = right_bigram_counts(words)
    N[0, 0] += len(words) - 1
    return N


# %% mistake="bigram_counts" says="Each pair is counted in both directions. Only what follows counts: the row is the first symbol, the column the second."
def bigram_counts(words):
    N = torch.zeros(27, 27, dtype=torch.int64)
    for word in words:
        symbols = [0, *map(SYMBOLS.index, word), 0]
        for i, j in zip(symbols, symbols[1:]):
            N[i, j] += 1
            N[j, i] += 1
    return N


# %% mistake="bigram_counts" says="You count each symbol with the one after the next. Pairs are neighbours: shift the symbols by one, not by two."
def bigram_counts(words):
    N = torch.zeros(27, 27, dtype=torch.int64)
    for word in words:
        symbols = [0, *map(SYMBOLS.index, word), 0]
        for i, j in zip(symbols, symbols[2:]):
            N[i, j] += 1
    return N


# %% mistake="bigram_counts" says="A pair that occurs twice in a name counts once there. A set holds it only once, and `N[i, j] += 1` with index tensors adds to each place one time. Count every pair, also one that has come before."
def bigram_counts(words):
    N = torch.zeros(27, 27, dtype=torch.int64)
    for word in words:
        symbols = torch.tensor([0, *map(SYMBOLS.index, word), 0])
        N[symbols[:-1], symbols[1:]] += 1
    return N


# %% mistake="bigram_counts" says="Names of less than two letters are left out. Every name counts, however short: with its dots there is at least one pair."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    return right_bigram_counts([word for word in words if len(word) > 1])


# %% mistake="bigram_counts" says="A name without letters is left out. It is two dots, which are one pair."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    return right_bigram_counts([word for word in words if word])


# %% mistake="bigram_counts" says="Two dots stand in front of each name, so that they count as a pair of their own. A bigram looks at one symbol: one dot in front, one behind."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    N = right_bigram_counts(words)
    N[0, 0] += len(words)
    return N


# %% mistake="bigram_counts" says="The row is the symbol that follows, counted at the ends: `a.` stands in the dot's row. The row is the first symbol of a pair, the column the second, at the ends, too."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    N = right_bigram_counts(words)
    N[0], N[:, 0] = N[:, 0].clone(), N[0].clone()
    return N


# %% mistake="bigram_counts" says="Two letters that are the same and follow each other are not counted. They are a pair like any other."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    N = right_bigram_counts(words)
    N.fill_diagonal_(0)
    return N


# %% mistake="bigram_counts" says="The last pair of letters of each name is missing: a loop ends one too early, and the ending dot is added on its own. Every pair of neighbours counts."
def bigram_counts(words):
    N = torch.zeros(27, 27, dtype=torch.int64)
    for word in words:
        symbols = [0, *map(SYMBOLS.index, word)]
        for i, j in zip(symbols[:-1], symbols[1:-1]):
            N[i, j] += 1
        N[symbols[-1], 0] += 1
    return N


# %% mistake="bigram_counts" says="The counts are kept in a byte, which begins anew at 256. Take an integer type that can hold them, such as int64."
right_bigram_counts = bigram_counts


def bigram_counts(words):
    return (right_bigram_counts(words) % 256).to(torch.uint8)


# %% variant="bigram_counts"
def bigram_counts(words):
    text = torch.tensor([SYMBOLS.index(s) for s in "." + "".join(f"{word}." for word in words)])
    return torch.bincount(27 * text[:-1] + text[1:], minlength=27 * 27).view(27, 27)


# %% [markdown]
# The lecture's picture of these counts, for 3,000 of the training names. It uses your function, so it appears once the exercise is done.


# %%
def draw_counts(N: Tensor, title: str) -> None:
    """The 27 x 27 counts as an image with its numbers."""
    figure, axes = plt.subplots(figsize=(10, 10))
    axes.imshow(N.float().sqrt(), cmap="Blues")  # the root, so that rare pairs can be seen beside common ones
    places = {}  # of each digit in each shade, to draw them at once: 729 texts would take a second
    for i, row in enumerate(N.tolist()):
        for j, count in enumerate(row):
            shade, digits = "white" if count > 0.4 * N.max() else "#555555", str(count)
            for k, digit in enumerate(digits):
                places.setdefault((digit, shade), []).append((j + 0.2 * (k - (len(digits) - 1) / 2), i))
    for (digit, shade), points in places.items():
        around = TextPath((-0.3, -0.36), digit, size=1)  # the digit, its middle on its place
        axes.plot(*zip(*points), linestyle="", marker=around, markersize=4, color=shade, markeredgewidth=0)
    axes.set_xticks(range(27), list(SYMBOLS))
    axes.set_yticks(range(27), list(SYMBOLS))
    axes.set_xlabel("following symbol")
    axes.set_ylabel("current symbol")
    axes.set_title(title)
    plt.show()


try:
    draw_counts(bigram_counts(names.train[:3000]), "How often one symbol follows another in 3,000 of the training names")
except Exception as error:  # noqa: BLE001  a picture must not stop the notebook; the check tells what is wrong
    plt.close()
    print(f"The picture comes when bigram_counts is {'written' if isinstance(error, NotImplementedError) else 'right'}.")

# %% [markdown] exercise="bigram_probabilities"
# Write `bigram_probabilities(counts, smoothing)`. Add `smoothing` to **every** count, then divide so that each **row** sums to 1.
#
# A row with the counts 3 and 1 and otherwise zeros, with smoothing 1, becomes 4/31 and 2/31 and 1/31 everywhere else: 31 is 3 + 1 + 27 times 1.
#
# Why smoothing? A pair that never occurred in training would have the probability 0. If it occurs in a new name, the loss is $-\ln 0$, infinite.
#
# <details><summary>Hint 1: the idea</summary>
#
# The row is the condition: given the current symbol, the probabilities of all that may follow add up to 1.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# The sum of the rows should have the shape (27, 1). If it has the shape (27,), broadcasting lines it up with the columns, and nothing complains.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# smoothed = counts as float + smoothing; return smoothed / (sum over dimension 1, keeping the dimension)
#
# </details>


# %% answer="bigram_probabilities"
def bigram_probabilities(counts: Int[Tensor, "27 27"], smoothing: float) -> Float[Tensor, "27 27"]:
    """Probabilities of the following symbol, one row for each current symbol, from smoothed counts."""
    ### BEGIN SOLUTION
    smoothed = counts.float() + smoothing
    return smoothed / smoothed.sum(1, keepdim=True)
    ### END SOLUTION


# %% check="bigram_probabilities"
def probabilities_probe(g: torch.Generator):
    counts = torch.randint(1, 40, (27, 27), generator=g) * (torch.rand(27, 27, generator=g) < 0.6)
    counts[int(torch.randint(27, (1,), generator=g))] = 0  # a symbol that never occurred
    counts[:3] *= 1000  # and some that occurred very often
    strong = bigram_probabilities(counts.int(), 2.0 + int(torch.randint(9, (1,), generator=g)))  # more than 1, and another integer type
    return bigram_probabilities(counts, between(g, 0.1, 0.9)), strong[:, ::9].clone() if isinstance(strong, Tensor) else strong


check("bigram_probabilities", probabilities_probe)

# %% oracle="bigram_probabilities"
example = torch.zeros(27, 27, dtype=torch.int64)
example[:, 0], example[:, 5] = 3, 1
found = bigram_probabilities(example, 1.0)
assert torch.allclose(found.sum(1), torch.ones(27)) and torch.allclose(found[4, [0, 5, 7]], torch.tensor([4 / 31, 2 / 31, 1 / 31]))
g = torch.Generator().manual_seed(1)
counts = torch.randint(0, 9, (27, 27), generator=g)
assert torch.allclose(bigram_probabilities(counts, 0.5), F.softmax((counts + 0.5).log(), 1), atol=1e-6)


# %% mistake="bigram_probabilities" says="The smoothed counts are written into a tensor of whole numbers, which cuts off their fractions: a smoothing of 0.5 adds nothing. Let them be floating-point numbers first."
def bigram_probabilities(counts: Int[Tensor, "27 27"], smoothing: float) -> Float[Tensor, "27 27"]:
    P = counts.clone()
    P[:, :] = counts + smoothing
    return P / P.sum(1, keepdim=True)


# %% mistake="bigram_probabilities" says="Without keepdim the row sums have the shape (27,) and are lined up with the columns, so each element is divided by another row's sum. Do your rows add up to 1?"
def bigram_probabilities(counts, smoothing):
    smoothed = counts.float() + smoothing
    return smoothed / smoothed.sum(1)


# %% mistake="bigram_probabilities" says="The smoothing is missing: pairs that never occurred have the probability 0, and one of them in a new name makes the loss infinite. Add it to every count first."
def bigram_probabilities(counts, smoothing):
    return counts.float() / counts.float().sum(1, keepdim=True)


# %% mistake="bigram_probabilities" says="Your columns sum to 1, not your rows. The row is the current symbol: sum over dimension 1."
def bigram_probabilities(counts, smoothing):
    smoothed = counts.float() + smoothing
    return smoothed / smoothed.sum(0, keepdim=True)


# %% mistake="bigram_probabilities" says="The smoothing is in the numerator but not in the sum you divide by, so the rows add up to more than 1."
def bigram_probabilities(counts, smoothing):
    return (counts.float() + smoothing) / counts.float().sum(1, keepdim=True)


# %% mistake="bigram_probabilities" says="The divisor has the smoothing once. It was added to each of the 27 counts of a row, so it is 27 times in the row's sum."
def bigram_probabilities(counts, smoothing):
    return (counts + smoothing) / (counts.sum(1, keepdim=True) + smoothing)


# %% mistake="bigram_probabilities" says="The smoothing is put only where a count is 0. Add it to every count, then divide by the row's sum."
def bigram_probabilities(counts, smoothing):
    smoothed = counts.float().masked_fill(counts == 0, smoothing)
    return smoothed / smoothed.sum(1, keepdim=True)


# %% mistake="bigram_probabilities" says="You add 1 to every count, as the lecture does, whatever the smoothing is. Add the number that is given."
def bigram_probabilities(counts, smoothing):
    return (counts + 1) / (counts + 1).sum(1, keepdim=True)


# %% mistake="bigram_probabilities" says="This is a softmax of the counts: they go through an exponential, and the largest takes everything. Counts are positive already: divide each by its row's sum."
def bigram_probabilities(counts, smoothing):
    return F.softmax(counts + smoothing, 1)


# %% mistake="bigram_probabilities" says="You divide by the sum of the whole matrix, so all 729 numbers together add up to 1. Each row is to add up to 1 by itself."
def bigram_probabilities(counts, smoothing):
    return (counts + smoothing) / (counts + smoothing).sum()


# %% mistake="bigram_probabilities" says="The smoothing is added after the division, to probabilities. Add it to the counts first, then divide, so that the rows add up to 1."
def bigram_probabilities(counts, smoothing):
    return counts / counts.sum(1, keepdim=True) + smoothing


# %% mistake="bigram_probabilities" says="A 27th of the smoothing is added to each count. Add the whole of it to each one of them."
right_bigram_probabilities = bigram_probabilities


def bigram_probabilities(counts, smoothing):
    return right_bigram_probabilities(counts, smoothing / 27)


# %% mistake="bigram_probabilities" says="The smoothing is taken away from the counts. Add it: no probability is to be 0, let alone below."
right_bigram_probabilities = bigram_probabilities


def bigram_probabilities(counts, smoothing):
    return right_bigram_probabilities(counts, -smoothing)


# %% mistake="bigram_probabilities" says="Only the smoothing is divided by the row's sum, the counts are added whole: a division comes before a sum. Put counts + smoothing into brackets."
def bigram_probabilities(counts, smoothing):
    return counts + smoothing / (counts + smoothing).sum(1, keepdim=True)


# %% mistake="bigram_probabilities" says="Only the smoothing is divided by the sum of the plain counts: a division comes before a sum. Put counts + smoothing into brackets, and sum the smoothed counts."
def bigram_probabilities(counts, smoothing):
    return counts + smoothing / counts.sum(1, keepdim=True)


# %% mistake="bigram_probabilities" says="The sum of the columns divides, and without keepdim it lies across the rows. Sum over dimension 1 and keep the dimension, so that each row is divided by its own sum."
def bigram_probabilities(counts, smoothing):
    return (counts + smoothing) / (counts + smoothing).sum(0)[:, None]


# %% mistake="bigram_probabilities" says="Counts below the smoothing are raised to it, the others stay as they are. Add the smoothing to every count."
def bigram_probabilities(counts, smoothing):
    smoothed = counts.float().clamp(min=smoothing)
    return smoothed / smoothed.sum(1, keepdim=True)


# %% mistake="bigram_probabilities" says="Your smoothing has become a whole number: it was put into a table of integers. Make the counts floats before you add it."
def bigram_probabilities(counts, smoothing):
    smoothed = counts + int(smoothing)
    return smoothed / smoothed.sum(1, keepdim=True).clamp(min=1)


# %% mistake="bigram_probabilities" says="The divisor has 26 times the smoothing. It was added to each of the 27 symbols of a row, the dot among them."
def bigram_probabilities(counts, smoothing):
    return (counts + smoothing) / (counts.sum(1, keepdim=True) + 26 * smoothing)


# %% mistake="bigram_probabilities" says="A row without any count gets probabilities of zero. With the smoothing they add up to 1 as well: every symbol has 1/27."
def bigram_probabilities(counts, smoothing):
    P = (counts + smoothing) / (counts + smoothing).sum(1, keepdim=True)
    P[counts.sum(1) == 0] = 0.0
    return P


# %% mistake="bigram_probabilities" says="These are the logarithms of the probabilities. Return the probabilities themselves."
def bigram_probabilities(counts, smoothing):
    return ((counts + smoothing) / (counts + smoothing).sum(1, keepdim=True)).log()


# %% mistake="bigram_probabilities" says="You divide by the largest of each row, so that it becomes 1. Divide by the row's sum."
def bigram_probabilities(counts, smoothing):
    return (counts + smoothing) / (counts + smoothing).amax(1, keepdim=True)


# %% mistake="bigram_probabilities" says="You divide by the length of the row as a vector, the root of the sum of squares. Divide by the plain sum: probabilities add up to 1."
def bigram_probabilities(counts, smoothing):
    return F.normalize(counts + smoothing * torch.ones(27), dim=1)


# %% variant="bigram_probabilities"
def bigram_probabilities(counts, smoothing):
    return torch.stack([(row + smoothing) / (row + smoothing).sum() for row in counts.float()])


# %% [markdown]
# ## One number for a model
#
# The model gives each pair that really occurs a probability. Their product is the **likelihood**; it is tiny, so one takes the logarithm, which turns the
# product into a sum, changes its sign, and averages: the **average negative log-likelihood**, in nats per symbol. Lower is better. A model
# that guesses uniformly gives every symbol the probability 1/27, and its loss is $-\ln(1/27)$, which the next cell computes.

# %%
print(f"-ln(1/27) = {-math.log(1 / 27):.4f}")

# %% [markdown] exercise="mean_nll"
# Write `mean_nll(P, pairs)`: the mean over all pairs `(i, j)` of $-\ln P_{ij}$.
#
# If `P` gives two pairs the probabilities 0.5 and 0.25, the answer is $(0.6931 + 1.3863) / 2 = 1.0397$.
#
# <details><summary>Hint 1: the idea</summary>
#
# Pick one probability for each pair, take its natural logarithm, change the sign, average.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# `P[rows, columns]` with two index tensors of shape (n,) picks n elements. The result has no dimension at all.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# return -(log of P[first of each pair, second of each pair]).mean()
#
# </details>


# %% answer="mean_nll"
def mean_nll(P: Float[Tensor, "27 27"], pairs: Int[Tensor, "n 2"]) -> Float[Tensor, ""]:
    """The average negative log-likelihood of the pairs, in nats."""
    ### BEGIN SOLUTION
    return -P[pairs[:, 0], pairs[:, 1]].log().mean()
    ### END SOLUTION


# %% check="mean_nll"
def nll_probe(g: torch.Generator):
    pairs = torch.randint(27, (130 + int(torch.randint(20, (1,), generator=g)), 2), generator=g)
    pairs = torch.cat([pairs, pairs[:9]])  # pairs that occur twice
    logits = torch.randn(27, 27, generator=g)
    logits[pairs[:8, 0], pairs[:8, 1]] -= torch.arange(10, 26, 2)  # and some that are hardly possible
    return mean_nll(F.softmax(logits, 1), pairs)


check("mean_nll", nll_probe)

# %% oracle="mean_nll"
P = torch.zeros(27, 27)
P[1, 2], P[3, 4] = 0.5, 0.25
assert abs(mean_nll(P, torch.tensor([[1, 2], [3, 4]])).item() - 1.0397) < 1e-4
assert abs(mean_nll(torch.full((27, 27), 1 / 27), torch.tensor([[5, 6]])).item() - 3.2958) < 1e-4


# %% mistake="mean_nll" says="This is the sum over the pairs, not their mean: it grows with the number of names. Average it."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].log().sum()


# %% mistake="mean_nll" says="This is the logarithm to base 10. A loss in nats takes the natural logarithm, torch.log."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].log10().mean()


# %% mistake="mean_nll" says="You averaged the probabilities themselves. Take the logarithm of each before averaging."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].mean()


# %% mistake="mean_nll" says="The sign is missing: the logarithm of a probability is negative, and a loss is to be positive."
def mean_nll(P, pairs):
    return P[pairs[:, 0], pairs[:, 1]].log().mean()


# %% mistake="mean_nll" says="`P[pairs]` takes a whole row for each symbol of a pair, 27 numbers where one is wanted. Index with two tensors: the first symbols and the second ones."
def mean_nll(P, pairs):
    return -P[pairs].log().mean()


# %% mistake="mean_nll" says="You combine the first symbol of every pair with the second symbol of every other pair, n times n numbers. Use both index tensors in one pair of brackets."
def mean_nll(P, pairs):
    return -P[pairs[:, 0]][:, pairs[:, 1]].log().mean()


# %% mistake="mean_nll" says="Row and column have changed places: the first symbol of a pair says which row, the second which element of it."
def mean_nll(P, pairs):
    return -P[pairs[:, 1], pairs[:, 0]].log().mean()


# %% mistake="mean_nll" says="This is the logarithm of the mean probability. The order matters: take the logarithm of each pair's probability, then the mean of these."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].mean().log()


# %% mistake="mean_nll" says="The sum is divided by 27, the number of rows in P. Divide by the number of pairs: the loss is a mean over them."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].log().sum() / len(P)


# %% mistake="mean_nll" says="The sum is divided by 729, the size of P. Divide by the number of pairs: the loss is a mean over them."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].log().sum() / P.numel()


# %% mistake="mean_nll" says="The sum is divided by the number of symbols, two in each pair. Divide by the number of pairs."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].log().sum() / pairs.numel()


# %% mistake="mean_nll" says="A pair that occurs several times counts once here. Each occurrence counts: take all pairs as they come, without a set or `unique`."
def mean_nll(P, pairs):
    pairs = torch.unique(pairs, dim=0)
    return -P[pairs[:, 0], pairs[:, 1]].log().mean()


# %% mistake="mean_nll" says="P goes through a softmax, but its rows are probabilities already. Take the logarithm of P itself."
def mean_nll(P, pairs):
    P = P.softmax(1)
    return -P[pairs[:, 0], pairs[:, 1]].log().mean()


# %% mistake="mean_nll" says="A constant of 0.01 is added to each probability before the logarithm, as against a zero. It makes the loss too small: take the logarithm of the probability itself."
def mean_nll(P, pairs):
    return -(P[pairs[:, 0], pairs[:, 1]] + 0.01).log().mean()


# %% mistake="mean_nll" says="A constant of 0.001 is added to each probability before the logarithm, as against a zero. It makes the loss too small: take the logarithm of the probability itself."
def mean_nll(P, pairs):
    return -(P[pairs[:, 0], pairs[:, 1]] + 0.001).log().mean()


# %% mistake="mean_nll" says="A constant of 0.00001 is added to each probability before the logarithm, as against a zero. It makes the loss too small: take the logarithm of the probability itself."
def mean_nll(P, pairs):
    return -(P[pairs[:, 0], pairs[:, 1]] + 0.00001).log().mean()


# %% mistake="mean_nll" says="A constant of 0.000001 is added to each probability before the logarithm, as against a zero. It makes the loss too small: take the logarithm of the probability itself."
def mean_nll(P, pairs):
    return -(P[pairs[:, 0], pairs[:, 1]] + 0.000001).log().mean()


# %% mistake="mean_nll" says="A constant of 0.0000001 is added to each probability before the logarithm, as against a zero. It makes the loss too small: take the logarithm of the probability itself."
def mean_nll(P, pairs):
    return -(P[pairs[:, 0], pairs[:, 1]] + 0.0000001).log().mean()


# %% mistake="mean_nll" says="A constant of 0.00000001 is added to each probability before the logarithm, as against a zero. It makes the loss too small: take the logarithm of the probability itself."
def mean_nll(P, pairs):
    return -(P[pairs[:, 0], pairs[:, 1]] + 0.00000001).log().mean()


# %% mistake="mean_nll" says="A constant of 0.000000001 is added to each probability before the logarithm, as against a zero. It makes the loss too small: take the logarithm of the probability itself."
def mean_nll(P, pairs):
    return -(P[pairs[:, 0], pairs[:, 1]] + 0.000000001).log().mean()


# %% mistake="mean_nll" says="A constant of 0.0000000001 is added to each probability before the logarithm, as against a zero. It makes the loss too small: take the logarithm of the probability itself."
def mean_nll(P, pairs):
    return -(P[pairs[:, 0], pairs[:, 1]] + 0.0000000001).log().mean()


# %% mistake="mean_nll" says="Probabilities below 0.00000001 are raised to it. A pair that is hardly possible has a large loss: take the logarithm of what stands in P."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].clamp(min=0.00000001).log().mean()


# %% mistake="mean_nll" says="Probabilities below 0.0000000001 are raised to it. A pair that is hardly possible has a large loss: take the logarithm of what stands in P."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].clamp(min=0.0000000001).log().mean()


# %% mistake="mean_nll" says="The pairs are reshaped to two rows, which tears them apart. Reshaping is not transposing: the first symbols are the column `pairs[:, 0]`, the second ones `pairs[:, 1]`."
def mean_nll(P, pairs):
    rows, columns = pairs.reshape(2, -1)
    return -P[rows, columns].log().mean()


# %% mistake="mean_nll" says="Only the first hundred pairs are looked at. Take all of them."
def mean_nll(P, pairs):
    return -P[pairs[:100, 0], pairs[:100, 1]].log().mean()


# %% mistake="mean_nll" says="This is a logarithm to base 2, which counts bits. A loss in nats takes the natural logarithm."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].log2().mean()


# %% mistake="mean_nll" says="The first symbol of a pair picks the row and the column. The column is its second symbol."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 0]].log().mean()


# %% mistake="mean_nll" says="Your loss is the entropy of these pairs' probabilities: each logarithm is multiplied by its probability. Every pair counts alike: take the plain mean of the logarithms."
def mean_nll(P, pairs):
    p = P[pairs[:, 0], pairs[:, 1]]
    return -(p * p.log()).mean()


# %% mistake="mean_nll" says="This is the median over the pairs, not their mean. Add all of them up and divide by their number."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].log().median()


# %% mistake="mean_nll" says="The sum is divided by one less than the number of pairs. Divide by their number."
def mean_nll(P, pairs):
    return -P[pairs[:, 0], pairs[:, 1]].log().sum() / (len(pairs) - 1)


# %% variant="mean_nll"
def mean_nll(P, pairs):
    total = sum(-math.log(P[i, j]) for i, j in pairs.tolist())
    return torch.tensor(total / len(pairs))


# %% [markdown] exercise="sample_names"
# Write `sample_names(P, count, generator)`: a list of `count` names. Each starts at the dot. Draw the next symbol from the current
# symbol's row with `torch.multinomial(row, num_samples=1, replacement=True, generator=generator)`, until the dot comes again. The dot is not part of the name.
#
# Draw one symbol at a time and one name after the other, with the generator given: then everybody's names are the same. A name ends where the dot is drawn and
# nowhere else: it may have a hundred letters, or none if the dot comes first.
#
# <details><summary>Hint 1: the idea</summary>
#
# A name is a walk through the symbols: the row of where you are decides where you go, the dot ends it.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# `P[index]` has the shape (27,); `torch.multinomial` returns shape (1,), and `.item()` makes it a number.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for each name: index = 0, letters = []; repeat: index = draw from row index; if index is 0: stop; append its symbol. Join the letters.
#
# </details>


# %% answer="sample_names"
def sample_names(P: Float[Tensor, "27 27"], count: int, generator: torch.Generator) -> list[str]:
    """Names drawn from a bigram model, without their dots."""
    ### BEGIN SOLUTION
    found = []
    for _ in range(count):
        letters, index = [], 0
        while True:
            index = torch.multinomial(P[index], num_samples=1, replacement=True, generator=generator).item()
            if index == 0:
                break
            letters.append(SYMBOLS[index])
        found.append("".join(letters))
    return found
    ### END SOLUTION


# %% check="sample_names"
def sampling_probe(g: torch.Generator):
    logits = torch.randn(27, 27, generator=g)
    logits[:, 0] += 2  # names of a few letters
    logits[0, 0] -= 4
    P = F.softmax(logits, 1)
    P[0] = 0.6 * P[0] + 0.4 * torch.eye(27)[0]  # and some of none
    Q = F.softmax(0.5 * torch.randn(27, 27, generator=g) - 99 * torch.eye(27)[0], 1)
    order = [0, *(1 + torch.randperm(26, generator=g)).tolist()]
    chain = torch.zeros(27, 27)
    chain[order, order[1:] + [0]] = 1.0
    Q = 0.25 * chain + 0.745 * Q + 0.005 * torch.eye(27)[0]  # and long ones; the likeliest symbols in a row end, too
    seed = int(torch.randint(2**31, (1,), generator=g))

    def begun(seed: int) -> torch.Generator:
        generator = torch.Generator().manual_seed(seed)
        torch.rand(5, generator=generator)  # it has drawn before
        return generator

    def both(generator: torch.Generator) -> dict[str, list[str]]:
        return {"short names": sample_names(P, 9, generator), "long names": sample_names(Q, 12, generator)}

    def few(generator: torch.Generator) -> list[str]:
        return [*sample_names(P, 9, generator), *sample_names(Q, 1, generator)]

    found = both(begun(seed))
    first, again, other = (few(begun(s)) for s in (seed, seed, seed + 1))
    if first == again != other:
        return found
    if first != again:
        return dict.fromkeys(found, "other names each time, although the generator begins anew")
    one_name = len({*found["long names"]}) == 1
    return dict.fromkeys(found, "the same name again and again" if one_name else "the same names, whatever the generator")


check("sample_names", sampling_probe)

# %% oracle="sample_names"
chain = torch.zeros(27, 27)
chain[0, 1] = chain[1, 22] = chain[22, 5] = chain[5, 0] = 1.0  # . -> a -> v -> e -> .
assert sample_names(chain, 2, torch.Generator().manual_seed(0)) == ["ave", "ave"]


# %% mistake="sample_names" says="All names are drawn side by side, a symbol of each in turn. Draw one name to its end before you begin the next: so the random numbers are meant."
def sample_names(P: Float[Tensor, "27 27"], count: int, generator: torch.Generator) -> list[str]:
    result = [""] * count
    current = [0] * count
    open_ = list(range(count))
    while open_:
        for k in list(open_):
            ix = torch.multinomial(P[current[k]], num_samples=1, replacement=True, generator=generator).item()
            current[k] = ix
            if ix == 0:
                open_.remove(k)
            else:
                result[k] += SYMBOLS[ix]
    return result


# %% mistake="sample_names" says="Every symbol is drawn from the dot's row. After each draw the row to draw from is that of the symbol just drawn."
def sample_names(P, count, generator):
    found = []
    for _ in range(count):
        letters = []
        while (index := torch.multinomial(P[0], 1, replacement=True, generator=generator).item()) != 0:
            letters.append(SYMBOLS[index])
        found.append("".join(letters))
    return found


# %% mistake="sample_names" says="The ending dot is part of your names. Stop before you append it."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return [f"{name}." for name in right_sample_names(P, count, generator)]


# %% mistake="sample_names" says="You always take the most probable symbol, so every name is the same. Draw with torch.multinomial."
def sample_names(P, count, generator):
    letters, index = [], 0
    while (index := P[index].argmax().item()) != 0 and len(letters) < 60:
        letters.append(SYMBOLS[index])
    return ["".join(letters)] * count


# %% mistake="sample_names" says="You draw from a column of P. The probabilities of what follows symbol `i` stand in its row, `P[i]`; a column does not even add up to 1."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return right_sample_names(P.T, count, generator)


# %% mistake="sample_names" says="The starting dot is part of your names. Each walk starts there, but begin the name itself with no letter."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return ["." + name for name in right_sample_names(P, count, generator)]


# %% mistake="sample_names" says="The first letter is drawn evenly from the alphabet. How names begin stands in the dot's row of P: draw it from there, like every other symbol."
def sample_names(P, count, generator):
    found = []
    for _ in range(count):
        letters, index = [], torch.randint(1, 27, (1,), generator=generator).item()
        while index:
            letters.append(SYMBOLS[index])
            index = torch.multinomial(P[index], 1, replacement=True, generator=generator).item()
        found.append("".join(letters))
    return found


# %% mistake="sample_names" says="Only the first name comes back: your function returns when one name has ended. Return after the loop over the names, not inside of it."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return right_sample_names(P, 1, generator)


# %% mistake="sample_names" says="An empty name is left out of your list. When the dot comes first, the name has no letters; it counts as one of the names all the same."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return [name for name in right_sample_names(P, count, generator) if name]


# %% mistake="sample_names" says="An empty name is thrown away and another one is drawn in its place. When the dot comes first, the name has no letters and counts all the same."
def sample_names(P, count, generator):
    found = []
    while len(found) < count:
        letters, index = [], 0
        while (index := torch.multinomial(P[index], 1, replacement=True, generator=generator).item()) != 0:
            letters.append(SYMBOLS[index])
        if letters:
            found.append("".join(letters))
    return found


# %% mistake="sample_names" says="Your names end after 10 letters at the latest, though no dot was drawn. Only the dot ends a name, however long it becomes."
def sample_names(P, count, generator):
    found = []
    for _ in range(count):
        letters, index = [], 0
        while len(letters) < 10 and (index := torch.multinomial(P[index], 1, replacement=True, generator=generator).item()) != 0:
            letters.append(SYMBOLS[index])
        found.append("".join(letters))
    return found


# %% mistake="sample_names" says="Your names end after 20 letters at the latest, though no dot was drawn. Only the dot ends a name, however long it becomes."
def sample_names(P, count, generator):
    found = []
    for _ in range(count):
        letters, index = [], 0
        while len(letters) < 20 and (index := torch.multinomial(P[index], 1, replacement=True, generator=generator).item()) != 0:
            letters.append(SYMBOLS[index])
        found.append("".join(letters))
    return found


# %% mistake="sample_names" says="Your names end after 50 letters at the latest, though no dot was drawn. Only the dot ends a name, however long it becomes."
def sample_names(P, count, generator):
    found = []
    for _ in range(count):
        letters, index = [], 0
        while len(letters) < 50 and (index := torch.multinomial(P[index], 1, replacement=True, generator=generator).item()) != 0:
            letters.append(SYMBOLS[index])
        found.append("".join(letters))
    return found


# %% mistake="sample_names" says="Your symbols are drawn evenly, whatever P says. What follows a symbol has the probabilities of its row: draw with torch.multinomial from `P[index]`."
def sample_names(P, count, generator):
    found = []
    for _ in range(count):
        letters = []
        while (index := torch.randint(27, (1,), generator=generator).item()) != 0:
            letters.append(SYMBOLS[index])
        found.append("".join(letters))
    return found


# %% mistake="sample_names" says="A name begins with a draw from the row of the last letter of the name before. Every walk starts at the dot: set the index back to 0 for each name."
def sample_names(P, count, generator):
    found = []
    last = 0
    for _ in range(count):
        letters, index = [], last
        while (index := torch.multinomial(P[index], 1, replacement=True, generator=generator).item()) != 0:
            letters.append(SYMBOLS[index])
            last = index
        last = SYMBOLS.index(letters[-1]) if letters else 0
        found.append("".join(letters))
    return found


# %% mistake="sample_names" says="The names do not follow the generator that is given: with other seeds the same ones come out. Hand `generator` to torch.multinomial, and set no seed yourself."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return right_sample_names(P, count, torch.Generator().manual_seed(2147483647))


# %% mistake="sample_names" says="Your draws do not come from the generator that is given, so that nobody can draw these names again. Hand it to torch.multinomial."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return right_sample_names(P, count, torch.default_generator)


# %% mistake="sample_names" says="The letters are shifted by one: index 1 is `a`, index 2 is `b`. SYMBOLS has the letter of each index, the dot at 0."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return ["".join(chr(ord(letter) + 1) for letter in name) for name in right_sample_names(P, count, generator)]


# %% mistake="sample_names" says="Your draws begin anew in each call: you make a generator of your own with the first seed of the given one, which may have drawn before. Draw with the generator itself."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return right_sample_names(P, count, torch.Generator().manual_seed(generator.initial_seed()))


# %% mistake="sample_names" says="The state of the given generator is copied and stays as it was, so that a second call draws the same numbers again. Draw with the generator itself."
right_sample_names = sample_names


def sample_names(P, count, generator):
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    return right_sample_names(P, count, copy)


# %% mistake="sample_names" says="One draw more than needed is taken at the end, so that what the generator gives next is another number. Stop at the dot of the last name."
right_sample_names = sample_names


def sample_names(P, count, generator):
    found = right_sample_names(P, count, generator)
    torch.multinomial(P[0], 1, replacement=True, generator=generator)
    return found


# %% mistake="sample_names" says="A name without letters comes back as a dot. When the dot comes first, the name is the empty text."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return [name or "." for name in right_sample_names(P, count, generator)]


# %% mistake="sample_names" says="Your names are reversed: a letter that is drawn later stands further right. Append it at the end."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return [name[::-1] for name in right_sample_names(P, count, generator)]


# %% mistake="sample_names" says="The names come sorted. Return them in the order of the draws."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return sorted(right_sample_names(P, count, generator))


# %% mistake="sample_names" says="A name that was drawn before is left out. The same name may come twice: keep each."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return list(dict.fromkeys(right_sample_names(P, count, generator)))


# %% mistake="sample_names" says="One name too many comes back. Return as many as `count` says."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return right_sample_names(P, count + 1, generator)


# %% mistake="sample_names" says="The last letter of each name is missing: it is cut off together with the dot, which was not there any more. Take the letters as they are."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return [name[:-1] for name in right_sample_names(P, count, generator)]


# %% mistake="sample_names" says="Your names begin with a capital letter. The symbols are small letters: join them as they are."
right_sample_names = sample_names


def sample_names(P, count, generator):
    return [name.title() for name in right_sample_names(P, count, generator)]


# %% variant="sample_names"
def sample_names(P, count, generator):
    def walk(index):
        index = int(torch.multinomial(P[index], 1, True, generator=generator))
        return "" if index == 0 else SYMBOLS[index] + walk(index)

    return [walk(0) for _ in range(count)]


# %% [markdown]
# ## The same model as a network
#
# Now the table becomes weights. A one-hot vector times a matrix picks a row, so the logits of symbol `i` are simply row `i` of `W`. The softmax
# makes probabilities of them, and instead of counting, gradient descent moves `W` until these probabilities fit.
#
# A penalty pulls all weights towards zero, that is all probabilities towards 1/27. It does what the smoothing did.

# %% [markdown] exercise="neural_bigram_loss"
# Write `neural_bigram_loss(W, pairs, strength)`. The logits are rows of `W`; take the softmax, then the mean negative log-likelihood of the pairs, and add
# `strength` times the **mean** of the squares of `W`. The check also takes the gradient through your function, so use torch operations only.
#
# With `W` all zeros every probability is 1/27 and the loss is 3.2958, whatever the strength.
#
# <details><summary>Hint 1: the idea</summary>
#
# First symbol of a pair: which row. Second symbol: which element of that row's softmax.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# logits (n, 27), the softmax over dimension 1 (the symbols), one probability a row (n,), a loss without dimensions.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# logits = W[first]; probs = exp(logits) / its sum over dimension 1; loss = -mean(log(probs[arange(n), second])); return loss + strength * mean(W squared)
#
# </details>


# %% answer="neural_bigram_loss"
def neural_bigram_loss(W: Float[Tensor, "27 27"], pairs: Int[Tensor, "n 2"], strength: float) -> Float[Tensor, ""]:
    """Mean negative log-likelihood of the pairs, plus strength times the mean square of the weights."""
    ### BEGIN SOLUTION
    logits = W[pairs[:, 0]]  # n, 27
    logprobs = logits - logits.logsumexp(1, keepdim=True)
    return -logprobs[torch.arange(len(pairs)), pairs[:, 1]].mean() + strength * (W**2).mean()
    ### END SOLUTION


# %% check="neural_bigram_loss"
def neural_probe(g: torch.Generator):
    W = (torch.randn(27, 27, generator=g) + 0.5).requires_grad_()  # of a mean that is not 0
    pairs = torch.randint(27, (30 + int(torch.randint(20, (1,), generator=g)), 2), generator=g)
    pairs = torch.cat([pairs, pairs[:9]])  # pairs that occur twice
    loss = neural_bigram_loss(W, pairs, between(g, 0.2, 0.9))
    loss.backward()
    return {"loss": loss, "gradient": W.grad if W.grad is None else W.grad[::2].clone()}  # every other row: a smaller file of answers


check("neural_bigram_loss", neural_probe)

# %% oracle="neural_bigram_loss"
W = torch.randn(27, 27, generator=torch.Generator().manual_seed(3))
pairs = torch.tensor([[0, 1], [1, 2], [1, 0]])
assert torch.allclose(neural_bigram_loss(W, pairs, 0.5), F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + 0.5 * W.pow(2).mean())
assert abs(neural_bigram_loss(torch.zeros(27, 27), pairs, 9.0).item() - 3.2958) < 1e-4


# %% mistake="neural_bigram_loss" says="The penalty is the sum of the squares, 729 times too strong. Take their mean."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * (W**2).sum()


# %% mistake="neural_bigram_loss" says="The softmax runs over the examples, not over the 27 symbols: an example's probabilities must add up to 1. Sum over dimension 1."
def neural_bigram_loss(W, pairs, strength):
    probs = F.softmax(W[pairs[:, 0]], 0)
    return -probs[torch.arange(len(pairs)), pairs[:, 1]].log().mean() + strength * (W**2).mean()


# %% mistake="neural_bigram_loss" says="The penalty on the weights is missing: nothing pulls them towards zero. Add `strength` times the mean of their squares to the likelihood."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1])


# %% mistake="neural_bigram_loss" says="The softmax is taken twice: F.cross_entropy makes probabilities of what it gets, and it gets probabilities. Give it the logits."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(F.softmax(W[pairs[:, 0]], 1), pairs[:, 1]) + strength * (W**2).mean()


# %% mistake="neural_bigram_loss" says="The loss is right, but the penalty has no gradient: it is a plain number or was cut from the graph, so nothing pulls the weights. Keep it a tensor, without .item(), .data or detach."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * (W.detach() ** 2).mean()


# %% mistake="neural_bigram_loss" says="The loss is right, but only the penalty has a gradient: the likelihood is computed from W.data or a detached copy, so it cannot move W. Take the rows of W itself."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W.detach()[pairs[:, 0]], pairs[:, 1]) + strength * (W**2).mean()


# %% mistake="neural_bigram_loss" says="You penalise the logits of these pairs, so rows that occur often count more and others not at all. Square all weights of W."
def neural_bigram_loss(W, pairs, strength):
    logits = W[pairs[:, 0]]
    return F.cross_entropy(logits, pairs[:, 1]) + strength * (logits**2).mean()


# %% mistake="neural_bigram_loss" says="The logits are divided by their sum without an exponential: they may be negative, so they give no probabilities. Take exp of the logits first."
def neural_bigram_loss(W, pairs, strength):
    logits = W[pairs[:, 0]]
    probs = logits / logits.sum(1, keepdim=True)
    return -probs[torch.arange(len(pairs)), pairs[:, 1]].log().mean() + strength * (W**2).mean()


# %% mistake="neural_bigram_loss" says="Your penalty has the lecture's strength, 0.01, whatever is asked for. Multiply by the `strength` that your function is given."
right_neural_bigram_loss = neural_bigram_loss


def neural_bigram_loss(W, pairs, strength):
    return right_neural_bigram_loss(W, pairs, 0.01)


# %% mistake="neural_bigram_loss" says="Each row's probabilities are taken at the second symbols of all pairs, n times n numbers. Take one for each pair, with `torch.arange` for the rows."
def neural_bigram_loss(W, pairs, strength):
    return -F.softmax(W[pairs[:, 0]], 1)[:, pairs[:, 1]].log().mean() + strength * (W**2).mean()


# %% mistake="neural_bigram_loss" says="The first and second symbols of the pairs have changed places: the first one picks the row of W, the second one is what that row should predict."
right_neural_bigram_loss = neural_bigram_loss


def neural_bigram_loss(W, pairs, strength):
    return right_neural_bigram_loss(W, pairs.flip(1), strength)


# %% mistake="neural_bigram_loss" says="Your loss is a plain number, and the check calls backward on it. Return the tensor itself, without .item() or float()." raises="AttributeError"
right_neural_bigram_loss = neural_bigram_loss


def neural_bigram_loss(W, pairs, strength):
    return right_neural_bigram_loss(W, pairs, strength).item()


# %% mistake="neural_bigram_loss" says="The penalty is subtracted: large weights would lower the loss. Does a minus stand in front of a bracket that holds both? Add the penalty."
def neural_bigram_loss(W, pairs, strength):
    nll = F.cross_entropy(W[pairs[:, 0]], pairs[:, 1])
    return nll - strength * (W**2).mean()


# %% mistake="neural_bigram_loss" says="The penalty is the mean size of the weights, without their sign. Asked for is the mean of their squares."
def neural_bigram_loss(W, pairs, strength):
    nll = F.cross_entropy(W[pairs[:, 0]], pairs[:, 1])
    return nll + strength * W.abs().mean()


# %% mistake="neural_bigram_loss" says="The penalty is the root of the mean square. Asked for is the mean of the squares itself: leave out the root."
def neural_bigram_loss(W, pairs, strength):
    nll = F.cross_entropy(W[pairs[:, 0]], pairs[:, 1])
    return nll + strength * (W**2).mean().sqrt()


# %% mistake="neural_bigram_loss" says="The penalty squares the mean of the weights, where positive and negative ones cancel. Square each weight first, then take the mean."
def neural_bigram_loss(W, pairs, strength):
    nll = F.cross_entropy(W[pairs[:, 0]], pairs[:, 1])
    return nll + strength * W.mean() ** 2


# %% mistake="neural_bigram_loss" says="The penalty is the plain mean of the weights, which a negative weight lowers. Square them before you take the mean."
def neural_bigram_loss(W, pairs, strength):
    nll = F.cross_entropy(W[pairs[:, 0]], pairs[:, 1])
    return nll + strength * W.mean()


# %% mistake="neural_bigram_loss" says="Your penalty is half as strong as asked for: is there a factor 1/2 in front of the mean of the squares?"
def neural_bigram_loss(W, pairs, strength):
    nll = F.cross_entropy(W[pairs[:, 0]], pairs[:, 1])
    return nll + strength / 2 * (W**2).mean()


# %% mistake="neural_bigram_loss" says="The likelihood is the sum over the pairs, not their mean: it grows with the number of names. Take the mean, then add the penalty."
def neural_bigram_loss(W, pairs, strength):
    nll = F.cross_entropy(W[pairs[:, 0]], pairs[:, 1], reduction="sum")
    return nll + strength * (W**2).mean()


# %% mistake="neural_bigram_loss" says="The penalty is the variance of the weights, their distance from their own mean. It is to pull them to zero: take the mean of the squares themselves."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * W.var()


# %% mistake="neural_bigram_loss" says="The penalty is the variance of the weights, with the number of weights below: still their distance from their own mean. Take the mean of the squares themselves."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * W.var(unbiased=False)


# %% mistake="neural_bigram_loss" says="The penalty is the length of W as a vector, the root of the sum of squares. Asked for is the mean of the squares."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * W.norm()


# %% mistake="neural_bigram_loss" says="The squares are summed over each row and averaged over the rows: 27 times too strong. Take the mean over all weights."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * (W**2).sum(1).mean()


# %% mistake="neural_bigram_loss" says="Only the rows that the pairs use are penalised, each once. Square all weights of W."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * (W[pairs[:, 0].unique()] ** 2).mean()


# %% mistake="neural_bigram_loss" says="Only one weight for each pair is penalised, the one it picks. Square all weights of W."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * (W[pairs[:, 0], pairs[:, 1]] ** 2).mean()


# %% mistake="neural_bigram_loss" says="The penalty is divided by the number of pairs. Add strength times the mean of the squares once, as it is."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * (W**2).mean() / len(pairs)


# %% mistake="neural_bigram_loss" says="The penalty enters with the square of the strength. Multiply by the strength once."
def neural_bigram_loss(W, pairs, strength):
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * strength * (W**2).mean()


# %% mistake="neural_bigram_loss" says="The logarithm of the softmax is missing: this is minus the mean probability, with the penalty. Take the logarithm of each pair's probability first."
def neural_bigram_loss(W, pairs, strength):
    return -F.softmax(W[pairs[:, 0]], 1)[torch.arange(len(pairs)), pairs[:, 1]].mean() + strength * (W**2).mean()


# %% variant="neural_bigram_loss"
def neural_bigram_loss(W, pairs, strength):
    counts = (F.one_hot(pairs[:, 0], 27).float() @ W).exp()
    probs = counts / counts.sum(1, keepdim=True)
    return strength * W.square().mean() - (probs * F.one_hot(pairs[:, 1], 27)).sum(1).log().mean()


# %% [markdown]
# ## Two symbols of context
#
# A **trigram** model looks at the two symbols before the one to predict. At the beginning of a name there is nothing before it, so the
# context is filled with dots: **as many as the context is long**.

# %% [markdown] exercise="trigram_pairs"
# Write `trigram_pairs(words)`: all contexts, shape (N, 2), and all targets, shape (N,), in reading order.
#
# The name `ava` gives four rows: `.. -> a`, `.a -> v`, `av -> a`, `va -> .`. A name of n letters gives n + 1 predictions, whatever the context is; one without letters gives `.. -> .`.
#
# With a single dot in front, the first prediction would be `.a -> v`: the model is never asked for a first letter, which is the hardest one to guess, and the loss
# looks much better than it is.
#
# <details><summary>Hint 1: the idea</summary>
#
# Slide a window of three symbols over the padded name: two of context, one target.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# contexts (N, 2), targets (N,), integers (any integer type will do), where N is the number of letters plus the number of names.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for each word: symbols = [0, 0, indices of its letters, 0]; for each three in a row: two to the contexts, the third to the targets. Two tensors of the two lists.
#
# </details>


# %% answer="trigram_pairs"
def trigram_pairs(words: list[str]) -> tuple[Int[Tensor, "n 2"], Int[Tensor, " n"]]:
    """The two symbols before each prediction, and the symbol to predict; names are padded with two dots in front."""
    ### BEGIN SOLUTION
    contexts, targets = [], []
    for word in words:
        symbols = [0, 0, *(SYMBOLS.index(letter) for letter in word), 0]
        for first, second, target in zip(symbols, symbols[1:], symbols[2:]):
            contexts.append([first, second])
            targets.append(target)
    return torch.tensor(contexts), torch.tensor(targets)
    ### END SOLUTION


# %% check="trigram_pairs"
check("trigram_pairs", lambda g: trigram_pairs(names_of_all_kinds(g, 3)))

# %% oracle="trigram_pairs"
X, Y = trigram_pairs(["ava"])
assert X.tolist() == [[0, 0], [0, 1], [1, 22], [22, 1]] and Y.tolist() == [1, 22, 1, 0]
expected = contexts_of(names.dev[:500], 2)
assert all(torch.equal(a, b) for a, b in zip(trigram_pairs(names.dev[:500]), expected))


# %% mistake="trigram_pairs" says="Your names have one dot in front and two behind. It takes two in front, so that the first letter has a context of two dots, and one behind, which ends the name."
def trigram_pairs(words):
    contexts, targets = [], []
    for word in words:
        symbols = [0, *(SYMBOLS.index(letter) for letter in word), 0, 0]
        for first, second, third in zip(symbols, symbols[1:], symbols[2:]):
            contexts.append([first, second])
            targets.append(third)
    return torch.tensor(contexts), torch.tensor(targets)


# %% mistake="trigram_pairs" says="The first letter of a name is never a target, which fakes a much lower loss. Each name needs two dots in front, as many as the context is long, and your loop has to begin there."
def trigram_pairs(words):
    contexts, targets = [], []
    for word in words:
        symbols = [0, *(SYMBOLS.index(letter) for letter in word), 0]
        for first, second, target in zip(symbols, symbols[1:], symbols[2:]):
            contexts.append([first, second])
            targets.append(target)
    return torch.tensor(contexts), torch.tensor(targets)


# %% mistake="trigram_pairs" says="The end of a name is never a target, so the model cannot learn to stop. Each name needs a dot behind it too, and your loop has to reach it."
def trigram_pairs(words):
    contexts, targets = [], []
    for word in words:
        symbols = [0, 0, *(SYMBOLS.index(letter) for letter in word)]
        for first, second, target in zip(symbols, symbols[1:], symbols[2:]):
            contexts.append([first, second])
            targets.append(target)
    return torch.tensor(contexts), torch.tensor(targets)


# %% mistake="trigram_pairs" says="The two symbols of each context have changed places. The older one comes first, as in reading."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    X, Y = right_trigram_pairs(words)
    return X.flip(1), Y


# %% mistake="trigram_pairs" says="All contexts of a name show its end: every row is one and the same list, which goes on changing. Keep a new list for each row."
def trigram_pairs(words):
    X, Y = [], []
    for word in words:
        context = [0, 0]
        for symbol in word + ".":
            X.append(context)
            Y.append(SYMBOLS.index(symbol))
            context.append(Y[-1])
            context.pop(0)
    return torch.tensor(X), torch.tensor(Y)


# %% mistake="trigram_pairs" says="The context runs on from one name into the next. Begin each name with a fresh context of two dots."
def trigram_pairs(words):
    text = [0, 0, *(SYMBOLS.index(s) for s in "".join(f"{word}." for word in words))]
    return torch.tensor([list(p) for p in zip(text, text[1:-1])]), torch.tensor(text[2:])


# %% mistake="trigram_pairs" says="Two dots stand behind each name as well, so each name has one prediction too many: after the dot that ends it nothing is to be predicted. One is enough there."
def trigram_pairs(words):
    rows = []
    for word in words:
        symbols = [0, 0, *(SYMBOLS.index(letter) for letter in word), 0, 0]
        rows += zip(symbols, symbols[1:], symbols[2:])
    table = torch.tensor(rows)
    return table[:, :2], table[:, 2]


# %% mistake="trigram_pairs" says="Your letters begin at 0, which is the dot, so `a` and the end of a name are the same. Letters have the indices 1 to 26."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    return tuple((t - 1).clamp(min=0) for t in right_trigram_pairs(words))


# %% mistake="trigram_pairs" says="Names of two letters are left out. Every name counts, however short: with its dots it is long enough for a window of three."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    return right_trigram_pairs([word for word in words if len(word) > 2])


# %% mistake="trigram_pairs" says="No dots at all: first letters, second letters and ends are never predicted. Put two dots in front of each name and one behind it."
def trigram_pairs(words):
    indices = [[SYMBOLS.index(letter) for letter in word] for word in words]
    rows = [row for letters in indices for row in zip(letters, letters[1:], letters[2:])]
    table = torch.tensor(rows)
    return table[:, :2], table[:, 2]


# %% mistake="trigram_pairs" says="Each target is the second symbol of its own context, so that there is nothing to predict. The target is the symbol that follows the two."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    contexts, targets = right_trigram_pairs(words)
    return contexts, contexts[:, 1].clone()


# %% mistake="trigram_pairs" says="Your contexts are the symbols on both sides of the target. Asked for are the two symbols before it, and the one that follows them."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    contexts, targets = right_trigram_pairs(words)
    return torch.stack([contexts[:, 0], targets], 1), contexts[:, 1].clone()


# %% mistake="trigram_pairs" says="Names of one letter are left out, and those without any. Every name counts, however short: with its dots it is long enough for a window of three."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    return right_trigram_pairs([word for word in words if len(word) > 1])


# %% mistake="trigram_pairs" says="A name without letters is left out. It has one prediction all the same: behind two dots comes the end."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    return right_trigram_pairs([word for word in words if word])


# %% mistake="trigram_pairs" says="A name that stands in the list several times is used once. Go through the list as it is."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    return right_trigram_pairs(list(dict.fromkeys(words)))


# %% mistake="trigram_pairs" says="A row that occurred before is left out. Every occurrence counts, in reading order."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    X, Y = right_trigram_pairs(words)
    rows = list(dict.fromkeys(map(tuple, torch.cat([X, Y[:, None]], 1).tolist())))
    table = torch.tensor(rows)
    return table[:, :2], table[:, 2]


# %% mistake="trigram_pairs" says="The names come in another order, sorted. Go through them as they stand in the list."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    return right_trigram_pairs(sorted(words))


# %% mistake="trigram_pairs" says="Your letters have the indices of those that occur in these words. Here `a` to `z` always have 1 to 26: use SYMBOLS."
right_trigram_pairs = trigram_pairs


def trigram_pairs(words):
    known = sorted(set("".join(words)))
    return right_trigram_pairs(["".join(SYMBOLS[1 + known.index(letter)] for letter in word) for word in words])


# %% mistake="trigram_pairs" says="All names run into one another, with dots only at the very beginning and end. Each name has two dots in front of its own."
def trigram_pairs(words):
    text = [0, 0, *(SYMBOLS.index(s) for s in "".join(words)), 0]
    return torch.tensor([list(p) for p in zip(text, text[1:-1])]), torch.tensor(text[2:])


# %% variant="trigram_pairs"
def trigram_pairs(words):
    rows = []
    for word in words:
        context = (0, 0)
        for letter in word + ".":
            index = 0 if letter == "." else ord(letter) - ord("a") + 1
            rows.append((*context, index))
            context = (context[1], index)
    table = torch.tensor(rows)
    return table[:, :2], table[:, 2]


# %% [markdown] exercise="trigram_logits"
# A linear trigram model takes a one-hot vector of 54 numbers, 27 for the first symbol and 27 for the second, times a matrix `W` of shape (54, 27). Write
# `trigram_logits(W, contexts)` by indexing: the product with a vector of two ones is the sum of two rows, so no one-hot vector need ever be made.
# (The check looks at the logits alone.)
#
# For the context `(1, 22)` the logits are `W[1] + W[49]`, because 27 + 22 = 49.
#
# <details><summary>Hint 1: the idea</summary>
#
# The upper half of `W` belongs to the first symbol, the lower half to the second.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Indexing `W` with n row numbers gives (n, 27); two of those are added.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# return rows of W at the first symbols + rows of W at (27 + the second symbols)
#
# </details>


# %% answer="trigram_logits"
def trigram_logits(W: Float[Tensor, "54 27"], contexts: Int[Tensor, "n 2"]) -> Float[Tensor, "n 27"]:
    """Logits of the linear trigram model, by indexing."""
    ### BEGIN SOLUTION
    return W[contexts[:, 0]] + W[27 + contexts[:, 1]]
    ### END SOLUTION


# %% check="trigram_logits"
def trigram_logits_probe(g: torch.Generator):
    corners = torch.tensor([[0, 0], [26, 26], [0, 26], [26, 0], [5, 5]])
    contexts = torch.cat([torch.randint(27, (13, 2), generator=g), corners])
    return trigram_logits(torch.randn(54, 27, generator=g), contexts)


check("trigram_logits", trigram_logits_probe)

# %% oracle="trigram_logits"
W = torch.randn(54, 27, generator=torch.Generator().manual_seed(5))
contexts = torch.randint(27, (9, 2), generator=torch.Generator().manual_seed(6))
hot = torch.cat([F.one_hot(contexts[:, 0], 27), F.one_hot(contexts[:, 1], 27)], 1).float()
assert torch.allclose(trigram_logits(W, contexts), hot @ W, atol=1e-6)
assert torch.equal(trigram_logits(W, torch.tensor([[1, 22]])), (W[1] + W[49])[None])


# %% mistake="trigram_logits" says="For a dot as second symbol your row is counted from -1, which is the last row, that of z. The dot has a row of its own, the first of the lower 27."
def trigram_logits(W: Float[Tensor, "54 27"], contexts: Int[Tensor, "n 2"]) -> Float[Tensor, "n 27"]:
    first, second = contexts[:, 0], contexts[:, 1]
    letters = W[-26:]  # a to z of the second symbol
    return W[first] + letters[second - 1]


# %% mistake="trigram_logits" says="Both symbols use the upper half of W, so the model cannot tell which came first. The second symbol's rows begin at 27."
def trigram_logits(W, contexts):
    return W[contexts[:, 0]] + W[contexts[:, 1]]


# %% mistake="trigram_logits" says="The halves of W have changed places: rows 0 to 26 belong to the first symbol of the context."
def trigram_logits(W, contexts):
    return W[27 + contexts[:, 0]] + W[contexts[:, 1]]


# %% mistake="trigram_logits" says="Only the second symbol is used. Add the first symbol's row."
def trigram_logits(W, contexts):
    return W[27 + contexts[:, 1]]


# %% mistake="trigram_logits" says="The two rows are set side by side, which gives 54 numbers for each context. Add them: a product with two ones in the vector is a sum of two rows."
def trigram_logits(W, contexts):
    return torch.cat([W[contexts[:, 0]], W[27 + contexts[:, 1]]], 1)


# %% mistake="trigram_logits" says="The second symbol's rows begin one too early: with 26 added, the dot gets the last row of the upper half. There are 27 symbols in each half."
def trigram_logits(W, contexts):
    return W[contexts[:, 0]] + W[26 + contexts[:, 1]]


# %% mistake="trigram_logits" says="`contexts[0]` and `contexts[1]` are the first two contexts. The first symbols of all contexts are a column, `contexts[:, 0]`."
def trigram_logits(W, contexts):
    return W[contexts[0]] + W[27 + contexts[1]]


# %% mistake="trigram_logits" says="The two rows are multiplied. A one-hot vector with two ones times W adds the rows that they pick."
def trigram_logits(W, contexts):
    return W[contexts[:, 0]] * W[27 + contexts[:, 1]]


# %% mistake="trigram_logits" says="Only the first symbol is used. Add the second symbol's row, from the lower half of W."
def trigram_logits(W, contexts):
    return W[contexts[:, 0]]


# %% mistake="trigram_logits" says="Each symbol picks a row at twice its index, as if the two halves of W were interleaved. The second symbol's rows are the last 27, one block."
def trigram_logits(W, contexts):
    return W[2 * contexts[:, 0]] + W[2 * contexts[:, 1] + 1]


# %% mistake="trigram_logits" says="The second symbol's row is subtracted. A one-hot vector with two ones times W adds the rows that they pick."
def trigram_logits(W, contexts):
    return W[contexts[:, 0]] - W[27 + contexts[:, 1]]


# %% mistake="trigram_logits" says="The second symbol's rows begin one too late: with 28 added, the dot gets the row of `a`. There are 27 symbols in each half."
def trigram_logits(W, contexts):
    return W[contexts[:, 0]] + W[(28 + contexts[:, 1]) % 54]


# %% mistake="trigram_logits" says="The two rows are averaged. A one-hot vector with two ones times W adds the rows that they pick."
def trigram_logits(W, contexts):
    return (W[contexts[:, 0]] + W[27 + contexts[:, 1]]) / 2


# %% mistake="trigram_logits" says="Both rows belong to the first symbol, one from each half. The row of the lower half is that of the second symbol."
def trigram_logits(W, contexts):
    return W[contexts[:, 0]] + W[27 + contexts[:, 0]]


# %% mistake="trigram_logits" says="Both rows belong to the second symbol, one from each half. The row of the upper half is that of the first symbol."
def trigram_logits(W, contexts):
    return W[contexts[:, 1]] + W[27 + contexts[:, 1]]


# %% mistake="trigram_logits" says="A symbol that stands at both places counts once, as in a vector into which ones are put. Each half has its own one: here add the two rows, also when the symbols are equal."
def trigram_logits(W, contexts):
    return torch.where((contexts[:, 0] == contexts[:, 1])[:, None], W[contexts[:, 0]], W[contexts[:, 0]] + W[27 + contexts[:, 1]])


# %% mistake="trigram_logits" says="Rows of W are counted from its end for the second symbol. Its rows begin at 27 and go upwards."
def trigram_logits(W, contexts):
    return W[contexts[:, 0]] + W[-1 - contexts[:, 1]]


# %% mistake="trigram_logits" says="The contexts are reshaped to two rows, which tears them apart. The first symbols are the column `contexts[:, 0]`, the second ones `contexts[:, 1]`."
def trigram_logits(W, contexts):
    first, second = contexts.reshape(2, -1)
    return W[first] + W[27 + second]


# %% mistake="trigram_logits" says="These are probabilities: the logits went through a softmax. Return the sum of the two rows itself."
def trigram_logits(W, contexts):
    return F.softmax(W[contexts[:, 0]] + W[27 + contexts[:, 1]], 1)


# %% mistake="trigram_logits" says="The sum of the two rows went through a tanh. A linear model adds the rows and does nothing more."
def trigram_logits(W, contexts):
    return (W[contexts[:, 0]] + W[27 + contexts[:, 1]]).tanh()


# %% variant="trigram_logits"
def trigram_logits(W, contexts):
    halves = W.view(2, 27, 27)
    return torch.stack([halves[0].index_select(0, contexts[:, 0]), halves[1].index_select(0, contexts[:, 1])]).sum(0)


# %% [markdown] exercise="cross_entropy"
# Write `cross_entropy(logits, targets)` from logits, in such a way that it survives large ones: adding 1000 to every logit must not change the result.
# `F.cross_entropy` does the same and earns the point too; you learn more if you write it once yourself.
#
# The check calls your function with plain logits, with the same logits + 1000, with whole rows of them raised by 0, 200 or 400, and with one logit in some rows far above or below the others: that of the target, or another
# one. In float32, $e^{1000}$ is infinity, and infinity divided by infinity is not a number; $e^{-200}$ is 0, and its logarithm is minus infinity. So what saves one row must not ruin another, and a target that is all but
# impossible has a large loss, no infinite one.
#
# <details><summary>Hint 1: the idea</summary>
#
# A softmax does not change when the same number is subtracted from every logit of a row. Which number keeps every exponential at most 1?
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# The largest logit of each row, with the dimension kept: (n, 1).
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# shifted = logits - largest of each row; logprobs = shifted - log(sum of exp(shifted) over the row); return minus the mean of the targets' logprobs
#
# </details>


# %% answer="cross_entropy"
def cross_entropy(logits: Float[Tensor, "n 27"], targets: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    """Mean negative log-likelihood of the targets under the softmax of the logits, safe for logits of any size."""
    ### BEGIN SOLUTION
    shifted = logits - logits.max(1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()
    ### END SOLUTION


# %% check="cross_entropy"
def cross_entropy_probe(g: torch.Generator):
    logits, targets = 3 * torch.randn(32, 27, generator=g), torch.randint(27, (32,), generator=g)
    apart = 200 * (torch.randperm(32, generator=g) % 3)[:, None]  # a whole row is raised by 0, 200 or 400
    some = (torch.arange(32) % 8 == 0)[:, None]  # four rows
    sure, other = some * F.one_hot(targets, 27), some * F.one_hot((targets + 9) % 27, 27)
    return {
        "plain": cross_entropy(logits, targets),
        "plus_1000": cross_entropy(logits + 1000, targets),
        "rows_apart": cross_entropy(logits + apart - 300 * other, targets),  # and a logit far below the others
        "target_far_above": cross_entropy(logits + 1000 * sure, targets),
        "target_far_below": cross_entropy(logits + 1000 * other, targets),
    }


check("cross_entropy", cross_entropy_probe)

# %% oracle="cross_entropy"
logits = 3 * torch.randn(32, 27, generator=torch.Generator().manual_seed(8))
targets = torch.arange(32) % 27
assert torch.allclose(cross_entropy(logits, targets), F.cross_entropy(logits, targets))
assert torch.allclose(cross_entropy(logits - 1e4, targets), F.cross_entropy(logits - 1e4, targets))


# %% mistake="cross_entropy" says="The shifted logits are cut off below, so a target that lies further down costs only as much as the bound. The logarithm of a sum of exponentials needs no such bound."
def cross_entropy(logits: Float[Tensor, "n 27"], targets: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    shifted = logits - logits.max(dim=1, keepdim=True).values
    shifted = shifted.clamp(min=-80)  # exp(-80) is still a number
    logprobs = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% mistake="cross_entropy" says="The probabilities are cut off at a small number before the logarithm, so a target that is all but impossible never costs more than that allows. Compute the logarithm of the softmax without the probability in between."
def cross_entropy(logits: Float[Tensor, "n 27"], targets: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    counts = (logits - logits.max(1, keepdim=True).values).exp()
    probs = counts / counts.sum(1, keepdim=True)
    chosen = probs[torch.arange(len(targets)), targets].clamp(min=1e-20)
    return -chosen.log().mean()


# %% mistake="cross_entropy" says="The exponential overflows for large logits. Subtract the largest logit of each row first: that does not change the softmax."
def cross_entropy(logits, targets):
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdim=True)
    return -probs[torch.arange(len(targets)), targets].log().mean()


# %% mistake="cross_entropy" says="The softmax is taken twice: what goes into the second one is no longer logits but probabilities, and everything is flattened."
def cross_entropy(logits, targets):
    return F.cross_entropy(F.softmax(logits, 1), targets)


# %% mistake="cross_entropy" says="This is the sum over the examples. Average it, so that the loss does not depend on the size of the batch."
def cross_entropy(logits, targets):
    return F.cross_entropy(logits, targets, reduction="sum")


# %% mistake="cross_entropy" says="The sum of exponentials is taken of the shifted logits, the target's logit is not shifted. Subtract the largest from both, or add it to the logarithm again."
def cross_entropy(logits, targets):
    shifted = logits - logits.max(1, keepdim=True).values
    return (shifted.exp().sum(1).log() - logits[torch.arange(len(targets)), targets]).mean()


# %% mistake="cross_entropy" says="Large logits are cut off at a limit, so that with 1000 added all are the same. Shift them instead: subtract the largest of each row."
def cross_entropy(logits, targets):
    return F.cross_entropy(logits.clamp(max=80), targets)


# %% mistake="cross_entropy" says="The logits are divided by the largest one, which changes how far they are apart. Subtract it: only their differences count in a softmax."
def cross_entropy(logits, targets):
    return F.cross_entropy(logits / logits.max(1, keepdim=True).values, targets)


# %% mistake="cross_entropy" says="One maximum is subtracted from the whole batch: a row far below it has only exponentials of 0, and the logarithm of 0 follows. Take the largest logit of each row."
def cross_entropy(logits, targets):
    shifted = logits - logits.max()
    logprobs = shifted - shifted.exp().sum(1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% mistake="cross_entropy" says="The largest of each column is subtracted: the logits of a row are shifted by different amounts, and that changes its softmax. One number for each row."
def cross_entropy(logits, targets):
    return F.cross_entropy(logits - logits.max(0, keepdim=True).values, targets)


# %% mistake="cross_entropy" says="Each row is read at the targets of all rows, n times n numbers. Read each at its own target, with `torch.arange` for the rows."
def cross_entropy(logits, targets):
    return -F.log_softmax(logits, 1)[:, targets].mean()


# %% mistake="cross_entropy" says="The softmax runs over the examples, so columns add up to 1. An example's 27 probabilities must: use dimension 1."
def cross_entropy(logits, targets):
    return -F.log_softmax(logits, 0)[torch.arange(len(targets)), targets].mean()


# %% mistake="cross_entropy" says="You subtract the smallest logit of each row, so that one far above it still overflows in the exponential. Subtract the largest: then no exponent is above 0."
def cross_entropy(logits, targets):
    shifted = logits - logits.min(1, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% mistake="cross_entropy" says="You subtract the largest of each column, which shifts the logits of one row by different amounts; and a row far below the others has only exponentials of 0, and their sum divides. Take the maximum over dimension 1."
def cross_entropy(logits, targets):
    shifted = logits - logits.max(0, keepdim=True).values
    probs = shifted.exp() / shifted.exp().sum(1, keepdim=True)
    return -probs[torch.arange(len(targets)), targets].log().mean()


# %% mistake="cross_entropy" says="You subtract the largest of each column, which shifts the logits of one row by different amounts; and in a row far below the others the logarithm of 0 follows. Take the maximum over dimension 1."
def cross_entropy(logits, targets):
    shifted = logits - logits.max(0, keepdim=True).values
    logprobs = shifted - shifted.exp().sum(1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% mistake="cross_entropy" says="The exponential overflows in float64, too, where the limit is about 700. More digits do not help: subtract the largest logit of each row first."
def cross_entropy(logits, targets):
    counts = logits.double().exp()
    probs = counts / counts.sum(1, keepdim=True)
    return -probs[torch.arange(len(targets)), targets].log().mean().float()


# %% mistake="cross_entropy" says="The logarithm is missing: this is minus the mean probability. Take the logarithm of each target's probability, then the mean."
def cross_entropy(logits, targets):
    return -F.softmax(logits, 1)[torch.arange(len(targets)), targets].mean()


# %% mistake="cross_entropy" says="The logarithm comes too late: this is that of the mean probability. Take the logarithm of each target's probability first, then the mean."
def cross_entropy(logits, targets):
    return -F.softmax(logits, 1)[torch.arange(len(targets)), targets].mean().log()


# %% mistake="cross_entropy" says="You subtract a number of each row that others may be far above, such as its mean: those still overflow in the exponential. Subtract the largest logit of the row."
def cross_entropy(logits, targets):
    shifted = logits - logits.mean(1, keepdim=True)
    logprobs = shifted - shifted.exp().sum(1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% mistake="cross_entropy" says="Where the target is far below another logit, your loss is infinite: its probability has become 0 before the logarithm, or its own logit is what you subtract. Subtract the row's largest, and from that the logarithm of the sum."
def cross_entropy(logits, targets):
    shifted = (logits - logits.max(1, keepdim=True).values).exp()
    return -(shifted / shifted.sum(1, keepdim=True))[torch.arange(len(targets)), targets].log().mean()


# %% mistake="cross_entropy" says="A hundred-millionth is added to each probability before the logarithm, so that a target far below the others costs too little. Work with logarithms all the way, not with probabilities."
def cross_entropy(logits, targets):
    return -(F.softmax(logits, 1)[torch.arange(len(targets)), targets] + 1e-8).log().mean()


# %% mistake="cross_entropy" says="A constant of 1e-10 is added to each probability before the logarithm, so that a target far below the others costs too little. Work with logarithms all the way."
def cross_entropy(logits, targets):
    return -(F.softmax(logits, 1)[torch.arange(len(targets)), targets] + 1e-10).log().mean()


# %% mistake="cross_entropy" says="A fixed 1000 is subtracted from all logits. That saves those of the example and ruins the others: subtract the largest of each row."
def cross_entropy(logits, targets):
    shifted = logits - 1000
    logprobs = shifted - shifted.exp().sum(1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()


# %% mistake="cross_entropy" says="The loss is negative: the minus before the mean of the logarithms is missing."
def cross_entropy(logits, targets):
    return -F.cross_entropy(logits, targets)


# %% mistake="cross_entropy" says="The sum of the targets' logarithms is divided by all 27 n numbers, not by the n rows. Pick one logarithm for each row."
def cross_entropy(logits, targets):
    return F.cross_entropy(logits, targets) / 27


# %% mistake="cross_entropy" says="The loss is counted in bits, by a logarithm to base 2. Take the natural one."
def cross_entropy(logits, targets):
    return F.cross_entropy(logits, targets) / math.log(2)


# %% variant="cross_entropy"
def cross_entropy(logits, targets):
    picked = logits.gather(1, targets[:, None]).squeeze(1)
    return (torch.logsumexp(logits, 1) - picked).mean()


# %% [markdown] exercise="why_cross_entropy"
# In real code one calls `F.cross_entropy(logits, targets)` and does not write the softmax, the logarithm and the mean one after the other. Give at least two
# reasons, in three to five sentences.

# %% [markdown] written="why_cross_entropy"
# It is stable: the largest logit is subtracted first, so that no exponential overflows, and the logarithm is taken of the sum as a whole, so that none is taken of a
# rounded zero. It is faster and takes less memory: one kernel instead of several operations, and none of the intermediate tensors has to be kept for the
# backward pass. Its backward pass is the short expression softmax minus one-hot, divided by n, instead of a chain of derivatives. And it is harder to get
# wrong: there is no axis to mistake and no softmax to take twice.

# %% [markdown] marking="why_cross_entropy"
# | points | an answer that | for instance |
# |---|---|---|
# | 1 | Two different reasons with their why: no overflow or no logarithm of 0 (the maximum is subtracted, the logarithm is of the sum), fewer tensors or kernels, a short backward pass, no axis or second softmax to get wrong. | *exp(100) is inf in float32 and softmax then gives nan; cross_entropy subtracts the maximum first. And backward needs only p minus one-hot, no intermediate tensors.* |
# | 0.5 | One reason with its why, or two without. | *It is faster and numerically more stable.* |
# | 0 | No reason, or a wrong one. | *It gives a lower loss than the one written by hand.* |

# %% [markdown]
# ## Training
#
# Now the linear trigram is trained on all training names. `names.contexts("train", 2)` gives its contexts and targets, padded with two dots.
#
# `fit` drives the training. It calls `Trigram()` once for a fresh model and then steps through `train_trigram(model)`, a generator: the function does
# one step of gradient descent, **yields** the loss of that step, and goes on. In between, `fit` draws the progress bar and the loss curve. You may interrupt
# it at any time: as long as the kernel lives, running the cell again goes on where it stopped. `fit` seeds torch's own generator, so numbers that you draw without a generator are the same in each
# training. The weights are kept in `train_trigram.safetensors`: **submit that file with the notebook.** Without it your model has to be trained while grading, for at most 1,000 steps and two minutes.
#
# A generator, in case you have not met one:


# %%
def countdown(n: int) -> Iterator[int]:
    while n:
        yield n  # hands n out and waits here until the next one is asked for
        n -= 1


print(list(countdown(3)))

# %% [markdown] exercise="train_trigram"
# Write a model and its training. The class `Trigram` holds the weights `W`, shape (54, 27), and called on contexts `(n, 2)` it returns logits
# `(n, 27)`. `train_trigram(model)` trains it and yields the loss of each step. `STEPS` tells the progress bar how many steps there will be.
#
# The points depend on the loss on the **test** names: {{ band('train_trigram', 1) }}, then {{ band('train_trigram', 2) }}, then {{ band('train_trigram', 3, 4) }}{% if known %}, which is what the author of the written notes that this course follows reached{% endif %}. The card below the check shows your test loss each time; do not choose settings by it, that is what dev is for. At most 1,500
# parameters: a table of all $27^3$ counts is not what is asked for. A uniform guess has 3.2958; a table of bigram counts reaches {{ table('test', 1) }}.
#
# <details><summary>Hint 1: the idea</summary>
#
# Loss of a random batch, gradient, a step against it; thousands of times. Large steps first, smaller ones at the end.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# X ({{ number(rows) }}, 2), Y ({{ number(rows) }},). A batch of about a thousand rows: `torch.randint(len(Y), (1024,))`. W starts at zero, so the first loss is 3.2958.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for step in range(STEPS): batch; loss = cross-entropy of model(X[batch]), Y[batch]; model.W.grad = None; loss.backward(); with torch.no_grad(): W -= rate * W.grad; yield loss.item().
# W has to go far, so rates are large here: 10 to 40 for plain steps, or about 2 with a momentum of 0.9. Two thousand steps will do; let the rate fall towards the end.
#
# </details>


# %% answer="train_trigram"
STEPS = 2000


class Trigram:
    """A linear trigram model: the logits are the sum of two rows of W."""

    def __init__(self):
        ### BEGIN SOLUTION
        self.W = torch.zeros(54, 27, requires_grad=True)
        ### END SOLUTION

    def __call__(self, contexts: Int[Tensor, "n 2"]) -> Float[Tensor, "n 27"]:
        ### BEGIN SOLUTION
        return self.W[contexts[:, 0]] + self.W[27 + contexts[:, 1]]
        ### END SOLUTION


def train_trigram(model: Trigram) -> Iterator[float]:
    """Train the model; yields the loss of each step."""
    ### BEGIN SOLUTION
    X, Y = names.contexts("train", 2)
    velocity = torch.zeros(54, 27)
    for step in range(STEPS):
        batch = torch.randint(len(Y), (1024,))
        loss = F.cross_entropy(model(X[batch]), Y[batch])
        model.W.grad = None
        loss.backward()
        rate = 2.0 * min(1.0, 2 * (1 - step / STEPS))  # constant for one half, then down to zero
        with torch.no_grad():
            velocity.mul_(0.9).add_(model.W.grad)
            model.W -= rate * velocity
        yield loss.item()
    ### END SOLUTION


# %% fit="train_trigram"
trigram = fit("train_trigram", Trigram, train_trigram, steps=STEPS)

# %% check="train_trigram"
check_loss("train_trigram")

# %% oracle="train_trigram"
X, Y = contexts_of(names.test, 2)
W = trigram.W.detach()
hot = torch.cat([F.one_hot(X[:, 0], 27), F.one_hot(X[:, 1], 27)], 1).float()
reached = F.cross_entropy(hot @ W, Y).item()
assert not names.known() or reached <= 2.3730
assert abs(F.cross_entropy(torch.zeros(4, 27), torch.arange(4)).item() - 3.2958) < 1e-4
assert not names.known() or len(names.contexts("train", 2)[1]) == 183_802
(a, b), (c, d) = contexts_of(names.train, 1), contexts_of(names.test, 1)
bigrams = torch.bincount(27 * a[:, 0] + b, minlength=27 * 27).view(27, 27) + 0.13
test_loss = -(bigrams / bigrams.sum(1, keepdim=True))[c[:, 0], d].log().mean().item()
assert reached < test_loss  # two symbols of context tell more than one, whatever the list
assert not names.known() or abs(test_loss - 2.4565) < 1e-4, test_loss


# %% variant="train_trigram"
class Trigram:
    def __init__(self):
        self.W = torch.zeros(54, 27, requires_grad=True)

    def __call__(self, contexts):
        first, second = F.one_hot(contexts, 27).float().unbind(1)
        return torch.cat([first, second], 1) @ self.W


# %% [markdown] exercise="train_any_trigram"
# A bonus: in the linear model each of the two symbols adds its own logits, whatever the other one is, so it cannot know anything of a *pair*. **Any** model of two symbols counts
# here, a table with a row for each of the 729 contexts, counted or trained, or a small network; at most 40,000 parameters. Its test loss must be {{ band('train_any_trigram', 2) }} or
# less; smoothed trigram counts reach {{ table('test', 2) }}.
#
# <details><summary>Hint 1: the idea</summary>
#
# Two symbols make one of 27 * 27 = 729 contexts. Give each of them its own row of logits.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# W (729, 27), the row's number is 27 * first + second. Logarithms of smoothed probabilities are logits too.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# Train as before, with a penalty on the weights so that rare contexts stay near uniform; or count, smooth, take the log, put it into W and yield the loss once.
#
# </details>


# %% answer="train_any_trigram"
class AnyTrigram:
    """Any model of two symbols."""

    def __init__(self):
        ### BEGIN SOLUTION
        self.W = torch.zeros(729, 27, requires_grad=True)
        ### END SOLUTION

    def __call__(self, contexts: Int[Tensor, "n 2"]) -> Float[Tensor, "n 27"]:
        ### BEGIN SOLUTION
        return self.W[27 * contexts[:, 0] + contexts[:, 1]]
        ### END SOLUTION


def train_any_trigram(model: AnyTrigram) -> Iterator[float]:
    """Train the model; yields the loss of each step."""
    ### BEGIN SOLUTION
    X, Y = names.contexts("train", 2)
    velocity = torch.zeros(729, 27)
    steps = min(3000, 70 * len(Y) // 4096)  # at most 70 times each row
    strength = 0.01 * max(1, 180_000 / len(Y))  # few names would be learned by heart
    for step in range(steps):
        batch = torch.randint(len(Y), (4096,))
        loss = F.cross_entropy(model(X[batch]), Y[batch])
        penalty = strength * (model.W**2).mean()  # keeps rare contexts near uniform
        model.W.grad = None
        (loss + penalty).backward()
        rate = 50 * min(1.0, 2 * (1 - step / steps))
        with torch.no_grad():
            velocity.mul_(0.9).add_(model.W.grad)
            model.W -= rate * velocity
        yield loss.item()
    ### END SOLUTION


# %% fit="train_any_trigram"
any_trigram = fit("train_any_trigram", AnyTrigram, train_any_trigram)

# %% check="train_any_trigram"
check_loss("train_any_trigram")

# %% oracle="train_any_trigram"
X, Y = contexts_of(names.test, 2)
with torch.no_grad():
    reached = F.cross_entropy(any_trigram(X), Y).item()
assert not names.known() or reached <= 2.24
A, B = names.contexts("train", 2)
counted = torch.bincount((27 * A[:, 0] + A[:, 1]) * 27 + B, minlength=27**3).view(729, 27) + 0.13
counted_loss = F.cross_entropy((counted / counted.sum(1, keepdim=True)).log()[27 * X[:, 0] + X[:, 1]], Y).item()
assert reached < counted_loss + 0.05  # the same table, trained instead of counted
assert not names.known() or abs(counted_loss - 2.2257) < 1e-4


# %% variant="train_any_trigram"
class AnyTrigram:
    def __init__(self):
        self.W = torch.zeros(729, 27, requires_grad=True)

    def __call__(self, contexts):
        return F.embedding((contexts * torch.tensor([27, 1])).sum(1), self.W)


# %% [markdown]
# ## Choosing a setting
#
# How much smoothing is best? More of it makes the training loss worse, always: the counts themselves fit the training names best. What counts is the loss on names that
# the model has not seen. So the setting is chosen on **dev**. And because choosing is a kind of fitting too, the loss that is reported is that on **test**,
# with the chosen setting and no other.


# %%
def three_lists(g: torch.Generator) -> tuple[list[str], list[str], list[str]]:
    """Names to count, names to choose on, and names to report on, so unlike each other that each would choose another smoothing.

    Half of the dev names also stand in train, which asks for little smoothing; some of the test names are drawn letter by letter, which asks for much.
    """
    train, dev = some_names(g, 300), some_names(g, 40)
    dev = dev + [train[i] for i in torch.randint(len(train), (40,), generator=g).tolist()]
    lengths = torch.randint(3, 8, (8,), generator=g).tolist()
    return train, dev, some_names(g, 32) + [letters_of(g, length) for length in lengths]


def shuffled_inside(g: torch.Generator, strengths: list[float], first: int = 1) -> list[float]:
    """The strengths times a number near 1; the first ones and the last keep their places, the others change them, so that they are not sorted."""
    factor, order = between(g, 0.8, 1.25), torch.randperm(len(strengths) - first - 1, generator=g).tolist()
    order = order[::-1] if order == sorted(order) else order
    return [factor * s for s in (*strengths[:first], *(strengths[first + i] for i in order), strengths[-1])]

# %% [markdown] exercise="tune_smoothing"
# Write `tune_smoothing(train, dev, test, strengths)` for a trigram model made of counts. For each strength: count the trigrams of the
# **train** names, add the strength to every count, normalise, and take the mean negative log-likelihood of the **dev** names. Return a dict with
#
# - `"dev"`: the dev losses, one per strength;
# - `"best"`: the strength with the lowest dev loss;
# - `"test"`: the loss on the test names with the best strength.
#
# `contexts_of(words, 2)` gives contexts (N, 2) and targets (N,).
#
# <details><summary>Hint 1: the idea</summary>
#
# Three roles: train makes the counts, dev picks the strength, test is looked at once, after the choice.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Counts (27, 27, 27): first symbol, second symbol, target. The probabilities add up to 1 over the last dimension.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# counts of train; loss(words, strength): P = (counts + strength) / its sum over the last dimension, minus the mean of log P at the words' trigrams; dev losses for all strengths; argmin; test loss.
#
# </details>


# %% answer="tune_smoothing"
def tune_smoothing(train: list[str], dev: list[str], test: list[str], strengths: list[float]) -> dict:
    """Dev loss of each smoothing strength, the best strength on dev, and its test loss, for trigram counts of train."""
    ### BEGIN SOLUTION
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27).float()

    def loss(words: list[str], strength: float) -> Tensor:
        P = (counts + strength) / (counts + strength).sum(-1, keepdim=True)
        X, Y = contexts_of(words, 2)
        return -P[X[:, 0], X[:, 1], Y].log().mean()

    losses = torch.stack([loss(dev, strength) for strength in strengths])
    best = strengths[int(losses.argmin())]
    return {"dev": losses, "best": best, "test": loss(test, best)}
    ### END SOLUTION


# %% check="tune_smoothing"
def smoothing_probe(g: torch.Generator):
    small = [0.001, 0.004, 0.015][int(torch.randint(3, (1,), generator=g)) :]  # so that the best one has no fixed place among the sorted ones
    strengths = shuffled_inside(g, [4.0, 16.0, *small, 0.06, 0.25, 1.0], 2)  # far too much, and then too much again: the best comes later
    return tune_smoothing(*three_lists(g), strengths)


check("tune_smoothing", smoothing_probe)

# %% oracle="tune_smoothing"
found = tune_smoothing(names.train, names.dev, names.test, [0.05, 0.13, 0.4])
assert found["best"] == [0.05, 0.13, 0.4][int(found["dev"].argmin())]
if names.known():
    assert found["best"] == 0.13 and abs(found["dev"][1].item() - 2.2395) < 1e-4 and abs(found["test"].item() - 2.2257) < 1e-4


# %% mistake="tune_smoothing" says="The strengths add up: each is added to counts that hold the earlier ones already. Leave the counts as they are, and give the smoothed ones a name of their own."
def tune_smoothing(train, dev, test, strengths):
    (X, Y), (X_dev, Y_dev), (X_test, Y_test) = (contexts_of(words, 2) for words in (train, dev, test))
    N = torch.zeros(27, 27, 27)
    N.index_put_((X[:, 0], X[:, 1], Y), torch.ones(len(Y)), accumulate=True)
    losses = []
    for strength in strengths:
        N += strength
        P = N / N.sum(-1, keepdim=True)
        losses.append(-P[X_dev[:, 0], X_dev[:, 1], Y_dev].log().mean())
    best = strengths[int(torch.stack(losses).argmin())]
    P = (N + best) / (N + best).sum(-1, keepdim=True)
    return {"dev": torch.stack(losses), "best": best, "test": -P[X_test[:, 0], X_test[:, 1], Y_test].log().mean()}


# %% mistake="tune_smoothing" says="The smallest strength is taken: it is what looks best on train, or where probabilities are compared without their logarithm. Choose by the loss of the dev names."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    chosen = right_tune_smoothing(train, train, test, strengths)
    return {"dev": found["dev"], "best": chosen["best"], "test": chosen["test"]}


# %% mistake="tune_smoothing" says="The strength is chosen on test: then the test loss is no longer that of unseen names. Choose it on dev, and look at test once."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    chosen = right_tune_smoothing(train, test, test, strengths)
    return {"dev": found["dev"], "best": chosen["best"], "test": chosen["test"]}


# %% mistake="tune_smoothing" says="The losses that you call dev are those of the test names, and the strength is chosen by them. Take the dev names for both, and look at test once."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    return right_tune_smoothing(train, test, test, strengths)


# %% mistake="tune_smoothing" says="The losses that you call dev are those of the train names, where the least smoothing always looks best. Take the dev names for them, and for the choice."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    return right_tune_smoothing(train, train, test, strengths)


# %% mistake="tune_smoothing" says="What you report as the test loss is the lowest dev loss. Take the loss on the test names with the chosen strength."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "test": found["dev"].min()}


# %% mistake="tune_smoothing" says="The value `test` holds a loss for every strength. The test names are looked at once, with the strength that was best on dev: return that one number."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "test": right_tune_smoothing(train, test, test, strengths)["dev"]}


# %% mistake="tune_smoothing" says="The best strength is the one with the lowest dev loss, and you return the one with the highest. A loss is to be small."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    worst = strengths[int(found["dev"].argmax())]
    return {**found, "best": worst, "test": right_tune_smoothing(train, dev, test, [worst])["test"]}


# %% mistake="tune_smoothing" says="The test loss is that of the last strength: after the loop the probabilities are still those of its last turn. Compute them again with the best strength."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "test": right_tune_smoothing(train, dev, test, strengths[-1:])["test"]}


# %% mistake="tune_smoothing" says="What you return as `best` is the place of the best strength in the list. Return the strength that stands there."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "best": strengths.index(found["best"])}


# %% mistake="tune_smoothing" says="What you return as `best` is the lowest dev loss. Return the strength that has this loss."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "best": found["dev"].min()}


# %% mistake="tune_smoothing" says="The counts are those of train and dev together: the names that choose the strength have been counted, so they look known. Count train alone."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    return right_tune_smoothing([*train, *dev], dev, test, strengths)


# %% mistake="tune_smoothing" says="Your counts are normalised over the second symbol. What is to be predicted is the third one: the probabilities add up to 1 over the last dimension."
def tune_smoothing(train, dev, test, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27).float()

    def probabilities(strength):
        return (counts + strength) / (counts + strength).sum(1, keepdim=True)

    def loss(words, strength):
        X, Y = contexts_of(words, 2)
        return -probabilities(strength)[X[:, 0], X[:, 1], Y].log().mean()

    losses = torch.stack([loss(dev, strength) for strength in strengths])
    best = strengths[int(losses.argmin())]
    return {"dev": losses, "best": best, "test": loss(test, best)}


# %% mistake="tune_smoothing" says="A trigram that occurs several times is counted once: `N[i, j, k] += 1` with index tensors adds to each place one time. Loop, or add with accumulate or bincount."
def tune_smoothing(train, dev, test, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.zeros(27, 27, 27)
    counts[X[:, 0], X[:, 1], Y] += 1

    def probabilities(strength):
        return (counts + strength) / (counts + strength).sum(-1, keepdim=True)

    def loss(words, strength):
        X, Y = contexts_of(words, 2)
        return -probabilities(strength)[X[:, 0], X[:, 1], Y].log().mean()

    losses = torch.stack([loss(dev, strength) for strength in strengths])
    best = strengths[int(losses.argmin())]
    return {"dev": losses, "best": best, "test": loss(test, best)}


# %% mistake="tune_smoothing" says="The divisor has the strength once. It is added to each of the 27 counts of a context, so it is 27 times in their sum."
def tune_smoothing(train, dev, test, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27).float()

    def probabilities(strength):
        return (counts + strength) / (counts.sum(-1, keepdim=True) + strength)

    def loss(words, strength):
        X, Y = contexts_of(words, 2)
        return -probabilities(strength)[X[:, 0], X[:, 1], Y].log().mean()

    losses = torch.stack([loss(dev, strength) for strength in strengths])
    best = strengths[int(losses.argmin())]
    return {"dev": losses, "best": best, "test": loss(test, best)}


# %% mistake="tune_smoothing" says="The counts are divided by the sum of the whole table, so that all 19,683 numbers together add up to 1. Divide by the sum of each context's 27 counts."
def tune_smoothing(train, dev, test, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27).float()

    def loss(words, strength):
        X, Y = contexts_of(words, 2)
        smoothed = counts + strength
        return -(smoothed[X[:, 0], X[:, 1], Y] / smoothed.sum()).log().mean()

    losses = torch.stack([loss(dev, strength) for strength in strengths])
    best = strengths[int(losses.argmin())]
    return {"dev": losses, "best": best, "test": loss(test, best)}


# %% mistake="tune_smoothing" says="The smoothing is missing in the sum that the counts are divided by: the probabilities add up to more than 1. Sum the smoothed counts."
def tune_smoothing(train, dev, test, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27).float()

    def loss(words, strength):
        X, Y = contexts_of(words, 2)
        smoothed = counts + strength
        return -(smoothed[X[:, 0], X[:, 1], Y] / counts.sum(-1)[X[:, 0], X[:, 1]]).log().mean()

    losses = torch.stack([loss(dev, strength) for strength in strengths])
    best = strengths[int(losses.argmin())]
    return {"dev": losses, "best": best, "test": loss(test, best)}


# %% mistake="tune_smoothing" says="This is a bigram table: only the symbol before is looked at. Count with two symbols of context, as `contexts_of(words, 2)` gives them."
def tune_smoothing(train, dev, test, strengths):
    X, Y = contexts_of(train, 1)
    counts = torch.bincount(27 * X[:, 0] + Y, minlength=27**2).view(27, 27).float()

    def loss(words, strength):
        X, Y = contexts_of(words, 1)
        P = (counts + strength) / (counts + strength).sum(-1, keepdim=True)
        return -P[X[:, 0], Y].log().mean()

    losses = torch.stack([loss(dev, strength) for strength in strengths])
    best = strengths[int(losses.argmin())]
    return {"dev": losses, "best": best, "test": loss(test, best)}


# %% mistake="tune_smoothing" says="Your dev losses are in the order of sorted strengths. Return them in the order in which the strengths are given."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    return right_tune_smoothing(train, dev, test, sorted(strengths))


# %% mistake="tune_smoothing" says="For the test loss train and dev are counted together. The counts are those of train to the end: dev names only choose the strength."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "test": right_tune_smoothing([*train, *dev], dev, test, [found["best"]])["test"]}


# %% mistake="tune_smoothing" says="Your test loss is taken with counts of the test names themselves. Count train alone, also for the last number."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "test": right_tune_smoothing(test, test, test, [found["best"]])["test"]}


# %% mistake="tune_smoothing" says="Your test loss is that of dev and test names together. Take it on the test names alone."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "test": right_tune_smoothing(train, dev, [*dev, *test], [found["best"]])["test"]}


# %% mistake="tune_smoothing" says="Your test loss is taken on the train names. Take it on the test names, with the strength that dev has chosen."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "test": right_tune_smoothing(train, dev, train, [found["best"]])["test"]}


# %% mistake="tune_smoothing" says="Your dev losses are sums over the trigrams, not means. Divide each by their number."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "dev": found["dev"] * len(contexts_of(dev, 2)[1])}


# %% mistake="tune_smoothing" says="Your losses are means of means: first over each name, then over the names, so that a short name's symbols count more. Take one mean over all trigrams."
def tune_smoothing(train, dev, test, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27).float()

    def loss(words, strength):
        P = (counts + strength) / (counts + strength).sum(-1, keepdim=True)
        each = [contexts_of([word], 2) for word in words]
        return torch.stack([-P[X[:, 0], X[:, 1], Y].log().mean() for X, Y in each]).mean()

    losses = torch.stack([loss(dev, strength) for strength in strengths])
    best = strengths[int(losses.argmin())]
    return {"dev": losses, "best": best, "test": loss(test, best)}


# %% mistake="tune_smoothing" says="The test loss is taken with the first strength of the list, whatever dev has chosen. Compute it with the best one."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    return {**found, "test": right_tune_smoothing(train, dev, test, strengths[:1])["test"]}


# %% mistake="tune_smoothing" says="Your search stops where the dev loss first rises. The strengths come in no order: look at all of them, then take the lowest."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    losses, place = found["dev"].tolist(), 0
    while place + 1 < len(losses) and losses[place + 1] < losses[place]:
        place += 1
    return {**found, "best": strengths[place], "test": right_tune_smoothing(train, dev, test, [strengths[place]])["test"]}


# %% mistake="tune_smoothing" says="Your loop ends at the first dev loss that is higher, and the strengths behind it are never tried. They come in no order: look at all, then take the lowest."
right_tune_smoothing = tune_smoothing


def tune_smoothing(train, dev, test, strengths):
    found = right_tune_smoothing(train, dev, test, strengths)
    losses, place = found["dev"].tolist(), 0
    while place + 1 < len(losses) and losses[place + 1] < losses[place]:
        place += 1
    test_loss = right_tune_smoothing(train, dev, test, [strengths[place]])["test"]
    return {"dev": torch.tensor(losses[: place + 2]), "best": strengths[place], "test": test_loss}


# %% mistake="tune_smoothing" says="The strengths add up, and your tables with them: each is made of counts that hold the earlier strengths. Leave the counts as they are, and give the smoothed ones a name of their own."
def tune_smoothing(train, dev, test, strengths):
    contexts, targets = contexts_of(train, 2)
    counts = torch.bincount((contexts[:, 0] * 27 + contexts[:, 1]) * 27 + targets, minlength=27**3).view(27, 27, 27).float()
    tables = []
    for strength in strengths:
        counts = counts + strength
        tables.append(counts / counts.sum(2, keepdim=True))

    def loss(P, words):
        X, Y = contexts_of(words, 2)
        return -P[X[:, 0], X[:, 1], Y].log().mean()

    losses = torch.stack([loss(P, dev) for P in tables])
    best = int(losses.argmin())
    return {"dev": losses, "best": strengths[best], "test": loss(tables[best], test)}


# %% variant="tune_smoothing"
def tune_smoothing(train, dev, test, strengths):
    counts = {}
    for (a, b), c in zip(*(t.tolist() for t in contexts_of(train, 2))):
        counts[a, b, c] = counts.get((a, b, c), 0) + 1
        counts[a, b] = counts.get((a, b), 0) + 1

    def loss(words, strength):
        rows = list(zip(*(t.tolist() for t in contexts_of(words, 2))))
        return -sum(math.log((counts.get((a, b, c), 0) + strength) / (counts.get((a, b), 0) + 27 * strength)) for (a, b), c in rows) / len(rows)

    dev_losses = [loss(dev, s) for s in strengths]
    best = min(zip(dev_losses, strengths))[1]
    return {"test": loss(test, best), "best": best, "dev": torch.tensor(dev_losses)}


# %% [markdown] exercise="tune_regularization"
# The same for the penalty of the linear trigram, now with short trainings. Write `tune_regularization(W, train, dev, strengths, steps, rate)`. For each strength: start
# from a **fresh copy** of `W`, shape (54, 27), and take `steps` steps of plain gradient descent on **all** training rows at once, with the loss
# cross-entropy + strength x mean of W squared. Then take the cross-entropy **without** the penalty on train and on dev. Return a dict with
#
# - `"train"` and `"dev"`: these losses, one per strength;
# - `"best"`: the strength with the lowest dev loss.
#
# The notes that this course follows trained this model to the end with strengths from 0 to 10, and 0 was best: 54 x 27 weights are too few to overfit on {% if known %}so many names{% else %}the many names of those notes{% endif %}. The check trains on 25 names, where it is not.
#
# <details><summary>Hint 1: the idea</summary>
#
# The penalty is part of what is minimised, never of what is compared: otherwise a strong one would look bad only because of itself.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# logits = W[first] + W[27 + second], (n, 27). The gradient has the shape of W.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for strength: w = copy of W that requires grad; steps times: loss + penalty, backward, w -= rate * gradient, gradient = None; then both losses without penalty.
#
# </details>


# %% answer="tune_regularization"
def tune_regularization(
    W: Float[Tensor, "54 27"], train: list[str], dev: list[str], strengths: list[float], steps: int, rate: float
) -> dict:
    """Train and dev loss of each penalty after a short training from W, and the best penalty on dev."""
    ### BEGIN SOLUTION
    def loss(w: Tensor, rows: tuple[Tensor, Tensor]) -> Tensor:
        X, Y = rows
        return F.cross_entropy(w[X[:, 0]] + w[27 + X[:, 1]], Y)

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * (w**2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": best}
    ### END SOLUTION


# %% check="tune_regularization"
def regularization_probe(g: torch.Generator):
    W = 0.3 * torch.randn(54, 27, generator=g)
    strengths = shuffled_inside(g, [0.0, 1.0, 4.0, 16.0, 64.0])
    steps = 28 + int(torch.randint(5, (1,), generator=g))
    return tune_regularization(W, some_names(g, 25), some_names(g, 60), strengths, steps, between(g, 9.0, 11.0))  # so few names are soon learned by heart


check("tune_regularization", regularization_probe)

# %% oracle="tune_regularization"
g = torch.Generator().manual_seed(11)
W, words = torch.randn(54, 27, generator=g), some_names(g, 30)
X, Y = contexts_of(words, 2)
hot = torch.cat([F.one_hot(X[:, 0], 27), F.one_hot(X[:, 1], 27)], 1).float()
by_hand = W.clone()
for _ in range(4):  # the gradient on paper: one-hot transposed times (softmax - one-hot) / n, and 2 W / size for the mean of squares
    d = F.softmax(hot @ by_hand, 1)
    d[torch.arange(len(Y)), Y] -= 1
    by_hand = by_hand - 2.0 * (hot.T @ d / len(Y) + 3.0 * 2 * by_hand / by_hand.numel())
found = tune_regularization(W, words, words, [3.0], 4, 2.0)
assert torch.allclose(found["train"][0], F.cross_entropy(hot @ by_hand, Y), atol=1e-5) and found["best"] == 3.0
zero = torch.zeros(54, 27)
found = tune_regularization(zero, names.train[:2000], names.dev[:500], [0.0, 1e-4, 1e-2, 1.0, 10.0], 60, 8.0)
assert found["dev"][0] < found["dev"][-1]  # so strong a penalty leaves nearly a guess
assert not names.known() or found["best"] == 0.0


# %% mistake="tune_regularization" says="The penalty is part of the losses you compare. Minimise with it, compare without it."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        X, Y = rows
        return F.cross_entropy(w[X[:, 0]] + w[27 + X[:, 1]], Y)

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * (w**2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        penalty = strength * (w**2).mean().item()
        train_losses.append(loss(w, rows).item() + penalty)
        dev_losses.append(loss(w, dev_rows).item() + penalty)
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": best}


# %% mistake="tune_regularization" says="Each strength goes on from the weights that the one before it has left, so later ones have trained longer. Start every training from a fresh copy of W."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        X, Y = rows
        return F.cross_entropy(w[X[:, 0]] + w[27 + X[:, 1]], Y)

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    w = W.clone().requires_grad_()
    for strength in strengths:
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * (w**2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": best}


# %% mistake="tune_regularization" says="Your penalty is half as strong as asked for: is there a factor 1/2 before the mean of the squares?"
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    found = right_tune_regularization(W, train, dev, [s / 2 for s in strengths], steps, rate)
    return {**found, "best": 2 * found["best"]}


# %% mistake="tune_regularization" says="The gradients of all steps add up: backward adds to what is in `grad`, and nothing empties it. Set it to None before each backward pass."
def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        return F.cross_entropy(w[rows[0][:, 0]] + w[27 + rows[0][:, 1]], rows[1])

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (loss(w, rows) + strength * (w**2).mean()).backward()
            w.data -= rate * w.grad
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": strengths[dev_losses.index(min(dev_losses))]}


# %% mistake="tune_regularization" says="The best strength is chosen by the train loss, alone or added to dev's: no penalty at all wins that way. Choose by the lowest dev loss alone."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    found = right_tune_regularization(W, train, dev, strengths, steps, rate)
    return {**found, "best": strengths[int(found["train"].argmin())]}


# %% mistake="tune_regularization" says="Your train loss is the one before the last update: it was noted inside the loop. Compute it once more after the last step, with the weights that the dev loss has."
def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        return F.cross_entropy(w[rows[0][:, 0]] + w[27 + rows[0][:, 1]], rows[1])

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            before = loss(w, rows)
            (gradient,) = torch.autograd.grad(before + strength * (w**2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(before.item())
        dev_losses.append(loss(w, dev_rows).item())
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": strengths[dev_losses.index(min(dev_losses))]}


# %% mistake="tune_regularization" says="The gradient is None: backward fills the grad of a tensor that was itself made to want gradients, not of one computed from it. Let each copy of W, also after an update, be such a tensor." raises="TypeError"
def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        return F.cross_entropy(w[rows[0][:, 0]] + w[27 + rows[0][:, 1]], rows[1])

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_().clone()
        for _ in range(steps):
            (loss(w, rows) + strength * (w**2).mean()).backward()
            w.data -= rate * w.grad
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": strengths[dev_losses.index(min(dev_losses))]}


# %% mistake="tune_regularization" says="The penalty is the sum of the squares, 1,458 times as strong as their mean. Take the mean."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    found = right_tune_regularization(W, train, dev, [s * W.numel() for s in strengths], steps, rate)
    return {**found, "best": found["best"] / W.numel()}


# %% mistake="tune_regularization" says="What you return as `best` is a place in the list of penalties. Return the strength that stands there, not where it stands."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    found = right_tune_regularization(W, train, dev, strengths, steps, rate)
    return {**found, "best": strengths.index(found["best"])}


# %% mistake="tune_regularization" says="The training starts from zeros. Start each one from a copy of the `W` that your function is given."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    return right_tune_regularization(torch.zeros_like(W), train, dev, strengths, steps, rate)


# %% mistake="tune_regularization" says="The penalty is subtracted, so that training makes the weights larger and larger. Add it to the loss."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    found = right_tune_regularization(W, train, dev, [-s for s in strengths], steps, rate)
    return {**found, "best": -found["best"]}


# %% mistake="tune_regularization" says="Your penalty is the mean size of the weights, without their sign. Asked for is the mean of their squares."
def tune_regularization(W, train, dev, strengths, steps, rate):
    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)

    def loss(w, rows):
        X, Y = rows
        return F.cross_entropy(w[X[:, 0]] + w[27 + X[:, 1]], Y)

    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * w.abs().mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": best}


# %% mistake="tune_regularization" says="The learning rate is always 10, whatever is asked for. Step by the `rate` that your function is given."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    return right_tune_regularization(W, train, dev, strengths, steps, 10.0)


# %% mistake="tune_regularization" says="The learning rate is left out: each step is the gradient itself. Multiply it by the `rate` that your function is given."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    return right_tune_regularization(W, train, dev, strengths, steps, 1.0)


# %% mistake="tune_regularization" says="Your steps have a momentum of 0.9: each still follows the gradients before it. Asked for are plain steps: the rate times the gradient of this step alone."
def tune_regularization(W, train, dev, strengths, steps, rate):
    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)

    def loss(w, rows):
        X, Y = rows
        return F.cross_entropy(w[X[:, 0]] + w[27 + X[:, 1]], Y)

    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        velocity = torch.zeros_like(W)
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * (w**2).mean(), w)
            velocity = 0.9 * velocity + gradient
            w = (w - rate * velocity).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": best}


# %% mistake="tune_regularization" says="The rate falls to zero while you train. Asked for are plain steps, all with the same `rate`."
def tune_regularization(W, train, dev, strengths, steps, rate):
    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)

    def loss(w, rows):
        X, Y = rows
        return F.cross_entropy(w[X[:, 0]] + w[27 + X[:, 1]], Y)

    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for step in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * (w**2).mean(), w)
            w = (w - rate * (1 - step / steps) * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": best}


# %% mistake="tune_regularization" says="You train with Adam, which gives each weight steps of its own. Asked for are plain steps: the rate times the gradient."
def tune_regularization(W, train, dev, strengths, steps, rate):
    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)

    def loss(w, rows):
        X, Y = rows
        return F.cross_entropy(w[X[:, 0]] + w[27 + X[:, 1]], Y)

    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        optimiser = torch.optim.Adam([w], lr=rate)
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * (w**2).mean(), w)
            w.grad = gradient
            optimiser.step()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": best}


# %% mistake="tune_regularization" says="You train with AdamW, which gives each weight steps of its own. Asked for are plain steps: the rate times the gradient."
def tune_regularization(W, train, dev, strengths, steps, rate):
    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)

    def loss(w, rows):
        X, Y = rows
        return F.cross_entropy(w[X[:, 0]] + w[27 + X[:, 1]], Y)

    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        optimiser = torch.optim.AdamW([w], lr=rate)
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * (w**2).mean(), w)
            w.grad = gradient
            optimiser.step()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": best}


# %% mistake="tune_regularization" says="Each step uses 32 rows drawn at random, as in a later lecture. The loss here is that of all rows of train, in every step."
def tune_regularization(W, train, dev, strengths, steps, rate):
    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)

    def loss(w, rows):
        X, Y = rows
        return F.cross_entropy(w[X[:, 0]] + w[27 + X[:, 1]], Y)

    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            batch = torch.randint(0, len(rows[1]), (32,))
            (gradient,) = torch.autograd.grad(loss(w, [part[batch] for part in rows]) + strength * (w**2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": best}


# %% mistake="tune_regularization" says="You take one step more than asked for. Count the turns of your loop: there are `steps` of them."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    return right_tune_regularization(W, train, dev, strengths, steps + 1, rate)


# %% mistake="tune_regularization" says="What you return is as it was one step earlier: the loop makes one turn too few, or the losses are measured before the last step, not after it."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    return right_tune_regularization(W, train, dev, strengths, steps - 1, rate)


# %% mistake="tune_regularization" says="Your best strength is the one whose dev loss is closest to train's, or highest. A small gap only says that both are alike, good or bad: choose the lowest dev loss."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    found = right_tune_regularization(W, train, dev, strengths, steps, rate)
    return {**found, "best": strengths[int((found["dev"] - found["train"]).argmin())]}


# %% mistake="tune_regularization" says="What you return as `best` is the lowest dev loss. Return the strength that has it."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    found = right_tune_regularization(W, train, dev, strengths, steps, rate)
    return {**found, "best": found["dev"].min()}


# %% mistake="tune_regularization" says="The train and the dev losses have changed places: each of the two names holds the numbers of the other one."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    found = right_tune_regularization(W, train, dev, strengths, steps, rate)
    return {**found, "train": found["dev"], "dev": found["train"]}


# %% mistake="tune_regularization" says="You train on the dev names as well. Take the steps on the rows of train alone."
def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        return F.cross_entropy(w[rows[0][:, 0]] + w[27 + rows[0][:, 1]], rows[1])

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, [torch.cat(both) for both in zip(rows, dev_rows)]) + strength * (w**2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": strengths[dev_losses.index(min(dev_losses))]}


# %% mistake="tune_regularization" says="You train on the dev names. Take the steps on the rows of train, and look at dev only afterwards."
def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        return F.cross_entropy(w[rows[0][:, 0]] + w[27 + rows[0][:, 1]], rows[1])

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, dev_rows) + strength * (w**2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": strengths[dev_losses.index(min(dev_losses))]}


# %% mistake="tune_regularization" says="Your penalty is the root of the sum of squares, the length of W. Asked for is the mean of the squares."
def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        return F.cross_entropy(w[rows[0][:, 0]] + w[27 + rows[0][:, 1]], rows[1])

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * w.norm(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": strengths[dev_losses.index(min(dev_losses))]}


# %% mistake="tune_regularization" says="The penalty is that of the `W` you are given, which is constant: it has no gradient. Take that of the weights being trained."
def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        return F.cross_entropy(w[rows[0][:, 0]] + w[27 + rows[0][:, 1]], rows[1])

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * (W**2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": strengths[dev_losses.index(min(dev_losses))]}


# %% mistake="tune_regularization" says="You penalise the logits of the training rows, not the weights: square all elements of w and take their mean."
def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        return F.cross_entropy(w[rows[0][:, 0]] + w[27 + rows[0][:, 1]], rows[1])

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * ((w[rows[0][:, 0]] + w[27 + rows[0][:, 1]]) ** 2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": strengths[dev_losses.index(min(dev_losses))]}


# %% mistake="tune_regularization" says="The dev loss is measured on the train rows, so that both are the same. Use the rows of dev."
def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        return F.cross_entropy(w[rows[0][:, 0]] + w[27 + rows[0][:, 1]], rows[1])

    rows = contexts_of(train, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength * (w**2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, rows).item())
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": strengths[dev_losses.index(min(dev_losses))]}


# %% mistake="tune_regularization" says="The losses come in the order of sorted strengths. Return them in the order in which the strengths are given."
right_tune_regularization = tune_regularization


def tune_regularization(W, train, dev, strengths, steps, rate):
    return right_tune_regularization(W, train, dev, sorted(strengths), steps, rate)


# %% mistake="tune_regularization" says="The strength enters squared into your penalty. Multiply by it once."
def tune_regularization(W, train, dev, strengths, steps, rate):
    def loss(w, rows):
        return F.cross_entropy(w[rows[0][:, 0]] + w[27 + rows[0][:, 1]], rows[1])

    rows, dev_rows = contexts_of(train, 2), contexts_of(dev, 2)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = W.clone().requires_grad_()
        for _ in range(steps):
            (gradient,) = torch.autograd.grad(loss(w, rows) + strength**2 * (w**2).mean(), w)
            w = (w - rate * gradient).detach().requires_grad_()
        train_losses.append(loss(w, rows).item())
        dev_losses.append(loss(w, dev_rows).item())
    return {"train": torch.tensor(train_losses), "dev": torch.tensor(dev_losses), "best": strengths[dev_losses.index(min(dev_losses))]}


# %% variant="tune_regularization"
def tune_regularization(W, train, dev, strengths, steps, rate):
    X, Y = contexts_of(train, 2)
    hot = F.one_hot(X, 27).flatten(1).float()
    A, B = contexts_of(dev, 2)
    hot_dev = F.one_hot(A, 27).flatten(1).float()
    table = []
    for strength in strengths:
        w = W.clone()
        for _ in range(steps):
            d = F.softmax(hot @ w, 1)
            d[torch.arange(len(Y)), Y] -= 1
            w -= rate * (hot.T @ d / len(Y) + 2 * strength * w / w.numel())
        table.append((F.cross_entropy(hot @ w, Y), F.cross_entropy(hot_dev @ w, B)))
    train_losses, dev_losses = (torch.stack(column) for column in zip(*table))
    return {"train": train_losses, "dev": dev_losses, "best": strengths[dev_losses.argmin()]}


# %% [markdown]
# ## Side by side
#
# Two symbols of context tell more than one. How much more, and on which names? The same table of counts that learned the training names by heart may have little to say about others.

# %% [markdown] exercise="compare_models"
# Write `compare_models(train, dev, test, smoothing)`. Make two tables of counts from the **train** names, one of bigrams and one of trigrams, add `smoothing` to every count, and normalise. Then take
# the mean negative log-likelihood of each table on train, on dev and on test. Return a dict with
#
# - `"bigram"` and `"trigram"`: these losses, three each, in the order train, dev, test;
# - `"gained"`: by how much the trigram's loss is lower, for each of the three. It is negative where the trigram does worse.
#
# `contexts_of(words, 1)` gives contexts (N, 1) and targets (N,), `contexts_of(words, 2)` contexts (N, 2).
#
# <details><summary>Hint 1: the idea</summary>
#
# One function that takes the length of the context does for both tables; the names that are counted stay the same, those that are measured change.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Counts (27, 27) and (27, 27, 27); in both the probabilities add up to 1 over the last dimension. Three tensors (3,).
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# for each length of context: counts of train, + smoothing, / sum over the last dimension; for train, dev, test: contexts and targets, minus the mean of the log of their probabilities. At the end a difference.
#
# </details>


# %% answer="compare_models"
def compare_models(train: list[str], dev: list[str], test: list[str], smoothing: float) -> dict[str, Float[Tensor, "3"]]:
    """Losses of smoothed bigram and trigram counts of train on train, dev and test, and what the trigram gains."""
    ### BEGIN SOLUTION
    def losses(T: int) -> Tensor:
        def row(X: Tensor) -> Tensor:
            return (X * 27 ** torch.arange(T - 1, -1, -1)).sum(1)

        X, Y = contexts_of(train, T)
        counts = torch.bincount(27 * row(X) + Y, minlength=27 ** (T + 1)).view(-1, 27) + smoothing
        P = counts / counts.sum(1, keepdim=True)
        return torch.stack([-P[row(X), Y].log().mean() for X, Y in (contexts_of(words, T) for words in (train, dev, test))])

    bigram, trigram = losses(1), losses(2)
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}
    ### END SOLUTION


# %% check="compare_models"
def comparison_probe(g: torch.Generator):
    return compare_models(some_names(g, 150), some_names(g, 40), some_names(g, 50), between(g, 0.2, 0.9))


check("compare_models", comparison_probe)

# %% oracle="compare_models"
found = compare_models(names.train, names.dev, names.test, 0.13)
assert torch.allclose(found["gained"], found["bigram"] - found["trigram"]) and (found["gained"] > 0).all()
if names.known():
    assert torch.allclose(found["bigram"], torch.tensor([2.4526, 2.4715, 2.4565]), atol=1e-4)
    assert torch.allclose(found["trigram"], torch.tensor([2.1875, 2.2395, 2.2257]), atol=1e-4)
by_hand = tune_smoothing(names.train[:500], names.dev[:50], names.test[:60], [0.3])
found = compare_models(names.train[:500], names.dev[:50], names.test[:60], 0.3)
assert torch.allclose(found["trigram"][1:], torch.stack([by_hand["dev"][0], by_hand["test"]]))
P = bigram_probabilities(bigram_counts(names.train[:500]), 0.3)
assert torch.allclose(found["bigram"][2], mean_nll(P, torch.cat([X := contexts_of(names.test[:60], 1)[0], contexts_of(names.test[:60], 1)[1][:, None]], 1)))


# %% mistake="compare_models" says="The counts of pairs are summed from counts of three that are smoothed already, so each has 27 times the smoothing in it. Sum what was counted, then smooth once."
def compare_models(train: list[str], dev: list[str], test: list[str], smoothing: float) -> dict[str, Float[Tensor, "3"]]:
    N3 = torch.full((27, 27, 27), float(smoothing))
    X, Y = contexts_of(train, 2)
    for (a, b), c in zip(X.tolist(), Y.tolist()):
        N3[a, b, c] += 1
    N2 = N3.sum(0)
    P3 = N3 / N3.sum(-1, keepdim=True)
    P2 = N2 / N2.sum(-1, keepdim=True)
    two, three = [], []
    for words in (train, dev, test):
        X, Y = contexts_of(words, 2)
        two.append(-P2[X[:, 1], Y].log().mean())
        three.append(-P3[X[:, 0], X[:, 1], Y].log().mean())
    two, three = torch.stack(two), torch.stack(three)
    return {"bigram": two, "trigram": three, "gained": two - three}


# %% mistake="compare_models" says="Your bigram reads the older one of two symbols, two places before the target. A bigram goes from the symbol just before the target to the target."
def compare_models(train, dev, test, smoothing):
    def loss_of(words, older):
        def places(X, Y):
            return (X[:, 0], Y) if older else (X[:, 0], X[:, 1], Y)

        X, Y = contexts_of(train, 2)
        counts = torch.zeros([27] * len(places(X, Y))).index_put(places(X, Y), torch.ones(len(Y)), accumulate=True) + smoothing
        P = counts / counts.sum(-1, keepdim=True)
        return -P[places(*contexts_of(words, 2))].log().mean()

    bigram, trigram = (torch.stack([loss_of(words, older) for words in (train, dev, test)]) for older in (True, False))
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}


# %% mistake="compare_models" says="Your tables are counted anew for each split, so dev and test are measured with counts of their own names. Count train once, and measure all three with it."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    each = [right_compare_models(words, words, words, smoothing) for words in (train, dev, test)]
    return {name: torch.stack([found[name][0] for found in each]) for name in each[0]}


# %% mistake="compare_models" says="The tables hold the counts of all three splits: dev and test names are known to them, and their losses look better than they are. Count train alone."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    first = right_compare_models([*train, *dev, *test], dev, test, smoothing)
    return first | {name: torch.cat([right_compare_models([*train, *dev, *test], train, train, smoothing)[name][1:2], first[name][1:]]) for name in first}


# %% mistake="compare_models" says="What is gained has the wrong sign: it is positive where the trigram has the lower loss. Subtract the trigram's loss from the bigram's."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    found = right_compare_models(train, dev, test, smoothing)
    return found | {"gained": -found["gained"]}


# %% mistake="compare_models" says="The smoothing is missing: a pair or triple that train does not have gets the probability 0, and one such in dev makes the loss infinite. Add it to every count."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    return right_compare_models(train, dev, test, 0.0)


# %% mistake="compare_models" says="The losses of the two tables have changed places: with one symbol of context it is the bigram, with two the trigram."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    found = right_compare_models(train, dev, test, smoothing)
    return {"bigram": found["trigram"], "trigram": found["bigram"], "gained": -found["gained"]}


# %% mistake="compare_models" says="What is gained is given as a share of the bigram's loss. Asked for is the plain difference of the two losses, in nats."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    found = right_compare_models(train, dev, test, smoothing)
    return found | {"gained": found["gained"] / found["bigram"]}


# %% mistake="compare_models" says="The counts are divided by the sum of the whole table, so that all its numbers together add up to 1. Each row is to add up to 1 by itself."
def compare_models(train, dev, test, smoothing):
    def losses(T):
        def row(X):
            return (X * 27 ** torch.arange(T - 1, -1, -1)).sum(1)

        X, Y = contexts_of(train, T)
        counts = torch.bincount(27 * row(X) + Y, minlength=27 ** (T + 1)).view(-1, 27) + smoothing
        P = counts / counts.sum()
        return torch.stack([-P[row(X), Y].log().mean() for X, Y in (contexts_of(words, T) for words in (train, dev, test))])

    bigram, trigram = losses(1), losses(2)
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}


# %% mistake="compare_models" says="The divisor has the smoothing once. It was added to each of the 27 counts of a row, so it is 27 times in their sum."
def compare_models(train, dev, test, smoothing):
    def losses(T):
        def row(X):
            return (X * 27 ** torch.arange(T - 1, -1, -1)).sum(1)

        X, Y = contexts_of(train, T)
        counts = torch.bincount(27 * row(X) + Y, minlength=27 ** (T + 1)).view(-1, 27) + smoothing
        P = counts / (counts.sum(1, keepdim=True) - 26 * smoothing)
        return torch.stack([-P[row(X), Y].log().mean() for X, Y in (contexts_of(words, T) for words in (train, dev, test))])

    bigram, trigram = losses(1), losses(2)
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}


# %% mistake="compare_models" says="You add 1 to every count, whatever the smoothing is. Add the number that your function is given."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    return right_compare_models(train, dev, test, 1.0)


# %% mistake="compare_models" says="The losses on dev and test have changed places. Each of the three tensors holds train, dev and test, in this order."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    return right_compare_models(train, test, dev, smoothing)


# %% mistake="compare_models" says="The two symbols of a trigram's context have changed places where the table is read, not where it is counted. Read it in the same order."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27) + smoothing
    P = counts / counts.sum(-1, keepdim=True)
    trigram = torch.stack([-P[X[:, 1], X[:, 0], Y].log().mean() for X, Y in (contexts_of(words, 2) for words in (train, dev, test))])
    bigram = right_compare_models(train, dev, test, smoothing)["bigram"]
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}


# %% mistake="compare_models" says="The trigram counts are divided by bigram counts. These never hold the two dots with which each name begins, and so are no sums of the rows: divide by the sum of each context's own 27 counts."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    X, Y = contexts_of(train, 2)
    pairs = torch.bincount(27 * X[:, 1] + Y, minlength=27**2).view(27, 27)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27)
    P = (counts + smoothing) / (pairs[:, :, None] + 27 * smoothing)
    trigram = torch.stack([-P[X[:, 0], X[:, 1], Y].log().mean() for X, Y in (contexts_of(words, 2) for words in (train, dev, test))])
    bigram = right_compare_models(train, dev, test, smoothing)["bigram"]
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}


# %% mistake="compare_models" says="The trigram counts are divided by the smoothed sums of bigram rows, those of one symbol. Divide by the sum of each context of two symbols."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    X, Y = contexts_of(train, 2)
    pairs = torch.bincount(27 * X[:, 1] + Y, minlength=27**2).view(27, 27)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27)
    P = (counts + smoothing) / (pairs + smoothing).sum(1)[None, :, None]
    trigram = torch.stack([-P[X[:, 0], X[:, 1], Y].log().mean() for X, Y in (contexts_of(words, 2) for words in (train, dev, test))])
    bigram = right_compare_models(train, dev, test, smoothing)["bigram"]
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}


# %% mistake="compare_models" says="The trigram's probabilities add up to 1 over the wrong symbol. What is to be predicted is the last one: sum over the last dimension."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27)
    P = (counts + smoothing) / (counts + smoothing).sum(1, keepdim=True)
    trigram = torch.stack([-P[X[:, 0], X[:, 1], Y].log().mean() for X, Y in (contexts_of(words, 2) for words in (train, dev, test))])
    bigram = right_compare_models(train, dev, test, smoothing)["bigram"]
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}


# %% mistake="compare_models" says="The trigram table has no smoothing in the sum that divides. Sum the smoothed counts of each context."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27)
    P = (counts + smoothing) / counts.sum(-1, keepdim=True)
    trigram = torch.stack([-P[X[:, 0], X[:, 1], Y].log().mean() for X, Y in (contexts_of(words, 2) for words in (train, dev, test))])
    bigram = right_compare_models(train, dev, test, smoothing)["bigram"]
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}


# %% mistake="compare_models" says="A triple that occurs several times is counted once. Add one for each occurrence, with a loop, accumulate or bincount."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27)
    P = (counts.clamp(max=1) + smoothing) / (counts.clamp(max=1) + smoothing).sum(-1, keepdim=True)
    trigram = torch.stack([-P[X[:, 0], X[:, 1], Y].log().mean() for X, Y in (contexts_of(words, 2) for words in (train, dev, test))])
    bigram = right_compare_models(train, dev, test, smoothing)["bigram"]
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}


# %% mistake="compare_models" says="What is gained is the bigram's loss divided by the trigram's. Asked for is the difference of the two, in nats."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    found = right_compare_models(train, dev, test, smoothing)
    return found | {"gained": found["bigram"] / found["trigram"]}


# %% mistake="compare_models" says="What is gained is given in percent. Asked for is the plain difference of the two losses, in nats."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    found = right_compare_models(train, dev, test, smoothing)
    return found | {"gained": 100 * found["gained"] / found["bigram"]}


# %% mistake="compare_models" says="Your losses are counted in bits, by a logarithm to base 2. Take the natural one."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    return {name: losses / math.log(2) for name, losses in right_compare_models(train, dev, test, smoothing).items()}


# %% mistake="compare_models" says="Names are taken with one dot in front for the trigram, so that no first letter is predicted. Use the contexts and targets as `contexts_of(words, 2)` gives them."
right_compare_models = compare_models


def compare_models(train, dev, test, smoothing):
    def rows(words):
        X, Y = contexts_of(words, 2)
        keep = X.sum(1) > 0
        return X[keep], Y[keep]

    X, Y = rows(train)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27) + smoothing
    P = counts / counts.sum(-1, keepdim=True)
    trigram = torch.stack([-P[X[:, 0], X[:, 1], Y].log().mean() for X, Y in map(rows, (train, dev, test))])
    bigram = right_compare_models(train, dev, test, smoothing)["bigram"]
    return {"bigram": bigram, "trigram": trigram, "gained": bigram - trigram}


# %% variant="compare_models"
def compare_models(train, dev, test, smoothing):
    def losses(T):
        triples, contexts = {}, {}
        for context, target in zip(*(t.tolist() for t in contexts_of(train, T))):
            triples[*context, target] = triples.get((*context, target), 0) + 1
            contexts[*context,] = contexts.get((*context,), 0) + 1
        found = []
        for words in (train, dev, test):
            rows = list(zip(*(t.tolist() for t in contexts_of(words, T))))
            total = sum(math.log((triples.get((*c, y), 0) + smoothing) / (contexts.get((*c,), 0) + 27 * smoothing)) for c, y in rows)
            found.append(-total / len(rows))
        return found

    bigram, trigram = losses(1), losses(2)
    return {"gained": [b - t for b, t in zip(bigram, trigram)], "bigram": bigram, "trigram": trigram}


# %%
try:
    found = compare_models(names.train, names.dev, names.test, 0.13)
    print("losses with smoothing 0.13     train     dev    test")
    for name in ("bigram", "trigram", "gained"):
        print(f"{name:27s}", "".join(f"{float(loss):8.4f}" for loss in found[name]))
except Exception:  # noqa: BLE001  whatever an unfinished answer raises, a table must not stop the notebook
    print("The table comes when compare_models is written.")

# %% [markdown] exercise="smoothing_curve"
# A bonus: what happens to the losses as the smoothing grows? Write `smoothing_curve(train, dev, strengths)` for the trigram counts of **train**. Return a dict with `"train"` and `"dev"`: the mean negative
# log-likelihood of the train and of the dev names, one per strength.
#
# The picture below the check draws both for the whole list.
#
# <details><summary>Hint 1: the idea</summary>
#
# Count once; only what is added to the counts changes.
#
# </details>
# <details><summary>Hint 2: the shape</summary>
#
# Counts (27, 27, 27), and two tensors with as many losses as there are strengths.
#
# </details>
# <details><summary>Hint 3: pseudo-code</summary>
#
# counts of train, once; for each strength: P = (counts + strength) / its sum over the last dimension, and minus the mean of log P at the rows of train, and at those of dev.
#
# </details>


# %% answer="smoothing_curve"
def smoothing_curve(train: list[str], dev: list[str], strengths: list[float]) -> dict[str, Float[Tensor, " k"]]:
    """Train and dev loss of the trigram counts of train for each smoothing strength."""
    ### BEGIN SOLUTION
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27)

    def losses(words: list[str]) -> Tensor:
        X, Y = contexts_of(words, 2)
        smoothed = [counts[X[:, 0], X[:, 1]] + strength for strength in strengths]  # n, 27: the rows that occur
        return torch.stack([-(rows[torch.arange(len(Y)), Y] / rows.sum(1)).log().mean() for rows in smoothed])

    return {"train": losses(train), "dev": losses(dev)}
    ### END SOLUTION


# %% check="smoothing_curve"
def curve_probe(g: torch.Generator):
    return smoothing_curve(some_names(g, 150), some_names(g, 40), shuffled_inside(g, [0.002, 0.02, 0.2, 2.0, 20.0]))


check("smoothing_curve", curve_probe)

# %% oracle="smoothing_curve"
few = [0.01, 0.1, 1.0, 10.0]
found = smoothing_curve(names.train, names.dev, few)
assert (found["train"].diff() > 0).all()  # the counts themselves fit the training names best
assert torch.allclose(found["dev"], tune_smoothing(names.train, names.dev, names.dev, few)["dev"], atol=1e-5)
if names.known():
    assert abs(smoothing_curve(names.train, names.dev, [0.13])["dev"].item() - 2.2395) < 1e-4 and found["dev"].argmin() == 1


# %% mistake="smoothing_curve" says="You average within each name first, and then over the names, so a symbol of a short name weighs more than one of a long name. The loss is the mean over all predictions."
def smoothing_curve(train: list[str], dev: list[str], strengths: list[float]) -> dict[str, Float[Tensor, " k"]]:
    counts = torch.zeros(27, 27, 27)
    X, Y = contexts_of(train, 2)
    for (a, b), c in zip(X.tolist(), Y.tolist()):
        counts[a, b, c] += 1
    found = {"train": [], "dev": []}
    for strength in strengths:
        log_p = (counts + strength).log() - (counts + strength).sum(2, keepdim=True).log()
        for key, words in (("train", train), ("dev", dev)):
            per_name = []
            for word in words:
                x, y = contexts_of([word], 2)
                per_name.append(-log_p[x[:, 0], x[:, 1], y].mean())
            found[key].append(torch.stack(per_name).mean())
    return {key: torch.stack(losses) for key, losses in found.items()}


# %% mistake="smoothing_curve" says="The strengths add up: each is added to counts that the ones before it have changed. Leave the counts as they are and make a new tensor for each strength."
right_smoothing_curve = smoothing_curve


def smoothing_curve(train, dev, strengths):
    return right_smoothing_curve(train, dev, [sum(strengths[: i + 1]) for i in range(len(strengths))])


# %% mistake="smoothing_curve" says="The dev loss is taken with counts of the dev names, which it then fits like the training names. Count train alone, and measure both with it."
right_smoothing_curve = smoothing_curve


def smoothing_curve(train, dev, strengths):
    return {"train": right_smoothing_curve(train, dev, strengths)["train"], "dev": right_smoothing_curve(dev, dev, strengths)["train"]}


# %% mistake="smoothing_curve" says="Your losses are in the order of sorted strengths. Return them in the order in which the strengths are given."
right_smoothing_curve = smoothing_curve


def smoothing_curve(train, dev, strengths):
    return right_smoothing_curve(train, dev, sorted(strengths))


# %% mistake="smoothing_curve" says="The smoothing is added to the counts but is missing in the sum they are divided by. Then the probabilities add up to more than 1, and the loss falls for no reason."
def smoothing_curve(train, dev, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27)

    def losses(words):
        X, Y = contexts_of(words, 2)
        seen = counts[X[:, 0], X[:, 1]].sum(1)
        return torch.stack([-((counts[X[:, 0], X[:, 1], Y] + strength) / seen).log().mean() for strength in strengths])

    return {"train": losses(train), "dev": losses(dev)}


# %% mistake="smoothing_curve" says="These are the losses of a bigram table. Count with two symbols of context, as `contexts_of(words, 2)` gives them."
def smoothing_curve(train, dev, strengths):
    X, Y = contexts_of(train, 1)
    counts = torch.bincount(27 * X[:, 0] + Y, minlength=27**2).view(27, 27)

    def losses(words):
        X, Y = contexts_of(words, 1)
        return torch.stack([-((counts[X[:, 0], Y] + s) / (counts + s).sum(1)[X[:, 0]]).log().mean() for s in strengths])

    return {"train": losses(train), "dev": losses(dev)}


# %% mistake="smoothing_curve" says="The counts are divided by the sum of the whole table: these are probabilities of whole trigrams. Divide by the sum of each context's 27 counts."
def smoothing_curve(train, dev, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27)

    def losses(words):
        X, Y = contexts_of(words, 2)
        return torch.stack([-((counts[X[:, 0], X[:, 1], Y] + s) / (counts + s).sum()).log().mean() for s in strengths])

    return {"train": losses(train), "dev": losses(dev)}


# %% mistake="smoothing_curve" says="The divisor holds the strength once. Each of the 27 counts of a context gets it, so it is 27 times in their sum."
def smoothing_curve(train, dev, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27)

    def losses(words):
        X, Y = contexts_of(words, 2)
        return torch.stack([-((counts[X[:, 0], X[:, 1], Y] + s) / (counts[X[:, 0], X[:, 1]].sum(1) + s)).log().mean() for s in strengths])

    return {"train": losses(train), "dev": losses(dev)}


# %% mistake="smoothing_curve" says="Both losses are those of the train names. The second one is to be measured on the dev names, with the same counts."
right_smoothing_curve = smoothing_curve


def smoothing_curve(train, dev, strengths):
    return right_smoothing_curve(train, train, strengths)


# %% mistake="smoothing_curve" says="Dev names are counted together with train, so that they look known. Count train alone, and measure both with it."
right_smoothing_curve = smoothing_curve


def smoothing_curve(train, dev, strengths):
    X, Y = contexts_of([*train, *dev], 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27)

    def losses(words):
        X, Y = contexts_of(words, 2)
        smoothed = [counts[X[:, 0], X[:, 1]] + strength for strength in strengths]
        return torch.stack([-(rows[torch.arange(len(Y)), Y] / rows.sum(1)).log().mean() for rows in smoothed])

    return {"train": losses(train), "dev": losses(dev)}


# %% mistake="smoothing_curve" says="All your losses are those of the first strength: counts or probabilities are made once, before the loop. Smooth the counts anew for each strength."
right_smoothing_curve = smoothing_curve


def smoothing_curve(train, dev, strengths):
    return right_smoothing_curve(train, dev, strengths[:1] * len(strengths))


# %% mistake="smoothing_curve" says="All your losses are those of the last strength: they are taken behind the loop. Take them inside, for each strength."
right_smoothing_curve = smoothing_curve


def smoothing_curve(train, dev, strengths):
    return right_smoothing_curve(train, dev, strengths[-1:] * len(strengths))


# %% mistake="smoothing_curve" says="The counts are normalised over the second symbol. The third is predicted: the probabilities add up to 1 over the last dimension."
def smoothing_curve(train, dev, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27).float()

    def losses(words):
        X, Y = contexts_of(words, 2)
        return torch.stack([-((counts + s) / (counts + s).sum(1, keepdim=True))[X[:, 0], X[:, 1], Y].log().mean() for s in strengths])

    return {"train": losses(train), "dev": losses(dev)}


# %% mistake="smoothing_curve" says="A trigram that occurs again is not counted again, so that no count is above 1. Add one for each occurrence."
def smoothing_curve(train, dev, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27).float()

    def losses(words):
        X, Y = contexts_of(words, 2)
        return torch.stack([-((counts.clamp(max=1) + s) / (counts.clamp(max=1) + s).sum(-1, keepdim=True))[X[:, 0], X[:, 1], Y].log().mean() for s in strengths])

    return {"train": losses(train), "dev": losses(dev)}


# %% mistake="smoothing_curve" says="Both curves hold sums over the trigrams, not means. Divide each loss by the number of its trigrams."
def smoothing_curve(train, dev, strengths):
    X, Y = contexts_of(train, 2)
    counts = torch.bincount(729 * X[:, 0] + 27 * X[:, 1] + Y, minlength=27**3).view(27, 27, 27).float()

    def losses(words):
        X, Y = contexts_of(words, 2)
        return torch.stack([-((counts + s) / (counts + s).sum(-1, keepdim=True))[X[:, 0], X[:, 1], Y].log().sum() for s in strengths])

    return {"train": losses(train), "dev": losses(dev)}


# %% mistake="smoothing_curve" says="The two curves have changed places: what stands under train was measured on dev, and the other way round."
right_smoothing_curve = smoothing_curve


def smoothing_curve(train, dev, strengths):
    found = right_smoothing_curve(train, dev, strengths)
    return {"train": found["dev"], "dev": found["train"]}


# %% mistake="smoothing_curve" says="Your losses are counted in bits, by a logarithm to base 2. The likelihood here has the natural one."
right_smoothing_curve = smoothing_curve


def smoothing_curve(train, dev, strengths):
    return {name: losses / math.log(2) for name, losses in right_smoothing_curve(train, dev, strengths).items()}


# %% variant="smoothing_curve"
def smoothing_curve(train, dev, strengths):
    N = torch.zeros(27, 27, 27)
    for (a, b), c in zip(*(t.tolist() for t in contexts_of(train, 2))):
        N[a, b, c] += 1
    curves = {"train": [], "dev": []}
    for strength in strengths:
        logs = ((N + strength) / (N + strength).sum(2, keepdim=True)).log()
        for name, words in (("dev", dev), ("train", train)):
            X, Y = contexts_of(words, 2)
            curves[name].append(F.nll_loss(logs[X[:, 0], X[:, 1]], Y).item())
    return curves


# %%
try:
    strengths = [10 ** (k / 2) for k in range(-6, 5)]
    found = smoothing_curve(names.train[:8000], names.dev, strengths)
    figure, axes = plt.subplots(figsize=(6, 3.6))
    for name, color in (("train", "#4477aa"), ("dev", "#cc3311")):
        axes.semilogx(strengths, [float(loss) for loss in found[name]], ".-", color=color, label=name)
    axes.set_xlabel("smoothing")
    axes.set_ylabel("loss")
    axes.set_title("Trigram counts of 8,000 names: the more smoothing, the worse on train")
    axes.legend()
    plt.show()
except Exception:  # noqa: BLE001  whatever an unfinished answer raises, a picture must not stop the notebook
    plt.close("all")
    print("The picture comes when smoothing_curve is written.")

# %% [markdown] exercise="what_the_losses_say"
# Look at the table that `compare_models` gives for the whole list (and at the curve, if you have written it). In one line each: Did the second symbol of context help, by how much, and as much on
# names that were not counted as on those that were? And does dev tell what test will say?

# %% [markdown] written="what_the_losses_say"
# {% if known %}With smoothing 0.13 the bigram has 2.4526 on train, 2.4715 on dev and 2.4565 on test, the trigram 2.1875, 2.2395 and 2.2257. {% else %}(The numbers are those of the table for this list of names.) {% endif %}The second symbol
# helps on all three, and most on train: a part of what it gains there is names known by heart. Dev and test differ by little and agree about which model is better, so what is chosen on dev holds on test;
# it is their difference from train that grows with the size of the table. (With more smoothing the train loss only rises; the dev loss falls first and then rises.)

# %% [markdown] marking="what_the_losses_say"
# | points | an answer that | for instance |
# |---|---|---|
# | 1 | Numbers for all three questions: what the second symbol gains, that it gains most on train, that dev and test agree. A sentence on why (names known by heart) is part of it. | *The trigram is better by about 0.26 on train, 0.23 on dev and test; on train a part is memory. Dev and test differ by 0.015 and put the same model first.* |
# | 0.5 | The right direction without numbers, or one of the questions left out. | *The trigram is better everywhere, most on train.* |
# | 0 | Not from the table, or the opposite of it. | *The bigram is better because it has fewer parameters.* |

# %% [markdown] exercise="own_exercise"
# A bonus, as in the lecture: invent an exercise of your own about these models and solve it. Say in one or two sentences what is asked and why one might want to know it; put your code into cells of your own; write down here what came out, with
# at least one number, and what you would try next.

# %% [markdown] written="own_exercise"
# Any question about these models that can be answered by running something: what is asked, a number that was measured, and a conclusion that follows from it. For instance: names drawn from the trigram table, and which share of them stands in the list already; which single
# letter costs most; how the loss changes with the number of training names. Code that runs and a number that answers the question earn the point, whether or not the result is a surprise.

# %% [markdown] marking="own_exercise"
# | points | an answer that | for instance |
# |---|---|---|
# | 1 | A question about these models, code that was run, a number that answers it, and a conclusion that follows from the number. | *Which share of 1,000 drawn names is already in the list? 112 of 1,000, so it mostly makes new ones. Next I would count by length.* |
# | 0.5 | A question and code without a number, or a number without a conclusion. | *I drew 1,000 names with the code above. Many looked real.* |
# | 0 | No question, or nothing was run. | *One could try a four-gram.* |

# %% [markdown]
# ## What you did
#
# You turned names into examples without losing the first letter or the end, made counts into probabilities, and measured them by the average negative log-likelihood. You
# wrote the same model as weights and a softmax, trained it with two symbols of context, and chose a setting on dev. The table of counts grows by a factor of 27 with every further symbol of
# context; the next lecture replaces it by a network whose size does not.
