# Tries: records for other exercises before their checks run, with values that it made up, and again, and in another order.
# Ends: a record counts only from the check that is running, once; nothing that is right is lost.
# stock: not tried, it speaks the language between our own processes
# ran: no
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

for cell in (0, 1, 2, 3, 5, 4, 99, -1, True, None, "3", 1.0, [3]):
    for exercise in ("slope", "pieces", "double", "double"):
        forged = Record(exercise, tuple(Draw({"": torch.zeros(3, 4)}) for _ in range(3)))
        send({"type": "record", "cell": cell, "fork": -1}, encode({"record": forged}))
        send({"type": "outputs", "cell": cell}, b"[]")
double = lambda x: x
print("TRIED")
