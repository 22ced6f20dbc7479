"""Customers' questions that no entry answered for sure, and what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from messaging.models import TraceStep

MOST = 5_000  # the latest


@dataclass(frozen=True)
class Unsure:
    """A message that was handed over or got a menu, and the entry that was nearest to it."""

    message_id: int
    text: str
    asked_at: datetime
    faq_id: str
    confidence: float
    chosen_faq_id: str  # what a model picked in the end


def since(moment: datetime) -> list[Unsure]:
    """Return what was asked since in the workspace in scope, the latest first; two queries."""
    rows = list(
        TraceStep.objects.filter(
            step="faq",
            reason__in=("faq_none", "faq_unsure"),
            message__created_at__gte=moment,
            message__is_deleted=False,
            # Such a message is half a question: the other half was said before.
            detail__after__isnull=True,
        )
        .order_by("-message_id")
        .values_list("message_id", "message__text", "message__created_at", "detail__top__0")[:MOST]
    )
    chosen = _chosen([message_id for message_id, *_ in rows])
    return [
        Unsure(
            message_id,
            text,
            asked_at,
            str((nearest or {}).get("faq_id", "")),
            float((nearest or {}).get("confidence", 0)),
            chosen.get(message_id, ""),
        )
        for message_id, text, asked_at, nearest in rows
    ]


def _chosen(message_ids: Sequence[int]) -> dict[int, str]:
    """Return the entries that a model picked for messages."""
    rows = TraceStep.objects.filter(
        message_id__in=message_ids, step="model", reason="model_chose"
    ).values_list("message_id", "message__replies__content__faq_id")
    return {message_id: str(faq_id) for message_id, faq_id in rows if faq_id}
