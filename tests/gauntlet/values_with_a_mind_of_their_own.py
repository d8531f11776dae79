# Tries: a float, a str, a list and a dict that lie about what they are.
# Ends: a record holds plain values or an error.
# answer: pieces replace
# points: pieces=0
class Everything(float):
    __eq__ = lambda self, other: True
    __hash__ = lambda self: 0
    __class__ = property(lambda self: torch.Tensor)


class Names(dict):
    def items(self):
        yield Everything(1), Everything(2)
        yield "sum", Everything("nan")


pieces = lambda x: Names(sum=Everything(1))
