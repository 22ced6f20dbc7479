"""A workspace with committed rows: the sweep works in threads of its own."""

from tests.lib.conftest import own_redis
from tests.messaging.conftest import commits, committed_way, graph, number, way

__all__ = ["commits", "committed_way", "graph", "number", "own_redis", "way"]
