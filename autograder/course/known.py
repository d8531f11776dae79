"""The one list of names that ``course.yml``'s bands were measured on, and what lecture files may state numbers of: 2018's, split with seed 42."""

from __future__ import annotations

import hashlib

DIGEST = "bd02dfd33179e23ec2dd093cbd4de619834f75d660ef1ae04d3127e7a0110053"  # sha256 of its names, one a line
SPLIT_SEED = 42

# What follows comes from that list by the kit's own functions; tests/test_another_list.py derives it anew.
TRAIN_ROWS = 183_802  # predictions in its training split
ENTROPY = 2.8224  # nats, of single symbols: what is left for a model that sees no context
COUNTED = {  # nats: the best smoothed table of at most 1, 2 and 3 symbols of context, see thresholds.counting_loss; longer ones are no better
    "dev": (2.4714, 2.2395, 2.1134),
    "test": (2.4564, 2.2257, 2.1079),
}


def is_known(text: str, seed: int) -> bool:
    """Whether a text of names, one a line, is the known list, and ``seed`` splits it as it was."""
    return seed == SPLIT_SEED and hashlib.sha256(f"{text.removesuffix(chr(10))}\n".encode()).hexdigest() == DIGEST
