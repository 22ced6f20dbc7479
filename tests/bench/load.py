"""Load from a process of its own: posts prepared webhooks over open lines, and says what came back.

As cheap as it can be, because it shares the machine with what it measures: requests are made
and signed beforehand, a line is a bare protocol. Only ever pointed at 127.0.0.1.

    handle = load.start(Plan(url=..., secret=..., bodies=[("wamid.1", b"..."), ...], clients=64))
    report = handle.result()
"""

import asyncio
import pickle
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop

from tests import whatsapp

_AGAIN_SECONDS = 0.2
_RECONNECT_SECONDS = 0.05
_ANSWER_SECONDS = 20.0


@dataclass(frozen=True)
class Plan:
    """What to post. `rate` 0: each client posts as soon as its last post was answered."""

    url: str
    secret: str
    bodies: list[tuple[str, bytes]]  # an id of ours, and the body
    clients: int = 64
    rate: float = 0.0  # posts a second, spread over the clients
    seconds: float = 0.0  # stop after this long; 0: when all bodies are through
    retries: bool = False  # post again what was not acknowledged, until it is
    give_up_seconds: float = 60.0  # ... counted from when all were posted once
    repeats: bool = False  # begin again with the first body after the last one


@dataclass
class Report:
    """What came of it. Latencies are of acknowledged posts, from when they were due."""

    seconds: float = 0.0
    acked: list[str] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)  # 0: no answer
    cpu_seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """Return the latency below which this share of the acknowledged posts stayed."""
        ranked = sorted(self.ms)
        return ranked[min(int(len(ranked) * share), len(ranked) - 1)] if ranked else 0.0

    @property
    def rate(self) -> float:
        """Acknowledged posts a second."""
        return len(self.acked) / self.seconds if self.seconds else 0.0


class Handle:
    """A load that is running."""

    def __init__(self, plan: Plan) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="backroom-load-")
        path = Path(self._folder.name)
        (path / "plan").write_bytes(pickle.dumps(plan))
        self._report = path / "report"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load", str(path)], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # everything is prepared: it begins

    def result(self, *, seconds: float = 600) -> Report:
        """Wait until it is through."""
        try:
            code = self._process.wait(seconds)
            if code != 0:
                raise AssertionError(f"the load ended with code {code}")
            report: Report = pickle.loads(self._report.read_bytes())  # noqa: S301 - our own file
            return report
        finally:
            self._process.kill()
            self._folder.cleanup()


def start(plan: Plan) -> Handle:
    """Begin to post, from a process of its own."""
    return Handle(plan)


# --- In that process -----------------------------------------------------------------------


@dataclass(slots=True)
class _Post:
    identifier: str
    request: bytes
    due: float = 0.0


class _Line(asyncio.Protocol):
    def __init__(self, crew: "_Crew") -> None:
        self.crew = crew
        self.post: _Post | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self.crew.free(self)

    def send(self, post: _Post) -> None:
        self.post = post
        self._transport.write(post.request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) < length:
            return
        self._received = b""
        post, self.post = self.post, None
        is_last = b"connection: close" in head.lower()
        if post is not None:
            self.crew.answered(post, int(head[9:12]))
        if is_last:
            self._transport.close()
        else:
            self.crew.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        post, self.post = self.post, None
        self.crew.lost(self, post)


class _Crew:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        parts = urlsplit(plan.url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        start = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "Content-Type: application/json\r\n"
        )
        self._posts = [
            (name, f"{start}X-Hub-Signature-256: {whatsapp.sign(body, plan.secret)}\r\n"
             f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            for name, body in plan.bodies
        ]  # fmt: skip
        self._next = 0
        self._line: deque[_Post] = deque()  # due, or to be posted again
        self._idle: deque[_Line] = deque()
        self._statuses: Counter[int] = Counter()
        self._open = 0
        self._is_over = False
        self.began = 0.0
        self._all_sent_at: float | None = None
        self.report = Report()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        connects = [asyncio.ensure_future(self._connect()) for _ in range(self.plan.clients)]
        pacing = asyncio.ensure_future(self._pace()) if self.plan.rate else None
        while not self._is_through(loop.time() - began):  # noqa: ASYNC110 - a look now and then
            await asyncio.sleep(0.01)
        self.report.seconds = loop.time() - began
        self._is_over = True
        deadline = loop.time() + _ANSWER_SECONDS
        while self._open and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for task in (*connects, *([pacing] if pacing else [])):
            task.cancel()
        self.report.statuses = dict(self._statuses)

    def _is_through(self, seconds: float) -> bool:
        if self.plan.seconds and seconds >= self.plan.seconds and not self.plan.retries:
            return True
        is_sent = not self._has_more() or bool(self.plan.seconds and seconds >= self.plan.seconds)
        if is_sent and not (self._line or self._open):
            return True
        if is_sent and self._all_sent_at is None:
            self._all_sent_at = seconds
        return is_sent and seconds - (self._all_sent_at or 0.0) > self.plan.give_up_seconds

    def _has_more(self) -> bool:
        return self.plan.repeats or self._next < len(self._posts)

    def _new(self) -> _Post | None:
        if not self._has_more():
            return None
        name, request = self._posts[self._next % len(self._posts)]
        self._next += 1
        return _Post(name, request, time.perf_counter())

    async def _pace(self) -> None:
        began = time.perf_counter()
        made = 0
        while not self._is_over:
            elapsed = time.perf_counter() - began
            if self.plan.seconds and elapsed >= self.plan.seconds:
                return
            while made < elapsed * self.plan.rate:
                post = self._new()
                if post is None:
                    return
                made += 1
                self._line.append(post)
            self._hand_out()
            await asyncio.sleep(0.001)

    def _hand_out(self) -> None:
        while self._line and self._idle:
            self._send(self._idle.popleft(), self._line.popleft())

    def _send(self, line: _Line, post: _Post) -> None:
        self._open += 1
        line.send(post)

    def free(self, line: _Line) -> None:
        if self._is_over:
            return
        post = self._line.popleft() if self._line else None
        if post is None and not self.plan.rate:
            post = self._new() if not self._is_time_up() else None
        if post is None:
            self._idle.append(line)
        else:
            self._send(line, post)

    def _is_time_up(self) -> bool:
        return bool(self.plan.seconds) and time.perf_counter() - self.began >= self.plan.seconds

    def answered(self, post: _Post, status: int) -> None:
        self._open -= 1
        self._statuses[status] += 1
        if status == 200:
            self.report.acked.append(post.identifier)
            self.report.ms.append((time.perf_counter() - post.due) * 1000)
        else:
            self._again(post)

    def lost(self, line: _Line, post: _Post | None) -> None:
        if line in self._idle:
            self._idle.remove(line)
        if post is not None:
            self._open -= 1
            self._statuses[0] += 1
            self._again(post)
        if not self._is_over:
            asyncio.ensure_future(self._connect())

    def _again(self, post: _Post) -> None:
        if self.plan.retries and not self._is_over:
            self._open += 1  # counts as open while it waits
            asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._once_more, post)

    def _once_more(self, post: _Post) -> None:
        self._open -= 1
        self._line.append(post)
        self._hand_out()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._is_over:
            try:
                await loop.create_connection(lambda: _Line(self), self._host, self._port)
                return
            except OSError:
                await asyncio.sleep(_RECONNECT_SECONDS)


def main(folder: Path) -> None:
    """Run the plan in `folder`, and leave the report there."""
    plan: Plan = pickle.loads((folder / "plan").read_bytes())  # noqa: S301 - our own file
    crew = _Crew(plan)
    print("ready", flush=True)
    used = time.process_time()
    crew.began = time.perf_counter()
    uvloop.run(crew.run())
    crew.report.cpu_seconds = time.process_time() - used
    (folder / "report").write_bytes(pickle.dumps(crew.report))


if __name__ == "__main__":
    # Under its own name, so that what is pickled is found again by who reads it.
    from tests.bench import load

    load.main(Path(sys.argv[1]))
