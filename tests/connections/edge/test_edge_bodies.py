"""Whatever knocks at the front door: forged, huge, in pieces, slow, cut off, not for us at all."""

import json
import socket
from contextlib import suppress

import pytest

from tests import whatsapp
from tests.connections.edge.doors import PATH, Edge, ask, edge, kept
from tests.house import House, wait_until

pytestmark = pytest.mark.processes


def head(body: bytes, secret: str, *, length: str = "", chunked: bool = False) -> bytes:
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length or len(body)}"
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: {whatsapp.sign(body, secret)}\r\n"
        f"Connection: close\r\n{framing}\r\n\r\n"
    ).encode()


def say(door: Edge, *parts: bytes, seconds: float = 20, half_close: bool = False) -> bytes:
    """Write `parts` to the door and return all that it answers."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=seconds) as line:
        heard = b""
        with suppress(OSError):
            for part in parts:
                line.sendall(part)
            if half_close:
                line.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while data := line.recv(65_536):
                heard += data
    return heard


def status_of(heard: bytes) -> int:
    return int(heard[9:12] or 0)


@pytest.mark.parametrize(
    "signature", ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "0" * 64]
)
def test_what_nobody_signed_is_refused_and_not_stored(
    house: House, door: Edge, wamid: str, signature: str
) -> None:
    body = json.dumps(whatsapp.text("hi", wamid=wamid)).encode()

    answer = ask(door.url, body=body, headers={"X-Hub-Signature-256": signature})

    assert (answer.status, answer.code) == (401, "bad_signature")
    assert kept(house, wamid) == []


def test_a_signature_holds_for_the_bytes(house: House, door: Edge, wamid: str) -> None:
    body = json.dumps(whatsapp.text("hi", wamid=wamid)).encode()

    answer = ask(
        door.url,
        body=body + b" ",
        headers={"X-Hub-Signature-256": whatsapp.sign(body, house.secret)},
    )

    assert answer.status == 401
    assert kept(house, wamid) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b"{}", b"[" * 99_999])
def test_what_is_no_update_is_400(door: Edge, body: bytes) -> None:
    assert door.post(body).status == 400


def test_a_huge_body_is_refused_and_its_sender_reads_why(house: House, door: Edge) -> None:
    answer = door.post(b'{"entry":"' + b"x" * (4 * 1024 * 1024) + b'"}')

    assert (answer.status, answer.code) == (413, "too_large")


def test_a_huge_body_in_pieces_is_refused(house: House, door: Edge) -> None:
    piece = b"%x\r\n" % 65_536 + b"x" * 65_536 + b"\r\n"
    body = b"never read"

    heard = say(door, head(body, house.secret, chunked=True), *[piece] * 60, b"0\r\n\r\n")

    assert status_of(heard) == 413


def test_a_body_in_pieces_is_taken(house: House, door: Edge, wamid: str) -> None:
    body = json.dumps(whatsapp.text("hi", wamid=wamid)).encode()
    pieces = [b"%x\r\n" % 1 + body[n : n + 1] + b"\r\n" for n in range(len(body))]

    heard = say(door, head(body, house.secret, chunked=True), *pieces, b"0\r\n\r\n")

    assert status_of(heard) == 200
    assert kept(house, wamid) == [wamid]


def test_a_large_batch_is_taken_whole(house: House, door: Edge, wamid: str) -> None:
    payload = whatsapp.text("x", wamid="x")
    value = payload["entry"][0]["changes"][0]["value"]
    value["contacts"] = []
    names = [f"{wamid}-{n:04d}" for n in range(1_000)]
    value["messages"] = [
        {"from": f"23480{n:08d}", "id": name, "type": "text", "text": {"body": "x" * 300}}
        for n, name in enumerate(names)
    ]

    assert door.post(payload).status == 200
    assert kept(house, *names) == names


@pytest.mark.parametrize("length", ["abc", "-5", "1e9", "9" * 25])
def test_a_nonsensical_length_is_refused(house: House, door: Edge, length: str) -> None:
    heard = say(door, head(b"", house.secret, length=length), half_close=True)

    assert status_of(heard) in (400, 413)


def test_a_slow_body_is_ended(house: House, wamid: str) -> None:
    body = json.dumps(whatsapp.text("hi", wamid=wamid)).encode()
    with edge(house, EDGE_BODY_SECONDS="0.3") as strict:
        heard = say(strict, head(body, house.secret), body[:50])

        assert status_of(heard) == 408
        assert strict.post(body).status == 200


def test_a_body_that_was_cut_off_stores_nothing_and_holds_nothing(house: House, wamid: str) -> None:
    body = json.dumps(whatsapp.text("x" * 500, wamid=f"{wamid}-cut")).encode()
    with edge(house, EDGE_MAX_BYTES="3000") as small:
        for _ in range(20):  # if their bytes were not given back, the next ones would be refused
            with socket.create_connection(("127.0.0.1", small.port)) as line:
                line.sendall(head(body, house.secret) + body[:-200])
        wait_until(
            lambda: small.post(whatsapp.text("hi", wamid=wamid)).status == 200, "there is room"
        )

    assert kept(house, wamid, f"{wamid}-cut") == [wamid]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(door: Edge, method: str) -> None:
    answer = ask(door.url, method=method)

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("path", ["/", "/webhooks/whatsapp", "/w/shop/", "/admin/", "/x%00y"])
def test_there_is_nothing_else_here(door: Edge, path: str) -> None:
    assert ask(door.url, method="GET", path=path).status == 404


def test_the_challenge_comes_back_bare_for_the_right_token_only(house: House) -> None:
    asked = "?hub.mode=subscribe&hub.challenge=115820&hub.verify_token="
    with edge(house, WHATSAPP_VERIFY_TOKEN="right one") as running:

        def challenge(query: str) -> tuple[int, bytes]:
            answer = ask(running.url, method="GET", path=PATH + query)
            return answer.status, answer.body

        right = challenge(asked + "right+one")
        wrong = [
            challenge(asked + token)[0]
            for token in ("", "right", "RIGHT+ONE", "%ff", "1-", "9-x", "right+one&hub.mode=x")
        ]
        many = challenge("?" + "&".join(f"a{n}=1" for n in range(500)))[0]
        long = challenge(asked.replace("115820", "9" * 201) + "right+one")[0]

    assert right == (200, b"115820")
    assert wrong == [403] * 7
    assert (many, long) == (403, 403)


def test_refusals_are_counted_in_the_log_and_not_told_one_by_one(house: House, wamid: str) -> None:
    with edge(house) as flooded:
        body = json.dumps(whatsapp.text("secret words", wamid=wamid)).encode()
        for _ in range(300):
            ask(flooded.url, body=body, headers={"X-Hub-Signature-256": "sha256=" + "0" * 64})
        flooded.terminate()

    lines = flooded.lines("connections.webhook.refused")
    assert sum(line["count"] for line in lines) == 300
    assert len(lines) < 10
    assert "secret words" not in flooded.log.read_text()
