# Tries: the beginning of a frame and then silence, so that the other side waits for the rest.
# Ends: the time limit holds.
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

for fd in range(3, 64):
    try:
        if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:"):
            os.write(fd, struct.pack(">II", 10, 1000) + b"{}")
    except OSError:
        pass
while True:
    try:
        time.sleep(60)
    except BaseException:
        pass
