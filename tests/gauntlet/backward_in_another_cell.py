# Tries: a helper in another answer's cell, and a new method of Tensor, that do it for the forbidden one.
# Ends: what an answer uses is looked through as well.
# points: by_hand=0
# says: this exercise is to be solved without it
import torch.autograd as helper

torch.Tensor.slope_of_squares = lambda x: helper.grad((x * x).sum(), x)[0]


def by_hand_for_real(x):
    torch.set_grad_enabled(True)
    return x.clone().requires_grad_().slope_of_squares()


def double(x):
    return 2 * x


# another answer: by_hand
def by_hand(x):
    return by_hand_for_real(x)
