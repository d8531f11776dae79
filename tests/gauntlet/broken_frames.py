# Tries: frames with false lengths, deep JSON, no JSON, other types.
# Ends: the cell is ended, the rest is graded.
# stock: not tried, it speaks the language between our own processes
# points: double=0
# says: ended the process
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


send({"type": ["record"], "cell": {}, "fork": []})
send({"type": "end", "reason": "done"})
send({"type": "interrupted"})
send({"type": "ready"})
send({"type": "file", "name": "train_tiny.safetensors"}, b"x")
send({"type": "progress"})
send(b"[" * 100_000)
send(b"\xff" * 100)
