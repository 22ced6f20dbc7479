"""The entries of the workspace in scope as what ranks them wants them."""

from faqs.index import Source as Source
from faqs.models import Entry, Phrasing


def sources() -> list[Source]:
    """Return the active entries, the oldest first; two queries."""
    phrasings: dict[int, list[str]] = {}
    active = Phrasing.objects.filter(entry__is_active=True).order_by("pk")
    for entry_id, text in active.values_list("entry_id", "text"):
        phrasings.setdefault(entry_id, []).append(text)
    return [
        Source(
            entry_id=entry.pk,
            faq_id=entry.faq_id,
            question=entry.question,
            answer=entry.answer,
            phrasings=tuple(phrasings.get(entry.pk, ())),
            keywords=entry.keywords,
        )
        for entry in Entry.objects.filter(is_active=True).order_by("pk")
    ]
