"""A plan's room for answers holds at every door, and the refusal names it."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from billing.models import Plan
from faqs import entries, importing, intake, readers, room
from faqs.models import Entry, Import
from workspaces import scope
from workspaces.models import Workspace


@pytest.fixture(autouse=True)
def _inside(acme: Workspace) -> Iterator[None]:
    """Acme's plan (Pro, on trial) has room for three."""
    with scope.owner():
        Plan.objects.filter(code="pro").update(max_entries=3)
    with scope.workspace(acme):
        Entry.objects.all().delete()
        yield


def rows(*questions: str) -> list[readers.Row]:
    return [
        readers.Row(number, {"question": question, "answer": "Yes."})
        for number, question in enumerate(questions, start=1)
    ]


def previewed(now: datetime, *questions: str) -> Import:
    return importing.preview(rows=rows(*questions), file_name="a", user_id=None, now=now)


def test_each_plan_says_how_many_answers_it_holds(acme: Workspace) -> None:
    with scope.owner():
        most = dict(Plan.objects.values_list("code", "max_entries"))

    assert most == {"free": 500, "starter": 2_000, "pro": 3}


def test_a_preview_beyond_the_plan_is_refused_with_plan_limit_and_excess(now: datetime) -> None:
    entries.create(question="Open?", answer="Yes.", now=now)

    with pytest.raises(importing.UnableToImport) as caught:
        previewed(now, "A?", "B?", "C?", "Open?")

    said = str(caught.value)
    assert said.startswith("Your plan (Pro) has room for 3 answers, and 1 is there. This adds 3.")
    assert "Take out 1 or more" in said
    assert not Import.objects.exists()


def test_rows_that_add_nothing_do_not_count(now: datetime) -> None:
    for question in ("A?", "B?", "C?"):
        entries.create(question=question, answer="No.", now=now)

    file = importing.confirm(import_id=previewed(now, "A?", "B?", "C?").pk, now=now)

    assert importing.counts(file)["changed"] == 3


def test_confirm_counts_again_and_stays_a_preview(now: datetime) -> None:
    file = previewed(now, "A?", "B?", "C?")
    entries.create(question="Open?", answer="Yes.", now=now)

    with pytest.raises(importing.UnableToImport, match="room for 3"):
        importing.confirm(import_id=file.pk, now=now)

    file.refresh_from_db()
    assert file.state == Import.State.PREVIEW
    assert importing.counts(importing.confirm(import_id=file.pk, now=now, skip=[1]))["new"] == 2


def test_one_answer_more_than_the_plan_holds_is_refused(now: datetime) -> None:
    for question in ("A?", "B?", "C?"):
        entries.create(question=question, answer="Yes.", now=now)

    with pytest.raises(entries.UnableToSaveEntry, match="room for 3"):
        entries.create(question="D?", answer="Yes.", now=now)


def test_what_is_beyond_a_smaller_plan_stays_and_can_be_changed(now: datetime) -> None:
    entry = entries.create(question="A?", answer="Yes.", now=now)
    with scope.owner():
        Plan.objects.filter(code="pro").update(max_entries=0)

    entries.update(
        entry_id=entry.pk, question="A?", answer="No.", category="", keywords="", phrasings=[],
        is_active=True, now=now,
    )  # fmt: skip

    assert Entry.objects.get().answer == "No."


def test_a_plan_without_a_limit_takes_all(now: datetime) -> None:
    with scope.owner():
        Plan.objects.filter(code="pro").update(max_entries=None)

    assert room.room(now=now).refusal(1_000_000) == ""


def test_fifty_thousand_rows_are_refused_with_the_plan_named(now: datetime) -> None:
    data = ("question,answer\n" + "q,a\n" * 50_000).encode()

    with pytest.raises(intake.UnableToRead) as caught:
        intake.of_file(data=data, name="a.csv", now=now)

    assert str(caught.value) == (
        "The file has 50,000 rows; 5,000 is the most for one import. Your plan (Pro) has room for "
        "3 answers, and 0 are there. Keep the 3 that matter, or choose a larger plan."
    )


def test_a_larger_plan_is_told_to_split_the_file(now: datetime) -> None:
    with scope.owner():
        Plan.objects.filter(code="pro").update(max_entries=100_000)

    with pytest.raises(intake.UnableToRead, match="room for 100,000 answers.* Split it"):
        intake.of_text(text="".join(f"{n}?\nYes\n" for n in range(100, 5_200)), now=now)
