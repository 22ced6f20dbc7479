"""Little servers on 127.0.0.1 that misbehave in one chosen way."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[[socket.socket], None]


class Server:
    """Counts who came, and talks to each as told."""

    def __init__(self, talk: Talk) -> None:
        self.count = 0
        self._talk = talk
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                visitor, _ = self._socket.accept()
                self.count += 1
                threading.Thread(target=self._one, args=(visitor,), daemon=True).start()

    def _one(self, visitor: socket.socket) -> None:
        with suppress(OSError), visitor:
            self._talk(visitor)

    def close(self) -> None:
        self._socket.close()


@contextmanager
def serving(talk: Talk) -> Iterator[Server]:
    server = Server(talk)
    try:
        yield server
    finally:
        server.close()


def hears(visitor: socket.socket) -> bytes:
    """Read a request's head (and whatever of its body came along)."""
    return visitor.recv(65_536)


def says(raw: bytes) -> Talk:
    def talk(visitor: socket.socket) -> None:
        hears(visitor)
        visitor.sendall(raw)

    return talk


def drips(head: bytes, *, seconds_between: float = 0.05) -> Talk:
    """Send `head`, then a byte now and then, without end."""

    def talk(visitor: socket.socket) -> None:
        hears(visitor)
        visitor.sendall(head)
        while True:
            visitor.sendall(b"x")
            time.sleep(seconds_between)

    return talk


def hangs(visitor: socket.socket) -> None:
    """Take the request and say nothing."""
    hears(visitor)
    while visitor.recv(1024):
        pass
