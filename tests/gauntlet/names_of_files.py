# Tries: symbolic links to the gradebook, to a folder and to itself, a fifo, an endless timestamp, a page, a file that looks like the kit, odd names.
# Ends: only plain files go in, by their plain names.
# files: tricks
# answer: double append
import os

for name in os.listdir("."):
    if "secret" in name or "link" in name:
        print("LOOT", name)
print("TRIED")
