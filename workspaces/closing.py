"""Deleting a workspace: everything stops at once, and fourteen days later it is erased."""

from datetime import datetime, timedelta

from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from lib import events
from workspaces import audit, notices, registry, schemas, scope
from workspaces.models import Member, Notice, User, Workspace

GRACE = timedelta(days=14)
_ERASED_AT_ONCE = 20  # workspaces that one run erases
State = Workspace.State


class UnableToClose(Exception):
    """The workspace goes on; the message is a sentence for the person who tried."""


class UnableToKeep(Exception):
    """It is not being closed (any more); the message is a sentence for the person who tried."""


def begin(*, workspace: Workspace, typed_name: str, actor: User, now: datetime) -> Workspace:
    """Stop the workspace and let it be erased when the grace is over; tell all owners.

    `typed_name` shows that it is meant. A second call changes nothing. Raises UnableToClose.
    """
    if _bare(typed_name) != _bare(workspace.name):
        raise UnableToClose(_("This is not the name of the business. Nothing was deleted."))
    erase_at = now + GRACE
    with scope.system(), transaction.atomic():
        closed = Workspace.objects.filter(
            pk=workspace.pk, state__in=[State.ACTIVE, State.SUSPENDED]
        ).update(state_before=F("state"), state=State.CLOSING, erase_at=erase_at)
        if closed:
            audit.record(action="workspace.closing", workspace=workspace, actor=actor, now=now)
            notices.tell_owners(
                workspace=workspace,
                key=_key(erase_at),
                text=_(
                    "%(who)s is deleting %(name)s. The bot and all sends have stopped. On %(day)s"
                    " everything is erased for good; until then any owner can keep it."
                )
                % {
                    "who": actor.shown_name,
                    "name": workspace.name,
                    "day": date_format(erase_at, "j F Y"),
                },
                now=now,
            )
    registry.forget()
    if closed:
        events.publish("workspaces.workspace.closing", workspace=workspace.pk)
    with scope.system():
        found: Workspace = Workspace.objects.get(pk=workspace.pk)
    return found


def keep(*, workspace: Workspace, actor: User, now: datetime) -> None:
    """Let a workspace that is being closed go on as it was. Raises UnableToKeep.

    Whoever erases it holds its row meanwhile: one of the two comes too late, and is told so.
    """
    with scope.system(), transaction.atomic():
        kept = Workspace.objects.filter(pk=workspace.pk, state=State.CLOSING).update(
            state=Case(
                When(state_before=State.SUSPENDED, then=Value(State.SUSPENDED)),
                default=Value(State.ACTIVE),
            ),
            state_before="",
            erase_at=None,
        )
        if not kept:
            raise UnableToKeep(_("It is not being deleted (any more)."))
        Notice.objects.filter(
            workspace=workspace, key__startswith="closing:", dismissed_at__isnull=True
        ).update(dismissed_at=now)
        audit.record(action="workspace.kept", workspace=workspace, actor=actor, now=now)
        notices.tell_owners(
            workspace=workspace,
            key=f"kept:{now.isoformat()}",
            text=_("%(who)s keeps %(name)s: it is not deleted, and works as before.")
            % {"who": actor.shown_name, "name": workspace.name},
            now=now,
        )
    registry.forget()
    events.publish("workspaces.workspace.kept", workspace=workspace.pk)


def erase_due(*, now: datetime) -> int:
    """Erase the workspaces whose grace is over; return how many. May run twice at a time."""
    with scope.system():
        rows = Workspace.objects.filter(state=State.CLOSING, erase_at__lte=now)
        due = list(rows.order_by("erase_at")[:_ERASED_AT_ONCE])
    return sum(_erase(space, now) for space in due)


def _erase(space: Workspace, now: datetime) -> bool:
    with scope.system():
        owners = list(
            Member.objects.filter(workspace=space, role=Member.Role.OWNER, user__is_active=True)
            .values_list("user__email", flat=True)
        )  # fmt: skip
    try:
        schemas.delete(workspace=space, now=now, only_if_closed_by=now, actor_kind="system")
    except schemas.UnableToDeleteWorkspace:
        return False  # kept, or erased by another worker, a moment ago
    registry.forget()
    for address in owners:
        send_mail(
            _("%(name)s is deleted") % {"name": " ".join(space.name.split())},
            _(
                "%(name)s was erased from Backroom, as an owner asked fourteen days ago:"
                " conversations, answers, numbers and people. Your account stays."
            )
            % {"name": space.name},
            None,
            [address],
            fail_silently=True,  # it is done, whether or not they hear of it
        )
    return True


def _bare(text: str) -> str:
    return " ".join(text.split()).casefold()


def _key(erase_at: datetime) -> str:
    return f"closing:{erase_at.isoformat()}"
