"""Loaded into a real worker by a test: its drains hang, before or in the middle of a batch."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connections import inbox
from messaging import drain


def _hanging(work: Callable[..., Any], file: Path) -> Callable[..., Any]:
    def hang(*args: Any, **kwargs: Any) -> Any:
        while file.exists():
            time.sleep(0.05)
        return work(*args, **kwargs)

    return hang


drain.run = _hanging(drain.run, Path(os.environ["STUCK_WHILE"]))
inbox.finish = _hanging(inbox.finish, Path(os.environ["SLOW_WHILE"]))
