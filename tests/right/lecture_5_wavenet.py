"""Right answers of different make, by people who had not seen the reference."""
# %% right="smooth_losses"
def smooth_losses(losses: list[float], every: int = 1000) -> Float[Tensor, " groups"]:
    """The mean of every ``every`` losses, without those that are left over at the end."""
    means = []
    for start in range(0, len(losses) - every + 1, every):
        total = 0.0
        for loss in losses[start : start + every]:
            total += loss
        means.append(total / every)
    return torch.tensor(means)
# %% right="smooth_losses"
# unfold cuts the windows; it complains if there is not even one
def smooth_losses(losses, every=1000):
    t = torch.tensor(losses, dtype=torch.float32)
    return t.unfold(0, every, every).mean(dim=-1) if len(t) >= every else t.new_empty(0)
# %% right="smooth_losses"
import numpy as np


def smooth_losses(losses: list[float], every: int = 1000) -> Tensor:
    groups, left = divmod(len(losses), every)
    table = np.asarray(losses, dtype=np.float64)[: groups * every].reshape(groups, every)
    # float64 stays float64: more digits do no harm
    return torch.from_numpy(table.mean(axis=1))
# %% right="smooth_losses"
from statistics import fmean


def smooth_losses(losses, every=1000):
    """The old trick: the same iterator ``every`` times, and zip drops the incomplete group by itself."""
    one = iter(losses)
    return torch.FloatTensor([fmean(group) for group in zip(*[one] * every)])
# %% right="smooth_losses"
def smooth_losses(losses: list[float], every: int = 1000) -> Float[Tensor, " groups"]:
    # running totals, looked at after 0, every, 2 * every, ... losses; what lies between two looks is a group's sum
    totals = torch.tensor([0.0, *losses], dtype=torch.double).cumsum(0)
    looks = totals[::every]
    return (looks.diff() / every).float()
# %% right="embedding_layer"
class Embedding:
    """A row of ``weight`` for each index."""

    def __init__(self, symbols: int, features: int):
        self.weight = torch.normal(0.0, 1.0, size=(symbols, features))

    def __call__(self, indices: Int[Tensor, "..."]) -> Float[Tensor, "... features"]:
        self.out = self.weight[indices]
        return self.out

    def parameters(self) -> list[Tensor]:
        """The tensors to train."""
        return [self.weight]
# %% right="embedding_layer"
class Embedding(nn.Module):
    """The same as a module; only parameters() has to be a list here."""

    def __init__(self, symbols, features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(symbols, features))
        nn.init.normal_(self.weight)
        self.out = None

    def forward(self, indices):
        self.out = F.embedding(indices, self.weight)
        return self.out

    def parameters(self):
        return [self.weight]
# %% right="embedding_layer"
import random


class Embedding:
    def __init__(self, symbols, features):
        rows = [[random.gauss(0, 1) for _ in range(features)] for _ in range(symbols)]
        self.weight = torch.tensor(rows)

    def __call__(self, indices):
        # as in lecture 1: a one-hot row times a matrix picks a row of the matrix
        hot = F.one_hot(indices.long(), num_classes=self.weight.shape[0]).to(self.weight.dtype)
        self.out = hot @ self.weight
        return self.out

    def parameters(self):
        return [self.weight]
# %% right="embedding_layer"
from itertools import product

import numpy as np


class Embedding:
    """A row of ``weight`` for each index, one index after the other."""

    rng = np.random.default_rng()

    def __init__(self, symbols: int, features: int):
        self.features = features
        self.weight = torch.from_numpy(self.rng.standard_normal((symbols, features), dtype=np.float32))

    def __call__(self, indices):
        result = torch.empty(*indices.shape, self.features)
        for place in product(*(range(size) for size in indices.shape)):  # every place, however many axes there are
            result[place] = self.weight[int(indices[place])]
        self.out = result
        return result

    def parameters(self) -> list[Tensor]:
        return list((self.weight,))
# %% right="embedding_layer"
import math


def gaussian(*shape):
    """Standard normal numbers from uniform ones (Box and Muller)."""
    radius = torch.sqrt(-2 * torch.log(1 - torch.rand(shape)))  # 1 - rand is never 0
    return radius * torch.cos(2 * math.pi * torch.rand(shape))


class Embedding:
    def __init__(self, symbols: int, features: int):
        self.symbols, self.features = symbols, features
        self.weight = gaussian(symbols, features).requires_grad_()

    def __repr__(self):
        return f"Embedding({self.symbols}, {self.features})"

    def lookup(self, flat):
        return self.weight.index_select(0, flat)

    def __call__(self, indices):
        print("embedding", tuple(indices.shape))
        self.out = self.lookup(indices.reshape(-1)).view(*indices.shape, self.features)
        return self.out

    def parameters(self):
        yes_train_it = [self.weight]
        return yes_train_it
# %% right="flatten_consecutive"
class FlattenConsecutive:
    """Each n neighbouring positions side by side: (B, T, C) becomes (B, T // n, n * C), or (B, n * C) if T = n."""

    def __init__(self, n: int):
        self.n = n

    def __call__(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T//n n*C"] | Float[Tensor, "B n*C"]:
        B, T, C = x.shape
        if T == self.n:
            x = x.reshape(B, T * C)
        else:
            x = x.reshape(B, T // self.n, self.n * C)
        self.out = x
        return self.out

    def parameters(self) -> list[Tensor]:
        """The tensors to train."""
        return []
# %% right="flatten_consecutive"
class FlattenConsecutive:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        # the first of each group, the second of each group, ...: for pairs x[:, ::2] and x[:, 1::2]
        joined = torch.cat([x[:, i :: self.n] for i in range(self.n)], dim=-1)
        self.out = joined[:, 0] if joined.shape[1] == 1 else joined
        return self.out

    def parameters(self):
        return []
# %% right="flatten_consecutive"
class FlattenConsecutive:
    """By hand, every position to its place."""

    def __init__(self, n: int):
        self.group_size = n

    def __call__(self, x: Tensor) -> Tensor:
        n = self.group_size
        B, T, C = x.size()
        result = x.new_empty(B, T // n, n * C)
        for row in range(B):
            for t in range(T):
                group, inside = divmod(t, n)
                result[row, group, inside * C : (inside + 1) * C] = x[row, t]
        if T // n == 1:
            result = result.squeeze(1)
        self.out = result
        return result

    def parameters(self) -> list:
        return list()
# %% right="flatten_consecutive"
class FlattenConsecutive(nn.Module):
    def __init__(self, n: int):
        super().__init__()
        self.n = n

    def forward(self, x):
        windows = x.unfold(1, self.n, self.n)  # (B, groups, C, n): unfold puts the window last
        self.out = windows.transpose(2, 3).flatten(2).squeeze(1)  # squeeze(1) leaves a longer axis alone
        return self.out

    def parameters(self):
        return []
# %% right="flatten_consecutive"
class Layer:
    """What all layers have in common."""

    out = None

    def __call__(self, x):
        self.out = self.forward(x)
        return self.out

    def parameters(self):
        return []


class FlattenConsecutive(Layer):
    def __init__(self, n):
        self.n = n

    def forward(self, x):
        _, T, C = x.shape
        order = torch.arange(T * C).view(-1, self.n * C)
        if len(order) == 1:
            order = order[0]
        return x.flatten(start_dim=1)[:, order]
# %% right="sequential"
class Sequential:
    """Layers, one after the other."""

    def __init__(self, layers: list):
        self.layers = layers

    def __call__(self, x: Int[Tensor, "..."] | Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        for layer in self.layers:
            x = layer(x)
        self.out = x
        return x

    def parameters(self) -> list[Tensor]:
        """The tensors to train, of all layers."""
        all_of_them = []
        for layer in self.layers:
            for p in layer.parameters():
                all_of_them.append(p)
        return all_of_them
# %% right="sequential"
from functools import reduce
from itertools import chain


class Sequential:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, x):
        self.out = reduce(lambda h, f: f(h), self.layers, x)
        return self.out

    def parameters(self):
        return list(chain.from_iterable(layer.parameters() for layer in self.layers))
# %% right="sequential"
class Sequential(list):
    """A list of layers that can be called."""

    def __call__(self, x):
        for number, layer in enumerate(self):
            # print(number, type(layer).__name__, tuple(x.shape))
            x = layer(x)
        self.out = x
        return self.out

    def parameters(self):
        return [p for layer in self for p in layer.parameters()]
# %% right="sequential"
class Sequential(nn.Module):
    """As a module of torch; the layers are ordinary objects, so that it cannot find their parameters by itself."""

    def __init__(self, layers: list):
        super().__init__()
        self.steps = list(layers)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for step in self.steps:
            h = step(h)
        self.out = h
        return h

    def parameters(self, recurse: bool = True) -> list[Tensor]:
        result = []
        for step in self.steps:
            result += list(step.parameters())
        return result
# %% right="sequential"
class Sequential:
    def __init__(self, layers: list):
        self._layers = tuple(layers)

    def _from(self, number, x):
        """What the layers from that number on make of x."""
        if number == len(self._layers):
            return x
        return self._from(number + 1, self._layers[number](x))

    def __call__(self, x):
        self.out = self._from(0, x)
        return self.out

    def parameters(self):
        return sum((list(layer.parameters()) for layer in self._layers), start=[])
# %% right="batchnorm_3d"
class BatchNorm1d:
    """Each channel with mean 0 and variance 1 over all other axes, then times gamma plus beta."""

    def __init__(self, dim: int, eps: float = 1e-5, momentum: float = 0.1):
        self.eps = eps
        self.momentum = momentum
        self.training = True
        self.gamma = torch.ones(dim)
        self.beta = torch.zeros(dim)
        self.running_mean = torch.zeros(dim)
        self.running_var = torch.ones(dim)

    def __call__(
        self, x: Float[Tensor, "B T C"] | Float[Tensor, "B C"]
    ) -> Float[Tensor, "B T C"] | Float[Tensor, "B C"]:
        if self.training:
            axes = tuple(range(x.ndim - 1))
            mean = x.mean(axes)
            var = x.var(axes)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        else:
            mean = self.running_mean
            var = self.running_var
        self.out = self.gamma * (x - mean) / torch.sqrt(var + self.eps) + self.beta
        return self.out

    def parameters(self) -> list[Tensor]:
        """The tensors to train: gamma and beta."""
        return [self.gamma, self.beta]
# %% right="batchnorm_3d"
class BatchNorm1d(nn.BatchNorm1d):
    """torch's own, with the channels moved to where it wants them and back again."""

    def __init__(self, dim, eps=1e-5, momentum=0.1):
        super().__init__(dim, eps=eps, momentum=momentum)

    @property
    def gamma(self):
        return self.weight

    @property
    def beta(self):
        return self.bias

    def forward(self, x):
        self.out = super().forward(x.movedim(-1, 1)).movedim(1, -1)
        return self.out

    def parameters(self):
        return [self.weight, self.bias]
# %% right="batchnorm_3d"
class BatchNorm1d:
    # everything is (1, 1, C) here; a (B, C) is looked at as a (B, 1, C)
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.eps, self.momentum, self.training = eps, momentum, True
        self.gamma, self.running_var = torch.ones(1, 1, dim), torch.ones(1, 1, dim)
        self.beta, self.running_mean = torch.zeros(1, 1, dim), torch.zeros(1, 1, dim)

    def __call__(self, x):
        flat = x.dim() == 2
        if flat:
            x = x.unsqueeze(1)
        var, mean = self.running_var, self.running_mean
        if self.training:
            var, mean = torch.var_mean(x, dim=(0, 1), keepdim=True)
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(var.detach(), self.momentum)
        y = torch.addcmul(self.beta, self.gamma, (x - mean) * (var + self.eps).rsqrt())
        self.out = y.squeeze(1) if flat else y
        return self.out

    def parameters(self):
        return [self.gamma, self.beta]
# %% right="batchnorm_3d"
class BatchNorm1d:
    """One channel after the other."""

    def __init__(self, dim: int, eps: float = 1e-5, momentum: float = 0.1):
        self.dim, self.eps, self.momentum = dim, eps, momentum
        self.gamma = torch.tensor([1.0] * dim, requires_grad=True)
        self.beta = torch.tensor([0.0] * dim, requires_grad=True)
        self.running_mean = torch.tensor([0.0] * dim)
        self.running_var = torch.tensor([1.0] * dim)
        self.training = True

    def statistics(self, sample: Tensor, c: int) -> tuple[Tensor, Tensor]:
        if not self.training:
            return self.running_mean[c], self.running_var[c]
        mean = sample.sum() / sample.numel()
        var = ((sample - mean) ** 2).sum() / sample.numel()  # divided by n, not by n - 1
        self.running_mean[c] += self.momentum * (mean.item() - self.running_mean[c])
        self.running_var[c] += self.momentum * (var.item() - self.running_var[c])
        return mean, var

    def __call__(self, x: Tensor) -> Tensor:
        channels = []
        for c in range(self.dim):
            sample = x[..., c]  # (B,) or (B, T): all numbers of this channel
            mean, var = self.statistics(sample, c)
            channels.append(self.gamma[c] * (sample - mean) / (var + self.eps) ** 0.5 + self.beta[c])
        self.out = torch.stack(channels, dim=-1)
        return self.out

    def parameters(self):
        return [self.gamma, self.beta]
# %% right="batchnorm_3d"
class BatchNorm1d(nn.Module):
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.gamma = nn.Parameter(torch.ones(dim))
        self.beta = nn.Parameter(torch.zeros(dim))
        self.register_buffer("running_mean", torch.zeros(dim))
        self.register_buffer("running_var", torch.ones(dim))

    @torch.no_grad()
    def remember(self, rows):
        for running, new in ((self.running_mean, rows.mean(0)), (self.running_var, rows.var(0))):
            running.mul_(1 - self.momentum).add_(new, alpha=self.momentum)

    def forward(self, x):
        rows = x.flatten(0, -2)  # (N, C), N = B or B * T
        if self.training:
            self.remember(rows)
            # a "layer norm" over each channel's N numbers, with the channels as rows
            normal = F.layer_norm(rows.T, (len(rows),), eps=self.eps).T
        else:
            normal = (rows - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        self.out = torch.einsum("nc,c->nc", normal, self.gamma).add(self.beta).reshape(x.shape)
        return self.out

    def parameters(self, recurse=True):
        return list(super().parameters(recurse))
# %% right="wavenet_shapes"
def wavenet_shapes(B: int, T: int, n: int, features: int, hidden: int) -> list[tuple[int, ...]]:
    """The shape after every layer, from the embedding to the logits."""
    shapes = [(B, T, features)]
    C = features
    while T > 1:
        T = T // n
        if T == 1:
            shapes.append((B, n * C))
            for _ in range(3):
                shapes.append((B, hidden))
        else:
            shapes.append((B, T, n * C))
            for _ in range(3):
                shapes.append((B, T, hidden))
        C = hidden
    shapes.append((B, 27))
    return shapes
# %% right="wavenet_shapes"
def wavenet_shapes(B, T, n, features, hidden):
    def shape(t, c):
        return (B, c) if t == 1 else (B, t, c)

    def above(t, c):
        """The shapes of all layers above one that has t positions of c channels."""
        if t == 1:
            return [(B, 27)]
        return [shape(t // n, n * c), *[shape(t // n, hidden)] * 3, *above(t // n, hidden)]

    return [(B, T, features), *above(T, features)]
# %% right="wavenet_shapes"
def wavenet_shapes(B, T, n, features, hidden):
    # do not think, look: build it, run it once, and see what every layer kept
    layers, positions, channels = [Embedding(27, features)], T, features
    while positions > 1:
        layers += [FlattenConsecutive(n), Linear(n * channels, hidden, bias=False), BatchNorm1d(hidden), Tanh()]
        positions, channels = positions // n, hidden
    layers.append(Linear(channels, 27))
    x = torch.zeros(B, T, dtype=torch.long)
    for layer in layers:
        x = layer(x)
    return [layer.out.shape for layer in layers]
# %% right="wavenet_shapes"
from dataclasses import dataclass


@dataclass
class Data:
    """The shape of the data on its way through the network."""

    B: int
    T: int
    C: int

    def flatten(self, n):
        self.T //= n
        self.C *= n
        return self.now()

    def linear(self, out):
        self.C = out
        return self.now()

    def now(self):
        return tuple([self.B] + [self.T] * (self.T > 1) + [self.C])


def way(data, n, hidden):
    yield data.B, data.T, data.C
    while data.T > 1:
        yield data.flatten(n)
        yield data.linear(hidden)
        yield data.now()  # BatchNorm
        yield data.now()  # tanh
    yield data.linear(27)


def wavenet_shapes(B: int, T: int, n: int, features: int, hidden: int) -> list[tuple[int, ...]]:
    return list(way(Data(B, T, features), n, hidden))
# %% right="wavenet_shapes"
import math


def wavenet_shapes(B, T, n, features, hidden):
    K = round(math.log(T, n))
    entering = ([features] + [hidden] * K)[:K]
    inside = [
        (B, n ** (K - k), channels)
        for k, c in enumerate(entering, start=1)
        for channels in (n * c, hidden, hidden, hidden)
    ]
    print(f"{K} levels, {4 * K + 2} layers")
    return [(B, T, features)] + inside[:-4] + [(first, last) for first, _, last in inside[-4:]] + [(B, 27)]
# %% right="train_or_eval"
def predict(model: nn.Module, contexts: Int[Tensor, "n T"]) -> Float[Tensor, "n 27"]:
    """Logits in evaluation mode; the model stays as it was."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return model(contexts)
    finally:
        model.train(was_training)
# %% right="train_or_eval"
@torch.no_grad()
def predict(model, contexts):
    # every module may have a mode of its own (a frozen BatchNorm, say), so remember all
    before = [(module, module.training) for module in model.modules()]
    for module, _ in before:
        module.training = False
    logits = model(contexts)
    for module, mode in before:
        module.training = mode
    return logits
# %% right="train_or_eval"
class Evaluation:
    """with Evaluation(model): ... is in evaluation mode, and nothing is left of that afterwards."""

    def __init__(self, model: nn.Module):
        self.model = model

    def __enter__(self):
        self.modes = {name: module.training for name, module in self.model.named_modules()}
        return self.model.eval()

    def __exit__(self, *_):
        for name, module in self.model.named_modules():
            module.training = self.modes[name]


def predict(model: nn.Module, contexts: Tensor) -> Tensor:
    with Evaluation(model) as quiet, torch.inference_mode():
        return quiet(contexts)
# %% right="train_or_eval"
from torch.func import functional_call


def predict(model, contexts):
    """Runs the model on copies of its own tensors, so that it cannot write into the originals."""
    copies = {name: p.detach().clone() for name, p in model.named_parameters()}
    copies |= {name: b.detach().clone() for name, b in model.named_buffers()}
    mode = model.training
    model.train(False)
    logits = functional_call(model, copies, (contexts,))
    model.train(mode)
    return logits.detach()
# %% right="train_or_eval"
from contextlib import ExitStack


def predict(model: nn.Module, contexts: Int[Tensor, "n T"]) -> Float[Tensor, "n 27"]:
    with ExitStack() as afterwards:
        for module in model.modules():
            afterwards.callback(setattr, module, "training", module.training)
        model.eval()
        # in small portions, because of the memory; in evaluation mode the company does not matter
        parts = [model(part).detach() for part in contexts.split(3)]
    return torch.cat(parts)
# %% right="dilated_equivalence"
def dilated_equivalence(
    tokens: Int[Tensor, "B L"],
    table: Float[Tensor, "27 C"],
    levels: Levels,
    W: Float[Tensor, "H 27"],
    b: Float[Tensor, "27"],
) -> Float[Tensor, "B L 27"]:
    """The logits of the tree at every position of the sequences, by dilated causal convolutions."""
    layers = []
    with torch.no_grad():
        for k, (W_level, b_level) in enumerate(levels):
            conv = nn.Conv1d(len(W_level) // 2, len(b_level), kernel_size=2, dilation=2**k)
            earlier, later = W_level.chunk(2)
            conv.weight.copy_(torch.stack([earlier.T, later.T], dim=-1))
            conv.bias.copy_(b_level)
            layers += [conv, nn.Tanh()]
        convolutions = nn.Sequential(*layers)
        padded = F.pad(tokens, (2 ** len(levels) - 1, 0))
        h = convolutions(table[padded].transpose(1, 2)).transpose(1, 2)
        return h @ W + b
# %% right="dilated_equivalence"
def convolve(h, weight, bias, d):
    """A dilated convolution with a kernel of two, by hand; channels last, (B, L, C) becomes (B, L - d, out)."""
    half = weight.shape[0] // 2
    return h[:, :-d] @ weight[:half] + h[:, d:] @ weight[half:] + bias


def dilated_equivalence(tokens, table, levels, W, b):
    dots = tokens.new_zeros(len(tokens), 2 ** len(levels) - 1)
    h = table[torch.cat([dots, tokens], dim=1)]
    d = 1
    for weight, bias in levels:
        h = convolve(h, weight, bias, d).tanh()
        d *= 2
    return h @ W + b
# %% right="dilated_equivalence"
def dilated_equivalence(tokens, table, levels, W, b):
    n_dots = sum(2**k for k in range(len(levels)))
    x = F.embedding(F.pad(tokens, (n_dots, 0), value=0), table)
    for k, (weight, bias) in enumerate(levels):
        d, channels = 2**k, x.shape[-1]
        taps = x.unfold(1, d + 1, 1)[..., ::d]  # (B, positions, channels, 2): the two ends of each window
        kernel = weight.reshape(2, channels, -1)
        x = torch.tanh(torch.einsum("blci,ico->blo", taps, kernel) + bias)
    return torch.einsum("blh,hs->bls", x, W) + b
# %% right="dilated_equivalence"
def dilated_equivalence(tokens, table, levels: Levels, W, b):
    # here every level gets its own padding: what the level below makes of nothing but dots
    h = table[tokens].mT  # (B, C, L)
    nothing = table[0]
    for k, (W_k, b_k) in enumerate(levels):
        d = 2**k
        front = nothing[None, :, None].expand(h.shape[0], -1, d)
        kernel = W_k.reshape(2, -1, b_k.shape[0]).permute(2, 1, 0)
        h = F.conv1d(torch.cat([front, h], dim=2), kernel, b_k, dilation=d).tanh()
        nothing = torch.tanh(torch.cat([nothing, nothing]) @ W_k + b_k)
    return h.mT @ W + b
# %% right="dilated_equivalence"
import numpy as np


def array(t):
    return t.detach().cpu().numpy()


def dilated_equivalence(tokens, table, levels, W, b):
    """One (B, C) for each position, in a list; each level joins what stands d places apart in it."""
    E = array(table)
    padded = np.pad(array(tokens), ((0, 0), (2 ** len(levels) - 1, 0)))
    columns = [E[padded[:, p]] for p in range(padded.shape[1])]
    for k, (weight, bias) in enumerate(levels):
        w, c, d = array(weight), array(bias), 1 << k
        columns = [np.tanh(np.hstack([old, new]) @ w + c) for old, new in zip(columns, columns[d:])]
    assert len(columns) == tokens.shape[1]
    return torch.from_numpy(np.stack(columns, axis=1) @ array(W) + array(b))
