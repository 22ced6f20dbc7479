"""Each process that sends shows every two seconds that it lives and reaches the database.

Its claims carry its token. When its row falls silent the claims are judged by others
(`connections.orphans`): at once when its database backend is gone as well (it was killed),
after the lease when only its line to the database hangs.
"""

import logging
import secrets
import threading
from collections.abc import Iterable

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db import connection as database

from lib import events
from workspaces import scope

BEAT_SECONDS = 2.0
_HURRY_SECONDS = 0.25  # after a beat that failed
_log = logging.getLogger(__name__)


class _Sender:
    """This process as a sender: its token, what it holds, and the thread that beats."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(8)
        self.held: set[int] = set()
        self.lock = threading.Lock()
        self.doubts = 0  # beats for which claims are still looked for that nobody holds
        self.is_known = False  # the database has heard of it
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def end(self) -> None:
        self.stop.set()
        self.thread.join(BEAT_SECONDS)

    def _run(self) -> None:
        pause = 0.0
        while not self.stop.wait(pause):
            try:
                self._beat()
                self.is_known = True
                self._find_lost()
                pause = BEAT_SECONDS
            except (DatabaseError, InterfaceError) as error:
                database.close()
                pause = _HURRY_SECONDS
                events.publish(
                    "connections.heartbeat.missed",
                    params={"error": type(error).__name__},
                    level=logging.DEBUG,
                )
            except Exception:
                _log.exception("connections.heartbeat.failed")
        if not self.held:
            self._go()
        database.close()

    def _beat(self) -> None:
        with scope.system(), database.cursor() as cursor:
            cursor.execute(
                "INSERT INTO connections_senderheartbeat (token, pid, started_at, last_at)"
                " VALUES (%s, pg_backend_pid(), clock_timestamp(), clock_timestamp())"
                " ON CONFLICT (token) DO UPDATE SET pid = pg_backend_pid(), last_at = clock_timestamp()",
                [self.token],
            )

    def _find_lost(self) -> None:
        """Put back claims that were committed, but whose news never reached this process."""
        with self.lock:
            if not self.doubts:
                return
            self.doubts -= 1
            held = list(self.held)
        with scope.system(), database.cursor() as cursor:
            cursor.execute(
                "UPDATE connections_outboundjob SET state = 'queued', attempts = attempts - 1"
                " WHERE state = 'sending' AND claimed_by = %s AND id <> ALL(%s::bigint[])"
                " AND claimed_at < clock_timestamp() - make_interval(secs => %s)",
                [self.token, held, settings.SENDER_LEASE_SECONDS / 2],
            )
            if cursor.rowcount:
                events.publish("connections.claim.found", meta={"count": cursor.rowcount})

    def _go(self) -> None:
        try:
            with scope.system(), database.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM connections_senderheartbeat WHERE token = %s", [self.token]
                )
        except (DatabaseError, InterfaceError):
            _log.debug("The database is away: others will see that this sender is gone.")


_sender: _Sender | None = None


def begin() -> None:
    """Start beating, once in a process that sends."""
    global _sender
    if _sender is None:
        _sender = _Sender()
        _sender.thread.start()


def end() -> None:
    """Stop beating; the row goes when nothing is in flight."""
    global _sender
    sender, _sender = _sender, None
    if sender is not None:
        sender.end()


def token() -> str:
    """Return what this process' claims carry; empty when it does not beat (judged by backend)."""
    return _sender.token if _sender and _sender.is_known else ""


def hold(ids: Iterable[int]) -> None:
    """Remember claims that this process is working on."""
    if _sender is not None:
        with _sender.lock:
            _sender.held.update(ids)


def let_go(ids: Iterable[int]) -> None:
    """Forget claims whose outcome is recorded."""
    if _sender is not None:
        with _sender.lock:
            _sender.held.difference_update(ids)


def doubt() -> None:
    """The database broke during a claim: it may have committed one that nobody here knows of."""
    if _sender is not None:
        with _sender.lock:
            _sender.doubts = 10


def prune() -> int:
    """Forget the senders of yesterday (housekeeping). Call in the system scope."""
    with database.cursor() as cursor:
        cursor.execute(
            "DELETE FROM connections_senderheartbeat h"
            " WHERE last_at < clock_timestamp() - interval '1 day' AND NOT EXISTS ("
            " SELECT 1 FROM connections_outboundjob j WHERE j.state = 'sending' AND j.claimed_by = h.token)"
        )
        return int(cursor.rowcount)


def states() -> list[dict[str, object]]:
    """Return the sending processes and how long each has been silent, for staff and health."""
    with scope.system(), database.cursor() as cursor:
        cursor.execute(
            "SELECT h.token, extract(epoch FROM clock_timestamp() - h.last_at)::float8, count(j.id)"
            " FROM connections_senderheartbeat h LEFT JOIN connections_outboundjob j"
            " ON j.claimed_by = h.token AND j.state = 'sending'"
            " GROUP BY 1, h.last_at ORDER BY h.last_at DESC"
        )
        return [
            {"sender": token, "silent_seconds": round(silent, 1), "in_flight": count}
            for token, silent, count in cursor.fetchall()
        ]
