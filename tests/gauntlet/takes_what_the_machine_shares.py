# Tries: what the whole machine has only once: requests for asynchronous reading, watches on files, locks on files of the system, and its crash reporter.
# Ends: none of it can be had in there: refused, or only said to be held; and no crash is reported to anybody.
# answer: double append
import ctypes
import fcntl
import os
import resource

done, libc = [], ctypes.CDLL(None, use_errno=True)
context = ctypes.c_ulong(0)
if libc.syscall(206, 65_000, ctypes.byref(context)) == 0 and context.value:
    done.append("aio")
if libc.inotify_init1(0) >= 0:
    done.append("inotify")
with open(os.__file__) as one, open(os.__file__) as other:
    fcntl.flock(one, fcntl.LOCK_EX)
    try:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        done.append("a lock that others feel")
    try:
        fcntl.fcntl(one, 1026, 1)
        done.append("told of changes")
    except OSError:
        pass
for value in ((0, 0), (0, 1)):
    try:
        resource.setrlimit(resource.RLIMIT_CORE, value)
        done.append("crash reports")
    except (OSError, ValueError):
        pass
if resource.getrlimit(resource.RLIMIT_CORE)[0] != 1:
    done.append("a core")
if os.fork() == 0:
    ctypes.string_at(0)
os.wait()
print("LOOT" if done else "TRIED", done)
