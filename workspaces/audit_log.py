"""The audit as owners read it: who did what, in plain words, newest first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lib import tables
from workspaces.models import AuditEntry, Member, User, Workspace

PAGE = 50
_MOST_EXPORTED = 100_000
_USER = re.compile(r"^user (\d{1,18})(?: as (\w+))?$")
_AS = re.compile(r" as (\w+)$")

# By kind of thing: each action and what it says. `{whom}` is the person, `{role}` the role that
# the entry names. What is not here is shown by its code, under "other".
KINDS: dict[str, tuple[str | Promise, dict[str, str | Promise]]] = {
    "team": (
        gettext_lazy("Team"),
        {
            "member.added": gettext_lazy("added {whom} as {role}"),
            "member.joined": gettext_lazy("joined as {role}"),
            "member.role-changed": gettext_lazy("made {whom} {role}"),
            "member.removed": gettext_lazy("removed {whom}"),
            "member.left": gettext_lazy("left the team"),
            "invitation.made": gettext_lazy("invited somebody as {role}"),
            "invitation.renewed": gettext_lazy("sent an invitation again"),
            "invitation.revoked": gettext_lazy("took an invitation back"),
            "invitation.restored": gettext_lazy("let an invitation hold again"),
        },
    ),
    "numbers": (
        gettext_lazy("Numbers"),
        {
            "connection.added": gettext_lazy("connected a number"),
            "connection.renewed": gettext_lazy("renewed the access of a number"),
            "connection.linking-agreed": gettext_lazy("agreed to how linking a phone works"),
            "connection.linking": gettext_lazy("began to link a phone"),
            "connection.disconnected": gettext_lazy("disconnected a number"),
            "connection.removed": gettext_lazy("removed a number"),
            "connection.paused": gettext_lazy("stopped sending on a number"),
            "connection.resumed": gettext_lazy("resumed sending on a number"),
            "connection.tested": gettext_lazy("sent a test message"),
            "connection.pace-changed": gettext_lazy("changed how fast a number sends"),
            "connection.screen-made": gettext_lazy("made a link that shows the QR code"),
            "connection.screen-opened": gettext_lazy("opened the link with the QR code"),
            "mailbox.replayed": gettext_lazy("put stuck messages back in line"),
        },
    ),
    "bot": (
        gettext_lazy("Bot and conversations"),
        {
            "bot.on": gettext_lazy("turned the bot on"),
            "bot.off": gettext_lazy("turned the bot off"),
            "bot.test": gettext_lazy("let the bot answer test phones only"),
            "bot.test-phone-added": gettext_lazy("added a test phone"),
            "bot.test-phone-removed": gettext_lazy("removed a test phone"),
            "bot.draft-saved": gettext_lazy("saved a draft of the bot's settings"),
            "bot.draft-discarded": gettext_lazy("threw a draft of the bot's settings away"),
            "bot.published": gettext_lazy("published the bot's settings"),
            "bot.manner": gettext_lazy("changed how sure the bot must be"),
            "answer.corrected": gettext_lazy("corrected an answer of the bot"),
            "conversation.assigned": gettext_lazy("assigned a conversation"),
            "conversation.given-back": gettext_lazy("gave a conversation back to the bot"),
            "contact.blocked": gettext_lazy("blocked a contact"),
            "contact.unblocked": gettext_lazy("unblocked a contact"),
            "contact.opted-out": gettext_lazy("noted that a contact wants no automatic replies"),
            "contact.opted-in": gettext_lazy("noted that a contact wants automatic replies"),
            "contact.exported": gettext_lazy("took the data of a contact along"),
            "contact.erased": gettext_lazy("erased a contact"),
            "owner-number.confirmed": gettext_lazy("confirmed a phone that commands the bot"),
            "owner-number.removed": gettext_lazy("took the right to command from a phone"),
        },
    ),
    "business": (
        gettext_lazy("Business and plan"),
        {
            "workspace.created": gettext_lazy("set up the business"),
            "workspace.changed": gettext_lazy("changed what the business says about itself"),
            "workspace.suspended": gettext_lazy("suspended the workspace"),
            "workspace.active": gettext_lazy("opened the workspace again"),
            "workspace.closing": gettext_lazy("began to delete the business"),
            "workspace.kept": gettext_lazy("kept the business from being deleted"),
            "export.asked": gettext_lazy("asked for a file with everything"),
            "export.fetched": gettext_lazy("downloaded the file with everything"),
            "export.begun": gettext_lazy("had a file of conversations made"),
            "export.cancelled": gettext_lazy("stopped a file of conversations"),
            "export.deleted": gettext_lazy("deleted a file of conversations"),
            "subscription.changed": gettext_lazy("changed the plan"),
        },
    ),
    "security": (
        gettext_lazy("Tokens"),
        {
            "api-token.made": gettext_lazy("made an API token"),
            "api-token.revoked": gettext_lazy("took an API token back"),
        },
    ),
    "support": (
        gettext_lazy("Support visits"),
        {
            "staff.looked": gettext_lazy("looked at {page}"),
            "staff.searched": gettext_lazy("searched for this business"),
        },
    ),
}
_SENTENCES = {code: text for _name, codes in KINDS.values() for code, text in codes.items()}
_PLACES = (
    ("/conversations/", gettext_lazy("a conversation")),
    ("/why/", gettext_lazy("why a message was answered as it was")),
)


@dataclass(frozen=True)
class Line:
    """One entry in words."""

    entry: AuditEntry
    who: str
    what: str
    detail: str


@dataclass(frozen=True)
class Page:
    """Some lines, and the id before which the next ones are; None at the end."""

    lines: Sequence[Line]
    next_before: int | None


def people(*, workspace: Workspace) -> list[tuple[int, str]]:
    """Return whom the log can be filtered by: the members of now. Call in the workspace's scope."""
    rows = Member.objects.filter(workspace=workspace).select_related("user")
    return sorted(((one.user_id, one.user.shown_name) for one in rows), key=lambda pair: pair[1])


def page(*, workspace: Workspace, person: int | None, kind: str, before: int | None) -> Page:
    """Return a page of the log. Call in the workspace's scope."""
    rows = _rows(workspace, person, kind)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    lines = _lines(found[:PAGE])
    return Page(lines, found[PAGE - 1].pk if len(found) > PAGE else None)


def as_csv(*, workspace: Workspace, person: int | None, kind: str) -> str:
    """Return the newest entries as CSV in which no cell is a formula."""
    found = list(_rows(workspace, person, kind)[:_MOST_EXPORTED])
    header = ("at", "who", "what", "detail", "action", "target", "reason")
    return tables.to_csv(
        header,
        (
            (
                _second(line.entry.at),
                line.who,
                line.what,
                line.detail,
                line.entry.action,
                line.entry.target,
                line.entry.reason,
            )
            for line in _lines(found)
        ),
    )


def _second(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _rows(workspace: Workspace, person: int | None, kind: str) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(workspace=workspace)
    if person is not None:
        rows = rows.filter(actor_id=person)
    if kind == "other":
        rows = rows.exclude(action__in=list(_SENTENCES))
    elif kind in KINDS:
        rows = rows.filter(action__in=list(KINDS[kind][1]))
    return rows.select_related("actor").order_by("-pk")


def _lines(found: Sequence[AuditEntry]) -> list[Line]:
    named = {int(match[1]) for entry in found if (match := _USER.match(entry.target))}
    names = {user.pk: user.shown_name for user in User.objects.filter(pk__in=named)}
    return [_line(entry, names) for entry in found]


def _line(entry: AuditEntry, names: dict[int, str]) -> Line:
    match, role = _USER.match(entry.target), _AS.search(entry.target)
    whom = names.get(int(match[1]), _("somebody whose account is gone")) if match else ""
    sentence = _SENTENCES.get(entry.action)
    if sentence is None:
        return Line(entry, _who(entry), entry.action, entry.target or entry.reason)
    words = {
        "{whom}": whom or _("somebody"),
        "{role}": str(dict(Member.Role.choices).get(role[1], role[1])) if role else "",
        "{page}": _place(entry.target),
    }
    what = str(sentence)
    for mark, value in words.items():  # not format(): a name may hold braces
        what = what.replace(mark, value)
    detail = entry.reason or (
        "" if match or entry.action == "staff.looked" else _AS.sub("", entry.target)
    )
    return Line(entry, _who(entry), what, detail)


def _place(path: str) -> str:
    for part, name in _PLACES:
        if part in path:
            return str(name)
    return _("this business's pages")


def _who(entry: AuditEntry) -> str:
    name = entry.actor.shown_name if entry.actor is not None else ""
    if entry.actor_kind == "staff":
        return _("Support (%(name)s)") % {"name": name} if name else _("Support")
    if name:
        return name
    return {
        "command": _("Our operators"),
        "system": _("Backroom"),
        "whatsapp": _("An owner, by WhatsApp"),
        "visitor": _("Somebody with a link"),
    }.get(entry.actor_kind, _("Somebody whose account is gone"))
