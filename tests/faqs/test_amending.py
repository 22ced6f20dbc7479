"""A preview is put right before it is added."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from faqs import amending, entries, importing, readers, starters
from faqs.models import Entry, Import
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _inside(acme: Workspace) -> Iterator[None]:
    with scope.workspace(acme):
        yield


def preview(text: str, now: datetime) -> Import:
    rows = readers.read(text.encode()).rows
    return importing.preview(rows=rows, file_name="a.csv", user_id=None, now=now)


def states(file: Import) -> list[str]:
    return [row["state"] for row in file.rows]


def test_a_fixed_row_is_judged_anew_and_added_with_the_others(now: datetime) -> None:
    file = preview("question,answer\nDo you sew?,\nAny lace?,Yes.\n", now)
    assert states(file) == ["invalid", "new"]

    fixed = amending.amend(import_id=file.pk, number=2, question="Do you sew?", answer=" Yes. ")
    importing.confirm(import_id=file.pk, now=now)

    assert states(fixed) == ["new", "new"]
    assert dict(Entry.objects.values_list("question", "answer")) == {
        "Do you sew?": "Yes.", "Any lace?": "Yes.",
    }  # fmt: skip


def test_a_row_that_is_fixed_wrongly_says_so(now: datetime) -> None:
    file = preview("question,answer\nDo you sew?,\n", now)

    fixed = amending.amend(import_id=file.pk, number=2, question="x" * 301, answer="Yes.")

    assert "301 is too long" in fixed.rows[0]["reason"]


def test_rewording_one_of_two_frees_the_other(now: datetime) -> None:
    file = preview("question,answer\nDo you sew?,One.\nDo you sew?,Two.\n", now)
    assert file.rows[1]["reason"] == "Same question as row 2."

    fixed = amending.amend(import_id=file.pk, number=2, question="Do you mend?", answer="One.")

    assert states(fixed) == ["new", "new"]


def test_leaving_one_of_two_out_frees_the_other(now: datetime) -> None:
    file = preview("question,answer\nDo you sew?,One.\nDo you sew?,Two.\n", now)

    left = amending.choose(import_id=file.pk, number=2, is_left_out=True)
    importing.confirm(import_id=file.pk, now=now)

    assert left.rows[1]["state"] == "new"
    assert Entry.objects.get().answer == "Two."


def test_what_was_left_out_can_be_taken_in_again(now: datetime) -> None:
    entries.create(question="Do you sew?", answer="No.", now=now)
    file = preview("question,answer\nDo you sew?,Yes.\n", now)
    amending.choose(import_id=file.pk, number=2, is_left_out=True)
    with pytest.raises(importing.UnableToImport):
        importing.confirm(import_id=file.pk, now=now)

    amending.choose(import_id=file.pk, number=2, is_left_out=False)
    importing.confirm(import_id=file.pk, now=now)

    assert Entry.objects.get().answer == "Yes."


def test_what_the_reader_could_not_read_is_put_right_by_a_person(now: datetime) -> None:
    file = preview("faq_id,question,answer,active\nno way!,Do you sew?,Yes.,perhaps\n", now)
    assert states(file) == ["invalid"]

    fixed = amending.amend(import_id=file.pk, number=2, question="Do you sew?", answer="Yes.")

    assert states(fixed) == ["new"] and fixed.rows[0]["faq_id"] == "do_you_sew"


def test_a_row_with_too_many_ways_to_ask_stays_wrong_when_others_are_fixed(now: datetime) -> None:
    ways = " | ".join(f"way {n}" for n in range(120))
    file = preview(f"question,answer,alt_questions\nSew?,Yes.,{ways}\nLace?,,\n", now)

    fixed = amending.amend(import_id=file.pk, number=3, question="Lace?", answer="Yes.")

    assert states(fixed) == ["invalid", "new"]


def test_a_file_that_is_added_cannot_be_changed_any_more(now: datetime) -> None:
    file = preview("question,answer\nDo you sew?,Yes.\n", now)
    importing.confirm(import_id=file.pk, now=now)

    with pytest.raises(amending.UnableToAmend, match="added already"):
        amending.amend(import_id=file.pk, number=2, question="x", answer="y")
    with pytest.raises(amending.UnableToAmend):
        amending.choose(import_id=999_999, number=2, is_left_out=True)


def test_a_row_that_is_not_there_is_refused(now: datetime) -> None:
    file = preview("question,answer\nDo you sew?,Yes.\n", now)

    with pytest.raises(amending.UnableToAmend, match="no such row"):
        amending.choose(import_id=file.pk, number=77, is_left_out=True)


def test_blanks_are_filled_in_everywhere_at_once(now: datetime) -> None:
    file = starters.preview(kind="fashion", business_name="Acme", user_id=None, now=now)
    before = dict(amending.blanks(file))

    filled, changed = amending.fill(
        import_id=file.pk, values={"address": "12 Balogun", "landmark": "", "no such": "x"}
    )

    assert changed == 1 and "address" in before
    assert "address" not in dict(amending.blanks(filled)) and "landmark" in dict(
        amending.blanks(filled)
    )
    assert filled.rows[0]["reason"] == "Fill in [landmark], or leave it out."


def test_no_answer_with_a_blank_in_it_is_ever_added(now: datetime) -> None:
    file = starters.preview(kind="food", business_name="Acme", user_id=None, now=now)
    blank = file.rows[0]["number"]
    for row in file.rows:
        row["state"] = "new"  # whatever the stored preview says
    file.save()

    amending.fill(import_id=file.pk, values={"address": "1 [road]", "landmark": "the park"})
    importing.confirm(import_id=file.pk, now=now)

    assert blank == 1 and not Entry.objects.filter(answer__contains="[").exists()
    assert Entry.objects.exists()


def test_the_rows_with_problems_come_out_harmless(now: datetime) -> None:
    file = preview('question,answer\n"=HYPERLINK(1)",\nPay?,0123456789\nFine?,Yes.\n', now)

    text = amending.problems_csv(file)

    assert "The answer is empty." in text and "account number" in text
    assert "'=HYPERLINK(1)" in text and "Fine?" not in text
