"""A change is learnt beside the answering: swapped in whole, or not at all, for one workspace only."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db.models import F

from faqs import entries, freshness, identity, learning, search, shelf, tasks
from faqs.encoder import chosen, encoding, optional
from faqs.engine import training
from faqs.engine.answering import Answerer
from faqs.engine.remembering import Remembering
from faqs.models import Entry, TrainedModel
from lib import jobs
from tests.faqs.learnt import ask
from tests.faqs.learnt import shop as shop
from workspaces import alarms, scope
from workspaces.models import Alarm, Workspace

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("encoder")]


def test_entries_are_answered_by_words_until_they_are_learnt(
    acme: Workspace, now: datetime
) -> None:
    with scope.workspace(acme):
        entries.create(question="How much is delivery?", answer="N2,500.", now=now)
        before = ask(acme, "how much is delivery")
        learning.train(workspace=acme, now=now)
        after = ask(acme, "how much is delivery")

    assert (before.account["engine"], after.account["engine"]) == ("words", "model")
    assert [one.answer for one in (*before.answers, *after.answers)] == ["N2,500."] * 2


def test_the_account_says_what_was_understood_and_by_which_model(shop: Workspace) -> None:
    found = ask(shop, "pls wat time una dey open 🙏🙏")
    account = found.account

    assert "open" in account["cleaned"] and "🙏" not in account["cleaned"]
    assert account["top"] == [
        {"faq_id": one.faq_id, "confidence": round(one.confidence, 3)} for one in found.nearest[:3]
    ]
    assert found.nearest[0].answer == "9 to 6."
    assert account["thresholds"]["answer"] > account["thresholds"]["menu"]
    assert account["version"] == account["model"] == search.current().entries


def test_the_old_model_answers_with_the_texts_of_now(shop: Workspace, now: datetime) -> None:
    entry = Entry.objects.get(question="How much is delivery?")
    gone = Entry.objects.get(question="Can I return what I bought?")
    new = entries.create(question="Do you sew uniforms?", answer="Yes.", now=now)
    Entry.objects.filter(pk=entry.pk).update(answer="N3,000.")
    entries.set_active(entry_id=gone.pk, is_active=False, now=now)

    assert not freshness.is_trained()
    assert [one.answer for one in ask(shop, "delivery cost").answers] == ["N3,000."]
    assert gone.pk not in [one.entry_id for one in ask(shop, "return policy").nearest]
    learning.train(workspace=shop, now=now)
    assert [one.entry_id for one in ask(shop, "do you sew uniforms").answers] == [new.pk]


def test_a_new_phrasing_changes_the_answer_once_it_is_learnt(
    shop: Workspace, now: datetime
) -> None:
    before = ask(shop, "zzqx bulala")
    entry = Entry.objects.get(question="What time do you open?")

    entries.add_phrasings(entry_id=entry.pk, texts=["zzqx bulala"], now=now)
    learning.train(workspace=shop, now=now)

    assert before.decision != "answer"
    assert [one.entry_id for one in ask(shop, "zzqx bulala").answers] == [entry.pk]


def test_a_crash_in_the_middle_leaves_the_old_model_and_the_alarm(
    shop: Workspace, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = search.current()
    entries.create(question="Do you sew uniforms?", answer="Yes.", now=now)

    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed in the middle")

    with monkeypatch.context() as broken:
        broken.setattr(training, "train", crash)
        with pytest.raises(RuntimeError):
            learning.train(workspace=shop, now=now)

    assert search.current().model == before.model
    assert ask(shop, "delivery cost").account["engine"] == "model"
    with scope.system():
        assert shop.pk in alarms.due(kind="train", now=now)
    learning.train(workspace=shop, now=now)
    with scope.system():
        assert shop.pk not in alarms.due(kind="train", now=now)
    assert freshness.is_trained()


@pytest.mark.parametrize("fault", [ValueError("no inverse"), KeyError("x"), IndexError("x")])
def test_trouble_with_one_workspace_is_put_off_and_the_others_are_learnt(
    shop: Workspace,
    rival: Workspace,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
) -> None:
    entries.create(question="Do you sew uniforms?", answer="Yes.", now=now)
    with scope.workspace(rival):
        entries.create(question="Do you sell lace?", answer="Yes.", now=now)
    train = learning.train

    def faulty(*, workspace: Workspace, now: datetime) -> bool:
        if workspace.pk == shop.pk:
            raise fault
        return train(workspace=workspace, now=now)

    monkeypatch.setattr(learning, "train", faulty)
    tasks.train_due()

    with scope.system():
        assert Alarm.objects.get(workspace=shop, kind="train").due_at > now + timedelta(minutes=1)
        assert not Alarm.objects.filter(workspace=rival, kind="train").exists()
    with scope.workspace(rival):
        assert freshness.is_trained()


def test_an_older_model_never_takes_a_newer_ones_place(shop: Workspace, now: datetime) -> None:
    row = TrainedModel.objects.get()
    old = training.train([], chosen.shared(), identity=identity.of_models())

    learning.put(old, version=row.version - 1, own=None, label_count=0, seconds=0.1, now=now)

    assert TrainedModel.objects.get().entry_count == row.entry_count


def test_one_training_at_a_time_leaves_a_worker_its_other_threads(
    shop: Workspace, rival: Workspace, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries.create(question="Do you sew uniforms?", answer="Yes.", now=now)
    with scope.workspace(rival):
        entries.create(question="Do you sell lace?", answer="Yes.", now=now)
    begun, asked = [], []

    def busy(*, workspace: Workspace, now: datetime) -> bool:
        begun.append(workspace.pk)
        tasks.train(workspace_id=rival.pk)  # as another thread would
        tasks.train_due()
        return True

    monkeypatch.setattr(learning, "train", busy)
    monkeypatch.setattr(jobs, "enqueue", lambda name, **_: asked.append(name))
    tasks.train(workspace_id=shop.pk)

    assert begun == [shop.pk]
    assert asked == ["faqs.train_due"]  # for the one that was declined


def test_trainings_of_many_workspaces_are_done_in_rounds(
    shop: Workspace, rival: Workspace, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries.create(question="Do you sew uniforms?", answer="Yes.", now=now)
    with scope.workspace(rival):
        entries.create(question="Do you sell lace?", answer="Yes.", now=now)
    asked: list[str] = []
    monkeypatch.setattr(tasks, "_ROUND_SECONDS", 0.0)
    monkeypatch.setattr(jobs, "enqueue", lambda name, **_: asked.append(name))

    tasks.train_due()

    assert asked == ["faqs.train_due"]


def test_a_program_of_another_version_does_not_end_the_learning_of_this_one(
    shop: Workspace, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    freshness._asked.clear()
    entries.create(question="Do you sew uniforms?", answer="Yes.", now=now)
    with monkeypatch.context() as older:
        older.setattr(identity, "of_models", lambda: "older/1")
        learning.train(workspace=shop, now=now)
    with scope.system():
        assert shop.pk not in alarms.due(kind="train", now=now)

    assert not freshness.is_trained()
    freshness.heal(shop, search.current())

    with scope.system():
        assert shop.pk in alarms.due(kind="train", now=now)


def test_the_model_of_another_version_stays_until_that_one_is_gone(
    shop: Workspace, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(identity, "of_models", lambda: "newer/1")
        learning.train(workspace=shop, now=now + timedelta(days=30))
        # The older program's model is a month old, and still what that one answers with.
        assert TrainedModel.objects.count() == 2

        for days in (31, 32):
            entries.create(question=f"Do you sew {days}?", answer="Yes.", now=now)
            learning.train(workspace=shop, now=now + timedelta(days=days))

    assert list(TrainedModel.objects.values_list("encoder", flat=True)) == ["newer/1"]


def test_healing_does_not_hurry_what_was_put_off(shop: Workspace, now: datetime) -> None:
    freshness._asked.clear()
    entries.create(question="Do you sew uniforms?", answer="Yes.", now=now)
    tasks._put_off(shop.pk)

    freshness.heal(shop, search.current())

    with scope.system():
        assert shop.pk not in alarms.due(kind="train", now=now)


def test_a_model_that_is_newer_than_restored_entries_is_made_anew(
    shop: Workspace, now: datetime
) -> None:
    TrainedModel.objects.update(version=F("version") + 1_000_000)

    learning.train(workspace=shop, now=now)

    assert freshness.is_trained()
    with scope.system():
        assert shop.pk not in alarms.due(kind="train", now=now + timedelta(days=1))


@pytest.mark.parametrize("data", [b"", b"nonsense", b"PK\x03\x04" + b"\x00" * 50])
def test_a_stored_model_that_cannot_be_read_is_made_anew(
    shop: Workspace, now: datetime, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_shelf", shelf.Shelf())
    freshness._asked.clear()
    TrainedModel.objects.update(data=data)

    assert ask(shop, "delivery cost").account["engine"] == "words"
    freshness.heal(shop, search.current())
    with scope.system():
        assert shop.pk in alarms.due(kind="train", now=now)
    learning.train(workspace=shop, now=now)
    assert ask(shop, "delivery cost").account["engine"] == "model"


def test_a_machine_without_the_language_model_answers_by_words(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_shelf", shelf.Shelf())
    monkeypatch.setattr(optional, "encoder", lambda: None)
    [found] = search.judge(
        search._shelf.of(shop.pk, shelf.usable(search.current())), ["delivery cost"]
    )

    assert (found.decision, found.account["engine"]) == ("answer", "words")


def test_another_workspaces_words_and_model_are_out_of_reach(
    shop: Workspace, rival: Workspace, now: datetime
) -> None:
    with scope.workspace(rival):
        entries.create(question="Do you have qwertyzinga lace?", answer="Secret of rival.", now=now)
        learning.train(workspace=rival, now=now)
        theirs = ask(rival, "qwertyzinga")
    mine = ask(shop, "do you have qwertyzinga lace?")

    assert [one.answer for one in theirs.nearest] == ["Secret of rival."]
    assert mine.decision != "answer"
    assert "Secret of rival." not in [one.answer for one in mine.nearest]
    ready = search._shelf.of(shop.pk, search.current())
    assert isinstance(ready.engine, Answerer)
    assert "qwertyzinga" not in ready.engine.model.words
    # A slip in a word of the rival's is not mended here: the speller knows own words only.
    assert "qwertyzinga" not in ready.engine.speller.mend("qwertyzinge please")
    with pytest.raises(RuntimeError):
        search.look(rival, ["qwertyzinga"])
    assert TrainedModel.objects.count() == 1


def test_who_trains_already_is_not_disturbed(
    shop: Workspace, now: datetime, django_db_blocker: Any
) -> None:
    from django.db import connections

    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [learning._LOCK, shop.pk])
        assert learning.train(workspace=shop, now=now) is False
    finally:
        other.close()


def test_what_was_encoded_is_not_encoded_again(encoder: encoding.Encoder) -> None:
    asked: list[str] = []

    class Counting:
        def encode(self, texts: Any) -> Any:
            asked.extend(texts)
            return encoder.encode(texts)

        def vocabulary(self) -> tuple[str, ...]:
            return encoder.vocabulary()

    remembering = Remembering(Counting(), most_bytes=20_000)
    first = remembering.encode(["one", "two", "one"])
    again = remembering.encode(["two", "three"])

    assert asked == ["one", "two", "three"]
    assert (first[1] == again[0]).all() and (first[0] == first[2]).all()
    remembering.encode([f"text {n}" for n in range(50)])
    assert remembering._bytes <= 20_000


def test_what_went_wrong_is_not_remembered() -> None:
    answers = iter([np.array([[np.nan, 1]]), np.array([[0.6, 0.8]])])

    class Failing:
        def encode(self, texts: Any) -> Any:
            return next(answers)

        def vocabulary(self) -> tuple[str, ...]:
            return ()

    remembering = Remembering(Failing())
    remembering.encode(["hello"])

    assert remembering.encode(["hello"])[0] == pytest.approx([0.6, 0.8], abs=1e-3)
    assert (remembering.encode(["hello"]) == remembering.encode(["hello"])).all()


def test_a_flood_of_questions_pushes_no_list_out(encoder: encoding.Encoder) -> None:
    assert chosen.for_lists() is chosen.for_lists()
    assert chosen.for_lists() is not chosen.shared()
    assert chosen.shared().encoder is chosen.for_lists().encoder is encoder  # type: ignore[attr-defined]
