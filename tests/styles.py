"""The ways in which people write a model and its training, as cells of a student; each begins with ``BEGIN``."""

BEGIN = """
import random
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from autograder import check_loss, fit
from autograder.student.names import load_names
names, STEPS, T = load_names(), {steps}, {context}
X_all, Y_all = names.contexts("train", T)

class Plain:
    def __init__(self):
        self.C = torch.randn(27, 2)
        self.W = torch.randn(2 * T, 27) * 0.1
        self.b = torch.zeros(27)
    def parameters(self):
        return [self.C, self.W, self.b]
    def __call__(self, x):
        return self.C[x].flatten(1) @ self.W + self.b

make = Plain

def batches(model):
    for parameter in model.parameters():
        parameter.requires_grad_()
    for step in range(STEPS):
        chosen = torch.randint(len(Y_all), (64,))
        yield X_all[chosen], Y_all[chosen]

def descend(model, loss, rate=0.5):
    for parameter in model.parameters():
        parameter.grad = None
    loss.backward()
    for parameter in model.parameters():
        parameter.data -= rate * parameter.grad

def train(model):
    for X, Y in batches(model):
        loss = F.cross_entropy(model(X), Y)
        descend(model, loss)
        yield loss.item()
"""
STYLES = {
    "plain tensors": "",
    "layers that keep their out": """
class Linear:
    def __init__(self, fan_in, fan_out):
        self.weight, self.bias = torch.randn(fan_in, fan_out) / fan_in**0.5, torch.zeros(fan_out)
    def __call__(self, x):
        self.out = x @ self.weight + self.bias
        return self.out
    def parameters(self):
        return [self.weight, self.bias]
class make:
    def __init__(self):
        self.C, self.layers = torch.randn(27, 2), [Linear(2 * T, 8), Linear(8, 27)]
    def parameters(self):
        return [self.C] + [p for layer in self.layers for p in layer.parameters()]
    def __call__(self, x):
        self.h = self.C[x].flatten(1)
        self.out = self.layers[1](self.layers[0](self.h).tanh())
        return self.out
""",
    "nn.Module with AdamW": """
def make():
    return nn.Sequential(nn.Embedding(27, 2), nn.Flatten(), nn.Linear(2 * T, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 27))
def train(model):
    optimiser = torch.optim.AdamW(model.parameters(), 0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.1, STEPS)
    for X, Y in batches(model):
        loss = F.cross_entropy(model(X), Y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        yield loss.item()
""",
    "the lecture's BatchNorm with keepdim": """
class make(Plain):
    def __init__(self):
        super().__init__()
        self.training, self.mean, self.var = True, torch.zeros(2 * T), torch.ones(2 * T)
    def __call__(self, x):
        x = self.C[x].flatten(1)
        mean, var = (x.mean(0, keepdim=True), x.var(0, keepdim=True)) if self.training else (self.mean, self.var)
        self.out = (x - mean) / (var + 1e-5) ** 0.5
        if self.training:
            with torch.no_grad():
                self.mean, self.var = 0.9 * self.mean + 0.1 * mean, 0.9 * self.var + 0.1 * var
        return self.out @ self.W + self.b
""",
    "a generator of the module": """
g = torch.Generator().manual_seed(2147483647)
def batches(model):
    for parameter in model.parameters():
        parameter.requires_grad_()
    for step in range(STEPS):
        chosen = torch.randint(len(Y_all), (64,), generator=g)
        yield X_all[chosen], Y_all[chosen]
""",
    "a generator of the module for the weights too": """
g = torch.Generator().manual_seed(2147483647)
class make(Plain):
    def __init__(self):
        self.C = torch.randn(27, 2, generator=g)
        self.W = torch.randn(2 * T, 27, generator=g) * 0.1
        self.b = torch.zeros(27)
""",
    "numpy's default_rng, unseeded": """
rng = np.random.default_rng()
def batches(model):
    for parameter in model.parameters():
        parameter.requires_grad_()
    for step in range(STEPS):
        chosen = torch.from_numpy(rng.integers(len(Y_all), size=64))
        yield X_all[chosen], Y_all[chosen]
""",
    "random.shuffle, unseeded": """
order = list(range(64 * STEPS))
def batches(model):
    random.shuffle(order)
    for parameter in model.parameters():
        parameter.requires_grad_()
    for step in range(STEPS):
        chosen = torch.tensor(order[64 * step : 64 * step + 64])
        yield X_all[chosen], Y_all[chosen]
""",
    "an optimiser inside the model": """
class make(Plain):
    def __init__(self):
        super().__init__()
        self.optimiser = torch.optim.Adam([p.requires_grad_() for p in self.parameters()], 0.05)
def descend(model, loss):
    model.optimiser.zero_grad()
    loss.backward()
    model.optimiser.step()
""",
    "a velocity and losses on the model": """
class make(Plain):
    def __init__(self):
        super().__init__()
        self.velocity, self.lossi, self.cache = {}, [], {}
def descend(model, loss):
    gradients = torch.autograd.grad(loss, model.parameters())
    model.lossi.append(loss.log10().item())
    for number, (parameter, gradient) in enumerate(zip(model.parameters(), gradients)):
        model.velocity[number] = 0.9 * model.velocity.get(number, 0) + gradient
        parameter.data -= 0.2 * model.velocity[number]
""",
    "an average of weights": """
class make(Plain):
    def __init__(self):
        super().__init__()
        self.average = None
    def __call__(self, x):
        C, W, b = self.average or self.parameters()
        return C[x].flatten(1) @ W + b
def train(model):
    average = [p.clone() for p in model.parameters()]
    for X, Y in batches(model):
        model.average = None
        loss = F.cross_entropy(model(X), Y)
        descend(model, loss)
        for mean, parameter in zip(average, model.parameters()):
            mean.mul_(0.9).add_(parameter.detach(), alpha=0.1)
        model.average = [mean.clone() for mean in average]
        yield loss.item()
""",
    "a copy of the best model": """
def train(model):
    best, kept = 1e9, None
    for X, Y in batches(model):
        loss = F.cross_entropy(model(X), Y)
        if loss.item() < best:
            best, kept = loss.item(), [p.detach().clone() for p in model.parameters()]
        descend(model, loss)
        yield loss.item()
    for parameter, value in zip(model.parameters(), kept):
        parameter.data.copy_(value)
""",
    "tied weights": """
class make(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.mix, self.out = nn.Embedding(27, 8), nn.Linear(8 * T, 8), nn.Linear(8, 27, bias=False)
        self.out.weight = self.embedding.weight
    def forward(self, x):
        return self.out(self.mix(self.embedding(x).flatten(1)).tanh())
""",
    "a DataLoader": """
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(X_all[: 64 * STEPS], Y_all[: 64 * STEPS]), batch_size=64, shuffle=True)
def train(model):
    for parameter in model.parameters():
        parameter.requires_grad_()
    for X, Y in loader:
        loss = F.cross_entropy(model(X), Y)
        descend(model, loss)
        yield loss.item()
""",
    "a model made once": """
only = Plain()
def make():
    return only
""",
    "with a first step": """
def train(model, first_step=0):
    for step, (X, Y) in zip(range(first_step, STEPS), batches(model)):
        loss = F.cross_entropy(model(X), Y)
        descend(model, loss)
        yield loss.item()
""",
}
HAND_BEGIN = """
@torch.no_grad()
def train(model):
    for step in range(STEPS):
        chosen = torch.randint(len(Y_all), (64,))
        X, Y = X_all[chosen], Y_all[chosen]
        logits = model(X)
        loss = F.cross_entropy(logits, Y)
        d = (logits.softmax(1) - F.one_hot(Y, 27)) / len(Y)
        update(model, {"W": model.C[X].flatten(1).T @ d, "b": d.sum(0)})
        yield loss.item()
def update(model, gradients):
    for name in ("W", "b"):
        setattr(model, name, getattr(model, name) - 0.5 * gradients[name])
"""
BY_HAND_STYLES = {
    "plain tensors": "",
    "a scratch cell with autograd, same names": """
chosen = torch.arange(64)
logits = torch.zeros(64, 27, requires_grad=True)
loss = F.cross_entropy(logits, Y_all[chosen])
d = torch.autograd.grad(loss, logits)[0]
""",
    "a velocity on the model": """
class make(Plain):
    def __init__(self):
        super().__init__()
        self.velocity = {}
def update(model, gradients):
    for name in ("W", "b"):
        model.velocity[name] = 0.9 * model.velocity.get(name, 0) + gradients[name]
        setattr(model, name, getattr(model, name) - 0.2 * model.velocity[name])
""",
    "a module with AdamW": """
class make(nn.Module):
    def __init__(self):
        super().__init__()
        self.C, self.W, self.b = (nn.Parameter(t) for t in Plain().parameters())
    def forward(self, x):
        return self.C[x].flatten(1) @ self.W + self.b
optimisers = {}
def update(model, gradients):
    optimiser = optimisers.setdefault(id(model), torch.optim.AdamW(model.parameters(), 0.02))
    model.W.grad, model.b.grad = gradients["W"], gradients["b"]
    optimiser.step()
""",
}
MORE_STYLES = {  # tried in one lecture
    "a list of losses, not a generator": """
def train(model):
    found = []
    for X, Y in batches(model):
        loss = F.cross_entropy(model(X), Y)
        descend(model, loss)
        found.append(loss.item())
    return found
""",
    "losses as numpy": """
def train(model):
    for X, Y in batches(model):
        loss = F.cross_entropy(model(X), Y)
        descend(model, loss)
        yield np.float32(loss.item())
""",
    "weight norm": """
class make(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(27, 4)
        self.l = torch.nn.utils.parametrizations.weight_norm(nn.Linear(4 * T, 27))
    def forward(self, x):
        return self.l(self.e(x).flatten(1))
""",
    "a GRU": """
class make(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.r, self.o = nn.Embedding(27, 4), nn.GRU(4, 8, batch_first=True), nn.Linear(8, 27)
    def forward(self, x):
        out, h = self.r(self.e(x))
        return self.o(out[:, -1])
""",
    "attention with dropout": """
class make(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(27, 8)
        self.p = nn.Parameter(torch.zeros(T, 8))
        self.t = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.o = nn.Linear(8, 27)
        self.register_buffer("mask", torch.zeros(T, T), persistent=False)
    def forward(self, x):
        return self.o(self.t(self.e(x) + self.p, src_mask=self.mask)[:, -1])
""",
    "bfloat16 model": """
class make(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Embedding(27, 4), nn.Flatten(), nn.Linear(4 * T, 27)).bfloat16()
    def forward(self, x):
        return self.net(x).float()
""",
    "default dtype float64": """
torch.set_default_dtype(torch.float64)
""",
    "ModuleDict and ParameterList": """
class make(nn.Module):
    def __init__(self):
        super().__init__()
        self.d = nn.ModuleDict({"e": nn.Embedding(27, 4), "o": nn.Linear(4 * T, 27)})
        self.q = nn.ParameterList([nn.Parameter(torch.zeros(27)) for _ in range(2)])
    def forward(self, x):
        return self.d["o"](self.d["e"](x).flatten(1)) + self.q[0] + self.q[1]
""",
    "a namedtuple of tensors": """
from typing import NamedTuple
class Weights(NamedTuple):
    C: torch.Tensor
    W: torch.Tensor
class make:
    def __init__(self):
        self.w = Weights(torch.randn(27, 2), torch.randn(2 * T, 27) * 0.1)
    def parameters(self):
        return list(self.w)
    def __call__(self, x):
        return self.w.C[x].flatten(1) @ self.w.W
""",
    "a frozen dataclass": """
from dataclasses import dataclass, field
@dataclass(frozen=True)
class make:
    C: torch.Tensor = field(default_factory=lambda: torch.randn(27, 2))
    W: torch.Tensor = field(default_factory=lambda: torch.randn(2 * T, 27) * 0.1)
    def parameters(self):
        return [self.C, self.W]
    def __call__(self, x):
        return self.C[x].flatten(1) @ self.W
""",
    "a partial": """
from functools import partial
class Net(Plain):
    def __init__(self, scale):
        super().__init__()
        self.W = self.W * scale
make = partial(Net, 0.5)
""",
    "a dict of parameters": """
class make:
    def __init__(self):
        self.p = {"C": torch.randn(27, 2), ("W", 1): torch.randn(2 * T, 27) * 0.1, 3: torch.zeros(27)}
    def parameters(self):
        return list(self.p.values())
    def __call__(self, x):
        return self.p["C"][x].flatten(1) @ self.p["W", 1] + self.p[3]
""",
    "a subclass of dict": """
class make(dict):
    def __init__(self):
        super().__init__(C=torch.randn(27, 2), W=torch.randn(2 * T, 27) * 0.1)
    def parameters(self):
        return list(self.values())
    def __call__(self, x):
        return self["C"][x].flatten(1) @ self["W"]
""",
    "a SimpleNamespace inside": """
from types import SimpleNamespace
class make:
    def __init__(self):
        self.w = SimpleNamespace(C=torch.randn(27, 2), W=torch.randn(2 * T, 27) * 0.1)
    def parameters(self):
        return [self.w.C, self.w.W]
    def __call__(self, x):
        return self.w.C[x].flatten(1) @ self.w.W
""",
    "private names and a property": """
class make:
    def __init__(self):
        self.__C, self.__W = torch.randn(27, 2), torch.randn(2 * T, 27) * 0.1
    @property
    def C(self):
        return self.__C
    def parameters(self):
        return [self.__C, self.__W]
    def __call__(self, x):
        return self.C[x].flatten(1) @ self.__W
""",
    "LBFGS": """
def train(model):
    opt = torch.optim.LBFGS([p.requires_grad_() for p in model.parameters()], max_iter=2)
    X, Y = X_all[:500], Y_all[:500]
    for step in range(STEPS):
        def closure():
            opt.zero_grad()
            loss = F.cross_entropy(model(X), Y)
            loss.backward()
            return loss
        yield opt.step(closure).item()
""",
    "a counting model, no training": """
class make:
    def __init__(self):
        self.N = torch.zeros(27, 27)
    def parameters(self):
        return []
    def __call__(self, x):
        return (self.N[x[:, -1]] + 1).log()
def train(model):
    for step in range(STEPS):
        chosen = torch.randint(len(Y_all), (2000,))
        model.N.index_put_((X_all[chosen][:, -1], Y_all[chosen]), torch.ones(2000), accumulate=True)
        yield F.cross_entropy(model(X_all[chosen]), Y_all[chosen]).item()
""",
}
ANEW = {"a generator of the module", "a generator of the module for the weights too", "numpy's default_rng, unseeded", "random.shuffle, unseeded"}
ANEW |= {"a model made once", "with a first step"}  # a training that begins anew has other random numbers, or another model, than the first
