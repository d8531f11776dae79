# Tries: backward as the attribute of a class pattern, and named by the class's own __match_args__.
# Ends: refused by name.
# answer: by_hand replace
# points: by_hand=0
# says: `backward`
def by_hand(x):
    torch.set_grad_enabled(True)
    x = x.clone().requires_grad_()
    match (x * x).sum():
        case Tensor(backward=go):
            go()
    return x.grad
