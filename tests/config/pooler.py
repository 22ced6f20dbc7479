"""A small transaction pooler: after each transaction, a session's next may get another backend."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Pooler:
    """Listens on 127.0.0.1; every login brings a backend into the pool that all share."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._idle: list[socket.socket] = []
        self._free = threading.Condition()
        address = f"127.0.0.1:{self._door.getsockname()[1]}"
        self.url = url.replace(f"{parts.hostname}:{parts.port}", address)
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        for each in [self._door, *self._idle]:
            each.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            backend = socket.create_connection(self._server)
            self._log_in(client, backend)
            self._give_back(backend)
            while True:
                first = _message(client)
                if first[:1] == b"X":
                    client.close()
                    return
                backend = self._take()
                state = self._exchange(client, backend, first)
                while state != b"I":
                    state = self._exchange(client, backend, _message(client))
                self._give_back(backend)

    def _take(self) -> socket.socket:
        with self._free:
            self._free.wait_for(lambda: self._idle, timeout=10)
            return self._idle.pop()

    def _give_back(self, backend: socket.socket) -> None:
        with self._free:
            self._idle.append(backend)
            self._free.notify()

    def _log_in(self, client: socket.socket, backend: socket.socket) -> None:
        head = _exactly(client, 4)
        body = _exactly(client, int.from_bytes(head) - 4)
        while body[:4] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):  # asks for TLS, or GSS
            client.sendall(b"N")
            head = _exactly(client, 4)
            body = _exactly(client, int.from_bytes(head) - 4)
        backend.sendall(head + body)
        while (answer := _message(backend))[:1] != b"Z":
            client.sendall(answer)
            asks = answer[:1] == b"R" and int.from_bytes(answer[5:9]) not in (0, 12)
            if asks:
                backend.sendall(_message(client))
        client.sendall(answer)

    def _exchange(self, client: socket.socket, backend: socket.socket, first: bytes) -> bytes:
        """Pass on one round; return the state of the transaction after it."""
        backend.sendall(first)
        while first[:1] not in (b"Q", b"S"):
            first = _message(client)
            backend.sendall(first)
        while (answer := _message(backend))[:1] != b"Z":
            client.sendall(answer)
        client.sendall(answer)
        return answer[5:6]


def _message(line: socket.socket) -> bytes:
    head = _exactly(line, 5)
    return head + _exactly(line, int.from_bytes(head[1:]) - 4)


def _exactly(line: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = line.recv(count - len(found))
        if not more:
            raise EOFError
        found += more
    return found
