"""Taking in a request's body: bounded in size, in time, and in what all of them hold together."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from connections import refusals
from connections.refusals import Refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
# Too large, but read away up to this many times the limit: a sender that may finish gets to
# read the answer; a connection closed with data unread is reset, and the answer lost.
_READ_AWAY = 5


class UnableToTakeIn(Exception):
    """The body cannot be had; `refusal` says why, None when the client has gone."""

    def __init__(self, refusal: Refusal | None) -> None:
        super().__init__(refusal.code if refusal else "gone")
        self.refusal = refusal


class Room:
    """How many requests and bytes may be in hand at once."""

    def __init__(self, *, most_waiting: int, most_bytes: int) -> None:
        self._most_waiting, self._most_bytes = most_waiting, most_bytes
        self.waiting = self.bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be begun."""
        return self.waiting >= self._most_waiting or self.bytes >= self._most_bytes

    def hold(self, size: int) -> bool:
        """Hold `size` more bytes, if there is room for them."""
        if self.bytes + size > self._most_bytes:
            return False
        self.bytes += size
        return True


def announced(headers: list[tuple[bytes, bytes]], *, limit: int) -> int:
    """Return the announced length, 0 when there is none. Raises UnableToTakeIn."""
    for name, value in headers:
        if name == b"content-length":
            if not value.isdigit():
                raise UnableToTakeIn(refusals.BAD_LENGTH)
            return int(value) if len(value) <= 18 else _READ_AWAY * limit + 1
    return 0


async def take_in(
    receive: Receive, room: Room, *, length: int, limit: int, seconds: float
) -> bytes:
    """Return the body; the caller gives its bytes back to `room`. Raises UnableToTakeIn."""
    if length > _READ_AWAY * limit:
        raise UnableToTakeIn(refusals.TOO_LARGE)
    parts: list[bytes] = []
    held = size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise UnableToTakeIn(None)
                part = message.get("body", b"")
                size += len(part)
                if size > _READ_AWAY * limit:
                    raise UnableToTakeIn(refusals.TOO_LARGE)
                if max(size, length) <= limit:
                    if not room.hold(len(part)):
                        raise UnableToTakeIn(refusals.FULL)
                    held += len(part)
                    parts.append(part)
                elif parts:  # no longer wanted, only read to its end
                    room.bytes, held, parts = room.bytes - held, 0, []
                if not message.get("more_body", False):
                    break
        if max(size, length) > limit:
            raise UnableToTakeIn(refusals.TOO_LARGE)
    except BaseException as error:
        room.bytes -= held
        if isinstance(error, TimeoutError):
            raise UnableToTakeIn(refusals.TOO_SLOW) from error
        raise
    return parts[0] if len(parts) == 1 else b"".join(parts)
