"""The connected number of the messaging tests serves here too."""

from tests.messaging.conftest import commits, committed_way, graph, number, way

__all__ = ["commits", "committed_way", "graph", "number", "way"]
