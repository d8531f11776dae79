# Tries: a notebook of brackets, ten million deep.
# Ends: refused before it is parsed.
# files: nested_notebook
# points: double=0 pieces=0 slope=0 by_hand=0 train_tiny=0
# says: cannot be read as a notebook
# ran: no
