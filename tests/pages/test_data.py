"""Taking everything along, and deleting the business."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from lib import clock
from tests.pages.conftest import HTMX, Shop
from workspaces import notices, passports, registry, scope
from workspaces.models import AuditEntry, Notice, Passport, User, Workspace

pytestmark = pytest.mark.django_db
PAGE = "/w/acme/settings/data/"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    registry.forget()


def made(space: Workspace) -> Passport:
    with scope.workspace(space):
        passport = Passport.objects.get()
    assert passports.make(workspace=space, passport_id=passport.pk, clock=clock.now)
    with scope.workspace(space):
        passport.refresh_from_db()
    return passport


def test_who_may_open_it_and_do_what(
    shop: Shop, owner: Client, manager: Client, agent: Client, viewer: Client, stranger: Client
) -> None:
    assert "Delete this business" in owner.get(PAGE).text
    assert "Delete this business" not in manager.get(PAGE).text
    for client, status in ((agent, 403), (viewer, 403), (stranger, 404), (Client(), 302)):
        assert client.get(PAGE).status_code == status
        for path in ("export/", "delete/", "keep/"):
            assert client.post(PAGE + path).status_code == status, path
    for path in ("delete/", "keep/"):
        assert manager.post(PAGE + path, {"name": "Acme Fabrics"}).status_code == 403
    assert registry.by_slug("acme").state == "active"  # type: ignore[union-attr]


# --- The file ----------------------------------------------------------------------------------


def test_the_file_is_asked_for_watched_and_fetched(
    shop: Shop, owner: Client, manager: Client, agent: Client, stranger: Client, ada: User
) -> None:
    page = owner.post(f"{PAGE}export/", headers=HTMX).text
    assert "It begins in a moment." in page and 'hx-trigger="every 2s"' in page
    assert "It begins in a moment." in owner.post(f"{PAGE}export/", follow=True).text, "one at once"

    passport = made(shop.space)

    page = owner.get(PAGE).text
    assert "The file is ready" in page and "every 2s" not in page
    address = f"/exports/{passport.pk}/"
    assert address in page
    answer = manager.get(address)
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert answer.headers["Content-Length"] == str(len(content))
    assert "acme-" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert "How much is delivery?" in archive.read("csv/faqs_entry.csv").decode()
        assert "+2348061112222" in archive.read("json/messaging_contact.jsonl").decode()
    for client in (agent, stranger):
        assert client.get(address).status_code == 404
    assert Client().get(address).status_code == 302
    with scope.workspace(shop.space):
        assert AuditEntry.objects.filter(action="export.fetched").count() == 1


def test_a_poll_is_answered_only_when_something_moved(shop: Shop, owner: Client) -> None:
    owner.post(f"{PAGE}export/")
    with scope.workspace(shop.space):
        mark = f"{Passport.objects.get().pk}-waiting-0"

    assert owner.get(f"{PAGE}?mark={mark}", headers=HTMX).status_code == 204
    made(shop.space)

    assert "Download" in owner.get(f"{PAGE}?mark={mark}", headers=HTMX).text


def test_after_its_day_the_file_is_gone(shop: Shop, owner: Client) -> None:
    owner.post(f"{PAGE}export/")
    passport = made(shop.space)
    with scope.workspace(shop.space):
        Passport.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    assert "Download" not in owner.get(PAGE).text
    assert owner.get(f"/exports/{passport.pk}/").status_code == 404
    assert owner.get("/exports/999999999/").status_code == 404


def test_five_files_a_day_are_enough(shop: Shop, owner: Client) -> None:
    with scope.workspace(shop.space):
        now = clock.now()
        Passport.objects.bulk_create(
            Passport(workspace=shop.space, state="failed", asked_at=now, moved_at=now)
            for _ in range(5)
        )

    assert "come back tomorrow" in owner.post(f"{PAGE}export/", follow=True).text
    with scope.workspace(shop.space):
        assert not Passport.objects.filter(state="waiting").exists()


# --- Deleting ----------------------------------------------------------------------------------


def test_the_name_must_be_typed(shop: Shop, owner: Client) -> None:
    for typed in ("", "Acme", "x" * 300, "acme\x00fabrics"):
        answer = owner.post(f"{PAGE}delete/", {"name": typed}, headers=HTMX)
        assert answer.status_code == 422, typed
    assert registry.by_slug("acme").state == "active"  # type: ignore[union-attr]


def test_everything_stops_owners_are_told_and_any_owner_keeps_it(
    shop: Shop, owner: Client, agent: Client, ada: User
) -> None:
    owner.post(f"{PAGE}delete/", {"name": " acme  FABRICS "})

    page = agent.get("/w/acme/").text
    assert "This business is being deleted." in page and "Keep it" not in page
    assert "Keep it" in owner.get("/w/acme/faqs/").text
    reply = owner.post(f"/w/acme/conversations/{shop.talk.pk}/reply/", {"text": "Hello"})
    assert reply.status_code == 422
    with scope.workspace(shop.space):
        notice = Notice.objects.get(key__startswith="closing:")
        assert notices.mail(workspace=shop.space, key=notice.key) == 1
    assert "Ada is deleting Acme Fabrics" in str(mail.outbox[-1].body)

    assert "It stays" in owner.post(f"{PAGE}keep/", follow=True).text

    assert "being deleted" not in agent.get("/w/acme/").text
    found = registry.by_slug("acme")
    assert found is not None and (found.state, found.erase_at) == ("active", None)
    assert "not being deleted" in owner.post(f"{PAGE}keep/", follow=True).text
    with scope.workspace(shop.space):
        actions = AuditEntry.objects.filter(actor=ada).values_list("action", flat=True)
        assert {"workspace.closing", "workspace.kept"} <= set(actions)
