"""The team of a workspace: roles, removing, leaving, inviting."""

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lib import clock
from workspaces import invitations, members, pages, team, toasts
from workspaces.decorators import member_required
from workspaces.models import Member
from workspaces.routing import WorkspaceRequest
from workspaces.settings_forms import InviteForm, RoleForm

_TEMPLATE = "workspaces/team.html"


def _context(request: WorkspaceRequest, form: InviteForm | None = None) -> dict[str, Any]:
    roles = team.roles_for(request.member)
    forms = {way: InviteForm(initial={"way": way}, roles=roles) for way in ("email", "link")}
    if form is not None:
        forms["link" if form.is_link else "email"] = form
    may_manage = members.may(request.member, "manager")
    return {
        "people": team.people(workspace=request.workspace, viewer=request.member),
        "pending": invitations.pending(workspace=request.workspace, now=clock.now())
        if may_manage
        else [],
        "forms": forms,
        "opened": ("link" if form.is_link else "email") if form is not None else "",
        "may_manage": may_manage,
        "roles": [(role, role.label) for role in Member.Role],
        "rights": [
            {
                "what": what,
                "least": least,
                "marks": [members.RANK[role] >= members.RANK[least] for role in Member.Role],
            }
            for what, least in team.RIGHTS
        ],
        "now": clock.now(),
    }


@require_GET
@member_required("viewer")
def team_show(request: WorkspaceRequest) -> HttpResponse:
    """Who belongs to the workspace, who is invited, and what each role may do."""
    return pages.show(request, _TEMPLATE, _context(request))


def _to_team(request: WorkspaceRequest) -> HttpResponse:
    return pages.go(request, "workspaces:team-show", request.workspace.slug)


def _find(request: WorkspaceRequest, pk: int) -> Member:
    try:
        return team.find(workspace=request.workspace, member_id=pk)
    except team.UnableToFindMember as error:
        raise Http404 from error


@require_POST
@member_required("manager")
def member_role(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Give a member another role."""
    member = _find(request, pk)
    form = RoleForm(request.POST)
    role = form.cleaned_data["role"] if form.is_valid() else ""
    try:
        before = team.change_role(
            workspace=request.workspace,
            member_id=pk,
            role=role,
            actor=request.member,
            now=clock.now(),
        )
    except team.UnableToChangeTeam as error:
        toasts.complain(request, str(error))
        return _to_team(request)
    if before != role:
        toasts.say(
            request,
            _("%(name)s is now %(role)s.")
            % {"name": member.user.shown_name, "role": Member.Role(role).label},
            undo_at=reverse("workspaces:member-role", args=[request.workspace.slug, pk]),
            fields={"role": before},
        )
    return _to_team(request)


@require_GET
@member_required("manager")
def member_part(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What removing somebody means."""
    return pages.show(request, "workspaces/team_remove.html", {"person": _find(request, pk)})


@require_POST
@member_required("manager")
def member_remove(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take somebody's access away."""
    if pk == request.member.pk:
        return pages.go(request, "workspaces:team-leave", request.workspace.slug)
    try:
        gone = team.remove(
            workspace=request.workspace, member_id=pk, actor=request.member, now=clock.now()
        )
    except team.UnableToFindMember as error:
        raise Http404 from error
    except team.UnableToChangeTeam as error:
        toasts.complain(request, str(error))
    else:
        toasts.say(request, _("%(name)s has no access any more.") % {"name": gone.user.shown_name})
    return _to_team(request)


@require_GET
@member_required("viewer")
def leave_form(request: WorkspaceRequest) -> HttpResponse:
    """What leaving means."""
    is_last = team.is_last_owner(workspace=request.workspace, member=request.member)
    return pages.show(request, "workspaces/team_leave.html", {"is_last": is_last})


@require_POST
@member_required("viewer")
def leave(request: WorkspaceRequest) -> HttpResponse:
    """Leave the workspace."""
    try:
        team.remove(
            workspace=request.workspace,
            member_id=request.member.pk,
            actor=request.member,
            now=clock.now(),
        )
    except (team.UnableToChangeTeam, team.UnableToFindMember) as error:
        toasts.complain(request, str(error))
        return _to_team(request)
    toasts.say(request, _("You left %(name)s.") % {"name": request.workspace.name})
    return pages.go(request, "workspaces:workspace-list")


# --- Invitations ---------------------------------------------------------------------------


@require_POST
@member_required("manager")
def invite(request: WorkspaceRequest) -> HttpResponse:
    """Invite somebody; the address of a link is shown once, in this answer."""
    form = InviteForm(request.POST, roles=team.roles_for(request.member))
    if form.is_valid():
        values = form.cleaned_data
        try:
            sent = invitations.invite(
                workspace=request.workspace,
                actor=request.member,
                role=values["role"],
                email="" if form.is_link else values["email"],
                phone=values["phone"] if form.is_link else "",
                now=clock.now(),
            )
        except invitations.UnableToInvite as error:
            form.add_error(None, str(error))
        else:
            return _tell(request, sent)
    return pages.show(request, _TEMPLATE, _context(request, form), part="page", status=422)


def _tell(request: WorkspaceRequest, sent: invitations.Sent) -> HttpResponse:
    """Show a link on the one occasion on which it can be read; say where a letter went."""
    if not sent.url:
        toasts.say(
            request, _("The invitation goes to %(email)s.") % {"email": sent.invitation.email}
        )
        return _to_team(request)
    context = _context(request) | {"sent": sent, "share_url": _share_url(request, sent)}
    return pages.show(request, _TEMPLATE, context, part="page")


def _share_url(request: WorkspaceRequest, sent: invitations.Sent) -> str:
    text = _("Join %(name)s on Backroom: %(url)s") % {
        "name": request.workspace.name,
        "url": sent.url,
    }
    return f"https://wa.me/{sent.invitation.phone.lstrip('+')}?text={quote(text)}"


@require_POST
@member_required("manager")
def invitation_resend(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Send the letter again, or make the link anew."""
    try:
        sent = invitations.resend(
            workspace=request.workspace, invitation_id=pk, actor=request.member, now=clock.now()
        )
    except invitations.UnableToFindInvitation as error:
        raise Http404 from error
    except invitations.UnableToInvite as error:
        toasts.complain(request, str(error))
        return _to_team(request)
    return _tell(request, sent)


@require_POST
@member_required("manager")
def invitation_revoke(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take an invitation back."""
    if _toggled(request, pk, invitations.revoke):
        toasts.say(
            request,
            _("The invitation is taken back; its link opens nothing."),
            undo_at=reverse("workspaces:invitation-restore", args=[request.workspace.slug, pk]),
        )
    return _to_team(request)


@require_POST
@member_required("manager")
def invitation_restore(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Let an invitation that was taken back hold again."""
    if _toggled(request, pk, invitations.restore):
        messages.success(request, _("The invitation holds again."))
    return _to_team(request)


def _toggled(request: WorkspaceRequest, pk: int, act: Any) -> bool:
    try:
        return bool(
            act(
                workspace=request.workspace,
                invitation_id=pk,
                actor=request.member,
                now=clock.now(),
            )
        )
    except invitations.UnableToFindInvitation as error:
        raise Http404 from error
