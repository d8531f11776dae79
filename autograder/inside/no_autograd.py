"""A process in which torch computes and differentiates nothing: the wall behind the fence of forbidden names.

Every operation has an autograd kernel, which notes how its result came about, and then calls the one that computes.  Here the former are
replaced by nothing, for all operations and every thread, before a line of a student's runs.  The table that was there is in C++, and
what replaced it is held by nobody in Python, so no Python code can put it back: ``backward`` finds no graph, ``torch.func`` finds zeros.
"""

from __future__ import annotations

import ctypes
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch

KEYS = ("Autograd", "AutogradNestedTensor")  # kernels for all kinds of tensors, and for the one kind that has some of its own


def switch_off() -> None:
    """For good, in this process."""
    with _silence():  # torch warns of each
        for key in KEYS:
            operations = defaultdict(list)
            for name in torch._C._dispatch_get_registrations_for_dispatch_key(key):
                space, _, operation = name.partition("::")
                operations[space].append(operation)
            for space, names in operations.items():
                table = torch._C._dispatch_library("IMPL", space, key, __file__, 0)
                for name in names:
                    table.impl(name, key, torch.library.fallthrough_kernel)
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(table))  # it never ends, and no collector of garbage knows it


@contextmanager
def _silence() -> Iterator[None]:
    """No standard error, also for C++."""
    before, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(null)
