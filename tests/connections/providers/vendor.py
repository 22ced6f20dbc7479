"""A vendor on 127.0.0.1: answers what it is told to, remembers what it was asked."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What the vendor says. `behaviour`: answer, hang (until it stops) or drop the line."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    behaviour: str = "answer"


@dataclass(frozen=True)
class Asked:
    """What the vendor was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Vendor:
    """A running server; `url` is its address."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.reply = Reply(body={})
        self.asked: list[Asked] = []
        self.is_stopping = threading.Event()


@contextmanager
def running() -> Iterator[Vendor]:
    """Run a vendor for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            written = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(written) if written else None
            vendor.asked.append(Asked(self.command, self.path, headers, body))
            reply = vendor.reply
            if reply.behaviour == "hang":
                vendor.is_stopping.wait(5)
            if reply.behaviour in ("hang", "drop"):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    vendor = Vendor(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield vendor
    finally:
        vendor.is_stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
