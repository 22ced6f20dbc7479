"""What people say of answers: kept, the team before taps, and what the confidence is fitted on."""

from datetime import datetime

import numpy as np
import pytest

from faqs import calibrating, freshness, labels, learning
from faqs.engine import certainty
from faqs.models import Entry, Label, TrainedModel
from tests.faqs.learnt import ask
from tests.faqs.learnt import shop as shop
from workspaces import alarms, scope
from workspaces.models import Alarm, Workspace

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("encoder")]


def label(entry: Entry | None, text: str, n: int, now: datetime) -> None:
    labels.put(
        message_id=n,
        text=text,
        entry_id=entry.pk if entry else None,
        source=Label.Source.TEAM,
        now=now,
    )


def test_the_confidence_is_fitted_after_fifty_labels(shop: Workspace, now: datetime) -> None:
    delivery = Entry.objects.get(question="How much is delivery?")
    texts = [f"how much to deliver {n} yards" for n in range(60)]
    before = ask(shop, "how much to deliver 99 yards").confidence
    for n, text in enumerate(texts[:49]):
        label(delivery, text, n, now)
    assert not freshness.is_due()
    for n, text in enumerate(texts, start=100):
        label(delivery, text, n, now)

    assert freshness.is_due()
    with scope.system():
        assert shop.pk in alarms.due(kind="train", now=now)
        Alarm.objects.all().delete()  # as if the fiftieth had not seen the forty-ninth
    label(delivery, "how much to deliver 98 yards", 500, now)
    with scope.system():
        assert shop.pk in alarms.due(kind="train", now=now)
    learning.train(workspace=shop, now=now)

    assert not freshness.is_due()
    assert ask(shop, "how much to deliver 99 yards").confidence > before
    own = TrainedModel.objects.get().certainty
    assert own is not None and own["bias"] != certainty.shipped().bias


def test_corrections_make_the_bot_less_sure(shop: Workspace, now: datetime) -> None:
    before = ask(shop, "how much to deliver 99 yards").confidence
    for n in range(60):
        label(None, f"how much to deliver {n} yards", n, now)

    learning.train(workspace=shop, now=now)

    assert ask(shop, "how much to deliver 99 yards").confidence < before


def test_few_labels_move_little_and_many_agree_with_what_was_said() -> None:
    rows = np.array([[2.0, 0.9, 2.0, 1.5]] * 400)
    wrong = np.array([False] * 400)
    shipped = certainty.shipped()

    def sure(weights: certainty.Weights) -> float:
        total = weights.bias + float(rows[0] @ np.array(weights.of))
        return float(1 / (1 + np.exp(-total)))

    assert sure(calibrating.refit(rows[:1], wrong[:1])) > sure(shipped) - 0.05
    assert sure(calibrating.refit(rows, wrong)) < 0.1


def test_a_tap_never_takes_back_what_the_team_said(shop: Workspace, now: datetime) -> None:
    one, two = Entry.objects.order_by("pk")[:2]
    common = {"message_id": 5, "text": "how much", "now": now}

    assert labels.put(entry_id=one.pk, source=Label.Source.TAP, **common)  # type: ignore[arg-type]
    assert labels.put(entry_id=two.pk, source=Label.Source.TEAM, **common)  # type: ignore[arg-type]
    assert not labels.put(entry_id=one.pk, source=Label.Source.TAP, **common)  # type: ignore[arg-type]
    assert not labels.put(entry_id=10**9, source=Label.Source.TEAM, **common)  # type: ignore[arg-type]

    assert Label.objects.get().entry_id == two.pk
