"""History and trash: looked at by everybody, put back by managers."""

import pytest
from django.test import Client

from faqs import entries, history
from faqs.models import Change, Entry
from lib import clock
from tests.pages.conftest import Shop
from workspaces import scope
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db
LIST = "/w/acme/faqs/"


@pytest.fixture
def change(shop: Shop, ada: User) -> Change:
    """The latest change of the shop's answer, by Ada."""
    with scope.workspace(shop.space):
        content = {**vars(entries.content_of(shop.entry)), "answer": "New <b>words</b>."}
        hand = history.Hand(history.Door.EDIT, ada.pk)
        entries.update(entry_id=shop.entry.pk, **content, hand=hand, now=clock.now())
        return Change.objects.latest("pk")


def test_the_history_shows_before_and_after_and_who(
    shop: Shop, change: Change, viewer: Client, owner: Client, stranger: Client
) -> None:
    at = f"{LIST}{shop.entry.pk}/history/"
    page = viewer.get(at).text

    assert "Ada" in page and "₦2,500" in page and "New &lt;b&gt;words&lt;/b&gt;." in page
    assert "Restore what it was before" not in page
    assert "Restore what it was before" in owner.get(at).text
    assert stranger.get(at).status_code == owner.get(LIST + "999999/history/").status_code == 404


def test_an_old_answer_is_restored(
    shop: Shop, change: Change, owner: Client, agent: Client, stranger: Client
) -> None:
    at = f"{LIST}{shop.entry.pk}/history/{change.pk}/restore/"
    assert agent.post(at).status_code == 403 and stranger.post(at).status_code == 404
    assert owner.post(f"{LIST}{shop.entry.pk}/history/999999/restore/").status_code == 404

    page = owner.post(at, follow=True).text

    assert "Restored." in page and "Undo" in page
    with scope.workspace(shop.space):
        assert Entry.objects.get().answer == shop.entry.answer


def test_a_deleted_answer_waits_in_the_trash_and_comes_back(
    shop: Shop, owner: Client, viewer: Client, agent: Client, stranger: Client
) -> None:
    pk = shop.entry.pk
    assert "The trash is empty" in viewer.get(LIST + "trash/").text
    owner.post(f"{LIST}{pk}/delete/")

    page = viewer.get(LIST + "trash/").text
    assert "How much is delivery?" in page and "Bring it back" not in page
    assert stranger.get(LIST + "trash/").status_code == 404
    assert agent.post(f"{LIST}trash/{pk}/forget/").status_code == 403

    back = owner.post(f"{LIST}trash/{pk}/restore/", follow=True).text
    again = owner.post(f"{LIST}trash/{pk}/restore/", follow=True).text

    assert "is back." in back and "not in the trash" in again
    with scope.workspace(shop.space):
        assert Entry.objects.get().pk == pk


def test_what_goes_for_good_is_gone(shop: Shop, owner: Client, rival: Workspace) -> None:
    pk = shop.entry.pk
    assert owner.post(f"{LIST}trash/{pk}/forget/").status_code == 404  # it is not in the trash
    owner.post(f"{LIST}{pk}/delete/")

    page = owner.post(f"{LIST}trash/{pk}/forget/", follow=True).text

    assert "Gone for good." in page and "How much is delivery?" not in page
    with scope.workspace(shop.space):
        assert not Change.objects.exists()
