"""What `tests.bench.answers` measures, in processes of its own: `train FOLDER`, `ask FOLDER`."""

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import django

_COUNTS = (150, 2_000)
_ASKED = 300
_BURST = 1_000
_BATCH = 50
_JOINT = ". also, "  # between the two questions of a message, see tests.bench.questions


def train(folder: Path) -> dict[str, Any]:
    """Train on real questions, five phrasings to an entry, and leave the models in the folder."""
    from faqs.encoder import encoding
    from faqs.engine import model, training
    from faqs.engine.remembering import Remembering

    encoder = encoding.shared()
    found = {}
    for count in _COUNTS:
        remembering = Remembering(encoder)
        sources = _sources(count)
        cpu = time.process_time()
        learn = partial(training.train, sources, remembering, identity="bench")
        seconds = _seconds(learn)
        cpu = time.process_time() - cpu
        again = _seconds(learn)
        stored = model.to_bytes(learn())
        (folder / str(count)).write_bytes(stored)
        found[count] = {
            "seconds": seconds,
            "cpu_seconds": round(cpu, 2),
            "again_seconds": again,
            "stored_mb": round(len(stored) / 1e6, 2),
        }
    return {"by_entries": found}


def ask(folder: Path) -> dict[str, Any]:
    """Load what a worker loads, and ask."""
    from faqs.engine import model
    from faqs.engine.answering import Answerer
    from tests.bench import questions

    every = questions.read()
    ones = [text for text in every if _JOINT not in text]
    pairs = [text for text in every if _JOINT in text]
    before = _memory_mb()
    started = time.perf_counter()
    from faqs.encoder import encoding

    encoder = encoding.shared()
    encoder.encode(["a first sentence"])
    found: dict[str, Any] = {"start_ms": (time.perf_counter() - started) * 1000}
    by_entries = {}
    for count in _COUNTS:
        stored = (folder / str(count)).read_bytes()
        began = time.perf_counter()
        answerer = Answerer.of(model.from_bytes(stored, encoder="bench"), encoder)
        load = (time.perf_counter() - began) * 1000
        by_entries[count] = {
            **_time(answerer, ones[:_ASKED]),
            "two_questions_p95_ms": round(_time(answerer, pairs[:_ASKED])["p95_ms"], 2),
            "load_ms": round(load, 1),
            "held_mb": round(answerer.model.size / 1e6, 2),
        }
        if count == _COUNTS[0]:
            found |= _burst(answerer, ones[_ASKED : _ASKED + _BURST])
    return found | {"by_entries": by_entries, "memory_mb": _memory_mb() - before}


def _time(answerer: Any, texts: list[str]) -> dict[str, float]:
    """Ask one by one; wall and CPU milliseconds."""
    from faqs.engine import certainty

    limits = certainty.thresholds("balanced")
    answerer.judge("to begin with", limits)
    walls, cpus = [], []
    for text in texts:
        wall, cpu = time.perf_counter(), time.thread_time()
        answerer.judge(text, limits)
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.thread_time() - cpu) * 1000)
    return {
        "p50_ms": round(statistics.median(walls), 2),
        "p95_ms": sorted(walls)[int(len(walls) * 0.95)],
        "cpu_p95_ms": round(sorted(cpus)[int(len(cpus) * 0.95)], 2),
    }


def _burst(answerer: Any, texts: list[str]) -> dict[str, float]:
    """Answer distinct questions as workers do: by batches, in as many threads as cores."""
    from faqs.engine import certainty

    limits = certainty.thresholds("balanced")
    threads = os.cpu_count() or 1
    single = _seconds(lambda: [answerer.judge(text, limits) for text in texts[:200]])

    def work(share: list[str]) -> None:
        for start in range(0, len(share), _BATCH):
            answerer.judge_all(share[start : start + _BATCH], limits)

    workers = [threading.Thread(target=work, args=(texts[n::threads],)) for n in range(threads)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {
        "burst_per_second": len(texts) / (time.perf_counter() - started),
        "single_per_second": round(200 / single, 1),
        "threads": threads,
    }


def _sources(count: int) -> list[Any]:
    from faqs.index import Source
    from tests.bench import questions

    texts = [text for text in questions.read()[::-1] if _JOINT not in text]
    return [
        Source(
            n,
            f"q{n}",
            texts[n * 5 % len(texts)],
            f"Answer {n}: this is what we tell.",
            tuple(texts[(n * 5 + k) % len(texts)] for k in range(1, 5)),
        )
        for n in range(count)
    ]


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _memory_mb() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1000


if __name__ == "__main__":
    django.setup()
    print(json.dumps({"train": train, "ask": ask}[sys.argv[1]](Path(sys.argv[2]))))
