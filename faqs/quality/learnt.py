"""What the bot has learnt of the entries, and whether that is what they are now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from faqs import identity, versions
from faqs.encoder import optional
from faqs.models import Entry, TrainedModel


@dataclass(frozen=True)
class Learnt:
    """The state of the model. `missing`: this machine has no language model to learn with."""

    state: Literal["empty", "missing", "first", "behind", "current"]
    trained_at: datetime | None = None
    entry_count: int = 0
    label_count: int = 0  # on which its confidence rests; 0: the one that ships


def state() -> Learnt:
    """Return the state of the model of the workspace in scope; three queries."""
    current = versions.current()
    if current.model:
        row = TrainedModel.objects.filter(encoder=identity.of_models()).defer("data").first()
        if row is not None:
            is_current = current.model == current.entries
            labels = row.label_count if row.certainty else 0
            return Learnt(
                "current" if is_current else "behind", row.trained_at, row.entry_count, labels
            )
    if not Entry.objects.filter(is_active=True).exists():
        return Learnt("empty")
    return Learnt("missing" if optional.encoder() is None else "first")
