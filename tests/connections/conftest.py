"""The connected number of the messaging tests serves here too."""

from tests.messaging.conftest import committed_way, graph, number, way

__all__ = ["committed_way", "graph", "number", "way"]
