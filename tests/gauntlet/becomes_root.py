# Tries: setuid back to root, capabilities, setuid programs.
# Ends: it stays the jail's user, without a capability.
# answer: double append
import os
import subprocess

for uid in (0, 1, 60001):
    try:
        os.setresuid(uid, uid, uid)
        if os.getuid() == 0 or uid != 60001:
            print("LOOT", uid)
    except OSError:
        pass
status = open("/proc/self/status").read()
for line in status.splitlines():
    if line.startswith(("CapPrm", "CapEff", "CapAmb")) and int(line.split()[1], 16):
        print("LOOT", line)
if "NoNewPrivs:\t1" not in status or "Seccomp:\t2" not in status:
    print("LOOT privileges")
try:
    if subprocess.run(["/usr/bin/su", "-c", "id"], capture_output=True, stdin=subprocess.DEVNULL, timeout=1).stdout:
        print("LOOT su")
except (OSError, subprocess.TimeoutExpired):
    pass
print("TRIED")
