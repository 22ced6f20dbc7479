"""The providers' door when many knock at once, and when the broker hangs. Rows are committed."""

import threading
import time

import pytest
from celery import current_app
from django.db import connection as database

from connections.models import InboundEvent
from lib import jobs
from tests import whatsapp
from tests.lib import sockets
from tests.messaging.conftest import Way
from workspaces import scope


def test_duplicates_in_eight_threads_are_one_row(committed_way: Way) -> None:
    way = committed_way
    payload = whatsapp.text("hello", wamid="wamid.T", number_id=way.connection.external_id)
    statuses: list[int] = []
    ready = threading.Barrier(8)

    def deliver() -> None:
        try:
            ready.wait()
            statuses.extend(way.post(payload).status_code for _ in range(3))
        finally:
            database.close()

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 24
    with scope.system():
        assert InboundEvent.objects.filter(subject="wamid.T").count() == 1


def test_a_hanging_broker_costs_a_webhook_well_under_a_tenth_of_a_second(
    committed_way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = committed_way
    before = current_app.conf.broker_write_url
    took: list[float] = []
    with sockets.serving(sockets.hangs) as silent:
        current_app.conf.update(broker_write_url=f"redis://127.0.0.1:{silent.port}/0")
        try:
            for n in range(30):
                payload = whatsapp.text(
                    "hi", wamid=f"wamid.H{n}", number_id=way.connection.external_id
                )
                started = time.perf_counter()
                assert way.post(payload).status_code == 200
                took.append(time.perf_counter() - started)
        finally:
            current_app.conf.update(broker_write_url=before)
            jobs._broker.forget()

    assert sum(took) / len(took) < 0.1
    assert sorted(took)[-2] < 0.3
