# Tries: backward where it is forbidden.
# Ends: refused by name.
# answer: by_hand replace
# points: by_hand=0
# says: `backward`
def by_hand(x):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        (x * x).sum().backward()
    return x.grad
