"""The page of exports: who may, what it shows while one is made, and the file."""

from datetime import timedelta

import pytest
from django.test import Client

from lib import clock
from messaging import exporting
from messaging.models import ConversationExport
from tests.pages.conftest import HTMX, Shop
from workspaces import scope

pytestmark = pytest.mark.django_db
PAGE = "/w/acme/exports/"
ASKED = {"what": "conversations", "form": "csv", "first_day": "", "last_day": "", "number": ""}


def made(shop: Shop) -> ConversationExport:
    exporting.advance(workspace=shop.space, now=clock.now(), seconds=30)
    with scope.workspace(shop.space):
        return ConversationExport.objects.get()


def test_a_manager_has_a_file_made_and_takes_it_home(shop: Shop, owner: Client) -> None:
    begun = owner.post(PAGE, ASKED, follow=True)
    export = made(shop)

    answer = owner.get(f"{PAGE}{export.pk}/file/")

    assert "Being made" in begun.text and "data-poll" in begun.text
    assert "Download" in owner.get(PAGE).text and "data-poll" not in owner.get(PAGE).text
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert content.count(b"\n") == 2 and b"+2348061112222" in content
    assert answer.headers["Content-Disposition"].startswith(
        'attachment; filename="conversations-acme-'
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_it_is_for_managers_only(
    shop: Shop, owner: Client, agent: Client, viewer: Client, stranger: Client
) -> None:
    owner.post(PAGE, ASKED)
    export = made(shop)

    for path in (PAGE, f"{PAGE}state/", f"{PAGE}{export.pk}/file/"):
        assert agent.get(path).status_code == viewer.get(path).status_code == 403, path
        assert stranger.get(path).status_code == 404, path
    for path in (PAGE, f"{PAGE}{export.pk}/drop/"):
        assert agent.post(path, ASKED).status_code == viewer.post(path, ASKED).status_code == 403
        assert stranger.post(path, ASKED).status_code == 404, path
    assert stranger.get(f"/w/rival/exports/{export.pk}/file/").status_code == 404


def test_a_file_is_no_longer_there_after_its_day_or_without_membership(
    shop: Shop, owner: Client
) -> None:
    owner.post(PAGE, ASKED)
    export = made(shop)
    with scope.workspace(shop.space):
        ConversationExport.objects.update(ended_at=clock.now() - timedelta(hours=25))

    assert owner.get(f"{PAGE}{export.pk}/file/").status_code == 404
    assert "Download" not in owner.get(PAGE).text


def test_a_poll_answers_only_what_is_new(shop: Shop, owner: Client) -> None:
    owner.post(PAGE, ASKED)
    with scope.workspace(shop.space):
        export = ConversationExport.objects.get()
    version = f"{export.pk}-going-0-False"

    same = owner.get(f"{PAGE}state/?version={version}", headers=HTMX)
    made(shop)
    new = owner.get(f"{PAGE}state/?version={version}", headers=HTMX)

    assert same.status_code == 204
    assert new.status_code == 200 and "Download" in new.text and "<html" not in new.text


def test_a_second_one_is_refused_until_the_first_is_cancelled(shop: Shop, owner: Client) -> None:
    owner.post(PAGE, ASKED)
    with scope.workspace(shop.space):
        export = ConversationExport.objects.get()

    refused = owner.post(PAGE, ASKED, headers=HTMX)
    cancelled = owner.post(f"{PAGE}{export.pk}/drop/", follow=True)
    again = owner.post(PAGE, ASKED)

    assert refused.status_code == 422 and "being made already" in refused.text
    assert 'id="ask"' in refused.text and "<html" not in refused.text
    assert "The export is cancelled." in cancelled.text
    assert again.status_code == 302
    assert owner.post(f"{PAGE}{export.pk}/drop/").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": "secrets"},
        {"form": "exe"},
        {"first_day": "2026-02-30"},
        {"first_day": "2026-03-02", "last_day": "2026-03-01"},
        {"last_day": "9999-12-31"},
        {"first_day": "\x00"},
        {"number": "77777"},
        {"number": "9" * 30},
        {"number": "-1"},
        {"number": "1; DROP TABLE x"},
    ],
)
def test_what_makes_no_sense_is_said_and_begins_nothing(
    shop: Shop, owner: Client, wrong: dict[str, str]
) -> None:
    answer = owner.post(PAGE, ASKED | wrong)

    assert answer.status_code == 422 and "errorlist" in answer.text
    with scope.workspace(shop.space):
        assert not ConversationExport.objects.exists()


def test_usage_and_the_inbox_lead_there(shop: Shop, owner: Client, agent: Client) -> None:
    for path in ("/w/acme/usage/", "/w/acme/conversations/"):
        assert f'href="{PAGE}"' in owner.get(path).text
        assert f'href="{PAGE}"' not in agent.get(path).text


def test_the_page_costs_few_queries(
    shop: Shop, owner: Client, django_assert_max_num_queries: object
) -> None:
    owner.post(PAGE, ASKED)

    with django_assert_max_num_queries(12):  # type: ignore[operator]
        owner.get(PAGE)
