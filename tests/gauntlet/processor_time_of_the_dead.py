# Tries: to burn processor time in children that nobody waits for: where SIGCHLD is ignored, their time is in no process when they have ended.
# Ends: nobody ignores SIGCHLD here; their time counts, and the cell is stopped by its limit on processor time, or on a busy machine by that on the wall.
# answer: double
# points: double=0
# says: (the limit cell_
# ran: no
import ctypes
import os
import signal
import time

for refused in (lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN), lambda: ctypes.CDLL(None).signal(17, ctypes.c_void_p(1))):
    try:
        refused()
    except OSError:
        pass
begun, number = time.monotonic(), 0
while time.monotonic() - begun < 30:
    for _ in range(2):
        try:
            if os.fork() == 0:
                end = time.process_time() + 0.25
                while time.process_time() < end:
                    pass
                os._exit(0)
            number += 1
        except OSError:
            pass
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
print("LO" + "OT", number * 0.25, "s of processor time in", round(time.monotonic() - begun, 1), "s")
