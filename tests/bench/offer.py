"""WhatsApp's side of the webhooks, in a process of its own: offers messages as Meta does.

`python -m tests.bench.offer PLAN RESULT --urls http://127.0.0.1:8001 ...` reads one JSON object
a line (id, at, to, number, text), signs every body beforehand, says `ready`, begins at `go` on
standard input and ends when all were taken. Each message is posted again, with
back-off, until somebody says 200; with several addresses the next attempt goes to the next one.
`stop` ends what is new; what was offered is offered on.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests import whatsapp

_BACK_OFF_SECONDS = (0.2, 0.4, 0.8, 1.5)
_STAY_SECONDS = 60.0  # with what is in hand, once nothing new is offered


@dataclass
class Offer:
    """One message: when it was to go, when it went, who took it."""

    id: str
    at: float
    body: bytes
    first: float = 0.0
    acked: float = 0.0
    turn: int = 0  # at which address its attempts begin
    attempts: int = 0
    codes: list[int] = field(default_factory=list)

    def as_row(self) -> dict[str, object]:
        return {
            "id": self.id, "at": self.at, "first": self.first, "acked": self.acked,
            "attempts": self.attempts, "codes": self.codes,
        }  # fmt: skip


class Lines:
    """Keep-alive lines to the addresses, so many at most at a time."""

    def __init__(self, urls: Sequence[str], *, most: int, patience: float) -> None:
        self._patience = patience
        self._doors = [(str(urlsplit(u).hostname), int(urlsplit(u).port or 80)) for u in urls]
        self._idle: dict[
            tuple[str, int], list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        ] = {door: [] for door in self._doors}
        self._free = asyncio.Semaphore(most)
        self._turn = 0

    async def post(self, offer: Offer) -> int:
        """Post once and return the status; 0 when nobody answered in time."""
        async with self._free:
            if not offer.first:
                offer.first = time.time()
                offer.turn = self._turn = self._turn + 1
            door = self._doors[(offer.turn + offer.attempts) % len(self._doors)]
            offer.attempts += 1
            try:
                async with asyncio.timeout(self._patience):
                    return await self._exchange(door, offer.body)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
                return 0

    async def _exchange(self, door: tuple[str, int], body: bytes) -> int:
        idle = self._idle[door]
        reader, writer = idle.pop() if idle else await asyncio.open_connection(*door)
        is_kept = False
        try:
            writer.write(body)
            head = await reader.readuntil(b"\r\n\r\n")
            words = head.split(b"\r\n")
            headers = dict(line.lower().split(b":", 1) for line in words[1:] if b":" in line)
            if b"chunked" in headers.get(b"transfer-encoding", b""):
                raise ValueError("a webhook's answer has a length")
            await reader.readexactly(int(headers.get(b"content-length", b"0")))
            is_kept = b"close" not in headers.get(b"connection", b"")
            return int(words[0].split()[1])
        finally:
            if is_kept:
                idle.append((reader, writer))
            else:
                writer.close()


async def keep_offering(offer: Offer, lines: Lines) -> None:
    """Post until it is taken."""
    for n in range(10_000):
        code = await lines.post(offer)
        if len(offer.codes) < 20:
            offer.codes.append(code)
        if code == 200:
            offer.acked = time.time()
            return
        await asyncio.sleep(_BACK_OFF_SECONDS[min(n, len(_BACK_OFF_SECONDS) - 1)])


async def run(offers: list[Offer], lines: Lines, stop: asyncio.Event) -> None:
    """Offer each message at its moment."""
    began = time.time()
    tasks: set[asyncio.Task[None]] = set()
    for offer in offers:
        offer.at += began
        wait = offer.at - time.time()
        if wait > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
        if stop.is_set():
            break
        task = asyncio.create_task(keep_offering(offer, lines))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if wait < -0.001:
            await asyncio.sleep(0)  # behind: let the lines work
    if tasks:
        # Nothing new any more; what is in hand is offered on, as long as it may take.
        await asyncio.wait(tasks, timeout=_STAY_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def prepare(path: Path, secret: str) -> list[Offer]:
    """Build and sign every request beforehand."""
    offers = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        payload = whatsapp.text(
            row["text"],
            wamid=row["id"],
            sender=row["to"],
            name=f"Customer {row['to'][-4:]}",
            number_id=row["number"],
            at=time.time() + row["at"],
        )
        raw = json.dumps(payload, ensure_ascii=False).encode()
        head = (
            "POST /webhooks/whatsapp/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/json\r\n"
            f"X-Hub-Signature-256: {whatsapp.sign(raw, secret)}\r\n"
            f"Content-Length: {len(raw)}\r\n\r\n"
        )
        offers.append(Offer(row["id"], float(row["at"]), head.encode() + raw))
    return offers


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("plan", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--urls", nargs="+", required=True)
    parser.add_argument("--lines", type=int, default=64)
    parser.add_argument("--patience", type=float, default=5.0, help="seconds for one attempt")
    options = parser.parse_args()
    offers = prepare(options.plan, os.environ["OFFER_SECRET"])
    loop, stop, go = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def hear() -> None:
        word = sys.stdin.readline().strip()
        if word == "go":
            go.set()
        else:  # `stop`, or whoever started us has gone
            go.set()
            stop.set()
            loop.remove_reader(sys.stdin)

    loop.add_reader(sys.stdin, hear)
    print("ready", flush=True)
    await go.wait()
    lines = Lines(options.urls, most=options.lines, patience=options.patience)
    await run(offers, lines, stop)
    with options.result.open("w", encoding="utf-8") as file:
        for offer in offers:
            if offer.first:
                file.write(json.dumps(offer.as_row()) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
