"""Where settings come from: the environment, else what `make run` wrote for this folder."""

import json
import os
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
