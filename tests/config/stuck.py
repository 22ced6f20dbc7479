"""Loaded into a real worker by a test: while a file is there, every drain hangs for ever."""

import os
import time
from pathlib import Path
from typing import Any

from messaging import drain

_file = Path(os.environ["STUCK_WHILE"])
_slow = Path(os.environ["SLOW_WHILE"])
_run = drain.run


def _hang(**arguments: Any) -> drain.Drained:
    while _file.exists():
        time.sleep(0.1)
    return _run(**arguments)


drain.run = _hang
