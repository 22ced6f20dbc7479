"""Refuse to work behind a transaction pooler: workspaces would see each other's rows.

Behind one, two statements of a session may meet two backends, and what the first has set
(role, schema, workspace) does not hold for the second.
"""

import logging
import os
import threading
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.utils import OperationalError

_log = logging.getLogger(__name__)
SENTENCE = "DATABASE_URL leads to a transaction pooler: workspaces would see each other."
HINT = "Connect to PostgreSQL directly, or use session pooling."
_RETRY_SECONDS = 2.0
_ROUNDS = 3


def is_behind_pooler() -> bool:
    """Say whether sessions share backends. Raises OperationalError when nobody answers.

    A pooler that has nothing else to do gives a session the same backend each time. So a
    second session holds the one that the first has just used, and the first asks again.
    """
    one, other = (cast(Any, connection.copy()) for _ in range(2))
    try:
        one.connect()
        other.connect()
        pid = _pid(one)
        for _ in range(_ROUNDS):
            other.connection.execute("BEGIN")
            if _pid(other) == pid or _pid(one) != pid:
                return True
            other.connection.execute("ROLLBACK")
        return _pid(one) != pid
    finally:
        one.close()
        other.close()


def _pid(wrapper: Any) -> int:
    return int(wrapper.connection.execute("SELECT pg_backend_pid()").fetchone()[0])


def refuse() -> None:
    """Raise ImproperlyConfigured behind a transaction pooler: for the start of a process.

    A database that is away is no reason not to start; the question is asked until it is back,
    and a wrong answer then ends the process.
    """
    try:
        if is_behind_pooler():
            raise ImproperlyConfigured(f"{SENTENCE} {HINT}")
    except OperationalError:
        threading.Thread(target=_ask_until_known, name="canary", daemon=True).start()


def _ask_until_known() -> None:
    pause = threading.Event()
    while not pause.wait(_RETRY_SECONDS):
        try:
            is_bad = is_behind_pooler()
        except OperationalError:
            continue
        except Exception:
            _log.exception("config.canary.failed")
            return
        if is_bad:
            _log.critical("config.canary.transaction-pooler")
            os._exit(3)  # no handler of a signal, no thread in a query holds it up
        return
