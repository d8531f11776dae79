# Tries: an object whose pickle runs a command, as the answer and as the weights file.
# Ends: nothing is unpickled, inside or outside.
# files: pickled_weights
# points: double=0 train_tiny=0
import os
import pickle


class Bomb:
    def __reduce__(self):
        return os.system, ("touch @COURSE@/CANARY.pickled",)


print("TRIED")
double = lambda x: Bomb()
