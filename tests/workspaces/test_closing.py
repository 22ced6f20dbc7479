"""A workspace that is deleted stops at once, can be kept for fourteen days, and is then erased."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import connection as database

from lib import clock
from workspaces import closing, members, registry, schemas, scope, states, tokens
from workspaces.models import AuditEntry, User, Workspace

pytestmark = pytest.mark.django_db


def state_of(space: Workspace) -> str:
    with scope.system():
        return str(Workspace.objects.values_list("state", flat=True).get(pk=space.pk))


def close(space: Workspace, actor: User, now: datetime) -> Workspace:
    return closing.begin(workspace=space, typed_name=space.name, actor=actor, now=now)


def test_one_that_is_kept_is_as_it_was_before(acme: Workspace, ada: User, now: datetime) -> None:
    states.suspend(
        workspace_id=acme.pk, reason="bulk messages", actor=None, actor_kind="command", now=now
    )

    close(acme, ada, now)
    assert state_of(acme) == "closing"
    closing.keep(workspace=acme, actor=ada, now=now)

    assert state_of(acme) == "suspended", "closing is no way out of a suspension"


def test_tokens_stop_with_it(acme: Workspace, ada: User) -> None:
    now = clock.now()
    with scope.workspace(acme):
        made = tokens.make(workspace=acme, actor=None, now=now)
    close(acme, ada, now)

    with pytest.raises(tokens.UnableToAccept, match="suspended"):
        tokens.authenticate(made.text, now=now)


def test_a_second_press_moves_no_date(acme: Workspace, ada: User, now: datetime) -> None:
    first = close(acme, ada, now).erase_at

    again = close(acme, ada, now + timedelta(days=3)).erase_at

    assert first == again == now + closing.GRACE


def test_nobody_is_asked_back_before_the_grace_is_over(
    acme: Workspace, ada: User, now: datetime
) -> None:
    close(acme, ada, now)

    assert closing.erase_due(now=now + closing.GRACE - timedelta(seconds=1)) == 0
    with pytest.raises(schemas.UnableToDeleteWorkspace):
        schemas.delete(workspace=acme, now=now, only_if_closed_by=now)
    assert state_of(acme) == "closing"


# --- Committed: schemas are dropped for real ---------------------------------------------------


@pytest.fixture
def shop(commits: None) -> Iterator[Workspace]:
    with scope.system():
        owner, _ = User.objects.get_or_create(email="racer@race.example")
    space = schemas.create(
        name="Bisi Bakes", slug="bisi-closing", country="NG", owner=owner, now=clock.now()
    )
    yield space
    registry.forget()
    if registry.by_slug(space.slug) is not None:
        schemas.delete(workspace=space, now=clock.now())
    registry.forget()


def racer() -> User:
    with scope.system():
        return User.objects.get(email="racer@race.example")


def test_after_the_grace_it_is_erased_and_its_owners_hear_of_it(shop: Workspace) -> None:
    now = clock.now()
    close(shop, racer(), now)

    assert closing.erase_due(now=now + closing.GRACE) == 1
    assert closing.erase_due(now=now + closing.GRACE) == 0

    assert registry.by_slug(shop.slug) is None
    assert mail.outbox[-1].subject == "Bisi Bakes is deleted"
    assert mail.outbox[-1].to == ["racer@race.example"]
    with pytest.raises(closing.UnableToKeep):
        closing.keep(workspace=shop, actor=racer(), now=now)
    assert members.workspaces_of(user=racer()) == []
    with scope.system():
        entry = AuditEntry.objects.filter(action="workspace.deleted", target=shop.slug).latest("pk")
        assert entry.actor_kind == "system"


@pytest.mark.parametrize("turn", range(3))
def test_of_keeping_and_erasing_at_the_same_moment_one_happens(shop: Workspace, turn: int) -> None:
    now = clock.now()
    close(shop, racer(), now)
    ready = threading.Barrier(3)
    said: list[str] = []

    def keep() -> None:
        try:
            actor = racer()
            ready.wait()
            closing.keep(workspace=shop, actor=actor, now=now)
            said.append("kept")
        except closing.UnableToKeep:
            said.append("too late")
        finally:
            database.close()

    def erase() -> None:
        try:
            ready.wait()
            if closing.erase_due(now=now + closing.GRACE):
                said.append("erased")
        finally:
            database.close()

    threads = [threading.Thread(target=work) for work in (keep, erase, erase)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    registry.forget()
    is_there = registry.by_slug(shop.slug) is not None
    assert sorted(said) == (["kept"] if is_there else ["erased", "too late"])
