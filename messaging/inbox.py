"""The list of conversations: who wrote, who waits, and what a search finds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from lib import phones, sql
from messaging import cursors, searching
from messaging.models import Contact, Conversation, Message
from workspaces.models import User

PAGE = 30
MOST = 200  # conversations that a page keeps fresh
VIEWS = ("needs", "mine", "person", "bot", "all")
_QUIET = ("reaction", "system", "edit", "revoke")
_MOST_UNREAD = 10


@dataclass(frozen=True)
class Talk:
    """One line of the list."""

    conversation: Conversation
    name: str
    last: Message | None
    held_by: str
    unread: int = 0  # messages that nobody of the team has seen, where a person is wanted


@dataclass(frozen=True)
class Hit:
    """A message that a search found by its words."""

    message: Message
    name: str


@dataclass(frozen=True)
class Listing:
    """A page of the list. `older` is the place to go on from; `version` changes with what it shows."""

    view: str
    query: str
    tag: str
    talks: list[Talk]
    older: str
    until: str  # the place of the last conversation shown
    needs_count: int
    has_any: bool
    version: str
    hits: list[Hit] = field(default_factory=list)
    older_hits: str = ""


def listing(
    *,
    view: str = "all",
    query: str = "",
    tag: str = "",
    country: str,
    user_id: int | None = None,
    before: str = "",
    until: str = "",
    before_hit: str = "",
    size: int = PAGE,
    contact_id: int | None = None,
) -> Listing:
    """Return conversations, latest first; a query is a name, a phone number or words that were said.

    `before` asks for those before a place, `until` for everything down to one (the page that
    polls keeps its end). A query and a tag look at all conversations, whatever the view.
    """
    query = query.replace("\x00", "").strip()[:100]
    tag = tag.replace("\x00", "").strip()[:30]
    chosen = view if view in VIEWS and not (query or tag) else "all"
    everything = Conversation.objects.all()
    rows = _filtered(everything, chosen, user_id)
    if query:
        rows = rows.filter(contact_id__in=searching.people(query, country=country))
    if tag:
        rows = rows.filter(contact__tags__name__iexact=tag)
    if contact_id is not None:
        rows = rows.filter(contact_id=contact_id)
    if place := cursors.place(before):
        # The bound by itself is what the index is entered at: a deep page reads no page before it.
        rows = rows.filter(last_message_at__lte=place[0]).filter(
            Q(last_message_at__lt=place[0]) | Q(last_message_at=place[0], pk__lt=place[1])
        )
    if end := cursors.place(until):
        rows = rows.filter(last_message_at__gte=end[0]).filter(
            Q(last_message_at__gt=end[0]) | Q(last_message_at=end[0], pk__gte=end[1])
        )
        size = MOST
    newest = Message.objects.filter(conversation=OuterRef("pk")).exclude(kind__in=_QUIET)
    found = list(
        rows.select_related("contact")
        .annotate(last_id=Subquery(newest.order_by("-provider_at", "-id").values("pk")[:1]))
        .order_by("-last_message_at", "-pk")[: size + 1]
    )
    shown, has_more = found[:size], len(found) > size
    last = Message.objects.in_bulk([row.last_id for row in shown if row.last_id])
    names = names_of(row.held_by_id for row in shown)
    unread = _unread(shown)
    talks = [
        Talk(
            row,
            shown_name(row.contact),
            last.get(row.last_id) if row.last_id else None,
            names.get(row.held_by_id or 0, ""),
            unread.get(row.pk, 0),
        )
        for row in shown
    ]
    hits, older_hits = _hits(query, before_hit) if query else ([], "")
    end_of_page = cursors.mark(shown[-1].last_message_at, shown[-1].pk) if shown else ""
    needs_count = waiting().count()
    return Listing(
        view=chosen,
        query=query,
        tag=tag,
        talks=talks,
        older=end_of_page if has_more else "",
        until=until if end else end_of_page if has_more else "",
        needs_count=needs_count,
        has_any=bool(shown) or everything.exists(),
        version=cursors.digest(
            needs_count,
            *(
                (
                    talk.conversation.pk,
                    talk.name,
                    talk.conversation.last_message_at,
                    talk.conversation.holder,
                    talk.held_by,
                    talk.conversation.needs_person,
                    talk.unread,
                    talk.last and (talk.last.pk, talk.last.status, talk.last.is_deleted),
                )
                for talk in talks
            ),
        ),
        hits=hits,
        older_hits=older_hits,
    )


def waiting() -> QuerySet[Conversation]:
    """Return the open conversations that need a person."""
    return Conversation.objects.filter(needs_person=True, state=Conversation.State.OPEN)


def _filtered(
    rows: QuerySet[Conversation], view: str, user_id: int | None
) -> QuerySet[Conversation]:
    if view == "needs":
        return rows.filter(needs_person=True, state=Conversation.State.OPEN)
    if view == "mine":
        return rows.filter(holder=Conversation.Holder.PERSON, held_by_id=user_id or 0)
    if view == "person":
        return rows.filter(holder=Conversation.Holder.PERSON)
    if view == "bot":
        return rows.filter(holder=Conversation.Holder.BOT, needs_person=False)
    return rows


_UNREAD = """
SELECT t.id, (SELECT count(*) FROM (
    SELECT 1 FROM messaging_message m WHERE m.conversation_id = t.id AND m.direction = 'in'
        AND m.author = 'contact' AND m.provider_at > t.since LIMIT %s) AS few)
FROM unnest(%b::bigint[], %b::timestamptz[]) AS t(id, since)
"""


def _unread(rows: Sequence[Conversation]) -> dict[int, int]:
    """Count what nobody of the team has seen, up to ten, where a person is wanted or has it."""
    wanted = [
        row for row in rows if row.needs_person or row.holder == Conversation.Holder.PERSON
    ]  # fmt: skip
    if not wanted:
        return {}
    values = [
        _MOST_UNREAD,
        [row.pk for row in wanted],
        [row.seen_at or row.opened_at for row in wanted],
    ]
    return dict(sql.fetch(_UNREAD, values))


def _hits(query: str, before: str) -> tuple[list[Hit], str]:
    found = searching.said(query, before=before)
    known = Message.objects.select_related("conversation__contact").in_bulk(found.ids)
    return [
        Hit(message, shown_name(message.conversation.contact))
        for pk in found.ids
        if (message := known.get(pk)) is not None
    ], found.older


def shown_name(contact: Contact) -> str:
    """Return what a contact is called on a page: the team's name for it, its own, @username, phone."""
    for name in (contact.known_as, contact.name):
        if name.strip():
            return name
    if contact.username:
        return f"@{contact.username}"
    return phones.show(contact.phone) or "Number hidden"


def oldest_waiting() -> Conversation | None:
    """Return the conversation that has waited longest for a person."""
    return (
        waiting()
        .select_related("contact")
        .order_by(F("needs_person_since").asc(nulls_last=True), "pk")
        .first()
    )


def names_of(user_ids: Iterable[int | None]) -> dict[int, str]:
    """Return what these people of the team are called."""
    wanted = {pk for pk in user_ids if pk}
    if not wanted:
        return {}
    return {user.pk: user.shown_name for user in User.objects.filter(pk__in=wanted)}
