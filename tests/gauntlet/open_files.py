# Tries: as many open files as it can get.
# Ends: an error that names the limit.
# points: double=0
# says: (open_files)
print("TRIED")
held = [open("/dev/null") for _ in range(100_000)]
