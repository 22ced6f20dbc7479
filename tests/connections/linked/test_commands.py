"""What operators do with linked phones."""

import io
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from connections.linked import keys
from connections.linked.models import LinkedSession
from lib import crypto
from tests.connections.linked.conftest import PHONE, Phone
from workspaces import scope
from workspaces.models import Workspace
from workspaces.operating import Failed

pytestmark = pytest.mark.django_db
OLD = "k1:" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
NEW = "k2:" + "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_the_list_shows_who_holds_what_and_no_whole_number(
    phone: Phone, rival: Workspace, link: Callable[[Workspace], Phone]
) -> None:
    phone.opens()
    link(rival)

    both = json.loads(run("linked_phones", "--json"))
    one = run("linked_phones", "--workspace", "acme")

    assert [row["workspace"] for row in both] == ["acme", "rival"]
    assert both[0]["state"] == "connected"
    assert "1 linked phones." in one and "...5678" in one
    assert PHONE not in one


def test_linking_prints_what_is_to_be_scanned(
    acme: Workspace, may_link: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_: float) -> None:  # the engine takes the request up while the command waits
        with scope.system():
            LinkedSession.objects.update(
                linked_serial=1, state="pairing", pairing={"kind": "qr", "value": "2@abc,def"}
            )

    monkeypatch.setattr("time.sleep", answer)

    assert run("linked_phones", "--workspace", "acme", "--link").strip() == "2@abc,def"


def test_without_an_engine_linking_fails_with_a_sentence(acme: Workspace, may_link: None) -> None:
    with pytest.raises(Failed, match="is the bridge running"):
        run("linked_phones", "--workspace", "acme", "--link", "--wait", "0.1")


def test_data_keys_are_wrapped_under_the_first_key_and_lost_ones_are_named(
    phone: Phone, rival: Workspace, link: Callable[[Workspace], Phone], settings: Settings
) -> None:
    settings.BACKROOM_KEYS = OLD
    data_key = os.urandom(32)
    session = phone.session
    key_id, wrapped = crypto.seal_bytes(data_key, context=f"{session.pk}|data_key")
    phone.engine(data_key=wrapped, key_id=key_id)
    other = link(rival)
    other.engine(data_key=wrapped, key_id=key_id)  # a copy of another session's
    settings.BACKROOM_KEYS = f"{NEW},{OLD}"

    with scope.system():
        first, second = keys.rewrap_all(), keys.rewrap_all()
        row: Any = LinkedSession.every.get(pk=session.pk)

    assert (first.rotated, first.current, first.lost) == (1, 0, [str(other.session.pk)])
    assert (second.rotated, second.current) == (0, 1)
    settings.BACKROOM_KEYS = NEW
    assert (
        crypto.open_bytes(bytes(row.data_key), key_id=row.key_id, context=f"{session.pk}|data_key")
        == data_key
    )
