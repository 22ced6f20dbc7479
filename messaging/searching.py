"""Find contacts and messages: by name, number and words, each through an index of its own.

Words are looked up as they begin ("deliv" finds "delivery"), in PostgreSQL's own word index:
no extension is needed, and what nobody typed is not read.
"""

import re
from dataclasses import dataclass

from lib import phones, sql
from messaging import cursors

# The people who were seen last; who is meant by fewer words is found by more.
_MOST_PEOPLE = 200
_MOST_WORDS = 8
HITS = 20  # messages of a page

# The expressions are those of the indexes contact_names, contact_by_last_digits, message_words.
_NAMED = (
    "SELECT id, last_seen_at FROM messaging_contact WHERE to_tsvector('simple'::regconfig,"
    " COALESCE(known_as, '') || ' ' || COALESCE(name, '') || ' ' || COALESCE(username, ''))"
    " @@ to_tsquery('simple'::regconfig, %s)"
)
_NUMBERED = (
    "SELECT id, last_seen_at FROM messaging_contact WHERE phone = %s"
    " UNION ALL SELECT c.id, c.last_seen_at FROM messaging_contactidentity i"
    " JOIN messaging_contact c ON c.id = i.contact_id WHERE i.scope = 'whatsapp' AND i.value = %s"
)
_ENDING = (
    "SELECT id, last_seen_at FROM messaging_contact"
    ' WHERE (reverse(phone) COLLATE "C") >= %s AND (reverse(phone) COLLATE "C") < %s'
)
# Between all digits 0 and all digits 9: the order of digits is the same in every collation.
_BEGINNING = "SELECT id, last_seen_at FROM messaging_contact WHERE phone BETWEEN %s AND %s"
_SAYS = (
    "to_tsvector('simple'::regconfig, COALESCE(text, '')) @@ to_tsquery('simple'::regconfig, %s)"
)
# PostgreSQL knows too little of words to choose a way by itself (seen: 18 s where 20 ms are
# enough). What many say is among the newest; what few say the word index has at once.
_AMONG_NEWEST = (
    "SELECT id, created_at FROM (SELECT id, created_at, text FROM messaging_message {since}"  # noqa: S608 - constants of this file only
    " ORDER BY created_at DESC, id DESC LIMIT 1000) AS newest WHERE " + _SAYS
)
_BY_WORDS = (
    "WITH found AS MATERIALIZED (SELECT id, created_at FROM messaging_message WHERE "  # noqa: S608
    + _SAYS
    + " {since} LIMIT 50000) SELECT id, created_at FROM found"
)
_IN_ORDER = f" ORDER BY created_at DESC, id DESC LIMIT {HITS + 1}"


@dataclass(frozen=True)
class Hits:
    """Ids of messages that say it, newest first, and the place to go on from."""

    ids: list[int]
    older: str = ""


def people(query: str, *, country: str) -> list[int]:
    """Return the ids of contacts whose name or number the query means, last seen first."""
    parts: list[str] = []
    values: list[str] = []
    try:
        number = phones.parse(query, country=country)
    except phones.UnableToParsePhone:
        digits = "".join(c for c in query if c.isascii() and c.isdigit())
        if len(digits) >= 4 and not any(c.isalpha() for c in query):
            # The range of all numbers that end so; ":" comes after "9".
            parts.append(_ENDING)
            values += [digits[::-1], f"{digits[::-1]}:"]
            begun = phones.beginning(query, country=country)
            parts.append(_BEGINNING)
            values += [begun, begun + "9" * 12]
    else:
        parts.append(_NUMBERED)
        values += [number, number]
    if words := _asked(query):
        parts.append(_NAMED)
        values.append(words)
    if not parts:
        return []
    found = sql.fetch(
        f"SELECT DISTINCT id, last_seen_at FROM ({' UNION ALL '.join(parts)}) AS found"  # noqa: S608 - parts of this file
        f" ORDER BY last_seen_at DESC, id DESC LIMIT {_MOST_PEOPLE}",
        values,
    )
    return [pk for pk, _ in found]


def said(query: str, *, before: str = "") -> Hits:
    """Return the messages with all words of the query, newest first."""
    words = _asked(query)
    if not words:
        return Hits([])
    place = cursors.place(before)
    since, at = ("(created_at, id) < (%s, %s)", list(place)) if place else ("", [])
    statement = _AMONG_NEWEST.format(since=f"WHERE {since}" if place else "") + _IN_ORDER
    rows = sql.fetch(statement, [*at, words])
    if len(rows) <= HITS:
        statement = _BY_WORDS.format(since=f"AND {since}" if place else "") + _IN_ORDER
        rows = sql.fetch(statement, [words, *at])
    shown = rows[:HITS]
    older = cursors.mark(shown[-1][1], shown[-1][0]) if len(rows) > HITS else ""
    return Hits([pk for pk, _ in shown], older)


def _asked(query: str) -> str:
    """Return the query in PostgreSQL's words; empty when it has none that narrows anything down."""
    words = re.findall(r"[^\W_]+", query.casefold())[:_MOST_WORDS]
    if not any(len(word) > 1 for word in words):
        return ""
    return " & ".join(f"{word}:*" if len(word) > 1 else word for word in words)
