# Tries: to leave processes, files, closed folders, shared memory, an edited kit, odd limits and settings to the next submission.
# Ends: all is gone; only its own points have suffered.
# answer: double append
# points: double=0 pieces=0 slope=0 by_hand=0 train_tiny=0
import os
import resource
import sys
import time

for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                time.sleep(0.01)
                open("/tmp/poison", "w").close()
        os._exit(0)
for place in ("/tmp", "/dev/shm", os.environ["HOME"], "/tmp/submission"):
    os.makedirs(f"{place}/poison.d/closed", exist_ok=True)
    open(f"{place}/poison.py", "w").write("print('LOOT')")
    open(f"{place}/sitecustomize.py", "w").write("print('LOOT')")
    os.symlink("/", f"{place}/poison.link")
    os.mkfifo(f"{place}/poison.fifo")
    os.chmod(f"{place}/poison.d/closed", 0)
torch.manual_seed = torch.randn = None
sys.modules["safetensors"] = None
os.environ["LD_PRELOAD"] = "/tmp/poison.so"
os.nice(10)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
print("TRIED")
