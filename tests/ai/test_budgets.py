"""What a workspace may spend on models: never more, however many ask at once."""

import threading
from typing import Any

import pytest
from django.db import connection as database

from ai import budgets
from ai.models import Budget
from lib import clock
from tests.messaging.conftest import Way
from workspaces import scope

pytestmark = pytest.mark.django_db


def test_thirty_who_ask_at_once_get_what_ten_may_have(committed_way: Way, settings: Any) -> None:
    settings.AI_MONTHLY_LIMIT_NANO = 10
    space, now = committed_way.space, clock.now()
    granted: list[int] = []
    ready = threading.Barrier(10)

    def ask() -> None:
        try:
            ready.wait()
            with scope.workspace(space):
                granted.extend(
                    budgets.reserve(workspace=space, nanos=[1], now=now) for _ in range(3)
                )
        finally:
            database.close()

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(granted), sum(granted)) == (30, 10)
    with scope.workspace(space):
        assert Budget.objects.get().reserved_nano == 10
