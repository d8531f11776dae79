# Tries: to change its grade, a classmate's submission, the kit, the interpreter and files that anybody may write.
# Ends: nothing outside can be written, nor inside beyond /tmp and /dev/shm.
# answer: double append
import os
import sys

import numpy

import autograder

for path in (
    "@COURSE@/CANARY",
    "@COURSE@/gradebook.db",
    f"{os.path.dirname(autograder.__file__)}/planted.py",
    f"{os.path.dirname(numpy.__file__)}/planted.py",
    f"{sys.prefix}/planted",
    "/kit/planted",
    "/planted",
    "/dev/planted",
    "/etc/planted",
):
    try:
        with open(path, "ab") as file:
            file.write(b"planted")
        print("LOOT", path)
    except OSError:
        pass
print("TRIED")
