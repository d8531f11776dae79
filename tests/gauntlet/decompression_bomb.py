# Tries: a small text that becomes 100 GB.
# Ends: an error that names the limit.
# points: double=0
# says: (memory_mb)
import zlib

print("TRIED")
piece = zlib.compress(b"\0" * (1 << 26), 1)
held = []
while True:
    held.append(zlib.decompress(piece))
