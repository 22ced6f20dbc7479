"""A file is shown first, added once, and taken back exactly."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from faqs import checking, entries, exporting, importing, readers, search, versions
from faqs.models import Entry, Import
from tests.faqs import files
from workspaces import scope
from workspaces.models import Workspace


@pytest.fixture(autouse=True)
def _inside(acme: Workspace) -> Iterator[None]:
    with scope.workspace(acme):
        Entry.objects.all().delete()
        yield


def previewed(text: str, now: datetime) -> Import:
    table = readers.read(text.encode())
    return importing.preview(
        rows=table.rows, file_name="faq.csv", user_id=None, now=now, notes=table.notes
    )


def added(text: str, now: datetime) -> Import:
    return importing.confirm(import_id=previewed(text, now).pk, now=now)


BASE = "question,answer,alt_questions\nWhen?,At 9.,open today? | hours\nWhere?,Yaba.,\n"


def test_preview_changes_no_entry(now: datetime) -> None:
    file = previewed(BASE + "When?,At 7.,\n", now)

    assert Entry.objects.count() == 0
    assert importing.counts(file) == {"new": 2, "changed": 0, "same": 0, "invalid": 1}
    assert [row["number"] for row in file.rows] == [2, 3, 4]
    assert file.rows[2]["reason"] == "Same question as row 2."


def test_confirm_adds_entries_with_their_phrasings(now: datetime) -> None:
    number = versions.current().entries

    file = added(BASE, now)

    assert file.state == Import.State.APPLIED
    assert entries.contents() == {
        "when": checking.Draft("When?", "At 9.", phrasings=("open today?", "hours")),
        "where": checking.Draft("Where?", "Yaba."),
    }
    assert versions.current().entries > number


def test_second_click_adds_nothing(now: datetime) -> None:
    file = added(BASE, now)

    with pytest.raises(importing.UnableToImport, match="added already"):
        importing.confirm(import_id=file.pk, now=now)

    assert Entry.objects.count() == 2


def test_same_file_again_changes_nothing(now: datetime) -> None:
    added(BASE, now)

    file = previewed(BASE, now)

    assert importing.counts(file) == {"new": 0, "changed": 0, "same": 2, "invalid": 0}


def test_skipped_rows_are_not_added(now: datetime) -> None:
    file = importing.confirm(import_id=previewed(BASE, now).pk, now=now, skip=[2])

    assert list(entries.contents()) == ["where"]
    assert [row["is_skipped"] for row in file.rows] == [True, False]


def test_file_without_a_valid_row_is_refused_and_stays_a_preview(now: datetime) -> None:
    file = previewed("question,answer\n,x\n", now)

    with pytest.raises(importing.UnableToImport, match="no row"):
        importing.confirm(import_id=file.pk, now=now)

    file.refresh_from_db()
    assert file.state == Import.State.PREVIEW


def test_confirm_compares_again_with_what_is_there_now(now: datetime) -> None:
    file = previewed(BASE, now)
    entries.create(question="When?", answer="At 7.", now=now)

    file = importing.confirm(import_id=file.pk, now=now)

    assert entries.contents()["when"].answer == "At 9."
    assert [row["state"] for row in file.rows] == ["changed", "new"]


def test_undo_restores_exactly_what_was_there(now: datetime) -> None:
    added(BASE, now)
    before = entries.contents()
    stamps = dict(Entry.objects.values_list("faq_id", "updated_at"))
    later = now + timedelta(hours=1)
    text = "question,answer,alt_questions,category\nWhen?,At 7.,now?,Visit\nWho?,Me.,,\n"
    file = added(text, later)

    done = importing.undo(import_id=file.pk, now=later)

    assert (done.removed, done.restored, done.kept) == (1, 1, [])
    assert entries.contents() == before
    assert dict(Entry.objects.values_list("faq_id", "updated_at")) == stamps


def test_undo_keeps_and_names_what_was_edited_since(now: datetime) -> None:
    file = added(BASE, now)
    edited = Entry.objects.get(faq_id="when")
    entries.update(
        entry_id=edited.pk, question="When?", answer="At 10.", category="", keywords="",
        phrasings=["hours"], is_active=True, now=now,
    )  # fmt: skip

    done = importing.undo(import_id=file.pk, now=now)

    assert done.removed == 1
    assert [(kept.faq_id, kept.question) for kept in done.kept] == [("when", "When?")]
    assert entries.contents()["when"].answer == "At 10."


def test_undo_leaves_a_deleted_entry_deleted(now: datetime) -> None:
    added(BASE, now)
    file = added("question,answer\nWhen?,At 7.\n", now)
    entries.delete(entry_ids=[Entry.objects.get(faq_id="when").pk], now=now)

    done = importing.undo(import_id=file.pk, now=now)

    assert "deleted" in done.kept[0].reason
    assert list(entries.contents()) == ["where"]


def test_undo_works_once_and_for_thirty_days(now: datetime) -> None:
    old = added(BASE, now)
    with pytest.raises(importing.UnableToUndo, match="30 days"):
        importing.undo(import_id=old.pk, now=now + timedelta(days=31))
    importing.undo(import_id=old.pk, now=now + timedelta(days=29))

    with pytest.raises(importing.UnableToUndo, match="already"):
        importing.undo(import_id=old.pk, now=now)


def test_discarded_preview_cannot_be_added(now: datetime) -> None:
    file = previewed(BASE, now)

    assert importing.discard(import_id=file.pk)

    assert not importing.discard(import_id=file.pk)
    with pytest.raises(importing.UnableToImport, match="put aside"):
        importing.confirm(import_id=file.pk, now=now)
    with pytest.raises(importing.UnableToUndo, match="never added"):
        importing.undo(import_id=file.pk, now=now)


def test_templates_of_five_trades_are_clean() -> None:
    assert len(importing.templates()) == 5
    for code, label, count in importing.templates():
        assert (code.replace("_", " "), count) == (label.lower(), 25)


@pytest.mark.parametrize("trade", ["fabric_shop", "pharmacy", "restaurant", "salon", "school"])
def test_template_is_added_and_answers(trade: str, now: datetime, acme: Workspace) -> None:
    file = importing.add_template(trade=trade, user_id=None, now=now)

    assert importing.counts(file) == {"new": 25, "changed": 0, "same": 0, "invalid": 0}
    for entry in Entry.objects.all():
        [found] = search.look(acme, [entry.question])
        assert [one.faq_id for one in found.answers] == [entry.faq_id]


def test_template_never_changes_an_entry(now: datetime) -> None:
    mine = entries.create(question="Mine", answer="Mine.", faq_id="opening_hours", now=now)

    file = importing.add_template(trade="salon", user_id=None, now=now)

    mine.refresh_from_db()
    assert mine.answer == "Mine."
    assert importing.counts(file)["new"] == 24
    with pytest.raises(importing.UnableToImport, match="there already"):
        importing.add_template(trade="salon", user_id=None, now=now)


def test_unknown_template_is_refused(now: datetime) -> None:
    with pytest.raises(importing.UnableToImport):
        importing.add_template(trade="../models", user_id=None, now=now)


AWKWARD = "=cmd|' /C calc'!A0"


def test_exports_come_back_as_they_were_and_hold_no_formula(now: datetime) -> None:
    entries.create(
        question=AWKWARD, answer="+1\n=2, \"x\"; 'y' 👨‍👩‍👧 متى", category="@c", keywords="-k",
        phrasings=["=1+1", "plain"], is_active=False, now=now,
    )  # fmt: skip

    for data in (exporting.as_csv().encode(), exporting.as_xlsx()):
        table = readers.read(data)
        file = importing.preview(rows=table.rows, file_name="x", user_id=None, now=now)

        assert file.rows[0]["state"] == "same", file.rows
        assert all(
            not text.startswith(("=", "+", "-", "@")) for text in table.rows[0].values.values()
        )
        assert not any("formulas" in note for note in table.notes)


def test_formula_in_an_imported_file_is_harmless_in_every_export(now: datetime) -> None:
    data = files.workbook([["question", "answer"], [AWKWARD, "=HYPERLINK(1)"]])
    table = readers.read(data)
    file = importing.preview(rows=table.rows, file_name="x", user_id=None, now=now)
    importing.confirm(import_id=file.pk, now=now)

    assert Entry.objects.get().question == AWKWARD
    assert f'"\'{AWKWARD}"' in exporting.as_csv()
    assert b"<f>" not in files.part_of(exporting.as_xlsx(), "xl/worksheets/sheet1.xml")


def test_entries_made_by_hand_obey_the_same_rules(now: datetime) -> None:
    entries.create(question="When?", answer="Now.", now=now)

    with pytest.raises(entries.UnableToSaveEntry) as caught:
        entries.create(question="WHEN?", answer="x" * 5_000, now=now)

    assert {problem.field for problem in caught.value.problems} == {"question", "answer"}
    with pytest.raises(entries.UnableToSaveEntry):
        entries.create(question="Else?", answer="x", faq_id="when", now=now)


def test_entry_may_keep_its_own_question(now: datetime) -> None:
    entry = entries.create(question="When?", answer="Now.", now=now)

    entries.update(
        entry_id=entry.pk, question="when?", answer="Soon.", category="c", keywords="",
        phrasings=["a", "b|c"], is_active=True, now=now,
    )  # fmt: skip

    expected = checking.Draft("when?", "Soon.", category="c", phrasings=("a", "b", "c"))
    assert entries.contents() == {"when": expected}


def test_switching_and_deleting_say_whether_they_did_anything(now: datetime) -> None:
    entry = entries.create(question="When?", answer="Now.", now=now)

    assert entries.set_active(entry_id=entry.pk, is_active=False, now=now)
    assert not entries.set_active(entry_id=entry.pk, is_active=False, now=now)
    assert entries.delete(entry_ids=[entry.pk], now=now)
    assert not entries.delete(entry_ids=[entry.pk], now=now)
