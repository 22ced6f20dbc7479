"""The faults: what each does to a house, and from which moment its recovery is counted."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.stage import Stage
from tests.hosts import known

_AWAY_SECONDS = 1.0  # until a server is started again, as by a supervisor
_CUT_SECONDS = 12.0
_DEPLOYED = ("edge", "worker", "bulk", "sender", "ai", "web", "beat")


@dataclass(frozen=True)
class Fault:
    """`act` does it and returns the moment from which everything should get well."""

    act: Callable[[Stage], float]
    needs: str = ""  # a process of the Procfile without which it means nothing
    has_file: bool = False
    has_other: bool = False
    uses_ai: bool = False
    asks_pages: bool = False


def _kill(name: str) -> Callable[[Stage], float]:
    return lambda stage: stage.host.kill(name)


def _kill_redis(stage: Stage) -> float:
    moment = time.time()
    stage.redis.stop(signal.SIGKILL)
    time.sleep(_AWAY_SECONDS)
    stage.redis.start()
    return moment


def _stop_postgres(stage: Stage) -> float:
    stage.postgres.stop(signal.SIGQUIT)
    time.sleep(_AWAY_SECONDS)
    stage.postgres.start()
    return time.time()


def _cut_off(stage: Stage) -> float:
    if stage.cable is None:
        raise RuntimeError("This house has one host only.")
    stage.cable.cut()
    time.sleep(_CUT_SECONDS)
    stage.cable.heal()
    return time.time()


def _deploy(stage: Stage) -> float:
    """End and start one process after the other, each as a supervisor does."""
    for name in _DEPLOYED:
        if name in known():
            stage.host.restart(name)
    return time.time()


ALL: dict[str, Fault] = {
    "worker": Fault(_kill("worker"), needs="worker"),
    "bulk": Fault(_kill("bulk"), needs="bulk"),
    "sender": Fault(_kill("sender"), needs="sender"),
    "model": Fault(_kill("ai"), needs="ai", uses_ai=True),
    "edge_child": Fault(lambda stage: stage.host.kill_child("edge"), needs="edge"),
    "edge": Fault(_kill("edge"), needs="edge"),
    "web": Fault(_kill("web"), needs="web", asks_pages=True),
    "redis": Fault(_kill_redis),
    "redis_file": Fault(_kill_redis, has_file=True),
    "postgres": Fault(_stop_postgres),
    "host": Fault(_cut_off, has_other=True),
    "deploy": Fault(_deploy, asks_pages=True),
}
