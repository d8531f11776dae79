# Tries: as much memory as is allowed in each of many processes.
# Ends: all together have the limit of one.
# points: double=0
# ran: no
# says: memory_mb
import os
import time

print("TRIED", flush=True)
for _ in range(12):
    if os.fork() == 0:
        held = bytearray(b"x" * (60 << 20))
        while True:
            time.sleep(60)
while True:
    try:
        time.sleep(60)
    except BaseException:
        pass
