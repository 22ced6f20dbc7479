"""Examples to begin with, for each kind of business: questions as customers ask them.

Their answers have blanks in [square brackets]. They come in by the same preview as a file, and
no answer with a blank left in it is added (faqs.comparing).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.utils.functional import Promise

from faqs import importing
from faqs.models import Import
from faqs.readers import Row
from workspaces import trades

_FOLDER = Path(__file__).resolve().parent / "data" / "starters"
_ICONS = {
    "fashion": "shop", "food": "clock", "groceries": "list", "phones": "number", "beauty": "person",
    "pharmacy": "plus", "logistics": "send", "school": "book", "clinic": "shield", "hotel": "home",
    "property": "link", "events": "people",
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of business that there are examples for."""

    code: str
    label: str | Promise
    icon: str


KINDS = [Kind(code, label, _ICONS[code]) for code, label in trades.KINDS]


def find(code: str) -> Kind | None:
    """Return a kind by its code, or None."""
    return next((kind for kind in KINDS if kind.code == code), None)


def entries_for(kind: str, *, business_name: str) -> list[Row]:
    """Return a kind's examples as rows of an import; an empty list for a kind that is not known."""
    known = find(kind)
    if known is None:
        return []
    # Brackets in a name are no blank to fill in.
    name = business_name.translate({ord("["): "(", ord("]"): ")"})
    return [
        Row(
            number=number,
            values={
                "question": one["question"],
                "answer": one["answer"].replace("{name}", name),
                "category": one["category"],
                "alt_questions": " | ".join(one["ways"]),
            },
        )
        for number, one in enumerate(_read(known.code), start=1)
    ]


def preview(*, kind: str, business_name: str, user_id: int | None, now: datetime) -> Import:
    """Show a kind's examples as an import, to be filled in. Raises UnableToImport."""
    rows = entries_for(kind, business_name=business_name)
    if not rows:
        raise importing.UnableToImport("Choose one of the kinds of business.")
    return importing.preview(
        rows=rows,
        file_name=f"Examples: {trades.label(kind)}",
        user_id=user_id,
        now=now,
        is_starter=True,
    )


@lru_cache(maxsize=16)
def _read(code: str) -> Sequence[dict[str, str]]:
    found: Sequence[dict[str, str]] = json.loads((_FOLDER / f"{code}.json").read_text("utf-8"))
    return found
