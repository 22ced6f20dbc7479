"""WhatsApp as a test sees it: signed webhooks in, a little Graph API that records what goes out."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "the-app-secret"
NUMBER_ID = "106540352242922"
ACCOUNT_ID = "102290129340398"


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def envelope(
    value: dict[str, Any],
    *,
    number_id: str = NUMBER_ID,
    account_id: str = ACCOUNT_ID,
    field: str = "messages",
) -> dict[str, Any]:
    meta = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number_id},
    }
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": account_id, "changes": [{"field": field, "value": {**meta, **value}}]}],
    }


def text(
    body: str,
    *,
    wamid: str,
    sender: str = "2348061112222",
    name: str = "Ngozi",
    at: float | None = None,
    number_id: str = NUMBER_ID,
) -> dict[str, Any]:
    return envelope(
        {
            "contacts": [{"profile": {"name": name}, "wa_id": sender}],
            "messages": [
                {
                    "from": sender,
                    "id": wamid,
                    "timestamp": str(int(at if at is not None else time.time())),
                    "type": "text",
                    "text": {"body": body},
                }
            ],
        },
        number_id=number_id,
    )


def status(
    wamid: str,
    word: str,
    *,
    recipient: str = "2348061112222",
    opaque: str = "",
    code: int = 0,
    at: float | None = None,
) -> dict[str, Any]:
    inner: dict[str, Any] = {
        "id": wamid,
        "status": word,
        "timestamp": str(int(at if at is not None else time.time())),
        "recipient_id": recipient,
    }
    if opaque:
        inner["biz_opaque_callback_data"] = opaque
    if code:
        inner["errors"] = [
            {"code": code, "title": "failed", "error_data": {"details": "it failed"}}
        ]
    return envelope({"statuses": [inner]})


def post(
    client: Any,
    payload: dict[str, Any] | bytes,
    *,
    secret: str = SECRET,
    signature: str | None = None,
) -> Any:
    """Post a webhook through Django's test client."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return client.post(
        "/webhooks/whatsapp/",
        data=body,
        content_type="application/json",
        headers={"x-hub-signature-256": sign(body, secret) if signature is None else signature},
    )


class Graph:
    """A Graph API on 127.0.0.1: records requests, answers as told."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: list[Callable[[], tuple[int, dict[str, Any]]]] = []
        self.lock = threading.Lock()
        self.count = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with outer.lock:
                    outer.requests.append(
                        {
                            "path": self.path,
                            "auth": self.headers.get("Authorization", ""),
                            "json": json.loads(body or b"{}"),
                            "at": time.perf_counter(),
                        }
                    )
                    outer.count += 1
                    outer.requests[-1]["wamid"] = f"wamid.OUT{outer.count}"
                    answer = outer.answers.pop(0) if outer.answers else None
                    wamid = f"wamid.OUT{outer.count}"
                code, data = (
                    answer()
                    if answer
                    else (200, {"messaging_product": "whatsapp", "messages": [{"id": wamid}]})
                )
                raw = json.dumps(data).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                with suppress(BrokenPipeError, ConnectionResetError):  # the caller was killed
                    self.wfile.write(raw)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def refuse(self, code: int, *, status: int = 400, times: int = 1) -> None:
        """Answer the next requests with Meta's error of this code."""
        data = {
            "error": {"message": "no", "type": "OAuthException", "code": code, "fbtrace_id": "T"}
        }
        self.answers += [lambda: (status, data)] * times

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was sent to customers, without read marks."""
        return [
            {**r["json"], "wamid": r["wamid"]} for r in self.requests if "status" not in r["json"]
        ]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def graph() -> Iterator[Graph]:
    api = Graph()
    try:
        yield api
    finally:
        api.close()
