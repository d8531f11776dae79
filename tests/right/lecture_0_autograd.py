"""Right answers of different make, by people who had not seen the reference."""
# %% right="gradient_by_hand"
def gradient_by_hand(a: float, b: float, c: float) -> list[float]:
    """[df/da, df/db, df/dc] of f(a, b, c) = -a^3 + sin 3b - 1/c + b^2.5 - a^0.5; a, b, c are positive."""
    # a: -a^3 -> -3 a^2 and -a^0.5 -> -0.5 a^-0.5
    da = -3 * a**2 - 0.5 / math.sqrt(a)
    # b: sin(3b) -> 3 cos(3b) and b^2.5 -> 2.5 b^1.5
    db = 3 * math.cos(3 * b) + 2.5 * b**1.5
    # c: -1/c -> +1/c^2
    dc = 1 / c**2
    return [da, db, dc]
# %% right="gradient_by_hand"
gradient_by_hand = lambda a, b, c: [-3*a*a - a**-.5/2, 3*math.cos(3*b) + 5/2*b*math.sqrt(b), c**-2]  # noqa: E731
# %% right="gradient_by_hand"
import numpy as np


def gradient_by_hand(a, b, c):
    v = np.array([a, b, c], dtype=np.float64)
    # every letter has one term k * v^p that is a plain power ...
    k, p = np.array([-1.0, 1.0, -1.0]), np.array([3.0, 2.5, -1.0])
    grad = k * p * v ** (p - 1)
    # ... and two of them have one more term
    grad[0] += -0.5 * v[0] ** -0.5
    grad[1] += 3 * np.cos(3 * v[1])
    return grad.tolist()
# %% right="gradient_by_hand"
def gradient_by_hand(a, b, c):
    a, b, c = torch.tensor([a, b, c], dtype=torch.float64)
    slopes = torch.stack(
        [
            -3 * a.square() - 0.5 * a.rsqrt(),
            3 * torch.cos(3 * b) + 2.5 * b.pow(1.5),
            c.pow(-2),
        ]
    )
    return slopes.tolist()
# %% right="gradient_by_hand"
class PowerTerm:
    """k * x ** p"""

    def __init__(self, k, p):
        self.k, self.p = k, p

    def slope(self, x):
        return self.k * self.p * x ** (self.p - 1)


class SineTerm:
    """sin(k * x)"""

    def __init__(self, k):
        self.k = k

    def slope(self, x):
        return math.cos(self.k * x) * self.k


def gradient_by_hand(a, b, c):
    terms_of = {
        "a": [PowerTerm(-1, 3), PowerTerm(-1, 0.5)],
        "b": [SineTerm(3), PowerTerm(1, 2.5)],
        "c": [PowerTerm(-1, -1)],
    }
    at = dict(a=a, b=b, c=c)
    result = []
    for letter in "abc":
        slope = 0.0
        for term in terms_of[letter]:
            slope = slope + term.slope(at[letter])
        result.append(slope)
    return result
# %% right="forward_difference"
def forward_difference(f: Callable[..., float], point: list[float], h: float) -> list[float]:
    """The slope of f at the point along each coordinate, by one step of size h to the right."""
    here = f(*point)
    slopes = []
    for i in range(len(point)):
        moved = list(point)
        moved[i] += h
        rise = f(*moved) - here
        slopes.append(rise / h)
    return slopes
# %% right="forward_difference"
def forward_difference(f, point, h):
    return [
        (f(*[q + h if j == i else q for j, q in enumerate(point)]) - f(*point)) / h
        for i, _ in enumerate(point)
    ]
# %% right="forward_difference"
import numpy as np


def forward_difference(f, point, h):
    start = np.asarray(point, dtype=float)
    moved = start + h * np.eye(len(start))  # row i: coordinate i moved
    values = np.array([f(*row) for row in moved.tolist()])
    return ((values - f(*point)) / h).tolist()
# %% right="forward_difference"
def forward_difference(f: Callable[..., float], point: list[float], h: float) -> list[float]:
    work = point.copy()  # one copy for all coordinates, each of which is put back afterwards
    base, out, i = f(*work), [], 0
    while i < len(work):
        keep = work[i]
        work[i] = keep + h
        out += [(f(*work) - base) / h]
        work[i] = keep
        i += 1
    # print("slopes", out)
    return out
# %% right="forward_difference"
def slope_along(f, before, rest, h, here):
    """The slopes along all coordinates in rest, where the coordinates in before stay as they are."""
    if not rest:
        return []
    first, *others = rest
    rise = f(*before, first + h, *others) - here
    return [rise / h, *slope_along(f, (*before, first), others, h, here)]


def forward_difference(f, point, h):
    return slope_along(f, (), point, h, f(*point))
# %% right="central_difference"
def central_difference(f: Callable[..., float], point: list[float], h: float) -> list[float]:
    """The slope of f at the point along each coordinate, from one step of size h to either side."""
    slopes = [0.0] * len(point)
    for i in range(len(point)):
        right = point[:]
        left = point[:]
        right[i] = right[i] + h
        left[i] = left[i] - h
        slopes[i] = (f(*right) - f(*left)) / (2 * h)
    return slopes
# %% right="central_difference"
def central_difference(f, point, h):
    at = lambda i, d: f(*point[:i], point[i] + d, *point[i + 1:])  # noqa: E731
    return [(at(i, h) - at(i, -h)) / (h + h) for i in range(len(point))]
# %% right="central_difference"
def central_difference(f, point, h):
    # the mean of the slope to the right and of the slope to the left (a step of -h)
    return [(r + l) / 2 for r, l in zip(forward_difference(f, point, h), forward_difference(f, point, -h))]
# %% right="central_difference"
def central_difference(f: Callable[..., float], point: list[float], h: float) -> list[float]:
    x = torch.tensor(point, dtype=torch.float64)
    steps_ = h * torch.eye(x.numel(), dtype=torch.float64)
    both = torch.cat([x + steps_, x - steps_])
    values = torch.tensor([float(f(*row)) for row in both.tolist()], dtype=torch.float64)
    right, left = values.chunk(2)
    return torch.div(right - left, 2 * h).tolist()
# %% right="central_difference"
from functools import partial


def _moved(point, which, by):
    for index, coordinate in enumerate(point):
        yield coordinate + by * (index == which)


def _slope(f, point, h, which):
    higher, lower = (f(*_moved(point, which, sign * h)) for sign in (+1, -1))
    return 0.5 * (higher - lower) / h


def central_difference(f, point, h):
    return list(map(partial(_slope, f, point, h), range(len(point))))
# %% right="value_forward"
class Value:
    """A number, and what can be computed with it."""

    def __init__(self, data: float):
        self.data = float(data)
        self.grad = 0.0

    def __repr__(self) -> str:
        return f"Value({self.data:.4f})"

    def __add__(self, other: "Value | float") -> "Value":
        if isinstance(other, (int, float)):
            return Value(self.data + other)
        return Value(self.data + other.data)

    def __mul__(self, other: "Value | float") -> "Value":
        if isinstance(other, (int, float)):
            return Value(self.data * other)
        return Value(self.data * other.data)

    def __pow__(self, exponent: float) -> "Value":
        return Value(self.data**exponent)

    def __neg__(self) -> "Value":
        return Value(-self.data)

    def __sub__(self, other: "Value | float") -> "Value":
        if isinstance(other, (int, float)):
            return Value(self.data - other)
        return Value(self.data - other.data)

    def __truediv__(self, other: "Value | float") -> "Value":
        if isinstance(other, (int, float)):
            return Value(self.data / other)
        return Value(self.data / other.data)

    def __radd__(self, other: float) -> "Value":
        return Value(other + self.data)

    def __rmul__(self, other: float) -> "Value":
        return Value(other * self.data)

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
# %% right="value_forward"
class Value:
    def __init__(self, data):
        self.data = float(data)
        self.grad = 0.0

    def __repr__(self):
        return f"Value({self.data:.4f})"

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data)

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data)

    def __pow__(self, exponent):
        assert isinstance(exponent, (int, float)), "only plain numbers as exponents"
        return Value(self.data ** exponent)

    # everything else in terms of these
    __radd__ = __add__
    __rmul__ = __mul__
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + (-other)
    def __rsub__(self, other): return (-self) + other
    def __truediv__(self, other): return self * (other if isinstance(other, Value) else Value(other)) ** -1
    def __rtruediv__(self, other): return self ** -1 * other

    def tanh(self):
        e = (2 * self).exp()
        return (e - 1) / (e + 1)

    def exp(self):
        return Value(math.e ** self.data)

    def log(self):
        return Value(math.log(self.data))
# %% right="value_forward"
import numpy as np


class Value:
    """The number is kept as a float64 of NumPy."""

    def __init__(self, data):
        self.data = np.float64(data)
        self.grad = 0.0

    def __repr__(self):
        return f"Value({self.data:.4f})"

    @classmethod
    def of(cls, thing):
        return thing if isinstance(thing, cls) else cls(thing)

    def __add__(self, other):
        return Value(np.add(self.data, Value.of(other).data))

    def __mul__(self, other):
        return Value(np.multiply(self.data, Value.of(other).data))

    def __pow__(self, exponent):
        return Value(np.power(self.data, np.float64(exponent)))

    def __neg__(self):
        return Value(np.negative(self.data))

    def __sub__(self, other):
        return Value(np.subtract(self.data, Value.of(other).data))

    def __truediv__(self, other):
        return Value(np.divide(self.data, Value.of(other).data))

    def __radd__(self, other):
        return Value.of(other) + self

    def __rmul__(self, other):
        return Value.of(other) * self

    def __rsub__(self, other):
        return Value.of(other) - self

    def __rtruediv__(self, other):
        return Value.of(other) / self

    def tanh(self):
        return Value(np.tanh(self.data))

    def exp(self):
        return Value(np.exp(self.data))

    def log(self):
        return Value(np.log(self.data))
# %% right="value_forward"
import operator


def plain(thing):
    """The number in a Value, or the number itself."""
    return thing.data if isinstance(thing, Value) else thing


def infix(op):
    return lambda self, other: Value(op(plain(self), plain(other)))


def infix_from_the_right(op):
    return lambda self, other: Value(op(plain(other), plain(self)))


def function(f):
    return lambda self: Value(f(self.data))


class Value:
    """A number, and what can be computed with it."""

    def __init__(self, data: float):
        self.data = float(data)
        self.grad = 0.0

    def __repr__(self) -> str:
        return f"Value({self.data:.4f})"

    __add__, __radd__ = infix(operator.add), infix_from_the_right(operator.add)
    __sub__, __rsub__ = infix(operator.sub), infix_from_the_right(operator.sub)
    __mul__, __rmul__ = infix(operator.mul), infix_from_the_right(operator.mul)
    __truediv__, __rtruediv__ = infix(operator.truediv), infix_from_the_right(operator.truediv)
    __pow__ = infix(operator.pow)
    __neg__ = function(operator.neg)
    tanh, exp, log = map(function, (math.tanh, math.exp, math.log))
# %% right="value_forward"
from dataclasses import dataclass


@dataclass(eq=False)
class Value:
    data: float
    grad: float = 0.0

    def __post_init__(self):
        self.data = float(self.data)

    def __repr__(self):
        return f"Value({self.data:.4f})"

    def _compute(self, how, *others):
        """Run a function of PyTorch on this number and others, in float64."""
        numbers_in = [o.data if isinstance(o, Value) else o for o in (self, *others)]
        return Value(how(*[torch.tensor(n, dtype=torch.float64) for n in numbers_in]).item())

    def __add__(self, other):
        return self._compute(torch.add, other)

    def __radd__(self, other):
        return self._compute(torch.add, other)

    def __mul__(self, other):
        return self._compute(torch.mul, other)

    def __rmul__(self, other):
        return self._compute(torch.mul, other)

    def __sub__(self, other):
        return self._compute(torch.sub, other)

    def __rsub__(self, other):
        return self._compute(torch.rsub, other)  # rsub(a, b) is b - a

    def __truediv__(self, other):
        return self._compute(torch.div, other)

    def __rtruediv__(self, other):
        return self._compute(lambda me, top: top / me, other)

    def __pow__(self, exponent):
        return self._compute(torch.pow, exponent)

    def __neg__(self):
        return self._compute(torch.neg)

    def tanh(self):
        return self._compute(torch.tanh)

    def exp(self):
        return self._compute(torch.exp)

    def log(self):
        return self._compute(torch.log)
# %% right="value_backward"
class Value(Recorded):
    """A number that knows how it was computed and can carry a gradient back."""

    def pass_back(self) -> None:
        """Add to the grad of each input: self.grad times the derivative of self with respect to that input."""
        g = self.grad
        if self.operation == "":
            return  # a leaf
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
                y.grad -= g * x.data / (y.data * y.data)
            return
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
        else:
            raise ValueError(f"unknown operation {self.operation!r}")

    def backward(self) -> None:
        """Fill in the grad of every node that self was computed from."""
        # first count how often each node is used
        users = {self: 0}
        todo = [self]
        while todo:
            node = todo.pop()
            for x in node.inputs:
                if x not in users:
                    users[x] = 0
                    todo.append(x)
                users[x] += 1
        # then let a node go when all its users are done
        self.grad = 1.0
        ready = [self]
        while ready:
            node = ready.pop()
            node.pass_back()
            for x in node.inputs:
                users[x] -= 1
                if users[x] == 0:
                    ready.append(x)
# %% right="value_backward"
class Value:
    """As in the lecture: every operation stores its own way back."""

    def __init__(self, data, _children=(), _op=""):
        self.data = float(data)
        self.grad = 0.0
        self._prev = set(_children)
        self._op = _op
        self._backward = lambda: None

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad += out.grad
            other.grad += out.grad
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
        assert isinstance(other, (int, float))
        out = Value(self.data ** other, (self,), f"**{other}")

        def _backward():
            self.grad += other * self.data ** (other - 1) * out.grad
        out._backward = _backward
        return out

    def tanh(self):
        t = (math.exp(2 * self.data) - 1) / (math.exp(2 * self.data) + 1)
        out = Value(t, (self,), "tanh")

        def _backward():
            self.grad += (1 - t * t) * out.grad
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
            self.grad += out.grad / self.data
        out._backward = _backward
        return out

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return (-self) + other

    def __truediv__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return self * other ** -1

    def __rtruediv__(self, other):
        return other * self ** -1

    def backward(self):
        topo, visited = [], set()

        def build_topo(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build_topo(child)
                topo.append(v)

        build_topo(self)
        self.grad = 1.0
        for v in reversed(topo):
            v._backward()
# %% right="value_backward"
LOCAL = {
    "+": lambda out, x, y: (1.0, 1.0),
    "-": lambda out, x, y: (1.0, -1.0),
    "*": lambda out, x, y: (y, x),
    "/": lambda out, x, y: (1 / y, -out.data / y),
    "**": lambda out, x: (out.exponent * math.pow(x, out.exponent - 1),),
    "neg": lambda out, x: (-1.0,),
    "tanh": lambda out, x: (1 - math.tanh(x) ** 2,),
    "exp": lambda out, x: (out.data,),
    "log": lambda out, x: (1 / x,),
    "": lambda out: (),
}


def inputs_first(node, seen):
    """All nodes that this one was computed from, each after its inputs; the node itself is the last."""
    if id(node) in seen:
        return
    seen.add(id(node))
    for source in node.inputs:
        yield from inputs_first(source, seen)
    yield node


class Value(Recorded):
    def pass_back(self):
        for source, slope in zip(self.inputs, LOCAL[self.operation](self, *[i.data for i in self.inputs])):
            source.grad = source.grad + self.grad * slope

    def backward(self):
        self.grad = 1.0
        for node in list(inputs_first(self, set()))[::-1]:
            node.pass_back()
# %% right="value_backward"
import heapq
import itertools


class Value(Recorded):
    """Nodes are numbered as they are made. A node is always younger than its inputs, so the youngest goes first."""

    count = itertools.count()

    def __init__(self, data, operation="", inputs=()):
        super().__init__(data, operation, inputs)
        self.serial = next(self.count)

    def pass_back(self):
        match self.operation, [node.data for node in self.inputs]:
            case "+", _:
                slopes = [1, 1]
            case "-", _:
                slopes = [1, -1]
            case "*", [x, y]:
                slopes = [y, x]
            case "/", [x, y]:
                slopes = [y**-1, -x * y**-2]
            case "**", [x]:
                slopes = [self.exponent * x ** (self.exponent - 1)]
            case "neg", _:
                slopes = [-1]
            case "tanh", _:
                slopes = [(1 - self.data) * (1 + self.data)]
            case "exp", [x]:
                slopes = [math.exp(x)]
            case "log", [x]:
                slopes = [x**-1]
            case _:
                slopes = []
        for i, slope in enumerate(slopes):
            self.inputs[i].grad += slope * self.grad

    def backward(self):
        self.grad = 1.0
        queue, queued = [(-self.serial, self)], {self.serial}
        while queue:
            _, node = heapq.heappop(queue)
            node.pass_back()
            for x in node.inputs:
                if x.serial not in queued:
                    queued.add(x.serial)
                    heapq.heappush(queue, (-x.serial, x))
# %% right="value_backward"
class Value:
    """From scratch, on float64 tensors: a node keeps (input, local derivative) for each of its inputs."""

    def __init__(self, data, edges=()):
        self.data = torch.tensor(float(data), dtype=torch.float64)
        self.grad = torch.tensor(0.0, dtype=torch.float64)
        self.edges = list(edges)

    def __repr__(self):
        return f"Value({self.data.item():.4f}, grad {float(self.grad):.4f})"

    @staticmethod
    def wrap(x):
        return x if isinstance(x, Value) else Value(x)

    def __add__(self, other):
        other = Value.wrap(other)
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __sub__(self, other):
        other = Value.wrap(other)
        return Value(self.data - other.data, [(self, 1.0), (other, -1.0)])

    def __mul__(self, other):
        other = Value.wrap(other)
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def __truediv__(self, other):
        other = Value.wrap(other)
        ratio = self.data / other.data
        return Value(ratio, [(self, other.data.reciprocal()), (other, -ratio / other.data)])

    def __radd__(self, other):
        return Value.wrap(other) + self

    def __rsub__(self, other):
        return Value.wrap(other) - self

    def __rmul__(self, other):
        return Value.wrap(other) * self

    def __rtruediv__(self, other):
        return Value.wrap(other) / self

    def __pow__(self, k):
        return Value(self.data**k, [(self, k * self.data ** (k - 1))])

    def __neg__(self):
        return Value(-self.data, [(self, -1.0)])

    def tanh(self):
        t = torch.tanh(self.data)
        return Value(t, [(self, 1 - t * t)])

    def exp(self):
        e = torch.exp(self.data)
        return Value(e, [(self, e)])

    def log(self):
        return Value(torch.log(self.data), [(self, 1 / self.data)])

    def pass_back(self):
        for node, slope in self.edges:
            node.grad = node.grad + self.grad * slope

    def backward(self):
        order, state, stack = [], {}, [self]
        while stack:
            node = stack[-1]
            if node not in state:
                state[node] = "open"
                stack.extend(x for x, _ in node.edges if x not in state)
            else:
                stack.pop()
                if state[node] == "open":
                    state[node] = "done"
                    order.append(node)
        self.grad = torch.ones_like(self.data)
        while order:
            order.pop().pass_back()
# %% right="value_deep"
def deep_backward(root: Scalar) -> None:
    """Fill in the grad of every node that root was computed from, however long the paths are."""
    order: list[Scalar] = []
    seen: set[Scalar] = set()
    stack = [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
            continue
        if node in seen:
            continue
        seen.add(node)
        stack.append((node, True))
        for x in node.inputs:
            stack.append((x, False))
    root.grad = 1.0
    for node in reversed(order):
        node.pass_back()
# %% right="value_deep"
from collections import Counter, deque


class UserCount:
    """How many uses of each node have not passed on their gradient yet."""

    def __init__(self, root):
        self.left = Counter()
        reached, todo = {root}, deque([root])
        while todo:
            node = todo.popleft()
            self.left.update(node.inputs)
            fresh = set(node.inputs) - reached
            reached |= fresh
            todo.extend(fresh)

    def release(self, node):
        """Yields the inputs of which this was the last user."""
        for x in node.inputs:
            self.left[x] -= 1
            if not self.left[x]:
                yield x


def deep_backward(root):
    counts = UserCount(root)
    root.grad = 1.0
    queue = deque([root])
    while queue:
        n = queue.popleft()
        n.pass_back()
        queue.extend(counts.release(n))
# %% right="value_deep"
def post_order(root):
    """What a recursive visit would give, with the iterators over the inputs on a stack of our own."""
    visited = {id(root)}
    path = [(root, iter(root.inputs))]
    while path:
        node, remaining = path[-1]
        for nxt in remaining:
            if id(nxt) not in visited:
                visited.add(id(nxt))
                path.append((nxt, iter(nxt.inputs)))
                break
        else:  # nothing remains: the node is finished
            path.pop()
            yield node


def deep_backward(root: Scalar) -> None:
    topo = [*post_order(root)]
    root.grad = 1.0
    [node.pass_back() for node in topo[::-1]]
# %% right="value_deep"
from graphlib import TopologicalSorter


def deep_backward(root):
    # the standard library can sort graphs (without recursion)
    graph = {}
    frontier = [root]
    while frontier:
        n = frontier.pop()
        if n in graph:
            continue
        graph[n] = n.inputs
        frontier += n.inputs
    in_order = list(TopologicalSorter(graph).static_order())  # inputs first
    root.grad = 1.0
    for n in reversed(in_order):
        n.pass_back()
# %% right="value_deep"
import numpy as np


def deep_backward(root: Scalar) -> None:
    # 1. number all nodes as they are found
    nodes, number_of = [root], {root: 0}
    for node in nodes:  # the list grows while we walk along it
        for x in node.inputs:
            if x not in number_of:
                number_of[x] = len(nodes)
                nodes.append(x)
    # 2. edges as integers, and how many users each node has
    sources = [[number_of[x] for x in node.inputs] for node in nodes]
    flat = np.array([s for some in sources for s in some], dtype=np.int64)
    pending = np.bincount(flat, minlength=len(nodes)).tolist()
    # 3. from the root downwards
    root.grad = 1.0
    free = [0]
    while free:
        k = free.pop()
        nodes[k].pass_back()
        for s in sources[k]:
            pending[s] -= 1
            if pending[s] == 0:
                free.append(s)
    assert not any(pending)
# %% right="neuron_layer_mlp"
class Neuron:
    """tanh(w1 x1 + ... + wn xn + b)."""

    def __init__(self, nin: int):
        self.w = []
        for _ in range(nin):
            self.w.append(Scalar(random.uniform(-1, 1)))
        self.b = Scalar(0)

    def __call__(self, x: list[Scalar | float]) -> Scalar:
        """The output for nin inputs."""
        assert len(x) == len(self.w), "wrong number of inputs"
        out = self.b
        for i in range(len(x)):
            out = out + self.w[i] * x[i]
        return out.tanh()

    def parameters(self) -> list[Scalar]:
        """The nin weights, then the bias."""
        return self.w + [self.b]


class Layer:
    """Neurons that see the same inputs."""

    def __init__(self, nin: int, nout: int):
        self.neurons = []
        for _ in range(nout):
            self.neurons.append(Neuron(nin))

    def __call__(self, x: list[Scalar | float]) -> list[Scalar] | Scalar:
        """The nout outputs for nin inputs; of a single neuron its output itself."""
        outs = []
        for neuron in self.neurons:
            outs.append(neuron(x))
        if len(outs) == 1:
            return outs[0]
        return outs

    def parameters(self) -> list[Scalar]:
        """nout (nin + 1) parameters, neuron by neuron."""
        params = []
        for neuron in self.neurons:
            params.extend(neuron.parameters())
        return params


class MLP:
    """Layers, each of which takes the outputs of the one before it."""

    def __init__(self, nin: int, nouts: list[int]):
        self.layers = []
        size = nin
        for nout in nouts:
            self.layers.append(Layer(size, nout))
            size = nout

    def __call__(self, x: list[Scalar | float]) -> list[Scalar] | Scalar:
        """The outputs of the last layer for nin inputs."""
        for layer in self.layers:
            if isinstance(x, Scalar):  # the layer before has a single neuron
                x = [x]
            x = layer(x)
        return x

    def parameters(self) -> list[Scalar]:
        """All parameters, layer by layer."""
        params = []
        for layer in self.layers:
            params.extend(layer.parameters())
        return params
# %% right="neuron_layer_mlp"
class Module:
    """What all three have in common."""

    parts = ()

    def parameters(self):
        return [p for part in self.parts for p in part.parameters()]

    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0.0


class Neuron(Module):
    def __init__(self, nin):
        self.w = [Scalar(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Scalar(random.uniform(-1, 1))

    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        return act.tanh()

    def parameters(self):
        return [*self.w, self.b]

    def __repr__(self):
        return f"Neuron({len(self.w)})"


class Layer(Module):
    def __init__(self, nin, nout):
        self.parts = [Neuron(nin) for _ in range(nout)]

    def outputs(self, x):
        return [n(x) for n in self.parts]

    def __call__(self, x):
        out = self.outputs(x)
        return out if len(out) > 1 else out[0]


class MLP(Module):
    def __init__(self, nin, nouts):
        sz = [nin] + list(nouts)
        self.parts = [Layer(sz[i], sz[i + 1]) for i in range(len(nouts))]

    def __call__(self, x):
        *hidden, last = self.parts
        for layer in hidden:
            x = layer.outputs(x)
        return last(x)
# %% right="neuron_layer_mlp"
import numpy as np


class Neuron:
    def __init__(self, nin):
        self.weights = np.array([Scalar(random.uniform(-1.0, 1.0)) for _ in range(nin)], dtype=object)
        self.bias = Scalar(0.0)

    def __call__(self, x):
        # NumPy multiplies and adds objects with their own operators
        return (np.dot(self.weights, np.array(list(x), dtype=object)) + self.bias).tanh()

    def parameters(self):
        return list(self.weights) + [self.bias]


class Layer:
    def __init__(self, nin, nout):
        self.nout = nout
        self.neurons = tuple(Neuron(nin) for _ in range(nout))

    def __call__(self, x):
        result = [neuron(x) for neuron in self.neurons]
        return result[0] if self.nout == 1 else result

    def parameters(self):
        return sum((neuron.parameters() for neuron in self.neurons), [])


class MLP:
    def __init__(self, nin, nouts):
        self.layers = tuple(Layer(i, o) for i, o in zip([nin, *nouts], nouts))

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x if isinstance(x, (list, tuple)) else [x])
        return x

    def parameters(self):
        return sum((layer.parameters() for layer in self.layers), [])
# %% right="neuron_layer_mlp"
from functools import reduce
from itertools import chain, pairwise
from operator import add, mul


class Neuron:
    """tanh(w1 x1 + ... + wn xn + b), of the Values of my own class."""

    def __init__(self, nin: int):
        self.w, self.b = [Value(random.uniform(-1, 1)) for _ in range(nin)], Value(0.0)

    def __call__(self, x: "list[Value | float]") -> Value:
        return reduce(add, map(mul, self.w, x), self.b).tanh()

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]


class Layer(list):
    """A list of neurons that can be called."""

    def __init__(self, nin: int, nout: int):
        super().__init__(Neuron(nin) for _ in range(nout))

    def __call__(self, x):
        outs = [neuron(x) for neuron in self]
        if len(outs) == 1:
            (outs,) = outs
        return outs

    def parameters(self) -> list[Value]:
        return list(chain.from_iterable(neuron.parameters() for neuron in self))


class MLP(list):
    """A list of layers that can be called."""

    def __init__(self, nin: int, nouts: list[int]):
        super().__init__(Layer(i, o) for i, o in pairwise([nin, *nouts]))

    def __call__(self, x):
        return reduce(lambda signal, layer: layer([signal] if isinstance(signal, Value) else signal), self, x)

    def parameters(self) -> list[Value]:
        return list(chain.from_iterable(layer.parameters() for layer in self))
# %% right="neuron_layer_mlp"
class Neuron:
    def __init__(self, nin):
        # weights and bias in one list, the bias is the last
        self.params = [Scalar(random.uniform(-1, 1)) for _ in range(nin)] + [Scalar(0.0)]

    def __call__(self, x):
        # the bias is the weight of one more input, which is always 1
        total_ = 0
        for p, xi in zip(self.params, [*x, 1.0]):
            total_ = total_ + xi * p
        return total_.tanh()

    def parameters(self):
        return list(self.params)


class Layer:
    def __init__(self, nin, nout):
        self.neurons = {f"neuron{i}": Neuron(nin) for i in range(nout)}

    def __call__(self, x):
        out = [self.neurons[name](x) for name in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self):
        return [p for n in self.neurons.values() for p in n.parameters()]


class MLP:
    """A first layer, and a smaller MLP for the others."""

    def __init__(self, nin, nouts):
        first, *others = nouts
        self.head = Layer(nin, first)
        self.tail = MLP(first, others) if others else None

    def __call__(self, x):
        out = self.head(x)
        if self.tail is None:
            return out
        return self.tail(out if isinstance(out, list) else [out])

    def parameters(self):
        return self.head.parameters() + (self.tail.parameters() if self.tail else [])
# %% right="train_mlp"
def train_mlp(model: ScalarMLP, xs: list[list[float]], ys: list[float], steps: int, rate: float) -> list[float]:
    """Gradient descent on the mean squared error, in place; the loss of each step, before its update."""
    losses = []
    for k in range(steps):
        # forward
        total_loss = 0.0
        for x, y in zip(xs, ys):
            prediction = model(x)
            total_loss = total_loss + (prediction - y) ** 2
        loss = total_loss / len(xs)
        # backward
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        # update
        for p in model.parameters():
            p.data -= rate * p.grad
        print(k, loss.data)
        losses.append(loss.data)
    return losses
# %% right="train_mlp"
def descent(net, points, rate):
    """The losses, one after the other, for as long as somebody asks."""
    while True:
        loss = sum((net(x) - y) ** 2 for x, y in points) * (1 / len(points))
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data += -rate * p.grad
        yield float(loss.data)


def train_mlp(model, xs, ys, steps, rate):
    losses = descent(model, list(zip(xs, ys)), rate)
    return [next(losses) for _ in range(steps)]
# %% right="train_mlp"
class SGD:
    def __init__(self, params, lr):
        self.params, self.lr = list(params), lr

    def zero_grad(self):
        for p in self.params:
            p.grad = 0.0

    def step(self):
        for p in self.params:
            p.data = p.data - self.lr * p.grad


def train_mlp(model, xs, ys, steps, rate):
    optimizer = SGD(model.parameters(), lr=rate)
    history = []
    for _ in range(steps):
        optimizer.zero_grad()
        mse = 0.0
        # one small graph for each point: their gradients add up in the parameters
        for x, y in zip(xs, ys):
            diff = model(x) - y
            part = diff * diff / len(ys)
            part.backward()
            mse += float(part.data)
        optimizer.step()
        history.append(mse)
    return history
# %% right="train_mlp"
import numpy as np


def train_mlp(model, xs, ys, steps, rate):
    theta = model.parameters()
    curve = np.zeros(steps)
    for t in range(steps):
        errors = [model(x) - y for x, y in zip(xs, ys)]
        loss = sum(e**2 for e in errors) / len(errors)
        for p in theta:
            p.grad = 0.0
        loss.backward()
        curve[t] = loss.data
        moved = np.array([p.data for p in theta]) - rate * np.array([p.grad for p in theta])
        for p, new in zip(theta, moved.tolist()):
            p.data = new
    return curve.tolist()
# %% right="train_mlp"
def mean_squared_error(model, xs, ys):
    loss = Value(0.0)
    for i, x in enumerate(xs):
        loss += (ys[i] - model(x)) ** 2
    return loss / len(xs)


def train_mlp(model, xs, ys, steps, rate):
    """For models of Values."""
    out = []
    while len(out) < steps:
        L = mean_squared_error(model, xs, ys)
        for w in model.parameters():
            w.grad = 0.0
        L.backward()
        for w in model.parameters():
            w.data, w.grad = w.data - w.grad * rate, 0.0
        out = out + [L.data]
    return out
# %% right="softmax_nll"
def softmax_nll(logits: list[Scalar], label: int) -> tuple[list[Scalar], Scalar]:
    """The probabilities of all labels, and the negative log-likelihood of the right one."""
    counts = []
    for z in logits:
        counts.append(z.exp())
    total_count = counts[0]
    for count in counts[1:]:
        total_count = total_count + count
    probs = []
    for count in counts:
        probs.append(count / total_count)
    loss = -probs[label].log()
    return probs, loss
# %% right="softmax_nll"
def softmax_nll(logits, label):
    es = [z.exp() for z in logits]
    return (ps := [e / sum(es) for e in es]), -ps[label].log()
# %% right="softmax_nll"
def softmax_nll(logits: list[Scalar], label: int) -> tuple[list[Scalar], Scalar]:
    # a constant may be taken from all logits: it cancels, and exp cannot overflow
    biggest = max(z.data for z in logits)
    shifted = [z - biggest for z in logits]
    log_total = sum(z.exp() for z in shifted).log()
    log_probs = [z - log_total for z in shifted]
    return [lp.exp() for lp in log_probs], 0 - log_probs[label]
# %% right="softmax_nll"
def add_up(nodes):
    """The sum of nodes, halves first."""
    if len(nodes) == 1:
        return nodes[0]
    middle = len(nodes) // 2
    return add_up(nodes[:middle]) + add_up(nodes[middle:])


def softmax(nodes):
    exps = list(map(lambda node: node.exp(), nodes))
    inverse = add_up(exps) ** -1
    return [e * inverse for e in exps]


def softmax_nll(logits: "list[Value]", label: int) -> "tuple[list[Value], Value]":
    probabilities = softmax(logits)
    return probabilities, probabilities[label].log() * -1.0
# %% right="softmax_nll"
def softmax_nll(logits, label):
    # p_i = 1 / sum_k e^(z_k - z_i)
    prob = []
    for zi in logits:
        below = Scalar(0.0)
        for zk in logits:
            below = below + (zk - zi).exp()
        prob.append(1 / below)
    # only the right one counts
    onehot = [0.0] * len(logits)
    onehot[label] = 1.0
    loglik = Scalar(0.0)
    for hot, p in zip(onehot, prob):
        loglik = loglik + hot * p.log()
    return prob, -loglik
# %% right="logits_grad_torch"
def logits_grad_torch(logits: Float[Tensor, " k"], label: int) -> Float[Tensor, " k"]:
    """The gradient of -ln softmax(logits)[label] with respect to the logits; the tensor given stays as it is."""
    z = logits.clone().requires_grad_()
    probs = torch.softmax(z, dim=0)
    loss = -probs[label].log()
    loss.backward()
    return z.grad
# %% right="logits_grad_torch"
import torch.nn.functional as F


def logits_grad_torch(logits, label):
    x = logits.detach().clone().unsqueeze(0).requires_grad_(True)  # a batch of one
    loss = F.cross_entropy(x, torch.tensor([label]))
    (grad,) = torch.autograd.grad(loss, x)
    return grad.squeeze(0)
# %% right="logits_grad_torch"
def logits_grad_torch(logits, label):
    return torch.func.grad(lambda z: -z.log_softmax(-1)[label])(logits)
# %% right="logits_grad_torch"
def logits_grad_torch(logits: Float[Tensor, " k"], label: int) -> Float[Tensor, " k"]:
    leaf = torch.tensor(logits.tolist(), dtype=logits.dtype, requires_grad=True)
    loss = torch.logsumexp(leaf, dim=0) - leaf[label]
    loss.backward()
    # print(loss.item(), leaf.grad)
    return leaf.grad.detach().clone()
# %% right="logits_grad_torch"
class NLL(torch.nn.Module):
    """A model whose only parameter is the logits."""

    def __init__(self, start):
        super().__init__()
        self.logits = torch.nn.Parameter(start.clone())

    def forward(self, label):
        target = torch.nn.functional.one_hot(torch.tensor(label), num_classes=len(self.logits))
        return -torch.einsum("k,k->", target.to(self.logits.dtype), torch.log_softmax(self.logits, 0))


def logits_grad_torch(logits, label):
    model_ = NLL(logits)
    model_.zero_grad()
    model_(label).backward()
    return model_.logits.grad
