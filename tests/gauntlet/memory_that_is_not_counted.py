# Tries: memory that is in no process's account: shared pages that nobody maps any more, /dev/zero mapped, pages given to a pipe, full sockets, locks on single bytes.
# Ends: shared pages without a file are refused, and so is what gives pages away or makes sockets large; sockets are counted; locks are only said to be held.
# answer: double append
import ctypes
import fcntl
import mmap
import os
import socket

done = []


def attempt(what, do):
    try:
        if do():
            done.append(what)
    except (OSError, ValueError, AttributeError) as error:
        print(what, error)


def shared(*where):
    area = mmap.mmap(*where, 300 << 20, mmap.MAP_SHARED | (mmap.MAP_ANONYMOUS if where == (-1,) else 0))
    for at in range(0, 300 << 20, 1 << 24):
        area[at : at + (1 << 24)] = b"x" * (1 << 24)
        area.madvise(mmap.MADV_DONTNEED, at, 1 << 24)
    return area[5] == ord("x")


def given_to_a_pipe():
    into, out = os.pipe()
    page = ctypes.create_string_buffer(b"x" * 4096)
    piece = (ctypes.c_size_t * 2)(ctypes.addressof(page), 4096)
    return ctypes.CDLL(None, use_errno=True).vmsplice(out, piece, ctypes.c_size_t(1), 8) > 0


def large_sockets():
    one, other = socket.socketpair()
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
    sent = 0
    try:
        while True:
            sent += one.send(b"x" * (1 << 16))
    except BlockingIOError:
        return sent > 1 << 20


def locks():
    with open("locked", "wb") as file:
        for byte in range(1_000):
            fcntl.lockf(file, fcntl.LOCK_EX, 1, 2 * byte)
    return len(open("/proc/locks").readlines()) > 500


attempt("shared pages", lambda: shared(-1))
attempt("zero", lambda: shared(os.open("/dev/zero", os.O_RDWR)))
attempt("pages in a pipe", given_to_a_pipe)
attempt("network sockets", lambda: socket.socket(socket.AF_INET))
attempt("large sockets", large_sockets)
attempt("locks", locks)
print("LOOT" if done else "TRIED", done)
