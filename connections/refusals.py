"""What the providers' doors say when they refuse, and how often they said it."""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from lib import events

# A flood of refusals is told in a line a code, this often.
REPORT_SECONDS = 5.0


@dataclass(frozen=True)
class Refusal:
    """A status, a word for programs and a sentence for people."""

    status: int
    code: str
    sentence: str
    retry_after_seconds: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the answer's body."""
        return {"error": {"code": self.code, "message": self.sentence}}


BAD_LENGTH = Refusal(400, "unreadable", "The body's length is not a number.")
UNREADABLE = Refusal(400, "unreadable", "The body is not a WhatsApp update.")
CUT_OFF = Refusal(400, "cut_off", "The body ended too early.")
BAD_SIGNATURE = Refusal(401, "bad_signature", "The signature is missing or wrong.")
BAD_TOKEN = Refusal(403, "bad_token", "The verify token is not ours.")
NOT_FOUND = Refusal(404, "not_found", "There is nothing here.")
WRONG_METHOD = Refusal(405, "wrong_method", "Only GET and POST are understood here.")
TOO_SLOW = Refusal(408, "too_slow", "The body did not come in time.")
TOO_LARGE = Refusal(413, "too_large", "The body is larger than 3 MB.")
NOT_STORED = Refusal(500, "not_stored", "This update could not be stored.")
FULL = Refusal(503, "full", "Too much is waiting here. Send it again.", retry_after_seconds=1)
AWAY = Refusal(503, "away", "The database is away. Send it again.", retry_after_seconds=2)


class Counter:
    """Counts refusals, and logs a line a code every few seconds instead of a line each."""

    def __init__(self, *, every_seconds: float = REPORT_SECONDS) -> None:
        self._every = every_seconds
        self._counts: dict[tuple[int, str], int] = {}
        self._lock = threading.Lock()
        self._next_at = 0.0

    def add(self, refusal: Refusal) -> None:
        """Count one; the first after a quiet time is told at once."""
        with self._lock:
            key = (refusal.status, refusal.code)
            self._counts[key] = self._counts.get(key, 0) + 1
        if time.monotonic() >= self._next_at:
            self.report()

    def report(self) -> None:
        """Log what was counted since the last report."""
        with self._lock:
            counts, self._counts = self._counts, {}
            self._next_at = time.monotonic() + self._every
        for (status, code), count in counts.items():
            events.publish(
                "connections.webhook.refused",
                meta={"status": status, "code": code, "count": count},
                level=logging.WARNING,
            )


counted = Counter()
