# Tries: the weights of a classmate with code of its own that cannot train.
# Ends: tried for some hundred steps, the code does not learn.
# answer: train_tiny replace
# points: train_tiny=0
# says: do not belong together
class Bigram:
    def __init__(self):
        self.W = torch.zeros(27, 27)

    def __call__(self, contexts):
        return self.W[contexts[:, -1]]


def train(model):
    for _ in range(40):
        yield 1.0


print("TRIED")
