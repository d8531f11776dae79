"""Right answers of different make, by people who had not seen the reference."""

# %% right="backward_softmax_pieces"
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
    """As in the video, with the extra gradient added."""
    n = logits.shape[0]

    dlogprobs = torch.zeros_like(probs)
    dlogprobs[range(n), targets] = -1.0 / n

    dprobs = (1.0 / probs) * dlogprobs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts = counts_sum_inv * dprobs
    dcounts_sum = (-counts_sum**-2) * dcounts_sum_inv
    dcounts += torch.ones_like(counts) * dcounts_sum
    dnorm_logits = counts * dcounts
    dnorm_logits += extra_dnorm_logits
    dlogit_maxes = (-dnorm_logits).sum(1, keepdim=True)
    dlogits = dnorm_logits.clone()
    dlogits += F.one_hot(logits.max(1).indices, num_classes=logits.shape[1]) * dlogit_maxes

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

# %% right="backward_softmax_pieces"
def one_row_back(z, c, c_sum, c_sum_inv, p, y, extra, n):
    """All eight gradients of a single example, with nothing but floats."""
    V = len(z)
    dlogp = [0.0] * V
    dlogp[y] = -1.0 / n
    dp = [dlogp[j] / p[j] if dlogp[j] != 0 else 0.0 for j in range(V)]
    d_inv = 0.0
    for j in range(V):
        d_inv += c[j] * dp[j]
    d_sum = -d_inv / c_sum**2
    dc = []
    for j in range(V):
        dc.append(dp[j] * c_sum_inv + d_sum)  # two readers: probs and counts_sum
    dnorm = [c[j] * dc[j] + extra[j] for j in range(V)]
    d_max = -sum(dnorm)
    dz = list(dnorm)
    dz[z.index(max(z))] += d_max
    return dlogp, dp, [d_inv], [d_sum], dc, dnorm, [d_max], dz


def backward_softmax_pieces(logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra):
    n = len(targets)
    keys = "dlogprobs dprobs dcounts_sum_inv dcounts_sum dcounts dnorm_logits dlogit_maxes dlogits".split()
    result = {key: [] for key in keys}
    for i in range(n):
        row = one_row_back(
            logits[i].tolist(),
            counts[i].tolist(),
            counts_sum[i].item(),
            counts_sum_inv[i].item(),
            probs[i].tolist(),
            targets[i].item(),
            extra[i].tolist(),
            n,
        )
        for key, piece in zip(keys, row):
            result[key].append(piece)
    return {key: torch.tensor(rows) for key, rows in result.items()}

# %% right="backward_softmax_pieces"
import numpy as np


def backward_softmax_pieces(
    logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, extra_dnorm_logits
) -> dict:
    z, c, s, s_inv, p, extra = (
        np.asarray(t.detach(), dtype=np.float64)
        for t in (logits, counts, counts_sum, counts_sum_inv, probs, extra_dnorm_logits)
    )
    y = targets.numpy()
    rows = np.arange(y.size)

    out = {}
    out["dlogprobs"] = np.zeros(p.shape)
    out["dlogprobs"][rows, y] = -1 / y.size
    out["dprobs"] = out["dlogprobs"] / p
    out["dcounts_sum_inv"] = np.sum(c * out["dprobs"], axis=1, keepdims=True)
    out["dcounts_sum"] = -np.square(1 / s) * out["dcounts_sum_inv"]
    out["dcounts"] = s_inv * out["dprobs"] + out["dcounts_sum"]  # numpy spreads the (n, 1) itself
    out["dnorm_logits"] = np.exp(np.asarray(norm_logits, dtype=np.float64)) * out["dcounts"] + extra
    out["dlogit_maxes"] = -out["dnorm_logits"].sum(axis=1)[:, np.newaxis]
    at_max = np.zeros_like(z)
    np.put_along_axis(at_max, z.argmax(1)[:, None], 1.0, axis=1)
    out["dlogits"] = out["dnorm_logits"] + at_max * out["dlogit_maxes"]
    return {k: torch.from_numpy(v.astype(np.float32)) for k, v in out.items()}

# %% right="backward_softmax_pieces"
class SoftmaxGradients(NamedTuple):
    dlogprobs: Tensor
    dprobs: Tensor
    dcounts_sum_inv: Tensor
    dcounts_sum: Tensor
    dcounts: Tensor
    dnorm_logits: Tensor
    dlogit_maxes: Tensor
    dlogits: Tensor


def row_dot(a: Tensor, b: Tensor) -> Tensor:
    """(n, m) and (n, m) to (n, 1): the dot product of the rows."""
    return torch.einsum("nj,nj->n", a, b).unsqueeze(1)


@torch.no_grad()
def backward_softmax_pieces(
    logits: Tensor,
    norm_logits: Tensor,
    counts: Tensor,
    counts_sum: Tensor,
    counts_sum_inv: Tensor,
    probs: Tensor,
    targets: Tensor,
    extra_dnorm_logits: Tensor,
) -> dict[str, Tensor]:
    n, symbols = probs.size()
    column = targets.view(n, 1)
    # the backward pass, one line of forward after the other
    dlogprobs = torch.zeros(n, symbols).scatter_(1, column, -1 / n)
    dprobs = torch.zeros(n, symbols).scatter(1, column, -1 / n / probs.gather(1, column))
    dcounts_sum_inv = row_dot(dprobs, counts)
    dcounts_sum = dcounts_sum_inv.neg() * counts_sum_inv.square()
    dcounts = torch.addcmul(dcounts_sum.expand(n, symbols), dprobs, counts_sum_inv)
    dnorm_logits = torch.addcmul(extra_dnorm_logits, counts, dcounts)
    dlogit_maxes = row_dot(dnorm_logits, -torch.ones_like(dnorm_logits))
    dlogits = dnorm_logits.scatter_add(1, logits.argmax(dim=1, keepdim=True), dlogit_maxes)
    return SoftmaxGradients(
        dlogprobs, dprobs, dcounts_sum_inv, dcounts_sum, dcounts, dnorm_logits, dlogit_maxes, dlogits
    )._asdict()

# %% right="backward_softmax_pieces"
from collections import OrderedDict


def backward_softmax_pieces(logits, norm_logits, counts, counts_sum, counts_sum_inv, probs, targets, d_extra):
    N, K = logits.shape
    ones = torch.ones(K, 1)  # x @ ones is the sum of each row, y @ ones.T the spreading

    d1 = torch.eye(K)[targets] / -N
    d2 = d1 / probs
    d3 = (d2 * counts) @ ones
    d4 = d3 * (-1.0) / (counts_sum * counts_sum)
    d5_a = d2 * counts_sum_inv
    d5_b = d4 @ ones.T
    d5 = d5_a + d5_b
    d6 = d5 * norm_logits.exp() + d_extra
    d7 = -(d6 @ ones)
    is_max = logits == logits.amax(dim=1, keepdim=True)
    d8 = torch.where(is_max, d6 + d7, d6)
    # print(d7.abs().max())  # not zero because of extra

    grads = OrderedDict()
    grads["dlogits"] = d8
    grads["dlogit_maxes"] = d7
    grads["dnorm_logits"] = d6
    grads["dcounts"] = d5
    grads["dcounts_sum"] = d4
    grads["dcounts_sum_inv"] = d3
    grads["dprobs"] = d2
    grads["dlogprobs"] = d1
    return grads

# %% right="backward_linear_tanh"
def backward_linear_tanh(dlogits, hpreact, h, W2):
    G, A, H, W = dlogits.tolist(), hpreact.tolist(), h.tolist(), W2.tolist()
    n, K, J = len(G), len(W), len(W[0])

    dh = [[0.0] * K for _ in range(n)]
    dW = [[0.0] * J for _ in range(K)]
    db = [0.0] * J
    da = [[0.0] * K for _ in range(n)]
    for i in range(n):
        for j in range(J):
            db[j] += G[i][j]
            for k in range(K):
                dh[i][k] += G[i][j] * W[k][j]
                dW[k][j] += H[i][k] * G[i][j]
        for k in range(K):
            da[i][k] = dh[i][k] * (1 - math.tanh(A[i][k]) ** 2)

    return {
        "dh": torch.tensor(dh),
        "dW2": torch.tensor(dW),
        "db2": torch.tensor(db),
        "dhpreact": torch.tensor(da),
    }

# %% right="backward_linear_tanh"
def backward_linear_tanh(
    dlogits: Float[Tensor, "n 27"],
    hpreact: Float[Tensor, "n hidden"],
    h: Float[Tensor, "n hidden"],
    W2: Float[Tensor, "hidden 27"],
) -> dict[str, Tensor]:
    """Index notation all the way; tanh(x) = 2 sigmoid(2x) - 1."""
    sigma = torch.sigmoid(2 * hpreact)
    dh = torch.einsum("ij,kj->ik", dlogits, W2)
    return dict(
        dh=dh,
        dW2=torch.einsum("ik,ij->kj", h, dlogits),
        db2=torch.einsum("ij->j", dlogits),
        dhpreact=torch.einsum("ik,ik->ik", dh, 4 * sigma * (1 - sigma)),
    )

# %% right="backward_linear_tanh"
import numpy as np


def to_torch(a):
    return torch.tensor(np.ascontiguousarray(a), dtype=torch.float32)


def backward_linear_tanh(dlogits, hpreact, h, W2):
    g = dlogits.numpy().astype("float64")
    x = hpreact.numpy().astype("float64")
    dh = np.dot(g, W2.numpy().T)
    dW2 = np.dot(h.numpy().T, g)
    db2 = np.add.reduce(g, axis=0)
    dhpreact = dh / np.cosh(x) ** 2
    return {"dh": to_torch(dh), "dW2": to_torch(dW2), "db2": to_torch(db2), "dhpreact": to_torch(dhpreact)}

# %% right="backward_linear_tanh"
class LinearLayer:
    """out = x @ W + b, seen from behind."""

    def __init__(self, x, W):
        self.x = x
        self.W = W

    def back(self, dout):
        self.dW = self.x.t().mm(dout)
        self.db = dout.sum(dim=0)
        return F.linear(dout, self.W)  # F.linear multiplies by the transpose


class TanhLayer:
    def __init__(self, out):
        self.out = out

    def back(self, dout):
        """the backward pass of tanh needs its output only"""
        return dout - dout * self.out.square()


def backward_linear_tanh(dlogits, hpreact, h, W2):
    assert dlogits.shape == (h.shape[0], W2.shape[1])
    linear, tanh = LinearLayer(h, W2), TanhLayer(h)
    dh = linear.back(dlogits)
    dhpreact = tanh.back(dh)
    assert dh.shape == h.shape and linear.dW.shape == W2.shape
    return {"dhpreact": dhpreact, "dh": dh, "dW2": linear.dW, "db2": linear.db}

# %% right="backward_linear_tanh"
def backward_linear_tanh(dlogits: Tensor, hpreact: Tensor, h: Tensor, W2: Tensor) -> dict:
    # one example at a time; each example's share of dW2 is an outer product
    dh = torch.stack([W2 @ row for row in dlogits])
    dW2 = sum(torch.outer(h_i, g_i) for h_i, g_i in zip(h, dlogits))
    db2 = sum(dlogits)
    slope = torch.cosh(hpreact).reciprocal() ** 2
    print("dh", dh.shape, "dW2", dW2.shape, "db2", db2.shape)
    return {"dh": dh, "dW2": dW2, "db2": db2, "dhpreact": dh * slope}

# %% right="bessel"
def bessel(x):
    return {
        "biased": torch.var(x, dim=0, unbiased=False),
        "unbiased": torch.var(x, dim=0, unbiased=True),
        "used": "unbiased",
    }

# %% right="bessel"
def bessel(x: Float[Tensor, "n hidden"]) -> dict[str, Tensor | str]:
    """Count, mean and sum of squares of one column after the other."""
    n = x.size(0)
    n_units = x.size(1)
    biased = torch.empty(n_units)
    unbiased = torch.empty(n_units)
    for j in range(n_units):
        column = x[:, j].tolist()
        mu = 0.0
        for value in column:
            mu += value
        mu /= n
        ss = 0.0
        for value in column:
            ss += (value - mu) ** 2
        biased[j] = ss / n
        unbiased[j] = ss / (n - 1)
    answer = {"used": "unbiased"}  # 1 / (n - 1) in the line of bnvar
    answer["unbiased"] = unbiased
    answer["biased"] = biased
    return answer

# %% right="bessel"
import numpy as np

KINDS = ("biased", "unbiased")


def bessel(batch):
    a = batch.numpy().astype(np.float64)
    result = {kind: torch.from_numpy(a.var(axis=0, ddof=ddof)) for ddof, kind in enumerate(KINDS)}
    result["used"] = KINDS[1]
    return result

# %% right="bessel"
from statistics import pvariance, variance


def bessel(x: Tensor):
    columns = x.T.tolist()
    return {
        "biased": torch.tensor([pvariance(column) for column in columns]),
        "unbiased": torch.tensor([variance(column) for column in columns]),
        "used": "unbiased",
    }

# %% right="bessel"
def which_one_is_bnvar() -> str:
    """Ask the network of the lecture itself."""
    squares = ((example.hprebn - example.hprebn.mean(0)) ** 2).sum(0, keepdim=True)
    n = len(example.hprebn)
    off_by_biased = (squares / n - example.bnvar).abs().max()
    off_by_unbiased = (squares / (n - 1) - example.bnvar).abs().max()
    return "biased" if off_by_biased < off_by_unbiased else "unbiased"


def bessel(x):
    """Without any mean: the squared differences of all ordered pairs add up to 2 n times the sum of squares."""
    n = len(x)
    pairs = x.unsqueeze(0) - x.unsqueeze(1)
    squares = pairs.pow(2).sum(dim=(0, 1)) / (2 * n)
    return {"biased": squares / n, "unbiased": squares / (n - 1), "used": which_one_is_bnvar()}

# %% right="backward_batchnorm_pieces"
def backward_batchnorm_pieces(
    dhpreact: Float[Tensor, "n hidden"],
    bndiff: Float[Tensor, "n hidden"],
    bnvar: Float[Tensor, "1 hidden"],
    bnvar_inv: Float[Tensor, "1 hidden"],
    bnraw: Float[Tensor, "n hidden"],
    bngain: Float[Tensor, "1 hidden"],
) -> dict[str, Tensor]:
    n = dhpreact.shape[0]
    dbngain = (bnraw * dhpreact).sum(0, keepdim=True)
    dbnbias = dhpreact.sum(0, keepdim=True)
    dbnraw = bngain * dhpreact
    dbndiff = bnvar_inv * dbnraw
    dbnvar_inv = (bndiff * dbnraw).sum(0, keepdim=True)
    dbnvar = (-0.5 * (bnvar + 1e-5) ** -1.5) * dbnvar_inv
    dbndiff2 = (1.0 / (n - 1)) * torch.ones_like(bndiff) * dbnvar
    dbndiff += (2 * bndiff) * dbndiff2
    dhprebn = dbndiff.clone()
    dbnmean = (-dbndiff).sum(0, keepdim=True)
    dhprebn += 1.0 / n * (torch.ones_like(bndiff) * dbnmean)
    return {
        "dbngain": dbngain, "dbnbias": dbnbias, "dbnraw": dbnraw, "dbnvar_inv": dbnvar_inv, "dbnvar": dbnvar,
        "dbndiff2": dbndiff2, "dbndiff": dbndiff, "dbnmean": dbnmean, "dhprebn": dhprebn,
    }  # fmt: skip

# %% right="backward_batchnorm_pieces"
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n, units = dhpreact.shape
    d = {
        "dbngain": torch.zeros(1, units),
        "dbnbias": torch.zeros(1, units),
        "dbnraw": torch.zeros(n, units),
        "dbnvar_inv": torch.zeros(1, units),
        "dbnvar": torch.zeros(1, units),
        "dbndiff2": torch.zeros(n, units),
        "dbndiff": torch.zeros(n, units),
        "dbnmean": torch.zeros(1, units),
        "dhprebn": torch.zeros(n, units),
    }
    for u in range(units):
        g = [float(v) for v in dhpreact[:, u]]
        diff = [float(v) for v in bndiff[:, u]]
        raw = [float(v) for v in bnraw[:, u]]
        gain, var, inv = float(bngain[0, u]), float(bnvar[0, u]), float(bnvar_inv[0, u])

        d["dbngain"][0, u] = sum(r * gi for r, gi in zip(raw, g))
        d["dbnbias"][0, u] = sum(g)
        draw_ = [gain * gi for gi in g]
        dinv = sum(di * dr for di, dr in zip(diff, draw_))
        dvar = -0.5 * dinv / math.pow(var + 1e-5, 1.5)
        ddiff2 = dvar / (n - 1)
        ddiff = [inv * dr + 2 * di * ddiff2 for di, dr in zip(diff, draw_)]
        dmean = -sum(ddiff)

        d["dbnvar_inv"][0, u], d["dbnvar"][0, u], d["dbnmean"][0, u] = dinv, dvar, dmean
        for i in range(n):
            d["dbnraw"][i, u] = draw_[i]
            d["dbndiff2"][i, u] = ddiff2
            d["dbndiff"][i, u] = ddiff[i]
            d["dhprebn"][i, u] = ddiff[i] + dmean / n
    return d

# %% right="backward_batchnorm_pieces"
import numpy as np


def batch_sum(a):
    return np.sum(a, axis=0, keepdims=True)


def backward_batchnorm_pieces(*forward_things):
    dy, diff, var, inv, raw, gain = [np.array(t.tolist()) for t in forward_things]
    n = dy.shape[0]
    ones = np.ones((n, 1))
    gradients = {"dbngain": batch_sum(dy * raw), "dbnbias": batch_sum(dy), "dbnraw": dy * gain}
    gradients["dbnvar_inv"] = batch_sum(gradients["dbnraw"] * diff)
    gradients["dbnvar"] = gradients["dbnvar_inv"] * -0.5 * np.power(var + 1e-5, -3 / 2)
    gradients["dbndiff2"] = ones @ gradients["dbnvar"] / (n - 1)
    gradients["dbndiff"] = gradients["dbnraw"] * inv + gradients["dbndiff2"] * diff * 2
    gradients["dbnmean"] = -batch_sum(gradients["dbndiff"])
    gradients["dhprebn"] = gradients["dbndiff"] + ones @ gradients["dbnmean"] / n
    return {name_: torch.Tensor(array) for name_, array in gradients.items()}

# %% right="backward_batchnorm_pieces"
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n, hidden = bndiff.shape
    dot = lambda a, b: torch.einsum("nh,nh->h", a, b)[None]  # noqa: E731
    dbnraw = torch.einsum("nh,oh->nh", dhpreact, bngain)
    dbnvar_inv = dot(dbnraw, bndiff)
    dbnvar = -dbnvar_inv * bnvar_inv.pow(3) / 2  # bnvar_inv is (bnvar + eps) to the -1/2
    dbndiff2 = dbnvar.div(n - 1).expand_as(bndiff)
    dbndiff = sum([dbnraw * bnvar_inv, 2 * bndiff * dbndiff2])
    dbnmean = -torch.ones(1, n) @ dbndiff
    return {
        "dhprebn": dbndiff + dbnmean / n,
        "dbnmean": dbnmean,
        "dbndiff": dbndiff,
        "dbndiff2": dbndiff2,
        "dbnvar": dbnvar,
        "dbnvar_inv": dbnvar_inv,
        "dbnraw": dbnraw,
        "dbnbias": dot(dhpreact, torch.ones_like(dhpreact)),
        "dbngain": dot(dhpreact, bnraw),
    }

# %% right="backward_batchnorm_pieces"
class Product:
    """c = a * b with broadcasting."""

    def __init__(self, a: Tensor, b: Tensor):
        self.a, self.b = a, b

    def back(self, dc: Tensor) -> tuple[Tensor, Tensor]:
        return (dc * self.b).sum_to_size(self.a.shape), (dc * self.a).sum_to_size(self.b.shape)


class ScaledBatchSum:
    """c = factor * a.sum(0, keepdim=True) over n rows."""

    def __init__(self, factor: float, n: int):
        self.factor, self.n = factor, n

    def back(self, dc: Tensor) -> Tensor:
        return (self.factor * dc).repeat(self.n, 1)


@torch.inference_mode()
def backward_batchnorm_pieces(dhpreact, bndiff, bnvar, bnvar_inv, bnraw, bngain):
    n = len(bndiff)
    grads: dict[str, Tensor] = {}
    grads["dbnbias"] = dhpreact.sum_to_size(bngain.shape)
    grads["dbngain"], grads["dbnraw"] = Product(bngain, bnraw).back(dhpreact)
    through_bnraw, grads["dbnvar_inv"] = Product(bndiff, bnvar_inv).back(grads["dbnraw"])
    grads["dbnvar"] = grads["dbnvar_inv"] * (-0.5) * (bnvar + 1e-5).rsqrt() / (bnvar + 1e-5)
    grads["dbndiff2"] = ScaledBatchSum(1 / (n - 1), n).back(grads["dbnvar"])
    through_square = sum(Product(bndiff, bndiff).back(grads["dbndiff2"]))  # bndiff * bndiff reads it twice
    grads["dbndiff"] = through_bnraw + through_square
    grads["dbnmean"] = grads["dbndiff"].neg().sum_to_size(bnvar.shape)
    grads["dhprebn"] = grads["dbndiff"] + ScaledBatchSum(1 / n, n).back(grads["dbnmean"])
    return grads

# %% right="backward_embedding"
def backward_embedding(
    dhprebn: Float[Tensor, "n hidden"],
    embcat: Float[Tensor, "n 3*embedding"],
    W1: Float[Tensor, "3*embedding hidden"],
    C: Float[Tensor, "27 embedding"],
    contexts: Int[Tensor, "n 3"],
) -> dict[str, Tensor]:
    dembcat = dhprebn @ W1.T
    demb = dembcat.view(*contexts.shape, C.shape[1])
    dC = torch.zeros_like(C)
    dC.index_add_(0, contexts.flatten(), demb.flatten(0, 1))
    return {"dembcat": dembcat, "dW1": embcat.T @ dhprebn, "db1": dhprebn.sum(0), "demb": demb, "dC": dC}

# %% right="backward_embedding"
def backward_embedding(dhprebn, embcat, W1, C, contexts):
    G, X, W, where = dhprebn.tolist(), embcat.tolist(), W1.tolist(), contexts.tolist()
    n, inputs, units, E = len(G), len(W), len(W[0]), C.shape[1]

    # hprebn[i][u] = sum over k of X[i][k] * W[k][u], + b1[u]
    dX = [[sum(G[i][u] * W[k][u] for u in range(units)) for k in range(inputs)] for i in range(n)]
    dW = [[sum(X[i][k] * G[i][u] for i in range(n)) for u in range(units)] for k in range(inputs)]
    db = [sum(G[i][u] for i in range(n)) for u in range(units)]

    demb = [[dX[i][j * E : (j + 1) * E] for j in range(3)] for i in range(n)]
    table = [[0.0] * E for _ in range(C.shape[0])]
    for i in range(n):
        for j in range(3):
            for e in range(E):
                table[where[i][j]][e] += demb[i][j][e]

    lists = {"dembcat": dX, "dW1": dW, "db1": db, "demb": demb, "dC": table}
    return {key: torch.tensor(value, dtype=C.dtype) for key, value in lists.items()}

# %% right="backward_embedding"
import numpy as np


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    dh, x, W = dhprebn.numpy(), embcat.numpy(), W1.numpy()
    letters = contexts.numpy()
    dembcat = np.matmul(dh, W.transpose())
    demb = dembcat.reshape(letters.shape[0], letters.shape[1], -1)
    dC = np.zeros(tuple(C.shape))
    np.add.at(dC, letters, demb)  # dC[letters] += demb would forget the repeated ones
    out = dict(dembcat=dembcat, dW1=np.matmul(x.transpose(), dh), db1=dh.sum(axis=0), demb=demb, dC=dC)
    for key in out:
        out[key] = torch.as_tensor(out[key]).float()
    return out

# %% right="backward_embedding"
from torch.nn.functional import one_hot


def linear_back(grad_out, x, weight):
    """Gradients of x @ weight + bias for x, weight and bias."""
    return (
        torch.einsum("no,io->ni", grad_out, weight),
        torch.einsum("ni,no->io", x, grad_out),
        torch.einsum("no->o", grad_out),
    )


def table_back(grad_rows, indices, table):
    """A look-up is a product with one-hot rows, so its gradient is a product with their transpose."""
    hot = one_hot(indices, num_classes=table.size(0)).to(grad_rows.dtype)  # (n, 3, 27)
    return torch.einsum("ntc,nte->ce", hot, grad_rows)


def backward_embedding(dhprebn, embcat, W1, C, contexts):
    result = {}
    result["dembcat"], result["dW1"], result["db1"] = linear_back(dhprebn, embcat, W1)
    result["demb"] = result["dembcat"].unflatten(1, (3, C.size(1)))
    result["dC"] = table_back(result["demb"], contexts, C)
    return result

# %% right="backward_embedding"
@torch.no_grad()
def backward_embedding(dout, inp, weight, table, idx, verbose=False):
    dinp = F.linear(dout, weight)
    first, second, third = dinp.chunk(3, dim=1)
    demb = torch.stack((first, second, third), dim=1)
    # all gradients of a character, wherever it stood, belong to its row; an empty sum is 0
    dtable = torch.stack([demb[idx == character].sum(0) for character in range(table.shape[0])])
    grads = {
        "dC": dtable,
        "demb": demb,
        "db1": torch.ones(len(dout)) @ dout,
        "dW1": torch.tensordot(inp, dout, dims=([0], [0])),
        "dembcat": dinp,
    }
    if verbose:
        for key, value in grads.items():
            print(key, tuple(value.shape))
    return grads

# %% right="cross_entropy_backward"
def cross_entropy_backward(logits: Float[Tensor, "n 27"], targets: Int[Tensor, " n"]) -> Float[Tensor, "n 27"]:
    """The gradient of the mean cross-entropy with respect to the logits."""
    n = logits.shape[0]
    dlogits = F.softmax(logits, 1)
    dlogits[range(n), targets] -= 1
    dlogits /= n
    return dlogits

# %% right="cross_entropy_backward"
def softmax_of(row):
    biggest = max(row)
    powers = [math.exp(z - biggest) for z in row]
    total = math.fsum(powers)
    return [power / total for power in powers]


def cross_entropy_backward(logits, targets):
    n = len(targets)
    out = []
    for row, y in zip(logits.tolist(), targets.tolist()):
        p = softmax_of(row)
        for j in range(len(p)):
            if j == y:
                p[j] = (p[j] - 1) / n
            else:
                p[j] = p[j] / n
        out.append(p)
    return torch.tensor(out)

# %% right="cross_entropy_backward"
import numpy as np


def cross_entropy_backward(logits, targets):
    z = logits.detach().numpy().astype(np.float64)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    y = np.equal.outer(targets.numpy(), np.arange(z.shape[1]))
    return torch.from_numpy((p - y) / len(z))  # float64

# %% right="cross_entropy_backward"
def cross_entropy_backward(logits: Tensor, targets: Tensor) -> Tensor:
    n = targets.numel()
    log_n = math.log(n)
    p_over_n = torch.exp(logits - torch.logsumexp(logits, dim=1, keepdim=True) - log_n)
    pull = torch.full((n, 1), -1.0 / n)
    return p_over_n.scatter_add(1, targets.unsqueeze(1), pull)

# %% right="cross_entropy_backward"
cross_entropy_backward = lambda z, y: (z.softmax(-1) - torch.eye(z.size(-1))[y]) / len(z)  # noqa: E731

# %% right="batchnorm_backward"
def batchnorm_backward(
    dhpreact: Float[Tensor, "n hidden"],
    bngain: Float[Tensor, "1 hidden"],
    bnvar_inv: Float[Tensor, "1 hidden"],
    bnraw: Float[Tensor, "n hidden"],
) -> Float[Tensor, "n hidden"]:
    """The gradient with respect to the input of BatchNorm, hprebn."""
    n = len(bnraw)
    return bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * bnraw * (dhpreact * bnraw).sum(0))

# %% right="batchnorm_backward"
def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    n, hidden = dhpreact.shape
    out = torch.zeros(n, hidden)
    for k in range(hidden):
        gain, s = bngain[0, k].item(), bnvar_inv[0, k].item()
        g, xhat = dhpreact[:, k].tolist(), bnraw[:, k].tolist()
        sum_g = 0.0
        sum_gx = 0.0
        for i in range(n):
            sum_g += g[i]
            sum_gx += g[i] * xhat[i]
        for i in range(n):
            straight = g[i]
            through_mean = sum_g / n
            through_variance = xhat[i] * sum_gx / (n - 1)
            out[i, k] = gain * s * (straight - through_mean - through_variance)
    return out

# %% right="batchnorm_backward"
import numpy as np


def project_out(g, xhat):
    """g without what points along (1, ..., 1) and along xhat."""
    n = len(g)
    Q = np.column_stack([np.full(n, n**-0.5), xhat / np.sqrt(n - 1)])
    return g - Q @ (Q.T @ g)


def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    g, xhat = dhpreact.numpy().astype(np.float64), bnraw.numpy().astype(np.float64)
    scale = (bngain * bnvar_inv).numpy()
    columns = [project_out(g[:, k], xhat[:, k]) for k in range(g.shape[1])]
    return torch.tensor(scale * np.array(columns).T, dtype=torch.float)

# %% right="batchnorm_backward"
def batchnorm_backward(dhpreact: Tensor, bngain: Tensor, bnvar_inv: Tensor, bnraw: Tensor) -> Tensor:
    """The whole Jacobian of every unit, (n, n, hidden), times the gradient."""
    n, _ = dhpreact.shape
    identity = torch.eye(n).unsqueeze(2)
    outer = torch.einsum("ih,jh->ijh", bnraw, bnraw)
    jacobian = (identity - 1 / n - outer / (n - 1)) * bngain * bnvar_inv
    return torch.einsum("ijh,ih->jh", jacobian, dhpreact)

# %% right="batchnorm_backward"
class Regression:
    """Least squares of g on 1 and xhat, column by column, with the slope as BatchNorm has it: divided by n - 1."""

    def __init__(self, g, xhat):
        self.intercept = g.mean(dim=0, keepdim=True)
        self.slope = torch.mul(g - self.intercept, xhat).sum(dim=0, keepdim=True) / (xhat.shape[0] - 1)

    def __call__(self, xhat):
        return self.intercept + self.slope * xhat


def batchnorm_backward(dhpreact, bngain, bnvar_inv, bnraw):
    fitted = Regression(dhpreact, bnraw)(bnraw)
    dbnraw_without = dhpreact - fitted
    dhprebn = dbnraw_without * bngain * bnvar_inv
    # print(dhprebn.sum(0).abs().max())
    return dhprebn
