"""Pages far down a long list: the index is entered where the page begins, not at its top."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from lib import clock
from messaging import cursors, inbox, threads
from messaging.models import Conversation
from tests.messaging.conftest import Way
from workspaces import scope

pytestmark = pytest.mark.django_db


def conditions(work: Any, table: str) -> list[str]:
    """Return by what each ordered page of a table that `work` asks for enters an index."""
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    with CaptureQueriesContext(database) as asked:
        work()
    found = []
    for query in asked.captured_queries:
        if f'FROM "{table}"' in query["sql"] and "ORDER BY" in query["sql"]:
            with database.cursor() as cursor:
                cursor.execute("EXPLAIN " + query["sql"])
                plan = "\n".join(row[0] for row in cursor.fetchall())
            found.append(plan)
    return found


def test_a_deep_page_of_the_inbox_enters_the_index_at_its_place(way: Way) -> None:
    way.say("Hello", wamid="wamid.1")
    place = cursors.mark(clock.now() - timedelta(days=9), 5)

    with scope.workspace(way.space):
        [plan] = conditions(
            lambda: inbox.listing(before=place, country="NG"), "messaging_conversation"
        )

    assert "Index Cond: (last_message_at <=" in plan


def test_a_deep_page_of_a_thread_enters_the_index_at_its_place(way: Way) -> None:
    way.say("Hello", wamid="wamid.1")
    place = cursors.mark(clock.now() - timedelta(days=9), 5)

    with scope.workspace(way.space):
        pk = Conversation.objects.get().pk
        plans = conditions(
            lambda: threads.thread(
                workspace=way.space, conversation_id=pk, before=place, now=clock.now()
            ),
            "messaging_message",
        )

    assert "provider_at <=" in plans[0].split("Index Cond:")[1].split("\n")[0]
