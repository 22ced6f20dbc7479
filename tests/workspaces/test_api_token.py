"""`manage.py api_token`: make, list and take back tokens; the token is alone on standard output."""

import json
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from lib import clock
from tests.workspaces.test_operating import ROOT, run
from workspaces import scope, tokens
from workspaces.models import ApiToken, AuditEntry, Workspace

pytestmark = pytest.mark.django_db
ACME = ["api_token", "--workspace", "acme"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["api_token", "--help"], 0, ""),
        (["api_token", "--workspace", "nowhere"], 2, "no workspace"),
        ([*ACME, "--user", "chidi@rival.example"], 1, "belongs to acme"),
        ([*ACME, "--user", "nobody@x.example"], 1, "belongs to acme"),
        ([*ACME, "--days", "0"], 1, "1 to 3,650 days"),
        ([*ACME, "--days", "4000"], 1, "1 to 3,650 days"),
        ([*ACME, "--name", "x" * 81], 1, "80 characters"),
        ([*ACME, "--list"], 0, "acme has no tokens."),
        ([*ACME, "--list", "--json"], 0, "[]"),
        ([*ACME, "--list", "--name", "x"], 2, "for a new token"),
        ([*ACME, "--revoke", "999999999"], 1, "has no token 999999999"),
    ],
)
def test_the_command_ends_with_its_code_and_words(
    acme: Workspace, arguments: list[str], code: int, words: str
) -> None:
    found = run(*arguments)

    assert (found[0], words in found[1]) == (code, True), found


def test_a_token_is_printed_alone_and_works(acme: Workspace) -> None:
    code, printed = run(*ACME, "--user", "BOLA@acme.example", "--days", "7", "--name", "till")

    assert code == 0 and printed.count("\n") == 1
    caller = tokens.authenticate(printed.strip(), now=clock.now())
    assert (caller.workspace.pk, caller.role) == (acme.pk, "agent")
    with scope.workspace(acme):
        row = ApiToken.objects.get(name="till")
        entry = AuditEntry.objects.get(action="api-token.made")
    assert timedelta(days=6, hours=23) < row.expires_at - clock.now() <= timedelta(days=7)
    assert (entry.target, entry.actor_kind) == (
        f"api token {row.pk} of user {row.user_id}",
        "command",
    )


def test_as_json_it_comes_with_its_id_and_expiry(acme: Workspace) -> None:
    made = json.loads(run(*ACME, "--json", "--read-only")[1])

    caller = tokens.authenticate(made["token"], now=clock.now())
    assert (caller.token_id, caller.role, caller.scopes) == (
        made["id"],
        "manager",
        frozenset(["read"]),
    )
    assert datetime.fromisoformat(made["expires_at"]) > clock.now() + timedelta(days=364)


def test_tokens_are_listed_by_workspace_without_themselves(
    acme: Workspace, rival: Workspace
) -> None:
    token = run(*ACME, "--user", "bola@acme.example", "--name", "till")[1].strip()
    run("api_token", "--workspace", "rival", "--name", "theirs")

    listed, facts = run(*ACME, "--list")[1], json.loads(run(*ACME, "--list", "--json")[1])

    assert "till" in listed and "bola@acme.example" in listed and "never used" in listed
    assert "theirs" not in listed and token not in listed
    (only,) = facts
    assert (only["state"], only["user"], only["last_used_at"]) == (
        "valid",
        "bola@acme.example",
        None,
    )
    assert token not in json.dumps(facts)


def test_a_token_is_taken_back_by_its_own_workspace_only(acme: Workspace, rival: Workspace) -> None:
    made = json.loads(run(*ACME, "--json")[1])
    name = str(made["id"])

    assert run("api_token", "--workspace", "rival", "--revoke", name)[0] == 1
    tokens.authenticate(made["token"], now=clock.now())
    assert "is now revoked" in run(*ACME, "--revoke", name)[1]
    assert "is already revoked" in run(*ACME, "--revoke", name)[1]
    again = json.loads(run(*ACME, "--revoke", name, "--json")[1])
    assert again == {"id": made["id"], "revoked": True, "changed": False}
    with pytest.raises(tokens.UnableToAccept, match="taken back"):
        tokens.authenticate(made["token"], now=clock.now())
    assert json.loads(run(*ACME, "--list", "--json")[1])[0]["state"] == "revoked"


def test_both_at_once_is_asked_wrongly() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *ACME, "--list", "--revoke", "1"],
        cwd=ROOT, capture_output=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 2
