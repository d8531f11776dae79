# Tries: all memory, private and shared.
# Ends: an error that names the limit; the rest is graded.
# points: double=0
# says: (memory_mb)
import mmap

for size in (10**13, 10**11):
    for flags in (mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS):
        try:
            mmap.mmap(-1, size, flags)
            print("LOOT", size)
        except (OSError, OverflowError, ValueError):
            pass
print("TRIED")


def double(x):
    hoard = []
    while True:
        hoard.append(bytearray(1 << 26))
