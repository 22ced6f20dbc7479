"""Which number a program speaks of, and what it asks of it. Call in the workspace's scope."""

from datetime import datetime

from django.db import transaction

from connections import cards, lifecycle, manners
from connections.models import Connection
from workspaces.models import User, Workspace

State = Connection.State


class UnableToChoose(Exception):
    """It was not said which number is meant; the message is a sentence for the person who asked."""


def find(*, workspace: Workspace, connection_id: int | None) -> Connection | None:
    """Return the number with this id; without one the linked phone dealt with last, or any.

    None when the workspace has no number. Raises cards.UnableToFindConnection.
    """
    if connection_id is not None:
        return cards.find(workspace=workspace, connection_id=connection_id)
    return lifecycle.newest(workspace=workspace) or (
        Connection.objects.filter(workspace=workspace).order_by("-state_changed_at", "-pk").first()
    )


def connect(
    *,
    workspace: Workspace,
    method: str,
    phone: str,
    connection_id: int | None,
    is_another: bool,
    actor: User | None,
    now: datetime,
) -> Connection:
    """Begin to link the phone with this id, else the one dealt with last, else a first one.

    `is_another`: one beside those that there are. Raises cards.UnableToFindConnection and
    lifecycle.UnableToConnect (AlreadyLinked).
    """
    with transaction.atomic():
        # Who asks twice at once must find what the first one made.
        lifecycle.take_turns(workspace=workspace)
        connection: Connection | None = None
        if connection_id is not None:
            connection = cards.find(workspace=workspace, connection_id=connection_id)
        elif not is_another:
            connection = lifecycle.newest(workspace=workspace)
        return lifecycle.create_connection(
            workspace=workspace,
            actor=actor,
            now=now,
            method=method,
            phone=phone,
            connection=connection,
        )


def disconnect(
    *, workspace: Workspace, connection_id: int | None, actor: User | None, now: datetime
) -> Connection | None:
    """Take a number off WhatsApp: the one with this id, else the only linked phone.

    None when there is nothing to take off. Raises UnableToChoose and
    cards.UnableToFindConnection.
    """
    if connection_id is not None:
        connection = cards.find(workspace=workspace, connection_id=connection_id)
    else:
        linked = Connection.objects.filter(workspace=workspace, provider=manners.LINKED)
        live = linked.exclude(state__in=[State.NOT_CONNECTED, State.LOGGED_OUT])[:2]
        if len(live) > 1:
            raise UnableToChoose("Several phones are linked. Say which one, by “connection”.")
        newest = live[0] if live else lifecycle.newest(workspace=workspace)
        if newest is None and Connection.objects.filter(workspace=workspace).exists():
            raise UnableToChoose(
                "No phone is linked here, but there are other numbers. Say which one, by “connection”."
            )
        if newest is None:
            return None
        connection = newest
    lifecycle.disconnect(connection=connection, actor=actor, now=now)
    connection.refresh_from_db()
    return connection
