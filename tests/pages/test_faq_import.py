"""The preview of an import: put right in its place, filled in, told of as a file."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from faqs import identity, training, versions
from faqs.models import Entry, Import, TrainedModel
from lib import clock
from tests.pages.conftest import HTMX, Shop
from workspaces import scope

pytestmark = pytest.mark.django_db
LIST = "/w/acme/faqs/"
TEXT = "question,answer\nDo you sew?,\nAny lace?,Yes.\nHow much is delivery?,₦9\n"


@pytest.fixture
def at(shop: Shop, owner: Client) -> str:
    """Where a file with a mistake in its first row waits."""
    file = SimpleUploadedFile("answers.csv", TEXT.encode())
    return owner.post(LIST + "import/", {"file": file}).headers["Location"]


def test_a_row_is_put_right_in_its_place(shop: Shop, owner: Client, at: str) -> None:
    form = owner.get(at + "rows/2/", headers=HTMX).text
    assert "The answer is empty." in form and "<textarea" in form and "<html" not in form

    wrong = {"row2-question": "Do you sew?", "row2-answer": ""}
    right = {"row2-question": "Do you sew?", "row2-answer": "Yes, <daily>."}
    still = owner.post(at + "rows/2/", wrong, headers=HTMX).text
    fixed = owner.post(at + "rows/2/", right, headers=HTMX).text

    assert "The answer is empty." in still
    assert fixed.lstrip().startswith('<tr id="row-2"') and "Yes, &lt;daily&gt;." in fixed
    assert 'id="foot" hx-swap-oob="true"' in fixed and "Add 3 answers" in fixed
    owner.post(at + "confirm/")
    with scope.workspace(shop.space):
        assert Entry.objects.get(question="Do you sew?").answer == "Yes, <daily>."


def test_it_works_without_script(shop: Shop, owner: Client, at: str) -> None:
    page = owner.get(at + "rows/2/?state=invalid").text
    assert "<html" in page and 'name="row2-answer"' in page

    done = owner.post(
        at + "rows/2/?state=invalid", {"row2-question": "Do you sew?", "row2-answer": "Yes."}
    )

    assert done.headers["Location"] == f"{at}?state=invalid#row-2"


def test_a_row_is_left_out_for_good_whatever_page_it_is_on(
    shop: Shop, owner: Client, at: str
) -> None:
    part = owner.post(at + "rows/4/choose/", {"choice": "leave"}, headers=HTMX).text
    assert "Left out" in part and "Overwrite" in part and "Add 1 answer<" in part

    owner.post(at + "confirm/")

    with scope.workspace(shop.space):
        assert Entry.objects.get(pk=shop.entry.pk).answer == shop.entry.answer


def test_who_may_not_and_what_is_not_there(
    shop: Shop, owner: Client, agent: Client, stranger: Client, at: str
) -> None:
    for path in ("rows/2/", "rows/2/choose/", "fill/"):
        assert agent.post(at + path).status_code == 403, path
        assert stranger.post(at + path).status_code == 404, path
    assert owner.get(at + "rows/99/", headers=HTMX).status_code == 404
    assert owner.post(LIST + "import/999999/rows/2/").status_code == 404
    assert owner.post(LIST + "import/999999/fill/").status_code == 404
    assert owner.get(LIST + "import/999999/problems.csv").status_code == 404
    assert stranger.get(at + "problems.csv").status_code == 404
    assert stranger.get(LIST + "training/").status_code == 404


def test_the_rows_with_problems_are_a_file(shop: Shop, viewer: Client, at: str) -> None:
    file = viewer.get(at + "problems.csv")

    assert "attachment" in file.headers["Content-Disposition"]
    assert "The answer is empty." in file.text and "Any lace?" not in file.text


def test_an_added_file_is_no_longer_changed(shop: Shop, owner: Client, at: str) -> None:
    owner.post(at + "confirm/")

    page = owner.post(at + "rows/3/choose/", {"choice": "leave"}, follow=True).text

    assert "added already" in page
    assert owner.get(at + "rows/3/", headers=HTMX).status_code == 404


# --- Examples --------------------------------------------------------------------------------


def test_examples_are_filled_in_before_they_are_added(
    shop: Shop, owner: Client, viewer: Client, agent: Client, stranger: Client
) -> None:
    assert "Phones and gadgets" in viewer.get(LIST + "starters/").text
    assert agent.post(LIST + "starters/", {"kind": "phones"}).status_code == 403
    assert stranger.get(LIST + "starters/").status_code == 404
    at = owner.post(LIST + "starters/", {"kind": "phones"}).headers["Location"]
    page = owner.get(at).text
    names = re.findall(r'name="name" value="([^"]+)"', page)
    assert "address" in names and "Acme Fabrics is at [address]" in page

    filled = owner.post(
        at + "fill/", {"name": names, "value": ["12 Otigba Street"] * len(names)}, follow=True
    ).text

    assert "answers filled in." in filled and "[address]" not in filled
    owner.post(at + "confirm/")
    with scope.workspace(shop.space):
        assert Entry.objects.filter(answer__contains="12 Otigba Street").exists()
        assert not Entry.objects.filter(answer__contains="[").exists()


def test_a_kind_that_nobody_knows_is_refused(shop: Shop, owner: Client) -> None:
    page = owner.post(LIST + "starters/", {"kind": "../../etc"}, follow=True).text

    assert "Choose one of the kinds" in page
    with scope.workspace(shop.space):
        assert not Import.objects.exists()


def test_ones_own_kind_comes_first(shop: Shop, owner: Client) -> None:
    with scope.system():
        shop.space.kind = "pharmacy"
        shop.space.save(update_fields=["kind"])

    page = owner.get(LIST + "starters/").text

    assert page.index("Your kind of business") < page.index("Fashion and fabrics")


# --- While the bot learns --------------------------------------------------------------------


def test_the_bar_asks_again_until_it_is_done(
    shop: Shop, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way = training.Progress(True, 40, 12, False)
    monkeypatch.setattr(training, "progress", lambda now: under_way)
    part = viewer.get(LIST + "training/", headers=HTMX).text
    assert 'hx-trigger="every 2s"' in part and "data-poll" in part and 'value="40"' in part
    assert viewer.get(LIST + "training/?seen=40", headers=HTMX).status_code == 204
    assert viewer.get(LIST + "training/?seen=39", headers=HTMX).status_code == 200

    monkeypatch.setattr(training, "progress", lambda now: training.Progress(False, 100, 12, False))
    done = viewer.get(LIST + "training/?seen=40", headers=HTMX).text

    assert "Learnt." in done and "hx-trigger" not in done
    assert viewer.get(LIST + "training/").headers["Location"] == LIST


def test_progress_is_estimated_from_the_last_change_and_the_last_training(shop: Shop) -> None:
    now = clock.now()
    with scope.workspace(shop.space):
        current = versions.current().entries
        TrainedModel.objects.create(
            encoder=identity.of_models(), version=current - 1, data=b"", entry_count=1,
            seconds=60.0, trained_at=now,
        )  # fmt: skip

        behind = training.progress(now=now)
        TrainedModel.objects.update(version=current)
        done = training.progress(now=now)

    assert behind.is_learning and behind.percent < 50
    assert (done.is_learning, done.percent) == (False, 100)


def test_an_answer_is_shown_as_whatsapp_shows_it(
    shop: Shop, owner: Client, stranger: Client
) -> None:
    part = owner.post(LIST + "preview/", {"answer": "*Yes* <script>\x00"}).text

    assert "<b>Yes</b> &lt;script&gt;" in part and "<html" not in part
    assert stranger.post(LIST + "preview/", {"answer": "x"}).status_code == 404
    assert 'id="bubble"' in owner.get(f"{LIST}{shop.entry.pk}/").text
