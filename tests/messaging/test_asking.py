"""Rehearsing a question: what the bot would say, and nothing is touched."""

from typing import Any

import pytest
from django.db import connection as database

from billing import metering, meters, plans
from faqs.models import Entry
from lib import clock
from messaging import asking
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
QUESTION = "What time do you open?"
ANSWER = "We open 9am to 6pm, Monday to Saturday."


def counts(space: Workspace) -> dict[str, Any]:
    """Every table's rows, in the workspace's schema and in the public one, with their contents."""
    found = {}
    with scope.owner(space.schema_name), database.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema IN ('public', %s) AND table_type = 'BASE TABLE'",
            [space.schema_name],
        )
        for schema, table in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*), md5(string_agg(t::text, \'|\' ORDER BY t::text)) FROM "{schema}"."{table}" t'
            )
            found[f"{schema}.{table}"] = cursor.fetchone()
    return found


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        (QUESTION, "answer"),
        ("hello", "answer"),
        ("zebra quantum bicycle insurance?", "handover"),
        ("I want to talk to a person", "handover"),
        ("thanks", "silent"),
        ("STOP", "answer"),
        ("pause", "handover"),
        ("", "silent"),
        ("x" * 65_536, "handover"),
        ("a\x00b", "handover"),
    ],
)
def test_a_rehearsal_decides_as_the_bot_would_and_changes_nothing(
    way: Way, text: str, decision: str
) -> None:
    with scope.workspace(way.space):
        Entry.objects.update(use_count=7)
    before = counts(way.space)

    found = asking.rehearse(workspace=way.space, text=text, now=clock.now())

    assert found.decision == decision
    assert counts(way.space) == before
    assert found.gates and all(g.sentence for g in found.gates)
    if text == QUESTION:
        assert (found.faq_id, found.answer) == ("opening_hours", ANSWER)
    way.say(text, wamid="wamid.R")
    assert bool(way.api.messages) == (decision != "silent")


def test_a_rehearsal_at_the_end_of_the_days_allowance_says_so(way: Way) -> None:
    with scope.workspace(way.space):
        plans.change(
            workspace=way.space, plan="free", state="active", actor=None, actor_kind="x",
            now=clock.now(),
        )  # fmt: skip
        for _ in range(50):
            metering.reserve(
                workspace=way.space, meter=meters.MESSAGES_SENT, per_day=50, now=clock.now()
            )

    found = asking.rehearse(workspace=way.space, text=QUESTION, now=clock.now())

    assert (found.decision, found.gates[-1].reason) == ("handover", "plan_limit")
