"""The one door to the database's scopes; nothing else changes schema or role."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from django.db import connection

from workspaces.database.base import DatabaseWrapper, Scope

if TYPE_CHECKING:
    from workspaces.models import Workspace


def _wrapper() -> DatabaseWrapper:
    return cast(DatabaseWrapper, connection)


@contextmanager
def _entered(scope: Scope) -> Iterator[None]:
    wrapper = _wrapper()
    previous = wrapper.enter(scope)
    try:
        yield
    finally:
        wrapper.enter(previous)


@contextmanager
def workspace(space: "Workspace") -> Iterator[None]:
    """Speak for one workspace: its schema, and of the public tables only its rows.

    Evaluate querysets inside the block: a lazy one would run in the scope that holds later.
    """
    with _entered(Scope("app", space.schema_name, space.pk)):
        yield


@contextmanager
def mailboxes(space: "Workspace") -> Iterator[None]:
    """Speak for one workspace in the public tables only: of them its rows, and no content.

    The search path is the same for every workspace, so that PostgreSQL keeps the plans of
    statements executed with `prepare` (lib.sql) on the way from one to the next.
    """
    with _entered(Scope("app", workspace_id=space.pk, keeps_plans=True)):
        yield


@contextmanager
def system() -> Iterator[None]:
    """Speak for the house: every row of the public tables, no workspace's content."""
    with _entered(Scope("system")):
        yield


@contextmanager
def owner(schema: str = "public") -> Iterator[None]:
    """Speak as the owner of the tables: for migrations and for making or dropping schemas."""
    with _entered(Scope("owner", schema)):
        yield


def current_workspace_id() -> int | None:
    """Return the id of the workspace that this connection speaks for, if any."""
    return _wrapper().scope_workspace_id
