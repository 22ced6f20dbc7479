"""A contact's page, quick answers, notes, and what a thread is written with."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from connections.models import OutboundJob
from lib import marks
from messaging.models import Contact, Conversation, Message, Note, QuickAnswer
from tests.lib.conftest import own_redis as own_redis
from tests.pages.conftest import HTMX, Shop, write
from workspaces import scope
from workspaces.models import User

pytestmark = pytest.mark.django_db
QUICK = "/w/acme/quick-answers/"


def person(shop: Shop, more: str = "") -> str:
    return f"/w/acme/contacts/{shop.talk.contact_id}/{more}"


def thread(shop: Shop, more: str = "") -> str:
    return f"/w/acme/conversations/{shop.talk.pk}/{more}"


def contact(shop: Shop) -> Contact:
    with scope.workspace(shop.space):
        return Contact.objects.get()


# --- The contact --------------------------------------------------------------------------------


def test_a_contacts_page_shows_what_is_known(
    shop: Shop, viewer: Client, agent: Client, owner: Client, stranger: Client
) -> None:
    page, part = viewer.get(person(shop)).text, viewer.get(person(shop), headers=HTMX).text

    assert "Ngozi &lt;b&gt;" in page and "+234 806 111 2222" in page and "<html" not in part
    assert "Block" not in page and "Erase" not in agent.get(person(shop)).text
    assert "Erase" in owner.get(person(shop)).text
    assert stranger.get(person(shop)).status_code == 404
    assert owner.get("/w/acme/contacts/999999/").status_code == 404


@pytest.mark.parametrize(
    ("way", "fields"),
    [
        ("name/", {"name": "Aunty"}),
        ("tag/", {"tag": "vip"}),
        ("untag/", {"tag": "1"}),
        ("note/", {"note": "pays late"}),
        ("block/", {"to": "blocked"}),
        ("consent/", {"is_out": "1"}),
    ],
)
def test_agents_change_a_contact_and_others_do_not(
    shop: Shop, agent: Client, viewer: Client, stranger: Client, way: str, fields: dict[str, str]
) -> None:
    assert viewer.post(person(shop, way), fields).status_code == 403
    assert stranger.post(person(shop, way), fields).status_code == 404
    assert agent.get(person(shop, way)).status_code == 405
    assert agent.post(f"/w/acme/contacts/999999/{way}", fields).status_code == 404

    assert agent.post(person(shop, way), fields).headers["Location"] == person(shop)
    assert "<html" not in agent.post(person(shop, way), fields, headers=HTMX).text


def test_what_was_changed_is_shown_and_offers_a_way_back(shop: Shop, agent: Client) -> None:
    agent.post(person(shop, "name/"), {"name": "Aunty <i>"})
    agent.post(person(shop, "tag/"), {"tag": "VIP"})
    part = agent.post(person(shop, "block/"), {"to": "blocked"}, headers=HTMX).text

    assert "Undo" in part and 'value="unblocked"' in part
    page = agent.get(person(shop)).text
    assert "Aunty &lt;i&gt;" in page and "VIP" in page and "Blocked" in page
    assert "Blocked" in agent.get(thread(shop)).text
    assert "Aunty" in agent.get("/w/acme/conversations/?tag=vip").text
    agent.post(person(shop, "block/"), {"to": "unblocked"})
    assert contact(shop).blocked_at is None


@pytest.mark.parametrize(
    ("way", "fields", "said"),
    [
        ("tag/", {"tag": "x" * 31}, "at most 30"),
        ("tag/", {"tag": ""}, "Write the tag"),
        ("note/", {"note": ""}, "Write something"),
        ("name/", {"name": "x" * 201}, "at most 200"),
    ],
)
def test_mistakes_are_shown_where_they_are(
    shop: Shop, agent: Client, way: str, fields: dict[str, str], said: str
) -> None:
    answer = agent.post(person(shop, way), fields, headers=HTMX)

    assert answer.status_code == 422 and said in answer.text


def test_managers_hand_the_data_out_and_erase(
    shop: Shop, owner: Client, agent: Client, stranger: Client
) -> None:
    for way in ("data.csv", "data.json", "erase/"):
        assert agent.get(person(shop, way)).status_code == 403
        assert stranger.get(person(shop, way)).status_code == 404
    csv = owner.get(person(shop, "data.csv"))
    assert "attachment" in csv.headers["Content-Disposition"] and "How much is delivery" in csv.text
    assert owner.get(person(shop, "data.json")).json()["contact"]["phone"] == "+2348061112222"
    page = owner.get(person(shop, "erase/")).text
    assert "2 messages" in page and "last four digits" in page

    assert owner.post(person(shop, "erase/"), {"typed": "1234"}).status_code == 422
    assert agent.post(person(shop, "erase/"), {"typed": "2222"}).status_code == 403
    done = owner.post(person(shop, "erase/"), {"typed": "2222"})

    assert done.headers["Location"] == "/w/acme/conversations/"
    assert owner.get(person(shop)).status_code == 404 == owner.get(thread(shop)).status_code


# --- Notes, quick answers, undo, retry, assigning -----------------------------------------------


def test_a_note_is_in_the_flow_and_is_never_sent(shop: Shop, agent: Client, viewer: Client) -> None:
    assert viewer.post(thread(shop, "note/"), {"note": "pays late"}).status_code == 403
    part = agent.post(thread(shop, "note/"), {"note": "pays <b>late"}, headers=HTMX).text
    assert agent.post(thread(shop, "note/"), {"note": " "}, headers=HTMX).status_code == 422

    assert 'class="bubble note"' in part and "pays &lt;b&gt;late" in part
    assert "pays &lt;b&gt;late" in agent.get(thread(shop)).text
    with scope.workspace(shop.space):
        assert not OutboundJob.objects.filter(workspace=shop.space).exists()
        pk = Note.objects.get().pk
    assert agent.post(f"/w/acme/notes/{pk}/delete/").status_code == 302
    assert agent.post(f"/w/acme/notes/{pk}/delete/").status_code == 404


def test_quick_answers_are_kept_by_agents(
    shop: Shop, agent: Client, viewer: Client, stranger: Client
) -> None:
    assert viewer.get(QUICK).status_code == 403 and stranger.get(QUICK).status_code == 404
    agent.post(QUICK, {"title": "Bank", "text": "GTBank <b>"})
    assert agent.post(QUICK, {"title": "bank", "text": "x"}).status_code == 422
    assert agent.post(QUICK, {"title": "", "text": "x" * 4097}).status_code == 422
    with scope.workspace(shop.space):
        pk = QuickAnswer.objects.get().pk

    assert "GTBank &lt;b&gt;" in agent.get(QUICK).text
    assert agent.post(f"{QUICK}{pk}/", {"title": "Bank details", "text": "GTB"}).status_code == 302
    assert "GTB" in agent.get(f"{QUICK}{pk}/").text
    agent.post(f"{QUICK}{pk}/delete/")
    assert "Undo" in agent.get(QUICK).text
    assert (
        agent.post(f"{QUICK}{pk}/delete/").status_code
        == 404
        == agent.get(f"{QUICK}{pk}/").status_code
    )


def test_a_pick_is_laid_behind_what_is_typed_with_or_without_script(
    shop: Shop, agent: Client, viewer: Client
) -> None:
    agent.post(QUICK, {"title": "Bank", "text": "GTBank 012"})
    with scope.workspace(shop.space):
        pk = QuickAnswer.objects.get().pk
    fields = {"text": "Hello Ngozi", "pick": f"quick-{pk}"}

    found = agent.get(thread(shop, "picks/?find=deliv"), headers=HTMX).text
    part = agent.post(thread(shop, "insert/"), fields, headers=HTMX).text
    whole = agent.post(thread(shop, "insert/"), fields).text

    assert (
        f'value="entry-{shop.entry.pk}"' in found
        and "Bank" not in found.split("<ul")[1].split("</ul")[0]
    )
    for text in (part, whole):
        assert "Hello Ngozi\n\nGTBank 012" in text
    assert "<html" not in part and "<html" in whole
    assert (
        agent.get(thread(shop, "picks/")).headers["Location"].startswith(thread(shop, "?picks=1"))
    )
    assert "Quick answers and FAQ" in agent.get(thread(shop, "?picks=1")).text
    assert viewer.post(thread(shop, "insert/"), fields).status_code == 403
    for pick in ("entry-999999", "quick-x", "\x00", "quick-" + "9" * 40):
        assert agent.post(thread(shop, "insert/"), {"pick": pick, "text": ""}).status_code == 200


def test_a_reply_is_taken_back_into_the_field(shop: Shop, agent: Client, owner: Client) -> None:
    part = agent.post(thread(shop, "reply/"), {"text": "Oops", "once": "x"}, headers=HTMX).text
    url = re.search(r'action="(/w/acme/messages/\d+/undo/)"', part)
    assert url and 'data-undo="brief"' in part

    assert owner.post(url[1]).status_code == 302  # not theirs
    page = agent.post(url[1]).text

    assert "Oops</textarea>" in page and "Taken back" in page
    with scope.workspace(shop.space):
        assert not Message.objects.filter(text="Oops").exists()
        assert not OutboundJob.objects.filter(workspace=shop.space).exists()


def test_undo_that_comes_too_late_says_so(shop: Shop, agent: Client) -> None:
    agent.post(thread(shop, "reply/"), {"text": "Oops", "once": "x"})
    with scope.workspace(shop.space):
        pk = Message.objects.get(text="Oops").pk
        OutboundJob.objects.update(state="sending", attempts=1)

    page = agent.post(f"/w/acme/messages/{pk}/undo/", follow=True).text

    assert "Too late" in page and "Oops" in page


def test_a_failed_message_has_a_button_to_try_again(
    shop: Shop, agent: Client, viewer: Client, stranger: Client
) -> None:
    with scope.workspace(shop.space):
        message = write(shop.talk, "It is here.", author="bot")
        Message.objects.filter(pk=message.pk).update(status="failed")
    url = f"/w/acme/messages/{message.pk}/retry/"
    assert url in agent.get(thread(shop)).text and url not in viewer.get(thread(shop)).text
    assert viewer.post(url).status_code == 403 and stranger.post(url).status_code == 404

    agent.post(url)
    page = agent.post(url, follow=True).text

    assert "Sent again; see below." in page and url not in page and "already" in page
    with scope.workspace(shop.space):
        assert Message.objects.filter(text="It is here.").count() == 2
    assert agent.post("/w/acme/messages/999999/retry/").status_code == 404


def test_a_conversation_is_assigned_from_its_head_with_a_way_back(
    shop: Shop, agent: Client, viewer: Client, stranger: Client, ada: User
) -> None:
    fields = {"to": str(ada.pk), "had": "bot"}
    assert viewer.post(thread(shop, "assign/"), fields).status_code == 403
    assert stranger.post(thread(shop, "assign/"), fields).status_code == 404

    part = agent.post(thread(shop, "assign/"), fields, headers=HTMX).text
    late = agent.post(thread(shop, "take/"), {"had": "bot"}, headers=HTMX).text

    assert "Undo" in part and "Ada" in part
    assert "Ada has taken this conversation" in late
    with scope.workspace(shop.space):
        assert Conversation.objects.get().held_by_id == ada.pk


def test_mine_are_those_that_i_have(shop: Shop, agent: Client, owner: Client) -> None:
    agent.post(thread(shop, "take/"))

    assert thread(shop) in agent.get("/w/acme/conversations/?view=mine").text
    assert thread(shop) not in owner.get("/w/acme/conversations/?view=mine").text


# --- Search and company -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "is_found"),
    [("how much deliv", True), ("delivery zebra", False), ("2,500", True), ("'); drop", False), ("& | !", False), ("d", False)],
)  # fmt: skip
def test_words_that_were_said_are_found(
    shop: Shop, agent: Client, query: str, is_found: bool
) -> None:
    page = agent.get("/w/acme/conversations/", {"q": query}).text

    assert ('<h2 class="parted">Messages' in page) is is_found


def test_a_search_leads_to_the_message_however_old(shop: Shop, agent: Client) -> None:
    with scope.workspace(shop.space):
        old = write(shop.talk, "the zanzibar question", ago=timedelta(days=3), wamid="old")
        for n in range(70):
            write(shop.talk, f"later {n}", ago=timedelta(hours=n), wamid=f"w{n}")
    page = agent.get("/w/acme/conversations/?q=zanzibar").text

    link = re.search(r'href="(/w/acme/conversations/\d+/\?at=\d+)#m', page)

    assert link and f'id="m{old.pk}"' in agent.get(link[1]).text


def test_who_is_here_is_seen_by_the_other(
    shop: Shop, agent: Client, owner: Client, settings: object, own_redis: str
) -> None:
    marks.forget()
    settings.REDIS_URL = own_redis  # type: ignore[attr-defined]
    owner.get("/w/acme/conversations/live/", {"open": f"{shop.talk.pk}", "writing": "1"})

    page = agent.get(thread(shop)).text

    assert "Ada is writing…" in page
    assert "Ada" in agent.get("/w/acme/conversations/").text.split('id="company"')[1]


def test_without_redis_the_pages_work_alone(shop: Shop, agent: Client) -> None:
    marks.forget()

    assert agent.get(thread(shop)).status_code == 200
    assert agent.get("/w/acme/conversations/live/", {"open": f"{shop.talk.pk}"}).status_code == 200


def test_a_thread_costs_the_same_for_two_and_for_thirty_messages(
    shop: Shop, agent: Client, django_assert_max_num_queries: object
) -> None:
    agent.get(thread(shop))
    with scope.workspace(shop.space):
        for n in range(40):
            write(shop.talk, f"more {n}", wamid=f"w{n}")

    with django_assert_max_num_queries(22):  # type: ignore[operator]
        agent.get(thread(shop))
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        agent.get("/w/acme/conversations/live/", {"open": f"{shop.talk.pk}", "list": "x"})
