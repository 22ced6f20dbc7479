"""A workspace whose three entries are learnt, for the tests of what comes after."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from faqs import entries, learning, search
from faqs.search import Finding
from workspaces import scope
from workspaces.models import Workspace


def ask(space: Workspace, text: str) -> Finding:
    [found] = search.look(space, [text])
    return found


@pytest.fixture
def shop(acme: Workspace, now: datetime) -> Iterator[Workspace]:
    """A workspace in whose scope the test is, with three entries that are learnt."""
    with scope.workspace(acme):
        for question, answer, *phrasings in (
            ("How much is delivery?", "N2,500.", "delivery cost", "what do you charge to deliver"),
            ("What time do you open?", "9 to 6.", "opening hours", "when do you close"),
            ("Can I return what I bought?", "Within 7 days.", "return policy", "money back"),
        ):
            entries.create(question=question, answer=answer, phrasings=phrasings, now=now)
        assert learning.train(workspace=acme, now=now)
        yield acme
