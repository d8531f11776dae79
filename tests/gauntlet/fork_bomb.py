# Tries: as many processes as it can get, and threads.
# Ends: the limit `processes` holds; all are gone before the next submission.
# answer: double append
import os
import threading
import time

started = 0
try:
    for _ in range(5000):
        if os.fork() == 0:
            while True:
                time.sleep(60)
        started += 1
except OSError:
    pass
try:
    for _ in range(5000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
except RuntimeError:
    pass
if started > 100:
    print("LOOT", started)
print("TRIED")
