# Tries: a loop that no interrupt reaches.
# Ends: the time limit ends it; the rest runs without it.
# points: double=0
# says: (the limit cell_
# ran: no
def double(x):
    return sum(iter(int, 1))
