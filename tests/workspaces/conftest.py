"""Committed rows for what makes and removes workspaces for real."""

from tests.messaging.conftest import commits, committed_way, graph, number, way

__all__ = ["commits", "committed_way", "graph", "number", "way"]
