"""What crosses the wall: frames of a JSON header and bytes, both bounded; nothing is ever unpickled."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

LENGTHS = struct.Struct(">II")  # of the header and of the payload
MAX_HEADER = 1 << 20
MAX_PAYLOAD = 1 << 29


class WireError(Exception):
    """The other side is gone, or sent something that is not a frame."""


def send(fd: int, header: dict[str, Any], payload: bytes = b"") -> None:
    """Write one frame."""
    head = json.dumps(header).encode()
    data = memoryview(LENGTHS.pack(len(head), len(payload)) + head + payload)
    while data:
        data = data[os.write(fd, data) :]


def receive(fd: int, max_payload: int = MAX_PAYLOAD) -> tuple[dict[str, Any], bytes]:
    """Read one frame.

    Raises:
        WireError: end of file, a length beyond its bound, or a header that is no JSON object.
    """
    header_size, payload_size = LENGTHS.unpack(_exactly(fd, LENGTHS.size))
    if header_size > MAX_HEADER or payload_size > max_payload:
        raise WireError("a frame is too long")
    try:
        header = json.loads(_exactly(fd, header_size))
    except (ValueError, RecursionError) as error:
        raise WireError(f"a header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise WireError("a header is not an object")
    return header, _exactly(fd, payload_size)


def _exactly(fd: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = os.read(fd, min(size - len(data), 1 << 20))
        if not part:
            raise WireError("the other side has closed the connection")
        data += part
    return bytes(data)
