"""The WhatsApp server of this project as a process, for the pages of the pretend phone."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.house import ROOT, die_with_me

NODE = shutil.which("node")
_MAIN = ROOT / "connections" / "bridge" / "fake_whatsapp" / "main.js"
HAS_PARTS = bool(NODE) and (ROOT / "connections" / "bridge" / "node_modules").exists()


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Start a server; yield its url, rootKey and control address."""
    process = subprocess.Popen(
        [NODE or "node", str(_MAIN), "--port", "0", "--control-port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_me,
    )
    assert process.stdout
    try:
        word, _, told = process.stdout.readline().partition(" ")
        assert word == "ready", word
        yield json.loads(told)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
