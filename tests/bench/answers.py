"""The answer engine: time of an answer, of training and of starting, and a worker's memory."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from tests.bench.figure import Figure
from tests.house import ROOT

_ANSWER_BARS = {150: 12, 2_000: 40}
_TRAIN_BARS = {150: 10, 2_000: None}


def answers() -> Iterator[Figure]:
    """Figures of two processes, without a database: one trains, the other answers as workers do."""
    with tempfile.TemporaryDirectory(prefix="backroom-answers-") as folder:
        trained = _run("train", folder)
        found = _run("ask", folder)
    yield Figure("answer_start_ms", found["start_ms"], "ms", 1_000)
    yield Figure("answer_memory_mb", found["memory_mb"], "MB", 250)
    for count, bar in _ANSWER_BARS.items():
        of_it, learnt = found["by_entries"][str(count)], trained["by_entries"][str(count)]
        more = {name: value for name, value in of_it.items() if name != "p95_ms"}
        yield Figure(f"answer_{count}_p95_ms", of_it["p95_ms"], "ms", bar, more=more)
        more = {"stored_mb": learnt["stored_mb"], "cpu_seconds": learnt["cpu_seconds"]}
        yield Figure(
            f"train_{count}_seconds", learnt["seconds"], "s", _TRAIN_BARS[count], more=more
        )
        yield Figure(f"train_{count}_after_a_change_seconds", learnt["again_seconds"], "s", 5)
    yield Figure(
        "answers_in_a_burst_per_second",
        found["burst_per_second"],
        "1/s",
        more={"one_by_one_per_second": found["single_per_second"], "threads": found["threads"]},
    )


def _run(what: str, folder: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.answers_work", what, folder],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{what}: code {done.returncode}: {done.stderr.strip()[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
