"""The mailboxes are vacuumed long before their dead rows outnumber the waiting ones."""

import pytest
from django.db import connection as database

from workspaces import scope

pytestmark = pytest.mark.django_db


def test_the_mailboxes_ask_for_an_early_vacuum() -> None:
    with scope.owner(), database.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reloptions FROM pg_class WHERE relname IN"
            " ('connections_inboundevent', 'connections_outboundjob')"
        )
        found = dict(cursor.fetchall())

    assert len(found) == 2
    assert all("autovacuum_vacuum_scale_factor=0.01" in options for options in found.values())
