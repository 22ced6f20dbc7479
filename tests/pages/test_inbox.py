"""The list of conversations, a thread, and a person's part in it."""

import html
import re
from datetime import timedelta

import pytest
from django.test import Client

from connections.models import Connection, OutboundJob
from lib import clock
from messaging import inbox, threads
from messaging.models import Contact, Conversation, Message
from tests.pages.conftest import HTMX, Shop, write
from workspaces import scope

pytestmark = pytest.mark.django_db
LIST = "/w/acme/conversations/"
POLL = f"{LIST}live/"


def thread(shop: Shop, more: str = "") -> str:
    return f"{LIST}{shop.talk.pk}/{more}"


def talks(shop: Shop, count: int) -> None:
    """Add conversations, each a minute older than the one before."""
    now = clock.now()
    for n in range(count):
        contact = Contact.objects.create(
            name=f"Customer {n:02}", phone=f"+23480600000{n:02}", created_at=now, last_seen_at=now
        )
        at = now - timedelta(minutes=n + 1)
        Conversation.objects.create(
            contact=contact, connection_id=shop.number.pk, last_message_at=at, opened_at=at
        )


def test_the_list_shows_who_wrote_and_escapes_it(
    shop: Shop, agent: Client, stranger: Client
) -> None:
    page = agent.get(LIST)

    assert "Ngozi &lt;b&gt;U.&lt;/b&gt;" in page.text and "Needs you" in page.text
    assert stranger.get(LIST).status_code == 404


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        ("view=needs", True),
        ("view=bot", False),
        ("view=person", False),
        ("view=nonsense", True),
        ("q=ngozi", True),
        ("q=0806+111+2222", True),
        ("q=%2B2348061112222", True),
        ("q=61112222", True),
        ("q=tunde", False),
        ("q=%00", True),
        ("before=x.y", True),
    ],
)
def test_the_list_is_narrowed_down(shop: Shop, agent: Client, asked: str, is_found: bool) -> None:
    page = agent.get(f"{LIST}?{asked}")

    assert page.status_code == 200
    assert (thread(shop) in page.text) is is_found


def test_older_conversations_follow_without_gaps(shop: Shop, agent: Client) -> None:
    with scope.workspace(shop.space):
        talks(shop, 40)
        first = inbox.listing(country="NG")
        second = inbox.listing(country="NG", before=first.older)

    names = [talk.name for talk in first.talks + second.talks]
    assert len(names) == len(set(names)) == 41 and not second.older
    part = agent.get(f"{LIST}?before={first.older}", headers=HTMX).text
    assert part.count("<li>") == 11 and "<html" not in part


def live(shop: Shop, agent: Client, *, of_thread: bool = False) -> dict[str, str]:
    """Return what a page of the inbox says about itself in its poll."""
    page = agent.get(thread(shop) if of_thread else LIST).text
    if of_thread:
        page += agent.get(f"{LIST}?beside={shop.talk.pk}", headers=HTMX).text
    fields = re.findall(r"<input type=.hidden.[^>]*data-live[^>]*>", page)
    return {
        name[1]: html.unescape(value[1])
        for field in fields
        if (name := re.search(r'name="(\w+)"', field))
        and (value := re.search(r'value="([^"]*)"', field))
    }


def test_a_poll_is_answered_only_when_something_changed(
    shop: Shop, agent: Client, stranger: Client
) -> None:
    known = live(shop, agent)

    assert agent.get(POLL, known, headers=HTMX).status_code == 204
    with scope.workspace(shop.space):
        write(shop.talk, "And to Lekki?", wamid="wamid.IN2")
    part = agent.get(POLL, known, headers=HTMX).text
    assert "And to Lekki?" in part and 'id="talks" hx-swap-oob="true"' in part
    assert 'id="latest"' not in part
    assert stranger.get(POLL, known, headers=HTMX).status_code == 404


def test_a_list_costs_the_same_for_one_and_for_thirty(
    shop: Shop, django_assert_max_num_queries: object
) -> None:
    with scope.workspace(shop.space):
        talks(shop, 30)
        with django_assert_max_num_queries(5):  # type: ignore[operator]
            assert len(inbox.listing(country="NG").talks) == 30


def test_a_thread_shows_both_sides(shop: Shop, viewer: Client, stranger: Client) -> None:
    page = viewer.get(thread(shop)).text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "<script>alert" not in page
    assert "<b>₦2,500</b>" in page and "Why this reply?" in page and "Delivered" in page
    assert "You may read here" in page and "<textarea" not in page
    assert stranger.get(thread(shop)).status_code == 404
    assert viewer.get(f"{LIST}999999/").status_code == 404


def test_kinds_that_cannot_be_shown_are_named(shop: Shop, agent: Client) -> None:
    with scope.workspace(shop.space):
        write(shop.talk, "", kind="audio", wamid="wamid.A")
        write(shop.talk, "", kind="poll_creation", wamid="wamid.P")

    page = agent.get(thread(shop)).text

    assert "Audio" in page and "cannot be shown here (poll_creation)" in page
    assert "Why no reply?" in page


def test_earlier_messages_are_one_click_away(shop: Shop, agent: Client) -> None:
    with scope.workspace(shop.space):
        for n in range(45):
            write(shop.talk, f"old {n}", ago=timedelta(hours=n + 1), wamid=f"wamid.OLD{n}")
        newest = threads.thread(workspace=shop.space, conversation_id=shop.talk.pk, now=clock.now())

    assert "Earlier messages" in agent.get(thread(shop)).text
    part = agent.get(thread(shop, f"?before={newest.earlier}"), headers=HTMX).text
    whole = agent.get(thread(shop, f"?before={newest.earlier}")).text
    assert part.count('class="bubble') - part.count('class="bubbles') == 17
    assert "To the newest messages" in whole and 'name="past" value="1"' in whole


def test_one_poll_refreshes_list_thread_and_badge(shop: Shop, agent: Client) -> None:
    known = live(shop, agent, of_thread=True)

    assert agent.get(POLL, known, headers=HTMX).status_code == 204
    with scope.workspace(shop.space):
        write(shop.talk, "Still there?", wamid="wamid.IN3")
        Conversation.objects.update(needs_person=False)
    part = agent.get(POLL, known, headers=HTMX).text

    assert part.count("Still there?") == 2 and "How much is delivery?" in part
    for name in ("latest", "talk-head", "talks", "views", "needs"):
        assert re.search(f'id="{name}"[^>]* hx-swap-oob="true"', part), name
    assert 'name="text"' not in part, "what is being typed stays"


def test_when_the_window_opens_the_form_comes_with_the_poll(shop: Shop, agent: Client) -> None:
    with scope.workspace(shop.space):
        Conversation.objects.update(last_inbound_at=clock.now() - timedelta(hours=25))
    known = live(shop, agent, of_thread=True)
    with scope.workspace(shop.space):
        Conversation.objects.update(last_inbound_at=clock.now())

    part = agent.get(POLL, known, headers=HTMX).text

    assert 'name="text"' in part and "You can reply freely for 23 h 59 min" in part


def test_a_reply_works_without_script(shop: Shop, agent: Client) -> None:
    form = {"text": "Yes, ₦3,500 to Lekki.", "once": "abc"}

    done = agent.post(thread(shop, "reply/"), form)
    agent.post(thread(shop, "reply/"), form)

    assert done.headers["Location"] == thread(shop)
    with scope.workspace(shop.space):
        talk = Conversation.objects.get()
        assert Message.objects.filter(author="member").count() == 1
        assert (talk.holder, talk.needs_person) == ("person", False)
    assert "Bola" in agent.get(thread(shop)).text


def test_a_reply_by_htmx_brings_a_fresh_form_and_the_message(shop: Shop, agent: Client) -> None:
    part = agent.post(thread(shop, "reply/"), {"text": "Yes.", "once": "x"}, headers=HTMX).text

    assert part.startswith('<div class="composer"') and "Yes." in part
    assert 'id="latest" class="stack tight" hx-swap-oob="true"' in part
    assert "<html" not in part


@pytest.mark.parametrize(("text", "said"), [("  ", "Write something"), ("x" * 4097, "two parts")])
def test_a_reply_that_cannot_go_is_explained_and_kept(
    shop: Shop, agent: Client, text: str, said: str
) -> None:
    part = agent.post(thread(shop, "reply/"), {"text": text}, headers=HTMX)
    whole = agent.post(thread(shop, "reply/"), {"text": text})

    assert part.status_code == whole.status_code == 422
    assert said in part.text and text.strip() in part.text and "<html" not in part.text
    assert said in whole.text and "<html" in whole.text


def test_after_24_hours_there_is_no_form(shop: Shop, agent: Client) -> None:
    with scope.workspace(shop.space):
        Conversation.objects.update(last_inbound_at=clock.now() - timedelta(hours=25))

    page = agent.get(thread(shop)).text
    refused = agent.post(thread(shop, "reply/"), {"text": "Hello?"})

    assert "More than 24 hours" in page and 'name="text"' not in page
    assert refused.status_code == 422


def test_taking_over_and_giving_back(shop: Shop, agent: Client, viewer: Client) -> None:
    assert viewer.post(thread(shop, "take/")).status_code == 403

    taken = agent.post(thread(shop, "take/"), headers=HTMX).text
    back = agent.post(thread(shop, "give-back/"))

    assert "Give to the bot" in taken and "<html" not in taken
    assert back.headers["Location"] == thread(shop)
    with scope.workspace(shop.space):
        assert Conversation.objects.get().holder == "bot"


def test_opening_marks_the_newest_message_as_read_once(shop: Shop, agent: Client) -> None:
    agent.get(thread(shop))
    with scope.workspace(shop.space):
        assert not OutboundJob.objects.filter(workspace=shop.space).exists()

    for _ in range(2):
        assert agent.post(thread(shop, "seen/"), headers=HTMX).status_code == 204

    with scope.workspace(shop.space):
        [job] = OutboundJob.objects.filter(workspace=shop.space)
    assert job.kind == "read" and job.payload and job.payload["message_id"] == "wamid.IN1"


def test_a_thread_of_a_removed_number_can_still_be_read(shop: Shop, agent: Client) -> None:
    with scope.workspace(shop.space):
        Connection.objects.filter(pk=shop.number.pk).delete()

    page = agent.get(thread(shop)).text

    assert "no longer connected" in page
    assert agent.post(thread(shop, "seen/")).status_code == 204
    assert agent.post(thread(shop, "reply/"), {"text": "Hi"}).status_code == 422


@pytest.mark.parametrize("number", ["²", "-1", "9" * 5000, "٣", "1e3", "\x00"])
def test_numbers_in_addresses_that_are_none_do_no_harm(
    shop: Shop, owner: Client, support: Client, number: str
) -> None:
    for path, name in (
        (LIST, "beside"),
        (LIST, "before"),
        (thread(shop), "before"),
        ("/w/acme/faqs/", "page"),
        ("/w/acme/connections/add/", "renew"),
        ("/w/acme/usage/", "month"),
    ):
        assert owner.get(path, {name: number}).status_code in (200, 400), (path, name)
    for name in ("page", "q"):
        assert support.get("/staff/", {name: number}).status_code == 200
    assert support.get("/staff/w/acme/", {"contact": number}).status_code == 200
