"""Right answers of different make, by people who had not seen the reference."""
# %% right="saturation"
def saturation(layers):
    shares = []
    for layer in layers:
        beyond = 0
        total = 0
        for row in layer.tolist():
            for value in row:
                total += 1
                if value > 0.97 or value < -0.97:
                    beyond += 1
        shares.append(beyond / total)
    return torch.tensor(shares)
# %% right="saturation"
def saturation(layers: list[Float[Tensor, "n units"]]) -> Float[Tensor, " layers"]:
    """The share of |h| > 0.97 in each layer's tanh outputs."""
    return torch.stack([torch.gt(torch.abs(h), 0.97).to(torch.float32).mean() for h in layers])
# %% right="saturation"
import numpy as np


def saturation(layers):
    # numpy does the work; the mean of booleans is the share of the true ones (float64, I keep it)
    return torch.from_numpy(np.array([np.mean(np.abs(h.detach().numpy()) > 0.97) for h in layers]))
# %% right="saturation"
def saturation(layers: list[Tensor]) -> Tensor:
    """All layers in one long row, with the number of its layer for each value, and two counts a layer."""
    sizes = torch.tensor([h.numel() for h in layers])
    owner = torch.repeat_interleave(torch.arange(len(layers)), sizes)
    values = torch.cat([h.reshape(-1) for h in layers])
    flat = (values * values.sign() > 0.97).to(values.dtype)
    hits = torch.zeros(len(layers), dtype=values.dtype).index_add(0, owner, flat)
    return hits / sizes
# %% right="saturation"
LIMIT = 0.97


def share_of(h):
    too_high = torch.count_nonzero(h > LIMIT).item()
    too_low = torch.count_nonzero(h < -LIMIT).item()
    return (too_high + too_low) / h.numel()


def saturation(layers):
    if len(layers) == 1:
        return torch.tensor([share_of(layers[0])])
    first, *rest = layers
    return torch.cat([torch.tensor([share_of(first)]), saturation(rest)])
# %% right="dead_neurons"
def dead_neurons(h: Float[Tensor, "n units"]) -> Bool[Tensor, " units"]:
    """For each unit, whether |h| > 0.97 for all examples."""
    return (h.abs() > 0.97).all(dim=0)
# %% right="dead_neurons"
def dead_neurons(h):
    n, units = h.shape
    answer = torch.zeros(units, dtype=torch.bool)
    for j in range(units):
        dead = True
        for i in range(n):
            if abs(h[i, j].item()) <= 0.97:
                dead = False
                break
        answer[j] = dead
    return answer
# %% right="dead_neurons"
def dead_neurons(h):
    weakest, _ = torch.min(h * torch.sign(h), dim=0)  # the example in which the unit is nearest to the middle
    return weakest > 0.97
# %% right="dead_neurons"
import numpy as np


def dead_neurons(h: torch.Tensor) -> torch.Tensor:
    a = np.abs(h.detach().cpu().numpy())
    alive = np.any(~(a > 0.97), axis=0)
    return torch.tensor(np.logical_not(alive))
# %% right="dead_neurons"
def dead_neurons(h):
    # every place where a unit still learns crosses the unit off the list
    examples, units = torch.nonzero(torch.logical_and(h <= 0.97, h >= -0.97), as_tuple=True)
    dead = torch.full((h.size(1),), True)
    dead[units] = False
    return dead
# %% right="kaiming_weight"
def kaiming_weight(fan_in: int, fan_out: int, gain: float, g: torch.Generator) -> Float[Tensor, "fan_in fan_out"]:
    """Normal weights with mean 0 and standard deviation gain / sqrt(fan_in), drawn from g."""
    std = gain / math.sqrt(fan_in)
    return torch.randn((fan_in, fan_out), generator=g) * std
# %% right="kaiming_weight"
def kaiming_weight(fan_in, fan_out, gain, g):
    W = torch.empty(fan_in, fan_out)
    for row in W:  # a view, so that this fills W
        row.normal_(mean=0.0, std=gain * fan_in**-0.5, generator=g)
    return W
# %% right="kaiming_weight"
def kaiming_weight(fan_in, fan_out, gain, g):
    # nn.init counts the fan_in of a weight of shape (out, in), hence the transposition
    W = nn.init.kaiming_normal_(torch.empty(fan_out, fan_in), mode="fan_in", nonlinearity="linear", generator=g)
    return gain * W.T
# %% right="kaiming_weight"
import numpy as np


def box_muller(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Standard normal numbers from two uniform ones each."""
    return np.sqrt(-2.0 * np.log1p(-u)) * np.cos(2.0 * np.pi * v)


def kaiming_weight(fan_in: int, fan_out: int, gain: float, g: torch.Generator):
    u, v = torch.rand(2, fan_in, fan_out, generator=g, dtype=torch.float64).numpy()
    weights = box_muller(u, v) * gain / np.sqrt(fan_in)
    return torch.from_numpy(weights.astype(np.float32))
# %% right="kaiming_weight"
def kaiming_weight(fan_in, fan_out, gain, g):
    columns = [torch.normal(0.0, 1.0, size=(fan_in,), generator=g) for _ in range(fan_out)]
    variance = gain**2 / fan_in
    return torch.stack(columns, dim=1).mul_(variance**0.5)
# %% right="uniform_weight"
def uniform_weight(fan_in: int, fan_out: int, g: torch.Generator) -> Float[Tensor, "fan_in fan_out"]:
    """Weights from the uniform distribution between -1/sqrt(fan_in) and 1/sqrt(fan_in), drawn from g."""
    return (2 * torch.rand(fan_in, fan_out, generator=g) - 1) / fan_in**0.5
# %% right="uniform_weight"
def uniform_weight(fan_in, fan_out, g):
    k = 1.0 / math.sqrt(fan_in)
    W = nn.Parameter(torch.empty(fan_in, fan_out))
    nn.init.uniform_(W, -k, k, generator=g)
    return W
# %% right="uniform_weight"
def uniform_weight(fan_in, fan_out, g):
    # just what nn.Linear.reset_parameters does, for a weight of shape (out, in)
    weight = torch.zeros(fan_out, fan_in)
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=g)
    return weight.t().contiguous()
# %% right="uniform_weight"
import numpy as np


def uniform_weight(fan_in, fan_out, g):
    bound = fan_in ** (-1 / 2)
    u = torch.rand(fan_in * fan_out, generator=g).numpy()
    return torch.tensor(np.interp(u, [0.0, 1.0], [-bound, bound]).reshape(fan_in, fan_out))
# %% right="uniform_weight"
def uniform_weight(fan_in: int, fan_out: int, g: torch.Generator) -> Tensor:
    low, high = -(fan_in**-0.5), fan_in**-0.5
    rows = []
    while len(rows) < fan_in:
        rows.append(torch.zeros(fan_out).uniform_(low, high, generator=g))
    return torch.vstack(rows)
# %% right="activation_plot"
def activation_plot(layers: list[Float[Tensor, "n units"]]) -> Axes:
    """One labelled curve a layer: the distribution of its activations."""
    figure, axes = plt.subplots(figsize=(8, 3))
    for number, h in enumerate(layers, 1):
        heights, borders = torch.histogram(h.detach().flatten(), bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"layer {number}")
    axes.set_xlabel("activation")
    axes.set_ylabel("density")
    axes.legend()
    return axes
# %% right="activation_plot"
def activation_plot(layers):
    plt.figure(figsize=(20, 4))  # width and height of the plot
    legends = []
    for i, layer in enumerate(layers):
        t = layer
        print('layer %d: mean %+.2f, std %.2f, saturated: %.2f%%' % (
            i, t.mean(), t.std(), (t.abs() > 0.97).float().mean() * 100))
        hy, hx = torch.histogram(t, density=True)
        plt.plot(hx[:-1].detach(), hy.detach())
        legends.append(f'layer {i} (tanh)')
    plt.legend(legends)
    plt.title('activation distribution')
    plt.xlabel('value of h')
    plt.ylabel('density')
    return plt.gca()
# %% right="activation_plot"
def activation_plot(layers):
    fig, ax = plt.subplots()
    for k, h in enumerate(layers):
        ax.hist(h.detach().numpy().ravel(), bins=40, density=True, alpha=0.5, label="h" + str(k + 1))
    ax.set(xlabel="h", ylabel="how often", title="Activations")
    ax.legend(loc="upper right")
    ax.grid(True)
    return ax
# %% right="activation_plot"
import numpy as np


def activation_plot(layers):
    """One call for all of them, as step histograms over common bins."""
    values = [h.detach().cpu().numpy().reshape(-1) for h in layers]
    _, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    bins = np.linspace(-1, 1, 101)
    labels = [f"layer {i + 1} of {len(layers)}" for i in range(len(layers))]
    ax.hist(values, bins=bins, histtype="step", density=True, label=labels)
    ax.set_xlabel("tanh output")
    ax.set_ylabel("density")
    ax.legend(title="layers")
    return ax
# %% right="activation_plot"
def outline(values: list[float], bins: int = 60) -> tuple[list[float], list[int]]:
    """Borders and counts of a histogram, counted by hand."""
    low, high = min(values), max(values)
    width = (high - low) / bins or 1.0
    counts = [0] * bins
    for v in values:
        counts[min(int((v - low) / width), bins - 1)] += 1
    return [low + i * width for i in range(bins + 1)], counts


def activation_plot(layers: list[Tensor]) -> Axes:
    axes = plt.figure(figsize=(6, 3)).add_subplot()
    for side in (-0.97, 0.97):
        axes.axvline(side, color="gray", linestyle=":")
    for number, h in enumerate(layers, start=1):
        borders, counts = outline(h.flatten().tolist())
        axes.stairs(counts, borders, label=rf"$h_{{{number}}}$")
    axes.set_xlabel("activation h")
    axes.set_ylabel("number of values")
    axes.legend()
    return axes
# %% right="gradient_plot"
def gradient_plot(parameters: list[Float[Tensor, "..."]], gradients: list[Float[Tensor, "..."]]) -> Axes:
    """One labelled curve a weight matrix: the distribution of its gradient."""
    _, axes = plt.subplots()
    for number, (parameter, gradient) in enumerate(zip(parameters, gradients)):
        if parameter.ndim != 2:
            continue
        heights, borders = torch.histogram(gradient.detach(), bins=50, density=True)
        axes.plot(borders[:-1] + borders.diff() / 2, heights, label=f"{number} {tuple(parameter.shape)}")
    axes.set_xlabel("gradient")
    axes.set_ylabel("density")
    axes.legend()
    return axes
# %% right="gradient_plot"
import numpy as np


def gradient_plot(parameters, gradients):
    matrices = [d.detach().numpy().flatten() for p, d in zip(parameters, gradients) if p.dim() == 2]
    limit = max(np.abs(d).max() for d in matrices)
    fig = plt.figure(figsize=(9, 3))
    ax = fig.add_subplot(1, 1, 1)
    for i, d in enumerate(matrices):
        counts, edges = np.histogram(d, bins=120, range=(-limit, limit))
        ax.step(edges[:-1], counts / len(d), where="post", label=f"weight {i}")
    plt.xlabel("gradient of a weight")
    plt.ylabel("share of the weights")
    fig.legend()
    return ax
# %% right="gradient_plot"
def gradient_plot(parameters, gradients):
    plt.figure(figsize=(20, 4))
    legends = []
    for i, p in enumerate(parameters):
        t = gradients[i]
        if p.ndim == 2:
            print('weight %10s | mean %+f | std %e' % (tuple(p.shape), t.mean(), t.std()))
            hy, hx = torch.histogram(t, density=True)
            plt.plot(hx[:-1].detach(), hy.detach())
            legends.append(f'{i} {tuple(p.shape)}')
    plt.legend(legends)
    plt.title('weights gradient distribution')
    plt.xlabel('gradient')
    plt.ylabel('density')
    return plt.gca()
# %% right="gradient_plot"
def gradient_plot(parameters, gradients):
    fig, ax = plt.subplots(1, 1, figsize=(8, 4))
    layer = 0
    for p, grad in zip(parameters, gradients, strict=True):
        if len(p.shape) == 2:
            layer += 1
            flat = grad.reshape(-1).detach().numpy()
            ax.hist(flat, 30, histtype="stepfilled", alpha=0.4, label="W%d" % layer)
    ax.set_title("Gradients")
    ax.set_xlabel("dL/dW")
    ax.set_ylabel("count")
    ax.legend()
    return ax
# %% right="gradient_plot"
class Histogram:
    """Fifty bins over the range of a tensor's values."""

    def __init__(self, values, bins=50):
        flat = values.detach().flatten().double()
        low, high = flat.min().item(), flat.max().item()
        self.heights = torch.histc(flat, bins=bins, min=low, max=high).numpy() / flat.numel()
        width = (high - low) / bins
        self.middles = [low + width * (i + 0.5) for i in range(bins)]

    def draw(self, axes, label):
        (line,) = axes.plot(self.middles, self.heights, label=label)
        axes.fill_between(self.middles, self.heights, color=line.get_color(), alpha=0.2)


def gradient_plot(parameters, gradients):
    figure, axes = plt.subplots()
    of_matrices = filter(lambda pair: pair[0].dim() == 2, zip(parameters, gradients))
    for i, (_, gradient) in enumerate(of_matrices, 1):
        Histogram(gradient).draw(axes, f"matrix {i}")
    axes.set_xlabel("value of the gradient")
    axes.set_ylabel("share")
    axes.legend()
    return axes
# %% right="gradient_to_data"
def gradient_to_data(
    parameters: list[Float[Tensor, "fan_in fan_out"]], gradients: list[Float[Tensor, "fan_in fan_out"]]
) -> Float[Tensor, " layers"]:
    """std(gradient) / std(values) of each parameter."""
    return torch.stack([d.std() / p.std() for p, d in zip(parameters, gradients)])
# %% right="gradient_to_data"
from statistics import stdev


def gradient_to_data(parameters, gradients):
    ratios = []
    for i in range(len(parameters)):
        values = [v for row in parameters[i].tolist() for v in row]
        slopes = [v for row in gradients[i].tolist() for v in row]
        ratios.append(stdev(slopes) / stdev(values))
    return torch.tensor(ratios)
# %% right="gradient_to_data"
import numpy as np


def gradient_to_data(parameters, gradients):
    """Population or sample, the factor is the same above and below."""
    above = np.array([np.std(d.detach().numpy()) for d in gradients])
    below = np.array([np.std(p.detach().numpy()) for p in parameters])
    return torch.from_numpy(above / below)
# %% right="gradient_to_data"
def gradient_to_data(parameters, gradients):
    def length(t):
        # the length of the centred vector; n cancels
        return torch.linalg.vector_norm(t - t.mean())

    out = torch.empty(len(parameters))
    for i, (p, d) in enumerate(zip(parameters, gradients)):
        out[i] = length(d.detach()) / length(p.detach())
    return out
# %% right="gradient_to_data"
def spreads_of(tensors: list[Tensor]) -> Tensor:
    """The standard deviations of tensors of any shapes, with one scatter for the means and one for the squares."""
    sizes = torch.tensor([t.numel() for t in tensors])
    owner = torch.arange(len(tensors)).repeat_interleave(sizes)
    flat = torch.cat([t.detach().flatten() for t in tensors]).double()
    zeros = torch.zeros(len(tensors), dtype=torch.float64)
    means = zeros.scatter_add(0, owner, flat) / sizes
    squares = zeros.scatter_add(0, owner, (flat - means[owner]).square())
    return (squares / (sizes - 1)).sqrt()


def gradient_to_data(parameters: list[Tensor], gradients: list[Tensor]) -> Tensor:
    return (spreads_of(gradients) / spreads_of(parameters)).float()
# %% right="update_to_data"
def update_to_data(
    parameters: list[Float[Tensor, "fan_in fan_out"]], gradients: list[Float[Tensor, "fan_in fan_out"]], rate: float
) -> Float[Tensor, " layers"]:
    """log10 of std(rate * gradient) / std(values) of each parameter."""
    return torch.stack([((rate * d).std() / p.std()).log10() for p, d in zip(parameters, gradients)])
# %% right="update_to_data"
def update_to_data(parameters, gradients, rate):
    ud = []
    with torch.no_grad():
        for p, grad in zip(parameters, gradients):
            ud.append(((rate * grad).std() / p.data.std()).log10().item())
    return torch.tensor(ud)
# %% right="update_to_data"
def std(numbers):
    mean = sum(numbers) / len(numbers)
    return math.sqrt(sum((v - mean) ** 2 for v in numbers) / (len(numbers) - 1))


def update_to_data(parameters, gradients, rate):
    def one(p, d):
        update = [rate * v for v in d.flatten().tolist()]
        return math.log10(std(update)) - math.log10(std(p.flatten().tolist()))

    return torch.tensor(list(map(one, parameters, gradients)))
# %% right="update_to_data"
import numpy as np


def update_to_data(parameters, gradients, rate):
    updates = [rate * d.detach().numpy().astype(np.float64) for d in gradients]
    above = np.asarray([u.std(ddof=1) for u in updates])
    below = np.asarray([p.detach().numpy().std(ddof=1) for p in parameters])
    return torch.as_tensor(np.log10(above / below), dtype=torch.float32)
# %% right="update_to_data"
def update_to_data(parameters: list[Tensor], gradients: list[Tensor], rate: float) -> Tensor:
    # log(rate * a / b) = log(rate) + (log(a^2) - log(b^2)) / 2, and the natural logarithm turned into that to base 10
    data = torch.stack([torch.var(p) for p in parameters])
    grad = torch.stack([torch.var(d) for d in gradients])
    natural = math.log(rate) + 0.5 * (torch.log(grad) - torch.log(data))
    return natural / math.log(10)
# %% right="update_plot"
def update_plot(ratios: Float[Tensor, "steps layers"]) -> Axes:
    """One labelled curve a layer: log10 of its update-to-data ratio over the steps, and a guide at -3."""
    _, axes = plt.subplots(figsize=(6, 3))
    for number, column in enumerate(ratios.T, 1):
        axes.plot(column, label=f"layer {number}")
    axes.axhline(-3, color="black", linestyle="--")
    axes.set_xlabel("step")
    axes.set_ylabel("log10(update / data)")
    axes.legend()
    return axes
# %% right="update_plot"
def update_plot(ratios):
    plt.figure(figsize=(20, 4))
    legends = []
    for i in range(ratios.shape[1]):
        plt.plot([ratios[j][i].item() for j in range(len(ratios))])
        legends.append('param %d' % i)
    plt.plot([0, len(ratios)], [-3, -3], 'k')  # these ratios should be ~1e-3, indicate on plot
    plt.legend(legends)
    plt.xlabel('step')
    plt.ylabel('log10 of update to data')
    return plt.gca()
# %% right="update_plot"
import numpy as np


def update_plot(ratios):
    table = ratios.detach().numpy()
    steps, layers = table.shape
    fig, ax = plt.subplots()
    ax.plot(np.arange(1, steps + 1), table, marker=".", label=[f"layer {k}" for k in range(1, layers + 1)])
    ax.hlines(-3, 1, steps, colors="k", linestyles="dotted")
    ax.set(xlabel="step", ylabel="log10 ratio", title="Updates")
    ax.legend(ncols=2)
    return ax
# %% right="update_plot"
from matplotlib.lines import Line2D


class UpdatePicture:
    """Axes with the guide first and the curves added one by one."""

    def __init__(self):
        self.axes = plt.figure().gca()
        self.axes.axhline(y=-3, color="gray", lw=1, label="guide: -3")
        self.axes.set_xlabel("training step")
        self.axes.set_ylabel("update : data, powers of ten")

    def add(self, name, heights):
        color = f"C{len(self.axes.lines) - 1}"
        self.axes.add_line(Line2D(list(range(len(heights))), heights, color=color, label=name))


def update_plot(ratios):
    picture = UpdatePicture()
    for i, heights in enumerate(zip(*ratios.tolist())):
        picture.add(f"W{i}", list(heights))
    picture.axes.autoscale_view()
    picture.axes.legend()
    return picture.axes
# %% right="update_plot"
def update_plot(ratios: Tensor) -> Axes:
    steps = torch.arange(ratios.size(0))
    figure = plt.figure(figsize=(7, 3))
    axes = figure.subplots()
    lines = []
    for column in torch.unbind(ratios.detach(), dim=1):
        lines += axes.plot(steps.numpy(), column.numpy(), "-", linewidth=0.8)
    for i, line in enumerate(lines):
        line.set_label(f"layer no. {i + 1}")
    axes.axline((0, -3), slope=0, color="red")
    plt.xlabel("step")
    plt.ylabel("log10 of the ratio")
    plt.legend()
    return axes
# %% right="batchnorm_train"
def batchnorm_train(
    x: Float[Tensor, "n units"], gamma: Float[Tensor, " units"], beta: Float[Tensor, " units"], eps: float
) -> Float[Tensor, "n units"]:
    """BatchNorm's output in training: x normalised with the mean and the variance (over n) of the batch."""
    mean = x.mean(0, keepdim=True)
    variance = x.var(0, unbiased=False, keepdim=True)
    return gamma * (x - mean) / (variance + eps).sqrt() + beta
# %% right="batchnorm_train"
def batchnorm_train(x, gamma, beta, eps):
    return F.batch_norm(x, running_mean=None, running_var=None, weight=gamma, bias=beta, training=True, eps=eps)
# %% right="batchnorm_train"
def batchnorm_train(x, gamma, beta, eps):
    n, units = x.shape
    columns = []
    for j in range(units):
        column = x[:, j]
        mu = sum(column) / n
        sigma2 = sum((v - mu) ** 2 for v in column) / n
        columns.append(gamma[j] * (column - mu) / torch.sqrt(sigma2 + eps) + beta[j])
    return torch.stack(columns, dim=1)
# %% right="batchnorm_train"
import numpy as np


def batchnorm_train(x, gamma, beta, eps):
    a = x.detach().numpy().astype(np.float64)
    centred = a - np.average(a, axis=0)
    power = np.einsum("nu,nu->u", centred, centred) / a.shape[0]
    out = centred * (gamma.detach().numpy() / np.sqrt(power + eps)) + beta.detach().numpy()
    return torch.tensor(out, dtype=x.dtype)
# %% right="batchnorm_train"
def batchnorm_train(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> Tensor:
    # a layer norm of the transposed batch takes the statistics over the examples
    normalised = F.layer_norm(x.T.contiguous(), [x.shape[0]], eps=eps).T
    return torch.addcmul(beta, gamma, normalised)
# %% right="batchnorm_running"
def batchnorm_running(
    x: Float[Tensor, "n units"],
    running_mean: Float[Tensor, " units"],
    running_var: Float[Tensor, " units"],
    momentum: float,
) -> tuple[Float[Tensor, " units"], Float[Tensor, " units"]]:
    """Running mean and running (unbiased) variance after one more batch, without a graph."""
    with torch.no_grad():
        new_mean = (1 - momentum) * running_mean + momentum * x.mean(0)
        new_var = (1 - momentum) * running_var + momentum * x.var(0, unbiased=True)
    return new_mean, new_var
# %% right="batchnorm_running"
@torch.no_grad()
def batchnorm_running(x, running_mean, running_var, momentum):
    var, mean = torch.var_mean(x, dim=0)
    return torch.lerp(running_mean, mean, momentum), torch.lerp(running_var, var, momentum)
# %% right="batchnorm_running"
def batchnorm_running(x, running_mean, running_var, momentum):
    # torch updates its buffers in place, so it gets copies
    mean = running_mean.detach().clone()
    variance = running_var.detach().clone()
    F.batch_norm(x.detach(), mean, variance, training=True, momentum=momentum)
    return mean, variance
# %% right="batchnorm_running"
import statistics


def batchnorm_running(x, running_mean, running_var, momentum):
    columns = list(zip(*x.tolist()))
    means, variances = [], []
    for column, m, v in zip(columns, running_mean.tolist(), running_var.tolist()):
        means.append((1 - momentum) * m + momentum * statistics.fmean(column))
        variances.append((1 - momentum) * v + momentum * statistics.variance(column))
    return torch.tensor(means), torch.tensor(variances)
# %% right="batchnorm_running"
def batchnorm_running(x: Tensor, running_mean: Tensor, running_var: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
    def move(old, batch):
        step = momentum * (batch - old)
        return (old + step).detach()

    n = x.shape[0]
    mean = torch.einsum("nu->u", x) / n
    variance = torch.diagonal(torch.atleast_2d(torch.cov(x.T)))
    assert mean.shape == variance.shape
    return move(running_mean, mean), move(running_var, variance)
# %% right="batchnorm_eval"
class BatchNorm1d:

    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.eps = eps
        self.momentum = momentum
        self.training = True
        # parameters (trained with backprop)
        self.gamma = torch.ones(dim)
        self.beta = torch.zeros(dim)
        # buffers (trained with a running 'momentum update')
        self.running_mean = torch.zeros(dim)
        self.running_var = torch.ones(dim)

    def __call__(self, x):
        # calculate the forward pass
        if self.training:
            xmean = x.mean(0, keepdim=True)  # batch mean
            xvar = x.var(0, keepdim=True, unbiased=False)  # batch variance
        else:
            xmean = self.running_mean
            xvar = self.running_var
        xhat = (x - xmean) / torch.sqrt(xvar + self.eps)  # normalize to unit variance
        self.out = self.gamma * xhat + self.beta
        # update the buffers
        if self.training:
            with torch.no_grad():
                unbiased = x.var(0, keepdim=True)
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * xmean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * unbiased
        return self.out

    def parameters(self):
        return [self.gamma, self.beta]
# %% right="batchnorm_eval"
class BatchNorm1d(nn.Module):
    """BatchNorm over (n, units) as a module, with torch's own function inside."""

    def __init__(self, units: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.gamma = nn.Parameter(torch.ones(units))
        self.beta = nn.Parameter(torch.zeros(units))
        self.register_buffer("running_mean", torch.zeros(units))
        self.register_buffer("running_var", torch.ones(units))
        self.out = None

    def forward(self, x: Tensor) -> Tensor:
        self.out = F.batch_norm(
            x, self.running_mean, self.running_var, self.gamma, self.beta, self.training, self.momentum, self.eps
        )
        return self.out

    def parameters(self, recurse: bool = True) -> list[Tensor]:
        return [self.gamma, self.beta]
# %% right="batchnorm_eval"
from dataclasses import dataclass


@dataclass
class BatchNorm1d:
    units: int
    eps: float = 1e-5
    momentum: float = 0.1

    def __post_init__(self):
        self.gamma = torch.ones(self.units, requires_grad=True)
        self.beta = torch.zeros(self.units, requires_grad=True)
        self.running_mean, self.running_var = torch.zeros(self.units), torch.ones(self.units)
        self.training = True
        self.out = None

    def _statistics(self, x):
        if not self.training:
            return self.running_mean, self.running_var
        n = len(x)
        variance, mean = torch.var_mean(x, dim=0, correction=0)
        self.running_mean.lerp_(mean.detach(), self.momentum)
        self.running_var.lerp_(variance.detach() * (n / (n - 1)), self.momentum)
        return mean, variance

    def __call__(self, x):
        mean, variance = self._statistics(x)
        self.out = torch.rsqrt(variance + self.eps) * (x - mean) * self.gamma + self.beta
        return self.out

    def parameters(self):
        return [self.gamma, self.beta]
# %% right="batchnorm_eval"
class BatchNorm1d:
    """A thin coat around the layer of torch."""

    def __init__(self, units, eps=1e-5, momentum=0.1):
        self.layer = nn.BatchNorm1d(units, eps=eps, momentum=momentum)

    gamma = property(lambda self: self.layer.weight)
    beta = property(lambda self: self.layer.bias)
    running_mean = property(lambda self: self.layer.running_mean)
    running_var = property(lambda self: self.layer.running_var)

    @property
    def training(self):
        return self.layer.training

    @training.setter
    def training(self, on):
        self.layer.train(on)

    def __call__(self, x):
        self.out = self.layer(x)
        return self.out

    def parameters(self):
        return list(self.layer.parameters())
# %% right="batchnorm_eval"
def mean_of(column):
    return sum(column) / len(column)


def squares_of(column, mean):
    return sum((v - mean) ** 2 for v in column)


class BatchNorm1d:
    """Unit by unit, in loops."""

    def __init__(self, units: int, eps: float = 1e-5, momentum: float = 0.1):
        self.units, self.eps, self.momentum = units, eps, momentum
        self.gamma, self.beta = torch.full((units,), 1.0), torch.full((units,), 0.0)
        self.running_mean, self.running_var = torch.full((units,), 0.0), torch.full((units,), 1.0)
        self.training = True

    def __call__(self, x):
        columns = []
        for j in range(self.units):
            column = x[:, j]
            if self.training:
                n = len(column)
                mean = mean_of(column)
                squares = squares_of(column, mean)
                variance = squares / n
                self.running_mean[j] += self.momentum * (mean.item() - self.running_mean[j].item())
                self.running_var[j] += self.momentum * (squares.item() / (n - 1) - self.running_var[j].item())
            else:
                mean, variance = self.running_mean[j].item(), self.running_var[j].item()
            columns.append(self.gamma[j] * (column - mean) / (variance + self.eps) ** 0.5 + self.beta[j])
        self.out = torch.stack(columns, 1)
        return self.out

    def parameters(self):
        both = []
        both.append(self.gamma)
        both.append(self.beta)
        return both
# %% right="fold_batchnorm"
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
    factor = gamma / (variance + eps).sqrt()
    return W * factor, (b - mean) * factor + beta
# %% right="fold_batchnorm"
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    """Ask the two layers what they do: with x = 0 for the bias, and with one input at a time for the weights."""
    W, b, gamma, beta, mean, variance = (t.detach().double() for t in (W, b, gamma, beta, mean, variance))

    def both(x):
        return F.batch_norm(x @ W + b, mean, variance, gamma, beta, training=False, eps=eps)

    b2 = both(torch.zeros(1, len(W), dtype=torch.float64))
    W2 = both(torch.eye(len(W), dtype=torch.float64)) - b2
    return W2.float(), b2[0].float()
# %% right="fold_batchnorm"
def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    fan_in, units = W.shape
    W2 = torch.zeros_like(W)
    b2 = torch.zeros_like(b)
    for j in range(units):
        s = gamma[j] / math.sqrt(variance[j].item() + eps)
        for i in range(fan_in):
            W2[i, j] = W[i, j] * s
        b2[j] = beta[j] + s * b[j] - s * mean[j]
    return W2, b2
# %% right="fold_batchnorm"
import numpy as np


def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    tensors = (W, b, gamma, beta, mean, variance)
    W, b, gamma, beta, mean, variance = [t.detach().numpy().astype(np.float64) for t in tensors]
    D = np.diag(gamma / np.sqrt(variance + eps))
    return torch.from_numpy(W @ D), torch.from_numpy((b - mean) @ D + beta)
# %% right="fold_batchnorm"
def homogeneous(A: Tensor, shift: Tensor) -> Tensor:
    """The matrix of x -> x @ A + shift for rows (x, 1)."""
    top = torch.cat([A, A.new_zeros(len(A), 1)], dim=1)
    bottom = torch.cat([shift, shift.new_ones(1)])
    return torch.cat([top, bottom[None]])


def fold_batchnorm(W, b, gamma, beta, mean, variance, eps):
    # two affine maps after each other are the product of their matrices
    scale = gamma * torch.rsqrt(variance + eps)
    linear = homogeneous(W, b)
    norm = homogeneous(torch.diag_embed(scale), beta - mean * scale)
    folded = torch.einsum("ij,jk->ik", linear, norm)
    return folded[:-1, :-1], folded[-1, :-1]
# %% right="zero_init"
def zero_init(C: Float[Tensor, "27 d"], X: Int[Tensor, "n 3"], Y: Int[Tensor, " n"], hidden: int) -> dict:
    """First loss, parameters with a gradient, and last loss of an MLP whose weights and biases all start at zero."""
    symbols, d = C.shape
    parameters = {
        "C": C.detach().clone(),
        "W1": torch.zeros(X.shape[1] * d, hidden),
        "b1": torch.zeros(hidden),
        "W2": torch.zeros(hidden, symbols),
        "b2": torch.zeros(symbols),
    }
    for p in parameters.values():
        p.requires_grad_()
    h = (parameters["C"][X].flatten(1) @ parameters["W1"] + parameters["b1"]).tanh()
    loss = F.cross_entropy(h @ parameters["W2"] + parameters["b2"], Y)
    loss.backward()
    shares = torch.bincount(Y, minlength=symbols) / len(Y)
    return {
        "first loss": loss.item(),
        "with gradient": [name for name, p in parameters.items() if p.grad.any()],
        "last loss": torch.special.entr(shares).sum().item(),
    }
# %% right="zero_init"
from collections import Counter


def zero_init(C, X, Y, hidden):
    table = C.clone().requires_grad_(True)
    W1 = torch.zeros((3 * C.shape[1], hidden), requires_grad=True)
    b1 = torch.zeros(hidden, requires_grad=True)
    W2 = torch.zeros((hidden, 27), requires_grad=True)
    b2 = torch.zeros(27, requires_grad=True)
    emb = table[X]
    logits = torch.tanh(emb.view(emb.shape[0], -1) @ W1 + b1) @ W2 + b2
    probs = logits.exp() / logits.exp().sum(1, keepdim=True)
    loss = -probs[torch.arange(len(Y)), Y].log().mean()
    grads = torch.autograd.grad(loss, [table, W1, b1, W2, b2])
    names_ = ["C", "W1", "b1", "W2", "b2"]
    learning = []
    for name, grad in zip(names_, grads):
        print(name, grad.abs().max().item())
        if grad.abs().max() > 0:
            learning.append(name)
    n = len(Y)
    last = 0.0
    for count in Counter(Y.tolist()).values():
        last -= count / n * math.log(count / n)
    return {"first loss": loss, "with gradient": learning, "last loss": last}
# %% right="zero_init"
def zero_init(C, X, Y, hidden):
    # On paper: h = 0, so W2 gets h^T dlogits = 0; W2 = 0, so dh = dlogits W2^T = 0 and with it b1, W1 and C.
    # Only b2 is left, with the gradient 1/27 - share, and can express the shares of the symbols but no context.
    targets = [int(y) for y in Y]
    share = {s: targets.count(s) / len(targets) for s in set(targets)}
    entropy = -math.fsum(p * math.log(p) for p in share.values())
    return dict(zip(("first loss", "with gradient", "last loss"), (math.log(27), ["b2"], entropy)))
# %% right="zero_init"
class Network(nn.Module):
    def __init__(self, C, hidden):
        super().__init__()
        self.C = nn.Parameter(C.detach().clone())
        self.W1 = nn.Parameter(torch.zeros(3 * C.size(1), hidden))
        self.b1 = nn.Parameter(torch.zeros(hidden))
        self.W2 = nn.Parameter(torch.zeros(hidden, 27))
        self.b2 = nn.Parameter(torch.zeros(27))

    def forward(self, X):
        return torch.tanh(F.embedding(X, self.C).flatten(start_dim=1) @ self.W1 + self.b1) @ self.W2 + self.b2


def zero_init(C, X, Y, hidden):
    """Really train it; Rprop looks at the signs only, so that it needs few steps."""
    network = Network(C, hidden)
    optimiser = torch.optim.Rprop(network.parameters(), lr=0.1)
    losses, moved = [], []
    for step in range(200):
        loss = F.cross_entropy(network(X), Y)
        optimiser.zero_grad()
        loss.backward()
        if step == 0:
            moved = [name for name, p in network.named_parameters() if torch.count_nonzero(p.grad) > 0]
        optimiser.step()
        losses.append(loss.detach())
    return {"first loss": losses[0], "with gradient": moved, "last loss": losses[-1]}
# %% right="zero_init"
import numpy as np


def zero_init(C, X, Y, hidden):
    """Forwards and backwards by hand."""
    C_, X_, Y_ = C.detach().numpy(), X.numpy(), Y.numpy()
    n, k = len(Y_), len(C_)
    e = C_[X_].reshape(n, -1)
    W1, b1, W2, b2 = np.zeros((e.shape[1], hidden)), np.zeros(hidden), np.zeros((hidden, k)), np.zeros(k)
    h = np.tanh(e @ W1 + b1)
    logits = h @ W2 + b2
    logp = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    dlogits = (np.exp(logp) - np.eye(k)[Y_]) / n
    dpre = (dlogits @ W2.T) * (1 - h**2)
    dC = np.zeros(C_.shape)
    np.add.at(dC, X_, (dpre @ W1.T).reshape(*X_.shape, -1))
    slopes = {"C": dC, "W1": e.T @ dpre, "b1": dpre.sum(0), "W2": h.T @ dlogits, "b2": dlogits.sum(0)}
    # the best bias is the logarithm of the shares; a symbol that does not occur is never asked for
    share = np.bincount(Y_, minlength=k) / n
    return {
        "first loss": -logp[np.arange(n), Y_].mean(),
        "with gradient": [name for name in ("C", "W1", "b1", "W2", "b2") if np.any(slopes[name] != 0)],
        "last loss": -np.log(share[Y_]).mean(),
    }
