# Tries: secrets of the environment, and of other processes through /proc: their environment, memory, files and folders.
# Ends: the environment is the jail's own, /proc shows the jail's own processes and nothing of theirs.
# answer: double append
import os

if "AUTOGRADER_SECRET" in os.environ or "CANARY" in os.environ:
    print("LOOT environment")
for pid in [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
    for name in ("environ", "mem", "maps", "auxv"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                if file.read(1):
                    print("LOOT", pid, name)
        except OSError:
            pass
    for name in ("cwd", "root", "exe", "fd"):
        try:
            target = os.listdir(f"/proc/{pid}/fd") if name == "fd" else os.readlink(f"/proc/{pid}/{name}")
            print("LOOT", pid, name, target)
        except OSError:
            pass
print("TRIED")
