"""Whose numbers and accounts these are, remembered for a moment, so that a flood asks once."""

import time
from collections.abc import Callable, Iterable

from connections import ingress
from connections.models import Connection

# For what is stored a change counts at once (inbox.keep looks); a secret of a number's own that
# was replaced may sign for this long.
KEEP_SECONDS = 30.0
# That nobody has a number is remembered only to refuse a signature: the vendor sends again.
KEEP_UNKNOWN_SECONDS = 1.0
MOST_NAMES = 20_000
# One query must not name more: its rows are cut off somewhere (see ingress.find).
NAMES_A_QUERY = 200


class Numbers:
    """The connections that bear a name (a number's or an account's id), each for a moment.

    Shared by threads: every step is one operation of a dict.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, tuple[Connection, ...]]] = {}

    def known(self, name: str) -> tuple[Connection, ...] | None:
        """Return who bears `name`, maybe nobody; None: ask the database."""
        found = self._known.get(name)
        return found[1] if found is not None and found[0] > self._clock() else None

    def held(self, name: str) -> tuple[Connection, ...] | None:
        """Return who bears `name` if somebody's right to it was shown; None: ask the database.

        The way for storing: an update must not be kept as nobody's because nobody had the
        number a second ago.
        """
        found = self.known(name)
        if found and any(connection.verified_at is not None for connection in found):
            return found
        return None

    def ask(self, names: Iterable[str]) -> dict[str, tuple[Connection, ...]]:
        """Ask the database who bears `names`, and remember it. Call in the system scope."""
        wanted = sorted({name for name in names if name})
        told: dict[str, tuple[Connection, ...]] = {}
        for start in range(0, len(wanted), NAMES_A_QUERY):
            part = wanted[start : start + NAMES_A_QUERY]
            bearers: dict[str, list[Connection]] = {name: [] for name in part}
            for connection in ingress.find(part):
                for name in {connection.external_id, connection.account_id} & bearers.keys():
                    bearers[name].append(connection)
            told.update({name: tuple(found) for name, found in bearers.items()})
        now = self._clock()
        for name, found in told.items():
            is_held = any(connection.verified_at is not None for connection in found)
            seconds = KEEP_SECONDS if is_held else KEEP_UNKNOWN_SECONDS
            self._known.pop(name, None)  # to the end: the oldest stand in front
            self._known[name] = (now + seconds, found)
        self._drop_the_oldest()
        return told

    def forget(self) -> None:
        """Forget everything: what was remembered led into an error."""
        self._known.clear()

    def _drop_the_oldest(self) -> None:
        for name in list(self._known)[: max(0, len(self._known) - MOST_NAMES)]:
            self._known.pop(name, None)
