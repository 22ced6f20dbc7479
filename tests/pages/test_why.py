"""Why this reply, or why none?"""

import re

import pytest
from django.test import Client

from lib import clock
from messaging import trace
from messaging.models import BotSettings, Conversation, Message, TraceStep
from tests.pages.conftest import HTMX, Shop, write
from workspaces import scope

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("asked", ["wamid.IN1", "wamid.OUT1"])
def test_the_account_is_found_by_either_message(shop: Shop, owner: Client, asked: str) -> None:
    page = owner.get(f"/w/acme/why/?id={asked}").text

    assert "Why this reply?" in page and "Your answer “How much is delivery?” fits." in page
    assert "2 checks, none of them in the way." in page and "faq_matched" in page
    assert f"/w/acme/faqs/{shop.entry.pk}/" in page


def test_what_is_copied_for_support_has_no_word_of_the_customer(shop: Shop, viewer: Client) -> None:
    page = viewer.get(f"/w/acme/why/?id={shop.asked.pk}").text
    copied = page.split('id="for-support"')[1].split("</textarea>")[0]

    assert "faq act faq_matched" in copied and "wamid.IN1" in copied
    assert "delivery" not in copied.lower() and "Ngozi" not in copied


def test_beside_the_pretend_phone_it_comes_without_its_shell(shop: Shop, owner: Client) -> None:
    framed = owner.get("/w/acme/why/?id=wamid.IN1", headers={"sec-fetch-dest": "iframe"})

    assert 'class="nav"' not in framed.text and 'class="framed"' in framed.text
    assert "frame-ancestors 'self' http://127.0.0.1" in framed.headers["Content-Security-Policy"]


@pytest.mark.parametrize("asked", ["", "nope", "999999", "9" * 40, "%00"])
def test_an_unknown_message_is_explained(shop: Shop, owner: Client, asked: str) -> None:
    assert owner.get(f"/w/acme/why/?id={asked}").status_code == 404


def test_strangers_find_nothing(shop: Shop, stranger: Client) -> None:
    assert stranger.get("/w/acme/why/?id=wamid.IN1").status_code == 404
    assert stranger.get("/w/rival/why/?id=wamid.IN1").status_code == 404


def ended(shop: Shop, reason: str, sentence: str = "It ended so.", *, text: str = "lace?") -> int:
    """Write a message that ended with a reason; return its number."""
    with scope.workspace(shop.space):
        asked = write(shop.talk, text)
        verdicts = [trace.passed("received", "Received."), trace.stopped("x", reason, sentence)]
        trace.write(message=asked, verdicts=verdicts, received_at=clock.now(), now=clock.now())
    return asked.pk


def test_the_button_fits_the_reason_and_the_role(shop: Shop, owner: Client, agent: Client) -> None:
    with scope.workspace(shop.space):
        BotSettings.objects.update_or_create(pk=1, defaults={"is_on": False})
    pk = ended(shop, "bot_off")

    page, theirs = owner.get(f"/w/acme/why/?id={pk}").text, agent.get(f"/w/acme/why/?id={pk}").text

    assert 'action="/w/acme/bot/switch/"' in page and "Turn the bot on" in page
    assert 'action="/w/acme/bot/switch/"' not in theirs and "Turn the bot on, and" in theirs


def test_the_button_turns_the_bot_on_and_comes_back(shop: Shop, owner: Client) -> None:
    with scope.workspace(shop.space):
        BotSettings.objects.update_or_create(pk=1, defaults={"is_on": False, "mode": "off"})
    here = f"/w/acme/why/?id={ended(shop, 'bot_off')}"
    form = owner.get(here).text.split('id="fix"')[1].split("</form>")[0]
    sent = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', form))

    answer = owner.post("/w/acme/bot/switch/", sent)

    assert answer.headers["Location"] == here
    with scope.workspace(shop.space):
        assert BotSettings.objects.get().mode == "on"


def test_what_is_put_right_already_has_no_button(shop: Shop, owner: Client) -> None:
    off, held = ended(shop, "bot_off"), ended(shop, "human_holds")

    assert "the bot is on again" in owner.get(f"/w/acme/why/?id={off}").text
    assert "has this chat again" in owner.get(f"/w/acme/why/?id={held}").text


def test_a_chat_that_a_person_holds_is_given_back_from_here(shop: Shop, owner: Client) -> None:
    with scope.workspace(shop.space):
        Conversation.objects.filter(pk=shop.talk.pk).update(holder="person")
    pk = ended(shop, "human_holds")

    page = owner.get(f"/w/acme/why/?id={pk}").text

    assert f'action="/w/acme/conversations/{shop.talk.pk}/give-back/"' in page


def test_a_reply_that_failed_says_what_to_do_about_its_error(shop: Shop, owner: Client) -> None:
    with scope.workspace(shop.space):
        Message.objects.filter(pk=shop.answered.pk).update(
            status="failed", error_code="logged_out", error="The phone logged this device out."
        )

    page = owner.get("/w/acme/why/?id=wamid.OUT1").text

    assert "Not delivered. The phone logged this device out." in page
    assert "Link it again" in page


def test_what_stopped_a_reply_outweighs_that_an_answer_fitted(shop: Shop, owner: Client) -> None:
    with scope.workspace(shop.space):
        stop = trace.stopped("budget", "plan_limit", "The plan's 50 messages of today are used.")
        trace.write(
            message=shop.asked,
            verdicts=[stop],
            received_at=clock.now(),
            now=clock.now(),
            later=True,
        )

    page = owner.get("/w/acme/why/?id=wamid.IN1").text

    assert '<p class="verdict">The plan&#x27;s 50 messages' in page and "See your usage" in page


def test_a_message_that_a_person_wrote_is_explained(shop: Shop, owner: Client) -> None:
    with scope.workspace(shop.space):
        said = write(shop.talk, "We close at six.", author="member")
        done = trace.acted("person", "member_replied", "Ada wrote this from the inbox.")
        trace.write(message=said, verdicts=[done], received_at=clock.now(), now=clock.now())

    page = owner.get(f"/w/acme/why/?id={said.pk}").text

    assert "Ada wrote this from the inbox." in page and "Try again now" not in page


def test_trying_again_shows_what_the_bot_would_do_now_and_changes_nothing(
    shop: Shop, viewer: Client, stranger: Client
) -> None:
    at = f"/w/acme/why/?id={shop.asked.pk}&again=1"
    with scope.workspace(shop.space):
        Message.objects.filter(pk=shop.asked.pk).update(text="How much is delivery?")
        before = Message.objects.count(), TraceStep.objects.count()

    page, part = viewer.get(at).text, viewer.get(at, headers=HTMX).text

    assert "Asked again now" in page and "It answers with this." in page
    assert part.lstrip().startswith('<div class="stack tight" id="again"') and "<html" not in part
    assert stranger.get(at).status_code == 404
    with scope.workspace(shop.space):
        assert (Message.objects.count(), TraceStep.objects.count()) == before
