"""Memory in large pages holds what it held, and a fork still has its own."""

import subprocess
import sys

PROGRAM = """
import os
from autograder.inside.pages import collapse

held = [bytearray([n]) * 1_000_003 for n in range(60)]
done = collapse()
assert done % (2 << 20) == 0 and all(set(part) == {n} for n, part in enumerate(held)), done
pid = os.fork()
if pid == 0:
    for part in held:
        part[:] = bytes(len(part))
    os._exit(0 if not any(map(any, held)) else 1)
assert os.waitpid(pid, 0)[1] == 0 and all(set(part) == {n} for n, part in enumerate(held))
assert collapse() >= done  # once more does no harm
print("as it was")
"""


def test_what_memory_holds_stays_and_a_fork_changes_its_own_alone():
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert ended.stdout == "as it was\n", ended.stderr
