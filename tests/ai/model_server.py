"""A server that speaks the chat completions API of OpenAI and misbehaves as its path says."""

import json
import socket
import time
from collections import Counter
from typing import Any

from tests.lib import sockets


def answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "Connection: close", "", ""]).encode() + body


PHRASINGS = '["how much una dey carry am", "see https://evil.example", 7, "delivery fee?"]'


def completion(content: str = '{"verdict": "answer", "entries": [1]}', **changes: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    document = {
        "id": "x",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 12, "total_tokens": 112},
        **changes,
    }
    return json.dumps(document).encode()


def _error(code: str) -> bytes:
    return json.dumps({"error": {"message": "no", "type": code, "code": code}}).encode()


def _drips(visitor: socket.socket) -> None:
    visitor.sendall(answer("200 OK", completion())[:-200])
    while True:
        visitor.sendall(b" ")
        time.sleep(0.05)


FAULTS: dict[str, bytes] = {
    "ok": answer("200 OK", completion()),
    "throttled": answer("429 Too Many Requests", _error("rate_limit"), "Retry-After: 30"),
    "broken": answer("500 Internal Server Error", _error("server")),
    "unauthorised": answer("401 Unauthorized", _error("invalid_api_key")),
    "cut": answer("200 OK", completion()[:60]),
    "html": answer("200 OK", b"<html>busy</html>"),
    "no-choices": answer("200 OK", completion(choices=[])),
    "no-content": answer(
        "200 OK",
        completion(choices=[{"index": 0, "message": {"role": "assistant", "content": None}, "finish_reason": "stop"}]),
    ),
    "length": answer(
        "200 OK",
        completion(choices=[{"index": 0, "message": {"role": "assistant", "content": "{"}, "finish_reason": "length"}]),
    ),
    "phrasings": answer("200 OK", completion(PHRASINGS)),
    "no-usage": answer("200 OK", completion(usage=None)),
}  # fmt: skip


def talk(visitor: socket.socket, hits: Counter[str]) -> None:
    """Behave as the first part of the asked path says, and count who asked."""
    head = sockets.hears(visitor)
    if not head:
        return
    path = head.split(b" ", 2)[1].decode().split("/")[1]
    hits[path] += 1
    if path == "hang":
        sockets.hangs(visitor)
    elif path == "drip":
        _drips(visitor)
    else:
        visitor.sendall(FAULTS[path])
