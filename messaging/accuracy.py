"""How customers' questions were dealt with, and how many answers the team took back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from faqs.quality.said import Said
from lib import sql

DAYS = 30
# Of fewer answers a share says nothing.
LEAST = 20


@dataclass(frozen=True)
class Accuracy:
    """What became of the questions of 30 days."""

    answered: int  # by the bot alone, at once
    corrected: int  # of them, by the team: another entry, or none, was meant
    offered: int  # a menu
    tapped: int  # of them, with a choice
    handed_over: int

    @property
    def share(self) -> float | None:
        """Return the part of the answers that stands; None while there are too few."""
        if self.answered < LEAST:
            return None
        return (self.answered - self.corrected) / self.answered

    @property
    def percent(self) -> str:
        """Return it in words of the page: never 100 % with a correction in it."""
        share = self.share
        return "–" if share is None else f"{int(share * 100)} %"


# A message's own row says when it came; the steps hang on it.
_COUNTS = """
SELECT count(*) FILTER (WHERE is_answered),
       count(*) FILTER (WHERE is_answered AND id = ANY(%(corrected)s::bigint[])),
       count(*) FILTER (WHERE is_offered),
       count(*) FILTER (WHERE is_offered AND id = ANY(%(tapped)s::bigint[])),
       count(*) FILTER (WHERE is_handed_over)
FROM (SELECT m.id,
             bool_or(s.reason IN ('faq_matched', 'model_chose'))
                 AND bool_or(s.reason = 'queued') AS is_answered,
             bool_or(s.reason = 'menu_offered') AS is_offered,
             bool_or(s.reason = 'handover_faq_none') AS is_handed_over
      FROM messaging_message m JOIN messaging_tracestep s ON s.message_id = m.id
      WHERE m.created_at >= %(since)s AND m.direction = 'in'
        AND s.reason IN ('faq_matched', 'model_chose', 'queued', 'menu_offered',
                         'handover_faq_none')
      GROUP BY m.id) AS dealt
"""


def since(now: datetime) -> datetime:
    """Return when the time that is looked at began."""
    return now - timedelta(days=DAYS)


def of(said: Iterable[Said], *, now: datetime) -> Accuracy:
    """Return the figures of the workspace in scope; one query. `said` is what people said since."""
    said = list(said)
    values = {
        "since": since(now),
        "corrected": [one.message_id for one in said if one.is_correction],
        "tapped": [one.message_id for one in said if one.is_tap],
    }
    [row] = sql.fetch(_COUNTS, values)
    return Accuracy(*map(int, row))
