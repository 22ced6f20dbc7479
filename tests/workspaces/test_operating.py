"""What operators do by commands: done is 0, impossible is 1, asked wrongly is 2."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.models import Subscription
from connections import credentials
from connections.models import Connection
from lib import clock, crypto
from tests.messaging.conftest import Way
from workspaces import registry, schemas, scope
from workspaces.models import AuditEntry, Member, User, Workspace

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "workspace_create", "workspace_delete", "workspace_state", "member_add", "connection_add",
    "keys_rotate", "plan_set", "usage", "ask", "trace", "faq_import",
)  # fmt: skip
CREATE = ["--name", "N", "--slug", "n", "--owner", "n@n.example"]
CONNECT = ["--phone", "+2348031110000", "--phone-number-id", "777", "--access-token", "T"]


def run(*arguments: str) -> tuple[int, str]:
    """Run a command as a shell would; return its exit code and what it printed."""
    out, err = StringIO(), StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, str(error)
    except SystemExit as error:
        return int(error.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["workspace_create", *CREATE, "--slug", "acme"], 1, "is taken"),
        (["workspace_create", *CREATE, "--country", "Nigeria"], 1, "two letters"),
        (["workspace_create", *CREATE, "--owner", "nobody"], 2, "not an e-mail"),
        (["workspace_create", *CREATE], 0, "/w/n/"),
        (["workspace_delete", "--workspace", "acme"], 2, "--yes"),
        (["workspace_delete", "--workspace", "nowhere", "--yes"], 2, "no workspace"),
        (["workspace_state", "suspended", "--workspace", "acme", "--reason", "x"], 0, "now suspended"),
        (["workspace_state", "active", "--workspace", "acme", "--reason", "x"], 0, "already active"),
        (["member_add", "--workspace", "acme", "--email", "d@d.example", "--role", "agent"], 0, "is agent"),
        (["member_add", "--workspace", "acme", "--email", "d@d\x00.example", "--role", "agent"], 1, "e-mail"),
        (["connection_add", "--workspace", "acme", *CONNECT], 0, "Verify token"),
        (["connection_add", "--workspace", "acme", *CONNECT, "--phone", "12"], 1, "too short"),
        (["connection_add", "--workspace", "acme", *CONNECT[:4]], 1, "access token is missing"),
        (["connection_add", "--workspace", "nowhere", *CONNECT], 2, "no workspace"),
        (["keys_rotate"], 0, "rotated"),
        (["plan_set", "--workspace", "acme", "--plan", "starter"], 0, "on starter"),
        (["plan_set", "--workspace", "acme", "--plan", "gold"], 1, "plan is one of"),
        (["usage", "--workspace", "acme", "--month", "2026-11"], 0, '"day"'),
        (["usage", "--workspace", "acme", "--month", "November"], 2, "YYYY-MM"),
        (["usage", "--workspace", "nowhere", "--month", "2026-11"], 2, "no workspace"),
        (["trace", "--workspace", "acme", "--message", "wamid.none"], 1, "no message"),
        (["ask", "--workspace", "nowhere", "hello"], 2, "no workspace"),
        (["ask", "--workspace", "acme", "hello"], 0, "decision      answer"),
        (["faq_import", "--workspace", "nowhere", "x.csv"], 2, "no workspace"),
    ],
)  # fmt: skip
def test_a_command_ends_with_its_code_and_words(
    acme: Workspace, arguments: list[str], code: int, words: str
) -> None:
    found = run(*arguments)

    assert (found[0], words in found[1]) == (code, True), found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help(name: str) -> None:
    code, _ = run(name, "--help")

    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["usage", "--help"], 0), (["usage", "--workspace", "x", "--nonsense"], 2)],
)
def test_the_codes_are_those_of_the_process_too(arguments: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, capture_output=True, timeout=60
    )

    assert done.returncode == code


def test_what_prints_json_prints_nothing_else(way: Way) -> None:
    way.say("What time do you open?", wamid="wamid.J")
    month = f"{clock.local_day(clock.now(), way.space.time_zone):%Y-%m}"

    used = json.loads(run("usage", "--workspace", "acme", "--month", month, "--json")[1])
    told = json.loads(run("trace", "--workspace", "acme", "--message", "wamid.J", "--json")[1])
    asked = json.loads(run("ask", "--workspace", "acme", "What time do you open?", "--json")[1])
    created = json.loads(run("workspace_create", *CREATE, "--json")[1])

    assert used["total"]["messages_sent"] == 1
    assert told["replies"][0]["status"] == "sent"
    assert (asked["decision"], asked["faq_id"]) == ("answer", "opening_hours")
    assert created["path"] == "/w/n/"


def test_a_command_that_connects_or_creates_does_it(acme: Workspace) -> None:
    run("workspace_create", *CREATE)
    run("connection_add", "--workspace", "acme", *CONNECT)
    run("plan_set", "--workspace", "acme", "--plan", "starter", "--state", "past_due")

    with scope.system():
        assert Member.objects.filter(workspace__slug="n", user__email="n@n.example").exists()
        assert Connection.objects.get().workspace_id == acme.pk
        subscription = Subscription.objects.get(workspace=acme)
    assert (subscription.plan_id, subscription.state) == ("starter", "past_due")


def test_a_token_may_come_from_the_environment(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHATSAPP_ACCESS_TOKEN", "hidden")

    code, printed = run("connection_add", "--workspace", "acme", *CONNECT[:4])

    assert code == 0 and "hidden" not in printed


def test_rotating_seals_under_the_new_key_and_names_what_is_lost(way: Way, settings: Any) -> None:
    old = settings.BACKROOM_KEYS
    new = "new:" + "bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldy4="
    settings.BACKROOM_KEYS = f"{new},{old}"
    first = run("keys_rotate", "--json")
    second = run("keys_rotate", "--json")
    with scope.system():
        row = Connection.objects.get()
    settings.BACKROOM_KEYS = new
    opened = credentials.unseal(row)
    settings.BACKROOM_KEYS = old.replace("k1:", "k9:")
    lost = run("keys_rotate")

    assert json.loads(first[1])["rotated"] == 1
    assert json.loads(second[1]) == {"rotated": 0, "already_current": 1, "cannot_be_opened": []}
    assert opened == {"access_token": "token"}
    assert lost[0] == 1 and str(row.pk) in lost[1]
    assert not crypto.is_current(row.credentials)


def test_a_removed_workspace_is_gone_at_once(commits: None) -> None:
    with scope.system():
        owner, _ = User.objects.get_or_create(email="racer@race.example")
    schemas.create(name="Gone", slug="gone", country="NG", owner=owner, now=clock.now())
    assert registry.by_slug("gone") is not None

    code, printed = run("workspace_delete", "--workspace", "gone", "--yes", "--json")

    assert code == 0 and json.loads(printed)["slug"] == "gone"
    assert registry.by_slug("gone") is None
    with scope.system():
        entry = AuditEntry.objects.filter(action="workspace.deleted").latest("pk")
    assert (entry.target, entry.actor_kind) == ("gone", "command")
