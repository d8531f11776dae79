"""Commands as a user who is not root, for tests that root runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

NAME, UID = "instructor", 23_456


def give(folder: Path) -> None:
    """A folder and all in it to the user."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, UID, UID, follow_symlinks=False)


def run(arguments: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess:
    """The user's command, with this interpreter and this checkout, which may lie in a home that is closed to others.

    The user stands only in the password file that the command sees; nothing on the machine is changed.

    Args:
        folder: where the command runs, and what it finds as its home.
        more: variables of the environment.
    """
    users = folder.parent / "passwd"
    users.write_text(Path("/etc/passwd").read_text() + f"{NAME}:x:{UID}:{UID}::{folder}:/bin/sh\n")
    users.chmod(0o644)
    sandbox = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(users), "/etc/passwd"]
    needed = {Path(p).resolve() for p in (sys.base_prefix, sys.prefix, ROOT, folder)}
    for closed in sorted({home for path in needed if (home := _closed(path))}):
        sandbox += ["--tmpfs", str(closed)]
        for path in sorted(p for p in needed if p.is_relative_to(closed)):
            for parent in reversed([p for p in path.parents if p.is_relative_to(closed) and p != closed]):
                sandbox += ["--perms", "0755", "--dir", str(parent)]
            sandbox += ["--bind", str(path), str(path)]
    becomes = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs"]
    environment = {**os.environ, "HOME": str(folder), "USER": NAME, "LOGNAME": NAME, "PYTHONDONTWRITEBYTECODE": "1", **more}
    return subprocess.run(
        [*sandbox, "--chdir", str(folder), "--", *becomes, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _closed(path: Path) -> Path | None:
    """The outermost folder above a path that only its owner may enter."""
    return next((p for p in reversed(path.parents) if not p.stat().st_mode & 1), None)
