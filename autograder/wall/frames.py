"""What crosses the wall: frames of a JSON header and bytes, both bounded; nothing is ever unpickled."""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any, overload

LENGTHS = struct.Struct(">II")  # of the header and of the payload
MAX_HEADER = 1 << 20
MAX_PAYLOAD = 1 << 29
PATIENCE = 3  # times its seconds a notebook may take on a machine whose processors others have; then each side gives the run up
Frame = tuple[dict[str, Any], bytes]


class WireError(Exception):
    """The other side is gone, or sent something that is not a frame."""


def send(fd: int, header: dict[str, Any], payload: bytes = b"") -> None:
    """Write one frame."""
    head = json.dumps(header).encode()
    data = memoryview(LENGTHS.pack(len(head), len(payload)) + head + payload)
    while data:
        data = data[os.write(fd, data) :]


class Reader:
    """Frames as they come: who stops in the middle of one holds up nobody."""

    def __init__(self, fd: int, max_payload: int = MAX_PAYLOAD, max_header: int = MAX_HEADER) -> None:
        self.fd, self.max_payload, self.max_header = fd, max_payload, max_header
        self.buffer = bytearray()
        self.poll = select.poll()
        self.poll.register(fd, select.POLLIN)

    @overload
    def receive(self, until: None = None) -> Frame: ...

    @overload
    def receive(self, until: float) -> Frame | None: ...

    def receive(self, until: float | None = None) -> Frame | None:
        """The next frame, or ``None`` if none has come by ``until`` (of ``time.monotonic``; for ever unless told).

        Raises:
            WireError: end of file, a length beyond its bound, or a header that is no JSON object.
        """
        while (frame := self._frame()) is None:
            wait = None if until is None else max(0.0, until - time.monotonic()) * 1000
            if not self.poll.poll(wait):
                return None
            part = os.read(self.fd, 1 << 20)
            if not part:
                raise WireError("the other side has closed the connection")
            self.buffer += part
        return frame

    def _frame(self) -> Frame | None:
        """A frame that has come in whole, taken out of the buffer."""
        if len(self.buffer) < LENGTHS.size:
            return None
        header_size, payload_size = LENGTHS.unpack_from(self.buffer)
        if header_size > self.max_header or payload_size > self.max_payload:
            raise WireError("a frame is too long")
        begin, end = LENGTHS.size + header_size, LENGTHS.size + header_size + payload_size
        if len(self.buffer) < end:
            return None
        head, payload = bytes(self.buffer[LENGTHS.size : begin]), bytes(self.buffer[begin:end])
        del self.buffer[:end]
        try:
            header = json.loads(head)
        except (ValueError, RecursionError) as error:
            raise WireError(f"a header is not JSON: {error}") from None
        if not isinstance(header, dict):
            raise WireError("a header is not an object")
        return header, payload
