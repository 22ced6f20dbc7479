"""The one door for outgoing HTTP: every way an answer can fail to come."""

import socket
import time

import pytest

from lib import http
from tests.lib import sockets

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def get(url: str, *, seconds: float = 0.4) -> http.Answer:
    return http.call("POST", url, json={"a": 1}, timeout_seconds=seconds)


def test_a_json_object_is_read_whatever_the_status() -> None:
    raw = b'HTTP/1.1 418 Teapot\r\nX-Kind: Pot\r\nContent-Length: 8\r\n\r\n{"a": 1}'
    with sockets.serving(sockets.says(raw)) as server:
        answer = get(server.url)

    assert (answer.status, answer.ok, answer.data) == (418, False, {"a": 1})
    assert answer.headers["x-kind"] == "Pot"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1, 2]", b'"text"', b"{", b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_no_json_object_reads_as_an_empty_one(body: bytes) -> None:
    raw = OK + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    with sockets.serving(sockets.says(raw)) as server:
        answer = get(server.url)

    assert (answer.status, answer.data) == (200, {})


def test_a_refused_connection_was_not_sent() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"

    with pytest.raises(http.UnableToReach) as caught:
        get(url)

    assert caught.value.was_sent is False


@pytest.mark.parametrize(
    "url", ["graph.example", "htp://x/", "http://", "http://a b/", "http://[::"]
)
def test_an_address_that_is_none_was_not_sent(url: str) -> None:
    with pytest.raises(http.UnableToReach) as caught:
        get(url)

    assert caught.value.was_sent is False


def test_a_header_that_cannot_be_written_was_not_sent() -> None:
    with pytest.raises(http.UnableToReach) as caught:
        http.call("GET", "http://127.0.0.1:1/", headers={"a": "b\r\nc"}, timeout_seconds=1)

    assert caught.value.was_sent is False


SLOW = {
    "nothing": sockets.hangs,
    "a dripping status line": sockets.drips(b""),
    "a dripping header": sockets.drips(b"HTTP/1.1 200 OK\r\nX-Long: "),
    "a dripping body": sockets.drips(OK + b"Content-Length: 100000\r\n\r\n"),
    "a dripping body without a length": sockets.drips(OK + b"\r\n"),
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_slow_answer_ends_at_the_deadline(kind: str) -> None:
    with sockets.serving(SLOW[kind]) as server:
        started = time.monotonic()
        with pytest.raises(http.UnableToReach) as caught:
            get(server.url)
        elapsed = time.monotonic() - started

    assert caught.value.was_sent is True
    assert 0.35 < elapsed < 0.7
    assert server.count == 1


def test_an_answer_cut_in_the_middle_may_have_been_acted_on() -> None:
    cut = OK + b'Content-Length: 100\r\n\r\n{"a":'
    with sockets.serving(sockets.says(cut)) as server, pytest.raises(http.UnableToReach) as caught:
        get(server.url)

    assert caught.value.was_sent is True


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    def talk(visitor: socket.socket) -> None:
        sockets.hears(visitor)
        visitor.sendall(OK + b"\r\n")
        while True:
            visitor.sendall(b"x" * 65_536)

    with sockets.serving(talk) as server, pytest.raises(http.UnableToReach, match="too long"):
        get(server.url, seconds=10)


def test_a_redirect_is_not_followed() -> None:
    raw = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with sockets.serving(sockets.says(raw)) as server:
        assert get(server.url).status == 302


def test_a_kept_connection_carries_the_next_call_with_a_new_deadline() -> None:
    def talk(visitor: socket.socket) -> None:
        for _ in range(3):
            sockets.hears(visitor)
            time.sleep(0.2)
            visitor.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    with sockets.serving(talk) as server:
        answers = [get(server.url) for _ in range(3)]

    assert [a.status for a in answers] == [200, 200, 200]
    assert server.count == 1


def test_a_line_that_the_other_side_has_closed_is_not_used_again() -> None:
    raw = OK + b"Content-Length: 2\r\n\r\n{}"
    with sockets.serving(sockets.says(raw)) as server:  # says it once and hangs up
        get(server.url)
        time.sleep(0.1)
        answer = get(server.url)

    assert answer.status == 200
    assert server.count == 2


def test_a_line_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def talk(visitor: socket.socket) -> None:
        while sockets.hears(visitor):
            visitor.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    monkeypatch.setattr(http, "_IDLE_SECONDS", 0.0)
    with sockets.serving(talk) as server:
        get(server.url)
        get(server.url)

    assert server.count == 2


def test_an_answer_in_chunks_is_read_whole_and_its_line_kept() -> None:
    def talk(visitor: socket.socket) -> None:
        while sockets.hears(visitor):
            visitor.sendall(OK + b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n')
            visitor.sendall(b"4\r\n: 1}\r\n0\r\n\r\n")

    with sockets.serving(talk) as server:
        answers = [get(server.url) for _ in range(2)]

    assert [a.data for a in answers] == [{"a": 1}, {"a": 1}]
    assert server.count == 1


def test_path_query_headers_and_body_arrive_as_they_were_given() -> None:
    heard: list[bytes] = []

    def talk(visitor: socket.socket) -> None:
        heard.append(sockets.hears(visitor))
        visitor.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    with sockets.serving(talk) as server:
        http.call(
            "POST", f"{server.url}/v1/x?a=1", json={"text": "₦5"}, params={"b": "c d"},
            headers={"Authorization": "Bearer t"}, timeout_seconds=1,
        )  # fmt: skip

    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/x?a=1&b=c+d HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nAuthorization: Bearer t" in head
    assert b"\r\nContent-Type: application/json" in head
    assert body == b'{"text": "\\u20a65"}'
    assert f"Content-Length: {len(body)}".encode() in head
