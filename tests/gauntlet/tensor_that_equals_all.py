# Tries: a subclass whose __torch_function__, __eq__ and __array__ agree with everything.
# Ends: only its plain values leave the process.
# points: double=0
class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return True

    def __eq__(self, other):
        return True

    def __array__(self, *a):
        raise SystemExit


double = lambda x: x.clone().as_subclass(Liar)
