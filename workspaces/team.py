"""The people of a workspace: who is there, which role they have, who goes."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lib import events
from workspaces import audit, members
from workspaces.models import ApiToken, Invitation, Member, User, Workspace

Role = Member.Role
_SEEN_EVERY = timedelta(minutes=5)
# What each role may do, as the team's page tells it; the rights themselves stand at the views.
RIGHTS = (
    (gettext_lazy("See conversations, answers and figures"), Role.VIEWER),
    (gettext_lazy("Reply to customers, take over and give back"), Role.AGENT),
    (gettext_lazy("Write answers, switch the bot, connect numbers"), Role.MANAGER),
    (gettext_lazy("Invite people, change roles, read the audit log"), Role.MANAGER),
    (gettext_lazy("Make and remove owners, delete the workspace"), Role.OWNER),
)


class UnableToChangeTeam(Exception):
    """Nothing was changed; the message is a sentence for the person who tried."""


class UnableToFindMember(Exception):
    """There is no such member in this workspace."""


@dataclass(frozen=True)
class Person:
    """A member as the page shows one, with what `viewer` may do to them."""

    member: Member
    roles: Sequence[tuple[str, str]]  # that may be given; empty: none
    may_remove: bool
    is_me: bool


def people(*, workspace: Workspace, viewer: Member) -> list[Person]:
    """Return the members, owners first. Call in the workspace's scope."""
    found = list(Member.objects.filter(workspace=workspace).select_related("user"))
    found.sort(key=lambda one: (-members.RANK[Role(one.role)], one.user.shown_name.casefold()))
    owner_count = sum(one.role == Role.OWNER for one in found)
    return [_person(one, viewer, owner_count) for one in found]


def _person(member: Member, viewer: Member, owner_count: int) -> Person:
    may = members.may(viewer, Role.MANAGER) and (
        member.role != Role.OWNER or (viewer.role == Role.OWNER and owner_count > 1)
    )
    is_me = member.pk == viewer.pk
    return Person(member, roles_for(viewer) if may else (), may and not is_me, is_me)


def roles_for(actor: Member) -> list[tuple[str, str]]:
    """Return the roles that `actor` may give, highest first."""
    if not members.may(actor, Role.MANAGER):
        return []
    return [
        (str(role), str(role.label))
        for role in sorted(Role, key=lambda one: -members.RANK[one])
        if role != Role.OWNER or actor.role == Role.OWNER
    ]


def find(*, workspace: Workspace, member_id: int) -> Member:
    """Return a member of the workspace. Raises UnableToFindMember."""
    found = Member.objects.filter(workspace=workspace, pk=member_id).select_related("user").first()
    if found is None:
        raise UnableToFindMember
    return found


def change_role(
    *, workspace: Workspace, member_id: int, role: str, actor: Member, now: datetime
) -> str:
    """Give a member another role; return the one before. The same role again does nothing.

    Raises UnableToFindMember, UnableToChangeTeam.
    """
    with transaction.atomic():
        member, judge = _locked(workspace, member_id, actor)
        if member.role == role:
            return member.role
        if role not in Role.values:
            raise UnableToChangeTeam(_("Choose one of the roles. Nothing was changed."))
        if Role.OWNER in (role, member.role) and judge.role != Role.OWNER:
            raise UnableToChangeTeam(
                _("Only an owner makes or removes owners. Nothing was changed.")
            )
        _keep_an_owner(workspace, member)
        before = member.role
        Member.objects.filter(pk=member.pk).update(role=role)
        member.role = role
        _take_offers_back(workspace, member, dict(roles_for(member)), actor.user, now)
        audit.record(
            action="member.role-changed",
            workspace=workspace,
            actor=actor.user,
            target=f"user {member.user_id} as {role}",
            now=now,
        )
    events.publish(
        "workspaces.member.role-changed",
        workspace=workspace.pk,
        params={"member": member.pk, "role": role},
    )
    return before


def remove(*, workspace: Workspace, member_id: int, actor: Member, now: datetime) -> Member:
    """Take a member's access away, at once; return who went.

    Their tokens stop, what they held is given back (settings.MEMBER_DEPARTURES), and the
    invitations that they made open nothing: else a link of their own would lead them back. Who
    removes themselves leaves. Raises UnableToFindMember, UnableToChangeTeam.
    """
    with transaction.atomic():
        member, judge = _locked(workspace, member_id, actor)
        is_leaving = member.pk == judge.pk
        if not is_leaving and not members.may(judge, Role.MANAGER):
            raise UnableToChangeTeam(_("Only owners and managers remove people."))
        if member.role == Role.OWNER and judge.role != Role.OWNER:
            raise UnableToChangeTeam(
                _("Only an owner makes or removes owners. Nothing was changed.")
            )
        _keep_an_owner(workspace, member)
        ApiToken.objects.filter(
            workspace=workspace, user=member.user_id, revoked_at__isnull=True
        ).update(revoked_at=now)
        _take_offers_back(workspace, member, (), actor.user, now)
        for step in settings.MEMBER_DEPARTURES:
            import_string(step)(workspace=workspace, user=member.user, now=now)
        Member.objects.filter(pk=member.pk).delete()
        audit.record(
            action="member.left" if is_leaving else "member.removed",
            workspace=workspace,
            actor=actor.user,
            target=f"user {member.user_id}",
            now=now,
        )
    events.publish(
        "workspaces.member.removed", workspace=workspace.pk, params={"member": member_id}
    )
    return member


def _take_offers_back(
    workspace: Workspace, member: Member, roles: Container[str], actor: User, now: datetime
) -> None:
    """Take back what a member has offered to others beyond the `roles` that they may give now."""
    rows = Invitation.objects.filter(
        workspace=workspace,
        invited_by=member.user_id,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=now,
    )
    for offer in rows.order_by("pk"):
        if offer.role not in roles and rows.filter(pk=offer.pk).update(revoked_at=now):
            audit.record(
                action="invitation.revoked",
                workspace=workspace,
                actor=actor,
                target=f"invitation {offer.pk}",
                now=now,
            )


def _locked(workspace: Workspace, member_id: int, actor: Member) -> tuple[Member, Member]:
    """Return the member and who acts, as they are now, locked with all owners until the commit.

    Two owners who lower each other at the same moment come one after the other.
    """
    rows = Member.objects.filter(workspace=workspace).select_for_update().order_by("pk")
    held = {
        one.pk: one for one in rows if one.role == Role.OWNER or one.pk in (member_id, actor.pk)
    }
    if actor.pk not in held:
        raise UnableToChangeTeam(_("You do not belong to this business any more."))
    if member_id not in held:
        raise UnableToFindMember
    member, judge = held[member_id], held[actor.pk]
    if judge.pk != member.pk and not members.may(judge, Role.MANAGER):
        raise UnableToChangeTeam(_("Only owners and managers change the team."))
    member.user = User.objects.get(pk=member.user_id)
    return member, judge


def _keep_an_owner(workspace: Workspace, member: Member) -> None:
    others = Member.objects.filter(workspace=workspace, role=Role.OWNER, user__is_active=True)
    if member.role == Role.OWNER and not others.exclude(pk=member.pk).exists():
        raise UnableToChangeTeam(
            _(
                "A business needs an owner, and this is the last one. Make somebody else owner first."
            )
        )


def is_last_owner(*, workspace: Workspace, member: Member) -> bool:
    """Say whether nobody else is owner."""
    owners = Member.objects.filter(workspace=workspace, role=Role.OWNER, user__is_active=True)
    return member.role == Role.OWNER and not owners.exclude(pk=member.pk).exists()


def note_seen(*, member: Member, now: datetime) -> None:
    """Note that the member is here; once in some minutes is enough."""
    if member.last_seen_at is None or now - member.last_seen_at > _SEEN_EVERY:
        Member.objects.filter(pk=member.pk).update(last_seen_at=now)
        member.last_seen_at = now
