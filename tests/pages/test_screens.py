"""The one-time link: one browser, ten minutes, one number, and nothing but looking."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from connections import lifecycle, qr, screens
from connections.models import Connection
from lib import clock
from tests.pages.conftest import HTMX
from tests.pages.engine import QR, Engine
from tests.pages.test_linking import _has_engine, engine, poll
from workspaces import scope
from workspaces.models import AuditEntry, User, Workspace

__all__ = ["_has_engine", "engine"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def link(engine: Engine, owner: Client) -> str:
    """The path of a link that Ada has made while a QR code is shown."""
    engine.show()
    part = owner.post(
        f"/w/acme/connections/{engine.pk}/link/screen/", {"method": "qr"}, headers=HTMX
    )
    match = re.search(r'value="http[^"]*(/link/[^"]+)"', part.text)
    assert match and "hx-preserve" not in part.text
    return match[1]


def test_the_first_browser_that_opens_it_keeps_it(engine: Engine, link: str) -> None:
    friend, other = Client(enforce_csrf_checks=True), Client()

    asked = friend.get(link)
    assert "Show it here" in asked.text and qr.svg_of(QR) not in asked.text
    shown = friend.post(link, follow=True).text
    assert qr.svg_of(QR) in shown and "Acme" not in shown

    refused = other.post(link)
    assert refused.status_code == 403 and "another browser" in refused.text
    assert qr.svg_of(QR) not in other.get(link).text
    assert friend.post(link, follow=True).status_code == 200  # pressed twice: still theirs
    with scope.workspace(engine.space):
        actions = AuditEntry.objects.filter(action__startswith="connection.screen")
        assert sorted(actions.values_list("action", "actor_kind")) == [
            ("connection.screen-made", "member"),
            ("connection.screen-opened", "visitor"),
        ]


def test_a_preview_does_not_use_it_up(link: str) -> None:
    for _ in range(3):
        assert Client().get(link).status_code == 200
    assert Client().head(link).status_code == 405

    assert qr.svg_of(QR) in Client().post(link, follow=True).text


def test_it_tells_nobody_where_it_leads_from(link: str) -> None:
    friend = Client()
    answer = friend.post(link)
    cookie = next(iter(answer.cookies.values()))

    for page in (answer, friend.get(link)):
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in page.headers["X-Robots-Tag"]
        assert page.headers["Cache-Control"] == "no-store"
    assert cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == link
    assert cookie["max-age"] == 600 and cookie.value not in link


def test_it_expires(engine: Engine, ada: User) -> None:
    made = clock.now() - timedelta(minutes=10)
    with scope.workspace(engine.space):
        token = screens.make(connection=engine.connection, actor=ada, now=made)

    page = Client().get(f"/link/{token}/")

    assert page.status_code == 410 and "expired" in page.text
    assert Client().post(f"/link/{token}/").status_code == 403


def test_a_forged_one_is_nowhere(engine: Engine, link: str, client: Client) -> None:
    token = link.split("/")[2]
    number, until, nonce, mark = token.split("-")

    for forged in (
        f"{number}-zzzzzz-{nonce}-{mark}",
        f"1-{until}-{nonce}-{mark}",
        f"{number}-{until}-{nonce}-{mark[:-1]}{'0' if mark[-1] != '0' else '1'}",
        f"{number}-{until}-{mark}",
        f"-{mark}",
        "x",
    ):
        assert client.get(f"/link/{forged}/").status_code == 404
        assert client.post(f"/link/{forged}/").status_code == 404


def test_it_shows_its_own_number_only(
    acme: Workspace, engine: Engine, link: str, rival: Workspace, chidi: User
) -> None:
    with scope.workspace(rival):
        theirs = Engine(
            rival, lifecycle.create_connection(workspace=rival, actor=chidi, now=clock.now())
        )
        theirs.show(QR + "theirs")
        token = screens.make(connection=theirs.connection, actor=chidi, now=clock.now())
    friend = Client()
    friend.post(link)
    cookie = next(iter(friend.cookies.values()))

    page = Client(headers={"cookie": f"{cookie.key}={cookie.value}"}).get(f"/link/{token}/").text
    renamed = f"bk_screen_{theirs.pk}={cookie.value}"
    again = Client(headers={"cookie": renamed}).get(f"/link/{token}/").text

    assert qr.svg_of(QR + "theirs") not in page + again and "Show it here" in page
    assert friend.get(f"/w/acme/connections/{engine.pk}/link/").status_code == 302  # to sign in


def test_it_follows_to_the_end_and_no_further(engine: Engine, link: str) -> None:
    friend = Client()
    page = friend.post(link, follow=True).text
    assert poll(friend, page).status_code == 204
    engine.show(QR + "second")
    page = poll(friend, page).text
    assert qr.svg_of(QR + "second") in page

    engine.open("+2348030000001")
    page = poll(friend, page).text

    assert "The phone is linked" in page and "803" not in page and "every" not in page


def test_a_code_and_the_reason_of_a_failure_stay_with_the_owner(
    engine: Engine, link: str, owner: Client
) -> None:
    friend = Client()
    friend.post(link)
    owner.post(f"/w/acme/connections/{engine.pk}/link/", {"method": "code", "phone": "08035550142"})
    engine.show("K7QP2M4X", kind="code")
    assert "K7QP" not in friend.get(link).text
    engine.tell("banned", reason="locked")

    page = friend.get(link).text
    assert engine.connection.state_reason not in page and "Blocked" not in page


def test_it_ends_with_its_number(engine: Engine, link: str, owner: Client) -> None:
    friend = Client()
    page = friend.post(link, follow=True).text
    owner.post(f"/w/acme/connections/{engine.pk}/remove/")

    gone = poll(friend, page)

    assert gone.status_code == 200 and "not there any more" in gone.text
    assert "every" not in gone.text


def test_with_a_code_under_way_a_link_begins_with_a_qr_code(
    engine: Engine, owner: Client, client_for: Callable[[User], Client]
) -> None:
    owner.post(f"/w/acme/connections/{engine.pk}/link/", {"method": "code", "phone": "08035550142"})

    page: Any = owner.post(f"/w/acme/connections/{engine.pk}/link/screen/", {"method": "qr"})

    assert "/link/" in page.text and "ten minutes" in page.text
    assert engine.session.link_method == "qr"
    with scope.workspace(engine.space):
        assert Connection.objects.count() == 1
