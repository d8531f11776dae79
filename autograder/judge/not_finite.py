"""Where a NaN or an infinity of a wrong answer begins, in a sentence, by what was seen when the probe ran once more beside it."""

from __future__ import annotations

from typing import Any

from autograder.wall.record import Record

ANYWHERE = "Look for a division by zero, the logarithm of zero, or an exponential that overflows."
KINDS = {
    "exponential": "an exponential overflows: in float32, exp of a number beyond 88 is infinity",
    "logarithm of zero": "a logarithm is taken of 0. Look at where that 0 comes from",
    "logarithm of a negative number": "a logarithm is taken of a negative number",
    "zero by zero": "0 is divided by 0. Look at where the lower one comes from",
    "by zero": "a number is divided by 0. Look at where that 0 comes from",
    "root of a negative number": "a root is taken of a negative number",
    "mean of nothing": "a mean is taken of no number at all",
    "spread of one number": "a variance is taken of a single number, where n - 1 is 0",
    "other": "a result is not finite although all that goes into it is",
}
OF = "Look at where that 0 comes from"
VANISHED = {
    "product": "That 0 is a product of many numbers below 1, too small for float32: none of them is 0",
    "exponential": "That 0 is an exponential of a number far below 0, too small for float32",
    "softmax": "That 0 is a softmax of logits far apart, too small for float32",
    "sigmoid": "That 0 is a sigmoid of a number far below 0, too small for float32",
}
LONGEST = 100  # characters of a line that are quoted


def told(message: str, record: Record) -> str:
    """A message in which the place stands instead of the usual suspects, where it is known."""
    return message.replace(ANYWHERE, said) if ANYWHERE in message and (said := _place(record)) else message


def _place(record: Record) -> str:
    """The facts are a stranger's words: what is none of ours is not said."""
    looks = record.facts.get("looks")
    found: Any = looks.get("not finite") if isinstance(looks, dict) else None
    if not isinstance(found, dict) or type(line := found.get("line")) is not int or line < 1:
        return ""
    kind, text = found.get("kind"), found.get("text")
    if not isinstance(kind, str) or kind not in KINDS:
        return ""
    quoted = f" (`{text}`)" if isinstance(text, str) and 0 < len(text) <= LONGEST else ""
    of = found.get("of")
    what = KINDS[kind].replace(OF, VANISHED[of]) if isinstance(of, str) and of in VANISHED else KINDS[kind]
    return f"It begins in line {line} of your cell{quoted}: there {what}."
