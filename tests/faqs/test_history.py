"""What entries were is kept, and they can be put back: one change, one act, or out of the trash."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from billing.models import Plan
from faqs import entries, golden, history, importing, labels, readers, restoring, trash
from faqs.models import Change, Entry, GoldenQuestion, Label
from workspaces import retention, scope
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db
HAND = history.Hand(history.Door.RESTORE)


@pytest.fixture(autouse=True)
def _inside(acme: Workspace) -> Iterator[None]:
    with scope.workspace(acme):
        yield


@pytest.fixture
def entry(now: datetime) -> Entry:
    return entries.create(
        question="How much is delivery?", answer="₦2,500.", category="Delivery",
        phrasings=["delivery fee", "una dey deliver?"], now=now,
    )  # fmt: skip


def reworded(entry: Entry, now: datetime, **change: Any) -> history.Hand:
    """Change an entry by one hand; return the hand."""
    hand = history.Hand(history.Door.EDIT)
    content = {**vars(entries.content_of(entry)), **change}
    entries.update(entry_id=entry.pk, **content, hand=hand, now=now)
    return hand


def importing_of(text: str, now: datetime) -> int:
    rows = readers.read(text.encode()).rows
    return importing.preview(rows=rows, file_name="a.csv", user_id=None, now=now).pk


def test_each_change_is_kept_with_who_when_and_from_which_door(
    entry: Entry, ada: User, now: datetime
) -> None:
    later = now + timedelta(hours=1)
    hand = history.Hand(history.Door.EDIT, ada.pk)
    content = {**vars(entries.content_of(entry)), "answer": "₦3,000.", "phrasings": ["fee"]}
    entries.update(entry_id=entry.pk, **content, hand=hand, now=later)

    past, has_more = history.of_entry(entry.pk)

    latest, first = past
    assert (latest.who, latest.change.door, latest.change.at) == ("Ada", "edit", later)
    assert [(d.name, d.was, d.now) for d in latest.differences] == [
        ("Answer", "₦2,500.", "₦3,000."),
        ("Other ways to ask", "delivery fee\nuna dey deliver?", "fee"),
    ]
    assert first.change.before is None and not has_more


def test_a_change_that_changes_nothing_is_not_kept(entry: Entry, now: datetime) -> None:
    reworded(entry, now)
    entries.set_active(entry_id=entry.pk, is_active=True, now=now)

    assert Change.objects.filter(entry_id=entry.pk).count() == 1


@pytest.mark.parametrize(
    ("change", "door"),
    [("switch", "edit"), ("phrasing", "correction"), ("merge", "merge"), ("import", "import")],
)
def test_every_door_writes_it(entry: Entry, now: datetime, change: str, door: str) -> None:
    match change:
        case "switch":
            entries.set_active(entry_id=entry.pk, is_active=False, now=now)
        case "phrasing":
            hand = history.Hand(history.Door.CORRECTION)
            entries.add_phrasings(entry_id=entry.pk, texts=["how much to send"], hand=hand, now=now)
        case "merge":
            other = entries.create(question="Delivery cost?", answer="x", now=now)
            entries.merge(kept_id=entry.pk, other_id=other.pk, now=now)
        case "import":
            pk = importing_of("question,answer\nHow much is delivery?,₦9\n", now)
            importing.confirm(import_id=pk, now=now)

    latest = history.of_entry(entry.pk)[0][0].change

    assert latest.door == door and latest.before != latest.after


def test_an_import_that_is_taken_back_writes_it_too(entry: Entry, now: datetime) -> None:
    pk = importing_of("question,answer\nHow much is delivery?,₦9\nNew?,Yes\n", now)
    importing.confirm(import_id=pk, now=now)
    made = Entry.objects.get(question="New?").pk

    importing.undo(import_id=pk, now=now)

    assert history.of_entry(entry.pk)[0][0].change.door == "undone"
    gone = Change.objects.filter(entry_id=made).latest("pk")
    assert (gone.door, gone.after) == ("undone", None)


def test_restoring_gives_back_what_was_before_a_change(entry: Entry, now: datetime) -> None:
    reworded(entry, now, answer="₦3,000.", phrasings=["fee"])
    reworded(entry, now, answer="₦4,000.")
    second = history.of_entry(entry.pk)[0][1].change

    restoring.restore(change_id=second.pk, entry_id=entry.pk, hand=HAND, now=now)

    entry.refresh_from_db()
    assert entries.content_of(entry).phrasings == ("delivery fee", "una dey deliver?")
    assert entry.answer == "₦2,500."
    assert history.of_entry(entry.pk)[0][0].change.door == "restore"


def test_a_question_that_is_taken_meanwhile_is_not_restored(entry: Entry, now: datetime) -> None:
    reworded(entry, now, question="What is the fee?")
    entries.create(question="How much is delivery?", answer="x", now=now)
    change = history.of_entry(entry.pk)[0][0].change

    with pytest.raises(restoring.UnableToRestore, match="already there"):
        restoring.restore(change_id=change.pk, entry_id=entry.pk, hand=HAND, now=now)


def test_a_change_is_restored_for_its_own_entry_only(entry: Entry, now: datetime) -> None:
    reworded(entry, now, answer="₦1.")
    other = entries.create(question="Do you sew?", answer="Yes.", now=now)
    change = history.of_entry(entry.pk)[0][0].change

    with pytest.raises(Change.DoesNotExist):
        restoring.restore(change_id=change.pk, entry_id=other.pk, hand=HAND, now=now)


def test_one_act_is_taken_back_as_one(entry: Entry, now: datetime) -> None:
    other = entries.create(question="Do you sew?", answer="Yes.", category="Sewing", now=now)
    hand = history.Hand(history.Door.LIST)
    entries.alter(entry_ids=[entry.pk, other.pk], category="Shop", hand=hand, now=now)

    taken = restoring.take_back(batch=hand.batch, hand=HAND, now=now)

    assert (taken.count, taken.kept) == (2, [])
    assert dict(Entry.objects.values_list("pk", "category")) == {
        entry.pk: "Delivery", other.pk: "Sewing",
    }  # fmt: skip


def test_what_was_changed_since_stays_and_is_named(entry: Entry, now: datetime) -> None:
    hand = reworded(entry, now, answer="₦3,000.")
    reworded(entry, now, answer="₦4,000.")

    taken = restoring.take_back(batch=hand.batch, hand=HAND, now=now)

    assert (taken.count, taken.kept) == (0, ["How much is delivery?"])
    assert Entry.objects.get().answer == "₦4,000."


def test_taking_back_an_addition_deletes_it(now: datetime) -> None:
    hand = history.Hand()
    entries.create(question="Do you sew?", answer="Yes.", hand=hand, now=now)

    restoring.take_back(batch=hand.batch, hand=HAND, now=now)

    assert not Entry.objects.exists()


def test_taking_back_a_merge_makes_two_of_it(entry: Entry, now: datetime) -> None:
    other = entries.create(question="Delivery cost?", answer="x", phrasings=["cost"], now=now)
    hand = history.Hand(history.Door.MERGE)
    before = entries.contents()
    entries.merge(kept_id=entry.pk, other_id=other.pk, hand=hand, now=now)

    restoring.take_back(batch=hand.batch, hand=HAND, now=now)

    assert entries.contents() == before


@pytest.mark.parametrize("batch", ["", "nobody", "x" * 32])
def test_an_act_that_nobody_knows_is_not_taken_back(
    entry: Entry, now: datetime, batch: str
) -> None:
    with pytest.raises(restoring.UnableToRestore):
        restoring.take_back(batch=batch, hand=HAND, now=now)


def test_a_deleted_entry_comes_back_with_all_that_hung_on_it(entry: Entry, now: datetime) -> None:
    labels.put(message_id=7, text="how much", entry_id=entry.pk, source=Label.Source.TEAM, now=now)
    golden.add(entry_id=entry.pk, text="fee?", origin=GoldenQuestion.Origin.PERSON, now=now)
    Entry.objects.filter(pk=entry.pk).update(use_count=12, last_used_at=now)
    before = entries.contents()
    entries.delete(entry_ids=[entry.pk], now=now)
    assert not Entry.objects.exists() and not Label.objects.exists()

    restoring.bring_back(entry_id=entry.pk, hand=HAND, now=now)

    assert entries.contents() == before
    back = Entry.objects.get()
    assert (back.pk, back.use_count, back.last_used_at) == (entry.pk, 12, now)
    assert Label.objects.get().entry_id == back.pk
    assert GoldenQuestion.objects.get().entry_id == back.pk


def test_the_trash_shows_each_deleted_entry_once_and_for_30_days(
    entry: Entry, now: datetime
) -> None:
    entries.delete(entry_ids=[entry.pk], now=now)
    restoring.bring_back(entry_id=entry.pk, hand=HAND, now=now)
    assert trash.listed(now=now) == ([], False)
    entries.delete(entry_ids=[entry.pk], now=now)

    assert len(trash.listed(now=now)[0]) == 1
    assert trash.listed(now=now + timedelta(days=31)) == ([], False)
    with pytest.raises(restoring.UnableToRestore):
        restoring.bring_back(entry_id=entry.pk, hand=HAND, now=now + timedelta(days=31))


def test_what_is_there_again_or_has_no_room_does_not_come_back(entry: Entry, now: datetime) -> None:
    entries.delete(entry_ids=[entry.pk], now=now)
    again = entries.create(question="How much is DELIVERY?", answer="x", now=now)
    with pytest.raises(restoring.UnableToRestore, match="is there again"):
        restoring.bring_back(entry_id=entry.pk, hand=HAND, now=now)

    entries.update(
        entry_id=again.pk, **{**vars(entries.content_of(again)), "question": "Else?"}, now=now
    )
    with scope.owner():
        Plan.objects.filter(code="pro").update(max_entries=1)
    with pytest.raises(restoring.UnableToRestore, match="room for 1 answer"):
        restoring.bring_back(entry_id=entry.pk, hand=HAND, now=now)


def test_a_name_that_is_taken_gives_way(entry: Entry, now: datetime) -> None:
    entries.delete(entry_ids=[entry.pk], now=now)
    entries.create(question="Else?", answer="x", faq_id=entry.faq_id, now=now)

    back = restoring.bring_back(entry_id=entry.pk, hand=HAND, now=now)

    assert back.faq_id == f"{entry.faq_id}_2"


def test_forgetting_leaves_nothing(entry: Entry, now: datetime) -> None:
    assert not trash.forget(entry_id=entry.pk, now=now)
    entries.delete(entry_ids=[entry.pk], now=now)

    assert trash.forget(entry_id=entry.pk, now=now)
    assert not Change.objects.filter(entry_id=entry.pk).exists()


def test_what_is_left_of_deleted_entries_goes_before_the_history_of_others(
    entry: Entry, now: datetime
) -> None:
    gone = entries.create(question="Do you sew?", answer="Yes.", now=now)
    entries.delete(entry_ids=[gone.pk], now=now)
    rules = [rule for rule in retention.workspace_rules() if rule.table == "faqs_change"]
    assert len(rules) == 2

    for rule in rules:
        retention.apply(rule, now=now + timedelta(days=31))

    assert set(Change.objects.values_list("entry_id", flat=True)) == {entry.pk}


def test_taking_many_back_costs_no_more_queries(
    now: datetime, django_assert_max_num_queries: Any
) -> None:
    for n in range(60):
        entries.create(question=f"What is number {n}?", answer="It is.", now=now)
    hand = history.Hand(history.Door.LIST)
    chosen = list(Entry.objects.values_list("pk", flat=True))
    entries.alter(entry_ids=chosen, is_active=False, hand=hand, now=now)

    with django_assert_max_num_queries(20):
        taken = restoring.take_back(batch=hand.batch, hand=HAND, now=now)

    assert taken.count == 60 and taken.kept == []
    assert not Entry.objects.filter(is_active=False).exists()
