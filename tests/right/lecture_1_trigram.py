"""Right answers of different make, by people who had not seen the reference."""

# %% right="vocabulary"
def vocabulary(words):
    # collect the letters by hand
    letters = []
    for word in words:
        for letter in word:
            if letter not in letters:
                letters.append(letter)
    letters.sort()

    stoi = {}
    itos = {}
    stoi["."] = 0
    itos[0] = "."
    number = 1
    for letter in letters:
        stoi[letter] = number
        itos[number] = letter
        number += 1
    return stoi, itos


print(vocabulary(["ban", "nab"]))

# %% right="vocabulary"
def vocabulary(words: list[str]) -> tuple[dict[str, int], dict[int, str]]:
    """"." first, then the sorted set of all letters."""
    symbols = [".", *sorted(set("".join(words)))]
    return {s: i for i, s in enumerate(symbols)}, dict(enumerate(symbols))

# %% right="vocabulary"
import numpy as np


def vocabulary(words: list[str]) -> tuple[dict[str, int], dict[int, str]]:
    unique = np.unique(np.array(list("".join(words))))  # np.unique sorts
    keys = ["."] + unique.tolist()
    stoi = dict(zip(keys, range(len(keys))))
    itos = dict(zip(range(len(keys)), keys))
    return stoi, itos

# %% right="vocabulary"
import string


def vocabulary(words):
    present = [c for c in string.ascii_lowercase if any(c in w for w in words)]
    s2i = {c: k for k, c in enumerate(present, start=1)}
    s2i.update({'.': 0})        # the dot comes last into the dict, but its number is 0
    i2s = dict(map(reversed, s2i.items()))
    return (s2i, i2s)

# %% right="vocabulary"
from bisect import bisect_left, insort


class SymbolTable:
    """Keeps its letters sorted while words are added."""

    def __init__(self):
        self.letters: list[str] = []

    def add(self, word: str) -> "SymbolTable":
        for letter in word:
            place = bisect_left(self.letters, letter)
            if place == len(self.letters) or self.letters[place] != letter:
                insort(self.letters, letter)
        return self

    def index(self, symbol: str) -> int:
        return 0 if symbol == "." else 1 + bisect_left(self.letters, symbol)


def vocabulary(words: list[str]) -> tuple[dict[str, int], dict[int, str]]:
    table = SymbolTable()
    for word in words:
        table.add(word)
    stoi = {symbol: table.index(symbol) for symbol in ["."] + table.letters}
    itos = {index: symbol for symbol, index in stoi.items()}
    assert len(stoi) == len(itos)
    return stoi, itos

# %% right="split_names"
def split_names(words: list[str], seed: int) -> tuple[list[str], list[str], list[str]]:
    """The words shuffled with ``random.Random(seed)`` and cut 80/10/10; the input stays as it is."""
    shuffled = words[:]
    random.Random(seed).shuffle(shuffled)
    n1 = int(0.8 * len(words))
    n2 = int(0.9 * len(words))
    return shuffled[:n1], shuffled[n1:n2], shuffled[n2:]

# %% right="split_names"
def split_names(words, seed):
    train, dev, test = [], [], []
    copy_of_words = []
    for w in words:
        copy_of_words.append(w)
    rng = random.Random(seed)
    rng.shuffle(copy_of_words)
    n = len(copy_of_words)
    for position, w in enumerate(copy_of_words):
        if position < int(0.8 * n):
            train.append(w)
        elif position < int(0.9 * n):
            dev.append(w)
        else:
            test.append(w)
    print("train", len(train), "dev", len(dev), "test", len(test))
    return train, dev, test

# %% right="split_names"
def split_names(words: list[str], seed: int):
    # shuffle the places instead of the words: the same swaps happen
    order = list(range(len(words)))
    random.Random(seed).shuffle(order)
    cuts = [0, int(0.8 * len(words)), int(0.9 * len(words)), len(words)]
    return tuple([words[k] for k in order[a:b]] for a, b in zip(cuts, cuts[1:]))

# %% right="split_names"
import numpy as np


def split_names(words: list[str], seed: int) -> tuple[list[str], list[str], list[str]]:
    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    n = len(shuffled)
    pieces = np.split(np.array(shuffled, dtype=object), [int(0.8 * n), int(0.9 * n)])
    train, dev, test = (piece.tolist() for piece in pieces)
    return train, dev, test

# %% right="split_names"
from copy import copy
from itertools import islice


class Splitter:
    def __init__(self, seed):
        self.rng = random.Random()
        self.rng.seed(seed)

    def __call__(self, words):
        mine = copy(words)
        self.rng.shuffle(mine)
        n, stream = len(mine), iter(mine)
        first = list(islice(stream, int(0.8 * n)))
        second = list(islice(stream, int(0.9 * n) - int(0.8 * n)))
        return [first, second, list(stream)]


def split_names(words, seed):
    return tuple(Splitter(seed)(words))

# %% right="bigram_counts"
def bigram_counts(words):
    table = [[0] * 27 for _ in range(27)]
    for word in words:
        chars = "." + word + "."
        for ch1, ch2 in zip(chars, chars[1:]):
            table[SYMBOLS.index(ch1)][SYMBOLS.index(ch2)] += 1
    return torch.tensor(table)

# %% right="bigram_counts"
from collections import Counter


def bigram_counts(words: list[str]) -> Int[Tensor, "27 27"]:
    """How often the symbol of a column follows the symbol of a row, start and end included."""
    stoi = {s: i for i, s in enumerate(SYMBOLS)}
    pairs = Counter(pair for w in words for pair in zip("." + w, w + "."))
    N = torch.zeros((27, 27), dtype=torch.int32)
    for (a, b), how_often in pairs.items():
        N[stoi[a], stoi[b]] = how_often
    return N

# %% right="bigram_counts"
def bigram_counts(words: list[str]) -> Int[Tensor, "27 27"]:
    # one long text: the dot that ends a name also starts the next
    text = "." + "".join(word + "." for word in words)
    codes = (torch.tensor(list(text.encode())) - 96).clamp(min=0)  # "." is 46, "a" is 97
    return torch.bincount(codes[:-1] * 27 + codes[1:], minlength=27 * 27).reshape(27, 27)

# %% right="bigram_counts"
def bigram_counts(words):
    number = dict(zip(SYMBOLS, range(27)))
    current = torch.tensor([number[c] for w in words for c in "." + w])
    following = torch.tensor([number[c] for w in words for c in w + "."])
    a = F.one_hot(current, num_classes=27).double()
    b = F.one_hot(following, num_classes=27).double()
    return torch.einsum("ni,nj->ij", a, b).round().to(torch.int32)

# %% right="bigram_counts"
import numpy as np


def _indices(word):
    return [0] + [ord(letter) - ord("a") + 1 for letter in word] + [0]


def bigram_counts(words: list[str]) -> Int[Tensor, "27 27"]:
    N = np.zeros((27, 27), dtype=np.int32)
    for word in words:
        ix = np.array(_indices(word))
        np.add.at(N, (ix[:-1], ix[1:]), 1)
    return torch.from_numpy(N)

# %% right="bigram_counts"
def neighbours(words):
    """Yields the pairs of indices, one after the other."""
    for word in words:
        before = 0
        for letter in word:
            now = SYMBOLS.find(letter)
            yield before, now
            before = now
        yield before, 0


def bigram_counts(words: list[str]) -> Tensor:
    where = torch.tensor(list(neighbours(words)), dtype=torch.long).reshape(-1, 2)
    ones = torch.ones(where.shape[0], dtype=torch.long)
    return torch.zeros(27, 27, dtype=torch.long).index_put_(where.unbind(1), ones, accumulate=True)

# %% right="bigram_probabilities"
def bigram_probabilities(counts: Int[Tensor, "27 27"], smoothing: float) -> Float[Tensor, "27 27"]:
    """Probabilities of the following symbol, one row for each current symbol, from smoothed counts."""
    return (counts + smoothing) / (counts + smoothing).sum(1, keepdim=True)

# %% right="bigram_probabilities"
def bigram_probabilities(counts, smoothing):
    result = []
    for row in counts.tolist():
        total = 0.0
        for c in row:
            total += c + smoothing
        result.append([(c + smoothing) / total for c in row])
    return torch.tensor(result)

# %% right="bigram_probabilities"
import numpy as np


def bigram_probabilities(counts: Int[Tensor, "27 27"], smoothing: float) -> Float[Tensor, "27 27"]:
    P = counts.numpy().astype(np.float64) + smoothing
    P /= P.sum(axis=1, keepdims=True)
    assert np.allclose(P.sum(axis=1), 1)
    return torch.from_numpy(P)

# %% right="bigram_probabilities"
def bigram_probabilities(counts, smoothing):
    # nothing is negative, so the 1-norm of a row is its sum
    return F.normalize(counts.float().add(smoothing), p=1, dim=1)

# %% right="bigram_probabilities"
def bigram_probabilities(counts: Int[Tensor, "27 27"], smoothing: float) -> Float[Tensor, "27 27"]:
    log_counts = torch.log(counts + smoothing)
    return torch.softmax(log_counts, dim=-1)  # exp(log(count)) / sum

# %% right="bigram_probabilities"
def row_sums(M):
    return torch.einsum("ij->i", M)


def bigram_probabilities(counts, smoothing):
    smoothed = counts.to(torch.float32)
    smoothed += smoothing
    return (smoothed.T / row_sums(smoothed)).T

# %% right="mean_nll"
def mean_nll(P, pairs):
    log_likelihood = 0.0
    n = 0
    for i, j in pairs.tolist():
        log_likelihood += math.log(P[i, j].item())
        n += 1
    nll = -log_likelihood
    print(f"{nll=:.4f} {n=}")
    return torch.tensor(nll / n)

# %% right="mean_nll"
mean_nll = lambda P, pairs: -P.log().flatten()[27 * pairs[:, 0] + pairs[:, 1]].mean()

# %% right="mean_nll"
def mean_nll(P: Float[Tensor, "27 27"], pairs: Int[Tensor, "n 2"]) -> Float[Tensor, ""]:
    """The average negative log-likelihood of the pairs, in nats."""
    logprobs = torch.log(P)
    return F.nll_loss(logprobs[pairs[:, 0]], pairs[:, 1])

# %% right="mean_nll"
import numpy as np


def mean_nll(P: Float[Tensor, "27 27"], pairs: Int[Tensor, "n 2"]) -> Float[Tensor, ""]:
    p = P.detach().numpy().astype(np.float64)
    i, j = pairs.numpy().T
    return torch.tensor(float(np.mean(-np.log(p[i, j]))))

# %% right="mean_nll"
def mean_nll(P, pairs):
    first, second = pairs.unbind(dim=1)
    how_often = torch.zeros_like(P).index_put_((first, second), torch.ones(len(pairs), dtype=P.dtype), accumulate=True)
    return torch.xlogy(how_often, P).sum().neg().div(len(pairs))

# %% right="mean_nll"
class Surprise:
    """How surprised a model is by a pair, in nats."""

    def __init__(self, P: Tensor):
        self.table = -torch.log(P.double())

    def of(self, pair: Tensor) -> Tensor:
        return self.table[tuple(pair)]


def mean_nll(P: Float[Tensor, "27 27"], pairs: Int[Tensor, "n 2"]) -> Float[Tensor, ""]:
    surprise = Surprise(P)
    return torch.stack([surprise.of(pair) for pair in pairs]).mean()

# %% right="sample_names"
def sample_names(P, count, generator):
    itos = {i: s for i, s in enumerate(SYMBOLS)}
    out = []
    for k in range(count):
        ix = 0
        name = ''
        while True:
            p = P[ix]
            ix = torch.multinomial(p, num_samples=1, replacement=True, generator=generator).item()
            if ix == 0:
                break
            name += itos[ix]
        out.append(name)
    return out

# %% right="sample_names"
def sample_names(P: Float[Tensor, "27 27"], count: int, generator: torch.Generator) -> list[str]:
    """Names drawn from a bigram model, without their dots."""

    def letters():
        index = 0
        while index := torch.multinomial(P[index], num_samples=1, replacement=True, generator=generator).item():
            yield chr(ord("a") + index - 1)

    return ["".join(letters()) for _ in range(count)]

# %% right="sample_names"
def sample_names(P, count, generator):
    # one long text in which every dot ends a name
    state, drawn, dots = torch.zeros(1, dtype=torch.long), [], 0
    while dots < count:
        row = P[state].squeeze(0)
        state = torch.multinomial(row, num_samples=1, replacement=True, generator=generator)
        drawn += state.tolist()
        dots += int((state == 0).sum())
    text = "".join(SYMBOLS[i] for i in drawn)
    return text.split(".")[:-1]

# %% right="sample_names"
class Walk:
    """An iterator over the letters of one name."""

    def __init__(self, rows: tuple[Tensor, ...], generator: torch.Generator):
        self.rows, self.generator, self.here = rows, generator, 0

    def __iter__(self):
        return self

    def __next__(self) -> str:
        there = torch.multinomial(self.rows[self.here], num_samples=1, replacement=True, generator=self.generator)
        self.here = int(there)
        if self.here == 0:
            raise StopIteration
        return SYMBOLS[self.here]


def sample_names(P: Float[Tensor, "27 27"], count: int, generator: torch.Generator) -> list[str]:
    rows = P.unbind(0)
    return [str().join(Walk(rows, generator)) for _ in range(count)]

# %% right="sample_names"
def sample_names(P: Float[Tensor, "27 27"], count: int, generator: torch.Generator) -> list[str]:
    names_so_far: list[str] = []
    while len(names_so_far) < count:
        path = [0]

        def step():
            one_hot = F.one_hot(torch.tensor(path[-1]), num_classes=27).to(P.dtype)
            path.append(torch.multinomial(one_hot @ P, num_samples=1, replacement=True, generator=generator).item())
            return path[-1]

        names_so_far.append("".join(map(SYMBOLS.__getitem__, iter(step, 0))))
    return names_so_far

# %% right="neural_bigram_loss"
def neural_bigram_loss(W, pairs, strength):
    xs, ys = pairs[:, 0], pairs[:, 1]
    xenc = F.one_hot(xs, num_classes=27).to(W.dtype)
    logits = xenc @ W  # log-counts
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdims=True)
    loss = -probs[torch.arange(len(ys)), ys].log().mean() + strength * (W**2).mean()
    return loss

# %% right="neural_bigram_loss"
def neural_bigram_loss(W: Float[Tensor, "27 27"], pairs: Int[Tensor, "n 2"], strength: float) -> Float[Tensor, ""]:
    """Mean negative log-likelihood of the pairs, plus strength times the mean square of the weights."""
    return F.cross_entropy(W[pairs[:, 0]], pairs[:, 1]) + strength * W.square().mean()

# %% right="neural_bigram_loss"
def neural_bigram_loss(W, pairs, strength):
    W = W.double()  # more digits; the gradient comes back as float32
    total = 0
    for i, j in pairs.tolist():
        e = torch.exp(W[i])
        probability = e[j] / torch.sum(e)
        total = total - torch.log(probability)
    penalty = 0
    for row in W:
        penalty = penalty + torch.dot(row, row)
    return total / len(pairs) + strength * penalty / (27 * 27)

# %% right="neural_bigram_loss"
def neural_bigram_loss(W: Float[Tensor, "27 27"], pairs: Int[Tensor, "n 2"], strength: float) -> Float[Tensor, ""]:
    # the loss depends only on how often each pair occurs
    n = pairs.shape[0]
    N = torch.zeros(27, 27, dtype=W.dtype).index_put_((pairs[:, 0], pairs[:, 1]), torch.ones(n).to(W), accumulate=True)
    return -torch.einsum("ij,ij->", N, W.log_softmax(1)) / n + strength * torch.einsum("ij,ij->", W, W) / W.numel()

# %% right="neural_bigram_loss"
class NeuralBigram:
    def __init__(self, weights):
        self.weights = weights

    def logits(self, first):
        return F.embedding(first, self.weights)

    def nll(self, first, second):
        logits = self.logits(first)
        chosen = torch.gather(logits, 1, second.unsqueeze(1)).squeeze(1)
        return torch.mean(torch.logsumexp(logits, dim=1) - chosen)

    def penalty(self):
        return F.mse_loss(self.weights, torch.zeros_like(self.weights))


def neural_bigram_loss(W, pairs, strength):
    model = NeuralBigram(W)
    return model.nll(*pairs.T) + strength * model.penalty()

# %% right="neural_bigram_loss"
from torch.distributions import Categorical


def neural_bigram_loss(W: Float[Tensor, "27 27"], pairs: Int[Tensor, "n 2"], strength: float) -> Float[Tensor, ""]:
    following = Categorical(logits=W.index_select(0, pairs[:, 0]))
    nll = following.log_prob(pairs[:, 1]).mean().neg()
    return torch.add(nll, W.pow(2).mean(), alpha=strength)

# %% right="trigram_pairs"
def trigram_pairs(words):
    block_size = 2
    X, Y = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + '.':
            ix = SYMBOLS.index(ch)
            X.append(context)
            Y.append(ix)
            #print(''.join(SYMBOLS[i] for i in context), '--->', SYMBOLS[ix])
            context = context[1:] + [ix]
    X = torch.tensor(X).reshape(-1, block_size)
    Y = torch.tensor(Y)
    return X, Y

# %% right="trigram_pairs"
def trigram_pairs(words: list[str]) -> tuple[Int[Tensor, "n 2"], Int[Tensor, " n"]]:
    """The two symbols before each prediction, and the symbol to predict; names are padded with two dots in front."""
    rows = [[SYMBOLS.index(s) for s in f"..{w}."[k : k + 3]] for w in words for k in range(len(w) + 1)]
    windows = torch.tensor(rows)
    return windows[:, :2], windows[:, 2]

# %% right="trigram_pairs"
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def trigram_pairs(words: list[str]) -> tuple[Int[Tensor, "n 2"], Int[Tensor, " n"]]:
    blocks = []
    for word in words:
        codes = np.frombuffer(f"..{word}.".encode(), dtype=np.uint8).astype(np.int64)
        blocks.append(sliding_window_view(np.maximum(codes - 96, 0), 3))
    rows = np.concatenate(blocks)
    return torch.from_numpy(rows[:, :2].copy()), torch.from_numpy(rows[:, 2].copy())

# %% right="trigram_pairs"
def _padded(word):
    return torch.tensor([0, 0, *(ord(c) - 96 for c in word), 0], dtype=torch.int16)


def trigram_pairs(words):
    triples = torch.cat([_padded(word).unfold(0, 3, 1) for word in words])
    contexts, targets = triples.split([2, 1], dim=1)
    return contexts, targets.squeeze(1)

# %% right="trigram_pairs"
number = {symbol: i for i, symbol in enumerate(SYMBOLS)}


def encode(text):
    return torch.tensor([number[symbol] for symbol in text], dtype=torch.uint8)  # 27 symbols fit in a byte


def trigram_pairs(words: list[str]):
    target = encode("".join(word + "." for word in words))
    one_before = encode("".join("." + word for word in words))
    two_before = encode("".join((".." + word)[: len(word) + 1] for word in words))
    return torch.stack([two_before, one_before], dim=1), target


for context, target in zip(*trigram_pairs(["ava"])):
    print("".join(SYMBOLS[i] for i in context), "->", SYMBOLS[target])

# %% right="trigram_pairs"
from typing import NamedTuple


class Example(NamedTuple):
    before: tuple[int, int]
    target: int


def examples(indices: list[int], before: tuple[int, int] = (0, 0)) -> list[Example]:
    """The first prediction, then those of the rest."""
    if not indices:
        return []
    first, *rest = indices
    return [Example(before, first)] + examples(rest, (before[1], first))


def trigram_pairs(words: list[str]) -> tuple[Int[Tensor, "n 2"], Int[Tensor, " n"]]:
    everything = sum((examples([SYMBOLS.index(c) for c in word] + [0]) for word in words), start=[])
    X = torch.empty(len(everything), 2, dtype=torch.int32)
    Y = torch.empty(len(everything), dtype=torch.int32)
    for row, example in enumerate(everything):
        X[row] = torch.tensor(example.before)
        Y[row] = example.target
    return X, Y

# %% right="trigram_logits"
def trigram_logits(W: Float[Tensor, "54 27"], contexts: Int[Tensor, "n 2"]) -> Float[Tensor, "n 27"]:
    """Logits of the linear trigram model, by indexing."""
    first, second = contexts[:, 0], contexts[:, 1]
    return W[first] + W[27 + second]

# %% right="trigram_logits"
def trigram_logits(W, contexts):
    rows = []
    for a, b in contexts.tolist():
        rows.append(W[a] + W[27 + b])
    return torch.stack(rows)

# %% right="trigram_logits"
def trigram_logits(W, contexts):
    return F.embedding_bag(contexts + torch.tensor([0, 27]), W, mode="sum")

# %% right="trigram_logits"
import numpy as np


def trigram_logits(W: Float[Tensor, "54 27"], contexts: Int[Tensor, "n 2"]) -> Float[Tensor, "n 27"]:
    weights = W.detach().cpu().numpy()
    c = contexts.cpu().numpy()
    return torch.from_numpy(np.take(weights, c[:, 0], axis=0) + np.take(weights, c[:, 1] + 27, axis=0))

# %% right="trigram_logits"
def trigram_logits(W: Float[Tensor, "54 27"], contexts: Int[Tensor, "n 2"]) -> Float[Tensor, "n 27"]:
    halves = W.reshape(2, 27, 27)  # which place, which symbol, logits
    return halves[torch.arange(2), contexts].sum(dim=1)

# %% right="trigram_logits"
class Half:
    """27 rows of the weights, looked up with gather."""

    def __init__(self, weights):
        self.weights = weights

    def __getitem__(self, symbols):
        wide = symbols.long().unsqueeze(1).expand(-1, self.weights.size(1))
        return self.weights.gather(0, wide)


def trigram_logits(W, contexts):
    upper, lower = map(Half, W.chunk(2))
    x1, x2 = contexts.T
    return upper[x1] + lower[x2]

# %% right="cross_entropy"
def cross_entropy(logits: Float[Tensor, "n 27"], targets: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    """Mean negative log-likelihood of the targets under the softmax of the logits, safe for logits of any size."""
    logits = logits - logits.max(1, keepdim=True).values
    logprobs = logits - logits.exp().sum(1, keepdim=True).log()
    return -logprobs[torch.arange(len(targets)), targets].mean()

# %% right="cross_entropy"
def cross_entropy(logits, targets):
    picked = logits.gather(1, targets.view(-1, 1)).squeeze(1)
    return (torch.logsumexp(logits, dim=1) - picked).mean()

# %% right="cross_entropy"
def log_sum_exp(values):
    top = max(values)
    return top + math.log(math.fsum(math.exp(v - top) for v in values))


def cross_entropy(logits, targets):
    losses = []
    for row, t in zip(logits.tolist(), targets.tolist()):
        losses.append(log_sum_exp(row) - row[t])
    return torch.tensor(sum(losses) / len(losses))

# %% right="cross_entropy"
from functools import reduce


def cross_entropy(logits: Float[Tensor, "n 27"], targets: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    z = logits.double()
    log_total = reduce(torch.logaddexp, z.unbind(dim=1))  # column by column, never an exponential by itself
    return torch.mean(log_total - z[range(len(z)), targets.tolist()])

# %% right="cross_entropy"
import numpy as np


def cross_entropy(logits: Float[Tensor, "n 27"], targets: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    z = logits.detach().numpy().astype("float64")
    z -= z.max(axis=1, keepdims=True)
    e = np.exp(z)
    correct = np.take_along_axis(z, targets.numpy()[:, None], axis=1)[:, 0]
    nll = np.log(e.sum(axis=1)) - correct
    return torch.tensor(nll.mean(), dtype=torch.float32)

# %% right="cross_entropy"
class LogSoftmax:
    def __init__(self, dim):
        self.dim = dim

    def __call__(self, x):
        shifted = torch.sub(x, torch.amax(x, dim=self.dim, keepdim=True))
        return shifted.log_softmax(self.dim)


def cross_entropy(logits, targets):
    logprobs = LogSoftmax(dim=-1)(logits)
    total = torch.zeros(())
    for k in range(logits.shape[0]):
        total -= logprobs[k, targets[k]]
    return total / logits.shape[0]

# %% right="tune_smoothing"
def tune_smoothing(train: list[str], dev: list[str], test: list[str], strengths: list[float]) -> dict:
    """Dev loss of each smoothing strength, the best strength on dev, and its test loss."""
    N = torch.zeros(27, 27, 27)
    X, Y = contexts_of(train, 2)
    for (a, b), c in zip(X.tolist(), Y.tolist()):
        N[a, b, c] += 1

    def loss(words, strength):
        x, y = contexts_of(words, 2)
        P = N + strength
        P = P / P.sum(-1, keepdim=True)
        return -P[x[:, 0], x[:, 1], y].log().mean().item()

    dev_losses = []
    for strength in strengths:
        dev_losses.append(loss(dev, strength))
        print(f"strength {strength}: dev loss {dev_losses[-1]:.4f}")
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"dev": dev_losses, "best": best, "test": loss(test, best)}

# %% right="tune_smoothing"
def _row_and_target(words):
    contexts, targets = contexts_of(words, 2)
    return 27 * contexts[:, 0] + contexts[:, 1], targets


def tune_smoothing(train, dev, test, strengths):
    # all strengths at once: (strengths, 729 contexts, 27 targets)
    row, target = _row_and_target(train)
    N = torch.bincount(27 * row + target, minlength=27**3).view(1, 729, 27)
    smoothed = N + torch.tensor(strengths).view(-1, 1, 1)
    logP = smoothed.log() - smoothed.sum(-1, keepdim=True).log()
    row, target = _row_and_target(dev)
    losses = -logP[:, row, target].mean(dim=1)
    k = int(losses.argmin())
    row, target = _row_and_target(test)
    return dict(test=-logP[k, row, target].mean(), best=strengths[k], dev=losses)

# %% right="tune_smoothing"
from collections import Counter


def _trigrams(words):
    for word in words:
        padded = ".." + word + "."
        for k in range(len(word) + 1):
            yield padded[k : k + 3]


def tune_smoothing(train: list[str], dev: list[str], test: list[str], strengths: list[float]) -> dict:
    triples = Counter(_trigrams(train))
    contexts = Counter(t[:2] for t in _trigrams(train))

    def nll(words, s):
        terms = [-math.log((triples[t] + s) / (contexts[t[:2]] + 27 * s)) for t in _trigrams(words)]
        return math.fsum(terms) / len(terms)

    by_strength = {s: nll(dev, s) for s in strengths}
    best = min(by_strength, key=by_strength.get)
    return {"dev": [by_strength[s] for s in strengths], "best": best, "test": nll(test, best)}

# %% right="tune_smoothing"
import numpy as np


def tune_smoothing(train, dev, test, strengths):
    data = {}
    for split, words in (("train", train), ("dev", dev), ("test", test)):
        x, y = contexts_of(words, 2)
        data[split] = (*x.numpy().T, y.numpy())

    counts = np.zeros((27, 27, 27))
    np.add.at(counts, data["train"], 1.0)

    def evaluate(split, alpha):
        table = counts + alpha
        table /= table.sum(axis=2, keepdims=True)
        return float(-np.log(table[data[split]]).mean())

    dev_losses = np.array([evaluate("dev", alpha) for alpha in strengths])
    best = strengths[np.argmin(dev_losses)]
    return {"dev": dev_losses.tolist(), "best": best, "test": evaluate("test", best)}

# %% right="tune_smoothing"
from dataclasses import dataclass


@dataclass
class TrigramTable:
    """Counts of trigrams, and what is added to each."""

    counts: Tensor
    smoothing: float = 1.0

    @classmethod
    def of(cls, words):
        contexts, targets = contexts_of(words, 2)
        zeros = torch.zeros(27, 27, 27)
        return cls(zeros.index_put_((*contexts.T, targets), torch.ones(len(targets)), accumulate=True))

    def smoothed(self, smoothing):
        return TrigramTable(self.counts, smoothing)

    def loss(self, words):
        contexts, targets = contexts_of(words, 2)
        first, second = contexts.T
        probabilities = F.normalize(self.counts + self.smoothing, p=1, dim=2)
        return F.nll_loss(torch.log(probabilities[first, second]), targets)


def tune_smoothing(train: list[str], dev: list[str], test: list[str], strengths: list[float]) -> dict:
    table = TrigramTable.of(train)
    result = {"dev": [table.smoothed(strength).loss(dev) for strength in strengths]}
    _, result["best"] = min(zip(result["dev"], strengths), key=lambda pair: pair[0].item())
    result["test"] = table.smoothed(result["best"]).loss(test)
    return result

# %% right="tune_regularization"
def tune_regularization(W, train, dev, strengths, steps, rate):
    Xtr, Ytr = contexts_of(train, 2)
    Xdev, Ydev = contexts_of(dev, 2)
    train_losses = []
    dev_losses = []
    for strength in strengths:
        w = W.clone().detach().requires_grad_(True)
        for step in range(steps):
            # forward
            logits = w[Xtr[:, 0]] + w[27 + Xtr[:, 1]]
            loss = F.cross_entropy(logits, Ytr) + strength * (w**2).mean()
            # backward
            w.grad = None
            loss.backward()
            # update
            w.data += -rate * w.grad
        with torch.no_grad():
            train_losses.append(F.cross_entropy(w[Xtr[:, 0]] + w[27 + Xtr[:, 1]], Ytr).item())
            dev_losses.append(F.cross_entropy(w[Xdev[:, 0]] + w[27 + Xdev[:, 1]], Ydev).item())
        print(f"{strength:8} train {train_losses[-1]:.4f} dev {dev_losses[-1]:.4f}")
    best = strengths[dev_losses.index(min(dev_losses))]
    return {"train": train_losses, "dev": dev_losses, "best": best}

# %% right="tune_regularization"
from functools import reduce


def tune_regularization(
    W: Float[Tensor, "54 27"], train: list[str], dev: list[str], strengths: list[float], steps: int, rate: float
) -> dict:
    """Train and dev loss of each penalty after a short training from W, and the best penalty on dev."""
    splits = {"train": contexts_of(train, 2), "dev": contexts_of(dev, 2)}

    def data_loss(w, split):
        contexts, targets = splits[split]
        logits = trigram_logits(w, contexts)
        return -logits.log_softmax(1).gather(1, targets[:, None]).mean()

    def descended(w, strength):
        w = w.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(data_loss(w, "train") + strength * w.square().mean(), w)
        return (w - rate * gradient).detach()

    trained = [reduce(lambda w, _, s=s: descended(w, s), range(steps), W.detach().clone()) for s in strengths]
    losses = {split: torch.stack([data_loss(w, split) for w in trained]) for split in splits}
    return {**losses, "best": strengths[losses["dev"].argmin().item()]}

# %% right="tune_regularization"
def tune_regularization(W, train, dev, strengths, steps, rate):
    # one copy of W for each strength, all trained together: the sum of their losses has each one's own gradient
    S = len(strengths)
    lam = torch.tensor(strengths)
    Ws = W.detach().expand(S, 54, 27).clone().requires_grad_()

    def losses(words):
        x, y = contexts_of(words, 2)
        logits = Ws[:, x[:, 0]] + Ws[:, 27 + x[:, 1]]  # (S, n, 27)
        return F.cross_entropy(logits.flatten(0, 1), y.repeat(S), reduction="none").view(S, -1).mean(1)

    for _ in range(steps):
        objective = losses(train) + lam * Ws.pow(2).mean(dim=(1, 2))
        (gradient,) = torch.autograd.grad(objective.sum(), Ws)
        with torch.no_grad():
            Ws -= rate * gradient

    with torch.no_grad():
        on_train, on_dev = losses(train), losses(dev)
    return {"best": strengths[int(torch.argmin(on_dev))], "train": on_train, "dev": on_dev}

# %% right="tune_regularization"
class LinearTrigram:
    """Logits as a product of a matrix with two ones in each row; its gradient is written out by hand."""

    def __init__(self, W: Tensor):
        self.W = W.detach().clone()

    @staticmethod
    def encode(words):
        contexts, targets = contexts_of(words, 2)
        inputs = F.one_hot(contexts[:, 0], 54) + F.one_hot(contexts[:, 1] + 27, 54)
        return inputs.float(), F.one_hot(targets, 27).float()

    def loss(self, inputs, wanted):
        return -(wanted * torch.log_softmax(inputs @ self.W, dim=1)).sum(dim=1).mean()

    def step(self, inputs, wanted, strength, rate):
        error = (torch.softmax(inputs @ self.W, dim=1) - wanted) / len(wanted)
        gradient = inputs.T @ error + strength * 2 * self.W / self.W.numel()
        self.W = self.W - rate * gradient


def tune_regularization(
    W: Float[Tensor, "54 27"], train: list[str], dev: list[str], strengths: list[float], steps: int, rate: float
) -> dict:
    train_data, dev_data = LinearTrigram.encode(train), LinearTrigram.encode(dev)
    out = {"train": [], "dev": []}
    for strength in strengths:
        model = LinearTrigram(W)
        for _ in range(steps):
            model.step(*train_data, strength, rate)
        out["train"].append(model.loss(*train_data))
        out["dev"].append(model.loss(*dev_data))
    out["best"] = min(zip(out["dev"], strengths), key=lambda pair: float(pair[0]))[1]
    return out

# %% right="tune_regularization"
import numpy as np


def _logprobs(w, x):
    z = w[x[:, 0]] + w[27 + x[:, 1]]
    z -= z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def _loss(w, x, y):
    return float(-_logprobs(w, x)[np.arange(len(y)), y].mean())


def tune_regularization(W, train, dev, strengths, steps, rate):
    xt, yt = (t.numpy() for t in contexts_of(train, 2))
    xd, yd = (t.numpy() for t in contexts_of(dev, 2))
    start = W.detach().numpy().astype(np.float64)
    train_losses, dev_losses = [], []
    for strength in strengths:
        w = start.copy()
        for _ in range(steps):
            d = np.exp(_logprobs(w, xt))
            d[np.arange(len(yt)), yt] -= 1
            d /= len(yt)
            grad = strength * 2 * w / w.size
            np.add.at(grad, xt[:, 0], d)
            np.add.at(grad, 27 + xt[:, 1], d)
            w -= rate * grad
        train_losses.append(_loss(w, xt, yt))
        dev_losses.append(_loss(w, xd, yd))
    return {"train": train_losses, "dev": dev_losses, "best": strengths[int(np.argmin(dev_losses))]}
