"""Golden questions are asked again before a change, which is not made by asking."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from functools import partial

import pytest

from faqs import entries, golden, importing, readers
from faqs.engine import training
from faqs.models import Entry, GoldenQuestion, Version
from workspaces import scope
from workspaces.models import Workspace

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("encoder")]
BY_HAND = GoldenQuestion.Origin.PERSON


@pytest.fixture
def delivery(acme: Workspace, now: datetime) -> Iterator[Entry]:
    with scope.workspace(acme):
        entries.create(question="What time do you open?", answer="9 to 6.", now=now)
        entry = entries.create(
            question="How much is delivery?",
            answer="N2,500.",
            phrasings=["una dey deliver go Lekki", "delivery cost"],
            now=now,
        )
        golden.add(entry_id=entry.pk, text="una dey deliver go lekki?", origin=BY_HAND, now=now)
        yield entry


def without_phrasings(
    entry: Entry, now: datetime, question: str = "How much is delivery?"
) -> partial[Entry]:
    return partial(
        entries.update,
        entry_id=entry.pk,
        question=question,
        answer="N2,500.",
        category="",
        keywords="",
        phrasings=[],
        is_active=True,
        now=now,
    )


def test_a_change_that_breaks_one_says_which_and_changes_nothing(
    delivery: Entry, now: datetime
) -> None:
    version = Version.objects.get().number

    broken = golden.broken_by(without_phrasings(delivery, now, "Where is my parcel?"))

    assert [(one.text, one.question) for one in broken] == [
        ("una dey deliver go lekki?", "How much is delivery?")
    ]
    assert broken[0].instead
    assert Version.objects.get().number == version
    assert delivery.phrasings.count() == 2
    assert Entry.objects.get(pk=delivery.pk).question == "How much is delivery?"


def test_another_entry_that_takes_the_question_is_named(delivery: Entry, now: datetime) -> None:
    steal = partial(
        entries.create,
        question="una dey deliver go lekki?",
        answer="No.",
        phrasings=["una dey deliver go lekki"],
        now=now,
    )

    broken = golden.broken_by(steal)

    assert len(broken) == 1
    assert Entry.objects.count() == 2


def test_a_harmless_change_breaks_nothing(delivery: Entry, now: datetime) -> None:
    assert (
        golden.broken_by(partial(entries.create, question="Do you sew?", answer="Yes.", now=now))
        == []
    )


def test_errors_of_the_change_pass(delivery: Entry, now: datetime) -> None:
    with pytest.raises(entries.UnableToSaveEntry):
        golden.broken_by(
            partial(entries.create, question="How much is delivery?", answer="x", now=now)
        )


def test_imported_questions_become_golden_once(acme: Workspace, now: datetime) -> None:
    with scope.workspace(acme):
        rows = readers.read(b"question,answer\nDo you sew?,Yes.\nDo you sell lace?,No.\n").rows
        for _ in range(2):
            file = importing.preview(rows=rows, file_name="a.csv", user_id=None, now=now)
            with contextlib.suppress(importing.UnableToImport):
                importing.confirm(import_id=file.pk, now=now)

        assert {(g.text, g.origin) for g in golden.questions()} == {
            ("Do you sew?", "import"),
            ("Do you sell lace?", "import"),
        }


def test_questions_of_entries_that_are_off_or_gone_do_not_count(
    delivery: Entry, now: datetime
) -> None:
    entries.set_active(entry_id=delivery.pk, is_active=False, now=now)
    assert golden.questions() == []

    entries.delete(entry_ids=[delivery.pk], now=now)
    assert not GoldenQuestion.objects.exists()


def test_odd_texts_are_refused_or_made_one_line(delivery: Entry, now: datetime) -> None:
    assert golden.add(entry_id=delivery.pk, text=" \x00 ", origin=BY_HAND, now=now) is None
    assert golden.add(entry_id=10**9, text="x", origin=BY_HAND, now=now) is None
    kept = golden.add(entry_id=delivery.pk, text="a\nb\x00 " + "c" * 400, origin=BY_HAND, now=now)
    assert kept is not None
    assert kept.text.startswith("a b ccc") and len(kept.text) == 300


@pytest.mark.parametrize(("limit", "most"), [("MOST_ENTRIES", 3), ("MOST_TEXTS", 7)])
def test_a_change_that_takes_long_to_learn_keeps_no_page_waiting(
    delivery: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    def learn(*_: object, **__: object) -> None:
        raise AssertionError("A page would have waited.")

    monkeypatch.setattr(training, "train", learn)
    monkeypatch.setattr(golden, limit, most)

    def add_many() -> None:
        for n in range(4):
            entries.create(
                question=f"Question {n}?", answer="Yes.", phrasings=[f"way {n}"], now=now
            )

    assert golden.questions()
    assert golden.broken_by(add_many) == []
    assert not Entry.objects.filter(question="Question 0?").exists()
