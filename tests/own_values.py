"""Right answers to ``value_backward``, as differently written as people write them."""

FROM_THE_LECTURE = '''
class Value:
    """Closures, a set of children, a recursive order; numbers as they come."""
    def __init__(self, data, _children=(), _op='', label=''):
        self.data = data
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = set(_children)
        self._op = _op
        self.label = label
    def __repr__(self):
        return f"Value(data={self.data})"
    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), '+')
        def _backward():
            self.grad += 1.0 * out.grad
            other.grad += 1.0 * out.grad
        out._backward = _backward
        return out
    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), '*')
        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out
    def __pow__(self, other):
        assert isinstance(other, (int, float)), "only supporting int/float powers for now"
        out = Value(self.data**other, (self,), f'**{other}')
        def _backward():
            self.grad += other * (self.data ** (other - 1)) * out.grad
        out._backward = _backward
        return out
    def __rmul__(self, other):
        return self * other
    def __truediv__(self, other):
        return self * other**-1
    def __rtruediv__(self, other):
        return other * self**-1
    def __neg__(self):
        return self * -1
    def __sub__(self, other):
        return self + (-other)
    def __rsub__(self, other):
        return other + (-self)
    def __radd__(self, other):
        return self + other
    def tanh(self):
        x = self.data
        t = (math.exp(2*x) - 1)/(math.exp(2*x) + 1)
        out = Value(t, (self, ), 'tanh')
        def _backward():
            self.grad += (1 - t**2) * out.grad
        out._backward = _backward
        return out
    def exp(self):
        out = Value(math.exp(self.data), (self, ), 'exp')
        def _backward():
            self.grad += out.data * out.grad
        out._backward = _backward
        return out
    def log(self):
        out = Value(math.log(self.data), (self, ), 'log')
        def _backward():
            self.grad += (1 / self.data) * out.grad
        out._backward = _backward
        return out
    def backward(self):
        topo = []
        visited = set()
        def build_topo(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build_topo(child)
                topo.append(v)
        build_topo(self)
        self.grad = 1.0
        for node in reversed(topo):
            node._backward()
'''

DATACLASS = '''
from dataclasses import dataclass, field

@dataclass
class Value:
    """Compares by value, so that no set can hold it; the order goes by id; no gradient is None."""
    data: float
    children: tuple = ()
    local: tuple = field(default=(), repr=False)
    grad: float | None = None

    @staticmethod
    def of(x):
        return x if isinstance(x, Value) else Value(float(x))
    def __add__(self, other):
        other = Value.of(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))
    def __mul__(self, other):
        other = Value.of(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))
    def __pow__(self, n):
        return Value(self.data ** n, (self,), (n * self.data ** (n - 1),))
    def __neg__(self):
        return Value(-self.data, (self,), (-1.0,))
    def __sub__(self, other):
        return self + -Value.of(other)
    def __truediv__(self, other):
        return self * Value.of(other) ** -1
    def __radd__(self, other):
        return Value.of(other) + self
    def __rmul__(self, other):
        return Value.of(other) * self
    def __rsub__(self, other):
        return Value.of(other) - self
    def __rtruediv__(self, other):
        return Value.of(other) / self
    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, (self,), (1 - t * t,))
    def exp(self):
        e = math.exp(self.data)
        return Value(e, (self,), (e,))
    def log(self):
        return Value(math.log(self.data), (self,), (1 / self.data,))
    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            v, done = stack.pop()
            if done:
                order.append(v)
            elif id(v) not in seen:
                seen.add(id(v))
                stack.append((v, True))
                stack.extend((c, False) for c in v.children)
        self.grad = 1.0
        for v in reversed(order):
            for c, d in zip(v.children, v.local):
                c.grad = (c.grad or 0.0) + d * v.grad
'''

TENSORS = '''
class Value:
    """A float64 tensor without dimensions inside; its methods are those of tensors; gradients are tensors, too."""
    def __init__(self, data, _prev=()):
        self.data = torch.as_tensor(data, dtype=torch.float64)
        self.grad = torch.zeros((), dtype=torch.float64)
        self._prev = list(_prev)
    def __repr__(self):
        return f"<{self.data.item():.3f}>"
    def _wrap(self, other):
        return other if isinstance(other, Value) else Value(other)
    def __add__(self, other):
        other = self._wrap(other)
        return Value(self.data.add(other.data), [(self, torch.ones(())), (other, torch.ones(()))])
    def __mul__(self, other):
        other = self._wrap(other)
        return Value(self.data.mul(other.data), [(self, other.data), (other, self.data)])
    def __pow__(self, n):
        return Value(self.data.pow(n), [(self, n * self.data.pow(n - 1))])
    def tanh(self):
        t = self.data.tanh()
        return Value(t, [(self, 1 - t.square())])
    def exp(self):
        e = self.data.exp()
        return Value(e, [(self, e)])
    def log(self):
        return Value(self.data.log(), [(self, self.data.reciprocal())])
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + -self._wrap(other)
    def __truediv__(self, other): return self * self._wrap(other) ** -1
    def __radd__(self, other): return self + other
    def __rmul__(self, other): return self * other
    def __rsub__(self, other): return self._wrap(other) - self
    def __rtruediv__(self, other): return self._wrap(other) / self
    def backward(self):
        order, seen = [], []
        def walk(v):
            if not any(v is s for s in seen):
                seen.append(v)
                for c, _ in v._prev:
                    walk(c)
                order.insert(0, v)
        walk(self)
        self.grad = torch.ones((), dtype=torch.float64)
        for v in order:
            for c, d in v._prev:
                c.grad = c.grad + d * v.grad
'''

NUMPY_SLOTS = '''
import numpy as np
from typing import NamedTuple

class Edge(NamedTuple):
    to: "Value"
    slope: float

class Arithmetic:
    """Everything that can be told in terms of + * ** and a lift."""
    __slots__ = ()
    def __neg__(self): return self * -1.0
    def __sub__(self, other): return self + self.lift(other) * -1.0
    def __rsub__(self, other): return self.lift(other) + self * -1.0
    def __truediv__(self, other): return self * self.lift(other) ** -1.0
    def __rtruediv__(self, other): return self.lift(other) * self ** -1.0
    def __radd__(self, other): return self.lift(other) + self
    def __rmul__(self, other): return self.lift(other) * self

class Value(Arithmetic):
    """Slots, NumPy's numbers, named edges, all gradients reset by each backward pass, a float when asked."""
    __slots__ = ("data", "grad", "edges")
    def __init__(self, data, *edges):
        self.data, self.grad, self.edges = np.float64(data), 0, edges
    @staticmethod
    def lift(x):
        return x if isinstance(x, Value) else Value(x)
    def __float__(self):
        return float(self.data)
    def __add__(self, other):
        other = self.lift(other)
        return Value(self.data + other.data, Edge(self, 1.0), Edge(other, 1.0))
    def __mul__(self, other):
        other = self.lift(other)
        return Value(self.data * other.data, Edge(self, other.data), Edge(other, self.data))
    def __pow__(self, n):
        return Value(np.power(self.data, n), Edge(self, n * np.power(self.data, n - 1)))
    def tanh(self):
        return Value(np.tanh(self.data), Edge(self, 1 / np.cosh(self.data) ** 2))
    def exp(self):
        return Value(np.exp(self.data), Edge(self, np.exp(self.data)))
    def log(self):
        return Value(np.log(self.data), Edge(self, 1 / self.data))
    def backward(self):
        users, todo = {self: 0}, [self]
        while todo:
            node = todo.pop()
            node.grad = np.float64(0)
            for edge in node.edges:
                if edge.to not in users:
                    users[edge.to] = 0
                    todo.append(edge.to)
                users[edge.to] += 1
        self.grad, ready = np.float64(1), [self]
        while ready:
            node = ready.pop()
            for to, slope in node.edges:
                to.grad += slope * node.grad
                users[to] -= 1
                if not users[to]:
                    ready.append(to)
'''

ARRAYS = NUMPY_SLOTS.replace("np.float64(data), 0, edges", "np.array(data, dtype=float), np.array(0.0), edges")

ON_RECORDED = '''
RULES = {
    "+": lambda z, x, y: (1, 1), "-": lambda z, x, y: (1, -1), "*": lambda z, x, y: (y.data, x.data),
    "/": lambda z, x, y: (1 / y.data, -z.data / y.data), "**": lambda z, x: (z.exponent * x.data ** (z.exponent - 1),),
    "neg": lambda z, x: (-1,), "tanh": lambda z, x: (1 - z.data**2,), "exp": lambda z, x: (z.data,), "log": lambda z, x: (1 / x.data,),
}

class Value(Recorded):
    """On top of the given class, with a table of rules and without pass_back."""
    def backward(self):
        def order(node, seen):
            if node not in seen:
                seen.add(node)
                for x in node.inputs:
                    yield from order(x, seen)
                yield node
        self.grad = 1.0
        for node in list(order(self, set()))[::-1]:
            if node.inputs:
                for x, slope in zip(node.inputs, RULES[node.operation](node, *node.inputs)):
                    x.grad += slope * node.grad
'''

INHERITED = '''
Forward = Value  # the class of the exercise before

class Value(Forward):
    """The forward class once more, each of its operations wrapped; what is not listed is made of those that are."""
    def __init__(self, data, parents=None):
        super().__init__(data)
        self.parents = parents or {}

    def backward(self):
        self.grad = 1.0
        line, found = [self], {self: None}
        for node in line:
            for parent in node.parents:
                if parent not in found:
                    found[parent] = None
                    line.append(parent)
        for node in sorted(found, key=lambda node: -node.born):
            for parent, slope in node.parents.items():
                parent.grad += slope * node.grad

def operation(name, compute, *slopes):
    def method(self, *others):
        parents, numbers = [self], [self.data]
        for other in others:
            other = other if isinstance(other, Value) or name == "__pow__" else Value(other)
            parents.append(other)
            numbers.append(getattr(other, "data", other))
        out = Value(compute(*numbers))
        for parent, slope in zip(parents, slopes):
            out.parents[parent] = out.parents.get(parent, 0.0) + slope(*numbers)
        return out
    setattr(Value, name, method)

operation("__add__", lambda a, b: a + b, lambda a, b: 1, lambda a, b: 1)
operation("__radd__", lambda a, b: b + a, lambda a, b: 1, lambda a, b: 1)
operation("__sub__", lambda a, b: a - b, lambda a, b: 1, lambda a, b: -1)
operation("__rsub__", lambda a, b: b - a, lambda a, b: -1, lambda a, b: 1)
operation("__mul__", lambda a, b: a * b, lambda a, b: b, lambda a, b: a)
operation("__rmul__", lambda a, b: b * a, lambda a, b: b, lambda a, b: a)
operation("__truediv__", lambda a, b: a / b, lambda a, b: 1 / b, lambda a, b: -a / b**2)
operation("__rtruediv__", lambda a, b: b / a, lambda a, b: -b / a**2, lambda a, b: 1 / a)
operation("__pow__", lambda a, n: a**n, lambda a, n: n * a ** (n - 1))
operation("__neg__", lambda a: -a, lambda a: -1)
operation("tanh", math.tanh, lambda a: 1 - math.tanh(a) ** 2)
operation("exp", math.exp, math.exp)
operation("log", math.log, lambda a: 1 / a)

plain_init, count = Value.__init__, [0]
def numbered_init(self, *arguments):
    plain_init(self, *arguments)
    count[0] += 1
    self.born = count[0]
Value.__init__ = numbered_init
'''

PROPERTY = '''
class Value:
    """The number hides behind a property; a node's inputs know it, not the other way round; duck typing all through."""
    def __init__(self, number):
        self._number, self.grad, self._tape = number, 0.0, [self]
        self._push = None
    @property
    def data(self):
        return self._number
    @data.setter
    def data(self, number):
        self._number = float(number)
    def _make(self, number, *pairs):
        out = Value(number)
        out._tape = list(dict.fromkeys([n for node, _ in pairs for n in node._tape])) + [out]
        out._push = pairs
        return out
    def __add__(self, o):
        if not hasattr(o, "data"): o = Value(o)
        return self._make(self.data + o.data, (self, 1), (o, 1))
    def __sub__(self, o):
        if not hasattr(o, "data"): o = Value(o)
        return self._make(self.data - o.data, (self, 1), (o, -1))
    def __mul__(self, o):
        if not hasattr(o, "data"): o = Value(o)
        return self._make(self.data * o.data, (self, o.data), (o, self.data))
    def __truediv__(self, o):
        if not hasattr(o, "data"): o = Value(o)
        return self._make(self.data / o.data, (self, 1 / o.data), (o, -self.data / o.data**2))
    def __pow__(self, n): return self._make(self.data**n, (self, n * self.data ** (n - 1)))
    def __neg__(self): return self._make(-self.data, (self, -1))
    def __radd__(self, o): return Value(o) + self
    def __rsub__(self, o): return Value(o) - self
    def __rmul__(self, o): return Value(o) * self
    def __rtruediv__(self, o): return Value(o) / self
    def tanh(self):
        t = math.tanh(self.data)
        return self._make(t, (self, 1 - t**2))
    def exp(self):
        e = math.exp(self.data)
        return self._make(e, (self, e))
    def log(self): return self._make(math.log(self.data), (self, 1 / self.data))
    def backward(self):
        self.grad = 1.0
        for node in self._tape[::-1]:
            for source, slope in node._push or ():
                source.grad += slope * node.grad
'''

CLASSES = {
    "from the lecture": FROM_THE_LECTURE,
    "a dataclass": DATACLASS,
    "tensors": TENSORS,
    "NumPy and slots": NUMPY_SLOTS,
    "NumPy arrays": ARRAYS,
    "on Recorded": ON_RECORDED,
    "inherited": INHERITED,
    "a property": PROPERTY,
}
