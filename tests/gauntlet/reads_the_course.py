# Tries: to read the solutions, the built answers, the secret, the gradebook and other submissions by their paths.
# Ends: none of them exists in the jail.
# answer: double append
import glob
import os

for place in ("build/source/*/*.ipynb", "build/extras/*", "build/answers/*", ".autograder_secret", "gradebook.db", "submitted/*/*/*", "course.yml", "solutions/*"):
    for path in glob.glob(f"@COURSE@/{place}"):
        try:
            print("LOOT", path, len(open(path, "rb").read()))
        except OSError:
            pass
for folder, inner, names_ in os.walk("/"):
    inner[:] = [name for name in inner if name not in ("proc", "sys", "usr", "lib", "bin", "share")]
    for name in names_:
        if name in ("gradebook.db", ".autograder_secret", "course.yml"):
            print("LOOT", folder, name)
print("TRIED")
