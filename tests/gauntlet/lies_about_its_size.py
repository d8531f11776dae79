# Tries: a model of 20,000 numbers where 800 are allowed, with the kit's counting patched.
# Ends: the numbers of the submitted file are counted outside.
# answer: train_tiny replace
# files: big_weights
# points: train_tiny=0
import autograder.student.weights
import autograder.student.fit


class Bigram:
    def __init__(self):
        self.W = torch.zeros(27, 27)
        self.more = torch.zeros(27, 27, 27)

    def __call__(self, contexts):
        return self.W[contexts[:, -1]]


def train(model):
    for _ in range(40):
        yield 3.2958


_all = autograder.student.weights.tensors_of
autograder.student.weights.tensors_of = lambda model: {name: t for name, t in _all(model).items() if name == "W"}
_put = autograder.student.weights.put
autograder.student.weights.put = lambda model, saved: _put(model, {"W": saved["W"]})
