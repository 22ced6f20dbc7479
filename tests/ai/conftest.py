"""A workspace with committed rows, for what races."""

from tests.messaging.conftest import commits, committed_way, graph

__all__ = ["commits", "committed_way", "graph"]
