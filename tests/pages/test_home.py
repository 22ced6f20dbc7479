"""The home page, the bot's switch, one's own phone, and a question to try."""

import re

import pytest
from django.test import Client

from lib import clock
from messaging.models import BotSettings, OwnerNumber
from tests.pages.conftest import HTMX, Shop
from workspaces import notices, scope

pytestmark = pytest.mark.django_db


def test_home_says_what_needs_me_and_how_it_goes(
    shop: Shop, owner: Client, stranger: Client
) -> None:
    page = owner.get("/w/acme/").text

    assert "<b>1</b> conversation waits" in page and "11 min" in page
    assert "+234 803 123 4567" in page and "Trial" in page
    assert '<svg class="chart' in page and "<table" in page
    assert stranger.get("/w/acme/").status_code == 404


def test_the_bot_is_switched_by_managers_only(shop: Shop, owner: Client, agent: Client) -> None:
    refused = agent.post("/w/acme/bot/switch/", {"mode": "off"})
    done = owner.post("/w/acme/bot/switch/", {"mode": "off"}, follow=True)

    assert refused.status_code == 403 and "manager" in refused.text
    assert "The bot is off" in done.text
    with scope.workspace(shop.space):
        assert BotSettings.objects.get().mode == "off"


def test_a_notice_can_be_put_away(shop: Shop, agent: Client) -> None:
    with scope.workspace(shop.space):
        notices.tell_owners(
            workspace=shop.space, key="k", text="The token is old.", now=clock.now()
        )
        [notice] = notices.standing(workspace=shop.space)
    assert "The token is old." in agent.get("/w/acme/").text

    gone = agent.post(f"/w/acme/notices/{notice.pk}/dismiss/", headers=HTMX)

    assert gone.status_code == 200 and gone.text == ""
    assert "The token is old." not in agent.get("/w/acme/").text


def test_my_phone_gets_a_code_that_is_shown_once(shop: Shop, owner: Client) -> None:
    wrong = owner.post("/w/acme/phone/", {"phone": "0803"}, headers=HTMX)
    right = owner.post("/w/acme/phone/", {"phone": "0803 999 0001"})

    assert wrong.status_code == 422 and "too short" in wrong.text
    assert re.search(r"confirm \d{6}", right.text) and "+234 803 999 0001" in right.text
    assert not re.search(r"confirm \d{6}", owner.get("/w/acme/phone/").text)
    assert owner.get("/w/acme/phone/", headers=HTMX).status_code == 204

    with scope.workspace(shop.space):
        OwnerNumber.objects.update(confirmed_at=clock.now())
    assert "is confirmed" in owner.get("/w/acme/phone/", headers=HTMX).text
    owner.post("/w/acme/phone/forget/")
    with scope.workspace(shop.space):
        assert not OwnerNumber.objects.exists()


def test_a_question_can_be_tried_without_sending(shop: Shop, viewer: Client) -> None:
    page = viewer.post("/w/acme/try/", {"text": "How much is delivery?"}, headers=HTMX)
    empty = viewer.post("/w/acme/try/", {"text": ""}, headers=HTMX)
    whole = viewer.post("/w/acme/try/", {"text": "How much is delivery?"})

    assert "<b>₦2,500</b>" in page.text and "From: How much is delivery?" in page.text
    assert empty.status_code == 422
    assert "<html" in whole.text and "<html" not in page.text
