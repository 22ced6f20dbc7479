"""Numbers: added once in the whole house, renewed, checked, paused, reported on."""

from datetime import timedelta
from typing import Any

import pytest

from connections import account_news, credentials, directory, manager, providers
from connections.models import Connection, ConnectionEvent, DirectoryEntry
from connections.providers.base import CheckResult, Code, ProviderError
from lib import clock
from messaging.models import Message
from tests import whatsapp
from tests.connections.sends import now_is, put
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import AuditEntry, Notice, User, Workspace

pytestmark = pytest.mark.django_db


def add(space: Workspace, **changes: Any) -> Connection:
    values: dict[str, Any] = {
        "provider": "cloud_api",
        "phone": "0803 111 0000",
        "external_id": "777000777",
        "account_id": "888000888",
        "secrets": {"access_token": "one", "app_secret": "house"},
        "actor": None,
        "now": clock.now(),
        **changes,
    }
    with scope.workspace(space):
        return manager.add(workspace=space, **values, is_verified=True)


def read(connection: Connection) -> Connection:
    with scope.system():
        return Connection.objects.get(pk=connection.pk)


def log_of(connection: Connection) -> list[str]:
    with scope.system():
        return list(
            ConnectionEvent.objects.filter(connection=connection)
            .order_by("pk")
            .values_list("kind", flat=True)
        )


def news(way: Way, **data: Any) -> None:
    with scope.workspace(way.space):
        account_news.take(
            connection=Connection.objects.get(pk=way.connection.pk), data=data, now=clock.now()
        )


# --- Adding ------------------------------------------------------------------------------------


def test_a_number_is_kept_in_one_form_with_its_secrets_sealed(acme: Workspace) -> None:
    added = read(add(acme))

    assert (added.phone, added.state, added.is_sending) == ("+2348031110000", "connecting", True)
    assert "one" not in added.credentials and "house" not in added.credentials
    assert log_of(added) == ["added"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"provider": "pigeon"}, "provider is one of"),
        ({"phone": "123"}, "too short"),
        ({"phone": "call me"}, "digits only"),
        ({"external_id": ""}, "missing"),
        ({"external_id": "   "}, "missing"),
        ({"external_id": "1 2"}, "digits and letters"),
        ({"external_id": "1/../2"}, "digits and letters"),
        ({"external_id": "9" * 65}, "digits and letters"),
        ({"account_id": "?"}, "digits and letters"),
    ],
)
def test_what_cannot_be_connected_is_refused_in_words(
    acme: Workspace, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(manager.UnableToConnect, match=words):
        add(acme, **changes)

    with scope.system():
        assert not Connection.objects.filter(workspace=acme).exists()


def test_the_token_is_in_no_row_in_the_clear(way: Way) -> None:
    row = read(way.connection)

    assert '"access_token"' not in row.credentials and "token" not in row.credentials
    assert credentials.unseal(row) == {"access_token": "token"}
    assert "token" not in repr(credentials.account(row))


def test_a_number_belongs_to_one_workspace(acme: Workspace, rival: Workspace) -> None:
    add(acme)

    with pytest.raises(manager.UnableToConnect, match="another workspace"):
        add(rival)

    with scope.system():
        assert [c.workspace_id for c in Connection.objects.filter(external_id="777000777")] == [
            acme.pk
        ]


def test_renewing_keeps_what_is_not_given_anew(acme: Workspace) -> None:
    first = add(acme)
    with scope.system():
        Connection.objects.filter(pk=first.pk).update(is_sending=False, state="logged_out")

    again = add(acme, secrets={"access_token": "two", "app_secret": ""})

    assert again.pk == first.pk
    assert credentials.unseal(read(again)) == {"access_token": "two", "app_secret": "house"}
    assert (read(again).is_sending, read(again).state) == (True, "connecting")
    assert log_of(again) == ["added", "renewed"]


def test_renewing_works_when_the_old_secrets_cannot_be_opened(acme: Workspace) -> None:
    first = add(acme)
    with scope.system():
        Connection.objects.filter(pk=first.pk).update(credentials="lost.aaaa.bbbb")

    assert credentials.unseal(add(acme, secrets={"access_token": "two"})) == {"access_token": "two"}


# --- Checking and pausing ----------------------------------------------------------------------


@pytest.fixture
def meta(way: Way, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the live check finds; `error` when it is to fail."""
    found: dict[str, Any] = {"error": None}

    def check(self: Any, account: Any) -> CheckResult:
        if found["error"]:
            raise found["error"]
        return CheckResult("+15550783881", "Acme", "GREEN")

    monkeypatch.setattr(type(providers.get("cloud_api")), "check", check)
    return found


def check(way: Way) -> None:
    with scope.workspace(way.space):
        manager.check(connection=Connection.objects.get(pk=way.connection.pk), now=clock.now())


def test_a_good_check_connects_and_lets_what_waits_go(way: Way, meta: dict[str, Any]) -> None:
    with scope.workspace(way.space):
        Connection.objects.update(is_sending=False, state="logged_out", state_code="190")

    check(way)

    number = read(way.connection)
    assert (number.state, number.state_code, number.is_sending) == ("connected", "", True)


def test_a_good_check_does_not_end_a_persons_pause(
    way: Way, meta: dict[str, Any], ada: User
) -> None:
    check(way)
    with scope.workspace(way.space):
        manager.switch(
            connection=Connection.objects.get(), is_sending=False, actor=ada, now=clock.now()
        )

    check(way)

    assert read(way.connection).is_sending is False


def test_a_check_that_finds_the_access_lost_switches_off_and_tells(
    way: Way, meta: dict[str, Any]
) -> None:
    meta["error"] = ProviderError(Code.LOGGED_OUT, "Gone.", switch_off=True, vendor_code="190")

    with pytest.raises(ProviderError):
        check(way)

    number = read(way.connection)
    assert (number.state, number.is_sending, number.state_reason) == ("logged_out", False, "Gone.")
    assert "check-failed" in log_of(number)
    with scope.workspace(way.space):
        assert Notice.objects.count() == 1


def test_a_check_that_reaches_nobody_changes_nothing(way: Way, meta: dict[str, Any]) -> None:
    meta["error"] = ProviderError(Code.UNREACHABLE, "Nobody there.", retryable=True)
    before = read(way.connection).state

    with pytest.raises(ProviderError):
        check(way)

    assert (read(way.connection).state, read(way.connection).is_sending) == (before, True)


def test_a_pause_and_its_end_are_logged_and_audited(way: Way, ada: User) -> None:
    job = put(way, "m1")
    with scope.workspace(way.space):
        number = Connection.objects.get()
        manager.switch(connection=number, is_sending=False, actor=ada, now=clock.now())
        way.work()
        state_in_pause = now_is(job).state
        manager.switch(connection=number, is_sending=True, actor=ada, now=clock.now())
        way.work()
        actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))[-2:]

    assert (state_in_pause, now_is(job).state) == ("queued", "accepted")
    assert actions == ["connection.paused", "connection.resumed"]


def test_a_removed_number_takes_its_secrets_along_and_leaves_the_conversations(
    way: Way, ada: User
) -> None:
    way.say("What time do you open?", wamid="wamid.A1")
    with scope.workspace(way.space):
        manager.remove(connection=Connection.objects.get(), actor=ada, now=clock.now())

        assert not Connection.objects.exists()
        assert Message.objects.count() == 2
    way.say("and now?", wamid="wamid.A2")
    assert len(way.api.messages) == 1


# --- What WhatsApp says about the account ------------------------------------------------------


def test_a_ban_shows_at_once_and_the_owner_is_told_once(way: Way) -> None:
    for _ in range(2):
        news(way, field="account_update", event="disabled_update", effect="blocked", text="banned")

    number = read(way.connection)
    assert (number.state, number.state_code) == ("blocked", "disabled_update")
    assert log_of(number).count("state-blocked") == 1
    with scope.workspace(way.space):
        assert Notice.objects.count() == 1


def test_a_restored_account_sends_again(way: Way) -> None:
    with scope.workspace(way.space):
        Connection.objects.update(is_sending=False, state="blocked", state_code="131031")

    news(way, field="account_update", event="account_restored", effect="restored")

    assert (read(way.connection).state, read(way.connection).is_sending) == ("connected", True)


@pytest.mark.parametrize("effect", ["limited", "warned"])
def test_a_warning_is_told_and_stops_nothing(way: Way, effect: str) -> None:
    news(way, field="account_update", event="violation", effect=effect)

    assert read(way.connection).is_sending
    with scope.workspace(way.space):
        assert Notice.objects.count() == 1


def test_news_of_any_length_is_kept(way: Way) -> None:
    for _ in range(2):
        news(way, field="f" * 300, event="e" * 300, effect="blocked", text="t" * 3000)

    assert log_of(way.connection).count("state-blocked") == 1


def test_account_news_by_webhook_reaches_the_numbers_log(way: Way) -> None:
    payload = {
        "object": "whatsapp_business_account",
        "entry": [{
            "id": whatsapp.ACCOUNT_ID, "time": int(clock.now().timestamp()),
            "changes": [{"field": "account_update", "value": {
                "event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}}],
        }],
    }  # fmt: skip

    assert way.post(payload).status_code == 200
    way.work()

    assert read(way.connection).state == "blocked"


# --- The directory -----------------------------------------------------------------------------


def test_support_finds_a_phone_in_every_workspace_without_a_list_of_phones(
    acme: Workspace, rival: Workspace
) -> None:
    now = clock.now()
    for space, contact_id, at in ((acme, 5, now), (rival, 9, now + timedelta(1)), (acme, 5, now)):
        with scope.workspace(space):
            directory.remember(workspace=space, contacts=[("+2348061112222", contact_id)], now=at)

    found = directory.find(phone="+2348061112222")

    assert [(e.workspace_id, e.contact_id) for e in found] == [(rival.pk, 9), (acme.pk, 5)]
    assert directory.find(phone="+2348061112223") == []
    with scope.system():
        assert not DirectoryEntry.objects.filter(digest__contains="806").exists()
    with scope.workspace(acme):
        assert DirectoryEntry.objects.count() == 1
