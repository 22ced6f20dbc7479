"""The FAQs: find, write, switch, delete, import with a preview, undo, export."""

import io
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook

from billing.models import Plan
from faqs.models import Entry, Import
from lib import fetching
from tests.faqs import documents, files
from tests.pages.conftest import HTMX, Shop
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
LIST = "/w/acme/faqs/"
NEW = {
    "question": "Do you sell lace?",
    "answer": "Yes.",
    "phrasings": "lace?\nany lace",
    "is_active": "on",
}

SITE = b"<h2>Do you sew?</h2><p>Yes, daily.</p>"


def upload(text: str | bytes, name: str = "answers.csv") -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode())}


def entries(shop: Shop) -> dict[str, str]:
    with scope.workspace(shop.space):
        return dict(Entry.objects.values_list("question", "answer"))


def test_the_list_finds_words_of_question_answer_and_phrasing(
    shop: Shop, viewer: Client, stranger: Client
) -> None:
    for asked in ("", "?q=delivery", "?q=lagos+2,500", "?q=cost", "?category=Delivery"):
        assert "How much is delivery?" in viewer.get(LIST + asked).text, asked
    part = viewer.get(LIST + "?q=nothing-like-it", headers=HTMX)

    assert "No answer fits" in part.text and "<html" not in part.text
    assert stranger.get(LIST).status_code == 404


def test_a_new_business_is_offered_ready_lists(acme: Workspace, owner: Client) -> None:
    page = owner.get(LIST).text

    assert "Teach the bot your answers" in page and "/w/acme/faqs/starters/" in page


def test_an_answer_is_added_changed_switched_and_deleted(shop: Shop, owner: Client) -> None:
    assert owner.post(LIST + "new/", NEW).headers["Location"] == LIST
    with scope.workspace(shop.space):
        entry = Entry.objects.get(question="Do you sell lace?")
    at = f"{LIST}{entry.pk}/"
    assert "any lace" in owner.get(at).text

    owner.post(at, {**NEW, "answer": "Yes, from ₦35,000."})
    assert entries(shop)["Do you sell lace?"] == "Yes, from ₦35,000."

    part = owner.post(at + "switch/", {"is_active": "off"}, headers=HTMX).text
    assert 'aria-checked="false"' in part and "<html" not in part
    assert owner.post(at + "switch/", {"is_active": "on"}).headers["Location"] == LIST

    assert "waits in the trash for 30 days" in owner.get(at + "delete/").text
    assert owner.post(at + "delete/").headers["Location"] == LIST
    assert "Do you sell lace?" not in entries(shop)
    assert owner.post(at + "delete/").status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"question": ""}, "Write the question."),
        ({"answer": " "}, "The answer is empty."),
        ({"answer": "x" * 4097}, "WhatsApp allows 4,096 characters"),
        ({"question": "How much is  DELIVERY?"}, "already there"),
        ({"phrasings": "y" * 301}, "A way to ask may have 300 characters"),
    ],
)
def test_a_mistake_is_said_beside_its_field(
    shop: Shop, owner: Client, change: dict[str, str], said: str
) -> None:
    page = owner.post(LIST + "new/", NEW | change)
    part = owner.post(LIST + "new/", NEW | change, headers=HTMX)

    assert page.status_code == part.status_code == 422
    assert said in page.text and said in part.text and "<html" not in part.text


def test_agents_read_and_do_not_write(shop: Shop, agent: Client) -> None:
    assert "/faqs/new/" not in agent.get(LIST).text
    for path in (
        "new/",
        f"{shop.entry.pk}/",
        f"{shop.entry.pk}/delete/",
        "import/",
        "starters/",
    ):
        assert agent.post(LIST + path, NEW).status_code == 403, path


def test_a_file_is_shown_first_then_added_then_taken_back(shop: Shop, owner: Client) -> None:
    text = "question,answer,colour\nHow much is delivery?,₦3000,red\nDo you sew?,Yes.,\nEmpty?,,\n=cmd|1,x,\n"
    shown = owner.post(LIST + "import/", upload(text))
    at = shown.headers["Location"]
    page = owner.get(at).text
    assert "Add 3 answers" in page and "The answer is empty." in page and "colour" in page
    assert len(entries(shop)) == 1

    done = owner.post(at + "confirm/", {"skip": "5"}, follow=True).text
    assert "1 added, 1 changed" in done and "Left out" in done
    assert entries(shop) == {"How much is delivery?": "₦3000", "Do you sew?": "Yes."}
    assert "added already" in owner.post(at + "confirm/", follow=True).text

    undone = owner.post(at + "undo/", follow=True).text
    assert "1 removed, 1 as they were before" in undone
    assert entries(shop) == {"How much is delivery?": "Delivery within Lagos is *₦2,500*."}


def test_a_preview_can_be_put_aside(shop: Shop, owner: Client) -> None:
    at = owner.post(LIST + "import/", upload("question,answer\na,b\n")).headers["Location"]

    page = owner.post(at + "discard/", follow=True).text

    assert "Put aside" in page and "Discarded" in page
    with scope.workspace(shop.space):
        assert Import.objects.get().state == "discarded"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({}, "Choose a file first."),
        (upload(""), "empty"),
        (upload("name,price\na,b\n"), "no column named question"),
        (upload(b"\x89PNG\r\n\x1a\n" + b"0" * 99, "answers.xlsx"), "It is a picture"),
        (upload("question,answer\n" + "a,b\n" * 50_000), "Your plan (Pro) has room for 5,000"),
        (upload("We sell lace.", "notes.txt"), "No question with an answer was found"),
        ({"way": "text", "text": " "}, "Paste your questions and answers first."),
        ({"way": "text", "text": "We sell lace."}, "No question with an answer was found"),
        ({"way": "text", "text": "a" * 1_000_001}, "too much to paste"),
        ({"way": "link", "address": ""}, "Paste the link first."),
        ({"way": "link", "address": "http://169.254.169.254/"}, "private network"),
        ({"way": "link", "address": "localhost"}, "private network"),
        ({"way": "link", "address": "file:///etc/passwd"}, "begin with https://"),
        ({"way": "carrier pigeon"}, "Choose a file first."),
        (upload(b"q" * (5 * 1024 * 1024 + 10)), "more than 5 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(
    shop: Shop, owner: Client, file: dict[str, Any], said: str
) -> None:
    for part in file.values():
        if isinstance(part, SimpleUploadedFile):
            part.seek(0)

    page = owner.post(LIST + "import/", file, headers=HTMX)

    assert page.status_code == 422 and "<html" not in page.text
    assert said in page.text, page.text.split("errorlist")[-1][:300]


def test_a_refusal_opens_the_way_that_was_tried(shop: Shop, owner: Client) -> None:
    page = owner.post(LIST + "import/", {"way": "text", "text": "We <b>sell</b> lace."}).text

    first, pasted, link = re.findall(r'<details class="card flush choice"( open)?>', page)
    assert (first, pasted, link) == ("", " open", "")
    assert "We &lt;b&gt;sell&lt;/b&gt; lace." in page  # nothing has to be pasted again


WAYS: dict[str, Callable[[], dict[str, Any]]] = {
    "word": lambda: upload(
        documents.docx(
            documents.paragraph("Do you sew?", style="Kop2"), documents.paragraph("Yes, daily.")
        ),
        "answers.docx",
    ),
    "pdf": lambda: upload(documents.pdf([["**Do you sew?", "Yes, daily."]]), "answers.pdf"),
    "text file": lambda: upload("Do you sew?\nYes, daily.", "answers.txt"),
    "saved page": lambda: upload("<html><h2>Do you sew?</h2><p>Yes, daily.", "answers.html"),
    "pasted": lambda: {"way": "text", "text": "Q: Do you sew?\r\nA: Yes, daily."},
    "link": lambda: {"way": "link", "address": "shop.example/faq"},
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_goes_through_the_same_preview_and_undo(
    way: str, shop: Shop, owner: Client, stranger: Client, rival: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    page = fetching.Fetched("https://shop.example/faq", "text/html", "", SITE)
    monkeypatch.setattr(fetching, "fetch", lambda url, *, kinds: page)

    at = owner.post(LIST + "import/", WAYS[way]()).headers["Location"]
    shown = owner.get(at).text
    assert "Check before you add" in shown and "Do you sew?" in shown and "Add 1 answer" in shown
    assert "Do you sew?" not in entries(shop)
    assert stranger.get(at).status_code == 404

    owner.post(at + "confirm/")
    assert entries(shop)["Do you sew?"] == "Yes, daily."
    with scope.workspace(rival):
        assert not Entry.objects.filter(question="Do you sew?").exists()
        assert not Import.objects.exists()

    assert "1 removed" in owner.post(at + "undo/", follow=True).text
    assert "Do you sew?" not in entries(shop)


def test_five_thousand_answers_are_shown_and_added_without_a_wait(
    shop: Shop, owner: Client
) -> None:
    rows = [["question", "answer"], *([f"Price of {n}?", f"₦{n},000. " * 20] for n in range(4_999))]
    file = upload(files.workbook_with_strings(rows), "answers.xlsx")

    started = time.monotonic()
    at = owner.post(LIST + "import/", file).headers["Location"]
    read = time.monotonic()
    owner.get(at)
    owner.post(at + "confirm/")
    added = time.monotonic()

    assert len(entries(shop)) == 5_000
    assert (read - started < 5, added - read < 5) == (True, True)  # about one second each


def test_an_answer_beyond_the_plan_is_refused_in_its_form(shop: Shop, owner: Client) -> None:
    with scope.owner():
        Plan.objects.filter(code="pro").update(max_entries=1)

    page = owner.post(LIST + "new/", NEW)

    assert page.status_code == 422 and "room for 1 answer, and 1 is there" in page.text


def test_the_answers_come_out_as_files(shop: Shop, viewer: Client) -> None:
    csv = viewer.get(LIST + "export.csv")
    book = load_workbook(io.BytesIO(viewer.get(LIST + "export.xlsx").content))

    assert csv.headers["Content-Disposition"] == 'attachment; filename="faqs-acme.csv"'
    assert "How much is delivery?" in csv.text
    assert [cell.value for cell in book.worksheets[0][2]][1] == "How much is delivery?"


def test_a_category_that_no_database_holds_finds_nothing(shop: Shop, owner: Client) -> None:
    assert owner.get("/w/acme/faqs/", {"category": "\x00x"}).status_code == 200
