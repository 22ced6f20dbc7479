"""The entries as a file that can be imported again, and that no spreadsheet runs as formulas."""

from faqs import entries
from faqs.readers import base
from lib import tables

HEADER = list(base.COLUMNS)


def rows() -> list[list[str]]:
    """Return one row per entry, in the columns that an import reads."""
    return [
        [
            faq_id,
            content.question,
            content.answer,
            content.category,
            content.keywords,
            "true" if content.is_active else "false",
            " | ".join(content.phrasings),
        ]
        for faq_id, content in entries.contents().items()
    ]


def as_csv() -> str:
    """Return the entries as CSV."""
    return tables.to_csv(HEADER, rows())


def as_xlsx() -> bytes:
    """Return the entries as an XLSX file."""
    return tables.to_xlsx(HEADER, rows(), sheet="FAQ")
