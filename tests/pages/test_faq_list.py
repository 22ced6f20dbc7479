"""The list of answers: changed in place, several at once, page by page."""

from typing import Any

import pytest
from django.test import Client

from faqs import browsing, entries
from faqs.models import Entry
from lib import clock
from tests.pages.conftest import HTMX, Shop
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
LIST = "/w/acme/faqs/"


def add(shop: Shop, question: str, **more: Any) -> Entry:
    with scope.workspace(shop.space):
        return entries.create(question=question, answer="Yes.", now=clock.now(), **more)


def quick(entry: Entry, **change: str) -> dict[str, str]:
    values = {"question": entry.question, "answer": entry.answer, "category": entry.category}
    return {f"e{entry.pk}-{name}": value for name, value in {**values, **change}.items()}


def reread(shop: Shop, entry: Entry) -> Entry:
    with scope.workspace(shop.space):
        return Entry.objects.get(pk=entry.pk)


# --- In place --------------------------------------------------------------------------------


def test_a_row_becomes_a_form_and_a_row_again(shop: Shop, owner: Client) -> None:
    at = f"{LIST}{shop.entry.pk}/quick/"
    form, row = owner.get(at, headers=HTMX).text, owner.get(at + "?close", headers=HTMX).text

    assert "<textarea" in form and "₦2,500" in form and "<html" not in form
    assert "<textarea" not in row and row.lstrip().startswith("<tr")

    saved = owner.post(at, quick(shop.entry, answer="₦9,000."), headers=HTMX).text

    assert saved.lstrip().startswith("<tr") and "₦9,000." in saved
    assert 'action="/w/acme/faqs/undo/"' in saved
    with scope.workspace(shop.space):
        kept = entries.content_of(Entry.objects.get(pk=shop.entry.pk))
    assert (kept.answer, kept.phrasings) == ("₦9,000.", ("delivery cost",))


def test_a_mistake_keeps_the_form_open(shop: Shop, owner: Client) -> None:
    add(shop, "Do you sew?")
    at = f"{LIST}{shop.entry.pk}/quick/"

    for change, said in [
        ({"answer": ""}, "Write the answer."),
        ({"question": "do you SEW?"}, "already there"),
    ]:
        part = owner.post(at, quick(shop.entry, **change), headers=HTMX)
        assert part.status_code == 422 and said in part.text and "<textarea" in part.text

    assert reread(shop, shop.entry).answer == shop.entry.answer


def test_without_script_the_page_of_the_answer_opens(shop: Shop, owner: Client) -> None:
    at = f"{LIST}{shop.entry.pk}/"

    assert owner.get(at + "quick/").headers["Location"] == at
    assert owner.post(at + "quick/", quick(shop.entry)).headers["Location"] == LIST


# --- Undo ------------------------------------------------------------------------------------


def test_what_was_done_is_taken_back_from_its_toast(shop: Shop, owner: Client) -> None:
    page = owner.post(f"{LIST}{shop.entry.pk}/delete/", follow=True).text
    batch = page.split('name="batch" value="')[1].split('"')[0]
    with scope.workspace(shop.space):
        assert not Entry.objects.exists()

    done = owner.post(LIST + "undo/", {"batch": batch}, follow=True).text
    again = owner.post(LIST + "undo/", {"batch": batch}, follow=True).text

    assert "Taken back." in done and "was changed since" in again
    assert reread(shop, shop.entry).question == shop.entry.question


# --- Several at once -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("off", "2 answers switched off."),
        ("category", "2 answers moved."),
        ("delete", "2 answers deleted."),
    ],
)
def test_the_chosen_ones_are_changed_together_and_taken_back_together(
    shop: Shop, owner: Client, action: str, said: str
) -> None:
    other, third = add(shop, "Do you sew?"), add(shop, "Do you mend?")
    with scope.workspace(shop.space):
        before = entries.contents()
    data = {"entry": [shop.entry.pk, other.pk], "action": action, "to": "Shop"}

    page = owner.post(LIST + "several/", data, follow=True).text

    assert said in page
    with scope.workspace(shop.space):
        after = entries.contents()
        assert after != before and after[third.faq_id] == before[third.faq_id]
    batch = page.split('name="batch" value="')[1].split('"')[0]
    owner.post(LIST + "undo/", {"batch": batch})
    with scope.workspace(shop.space):
        assert entries.contents() == before


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"action": "off"}, "Choose at least one"),
        ({"entry": ["x", "-1", "9" * 30], "action": "off"}, "Choose at least one"),
        ({"entry": ["1"], "action": "sell"}, "Choose what to do"),
        ({"entry": ["999999"], "action": "delete"}, "changed nothing"),
        ({"entry": ["{pk}"], "action": "category", "to": "x" * 61}, "60 characters"),
    ],
)
def test_nonsense_changes_nothing(
    shop: Shop, owner: Client, data: dict[str, Any], said: str
) -> None:
    sent = {**data, "entry": [one.format(pk=shop.entry.pk) for one in data.get("entry", [])]}

    page = owner.post(LIST + "several/", sent, follow=True).text

    assert said in page
    assert reread(shop, shop.entry).category == "Delivery"


def test_answers_of_another_business_are_not_reached(
    shop: Shop, owner: Client, rival: Workspace
) -> None:
    with scope.workspace(rival):
        theirs = [
            entries.create(question=f"Theirs {n}?", answer="x", now=clock.now()).pk
            for n in range(3)
        ]

    owner.post(LIST + "several/", {"entry": theirs, "action": "delete"})

    with scope.workspace(rival):
        assert Entry.objects.filter(pk__in=theirs).count() == 3


# --- Who may ---------------------------------------------------------------------------------


def test_only_managers_change_and_strangers_find_nothing(
    shop: Shop, agent: Client, stranger: Client
) -> None:
    pk = shop.entry.pk
    for path in (f"{pk}/quick/", "several/", "undo/", f"{pk}/switch/", f"trash/{pk}/restore/"):
        assert agent.post(LIST + path).status_code == 403, path
        assert stranger.post(LIST + path).status_code == 404, path
    page = agent.get(LIST).text
    assert 'name="entry"' not in page and "several" not in page


# --- Page by page ----------------------------------------------------------------------------


def fill(shop: Shop, count: int) -> None:
    with scope.workspace(shop.space):
        now = clock.now()
        Entry.objects.bulk_create(
            Entry(
                faq_id=f"n{n}", question=f"Question {n % 7} {n:05}?", answer="Yes.",
                category=f"Kind {n % 3}", is_active=n % 2 == 0, created_at=now, updated_at=now,
            )
            for n in range(count)
        )  # fmt: skip


def test_all_pages_together_show_every_answer_once_forwards_and_back(shop: Shop) -> None:
    fill(shop, 2 * browsing.PAGE + 20)
    with scope.workspace(shop.space):
        wanted = list(
            Entry.objects.order_by("category", "question", "pk").values_list("pk", flat=True)
        )
        forwards: list[int] = []
        page = browsing.shelf()
        shelves = [page]
        while page.has_next:
            page = browsing.shelf(after=page.entries[-1].pk)
            shelves.append(page)
        for one in shelves:
            forwards += [entry.pk for entry in one.entries]
        back = browsing.shelf(before=shelves[-1].entries[0].pk)

    assert forwards == wanted
    assert [entry.pk for entry in back.entries] == [entry.pk for entry in shelves[-2].entries]
    assert (shelves[0].has_previous, back.has_previous, back.has_next) == (False, True, True)


def test_the_place_of_an_answer_that_is_gone_begins_at_the_front(shop: Shop, owner: Client) -> None:
    page = owner.get(LIST + "?after=999999")

    assert page.status_code == 200 and "How much is delivery?" in page.text


@pytest.mark.parametrize(("state", "count"), [("on", 11), ("off", 10), ("unused", 21), ("odd", 21)])
def test_the_list_is_narrowed_by_state(shop: Shop, state: str, count: int) -> None:
    fill(shop, 20)

    with scope.workspace(shop.space):
        assert browsing.shelf(state=state).found == count


def test_five_thousand_answers_cost_as_many_queries_as_one(
    shop: Shop, owner: Client, django_assert_max_num_queries: Any
) -> None:
    fill(shop, 5_000)
    with scope.workspace(shop.space):
        middle = Entry.objects.get(faq_id="n2500").pk

    with django_assert_max_num_queries(26):
        page = owner.get(f"{LIST}?after={middle}&q=question&state=off").text

    assert page.count('name="entry"') == browsing.PAGE
