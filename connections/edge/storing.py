"""The front door's thread for storing: one statement and one commit for all that wait."""

import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import Enum, auto

from django.db import DEFAULT_DB_ALIAS, connections
from django.db import connection as database
from django.db.utils import Error as AnyDatabaseError
from django.db.utils import InterfaceError, OperationalError

from connections import inbox, ingress
from connections.edge.numbers import Numbers
from connections.ingress import Letter, Reading
from connections.models import Connection
from lib import clock, events
from workspaces import scope

# Errors of these classes (SQLSTATE) are the values' fault: data, integrity, limits. All others
# are the server's, the moment's or ours (a table that is not migrated yet), and pass.
_OF_VALUES = frozenset({"22", "23", "54"})
_LOOK_AFTER_SECONDS = 1.0
_scopes: list[AbstractContextManager[None]] = []


class Outcome(Enum):
    """What became of a request's updates."""

    STORED = auto()
    REFUSED = auto()  # the database does not take these, nor will it the next time
    AWAY = auto()  # nothing is known to be stored: to be sent again


def open_thread(*, patience_seconds: int) -> None:
    """Make this thread ready: system scope for good, and a database that may not hang for long."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    milliseconds = patience_seconds * 1000
    given = wrapper.settings_dict.get("OPTIONS", {})
    options = {
        **given,
        "connect_timeout": patience_seconds,
        "tcp_user_timeout": milliseconds,
        "options": f"{given.get('options', '')} -c statement_timeout={milliseconds}".strip(),
    }
    wrapper.settings_dict = {**wrapper.settings_dict, "OPTIONS": options}
    # Never left: entering and leaving would cost each batch a statement of its own.
    entered = scope.system()
    entered.__enter__()
    _scopes.append(entered)


def look_after() -> None:
    """Close a connection that is broken or too old."""
    database.close_if_unusable_or_obsolete()


class Store:
    """Stores letters. To be used by one thread only."""

    def __init__(self, numbers: Numbers, *, provider: str) -> None:
        self._numbers, self._provider = numbers, provider
        self._look_after_at = 0.0
        self._lanes: set[tuple[int, int]] = set()

    def keep(self, letters: Sequence[Letter]) -> tuple[list[Outcome], set[tuple[int, int]]]:
        """Store all letters; return what became of each, and the lanes to wake.

        Together, in one commit. When the statement itself is at fault, each alone, so that
        a poisonous one does not fail its neighbours. Storing twice is storing once, so a
        commit that nobody saw succeed is simply tried again.
        """
        self._lanes = set()
        for _ in range(2):
            try:
                self._keep(letters)
            except Exception as error:
                self._numbers.forget()
                if not _is_passing(error):
                    return self._one_by_one(letters), self._lanes
                database.close()
            else:
                return [Outcome.STORED] * len(letters), self._lanes
        return [Outcome.AWAY] * len(letters), self._lanes

    def _one_by_one(self, letters: Sequence[Letter]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for letter in letters:
            try:
                self._keep([letter])
            except Exception as error:
                if _is_passing(error):
                    database.close()
                    break
                outcomes.append(Outcome.REFUSED)
                events.publish(
                    "connections.webhook.not-stored",
                    meta={"error": type(error).__name__, "code": _sqlstate(error)},
                    level=logging.ERROR,
                )
            else:
                outcomes.append(Outcome.STORED)
        return outcomes + [Outcome.AWAY] * (len(letters) - len(outcomes))

    def _keep(self, letters: Sequence[Letter]) -> None:
        if time.monotonic() >= self._look_after_at:
            look_after()
            self._look_after_at = time.monotonic() + _LOOK_AFTER_SECONDS
        readings = self._route(letters)
        if foreign := sum(reading.foreign for reading in readings):
            events.publish(
                "connections.webhook.spoke-for-others",
                meta={"updates": foreign},
                level=logging.WARNING,
            )
        routed = [each for reading in readings for each in reading.routed]
        if not routed:
            return
        # Outside a transaction block the statement commits itself: one way there and back.
        try:
            kept = inbox.keep(routed=routed, provider=self._provider, now=clock.now())
        except inbox.Misrouted:
            self._numbers.forget()
            routed = [each for reading in self._route(letters) for each in reading.routed]
            kept = inbox.keep(routed=routed, provider=self._provider, now=clock.now())
        self._lanes |= kept.lanes
        inbox.tell_accepted(kept, provider=self._provider, updates=len(routed))

    def _route(self, letters: Sequence[Letter]) -> list[Reading]:
        names = {name for letter in letters for name in letter.names()}
        found = {name: known for name in names if (known := self._numbers.held(name))}
        remembered = set(found)
        if missing := names - remembered:
            found |= self._numbers.ask(missing)
        readings = _routed(letters, found)
        if remembered and any(
            each.connection is None and {each.update.number_id, each.update.account_id} & remembered
            for reading in readings
            for each in reading.routed
        ):
            # About to be stored as nobody's, by what was remembered: that wants a fresh look.
            found |= self._numbers.ask(remembered)
            readings = _routed(letters, found)
        return readings


def _routed(letters: Sequence[Letter], found: dict[str, tuple[Connection, ...]]) -> list[Reading]:
    book = ingress.Book({c.pk: c for bearers in found.values() for c in bearers}.values())
    return [ingress.route(letter, book) for letter in letters]


def _is_passing(error: Exception) -> bool:
    if not isinstance(error, AnyDatabaseError):
        return False
    state = _sqlstate(error)
    if state:
        return state[:2] not in _OF_VALUES
    return isinstance(error, OperationalError | InterfaceError)


def _sqlstate(error: Exception) -> str:
    return str(getattr(error.__cause__, "sqlstate", None) or "")
