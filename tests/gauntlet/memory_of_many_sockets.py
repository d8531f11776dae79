# Tries: a gigabyte in the buffers of sockets, half a megabyte in each, in several processes.
# Ends: sockets are counted, and the cell that opens so many is stopped.
# answer: double append
# says: opened more sockets than any notebook needs
# points: double=0
# ran: no
import os
import socket
import time

for _ in range(12):
    if os.fork() == 0:
        pairs = []
        for _ in range(100):
            one, other = socket.socketpair()
            one.setblocking(False)
            try:
                while True:
                    one.send(b"x" * 4096)
            except OSError:
                pairs.append((one, other))
        time.sleep(60)
        os._exit(0)
time.sleep(30)
print("LO" + "OT: so many sockets stayed open")
