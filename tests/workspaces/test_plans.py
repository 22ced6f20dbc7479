"""The planner's settings of a session: by key in one scope, and what a transaction has set holds."""

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from connections import inbox
from messaging import drain
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

NAMES = ("plan_cache_mode", "enable_seqscan", "enable_hashjoin", "enable_mergejoin")
FREE, BY_KEY = ("auto", "on", "on", "on"), ("force_generic_plan", "off", "off", "off")


def held() -> tuple[str, ...]:
    with database.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in NAMES))
        return tuple(cursor.fetchone())


def scan_off() -> None:
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


def go_back() -> None:
    """Roll back to a savepoint: the wrapper sets the scope anew."""
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        1 / 0  # noqa: B018


@pytest.fixture
def session(commits: None, acme: Workspace) -> Workspace:
    """A session of its own in no transaction; nothing is written."""
    return acme


def test_what_a_transaction_has_set_survives_the_rollback_to_a_savepoint(
    session: Workspace,
) -> None:
    with scope.mailboxes(session):
        assert held() == BY_KEY
    with scope.workspace(session), transaction.atomic():
        scan_off()  # the first statement: the scope is set within the transaction
        go_back()
        assert held() == ("auto", "off", "on", "on")
    with scope.workspace(session):
        assert held() == FREE


def test_in_a_fresh_session_too(session: Workspace) -> None:
    database.close()
    with scope.workspace(session), transaction.atomic():
        scan_off()
        go_back()
        assert held() == ("auto", "off", "on", "on")


def test_a_rollback_that_brings_plans_by_key_back_does_not_keep_them(session: Workspace) -> None:
    with scope.mailboxes(session):
        assert held() == BY_KEY
    with pytest.raises(ZeroDivisionError), transaction.atomic(), scope.workspace(session):
        assert held() == FREE
        1 / 0  # noqa: B018

    with scope.workspace(session):
        assert held() == FREE


def test_nor_does_a_rollback_to_a_savepoint(session: Workspace) -> None:
    with scope.mailboxes(session):
        assert held() == BY_KEY
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic(), scope.workspace(session):
            assert held() == FREE
            1 / 0  # noqa: B018
        with scope.workspace(session):
            assert held() == FREE
        with scope.mailboxes(session):
            assert held() == BY_KEY


def test_a_rollback_within_the_mailboxes_goes_by_key_again(session: Workspace) -> None:
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic(), scope.mailboxes(session):
            assert held() == BY_KEY
            1 / 0  # noqa: B018
        with scope.workspace(session):
            assert held() == FREE
        with scope.mailboxes(session):
            go_back()
            assert held() == BY_KEY


def test_what_the_mailboxes_left_in_an_open_transaction_goes(session: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        with scope.mailboxes(session):
            assert held() == BY_KEY
        with scope.workspace(session):
            assert held() == FREE
        1 / 0  # noqa: B018
    with scope.system():
        assert held() == FREE


def test_a_session_that_was_handed_on_with_plans_by_key_is_set_free(session: Workspace) -> None:
    database.close()
    database.connect()
    assert database.connection is not None
    database.connection.execute(
        "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off"
    )

    with scope.workspace(session):
        assert held() == FREE


def test_a_session_that_is_free_is_not_told_so_again(session: Workspace) -> None:
    with scope.mailboxes(session):
        held()
    for _ in range(2):
        with scope.workspace(session), CaptureQueriesContext(database) as queries:
            held()
        statements = [query["sql"] for query in queries if "set_config" in query["sql"]]

    assert len(statements) == 1
    assert "enable_seqscan" not in statements[0]


@pytest.mark.parametrize("lanes", [inbox.TALK_LANES, inbox.NEWS_LANES])
def test_a_careful_drain_reads_by_key_after_one_update_has_failed(
    committed_way: Way, lanes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    way = committed_way
    for n in range(3):
        payload = whatsapp.text("?", wamid=f"wamid.{n}", sender=f"2348060000{n:04d}")
        if lanes == inbox.NEWS_LANES:
            payload = whatsapp.status(f"wamid.{n}", "sent")
        change = payload["entry"][0]["changes"][0]["value"]
        change["metadata"]["phone_number_id"] = way.connection.external_id
        way.post(payload)
    with scope.mailboxes(way.space):
        held()
    seen: list[str] = []

    def fail(*_: object, **__: object) -> int:
        seen.append(held()[1])
        raise ValueError

    monkeypatch.setattr(drain, "_together", fail)
    drain.run(workspace=way.space, lanes=lanes)

    assert seen == ["off"] * 4
