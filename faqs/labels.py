"""What people said a customer's question was for: taps in a menu, and the team's corrections."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection as database

from faqs import versions
from faqs.models import Label

# A tap never takes back what the team said; else the last word counts. The entry is locked, so that
# whoever deletes it (faqs.entries) waits for the label, and takes it along.
_PUT = """
WITH wanted AS (SELECT id FROM faqs_entry WHERE id = %(entry)s FOR KEY SHARE)
INSERT INTO faqs_label AS l
    (message_id, text, entry_id, source, answered_id, by_id, created_at)
SELECT %(message)s, %(text)s, (SELECT id FROM wanted), %(source)s, %(answered)s, %(by)s, %(now)s
WHERE %(entry)s::bigint IS NULL OR EXISTS (SELECT 1 FROM wanted)
ON CONFLICT (message_id) DO UPDATE SET text = EXCLUDED.text, entry_id = EXCLUDED.entry_id,
    source = EXCLUDED.source, answered_id = EXCLUDED.answered_id, by_id = EXCLUDED.by_id,
    created_at = EXCLUDED.created_at
WHERE l.source = 'tap' OR EXCLUDED.source = 'team'
"""
_LONGEST = 1000
# Before so many labels what ships is the better guess.
LEAST = 50
# So many new ones are worth fitting anew.
_STEP = 25


def put(
    *,
    message_id: int,
    text: str,
    entry_id: int | None,
    source: Label.Source,
    now: datetime,
    answered_id: int | None = None,
    by_id: int | None = None,
) -> bool:
    """Keep that the question of a message was for an entry, or (None) for none of them.

    False when that entry is gone, or the team has said otherwise before.
    """
    with database.cursor() as cursor:
        cursor.execute(
            _PUT,
            {
                "message": message_id,
                "text": text[:_LONGEST],
                "entry": entry_id,
                "source": source,
                "answered": answered_id,
                "by": by_id,
                "now": now,
            },
        )
        is_kept = bool(cursor.rowcount)
    # With every label until it is done: of two at the same time, neither sees the other.
    if is_kept and _are_enough(count(), versions.current().fitted):
        versions.ask_for_training()
    return is_kept


def count() -> int:
    """Return how many labels the workspace in scope has."""
    return Label.objects.count()


def are_worth_fitting(*, fitted: int) -> bool:
    """Say whether there are enough labels, and enough new ones since there were `fitted`."""
    return _are_enough(count(), fitted)


def _are_enough(found: int, fitted: int) -> bool:
    return found >= LEAST and found >= fitted + _STEP


def forget(*, message_ids: Sequence[int]) -> None:
    """Remove what was said of these messages; they are erased."""
    Label.objects.filter(message_id__in=list(message_ids)).delete()
