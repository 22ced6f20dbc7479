"""A connected number with three answers, and the way of a message from webhook to WhatsApp."""

import itertools
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from connections import inbox, manager, sender
from connections.models import Connection, InboundEvent
from faqs.models import Entry, Phrasing, Version
from lib import clock
from messaging import drain
from tests import whatsapp
from tests.conftest import NOW
from tests.encoder import encoder as encoder
from tests.messaging.linked_line import engine as engine
from tests.messaging.linked_line import line as line
from tests.messaging.linked_line import may_link as may_link
from workspaces import schemas, scope
from workspaces.models import User, Workspace

_numbers = itertools.count(1_000_000_007, 1_000_003)
ENTRIES = [
    (
        "delivery_fee",
        "How much is delivery?",
        "Delivery within Lagos is ₦2,500.",
        "delivery cost | what do you charge for delivery",
    ),
    (
        "opening_hours",
        "What time do you open?",
        "We open 9am to 6pm, Monday to Saturday.",
        "opening hours | when do you close",
    ),
    (
        "returns",
        "Can I return fabric?",
        "Uncut fabric can be returned within 7 days.",
        "return policy | can I bring it back",
    ),
]


@pytest.fixture
def graph(settings: Any) -> Iterator[whatsapp.Graph]:
    with whatsapp.graph() as api:
        settings.GRAPH_API_URL = api.url
        settings.WHATSAPP_APP_SECRET = whatsapp.SECRET
        yield api


@pytest.fixture
def number(acme: Workspace, graph: whatsapp.Graph) -> Connection:
    return stock(acme)


def stock(space: Workspace, *, number_id: str = whatsapp.NUMBER_ID) -> Connection:
    """Give a workspace the answers and a connected number."""
    with scope.workspace(space):
        for faq_id, question, answer, more in ENTRIES:
            entry = Entry.objects.create(
                faq_id=faq_id, question=question, answer=answer, created_at=NOW, updated_at=NOW
            )
            Phrasing.objects.bulk_create(Phrasing(entry=entry, text=t) for t in more.split(" | "))
        version, _ = Version.objects.get_or_create(pk=1)
        # Tests roll back: a number that no other test had keeps cached indexes apart.
        Version.objects.filter(pk=1).update(number=version.number + next(_numbers))
        return manager.add(
            workspace=space,
            provider="cloud_api",
            phone="+15550783881",
            external_id=number_id,
            account_id=whatsapp.ACCOUNT_ID,
            secrets={"access_token": "token"},
            actor=None,
            now=NOW,
            is_verified=True,
        )


class Way:
    """Posts what WhatsApp would, and lets the house do its work, synchronously."""

    def __init__(self, space: Workspace, connection: Connection, api: whatsapp.Graph) -> None:
        self.space, self.connection, self.api = space, connection, api
        self.client = Client()

    def post(self, payload: Any, **kwargs: Any) -> Any:
        return whatsapp.post(self.client, payload, **kwargs)

    def work(self) -> None:
        """Drain and send until nothing is due."""
        for _ in range(20):
            drained = drain.run(workspace=self.space)
            more = sender.send_due(workspace=self.space, connection_id=self.connection.pk)
            if not (drained.has_more or more or self._has_news()):
                return

    def _has_news(self) -> bool:
        with scope.workspace(self.space):
            return inbox.has_due(workspace=self.space, now=clock.now())

    def say(self, body: str, *, wamid: str, **kwargs: Any) -> None:
        payload = whatsapp.text(body, wamid=wamid, number_id=self.connection.external_id, **kwargs)
        assert self.post(payload).status_code == 200
        self.work()


@pytest.fixture
def way(acme: Workspace, number: Connection, graph: whatsapp.Graph) -> Way:
    return Way(acme, number, graph)


@pytest.fixture
def commits(db: None) -> Iterator[None]:
    """Let this test commit: it speaks through a connection of its own, beside the rolled-back one.

    Threads and other connections then see its rows; it has to remove them itself.
    """
    rolled_back = connections["default"]
    connections["default"] = rolled_back.copy()
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = rolled_back


@pytest.fixture
def committed_way(commits: None, graph: whatsapp.Graph) -> Iterator[Way]:
    """A workspace of its own with committed rows."""
    number_id = str(900_000_000_000 + secrets.randbelow(10**11))
    with scope.system():
        owner, _ = User.objects.get_or_create(email="racer@race.example")
    space = schemas.create(
        name="Race", slug=f"race-{secrets.token_hex(4)}", country="NG", owner=owner, now=clock.now()
    )
    try:
        yield Way(space, stock(space, number_id=number_id), graph)
    finally:
        schemas.delete(workspace=space, now=clock.now())
        with scope.system():
            InboundEvent.objects.filter(number_id=number_id).delete()
