# Tries: sockets that no network namespace holds: vsock to the hypervisor, netlink, packet, the kernel's crypto.
# Ends: such a socket cannot be made.
# answer: double append
import socket

for family, kind in ((40, 1), (16, 3), (17, 3), (38, 5), (15, 3), (29, 3), (31, 1), (44, 3), (1 << 32 | 40, 1)):
    try:
        socket.socket(family & 0xFFFFFFFF, kind)
        print("LOOT", family)
    except OSError:
        pass
print("TRIED")
