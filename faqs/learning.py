"""Train what ranks a workspace's entries, beside the answering: the old model answers meanwhile.

An alarm (workspaces.alarms) is set in the transaction that changes the entries, and taken off
only once a model of those very entries is in place. So a crash at any moment leaves the old
model answering, and the next look at the alarms begins anew.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection as database
from django.db import transaction

from faqs import calibrating, freshness, golden, identity, labels, versions
from faqs.encoder import chosen
from faqs.engine import certainty, model, training
from faqs.engine.answering import Answerer
from faqs.engine.features import Encoder
from faqs.models import TrainedModel
from faqs.sources import Source, sources
from lib import events
from workspaces import alarms, notices, scope
from workspaces.models import Workspace

# Named by the workspace's number: at most one training of it at a time, on any machine.
_LOCK = 0x66617173  # "faqs"
_IN_A_ROW = 3  # for who goes on changing entries while they are learnt
# Models of another encoder: a program of another version may still answer with them. If it does, it
# follows a change within minutes.
_OTHERS_KEPT = timedelta(days=2)
_FOLLOWED_WITHIN = timedelta(minutes=15)


def train(*, workspace: Workspace, now: datetime) -> bool:
    """Train until the model is one of the entries as they are; False: somebody else is at it.

    Raises UnableToEncode where the language model is not there.
    """
    encoder = chosen.for_lists()
    with scope.workspace(workspace), _alone(workspace.pk) as is_mine:
        if not is_mine:
            return False
        for _ in range(_IN_A_ROW):
            if not freshness.is_due():
                break
            _train(workspace, encoder, now)
        alarms.settle(
            workspace_id=workspace.pk,
            kind=versions.ALARM,
            find_next=lambda: now if freshness.is_due() else None,
        )
    return True


def _train(workspace: Workspace, encoder: Encoder, now: datetime) -> None:
    started = time.monotonic()
    # The number first: entries that change after it are newer than the model says, never older.
    version = versions.current().entries
    found = sources()
    trained = training.train(found, encoder, identity=identity.of_models())
    label_count = labels.count()
    own = calibrating.fit(Answerer.of(trained, encoder))
    seconds = time.monotonic() - started
    _tell_broken(workspace, Answerer.of(trained, encoder), found, encoder, now)
    put(trained, version=version, own=own, label_count=label_count, seconds=seconds, now=now)
    events.publish(
        "faqs.model.trained",
        workspace=workspace.pk,
        meta={"entries": len(found), "ms": round(seconds * 1000)},
    )


def _tell_broken(
    workspace: Workspace,
    after: Answerer,
    found: list[Source],
    encoder: Encoder,
    now: datetime,
) -> None:
    """Tell of golden questions that a change broke, where that could not be told before it."""
    asked = golden.questions() if golden.take_long(found) else []
    before = TrainedModel.objects.filter(encoder=identity.of_models()).first() if asked else None
    if before is None:
        return
    try:
        old = model.from_bytes(bytes(before.data), encoder=identity.of_models())
    except model.UnableToLoad:
        return
    if broken := golden.compare(asked, Answerer.of(old, encoder), after, found):
        notices.tell_owners(
            workspace=workspace,
            key=f"golden:{versions.current().entries}",
            text=golden.sentence(broken),
            now=now,
        )


def put(
    trained: model.Model,
    *,
    version: int,
    own: certainty.Weights | None,
    label_count: int,
    seconds: float,
    now: datetime,
) -> None:
    """Put a model in the place of an older one, at one stroke; a newer one stays.

    One that is newer than the entries themselves was left behind when those were restored.
    """
    with transaction.atomic():
        row, is_new = TrainedModel.objects.select_for_update().get_or_create(
            encoder=trained.encoder,
            defaults={
                "version": 0,
                "data": b"",
                "entry_count": 0,
                "seconds": 0.0,
                "trained_at": now,
            },
        )
        if not is_new and version < row.version <= versions.current().entries:
            return
        if not is_new and row.trained_at < now - _FOLLOWED_WITHIN:
            others = TrainedModel.objects.exclude(encoder=trained.encoder)
            others.filter(version__lt=row.version, trained_at__lt=now - _OTHERS_KEPT).delete()
        row.version = version
        row.data = model.to_bytes(trained)
        row.certainty = certainty.as_json(own) if own else None
        row.label_count = label_count
        row.entry_count = len(trained.entries)
        row.seconds = seconds
        row.trained_at = now
        row.save()


@contextmanager
def _alone(workspace_id: int) -> Iterator[bool]:
    """Hold the workspace's training; the lock goes with the session, whatever ends it."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, workspace_id])
        (is_mine,) = cursor.fetchone()
    try:
        yield is_mine
    finally:
        if is_mine:
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, workspace_id])
