"""The counting of `make chaos` sees what it is for: losses, second answers, duplicates, delays."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests import simulated
from tests.bench import traffic
from tests.bench.stock import Space
from tests.chaos import counting
from tests.hosts import SECRET, Host, environment
from tests.house import fetch, free_port

NUMBER = "10001"
OFFERED_AT = 1_000.0


def _offer(name: str, *, first: float = OFFERED_AT) -> traffic.Offered:
    return traffic.Offered(name, first, first, first + 0.01, 1, (200,))


def _send(customer: str, *, at: float, opaque: str = "1") -> simulated.Send:
    return simulated.Send(NUMBER, customer, f"wamid.{opaque}", opaque, at)


def _count(sends: list[simulated.Send], **more: Any) -> counting.Outcome:
    return counting.count(
        offered=[_offer("a")], customers={"a": "234"}, sends=sends, fault_over=OFFERED_AT, **more
    )


def test_an_answer_in_time_is_neither_lost_nor_slow() -> None:
    outcome = _count([_send("234", at=OFFERED_AT + 0.5)])

    assert (outcome.lost, outcome.twice, outcome.duplicates) == ([], [], 0)
    assert outcome.recover_seconds == 0.0


def test_an_answer_after_the_limit_counts_as_none() -> None:
    outcome = _count([_send("234", at=OFFERED_AT + counting.LOST_AFTER_SECONDS + 1)])

    assert outcome.lost == ["a"]


def test_two_replies_in_our_tables_count_although_one_went_out() -> None:
    outcome = _count([_send("234", at=OFFERED_AT + 0.5)], written_twice=["a"])

    assert outcome.twice == ["a"]


def test_what_was_over_before_the_fault_is_no_part_of_the_recovery() -> None:
    outcome = counting.count(
        offered=[_offer("a"), _offer("b", first=OFFERED_AT + 10)],
        customers={"a": "234", "b": "235"},
        sends=[_send("234", at=OFFERED_AT + 5), _send("235", at=OFFERED_AT + 14, opaque="2")],
        fault_over=OFFERED_AT + 9,
    )

    assert outcome.recover_seconds == pytest.approx(5)
    assert outcome.slowest_seconds == pytest.approx(5)


@pytest.mark.processes
def test_a_house_that_loses_and_repeats_is_found_out(tmp_path: Path) -> None:
    """A front door that does wrong on purpose, between the real offering and the real simulator."""
    simulator_url = f"http://127.0.0.1:{free_port()}"
    settings = environment(
        tmp_path,
        database_url="postgres://nobody:no@127.0.0.1:1/nothing",
        redis_url="redis://127.0.0.1:1/0",
        simulator_url=simulator_url,
    )
    host = Host(tmp_path / "host", settings)
    try:
        host.start("simulator")
        simulated.register(
            simulator_url,
            numbers=[
                {
                    "phone_number_id": NUMBER,
                    "waba_id": "waba",
                    "display_phone_number": "+2348030010001",
                    "app_secret": SECRET,
                    "access_token": "token",
                }
            ],
        )
        messages = list(
            traffic.steady(
                [Space(1, "w", "shop", NUMBER)], per_second=10, seconds=0.5, prefix="7044"
            )
        )
        lost, twice, again, slow, refused = messages

        def answer(message_id: str, times: int) -> int:
            customer = next(m.to for m in messages if m.id == message_id)
            if message_id == refused.id and times == 1:
                return 503
            if message_id == slow.id:
                time.sleep(counting.NORMAL_SECONDS + 0.5)
            opaque = {twice.id: ("2a", "2b"), again.id: ("3", "3"), lost.id: ()}
            for mark in opaque.get(message_id, ("4",)):
                _say(simulator_url, customer, mark)
            return 200

        with _door(answer) as url:
            offering = traffic.Offering(
                messages, urls=[url], folder=tmp_path, name="offering", lines=8
            )
            offering.begin()
            offered = offering.wait(seconds=20)
        outcome = counting.count(
            offered=offered,
            customers={message.id: message.to for message in messages},
            sends=simulated.Sends(simulator_url).fetch(),
            fault_over=min(offer.first for offer in offered),
        )
    finally:
        host.stop()

    assert outcome.offered == 5
    assert outcome.lost == [lost.id]
    assert outcome.twice == [twice.id]
    assert outcome.duplicates == 1
    assert outcome.recover_seconds > counting.NORMAL_SECONDS
    assert [offer.attempts for offer in offered if offer.id == refused.id] == [2]


def _say(simulator_url: str, customer: str, opaque: str) -> None:
    body = {
        "messaging_product": "whatsapp",
        "to": customer,
        "type": "text",
        "text": {"body": "an answer"},
        "biz_opaque_callback_data": opaque,
    }
    code, said = fetch(
        f"{simulator_url}/v26.0/{NUMBER}/messages",
        body=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": "Bearer token"},
    )
    assert code == 200, said


@contextmanager
def _door(answer: Callable[[str, int], int]) -> Iterator[str]:
    times: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = body["entry"][0]["changes"][0]["value"]["messages"][0]["id"]
            times[name] = times.get(name, 0) + 1
            self.send_response(answer(name, times[name]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
