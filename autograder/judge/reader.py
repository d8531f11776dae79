"""The reading of names as a program: notebooks' cells in, what they may not use out. It is started in a jail that holds nothing else.

A stranger wrote the text. Python's parser is large, and what it makes of half a megabyte is larger; here each text is read in a fork, which
can take no more time and memory than it is given, and a fault in it reaches nothing.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

from autograder.judge.forbidden import Notebook
from autograder.wall.frames import Reader, WireError, send
from autograder.wall.user import become


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What is to be known of a submission's names.

    Args:
        request: ``cells`` and files ``beside`` as :class:`Notebook` takes them; the numbers of the ``kept`` cells, which are the
            course's own; and ``asked``: for each exercise what it forbids and which cells ask for its answer.

    Returns:
        For each that was asked ``refused`` (why its answer is not taken, or ``None``), the cells ``changed`` for a run without what it forbids,
        whether anything was set ``aside`` for it, and who is to ``blame`` if that run comes out worse.
    """
    notebook = Notebook(request["cells"], request["beside"])
    answers, without = [], {}
    for asked in request["asked"]:
        forbid = tuple(asked["forbid"])
        if forbid not in without:
            without[forbid] = notebook.without(forbid, set(request["kept"]))
        texts, aside = without[forbid]
        changed = {number: text for number, (text, cell) in enumerate(zip(texts, request["cells"])) if text != cell}
        refused = notebook.refusal(forbid, asked["asking"])
        blame = notebook.blamed(forbid, asked["asking"], aside)
        answers.append({"refused": refused, "changed": changed, "aside": bool(aside), "blame": blame})
    return {"answers": answers}


def serve(fd: int, seconds: int, memory: int, largest: int) -> None:
    """Requests in, answers out, until the other side closes the connection; an empty answer where one did not come to its end.

    Args:
        seconds: of the processor for each.
        memory: bytes for each.
        largest: bytes of an answer.
    """
    requests = Reader(fd)
    while True:
        try:
            _, request = requests.receive()
        except WireError:
            return
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(fd)
                os.close(reading)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # warnings about the text: nobody reads them, and a full pipe would hold up all
                resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
                with os.fdopen(writing, "w") as out:
                    json.dump(answer(json.loads(request)), out)
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read(largest + 1)
        _, ended = os.waitpid(pid, 0)
        send(fd, {}, said if ended == 0 and len(said) <= largest else b"")


if __name__ == "__main__":
    *bounds, uid = map(int, sys.argv[1:])
    become(uid)
    serve(*bounds)
