"""Batches of a linked device's engine -> Updates (connections/bridge/PROTOCOL.md, 3)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from connections.events import Kind, Sender, StatusWord, Update
from connections.providers import untrusted, update_keys
from connections.providers.base import UnableToRead

VERSION = 1
MOST_EVENTS = 1_000
MAX_TEXT = 65_536
_MAX_WORD = 60
_SESSION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LID = re.compile(r"[0-9]{5,20}@lid")
_PN = re.compile(r"([1-9][0-9]{6,14})@s\.whatsapp\.net")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_ADDRESS = re.compile(r"[\w.:-]{1,120}@[\w.-]{1,60}", re.ASCII)
# Their words for what a message is -> the house's, where they differ.
_TYPES = {"contact": "contacts"}
_WORDS = frozenset(
    {StatusWord.SENT, StatusWord.DELIVERED, StatusWord.READ, StatusWord.FAILED}
)  # fmt: skip


def read(body: bytes) -> list[Update]:
    """Translate a batch: nonsense inside it becomes UNSUPPORTED. Raises UnableToRead."""
    whole = untrusted.parse(body)
    events = whole.get("events") if isinstance(whole, dict) else None
    if not isinstance(events, list) or len(events) > MOST_EVENTS or whole.get("v") != VERSION:
        raise UnableToRead("The body is no batch of events.")
    return [_update(event) for event in events if isinstance(event, dict)]


def _update(event: dict[str, Any]) -> Update:
    reader = _READERS.get(untrusted.text_of(event, "type"))
    return (reader(event) if reader else None) or _unsupported(event)


def _session(event: dict[str, Any]) -> str:
    found = untrusted.text_of(event, "session")
    return found if _SESSION.fullmatch(found) else ""


def _make(
    event: dict[str, Any],
    kind: Kind,
    data: dict[str, Any],
    *,
    subject: str = "",
    conversation_key: str = "",
    at: datetime | None = None,
) -> Update:
    session, identifier = _session(event), untrusted.text_of(event, "id")
    return Update(
        kind=kind,
        key=update_keys.of_id("linked", session, identifier)
        if identifier
        else update_keys.of_content("linked", session, "", event),
        number_id=session,
        subject=untrusted.cap(subject, update_keys.MAX_SUBJECT),
        conversation_key=untrusted.cap(conversation_key, update_keys.MAX_CONVERSATION_KEY),
        at=at or moment_of(event, "at"),
        data=data,
        raw=event,
    )


def moment_of(holder: dict[str, Any], name: str) -> datetime | None:
    """Return the RFC 3339 time called `name`, or None when there is none that makes sense."""
    try:
        found = datetime.fromisoformat(untrusted.text_of(holder, name))
    except ValueError:
        return None
    if found.tzinfo is None or not 2009 <= found.year < 2100:
        return None
    return found.astimezone(UTC)


def person(event: dict[str, Any]) -> Sender:
    """Return the customer that an event names: hidden number first, the phone when it is known."""
    lid, phone = untrusted.text_of(event, "lid"), untrusted.text_of(event, "phone")
    chat = untrusted.text_of(event, "chat")
    if not _LID.fullmatch(lid):
        lid = chat if _LID.fullmatch(chat) else ""
    if not _PHONE.fullmatch(phone):
        match = _PN.fullmatch(chat)
        phone = f"+{match[1]}" if match else ""
    return Sender(
        phone=phone or None,
        lid=lid or None,
        address=chat if not (lid or phone) and _ADDRESS.fullmatch(chat) else None,
        name=untrusted.text_of(event, "name")[:200],
    )


def as_data(who: Sender) -> dict[str, Any]:
    """Return a person as the plain JSON that `Update.data` holds."""
    return {
        "phone": who.phone, "lid": who.lid, "address": who.address, "name": who.name,
    }  # fmt: skip


# --- One reader per type -------------------------------------------------------------------


def _said(kind: Kind) -> Callable[[dict[str, Any]], Update | None]:
    def read_message(event: dict[str, Any]) -> Update | None:
        who = person(event)
        if not who.key:
            return None
        word = untrusted.text_of(event, "kind").strip().lower()[:_MAX_WORD] or "unknown"
        data = {
            "type": _TYPES.get(word, word),
            "text": untrusted.text_of(event, "text")[:MAX_TEXT],
            "sender": as_data(who),
            "content": {"offline": untrusted.flag_of(event, "is_offline"), **_chat(event)},
            "reply_to": untrusted.text_of(event, "reply_to")[: update_keys.MAX_SUBJECT],
            "referral": {},
            "errors": [],
        }
        return _make(
            event, kind, data, subject=untrusted.text_of(event, "wa_id"),
            conversation_key=who.key, at=moment_of(event, "sent_at"),
        )  # fmt: skip

    return read_message


def _chat(event: dict[str, Any]) -> dict[str, str]:
    """Say where the message came from: answers go there, whatever else is known of the customer."""
    chat = untrusted.text_of(event, "chat")
    return {"chat": chat} if _LID.fullmatch(chat) or _PN.fullmatch(chat) else {}


def _status(event: dict[str, Any]) -> Update | None:
    word = untrusted.text_of(event, "status").strip().lower()[:_MAX_WORD]
    subject, opaque = untrusted.text_of(event, "wa_id"), untrusted.text_of(event, "opaque")
    if word not in _WORDS or not (subject or opaque):
        return None
    code = untrusted.text_of(event, "code")[:30]
    errors = [{"code": code, "title": "", "details": ""}] if word == StatusWord.FAILED else []
    data = {
        "status": word, "word": word, "recipient": {}, "opaque": opaque[:512],
        "errors": errors, "pricing": {},
    }  # fmt: skip
    return _make(event, Kind.STATUS, data, subject=subject, conversation_key=subject)


def _mapping(event: dict[str, Any]) -> Update | None:
    who = person(event)
    if not (who.lid and who.phone):
        return None
    data = {
        "event": "lid_mapping",
        "sender": as_data(who),
        "previous": as_data(Sender(lid=who.lid)),
        "text": "",
    }
    return _make(event, Kind.SYSTEM, data, conversation_key=who.key)


def _news(field: str, word: str, text: str, *details: str) -> Callable[[dict[str, Any]], Update]:
    def read_news(event: dict[str, Any]) -> Update:
        data = {
            "field": field,
            "event": untrusted.text_of(event, word)[:_MAX_WORD],
            "text": untrusted.text_of(event, text)[:300],
            "effect": "",
            "errors": [],
            "details": {name: untrusted.text_of(event, name)[:64] for name in details},
        }
        return _make(event, Kind.ACCOUNT, data)

    return read_news


def _unsupported(event: dict[str, Any]) -> Update:
    word = untrusted.text_of(event, "type")[:_MAX_WORD]
    data = {"field": word or "unknown", "event": "", "text": "", "effect": "", "seen": {}}
    return _make(event, Kind.UNSUPPORTED, data)


_READERS: dict[str, Callable[[dict[str, Any]], Update | None]] = {
    "message": _said(Kind.MESSAGE),
    "own_message": _said(Kind.ECHO),
    "status": _status,
    "lid_mapping": _mapping,
    "state": _news("linked_state", "state", "reason", "code", "until", "phone", "lid", "at"),
    "limit": _news("linked_limit", "kind", "detail", "until"),
    "undecryptable": _news("linked_unreadable", "", "", "wa_id"),
}
