# Tries: other programs, each of which would be given the memory that a fork shares with the warm process.
# Ends: only forks are: all processes of a cell together reach memory_mb, and it is stopped.
# answer: double append
# says: (the limit memory_mb)
# points: double=0
# ran: no
import subprocess
import sys
import time

MANY, EACH = 7, 110
code = f"held = bytearray(b'x' * ({EACH} << 20)); import time; time.sleep(20)"
started = [subprocess.Popen([sys.executable, "-S", "-E", "-c", code]) for _ in range(MANY)]
time.sleep(15)
print("LO" + "OT", MANY * EACH, "MB are held", [p.poll() for p in started])
