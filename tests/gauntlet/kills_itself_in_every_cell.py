# Tries: SIGKILL for itself, again in every run.
# Ends: this cell is left out and the rest runs without it.
# answer: double append
# points: double=0
# ran: no
# says: ended the process
import os

print("TRIED", flush=True)
os.kill(os.getpid(), 9)
