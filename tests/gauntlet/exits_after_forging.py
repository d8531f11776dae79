# Tries: a forged record from inside the running check, and then the end of the process before the real one.
# Ends: the values decide; it does not know them.
# stock: not tried, it speaks the language between our own processes
# points: double=0
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


from autograder.wall.record import Draw, Record, encode

print("TRIED", flush=True)


def double(x):
    from autograder.student.session import current

    for draws in (1, 2, 3):
        forged = Record("double", (Draw({"": x}),) * draws, {"points": 2.0, "status": "correct"})
        send({"type": "record", "cell": current().cell, "fork": -1}, encode({"record": forged}))
    os._exit(0)
