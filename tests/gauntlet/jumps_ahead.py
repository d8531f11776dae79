# Tries: to pretend that all cells have run, so that wrong records for the others are taken, and that the run is done.
# Ends: it loses what it jumped over; by_hand, which is run without such code, is right.
# stock: not tried, it speaks the language between our own processes
# points: double=0 pieces=0 slope=0 train_tiny=0 by_hand=0
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
for cell in range(40):
    send({"type": "cell", "cell": cell})
    for exercise in ("double", "pieces", "slope", "by_hand", "train_tiny"):
        send({"type": "record", "cell": cell, "fork": -1}, encode({"record": Record(exercise, tuple(Draw({"": torch.zeros(3, 4)}) for _ in range(3)))}))
    send({"type": "outputs", "cell": cell}, json.dumps([{"output_type": "stream", "name": "stdout", "text": "TRIED"}]).encode())
send({"type": "done"})
os._exit(0)
