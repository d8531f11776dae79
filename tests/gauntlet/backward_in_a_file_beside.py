# Tries: the forbidden in a Python file that is handed in beside the notebook, imported by another answer's cell.
# Ends: the points are for a run without that import.
# answer: double append
# points: by_hand=0
# says: without those statements
# files: module
import helper  # it gives tensors a new method

# another answer: by_hand
def by_hand(x):
    return x.slope_of_squares()
