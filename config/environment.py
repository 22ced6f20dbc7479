"""Where settings come from: the environment, else what `make run` wrote for this folder."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from environ import Env, FileAwareEnv

BASE_DIR = Path(__file__).resolve().parent.parent
RUNNING = BASE_DIR / "var" / "run" / "env.json"


def read() -> Env:
    """Return the environment, with the running folder's values under it.

    The launcher (`config.local`) starts PostgreSQL and Redis of its own and writes their
    addresses to var/run/env.json; a variable that is set in the environment always wins.
    `NAME_FILE` is accepted for every `NAME`, so that secrets can be mounted as files.
    """
    if "BACKROOM_ENV" not in os.environ and RUNNING.exists():
        for name, value in json.loads(RUNNING.read_text()).items():
            if isinstance(value, str):
                os.environ.setdefault(name, value)
    return FileAwareEnv()


def process_name(words: Sequence[str]) -> str:
    """Return what this process is, from its command line: how PostgreSQL's lists name it."""
    program = Path(words[0]).name if words else ""
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word in ("-n", "--hostname"):
            return following.partition("@")[0][:40]
        name, _, value = word.partition("=")
        if name == "--hostname":
            return value.partition("@")[0][:40]
        if word in _PROCESSES:
            return _PROCESSES[word]
    if program == "manage.py" and len(words) > 1:
        return words[1][:40]
    return program[:40]


_PROCESSES = {
    "config.wsgi": "web",
    "config.wsgi_simulator": "simulator",
    "config.asgi": "edge",
    "config.asgi:application": "edge",
    "beat": "beat",
}
