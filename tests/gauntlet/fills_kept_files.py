# Tries: to grow the files that stood in the jail's home before any submission until its disk is full, and to leave a text in them.
# Ends: after each submission everything writable is gone and what it began with is written anew; the next one has its disk.
# answer: double append
# points: train_tiny=0
import random

import numpy as np

_system = random._os
for name in _system.listdir("."):
    _system.unlink(name)
for size in (1 << 24, 1 << 20, 1 << 16, 1 << 12):
    for folder, _, files in _system.walk("/tmp/home"):
        for name in files:
            path = folder + "/" + name
            try:
                while True:
                    np.zeros(_system.stat(path).st_size + size, np.uint8).tofile(path)
            except Exception as error:
                pass
        for name in (folder, *(folder + "/" + name for name in files)):
            try:
                _system.setxattr(name, "user.left", b"LOOT")
            except OSError:
                pass
            try:
                _system.utime(name, (1234567, 1234567))
                _system.chmod(name, 0o700)
            except OSError:
                pass
for root in ("/tmp", "/dev/shm"):
    for change in (lambda: _system.setxattr(root, "user.left", b"LOOT"), lambda: _system.utime(root, (1234567, 1234567)), lambda: _system.chmod(root, 0o755)):
        try:
            change()
        except OSError:
            pass
print("TRIED", _system.statvfs("/tmp").f_bavail)
