"""What people said about answers: customers by a tap in a menu, the team by a correction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from faqs.models import Label

_MOST = 5_000  # the latest


@dataclass(frozen=True)
class Said:
    """A question, the entry it is for (None: none is), and what had answered it (None: nothing)."""

    message_id: int
    text: str
    entry_id: int | None
    answered_id: int | None
    source: str

    @property
    def is_correction(self) -> bool:
        """Say whether the team took an answer back."""
        return (
            self.source == Label.Source.TEAM
            and self.answered_id is not None
            and self.answered_id != self.entry_id
        )

    @property
    def is_tap(self) -> bool:
        """Say whether the customer chose the entry from a menu."""
        return self.source == Label.Source.TAP


def since(moment: datetime) -> Sequence[Said]:
    """Return what was said since, the latest first. One query."""
    rows = Label.objects.filter(created_at__gte=moment).order_by("-created_at", "-pk")
    return [
        Said(*row)
        for row in rows.values_list("message_id", "text", "entry_id", "answered_id", "source")[
            :_MOST
        ]
    ]
