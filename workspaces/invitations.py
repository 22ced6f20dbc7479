"""Offering somebody a place in a workspace: by e-mail, or by a link that is handed on.

The token of a link is made of the row's id, its serial and our key, so that the job which mails
it needs no secret in its arguments, and the table holds its digest only.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import MaxLengthValidator, validate_email
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from lib import crypto, events, jobs, phones
from workspaces import audit, members, registry, scope, team
from workspaces.models import Invitation, Member, User, Workspace

LASTS = timedelta(days=7)
_MOST_OPEN, _MOST_A_DAY = 50, 100
_RESEND_AFTER = timedelta(minutes=1)
# Whom it is sent to may not want it: letters to one address, and of one invitation.
_MOST_TO_ONE, _MOST_LETTERS = 3, 5
_TOKEN_LENGTH = 40  # hexadecimal: 160 bits


class UnableToInvite(Exception):
    """Nobody was invited; the message is a sentence for the person who tried."""


class UnableToFindInvitation(Exception):
    """There is no such invitation in this workspace."""


class UnableToJoin(Exception):
    """The link gives no place; the message is a sentence for whoever opened it."""


@dataclass(frozen=True)
class Sent:
    """An invitation that was just made or renewed; a link's address can be read only now."""

    invitation: Invitation
    url: str = ""


@dataclass(frozen=True)
class Offer:
    """What a genuine link offers, and to whom who opened it is."""

    invitation: Invitation
    workspace: Workspace
    problem: str = ""  # a sentence, when it gives no place (any more)
    is_wrong_person: bool = False
    is_member: bool = False

    @property
    def hidden_email(self) -> str:
        """Return whom the letter went to, so that they know it and nobody else learns it."""
        name, _, host = self.invitation.email.partition("@")
        return f"{name[:1]}…@{host}" if name else ""


def url_of(invitation: Invitation) -> str:
    """Return the address of the invitation's link as it is now."""
    return f"{settings.BASE_URL}{reverse('workspaces:join', args=[_token(invitation)])}"


def _token(invitation: Invitation) -> str:
    named = f"{invitation.pk}:{invitation.serial}"
    return crypto.digest(named, purpose="invitation-link")[:_TOKEN_LENGTH]


def _digest(token: str) -> str:
    return crypto.digest(token, purpose="invitation")


def pending(*, workspace: Workspace, now: datetime) -> list[Invitation]:
    """Return the invitations that nobody has taken up or back, newest first; expired ones too."""
    rows = Invitation.objects.filter(
        workspace=workspace,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=now - LASTS,
    )
    return list(rows.select_related("invited_by").order_by("-pk")[: _MOST_OPEN * 2])


def invite(
    *,
    workspace: Workspace,
    actor: Member,
    role: str,
    now: datetime,
    email: str = "",
    phone: str = "",
) -> Sent:
    """Offer a role to who has `email`, or by a link (for `phone`'s WhatsApp) when there is none.

    A plan may limit how many members a workspace has: here is where it is asked. Raises
    UnableToInvite. Call in the workspace's scope.
    """
    email, number = email.strip().lower(), ""
    if role not in dict(team.roles_for(actor)):
        raise UnableToInvite(_("You cannot give this role. Choose another one."))
    if phone.strip() and not email:
        try:
            number = phones.parse(phone, country=workspace.country)
        except phones.UnableToParsePhone as error:
            raise UnableToInvite(str(error)) from error
    with transaction.atomic():
        # Who invites at the same moment waits here, so that neither limit is passed.
        Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
        # Who is removed or lowered at this moment: one of the two comes after the other.
        judge = Member.objects.select_for_update(no_key=True).filter(pk=actor.pk).first()
        if judge is None or role not in dict(team.roles_for(judge)):
            raise UnableToInvite(_("You cannot give this role. Choose another one."))
        if email:
            _check_address(workspace, email, now)
        _check_limits(workspace, now)
        invitation = Invitation(
            workspace=workspace,
            email=email,
            phone=number,
            role=role,
            digest=secrets.token_hex(32),  # until its id is known
            invited_by=actor.user,
            created_at=now,
            sent_at=now,
            expires_at=now + LASTS,
        )
        invitation.save()
        invitation.digest = _digest(_token(invitation))
        invitation.save(update_fields=["digest"])
        audit.record(
            action="invitation.made",
            workspace=workspace,
            actor=actor.user,
            target=f"invitation {invitation.pk} as {role}",
            now=now,
        )
        return _send(invitation)


def _check_address(workspace: Workspace, email: str, now: datetime) -> None:
    try:
        validate_email(email)
        MaxLengthValidator(254)(email)
    except ValidationError as error:
        raise UnableToInvite(_("That is not an e-mail address.")) from error
    if Member.objects.filter(workspace=workspace, user__email=email).exists():
        raise UnableToInvite(_("This person belongs to the team already."))
    if any(
        one.email == email and one.expires_at > now for one in pending(workspace=workspace, now=now)
    ):
        raise UnableToInvite(
            _("This person is invited already. Send the letter again below, or take it back.")
        )
    letters = Invitation.objects.filter(
        workspace=workspace, email=email, created_at__gt=now - timedelta(days=1)
    )
    if letters.count() >= _MOST_TO_ONE:
        raise UnableToInvite(_("This address was invited often today. Try again tomorrow."))


def _check_limits(workspace: Workspace, now: datetime) -> None:
    rows = Invitation.objects.filter(workspace=workspace)
    is_open = {"accepted_at__isnull": True, "revoked_at__isnull": True, "expires_at__gt": now}
    if rows.filter(**is_open).count() >= _MOST_OPEN:
        raise UnableToInvite(
            _("%(n)d invitations are open. Take some back before you make new ones.")
            % {"n": _MOST_OPEN}
        )
    if rows.filter(created_at__gt=now - timedelta(days=1)).count() >= _MOST_A_DAY:
        raise UnableToInvite(_("That are many invitations for one day. Go on tomorrow."))


def _send(invitation: Invitation) -> Sent:
    if invitation.is_link:
        return Sent(invitation, url_of(invitation))
    jobs.enqueue(
        "workspaces.mail_invitation",
        queue="housekeeping",
        workspace_id=invitation.workspace_id,
        invitation_id=invitation.pk,
        serial=invitation.serial,
    )
    return Sent(invitation)


def mail(*, workspace: Workspace, invitation_id: int, serial: int, now: datetime) -> bool:
    """Mail the invitation's link, once for each time it was made. Call in the workspace's scope."""
    rows = Invitation.objects.filter(
        workspace=workspace, pk=invitation_id, serial=serial, mailed_at__isnull=True,
        accepted_at__isnull=True, revoked_at__isnull=True,
    )  # fmt: skip
    invitation = rows.select_related("invited_by").first()
    if invitation is None or invitation.is_link or not rows.update(mailed_at=now):
        return False
    inviter = invitation.invited_by.shown_name if invitation.invited_by else workspace.name
    # A name may have been typed to look like a headline of ours; one line of it is enough.
    context = {
        "business": " ".join(workspace.name.split()),
        "inviter": " ".join(inviter.split()),
        "role": invitation.get_role_display(),
        "url": url_of(invitation),
    }
    subject = _("%(inviter)s invites you to %(business)s on Backroom") % context
    body = render_to_string("workspaces/email/invitation.txt", context)
    send_mail(subject[:200], body, None, [invitation.email])
    return True


def resend(*, workspace: Workspace, invitation_id: int, actor: Member, now: datetime) -> Sent:
    """Make the invitation's link anew, good for another week; the one before opens nothing.

    Raises UnableToFindInvitation, UnableToInvite.
    """
    with transaction.atomic():
        invitation = _open_one(workspace, invitation_id)
        if now - invitation.sent_at < _RESEND_AFTER:
            raise UnableToInvite(_("It was sent a moment ago. Wait a minute, then try again."))
        if invitation.role not in dict(team.roles_for(actor)):
            raise UnableToInvite(_("Only an owner invites owners."))
        if invitation.email and invitation.serial >= _MOST_LETTERS:
            raise UnableToInvite(
                _("It was sent %(n)d times already. Make a link and hand it on yourself.")
                % {"n": _MOST_LETTERS}
            )
        invitation.serial = F("serial") + 1
        invitation.save(update_fields=["serial"])
        invitation.refresh_from_db(fields=["serial"])
        invitation.sent_at, invitation.expires_at = now, now + LASTS
        invitation.mailed_at = None
        invitation.digest = _digest(_token(invitation))
        invitation.save(update_fields=["sent_at", "expires_at", "mailed_at", "digest"])
        audit.record(
            action="invitation.renewed",
            workspace=workspace,
            actor=actor.user,
            target=f"invitation {invitation.pk}",
            now=now,
        )
        return _send(invitation)


def revoke(*, workspace: Workspace, invitation_id: int, actor: Member, now: datetime) -> bool:
    """Take an invitation back. False when it was taken up or back before."""
    return _toggle(workspace, invitation_id, actor, now, is_back=True)


def restore(*, workspace: Workspace, invitation_id: int, actor: Member, now: datetime) -> bool:
    """Let an invitation that was taken back hold again."""
    return _toggle(workspace, invitation_id, actor, now, is_back=False)


def _toggle(
    workspace: Workspace, invitation_id: int, actor: Member, now: datetime, *, is_back: bool
) -> bool:
    rows = Invitation.objects.filter(workspace=workspace, pk=invitation_id)
    with transaction.atomic():
        found = rows.first()
        if found is None:
            raise UnableToFindInvitation
        if found.role not in dict(team.roles_for(actor)):
            return False
        changed = rows.filter(accepted_at__isnull=True, revoked_at__isnull=is_back).update(
            revoked_at=now if is_back else None
        )
        if changed:
            audit.record(
                action="invitation.revoked" if is_back else "invitation.restored",
                workspace=workspace,
                actor=actor.user,
                target=f"invitation {invitation_id}",
                now=now,
            )
    return bool(changed)


def _open_one(workspace: Workspace, invitation_id: int) -> Invitation:
    found = (
        Invitation.objects.select_for_update()
        .filter(
            workspace=workspace,
            pk=invitation_id,
            accepted_at__isnull=True,
            revoked_at__isnull=True,
        )
        .first()
    )
    if found is None:
        raise UnableToFindInvitation
    return found


# --- Who opens a link ----------------------------------------------------------------------


def look(*, token: str, user: User | None, now: datetime) -> Offer | None:
    """Return what a link offers to `user`; None for a token that is none, whatever it looks like."""
    if len(token) != _TOKEN_LENGTH or not token.isascii():
        return None
    with scope.system():
        invitation = (
            Invitation.objects.filter(digest=_digest(token))
            .select_related("workspace", "invited_by")
            .first()
        )
        if invitation is None:
            return None
        space = invitation.workspace
        if user is not None and members.find(workspace=space, user=user) is not None:
            return Offer(invitation, space, is_member=True)
        is_wrong = bool(invitation.email) and user is not None and not _holds(user, invitation)
    return Offer(invitation, space, _problem(invitation, space, now), is_wrong)


def _holds(user: User, invitation: Invitation) -> bool:
    """Say whether the letter's address is the user's, and shown to be."""
    addresses = EmailAddress.objects.filter(user=user, verified=True, email=invitation.email)
    return bool(addresses.exists())


def _problem(invitation: Invitation, space: Workspace, now: datetime) -> str:
    if invitation.accepted_at is not None:
        return _("This link was used already; it works once.")
    if invitation.revoked_at is not None:
        return _("This invitation was taken back.")
    if invitation.expires_at <= now:
        return _("This link has expired: it is good for seven days.")
    if space.is_closing:
        return _("This business is being closed.")
    return ""


def accept(*, token: str, user: User, now: datetime) -> Workspace:
    """Give `user` the place that the link offers, once. Raises UnableToJoin.

    Who belongs already keeps the role they have, and the link stays for somebody else.
    """
    offer = look(token=token, user=user, now=now)
    if offer is None:
        raise UnableToJoin(_("There is no such link."))
    if offer.is_member:
        return offer.workspace
    if offer.is_wrong_person:
        raise UnableToJoin(_("This invitation is for another e-mail address."))
    if offer.problem:
        raise UnableToJoin(offer.problem)
    invitation, space = offer.invitation, offer.workspace
    with scope.system(), transaction.atomic():
        taken = Invitation.objects.filter(
            pk=invitation.pk,
            digest=invitation.digest,
            accepted_at__isnull=True,
            revoked_at__isnull=True,
            expires_at__gt=now,
        ).update(accepted_at=now, accepted_by=user)
        if not taken:  # somebody was faster, or it was taken back just now
            raise UnableToJoin(_("This link was used already; it works once."))
        Member.objects.get_or_create(workspace=space, user=user, defaults={"role": invitation.role})
        audit.record(
            action="member.joined",
            workspace=space,
            actor=user,
            target=f"user {user.pk} as {invitation.role}",
            now=now,
        )
    registry.forget()
    events.publish(
        "workspaces.member.joined", workspace=space.pk, params={"invitation": invitation.pk}
    )
    return space
