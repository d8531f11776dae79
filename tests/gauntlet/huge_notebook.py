# Tries: a notebook of 30 MB.
# Ends: refused by its size before it is parsed.
# files: huge_notebook
# points: double=0 pieces=0 slope=0 by_hand=0 train_tiny=0
# says: (the limit notebook_mb)
# ran: no
