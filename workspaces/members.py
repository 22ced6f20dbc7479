"""Who belongs to a workspace, and what their role lets them do."""

from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, validate_email
from django.db import transaction

from workspaces import audit, scope
from workspaces.models import Member, User, Workspace

# Each role may do what the roles before it may.
RANK = {Member.Role.VIEWER: 0, Member.Role.AGENT: 1, Member.Role.MANAGER: 2, Member.Role.OWNER: 3}


def may(member: Member, role: str) -> bool:
    """Say whether `member` holds `role` or a higher one."""
    return RANK[Member.Role(member.role)] >= RANK[Member.Role(role)]


def workspaces_of(*, user: User) -> list[Workspace]:
    """Return the workspaces that `user` belongs to, by name."""
    with scope.system():
        return list(Workspace.objects.filter(members__user=user).order_by("name"))


def find(*, workspace: Workspace, user: User) -> Member | None:
    """Return the membership of `user` in `workspace`, or None for a stranger."""
    return Member.objects.filter(workspace=workspace, user=user).select_related("user").first()


def names(user_ids: Iterable[int | None]) -> dict[int, str]:
    """Return what people are called, by their ids; one query, none for nobody."""
    wanted = {pk for pk in user_ids if pk is not None}
    if not wanted:
        return {}
    return {user.pk: user.shown_name for user in User.objects.filter(pk__in=wanted)}


class UnableToAddMember(Exception):
    """The person cannot be added; the message says why."""


def add(
    *, workspace: Workspace, email: str, role: str, actor: User | None, now: datetime
) -> Member:
    """Give the person with `email` a role, making the account when there is none.

    A person who already belongs gets the new role. Raises UnableToAddMember.
    """
    if role not in Member.Role.values:
        raise UnableToAddMember(f"The role is one of {', '.join(Member.Role.values)}.")
    try:
        validate_email(email.strip())
        MaxLengthValidator(254)(email)
    except ValidationError as error:
        raise UnableToAddMember("That is not an e-mail address.") from error
    with transaction.atomic():
        user, _ = User.objects.get_or_create(email=email.strip().lower())
        member, _ = Member.objects.update_or_create(
            workspace=workspace, user=user, defaults={"role": role}
        )
        audit.record(
            action="member.added",
            workspace=workspace,
            actor=actor,
            actor_kind="member" if actor else "command",
            target=f"user {user.pk} as {role}",
            now=now,
        )
    return member
