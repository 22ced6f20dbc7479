"""Keep message text, phone numbers, addresses and secrets out of every log line."""

import builtins
import logging
import re

import psycopg
from django.db.utils import Error as DatabaseError

# Every quantifier is bounded: an unbounded e-mail pattern takes seconds on 40 kB of letters.
_MAX_VALUE = 500
# What an exception says in less may stand in a line by chance: a number, a name.
_SHORTEST_SENTENCE = 12
_PATTERNS = (
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"), "[email]"),
    (re.compile(r"\bEAA[A-Za-z0-9]{16,400}|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{8,200}"), "[token]"),
    (
        re.compile(r"(?i)\b(bearer|access_token|api[-_]?key)([=:\s\"']{1,4})[^\s\"'&,]{4,400}"),
        r"\1\2[token]",
    ),
    # A phone number, however written: 10 to 15 digits with + or 0 or a country code before.
    (re.compile(r"(?<![\w.-])\+?\(?\d(?:[ ()-]{0,2}\d){9,14}(?![\w-])"), "[phone]"),
    (re.compile(r"(?i)(://[^/\s:@]{0,64}):[^/\s@]{1,200}@"), r"\1:[secret]@"),
    # One-time links: addresses that let in whoever has them.
    (re.compile(r"/(key|confirm-email)/[^/\s\"']{1,200}"), r"/\1/[key]"),
)
# Whose exceptions speak of the house, of a server or of a line to it. Others quote what they were
# given: int("...") does, and KeyError.
_TELLING = frozenset(
    [
        "ai",
        "billing",
        "config",
        "connections",
        "faqs",
        "lib",
        "messaging",
        "workspaces",
        "redis",
        "kombu",
        "amqp",
        "requests",
    ]
)


def text(value: str) -> str:
    """Return `value`, cut to 500 characters, with tokens, e-mails and phone numbers masked."""
    shown = value if len(value) <= _MAX_VALUE else value[:_MAX_VALUE] + "…"
    for pattern, mask in _PATTERNS:
        shown = pattern.sub(mask, shown)
    return shown


def is_telling(module: str, name: str) -> bool:
    """Say whether exceptions of this class (its module and name) may be told with their sentence."""
    known = getattr(builtins, name, None)
    is_of_system = isinstance(known, type) and issubclass(known, OSError)
    return module.partition(".")[0] in _TELLING or (module in ("", "builtins") and is_of_system)


def error(said: BaseException) -> str:
    """Return what a log line may say of an exception, besides its name.

    A database's sentence quotes the values at fault, in its first line too: of it the code and
    the names of the table, column and constraint are told, and the driver's name for the fault.
    """
    if not isinstance(said, (DatabaseError, psycopg.Error)):
        kind = type(said)
        tells = is_telling(kind.__module__, kind.__name__)
        return text(str(said).split("\n", 1)[0]) if tells else ""
    cause = said.__cause__ if isinstance(said.__cause__, psycopg.Error) else said
    if not isinstance(cause, psycopg.Error):
        return ""
    diag = cause.diag
    if cause.sqlstate is None and isinstance(
        cause, (psycopg.OperationalError, psycopg.InterfaceError)
    ):
        return text(str(cause).split("\n", 1)[0])  # of the line to the server, not of a statement
    told = (cause.sqlstate, diag.table_name, diag.column_name, diag.constraint_name)
    return " ".join([type(cause).__name__, *filter(None, told)])


def line(message: str, said: BaseException | None = None) -> str:
    """Return a log line of somebody else's, masked, without what it says of the exception `said`.

    That is told beside the line, by `error`.
    """
    if said is not None:
        name = type(said).__name__
        before, found, _ = message.partition(f"{name}(")
        if found:  # its repr, to the end
            message = before + name
        elif len(str(said)) > _SHORTEST_SENTENCE:
            message = message.replace(str(said), name)
    return text(message)


class Filter(logging.Filter):
    """Masks what other people's log lines carry; ours hold ids only."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(record, "is_event", False):
            said = record.exc_info[1] if record.exc_info else None
            record.msg = line(record.getMessage(), said)
            record.args = ()
        return True
