# Tries: backward with its name put together at run time.
# Ends: a name that is made at run time is refused where names are forbidden.
# answer: by_hand replace
# points: by_hand=0
# says: made at run time
def by_hand(x):
    torch.set_grad_enabled(True)
    x = x.clone().requires_grad_()
    getattr((x * x).sum(), "back" + "ward")()
    return x.grad
