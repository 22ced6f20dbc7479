"""The rows of exports: a line per conversation, or a line per message, so many at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection as database
from django.db.models import Q, QuerySet
from django.urls import reverse

from connections import naming
from lib.tables import Cell
from messaging import inbox
from messaging.models import Conversation, ConversationExport, Message
from workspaces.models import User, Workspace

CONVERSATIONS_AT_ONCE, MESSAGES_AT_ONCE = 500, 4_000
CONVERSATION_COLUMNS = (
    "conversation_id", "url", "contact_name", "contact_phone", "number", "state", "opened_at",
    "closed_at", "holder", "held_by", "needs_person", "messages_in", "messages_out", "by_bot",
    "by_team", "by_phone_app", "failed", "first_message_at", "first_response_s", "resolution_s",
    "last_message_at",
)  # fmt: skip
MESSAGE_COLUMNS = (
    "conversation_id", "message_id", "at", "contact_name", "contact_phone", "number", "direction",
    "author", "written_by", "kind", "text", "status", "answers_message_id", "error",
)  # fmt: skip

Place = list[Any]


@dataclass
class Batch:
    """Some rows in order, and after which place the next ones come; None after the last."""

    rows: list[list[Cell]] = field(default_factory=list)
    place: Place | None = None


class Reader:
    """Reads what one export asks for. Use in its workspace's scope."""

    def __init__(self, *, workspace: Workspace, export: ConversationExport) -> None:
        self._slug = workspace.slug
        self._zone = ZoneInfo(workspace.time_zone)
        self._is_json = export.form == ConversationExport.Form.JSON
        self._of_messages = export.what == ConversationExport.What.MESSAGES
        self._connection_id = export.connection_id
        self._since = self._begin(export.first_day) if export.first_day else None
        day_after = export.last_day + timedelta(days=1) if export.last_day else None
        self._until = self._begin(day_after) if day_after else None
        self._numbers = naming.names(
            workspace=workspace,
            ids=set(
                Conversation.objects.order_by().values_list("connection_id", flat=True).distinct()
            ),
        )
        self._people: dict[int, str] = {}
        self.columns = MESSAGE_COLUMNS if self._of_messages else CONVERSATION_COLUMNS

    def count(self) -> int:
        """Return how many rows there will be, as things stand now."""
        if not self._of_messages:
            return self._conversations().count()
        rows = Message.objects.filter(self._between("provider_at"))
        if self._connection_id is not None:
            rows = rows.filter(conversation__connection_id=self._connection_id)
        return rows.count()

    def read(self, *, after: Place | None) -> Batch:
        """Return the next rows behind a place, from the beginning when there is none."""
        return self._read_messages(after) if self._of_messages else self._read_talks(after)

    # --- One line per conversation -----------------------------------------------------------

    def _conversations(self) -> "QuerySet[Conversation]":
        """Return those that were open on one of the days: begun before their end, not over before."""
        rows = Conversation.objects.all()
        if self._since is not None:
            rows = rows.filter(last_message_at__gte=self._since)
        if self._until is not None:
            rows = rows.filter(opened_at__lt=self._until)
        if self._connection_id is not None:
            rows = rows.filter(connection_id=self._connection_id)
        return rows

    def _read_talks(self, after: Place | None) -> Batch:
        found = list(
            self._conversations()
            .filter(pk__gt=after[0] if after else 0)
            .select_related("contact")
            .order_by("pk")[:CONVERSATIONS_AT_ONCE]
        )
        counted = self._counted([talk.pk for talk in found])
        self._meet(talk.held_by_id for talk in found)
        none = (0, 0, 0, 0, 0, 0, None, None)
        rows = [self._line(talk, counted.get(talk.pk, none)) for talk in found]
        is_more = len(found) == CONVERSATIONS_AT_ONCE
        return Batch(rows, [found[-1].pk] if is_more else None)

    def _line(self, talk: Conversation, counted: tuple[Any, ...]) -> list[Cell]:
        received, sent, by_bot, by_team, by_phone, failed, first_at, answered_at = counted
        path = reverse("messaging:thread-show", args=[self._slug, talk.pk])
        return [
            talk.pk,
            settings.BASE_URL + path,
            inbox.shown_name(talk.contact),
            talk.contact.phone or "",
            self._numbers.get(talk.connection_id, ""),
            talk.state,
            self._stamp(talk.opened_at),
            self._stamp(talk.closed_at),
            talk.holder,
            self._people.get(talk.held_by_id or 0, ""),
            "yes" if talk.needs_person else "no",
            received,
            sent,
            by_bot,
            by_team,
            by_phone,
            failed,
            self._stamp(first_at),
            _seconds(first_at, answered_at),
            _seconds(talk.opened_at, talk.closed_at),
            self._stamp(talk.last_message_at),
        ]

    def _counted(self, ids: list[int]) -> dict[int, tuple[Any, ...]]:
        """Return of each conversation what was said within the days, and when first answered."""
        with database.cursor() as cursor:
            cursor.execute(_COUNTS, {"ids": ids, "since": self._since, "until": self._until})
            return {row[0]: row[1:] for row in cursor.fetchall()}

    # --- One line per message ------------------------------------------------------------------

    def _read_messages(self, after: Place | None) -> Batch:
        talk, at, pk = after or (0, "-infinity", 0)
        with database.cursor() as cursor:
            cursor.execute(
                _MESSAGES,
                {
                    "talk": talk, "at": at, "id": pk, "since": self._since, "until": self._until,
                    "connection": self._connection_id, "limit": MESSAGES_AT_ONCE,
                },
            )  # fmt: skip
            found = cursor.fetchall()
        self._meet(row[10] for row in found)
        rows: list[list[Cell]] = [
            [
                talk_id, message_id, self._stamp(moment),
                name.strip() or (f"@{username}" if username else ""), phone or "",
                self._numbers.get(number, ""), direction, author, self._people.get(by or 0, ""),
                kind, text, status, answers, error,
            ]
            for talk_id, moment, message_id, name, username, phone, number, direction, author, kind,
                by, text, status, answers, error in found
        ]  # fmt: skip
        last = found[-1] if len(found) == MESSAGES_AT_ONCE else None
        return Batch(rows, [last[0], last[1].isoformat(), last[2]] if last else None)

    # --- Words ---------------------------------------------------------------------------------

    def _between(self, moment: str) -> Q:
        since = Q(**{f"{moment}__gte": self._since}) if self._since else Q()
        return since & Q(**{f"{moment}__lt": self._until}) if self._until else since

    def _begin(self, day: Any) -> datetime:
        return datetime.combine(day, time(), tzinfo=self._zone)

    def _stamp(self, moment: datetime | None) -> str:
        """Write a moment in the workspace's time, so that a spreadsheet takes it for one."""
        if moment is None:
            return ""
        local = moment.astimezone(self._zone)
        return local.isoformat() if self._is_json else f"{local:%Y-%m-%d %H:%M:%S}"

    def _meet(self, ids: Iterable[int | None]) -> None:
        wanted = {pk for pk in ids if pk and pk not in self._people}
        if wanted:
            for user in User.objects.filter(pk__in=wanted):
                self._people[user.pk] = user.shown_name


def _seconds(begin: datetime | None, end: datetime | None) -> int | None:
    return max(0, round((end - begin).total_seconds())) if begin and end else None


_COUNTS = """
WITH told AS (
    SELECT conversation_id, direction, author, status, provider_at,
        min(provider_at) FILTER (WHERE direction = 'in' AND author = 'contact')
            OVER (PARTITION BY conversation_id) AS asked_at
    FROM messaging_message
    WHERE conversation_id = ANY(%(ids)s)
      AND (%(since)s::timestamptz IS NULL OR provider_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR provider_at < %(until)s))
SELECT conversation_id,
    count(*) FILTER (WHERE direction = 'in' AND author <> 'system'),
    count(*) FILTER (WHERE direction = 'out'),
    count(*) FILTER (WHERE direction = 'out' AND author = 'bot'),
    count(*) FILTER (WHERE direction = 'out' AND author = 'member'),
    count(*) FILTER (WHERE direction = 'out' AND author = 'phone'),
    count(*) FILTER (WHERE direction = 'out' AND status = 'failed'),
    min(asked_at),
    min(provider_at) FILTER (WHERE direction = 'out' AND status <> 'failed' AND provider_at >= asked_at)
FROM told GROUP BY conversation_id
"""
_MESSAGES = """
SELECT m.conversation_id, m.provider_at, m.id, COALESCE(NULLIF(btrim(c.known_as), ''), c.name), c.username, c.phone, t.connection_id,
    m.direction, m.author, m.kind, m.author_id, m.text, m.status, m.answers_id, m.error
FROM messaging_message m
JOIN messaging_conversation t ON t.id = m.conversation_id
JOIN messaging_contact c ON c.id = t.contact_id
WHERE (m.conversation_id, m.provider_at, m.id) > (%(talk)s, %(at)s::timestamptz, %(id)s)
  AND (%(since)s::timestamptz IS NULL OR m.provider_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR m.provider_at < %(until)s)
  AND (%(connection)s::bigint IS NULL OR t.connection_id = %(connection)s)
ORDER BY m.conversation_id, m.provider_at, m.id LIMIT %(limit)s
"""
