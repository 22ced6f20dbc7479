"""A list of entries out of a file, for measurements: as an import reads it, but stored nowhere."""

from faqs import checking, index, readers

# Sets made of intents have a stand-in where the answer would be.
_STAND_IN = "[answer about"


class UnableToReadSample(Exception):
    """The file holds no entries; the message says why."""


def sources(data: bytes, phrasings: int = 0) -> list[index.Source]:
    """Return the entries of a file with at most so many phrasings each, the question counted.

    0 is all that there are. Raises UnableToReadSample.
    """
    try:
        rows = readers.read(data).rows
    except readers.UnableToReadFile as error:
        raise UnableToReadSample(str(error)) from error
    found = [_source(number, row, phrasings) for number, row in enumerate(rows, start=1)]
    if not found:
        raise UnableToReadSample("The file holds no entries.")
    return found


def _source(number: int, row: readers.Row, phrasings: int) -> index.Source:
    others = checking.split_phrasings(row.values.get("alt_questions", ""))
    answer = row.values.get("answer", "")
    return index.Source(
        entry_id=number,
        faq_id=row.values.get("faq_id") or str(number),
        question=row.values.get("question", ""),
        answer="" if answer.startswith(_STAND_IN) else answer,
        phrasings=tuple(others[: phrasings - 1] if phrasings else others),
        keywords=row.values.get("keywords", ""),
    )
