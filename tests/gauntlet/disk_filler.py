# Tries: to fill the disk with one file, with many and with empty ones, in every place that can be written.
# Ends: an error that names the limit; the files are gone before the next submission.
# answer: double append
import os

for place in (".", "/tmp", "/dev/shm"):
    for number in range(300):
        try:
            with open(f"{place}/filler{number}", "wb") as file:
                file.truncate(1 << 40)
            print("LOOT", place)
        except OSError:
            pass
        try:
            with open(f"{place}/filler{number}", "wb") as file:
                for _ in range(64):
                    file.write(b"x" * (1 << 20))
        except OSError as error:
            if number == 299:
                print("stopped by", error)
free = os.statvfs("/tmp")
if free.f_blocks * free.f_frsize > 256 << 20:
    print("LOOT size", free)
print("TRIED")
