"""How the bot is set up changes by draft and version: saved, tried, published, brought back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from messaging import behaviour
from messaging.behaviour import Difference, Value
from messaging.models import BotDraft, BotSettings, BotVersion
from workspaces import audit
from workspaces.models import User, Workspace

SHOWN = 20


class UnableToPublish(Exception):
    """The draft is not the one that was read any more."""


class UnableToFindVersion(Exception):
    """There is no such version in this workspace."""


@dataclass(frozen=True)
class Draft:
    """What is saved and not published, with what it would change."""

    settings: BotSettings  # as they would be; never saved
    differences: list[Difference]
    by: str
    saved_at: datetime

    @property
    def mark(self) -> str:
        """Return what is another one as soon as somebody saves over it."""
        return self.saved_at.isoformat()


@dataclass(frozen=True)
class Version:
    """One line of the history."""

    number: int
    by: str
    published_at: datetime
    differences: list[Difference]
    is_live: bool


def _locked() -> BotSettings:
    """Return the settings; nobody else publishes before our commit."""
    found = BotSettings.objects.select_for_update().filter(pk=1).first()
    return found or BotSettings.objects.create(pk=1)


def draft(*, live: BotSettings) -> Draft | None:
    """Return the draft of the workspace in scope, or None when nothing differs."""
    kept = BotDraft.objects.filter(pk=1).first()
    if kept is None:
        return None
    before = behaviour.values_of(live)
    changes = behaviour.differing(kept.changes, before)
    if not changes:
        return None
    return Draft(
        settings=applied(live, changes),
        differences=behaviour.compare(before, {**before, **changes}),
        by=_names([kept.by_id]).get(kept.by_id or 0, ""),
        saved_at=kept.saved_at,
    )


def applied(live: BotSettings, changes: Mapping[str, object]) -> BotSettings:
    """Return settings as they would be with `changes`, unsaved."""
    values = {field.attname: getattr(live, field.attname) for field in live._meta.concrete_fields}
    would_be = BotSettings(**values | dict(changes))
    would_be.test_phones = live.test_phones
    return would_be


def save_draft(
    *, workspace: Workspace, changes: Mapping[str, object], actor: User, now: datetime
) -> bool:
    """Keep what differs from what is published as the draft, in place of the one before.

    Returns False when nothing differs. Raises behaviour.UnableToConfigure.
    """
    cleaned = behaviour.clean(changes)
    with transaction.atomic():
        wanted = behaviour.differing(cleaned, behaviour.values_of(_locked()))
        _keep_draft(wanted, by_id=actor.pk, now=now)
        if wanted:
            _audit(workspace, "bot.draft-saved", wanted, actor, now)
    return bool(wanted)


def discard(*, workspace: Workspace, actor: User, now: datetime) -> bool:
    """Throw the draft away. False when there was none."""
    with transaction.atomic():
        _locked()
        is_gone = bool(BotDraft.objects.all().delete()[0])
        if is_gone:
            audit.record(action="bot.draft-discarded", workspace=workspace, actor=actor, now=now)
    return is_gone


def publish(
    *, workspace: Workspace, actor: User, now: datetime, mark: str = ""
) -> BotVersion | None:
    """Let the draft hold from the next message on; None when there is none.

    With the `mark` of the draft that was read, no other one is published. Raises UnableToPublish
    and behaviour.UnableToConfigure.
    """
    with transaction.atomic():
        _locked()
        kept = BotDraft.objects.filter(pk=1).first()
        if kept is None:
            return None
        if mark and mark != kept.saved_at.isoformat():
            raise UnableToPublish
        return put(workspace=workspace, changes=kept.changes, actor=actor, now=now)


def put(
    *, workspace: Workspace, changes: Mapping[str, object], actor: User, now: datetime
) -> BotVersion | None:
    """Publish these changes as a version; None when all of it was so already.

    A draft of other settings stays. Raises behaviour.UnableToConfigure.
    """
    cleaned = behaviour.clean(changes)
    with transaction.atomic():
        live = _locked()
        before = behaviour.values_of(live)
        wanted = behaviour.differing(cleaned, before)
        version = _append(workspace, live, before, wanted, actor, now) if wanted else None
        if kept := BotDraft.objects.filter(pk=1).first():
            left = behaviour.differing(kept.changes, behaviour.values_of(live))
            _keep_draft(left, by_id=kept.by_id, now=kept.saved_at)
    return version


def _append(
    workspace: Workspace,
    live: BotSettings,
    before: Mapping[str, Value],
    wanted: Mapping[str, Value],
    actor: User,
    now: datetime,
) -> BotVersion:
    last = BotVersion.objects.aggregate(last=Max("number"))["last"] or 0
    if not last:
        # What held before anything was published can be brought back, too.
        last = 1
        BotVersion.objects.create(number=1, values=before, published_at=workspace.created_at)
    for name, value in wanted.items():
        setattr(live, name, value)
    live.save(update_fields=list(wanted))
    version = BotVersion.objects.create(
        number=last + 1, values=behaviour.values_of(live), by_id=actor.pk, published_at=now
    )
    _audit(workspace, "bot.published", wanted, actor, now, target=f"version {version.number}")
    return version


def restore(*, workspace: Workspace, number: int, actor: User, now: datetime) -> bool:
    """Make a draft that brings a version back. False when it is what holds already.

    Raises UnableToFindVersion.
    """
    version = BotVersion.objects.filter(number=number).first()
    if version is None:
        raise UnableToFindVersion
    known = {name: value for name, value in version.values.items() if name in behaviour.TRAITS}
    return save_draft(workspace=workspace, changes=known, actor=actor, now=now)


def history() -> list[Version]:
    """Return the latest versions of the workspace in scope, newest first; two queries."""
    rows = list(BotVersion.objects.order_by("-number")[: SHOWN + 1])
    names = _names([row.by_id for row in rows])
    shown = rows[:SHOWN]
    return [
        Version(
            number=row.number,
            by=names.get(row.by_id or 0, ""),
            published_at=row.published_at,
            differences=behaviour.compare(older.values, row.values) if older else [],
            is_live=row is rows[0],
        )
        for row, older in zip(shown, [*rows[1:], None], strict=False)
    ]


def _keep_draft(changes: Mapping[str, Value], *, by_id: int | None, now: datetime) -> None:
    if not changes:
        BotDraft.objects.all().delete()
        return
    BotDraft.objects.update_or_create(
        pk=1, defaults={"changes": dict(changes), "by_id": by_id, "saved_at": now}
    )


def _audit(
    workspace: Workspace,
    action: str,
    changes: Mapping[str, Value],
    actor: User,
    now: datetime,
    *,
    target: str = "",
) -> None:
    """Say which settings, not what they say."""
    labels = ", ".join(behaviour.TRAITS[name].label for name in changes)
    audit.record(
        action=action, workspace=workspace, actor=actor, target=target, reason=labels, now=now
    )


def _names(ids: Iterable[int | None]) -> dict[int, str]:
    wanted = {pk for pk in ids if pk is not None}
    return {user.pk: user.shown_name for user in User.objects.filter(pk__in=wanted)}
