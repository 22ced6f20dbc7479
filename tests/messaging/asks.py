"""Customers who ask, by number."""

from collections.abc import Callable
from typing import Any

from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope

QUESTION = "What time do you open?"


def sender(n: int) -> str:
    return f"23480600{n:05d}"


def ask(way: Way, n: int, text: str = QUESTION, *, wamid: str = "", **more: Any) -> None:
    payload = whatsapp.text(
        text, wamid=wamid or f"wamid.{n}", sender=sender(n), number_id=way.connection.external_id,
        **more,
    )  # fmt: skip
    assert way.post(payload).status_code == 200


def inside(way: Way, look: Callable[[], Any]) -> Any:
    with scope.workspace(way.space):
        return look()
