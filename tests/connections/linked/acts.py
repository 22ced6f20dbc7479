"""What people and their plans do to a linked phone, and what came of it."""

from datetime import timedelta

from billing.models import Subscription
from connections import lifecycle, outbox
from connections.events import Outbound, OutboundKind
from connections.models import Incident, OutboundJob
from lib import clock
from tests.connections.linked.conftest import Phone
from workspaces import scope
from workspaces.models import Notice


def disconnect(phone: Phone) -> None:
    with scope.workspace(phone.space):
        lifecycle.disconnect(connection=phone.read(), actor=None, now=clock.now())


def link_again(phone: Phone) -> None:
    with scope.workspace(phone.space):
        lifecycle.create_connection(
            workspace=phone.space, actor=None, now=clock.now(), connection=phone.read()
        )


def put(phone: Phone, key: str = "answer") -> None:
    item = outbox.Item(
        connection_id=phone.connection.pk,
        key=key,
        message=Outbound(kind=OutboundKind.TEXT, to_phone="+2348031230000", text="We open at 8."),
        conversation_key="customer",
        correlation="",
        message_id=1,
        expires_at=clock.now() + timedelta(hours=20),
    )
    with scope.workspace(phone.space):
        outbox.put_all(workspace=phone.space, items=[item], now=clock.now())


def put_state(phone: Phone) -> str:
    with scope.system():
        return str(OutboundJob.objects.get(connection=phone.connection).state)


def subscribe(phone: Phone, state: str) -> None:
    with scope.system():
        Subscription.objects.filter(workspace=phone.space).update(state=state)


def open_incidents() -> int:
    with scope.system():
        return Incident.objects.filter(closed_at__isnull=True).count()


def notices() -> list[str]:
    with scope.system():
        return list(Notice.objects.order_by("pk").values_list("text", flat=True))
