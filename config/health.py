"""Is this process alive, is the house ready? For load balancers, supervisors and the launcher."""

import threading
import time
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from lib import clock, jobs
from messaging import waiting

# Anybody may ask: however often, the house is looked at once in so many seconds.
_KEEP_SECONDS = 2.0
_lock = threading.Lock()
_last: tuple[float, dict[str, Any], int] | None = None


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200: this process is alive. Asks nobody, so that no neighbour's fault ends it."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether pages can be served (200 or 503), and in JSON how the house is.

    Only the database takes a process out of the line: without it no page works. Without the
    broker the workers' sweeps do everything, seconds later (`degraded`). And when messages
    wait for long (`behind`) it is the workers who are slow: taking the web processes away as
    well would turn a delay into an outage, for webhooks too.
    """
    global _last
    with _lock:
        if _last is None or _last[0] < time.monotonic():
            _last = (time.monotonic() + _KEEP_SECONDS, *_look())
        _, facts, status = _last
    return JsonResponse(facts, status=status)


def forget() -> None:
    """Look anew at the next question."""
    global _last
    _last = None


def _look() -> tuple[dict[str, Any], int]:
    database = _database()
    if database != "ok":
        return {"status": "unready", "problems": [database], "database": database}, 503
    broker = "ok" if jobs.broker_answers() else "away"
    ages = _ages()
    oldest = ages.unanswered_seconds if ages else None
    status, problems = "ok", []
    if ages is None:
        status = "behind"
        problems.append("counting what waits takes too long")
    elif oldest is not None and oldest > settings.READY_MAX_AGE_SECONDS:
        status = "behind"
        problems.append(f"the oldest message has waited {oldest} s for an answer")
    if broker != "ok":
        status = "degraded"
        problems.append("no broker: workers find their work by sweeping, seconds later")
    return {
        "status": status,
        "problems": problems,
        "database": database,
        "broker": broker,
        "oldest_unanswered_seconds": oldest,
        "queues": ages.queues if ages else None,
    }, 200


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('public.connections_outboundjob') IS NOT NULL")
            return "ok" if cursor.fetchone()[0] else "not migrated"
    except DatabaseError:
        return "no database"


def _ages() -> waiting.Ages | None:
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = '2s'")
            return waiting.ages(now=clock.now())
    except DatabaseError:
        return None
