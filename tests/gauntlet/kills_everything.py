# Tries: to kill and to stop the warm process, its parent and whatever it is allowed to.
# Ends: inside its namespace PID 1 gets no signal; the rest of the submission is graded.
# answer: pieces append
import os
import signal

if os.getppid() == 1:
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGXCPU, signal.SIGABRT):
        try:
            os.kill(1, number)
        except OSError:
            pass
    try:
        signal.pidfd_send_signal(os.pidfd_open(1), signal.SIGKILL)
    except OSError:
        pass
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.kill(-1, signal.SIGTERM)
print("TRIED")
