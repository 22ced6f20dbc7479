"""The front door: an ASGI application that takes the providers' webhooks, and nothing else.

It verifies and translates as the view does (`connections.ingress`), and answers 200 only after
a commit, which is shared by all requests that arrived during the one before. Nothing here
touches the database in the loop's thread.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import connection as database

from connections import ingress, providers, refusals
from connections.edge import bodies, storing
from connections.edge.batches import Batcher, Waker
from connections.edge.bodies import Message, Receive, Room
from connections.edge.numbers import Numbers
from connections.edge.signers import Signers, UnableToTell
from connections.edge.storing import Outcome, Store
from connections.ingress import Letter, UnableToRead
from connections.providers.base import Provider
from connections.refusals import Refusal
from lib import events, interpreter

Send = Callable[[Message], Awaitable[None]]
# Who is behind each path; one that is not in use here has no door.
WEBHOOK_PATH = "/webhooks/whatsapp/"
PROVIDERS = {WEBHOOK_PATH: "cloud_api", "/webhooks/linked-device/": "linked_device"}
# A body above this is verified and translated beside the loop, so that it holds up nobody.
_LARGE = 64 * 1024
_READY_SECONDS = 1.0


class Answer(NamedTuple):
    """A whole answer, ready to be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def _answer(status: int, body: bytes, *, kind: str, **headers: str) -> Answer:
    fields = {"content-type": kind, "content-length": str(len(body)), **headers}
    return Answer(
        status, [(k.replace("_", "-").encode(), v.encode()) for k, v in fields.items()], body
    )


def _json(status: int, content: object, **headers: str) -> Answer:
    return _answer(status, json.dumps(content).encode(), kind="application/json", **headers)


@lru_cache(maxsize=64)
def _refused(refusal: Refusal) -> Answer:
    headers: dict[str, str] = {}
    if refusal.retry_after_seconds:
        headers["retry_after"] = str(refusal.retry_after_seconds)
    if refusal is refusals.WRONG_METHOD:
        headers["allow"] = "GET, HEAD, POST"
    if refusal in (refusals.TOO_LARGE, refusals.TOO_SLOW):
        headers["connection"] = "close"  # the rest of the body may still be on its way
    return _json(refusal.status, refusal.as_json(), **headers)


_OK = _json(200, {"status": "ok"})


class Door:
    """The application. One for each process. What `before_opening` raises keeps it closed."""

    def __init__(self, *, before_opening: Callable[[], None] = lambda: None) -> None:
        self._before_opening = before_opening
        self._room = Room(
            most_waiting=settings.EDGE_MAX_WAITING, most_bytes=settings.EDGE_MAX_BYTES
        )
        known = providers.all_names()
        self._providers = {
            path: providers.get(name) for path, name in PROVIDERS.items() if name in known
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            answer = await self._answer_to(scope, receive)
            if answer is not None:
                await send(
                    {
                        "type": "http.response.start",
                        "status": answer.status,
                        "headers": answer.headers,
                    }
                )
                await send({"type": "http.response.body", "body": answer.body})

    # --- One request -----------------------------------------------------------------------

    async def _answer_to(self, scope: Message, receive: Receive) -> Answer | None:
        """Return the answer; None when the client has gone."""
        path = scope["path"]
        try:
            if provider := self._providers.get(path):
                return await self._webhook(provider, scope, receive)
            if path == "/healthz":
                return _OK
            if path == "/readyz":
                return await self._readiness()
        except bodies.UnableToTakeIn as error:
            return self._refuse(error.refusal) if error.refusal else None
        return self._refuse(refusals.NOT_FOUND)

    async def _webhook(self, provider: Provider, scope: Message, receive: Receive) -> Answer:
        if scope["method"] in ("GET", "HEAD") and provider.has_own_secrets:
            return self._challenge(scope["query_string"])
        if scope["method"] != "POST":
            return self._refuse(refusals.WRONG_METHOD)
        length = bodies.announced(scope["headers"], limit=settings.WEBHOOK_MAX_BYTES)
        room = self._room
        if room.is_full:
            return self._refuse(refusals.FULL)
        body = await bodies.take_in(
            receive,
            room,
            length=length,
            limit=settings.WEBHOOK_MAX_BYTES,
            seconds=settings.EDGE_BODY_SECONDS,
        )
        room.waiting += 1
        try:
            return await self._take(provider, scope, body)
        finally:
            room.waiting -= 1
            room.bytes -= len(body)

    async def _take(self, provider: Provider, scope: Message, body: bytes) -> Answer:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        is_large = len(body) > _LARGE
        signers: frozenset[int] = frozenset()
        try:
            by_house = ingress.is_by_house(provider, body=body, headers=headers)
            if not by_house:
                if provider.has_own_secrets:
                    signers = await self._signers.of(provider, body=body, headers=headers)
                if not signers:
                    return self._refuse(refusals.BAD_SIGNATURE)
            read = provider.read
            updates = await asyncio.to_thread(read, body) if is_large else read(body)
        except UnableToRead:
            return self._refuse(refusals.UNREADABLE)
        except UnableToTell as error:
            return self._refuse(error.refusal)
        batcher = self._batchers[provider.name]
        outcome = await batcher.store(Letter(updates, by_house, signers), size=len(body))
        if outcome is Outcome.STORED:
            return _OK
        return self._refuse(refusals.AWAY if outcome is Outcome.AWAY else refusals.NOT_STORED)

    def _challenge(self, query: bytes) -> Answer:
        try:
            asked = dict(
                parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=20)
            )
        except ValueError:
            asked = {}
        word = ingress.challenge(
            mode=asked.get("hub.mode", ""),
            token=asked.get("hub.verify_token", ""),
            word=asked.get("hub.challenge", ""),
        )
        if word is None:
            return self._refuse(refusals.BAD_TOKEN)
        return _answer(200, word.encode(), kind="text/plain; charset=utf-8")

    def _refuse(self, refusal: Refusal) -> Answer:
        refusals.counted.add(refusal)
        return _refused(refusal)

    async def _readiness(self) -> Answer:
        loop = asyncio.get_running_loop()
        try:
            asked = loop.run_in_executor(self._asking, _is_database_there)
            is_there = await asyncio.wait_for(asked, _READY_SECONDS)
        except Exception:
            is_there = False
        return _OK if is_there else _json(503, {"status": "no database"}, retry_after="2")

    # --- The process's life ----------------------------------------------------------------

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.to_thread(self._before_opening)
        self._open()
        interpreter.settle()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._close()
        await send({"type": "lifespan.shutdown.complete"})

    def _open(self) -> None:
        patience = settings.EDGE_PATIENCE_SECONDS
        storing_thread, self._asking = (
            ThreadPoolExecutor(1, name, lambda: storing.open_thread(patience_seconds=patience))
            for name in ("storing", "asking")
        )
        numbers = Numbers()
        self._signers = Signers(numbers, thread=self._asking, seconds=patience)
        self._waker = Waker()
        # A line for each provider, and one thread that stores for all of them.
        self._batchers = {
            provider.name: Batcher(
                keep=Store(numbers, provider=provider.name).keep,
                thread=storing_thread,
                wake=self._waker.wake,
                patience_seconds=patience,
            )
            for provider in self._providers.values()
        }
        self._waker.start()
        self._storing = [asyncio.create_task(each.run()) for each in self._batchers.values()]
        self._reporting = asyncio.create_task(_report())
        events.publish("connections.edge.opened")

    async def _close(self) -> None:
        """Store what is in hand, then end the threads."""
        for batcher in self._batchers.values():
            batcher.end()
        await asyncio.wait(self._storing, timeout=2 * settings.EDGE_PATIENCE_SECONDS)
        self._waker.end(seconds=settings.EDGE_PATIENCE_SECONDS)
        self._reporting.cancel()
        refusals.counted.report()
        events.publish("connections.edge.closed")


async def _report() -> None:
    """Tell of refusals also when no other one follows."""
    while True:
        await asyncio.sleep(refusals.REPORT_SECONDS)
        refusals.counted.report()


def _is_database_there() -> bool:
    storing.look_after()
    with database.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.connections_inboundevent') IS NOT NULL")
        return bool(cursor.fetchone()[0])
