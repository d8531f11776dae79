"""The exercises of lecture 0 in which a student's own ``Value`` may stand for ``Scalar``, each answered in three ways."""

REST_OF_THE_NETWORK = '''
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
'''

ANSWERS = {
    "neuron_layer_mlp": (
        '''
class Neuron:
    def __init__(self, nin):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(random.uniform(-1, 1))
    def __call__(self, x: list[Value | float]) -> Value:
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return act.tanh()
    def parameters(self) -> list[Value]:
        return self.w + [self.b]
'''
        + REST_OF_THE_NETWORK,
        '''
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
'''
        + REST_OF_THE_NETWORK,
        '''
class Parameter(Value):
    """Draws its own number if none is given."""
    __slots__ = ()
    def __init__(self, data=None, *others):
        super().__init__(random.uniform(-1, 1) if data is None else data, *others)
class Neuron:
    def __init__(self, nin):
        self.all = [Parameter() for _ in range(nin + 1)]
    def __call__(self, x):
        x = [xi if isinstance(xi, Value) else Value(xi) for xi in x]
        return sum(w * xi for w, xi in zip(self.all, [*x, Value(1.0)], strict=True)).tanh()
    def parameters(self):
        return self.all
'''
        + REST_OF_THE_NETWORK,
    ),
    "train_mlp": (
        '''
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
''',
        '''
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
''',
        '''
def train_mlp(model, xs, ys, steps, rate):
    """Names no class at all."""
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
''',
    ),
    "softmax_nll": (
        '''
def softmax_nll(logits: list[Value], label: int) -> tuple[list[Value], Value]:
    counts = [logit.exp() for logit in logits]
    total = sum(counts)
    probs = [count / total for count in counts]
    return probs, -probs[label].log()
''',
        '''
def softmax_nll(logits, label):
    total = Value(0.0)
    for logit in logits:
        total = total + logit.exp()
    probs = [logit.exp() / total for logit in logits]
    return probs, Value(0) - probs[label].log()
''',
        '''
Node = Value
def softmax_nll(logits: "list[Node]", label: int):
    largest = max(float(z.data) for z in logits)
    shifted = [z - Node(largest) for z in logits]
    log_total = sum((z.exp() for z in shifted), Node(0.0)).log()
    return tuple((z - log_total).exp() for z in shifted), log_total - shifted[label]
''',
    ),
}
