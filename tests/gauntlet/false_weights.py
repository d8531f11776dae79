# Tries: a weights file whose header promises a terabyte.
# Ends: refused with its name.
# files: false_weights
# answer: double append
# points: train_tiny=0
# says: train_tiny.safetensors is damaged
print("TRIED")
