"""Right answers of different make, by people who had not seen the reference."""
# %% right="build_contexts"
def build_contexts(words, T):
    # pad the text itself, then cut pieces out of it
    pieces, targets = [], []
    for w in words:
        padded = "." * T + w + "."
        for i in range(len(w) + 1):
            pieces.append(padded[i : i + T])
            targets.append(padded[i + T])
    X = torch.tensor([[SYMBOLS.index(s) for s in piece] for piece in pieces])
    Y = torch.tensor([SYMBOLS.index(s) for s in targets])
    print("contexts", X.shape, "targets", Y.shape)
    return X, Y
# %% right="build_contexts"
def build_contexts(words: list[str], T: int) -> tuple[Int[Tensor, "N T"], Int[Tensor, " N"]]:
    """Contexts of T symbols, padded at the front with dots, and the symbol that follows each."""

    def windows(word: str) -> Tensor:
        """Every run of T + 1 symbols of one padded word."""
        indices = torch.zeros(T + len(word) + 1, dtype=torch.long)
        indices[T:-1] = torch.tensor([SYMBOLS.index(letter) for letter in word])
        return indices.unfold(0, T + 1, 1)

    rows = torch.cat([windows(word) for word in words])
    return rows[:, :T], rows[:, T]
# %% right="build_contexts"
import numpy as np


def build_contexts(words, T):
    """All words at once: column by column, the targets shifted down by 1, 2, ..., T rows."""
    text = "".join(word + "." for word in words)
    y = np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int32) - (ord("a") - 1)
    y[y < 0] = 0  # the dots
    lengths = np.array([len(word) + 1 for word in words])
    position = np.arange(len(y)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    x = np.zeros((len(y), T), dtype=np.int32)
    for back in range(1, T + 1):
        x[back:, T - back] = np.where(position[back:] >= back, y[:-back], 0)
    return torch.from_numpy(x), torch.from_numpy(y)
# %% right="build_contexts"
from collections import deque


class SlidingWindow:
    """The last few symbols, the oldest on the left."""

    def __init__(self, size):
        self.size = size
        self.reset()

    def reset(self):
        self.content = deque([0] * self.size, maxlen=self.size)

    def push(self, index):
        self.content.append(index)  # maxlen throws the oldest out

    def as_tensor(self):
        return torch.LongTensor(list(self.content))


def build_contexts(words: list[str], T: int):
    window = SlidingWindow(T)
    xs = []
    ys = []
    for name in words:
        window.reset()
        for symbol in [*name, "."]:
            index = SYMBOLS.index(symbol)
            xs.append(window.as_tensor())
            ys.append(torch.tensor(index))
            window.push(index)
    return torch.stack(xs, dim=0), torch.stack(ys, dim=0)
# %% right="build_contexts"
stoi = {symbol: index for index, symbol in enumerate(SYMBOLS)}


def walk(context: tuple, rest: str) -> list:
    """(context, target) for what is left of a word, and for the dot behind it."""
    if rest == "":
        return [(context, stoi["."])]
    head = stoi[rest[0]]
    return [(context, head)] + walk((*context, head)[1:], rest[1:])


def build_contexts(words: list[str], T: int) -> tuple[Tensor, Tensor]:
    pairs = [pair for word in words for pair in walk((0,) * T, word)]
    contexts, targets = zip(*pairs)
    return torch.tensor(contexts), torch.tensor(targets)
# %% right="embed"
def embed(C, X):
    # one block of columns for each place in the context
    return torch.hstack([F.embedding(column, C) for column in X.unbind(dim=1)])
# %% right="embed"
def embed(C: Float[Tensor, "27 d"], X: Int[Tensor, "N T"]) -> Float[Tensor, "N T*d"]:
    """The embeddings of each context's symbols, side by side."""
    one_hot = F.one_hot(X.long(), num_classes=C.shape[0]).to(C.dtype)  # (N, T, 27)
    looked_up = torch.einsum("nts,sd->ntd", one_hot, C)
    return looked_up.flatten(start_dim=1)
# %% right="embed"
def embed(table, contexts):
    n, t = contexts.shape
    width = table.size(1)
    which = contexts.long().reshape(n * t, 1).expand(n * t, width)
    rows = torch.gather(table, 0, which)
    return rows.reshape(n, t * width)
# %% right="embed"
def embed(C: Tensor, X: Tensor) -> Tensor:
    N, T = X.shape
    d = C.shape[1]
    out = torch.zeros((N, T * d), dtype=C.dtype)
    for n in range(N):
        for t in range(T):
            i = X[n, t].item()
            out[n, t * d : (t + 1) * d] = C[i]
    return out
# %% right="embed"
import numpy


def embed(C, X):
    """Nested lists of rows, joined by numpy."""
    table = C.detach().cpu().numpy()
    joined = [numpy.concatenate([table[i] for i in context]) for context in X.tolist()]
    E = torch.from_numpy(numpy.stack(joined))
    assert E.shape == (X.shape[0], X.shape[1] * C.shape[1])
    return E
# %% right="mlp_logits"
def mlp_logits(E, W1, b1, W2, b2):
    # by hand, number by number
    E, W1, b1, W2, b2 = [t.tolist() for t in (E, W1, b1, W2, b2)]
    logits = []
    for e in E:
        h = []
        for j in range(len(b1)):
            total = b1[j]
            for i in range(len(e)):
                total += e[i] * W1[i][j]
            h.append(math.tanh(total))
        row = []
        for k in range(len(b2)):
            total = b2[k]
            for j in range(len(h)):
                total += h[j] * W2[j][k]
            row.append(total)
        logits.append(row)
    return torch.tensor(logits)
# %% right="mlp_logits"
def mlp_logits(
    E: Float[Tensor, "N T*d"],
    W1: Float[Tensor, "T*d hidden"],
    b1: Float[Tensor, " hidden"],
    W2: Float[Tensor, "hidden 27"],
    b2: Float[Tensor, " 27"],
) -> Float[Tensor, "N 27"]:
    """Logits of a network with one hidden tanh layer."""
    return F.linear(F.linear(E, W1.t(), b1).tanh(), W2.t(), b2)
# %% right="mlp_logits"
def mlp_logits(E, W1, b1, W2, b2):
    pre_activation = torch.einsum("ni,ih->nh", E, W1) + b1.unsqueeze(0)
    # tanh is a stretched sigmoid
    h = 2.0 * torch.sigmoid(2.0 * pre_activation) - 1.0
    logits = torch.einsum("nh,hk->nk", h, W2) + b2.unsqueeze(0)
    return logits
# %% right="mlp_logits"
import numpy as np


def mlp_logits(E, W1, b1, W2, b2):
    """In numpy, and in double precision."""
    e, w1, c1, w2, c2 = (np.array(t.detach().tolist(), dtype=np.float64) for t in (E, W1, b1, W2, b2))
    h = np.tanh(np.dot(e, w1) + c1)
    return torch.from_numpy(np.dot(h, w2) + c2)
# %% right="mlp_logits"
class Affine:
    """x W + b, and something after it."""

    def __init__(self, weight, bias, then=None):
        self.weight, self.bias, self.then = weight, bias, then

    def __call__(self, x):
        out = torch.addmm(self.bias, x, self.weight)
        return out if self.then is None else self.then(out)


def mlp_logits(E, W1, b1, W2, b2):
    x = E
    for layer in (Affine(W1, b1, torch.tanh), Affine(W2, b2)):
        x = layer(x)
    return x
# %% right="direct_connections"
def direct_connections(x, W, H, d, U, b):
    # [x, h] times W on top of U is the sum of both roads
    h = torch.tanh(x @ H + d)
    both = torch.cat([x, h], dim=1)
    return both @ torch.cat([W, U], dim=0) + b
# %% right="direct_connections"
def direct_connections(
    x: Float[Tensor, "N fan_in"],
    W: Float[Tensor, "fan_in 27"],
    H: Float[Tensor, "fan_in hidden"],
    d: Float[Tensor, " hidden"],
    U: Float[Tensor, "hidden 27"],
    b: Float[Tensor, " 27"],
) -> Float[Tensor, "N 27"]:
    """The network of the exercise before, plus the straight road."""
    return mlp_logits(x, H, d, U, b) + x.mm(W)
# %% right="direct_connections"
def direct_connections(x, W, H, d, U, b):
    """One example at a time, as it stands in the paper."""
    W, H, U = W.T, H.T, U.T  # now they stand on the left, as in the paper
    ys = []
    for example in x:
        y = b + W.mv(example) + U.mv(torch.tanh(d + H.mv(example)))
        ys.append(y)
    return torch.stack(ys)
# %% right="direct_connections"
import numpy as np


def direct_connections(*tensors):
    x, W, H, d, U, b = [t.detach().numpy() for t in tensors]
    n = x.shape[0]
    with_one = np.concatenate([x, np.ones((n, 1), dtype=x.dtype)], axis=1)  # a bias is a weight of the input 1
    hidden = np.tanh(with_one.dot(np.vstack([H, d])))
    result = with_one.dot(np.vstack([W, b])) + hidden.dot(U)
    return torch.tensor(result)
# %% right="direct_connections"
def direct_connections(inputs, skip, to_hidden, hidden_bias, to_logits, logit_bias):
    hidden = torch.einsum("ni,ij->nj", inputs, to_hidden).add(hidden_bias).tanh()
    out = logit_bias.expand(inputs.shape[0], -1).clone()
    out += torch.einsum("ni,ik->nk", inputs, skip)
    out += torch.einsum("nj,jk->nk", hidden, to_logits)
    return out
# %% right="initial_loss"
def initial_parameters(T, d, hidden, g):
    # a last layer of zeros claims nothing at all; the units differ by W1, so their gradients differ too
    C = torch.randn((27, d), generator=g)
    W1 = torch.randn((T * d, hidden), generator=g) * (5 / 3) / (T * d) ** 0.5
    b1 = torch.zeros(hidden)
    W2 = torch.zeros((hidden, 27))
    b2 = torch.zeros(27)
    return [C, W1, b1, W2, b2]
# %% right="initial_loss"
def initial_parameters(T: int, d: int, hidden: int, g: torch.Generator) -> list[Float[Tensor, "..."]]:
    """Everything uniform, between minus a bound and the bound."""

    def uniform(bound, *shape):
        return (2 * torch.rand(*shape, generator=g) - 1) * bound

    fan_in = T * d
    return [
        uniform(1.0, 27, d),
        uniform(1 / math.sqrt(fan_in), fan_in, hidden),
        uniform(1 / math.sqrt(fan_in), hidden),
        uniform(0.02, hidden, 27),
        uniform(0.001, 27),
    ]
# %% right="initial_loss"
from torch import nn


def initial_parameters(T, d, hidden, g):
    """With the functions of torch.nn.init, as parameters that can be trained at once."""
    C = nn.Parameter(torch.empty(27, d))
    W1 = nn.Parameter(torch.empty(T * d, hidden))
    b1 = nn.Parameter(torch.empty(hidden))
    W2 = nn.Parameter(torch.empty(hidden, 27))
    b2 = nn.Parameter(torch.empty(27))
    nn.init.normal_(C, generator=g)
    nn.init.xavier_uniform_(W1, gain=nn.init.calculate_gain("tanh"), generator=g)
    nn.init.constant_(b1, 0.0)
    nn.init.trunc_normal_(W2, std=0.01, a=-0.02, b=0.02, generator=g)
    nn.init.zeros_(b2)
    return [C, W1, b1, W2, b2]
# %% right="initial_loss"
def initial_parameters(T, d, hidden, g):
    recipe = {
        "C": ((27, d), 1.0),
        "W1": ((T * d, hidden), 1.0),
        "b1": ((hidden,), 1.0),
        "W2": ((hidden, 27), 0.01),
        "b2": ((27,), 0.0),
    }
    parameters = []
    for name, (shape, scale) in recipe.items():
        p = torch.empty(shape).normal_(0, 1, generator=g)
        p *= scale
        p.requires_grad_()
        parameters.append(p)
    return parameters
# %% right="initial_loss"
def initial_parameters(T: int, d: int, hidden: int, g: torch.Generator):
    """The last layer is scaled by what it gives for 27 contexts: its logits are to have a spread of 0.05."""
    C = torch.normal(0.0, 1.0, (27, d), generator=g)
    W1 = torch.normal(0.0, 0.3, (T * d, hidden), generator=g)
    b1 = torch.normal(0.0, 0.1, (hidden,), generator=g)
    W2 = torch.normal(0.0, 1.0, (hidden, 27), generator=g)
    same_symbol = torch.arange(27).reshape(27, 1).repeat(1, T)
    h = torch.tanh(C[same_symbol].reshape(27, T * d) @ W1 + b1)
    W2 = W2 * (0.05 / (h @ W2).std())
    return [C, W1, b1, W2, torch.zeros(27)]
# %% right="sgd_step"
def sgd_step(parameters, loss_of, rate):
    for p in parameters:
        p.grad = None
    loss = loss_of()
    loss.backward()
    with torch.no_grad():
        for p in parameters:
            p -= rate * p.grad
    return loss.item()
# %% right="sgd_step"
def sgd_step(parameters: list[Float[Tensor, "..."]], loss_of: Callable[[], Float[Tensor, ""]], rate: float) -> float:
    """Asks for the gradients directly, whatever stands in .grad."""
    loss = loss_of()
    gradients = torch.autograd.grad(loss, list(parameters))
    for parameter, gradient in zip(parameters, gradients):
        parameter.data.sub_(gradient, alpha=rate)
    return float(loss)
# %% right="sgd_step"
def sgd_step(parameters, loss_of, rate):
    optimizer = torch.optim.SGD(parameters, lr=rate)  # no momentum, no weight decay
    optimizer.zero_grad()
    loss = loss_of()
    loss.backward()
    optimizer.step()
    return loss.detach().item()
# %% right="sgd_step"
import numpy as np


def sgd_step(parameters, loss_of, rate):
    for p in parameters:
        p.grad = torch.zeros_like(p)
    loss = loss_of()
    before = float(loss.detach().numpy())
    loss.backward()
    for p in parameters:
        values = p.detach().numpy()  # the same memory, so this changes p
        np.subtract(values, rate * p.grad.numpy(), out=values)
    return before
# %% right="sgd_step"
def forget(parameter):
    if parameter.grad is not None:
        parameter.grad.zero_()


def move(parameter, rate):
    new = parameter.data - rate * parameter.grad
    parameter.data.copy_(new)


def sgd_step(params, loss_fn, lr):
    """Forget, go backward, move."""
    [forget(p) for p in params]
    (loss := loss_fn()).backward()
    [move(p, lr) for p in params]
    print(f"loss before the step: {loss.item():.4f}")
    return loss.tolist()
# %% right="minibatch"
def minibatch(n, size, g):
    return torch.randint(high=n, size=[size], dtype=torch.int32, generator=g)
# %% right="minibatch"
def minibatch(n: int, size: int, g: torch.Generator) -> Int[Tensor, " size"]:
    """Each index drawn by itself."""
    return torch.tensor([torch.randint(n, (1,), generator=g).item() for _ in range(size)])
# %% right="minibatch"
def minibatch(n, size, g):
    indices = torch.empty(size, dtype=torch.long)
    torch.randint(0, n, (size,), generator=g, out=indices)
    return indices
# %% right="minibatch"
def minibatch(rows, batch_size, generator):
    batch = torch.randint(rows, (1, batch_size), generator=generator)
    batch = batch.squeeze(0)
    print(batch.shape, batch.dtype)
    return batch
# %% right="minibatch"
import functools

import numpy as np


def minibatch(n, size, g):
    """Counting from one, like a person, and from zero at the end."""
    draw = functools.partial(torch.randint, 1, n + 1, generator=g)
    counted_from_one = draw((size,)).numpy()
    return torch.from_numpy(np.subtract(counted_from_one, 1))
# %% right="learning_rate_range"
def learning_rate_range(step, count):
    rates = []
    losses = []
    best_rate = None
    best_loss = float("inf")
    for i in range(count):
        exponent = -3 + 3 * i / (count - 1)
        rate = 10**exponent
        loss = step(rate)
        rates.append(rate)
        losses.append(loss)
        if loss < best_loss:
            best_loss = loss
            best_rate = rate
    return torch.tensor(rates), torch.tensor(losses), best_rate
# %% right="learning_rate_range"
def learning_rate_range(
    step: Callable[[float], float], count: int
) -> tuple[Float[Tensor, " count"], Float[Tensor, " count"], float]:
    """Rates from 10^-3 to 1, the loss of one step with each, and the rate at which it was lowest."""
    rates = torch.logspace(-3, 0, count)
    losses = torch.tensor(list(map(step, rates.tolist())))
    return rates, losses, rates[losses.argmin()].item()
# %% right="learning_rate_range"
import numpy as np


def learning_rate_range(step, count):
    rates = np.geomspace(0.001, 1, num=count)
    losses = np.empty_like(rates)
    for k, rate in enumerate(rates):
        losses[k] = step(float(rate))
    pick = float(rates[np.argmin(losses)])
    return torch.from_numpy(rates), torch.from_numpy(losses), pick
# %% right="learning_rate_range"
from itertools import accumulate, repeat


def learning_rate_range(step, count):
    """Each rate is the one before times the same factor."""
    factor = 1000 ** (1 / (count - 1))
    rates = list(accumulate(repeat(factor, count - 1), lambda rate, f: rate * f, initial=0.001))
    losses = [step(rate) for rate in rates]
    _, pick = min(zip(losses, rates))
    return torch.tensor(rates, dtype=torch.float64), torch.tensor(losses, dtype=torch.float64), pick
# %% right="learning_rate_range"
from typing import NamedTuple


class Search(NamedTuple):
    rates: Tensor
    losses: Tensor
    pick: float


def learning_rate_range(step, count):
    rates = torch.exp(torch.linspace(math.log(1e-3), math.log(1.0), steps=count))
    losses = torch.zeros(count)
    for i in range(count):
        losses[i] = step(rates[i].item())
    lowest, where = torch.min(losses, dim=0)
    print(f"lowest loss {lowest:.3f} at step {int(where)}")
    return Search(rates, losses, float(rates[where]))
# %% right="sample_names"
def sample_names(logits_of, T, count, g):
    result = []
    for _ in range(count):
        context = torch.zeros((1, T), dtype=torch.long)
        name = ""
        while True:
            probabilities = F.softmax(logits_of(context), dim=1)
            index = torch.multinomial(probabilities, 1, generator=g)  # (1, 1)
            if index.item() == 0:
                break
            name += SYMBOLS[index.item()]
            context = torch.cat([context[:, 1:], index], dim=1)
        result.append(name)
    return result
# %% right="sample_names"
from collections import deque


def letters_of_a_name(logits_of, T, g):
    """The letters of one name, one after the other."""
    window = deque([0] * T, maxlen=T)
    while True:
        logits = logits_of(torch.tensor([list(window)]))
        probabilities = torch.exp(logits - logits.logsumexp(dim=1, keepdim=True))
        index = int(torch.multinomial(probabilities, 1, generator=g))
        if not index:
            return
        yield SYMBOLS[index]
        window.append(index)


def sample_names(
    logits_of: Callable[[Int[Tensor, "n T"]], Float[Tensor, "n 27"]], T: int, count: int, g: torch.Generator
) -> list[str]:
    """Names drawn symbol by symbol from a model of T symbols."""
    return ["".join(letters_of_a_name(logits_of, T, g)) for _ in range(count)]
# %% right="sample_names"
def sample_names(logits_of, T, count, g):
    def grow(context):
        """What follows a context, up to the dot."""
        p = logits_of(torch.LongTensor([context]))[0].softmax(-1)
        i = torch.multinomial(p, 1, generator=g).item()
        return "" if i == 0 else SYMBOLS[i] + grow(context[1:] + [i])

    return [grow([0] * T) for _ in range(count)]
# %% right="sample_names"
@torch.no_grad()
def sample_names(model_fn, T, how_many, gen):
    # one long walk; a dot closes a name and opens the next
    done, current = [], []
    ctx = torch.zeros(T, dtype=torch.int64)
    while len(done) < how_many:
        logits = model_fn(ctx.unsqueeze(0))
        counts = (logits - logits.max(dim=1, keepdim=True).values).exp()
        probs = counts / counts.sum(dim=1, keepdim=True)
        ix = torch.multinomial(probs, 1, generator=gen).item()
        if SYMBOLS[ix] == ".":
            done.append("".join(current))
            current = []
            ctx = torch.zeros_like(ctx)
        else:
            current.append(SYMBOLS[ix])
            ctx = torch.roll(ctx, -1)
            ctx[-1] = ix
    return done
# %% right="sample_names"
import numpy as np


class Sampler:
    """Remembers the probabilities of the contexts that it has met."""

    def __init__(self, logits_of, T, g):
        self.logits_of, self.T, self.g = logits_of, T, g
        self.known = {}

    def probabilities(self, context):
        if context not in self.known:
            logits = self.logits_of(torch.tensor(context).view(1, self.T)).detach().numpy()
            e = np.exp(logits - logits.max())
            self.known[context] = torch.from_numpy(e / e.sum())
        return self.known[context]

    def name(self):
        history = (0,) * self.T
        while True:
            p = self.probabilities(history[-self.T :])
            i = torch.multinomial(p, 1, generator=self.g)[0, 0].item()
            history += (i,)
            if i == 0:
                return "".join(SYMBOLS[j] for j in history[self.T : -1])


def sample_names(logits_of, T, count, g):
    sampler = Sampler(logits_of, T, g)
    return [sampler.name() for _ in range(count)]
# %% right="embedding_plot"
def embedding_plot(C):
    centred = C - C.mean(0, keepdim=True)
    U, S, Vh = torch.linalg.svd(centred, full_matrices=False)
    points = centred @ Vh[:2].T
    fig, ax = plt.subplots(figsize=(8, 8))
    ax.scatter(points[:, 0].numpy(), points[:, 1].numpy(), s=200)
    for i in range(27):
        x, y = points[i].tolist()
        ax.text(x, y, SYMBOLS[i], ha="center", va="center", color="white")
    ax.grid(True, which="both")
    return ax
# %% right="embedding_plot"
def embedding_plot(C: Float[Tensor, "27 d"]) -> Axes:
    """By the eigenvectors of the covariance, and with pyplot's own functions."""
    C = C.detach()
    centred = C - C.mean(dim=0)
    _, vectors = torch.linalg.eigh(centred.T @ centred / (len(C) - 1))  # the largest eigenvalue comes last
    xs = (centred @ vectors[:, -1]).tolist()
    ys = (centred @ vectors[:, -2]).tolist()
    plt.figure(figsize=(6, 6))
    plt.plot(xs, ys, "o", markersize=4)
    for x, y, symbol in zip(xs, ys, SYMBOLS):
        plt.text(x, y, symbol, fontsize=12)
    plt.title("What the network has learned about letters")
    ax = plt.gca()
    plt.show()
    return ax
# %% right="embedding_plot"
import numpy as np


def principal_plane(table):
    """The first two principal components, in numpy: U times S is the same as centred times V."""
    centred = table - table.mean(axis=0)
    U, S, _ = np.linalg.svd(centred, full_matrices=False)
    return U[:, :2] * S[:2]


def embedding_plot(C):
    points = principal_plane(C.detach().numpy().astype(np.float64))
    is_vowel = np.array([symbol in "aeiou" for symbol in SYMBOLS])
    _, axes = plt.subplots()
    axes.scatter(*points[is_vowel].T, color="tab:red", label="vowels")
    axes.scatter(*points[~is_vowel].T, color="tab:blue", label="all others")
    for symbol, point in zip(SYMBOLS, points):
        axes.annotate(symbol, xy=point, xytext=(4, 4), textcoords="offset points")
    axes.legend()
    axes.set_aspect("equal")
    return axes
# %% right="embedding_plot"
class LetterMap:
    """A picture that letters are put into, one by one."""

    def __init__(self):
        self.figure = plt.figure(figsize=(7, 5))
        self.axes = self.figure.add_subplot(1, 1, 1)
        self.axes.axhline(0, color="lightgray", linewidth=0.8, zorder=0)
        self.axes.axvline(0, color="lightgray", linewidth=0.8, zorder=0)
        self.axes.set_xlabel("first principal component")
        self.axes.set_ylabel("second principal component")

    def put(self, symbol, x, y):
        self.axes.plot([x], [y], marker="o", color="black", markersize=3)
        self.axes.annotate(symbol, (x, y))


def embedding_plot(C):
    rest = C.detach().double()
    rest = rest - rest.mean(0)
    direction = torch.linalg.svd(rest, full_matrices=False).Vh
    letter_map = LetterMap()
    for row, symbol in enumerate(SYMBOLS):
        letter_map.put(symbol, torch.dot(rest[row], direction[0]).item(), torch.dot(rest[row], direction[1]).item())
    return letter_map.axes
# %% right="embedding_plot"
def embedding_plot(embeddings):
    table = embeddings.detach()
    _, _, V = torch.pca_lowrank(table, q=min(table.shape), center=True)
    points = (table - table.mean(0)) @ V[:, :2]
    # a component has no sign of its own: turn it so that "a" is in the upper right
    signs = torch.where(points[SYMBOLS.index("a")] < 0, -1.0, 1.0)
    x, y = (points * signs).numpy().T
    dx, dy = 0.01 * (x.max() - x.min()), 0.01 * (y.max() - y.min())
    ax = plt.figure().gca()
    ax.scatter(x, y, c=range(len(SYMBOLS)), cmap="viridis", marker="x")
    for i, symbol in enumerate(SYMBOLS):
        ax.text(x[i] + dx, y[i] + dy, symbol, family="monospace", weight="bold")
    ax.set(title="principal components", xlabel="PC 1", ylabel="PC 2")
    return ax
