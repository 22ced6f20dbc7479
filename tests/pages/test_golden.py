"""Golden questions on the pages, and the team's corrections."""

import pytest
from django.test import Client

from faqs import entries, golden, search
from faqs.models import Entry, GoldenQuestion, Label
from lib import clock
from messaging import trace
from messaging.models import Message
from tests.encoder import encoder as encoder
from tests.pages.conftest import Shop
from workspaces import scope
from workspaces.models import AuditEntry

pytestmark = pytest.mark.django_db
AT = "/w/acme/faqs/golden/"


def add(shop: Shop, text: str = "delivery cost pls") -> GoldenQuestion:
    with scope.workspace(shop.space):
        found = golden.add(
            entry_id=shop.entry.pk,
            text=text,
            origin=GoldenQuestion.Origin.PERSON,
            now=clock.now(),
        )
    assert found is not None
    return found


def test_the_list_says_what_is_answered_and_what_is_not(shop: Shop, owner: Client) -> None:
    assert "They come by themselves" in owner.get(AT).text
    add(shop)
    add(shop, "who won the match")

    page = owner.get(AT).text

    assert page.count("Answered") >= 1 and "Not answered" in page


def test_one_is_added_and_taken_off(shop: Shop, owner: Client) -> None:
    done = owner.post(AT, {"text": "una dey deliver?", "entry": shop.entry.pk}, follow=True)
    assert "Before each change" in done.text and "una dey deliver?" in done.text
    with scope.workspace(shop.space):
        pk = GoldenQuestion.objects.get().pk

    assert "Taken off" in owner.post(f"{AT}{pk}/remove/", follow=True).text
    assert owner.post(f"{AT}{pk}/remove/").status_code == 404


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Write the question."),
        ({"text": "x"}, "Choose the answer."),
        ({"text": "x", "entry": "999999"}, "Choose one of your answers."),
        ({"text": "x", "entry": "abc"}, "Choose one of your answers."),
    ],
)
def test_a_mistake_is_said(shop: Shop, owner: Client, data: dict[str, str], said: str) -> None:
    page = owner.post(AT, data)

    assert page.status_code == 422 and said in page.text


def test_who_may_only_look_changes_nothing(
    shop: Shop, agent: Client, viewer: Client, stranger: Client
) -> None:
    pk = add(shop).pk
    for person in (agent, viewer):
        assert "Keep it" not in person.get(AT).text
        assert person.post(AT, {"text": "x", "entry": shop.entry.pk}).status_code == 403
        assert person.post(f"{AT}{pk}/remove/").status_code == 403
    assert stranger.get(AT).status_code == 404


@pytest.mark.usefixtures("encoder")
def test_a_change_that_breaks_one_is_held_back_until_it_is_wanted_all_the_same(
    shop: Shop, owner: Client
) -> None:
    add(shop, "what does delivery cost")
    with scope.workspace(shop.space):
        entries.create(question="What time do you open?", answer="9 to 6.", now=clock.now())
    at = f"/w/acme/faqs/{shop.entry.pk}/"
    change = {"question": "Where is my parcel?", "answer": "On its way.", "is_active": "on"}

    held = owner.post(at, change)

    assert held.status_code == 422
    assert "breaks a golden question" in held.text and "what does delivery cost" in held.text
    with scope.workspace(shop.space):
        assert Entry.objects.get(pk=shop.entry.pk).question == "How much is delivery?"
    assert owner.post(at, change | {"anyway": "1"}).status_code == 302
    with scope.workspace(shop.space):
        assert Entry.objects.get(pk=shop.entry.pk).question == "Where is my parcel?"


@pytest.fixture
def thief(shop: Shop) -> Entry:
    """An entry that is off, and takes a golden question of another one once it is on."""
    add(shop, "what does delivery cost")
    with scope.workspace(shop.space):
        entries.create(question="What time do you open?", answer="9 to 6.", now=clock.now())
        return entries.create(
            question="What does delivery cost",
            answer="Ask us.",
            phrasings=["what does delivery cost pls", "what does delivery cost now"],
            is_active=False,
            now=clock.now(),
        )


@pytest.mark.usefixtures("encoder")
def test_switching_an_answer_on_is_held_back_too(shop: Shop, thief: Entry, owner: Client) -> None:
    at = f"/w/acme/faqs/{thief.pk}/switch/"

    held = owner.post(at, {"is_active": "on"})
    part = owner.post(at, {"is_active": "on"}, headers={"HX-Request": "true"})

    assert held.status_code == part.status_code == 422
    assert "what does delivery cost" in held.text and f'action="{at}"' in held.text
    assert 'name="is_active" value="on"' in part.text and "<html" not in part.text
    with scope.workspace(shop.space):
        assert not Entry.objects.get(pk=thief.pk).is_active
    assert owner.post(at, {"is_active": "on", "anyway": "1"}).status_code == 302
    with scope.workspace(shop.space):
        assert Entry.objects.get(pk=thief.pk).is_active


@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("quality/answers/{pk}/phrasings/", {"text": ["what does delivery cost", "delivery cost"]}),
        ("quality/answers/{pk}/merge/", {"other": "{other}"}),
        ("faqs/{other}/delete/", {}),
        ("faqs/several/", {"entry": "{other}", "action": "delete"}),
        ("why/{message}/correct/", {"entry": "{pk}", "teaches": "1"}),
    ],
)
def test_every_way_to_change_an_answer_asks_the_golden_questions(
    shop: Shop,
    thief: Entry,
    asked: Message,
    owner: Client,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    data: dict[str, str | list[str]],
) -> None:
    broken = golden.Broken("what does delivery cost", "How much is delivery?", "It would not.")
    monkeypatch.setattr(golden, "broken_by", lambda change: [broken])
    names = {"pk": thief.pk, "other": shop.entry.pk, "message": asked.pk}
    sent = {
        key: value.format(**names) if isinstance(value, str) else value
        for key, value in data.items()
    }
    with scope.workspace(shop.space):
        before = golden.questions(), search.current()

    held = owner.post(f"/w/acme/{path.format(**names)}", sent)

    assert held.status_code == 422 and "It would not." in held.text
    with scope.workspace(shop.space):
        assert (golden.questions(), search.current()) == before
        assert not Label.objects.exists()


# --- Corrections -------------------------------------------------------------------------------


@pytest.fixture
def asked(shop: Shop) -> Message:
    """A customer's message that was looked up, and answered with the one entry."""
    with scope.workspace(shop.space):
        looked_up = trace.acted(
            "faq", "faq_matched", "It fits.", top=[{"faq_id": shop.entry.faq_id}]
        )
        now = clock.now()
        trace.write(message=shop.asked, verdicts=[looked_up], received_at=now, now=now)
        Message.objects.filter(pk=shop.asked.pk).update(text="hw much to bring am")
    return shop.asked


def correct(client: Client, message: Message, **data: object) -> str:
    return client.post(f"/w/acme/why/{message.pk}/correct/", data, follow=True).text


def test_a_correction_labels_makes_golden_and_teaches(
    shop: Shop, asked: Message, owner: Client
) -> None:
    assert "Which answer was it for?" in owner.get(f"/w/acme/why/?id={asked.pk}").text

    page = correct(owner, asked, entry=shop.entry.pk, teaches="1")

    assert "the bot learns it" in page and "Your team has said so" in page
    with scope.workspace(shop.space):
        label = Label.objects.get()
        assert (label.text, label.entry_id, label.answered_id, label.source) == (
            "hw much to bring am",
            shop.entry.pk,
            shop.entry.pk,
            "team",
        )
        assert shop.entry.phrasings.filter(text="hw much to bring am").exists()
        assert GoldenQuestion.objects.get().origin == "correction"
        assert AuditEntry.objects.filter(action="answer.corrected").exists()


def test_none_of_them_is_an_answer_too(shop: Shop, asked: Message, owner: Client) -> None:
    assert "none of your answers" in correct(owner, asked, entry="none")

    with scope.workspace(shop.space):
        assert Label.objects.get().entry_id is None
        assert not GoldenQuestion.objects.exists()


def test_an_agent_corrects_and_does_not_teach(shop: Shop, asked: Message, agent: Client) -> None:
    correct(agent, asked, entry=shop.entry.pk, teaches="1")

    with scope.workspace(shop.space):
        assert Label.objects.exists()
        assert not shop.entry.phrasings.filter(text="hw much to bring am").exists()


@pytest.mark.parametrize("entry", ["", "999999", "x", "-1"])
def test_a_correction_with_nothing_chosen_keeps_nothing(
    shop: Shop, asked: Message, owner: Client, entry: str
) -> None:
    page = correct(owner, asked, entry=entry)

    assert "Choose" in page
    with scope.workspace(shop.space):
        assert not Label.objects.exists()


def test_others_correct_nothing(
    shop: Shop, asked: Message, viewer: Client, stranger: Client
) -> None:
    path = f"/w/acme/why/{asked.pk}/correct/"
    assert viewer.post(path, {"entry": "none"}).status_code == 403
    assert stranger.post(path, {"entry": "none"}).status_code == 404
    with scope.workspace(shop.space):
        assert not Label.objects.exists()


def test_the_bots_own_message_cannot_be_corrected(
    shop: Shop, asked: Message, owner: Client
) -> None:
    path = f"/w/acme/why/{shop.answered.pk}/correct/"

    assert owner.post(path, {"entry": "none"}).status_code == 404
    with scope.workspace(shop.space):
        assert not Label.objects.exists()
