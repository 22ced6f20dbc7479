"""A linked phone with answers: batches of its engine in, what the engine was asked out."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from connections import manners, sender
from connections.models import Connection, OutboundJob
from lib import clock
from messaging import drain
from tests.connections.linked.conftest import Phone
from tests.connections.providers import linked, vendor
from tests.connections.providers.vendor import Reply, Vendor
from workspaces import scope
from workspaces.models import Workspace

ADA = "201234567890123@lid"
FEE = "Delivery within Lagos is ₦2,500."


class Line:
    """Posts what the engine would, lets the house work, and tells what the engine was asked."""

    def __init__(self, space: Workspace, engine: Vendor) -> None:
        self.space, self.engine = space, engine
        self.phone = Phone(space)
        self.client = Client()
        self.sent = 0
        self.phone.engine(owner_url=engine.url, lease_until=clock.now() + timedelta(seconds=15))
        self.phone.opens()
        engine.reply = Reply(200, {"wa_id": "3EB0B4C40000000001", "ms": 3})

    def post(self, *events: dict[str, Any], secret: str = linked.SECRET) -> int:
        body = linked.batch(*events)
        answer = self.client.post(
            "/webhooks/linked-device/",
            body,
            content_type="application/json",
            headers=linked.signed(body, at=int(time.time()), secret=secret),
        )
        return int(answer.status_code)

    def event(self, name: str, **changes: Any) -> dict[str, Any]:
        event = {**linked.example(f"event-{name}"), "session": str(self.phone.session.pk)}
        self.sent += 1
        return {
            **event,
            "id": f"{name}:{self.sent}",
            "at": clock.now().isoformat(),
            "sent_at": clock.now().isoformat(),
        } | changes

    def asks(self, text: str, **changes: Any) -> None:
        assert self.post(self.event("message", text=text, **changes)) == 200
        self.drain()

    def drain(self) -> None:
        while drain.run(workspace=self.space).has_more:
            pass

    def send(self) -> list[dict[str, Any]]:
        """Send what is due, and return what the engine was asked since the last time."""
        before = len(self.engine.asked)
        sender.send_due(workspace=self.space, connection_id=self.phone.connection.pk)
        return [asked.body for asked in self.engine.asked[before:]]

    def jobs(self) -> list[OutboundJob]:
        with scope.system():
            return list(OutboundJob.objects.order_by("pk"))


@pytest.fixture
def engine(settings: Settings, may_link: None) -> Iterator[Vendor]:
    settings.LINKED_DEVICE_TYPING_MS = [0, 0]
    settings.LINKED_DEVICE_GAP_MS = [0, 0]
    manners.forget()
    with vendor.running() as running:
        yield running
    manners.forget()


@pytest.fixture
def may_link(settings: Settings) -> None:
    settings.BRIDGE_SECRET = linked.SECRET


@pytest.fixture
def line(acme: Workspace, number: Connection, engine: Vendor) -> Line:
    return Line(acme, engine)


def texts(asked: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(body["chat"], body["text"]) for body in asked if body["kind"] == "text"]
