# Tries: to reach a listener of the host by TCP, UDP, a Unix socket in a file and an abstract one.
# Ends: the jail's network is empty.
# answer: double append
import socket

for address in ("127.0.0.1", "localhost", "::1", "0.0.0.0"):
    try:
        socket.create_connection((address, int("@TCP@")), timeout=0.3).sendall(b"tcp")
        print("LOOT tcp", address)
    except OSError:
        pass
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"udp", ("127.0.0.1", int("@UDP@")))
except OSError:
    pass
for name in ("@UNIX@", "\0@ABSTRACT@"):
    try:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(name)
        connection.sendall(b"unix")
        print("LOOT unix", name)
    except OSError:
        pass
print("TRIED")
