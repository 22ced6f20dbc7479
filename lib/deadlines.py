"""A deadline for a whole answer: a socket's own timeout counts for every read anew."""

import io
import socket as sockets
import threading
import time
from contextlib import suppress
from socket import IPPROTO_TCP, SocketIO, socket
from typing import Any

_QUICK_ACK: int | None = getattr(sockets, "TCP_QUICKACK", None)  # Linux
_local = threading.local()


def begin(seconds: float) -> None:
    """Give this thread's next call so long, whatever it waits for."""
    _local.deadline = time.monotonic() + seconds


def left() -> float:
    """Return how many seconds are left. Raises TimeoutError when there are none."""
    seconds: float = _local.deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("The answer took too long.")
    return seconds


class _TimedReader(io.RawIOBase):
    """Reads a socket until the call's deadline."""

    def __init__(self, source: socket) -> None:
        self._socket = source
        self._raw: SocketIO = source.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(left())
        if _QUICK_ACK is not None:
            # A server that sends head and body apart waits 40 ms for our ACK of the first.
            with suppress(OSError):
                self._socket.setsockopt(IPPROTO_TCP, _QUICK_ACK, 1)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class Line:
    """A socket that answers are read from in time."""

    def __init__(self, source: socket) -> None:
        self.socket = source

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return what http.client reads an answer from."""
        return io.BufferedReader(_TimedReader(self.socket))
