"""A Redis of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Redis


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[str]:
    """A Redis of this test's own, out of the wheel."""
    server = Redis(tmp_path)
    server.start()
    yield server.url
    server.stop()
