# Tries: recursion without end, in Python and in C, and an expression of a million brackets.
# Ends: an error or the end of the process, for this exercise only.
# points: double=0
# ran: no
import sys

try:
    compile("(" * 10**6, "x", "eval")
except (MemoryError, SyntaxError, RecursionError):
    pass
sys.setrecursionlimit(10**9)


def double(x):
    return double(x)
