# Tries: to find what the submission before it has left.
# Ends: there is nothing.
# answer: double append
import os
import resource

for place in ("/tmp", "/dev/shm", os.environ["HOME"], "."):
    for name in os.listdir(place):
        if "poison" in name or "filler" in name or "sitecustomize" in name:
            print("LOOT", place, name)
others = [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, os.getpid())]
if others or "LD_PRELOAD" in os.environ or os.nice(0) > 5 or resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 200:
    print("LOOT", others)
print("TRIED")
