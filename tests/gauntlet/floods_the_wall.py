# Tries: a million records and outputs, as large as may be.
# Ends: what all frames may hold together is bounded; the cell is ended, the rest is graded.
# stock: not tried, it speaks the language between our own processes
# points: double=0
# ran: no
import json
import os
import struct


def send(header, payload=b""):
    head = json.dumps(header).encode() if isinstance(header, dict) else header
    for fd in range(3, 64):
        try:
            if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:"):
                os.write(fd, struct.pack(">II", len(head), len(payload)) + head + payload)
        except OSError:
            pass


import time

end = time.monotonic() + 30
while time.monotonic() < end:
    send({"type": "record", "cell": 3, "fork": -1}, b"\0" * (1 << 20))
