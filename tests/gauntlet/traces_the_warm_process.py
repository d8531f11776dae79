# Tries: ptrace, process_vm_writev, /proc/1/mem, prlimit, affinity and priority on the warm process.
# Ends: all refused; the next submission finds the warm process as it was.
# stock: not tried, stock has no warm process
# answer: double append
import ctypes
import os
import resource

libc = ctypes.CDLL(None, use_errno=True)
for request in (16, 0x4206):
    if libc.ptrace(request, 1, 0, 0) == 0:
        print("LOOT ptrace")
buffer = ctypes.create_string_buffer(8)
iov = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
remote = (ctypes.c_void_p * 2)(id(torch), 8)
for call in (libc.process_vm_readv, libc.process_vm_writev):
    if call(1, iov, 1, remote, 1, 0) > 0:
        print("LOOT memory")
for attempt in (
    lambda: open("/proc/1/mem", "r+b").read(1),
    lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3)),
    lambda: resource.prlimit(1, resource.RLIMIT_CPU, (1, 1)),
    lambda: os.sched_setaffinity(1, {0}),
    lambda: os.setpriority(os.PRIO_PROCESS, 1, 19),
    lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19),
):
    try:
        attempt()
        print("LOOT")
    except OSError:
        pass
print("TRIED")
