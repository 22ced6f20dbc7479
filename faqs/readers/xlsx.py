"""The rows of a workbook, parsed in the child process."""

from faqs.readers import apart, archives, base


def read(data: bytes, *, has_formulas: bool) -> base.Table:
    """Return the rows of a workbook that was measured. Raises UnableToReadFile."""
    found = apart.parse("xlsx", data, "formulas" if has_formulas else "")
    if found.get("error"):
        raise base.UnableToReadFile(archives.DAMAGED)
    if found["count"] > base.MAX_ROWS:
        raise base.TooManyRows(found["count"], or_more=found["cut"])
    return base.to_table(
        found["header"],
        ((number, cells) for number, cells in found["rows"]),
        notes=found["notes"],
    )
