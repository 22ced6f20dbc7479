"""The bot tried out: a chat that is played, judged and put right; many questions at once."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from billing.models import UsageEvent
from faqs import entries
from faqs.models import Change, Entry, GoldenQuestion
from lib import clock
from messaging import trying
from messaging.models import BotSettings, Message
from tests.pages.conftest import HTMX, Shop
from workspaces import scope

pytestmark = pytest.mark.django_db
TRY = "/w/acme/try/"
ASKED = "How much is delivery?"


def turns(page: str) -> int:
    return page.count('<li class="bubble"><p')


def test_a_chat_goes_on_turn_by_turn_and_keeps_nothing(
    shop: Shop, viewer: Client, stranger: Client
) -> None:
    with scope.workspace(shop.space):
        before = Message.objects.count(), UsageEvent.objects.count(), Change.objects.count()

    first = viewer.post(TRY, {"text": ASKED}, headers=HTMX).text
    second = viewer.post(TRY, {"said": [ASKED], "text": "Do you <b>sew</b>?"}, headers=HTMX).text
    anew = viewer.post(TRY, {"said": [ASKED], "anew": "1"}, headers=HTMX).text

    assert (turns(first), turns(second), turns(anew)) == (1, 2, 0)
    assert "<b>₦2,500</b>" in first and "Do you &lt;b&gt;sew&lt;/b&gt;?" in second
    assert "Passed to your team" in second
    with scope.workspace(shop.space):
        assert before == (
            Message.objects.count(), UsageEvent.objects.count(), Change.objects.count(),
        )  # fmt: skip
    assert stranger.get(TRY).status_code == stranger.post(TRY, {"text": "x"}).status_code == 404


@pytest.mark.parametrize("mode", ["off", "test"])
def test_a_bot_that_is_not_on_yet_can_be_tried(shop: Shop, viewer: Client, mode: str) -> None:
    with scope.workspace(shop.space):
        BotSettings.objects.update_or_create(pk=1, defaults={"mode": mode, "is_on": False})

    page = viewer.post(TRY, {"text": ASKED}, headers=HTMX).text

    assert "<b>₦2,500</b>" in page and "keeps quiet" not in page


def test_a_long_chat_forgets_its_beginning(shop: Shop, viewer: Client) -> None:
    said = [f"question {n}" for n in range(200)]

    page = viewer.post(TRY, {"said": said, "text": ASKED}, headers=HTMX).text

    assert turns(page) == trying.MOST_TURNS and "question 5<" not in page


def test_questions_are_suggested_from_ones_own_answers_and_one_that_nobody_knows(
    shop: Shop, viewer: Client
) -> None:
    page = viewer.get(TRY).text

    assert f'value="{ASKED}"' in page and 'value="delivery cost"' in page
    assert trying.UNKNOWN in page
    asked = viewer.post(TRY, {"suggested": trying.UNKNOWN}, headers=HTMX).text
    assert "Passed to your team" in asked


def test_a_right_reply_becomes_a_golden_question(shop: Shop, owner: Client, agent: Client) -> None:
    data = {"said": [ASKED], "turn": "1", "right": "1", "faq_id": shop.entry.faq_id}
    assert agent.post(TRY + "right/", data).status_code == 403

    part = owner.post(TRY + "right/", data, headers=HTMX).text

    assert 'data-tone="good"' in part and "asked this again" in part
    with scope.workspace(shop.space):
        assert GoldenQuestion.objects.get().text == ASKED


def test_a_wrong_reply_is_put_right_by_another_answer(
    shop: Shop, owner: Client, agent: Client, stranger: Client
) -> None:
    with scope.workspace(shop.space):
        other = entries.create(question="Do you sew?", answer="Yes.", now=clock.now())
    data = {"said": [ASKED, "una dey sew"], "turn": "2", "entry": str(other.pk), "how": "choose"}
    opened = owner.post(TRY, {"said": [ASKED, "una dey sew"], "wrong": "2"}, headers=HTMX).text
    assert "The right answer" in opened and f'<option value="{other.pk}">' in opened
    assert agent.post(TRY + "fix/", data).status_code == 403
    assert stranger.post(TRY + "fix/", data).status_code == 404

    part = owner.post(TRY + "fix/", data, headers=HTMX).text

    assert turns(part) == 3 and "The bot learns it" in part
    with scope.workspace(shop.space):
        assert entries.content_of(other).phrasings == ("una dey sew",)
        assert GoldenQuestion.objects.get().entry_id == other.pk
        assert Change.objects.latest("pk").door == "correction"


def test_a_wrong_reply_is_reworded_and_asked_again(shop: Shop, owner: Client) -> None:
    data = {
        "said": [ASKED], "turn": "1", "entry": str(shop.entry.pk), "how": "reword",
        "answer": "Now ₦9,000.",
    }  # fmt: skip

    part = owner.post(TRY + "fix/", data, headers=HTMX).text

    assert part.count("Now ₦9,000.") >= 2 and 'action="/w/acme/faqs/undo/"' in part
    with scope.workspace(shop.space):
        kept = entries.content_of(Entry.objects.get())
    assert (kept.answer, kept.phrasings) == ("Now ₦9,000.", ("delivery cost",))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"turn": "1"}, "Choose the right answer first."),
        ({"turn": "1", "entry": "999999", "how": "choose"}, "That answer is gone."),
        ({"turn": "1", "entry": "999999", "how": "reword", "answer": "x"}, "That answer is gone."),
        ({"turn": "1", "entry": "{pk}", "how": "reword", "answer": " "}, "The answer is empty."),
    ],
)
def test_a_fix_that_cannot_be_is_explained(
    shop: Shop, owner: Client, data: dict[str, str], said: str
) -> None:
    sent = {key: value.format(pk=shop.entry.pk) for key, value in data.items()}

    part = owner.post(TRY + "fix/", {"said": [ASKED], **sent}, headers=HTMX)

    assert part.status_code == 422 and said in part.text


def test_a_question_can_be_handed_over_by_a_link(shop: Shop, viewer: Client) -> None:
    page = viewer.get(TRY, {"text": ASKED}).text

    assert turns(page) == 1 and "<html" in page


# --- Many at once ----------------------------------------------------------------------------


def test_many_questions_are_tried_and_the_good_ones_kept(
    shop: Shop, owner: Client, viewer: Client, agent: Client, stranger: Client
) -> None:
    text = f"{ASKED}\n\nWho is the president of France?\nhello\n{ASKED}\n"
    part = viewer.post(TRY + "many/", {"text": text}, headers=HTMX).text
    assert part.count('name="text"') == 3 and "Small talk" in part and "<html" not in part
    assert stranger.post(TRY + "many/", {"text": text}).status_code == 404
    keep = {
        "text": [ASKED, "Who is the president of France?", "hello"],
        "mark-1": "good", "mark-2": "wrong", "mark-3": "ok",
    }  # fmt: skip
    assert agent.post(TRY + "many/keep/", keep).status_code == 403

    done = owner.post(TRY + "many/keep/", keep, headers=HTMX).text

    assert "1 golden question kept." in done and "1 answer is wrong" in done
    with scope.workspace(shop.space):
        assert list(GoldenQuestion.objects.values_list("text", flat=True)) == [ASKED]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"text": " \n "}, "at least one question"),
        ({"text": "x" * 50_001}, "at most 50000 characters"),
        ({"file": SimpleUploadedFile("q.txt", b"x" * 200_001)}, "larger than 200 KB"),
    ],
)
def test_what_cannot_be_tried_is_explained(
    shop: Shop, owner: Client, data: dict[str, Any], said: str
) -> None:
    part = owner.post(TRY + "many/", data, headers=HTMX)

    assert part.status_code == 422 and said in part.text


def test_a_file_of_any_bytes_is_read_and_cut_to_fifty(
    shop: Shop, owner: Client, django_assert_max_num_queries: Any
) -> None:
    lines = "\n".join(f'"question {n}",' for n in range(80)).encode()
    file = SimpleUploadedFile("q.csv", b"\xef\xbb\xbf\x00\xff" + lines)

    with django_assert_max_num_queries(20):
        part = owner.post(TRY + "many/", {"file": file}, headers=HTMX).text

    assert part.count('name="text"') == trying.MOST_QUESTIONS
