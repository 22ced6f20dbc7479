"""Files from strangers are parsed by a child process (faqs.readers.child) with little to lose."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from faqs.readers import base

# Shorter than the half minute after which a web worker is given up.
CHILD_SECONDS = 20
# Each takes up to half a gigabyte: more at once could take the machine from everybody else.
_MOST_AT_ONCE = 2
_WAIT_SECONDS = 5
_ROOT = Path(__file__).resolve().parents[2]
_places = threading.BoundedSemaphore(_MOST_AT_ONCE)
_TOO_SLOW = (
    "The file takes too much time or memory to read. Copy only the questions and answers into a "
    "new file, and upload that."
)


def parse(kind: str, data: bytes, option: str = "") -> dict[str, Any]:
    """Return what the parser of `kind` found in `data`; its `error` names what went wrong.

    Raises UnableToReadFile when it took too much of time or memory.
    """
    if not _places.acquire(timeout=_WAIT_SECONDS):
        raise base.UnableToReadFile(
            "Other files are being read just now. Try again in a minute; nothing was added."
        )
    try:
        found = _parse([sys.executable, "-m", "faqs.readers.child", kind, option], data)
    finally:
        _places.release()
    if found.get("error") == "too much":
        raise base.UnableToReadFile(_TOO_SLOW)
    return found


def _parse(command: list[str], data: bytes) -> dict[str, Any]:
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            timeout=CHILD_SECONDS,
            cwd=_ROOT,
            # Nothing of our own environment: the child holds a stranger's file, no secrets.
            env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise base.UnableToReadFile(_TOO_SLOW) from error
    if done.returncode != 0:
        raise base.UnableToReadFile(_TOO_SLOW)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
