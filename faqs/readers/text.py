"""Bytes and pasted text: a table when they look like one, else questions among lines."""

import codecs

from faqs.readers import base, blocks, csv, pairs

_CONTROLS = frozenset(map(chr, [*range(1, 9), *range(14, 32), 127]))


def read(text: str, *, notes: list[str], is_table: bool = False) -> base.Table:
    """Return the rows of a text. Raises UnableToReadFile.

    `is_table` says that it came as a table, so that what is missing is told of a table.
    """
    if "\x00" in text:
        text = text.replace("\x00", "")
        notes = [*notes, "The file held NUL characters; they were taken out."]
    if csv.names_columns(text) or is_table:
        return csv.read(text, notes=notes)
    # Old Macs, and the hostile, end lines by other characters than most.
    if len(text) > base.MAX_CHARACTERS or len(text.splitlines()) > base.MAX_LINES:
        raise base.too_long()
    found = pairs.find(blocks.of_text(text))
    if not found.pairs and csv.is_grid(text):
        return csv.read(text, notes=notes)  # which says what columns it lacks
    return base.of_pairs(found.as_json(), notes=notes)


def decoded(data: bytes) -> tuple[str, list[str]]:
    """Return the text of `data`, and a note when its encoding was guessed.

    Raises UnableToReadFile when it is no text.
    """
    wide = _wide_encoding(data)
    if wide:
        try:
            return _plausible(data.decode(wide)), []
        except UnicodeDecodeError as error:
            raise base.not_readable() from error
    try:
        return _plausible(data.decode("utf-8-sig")), []
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise base.not_readable() from error
    return _plausible(text), [
        "The file is not saved as UTF-8, so it was read as Windows text: check letters with "
        "accents, the ₦ sign and emoji. To be safe, save it as “CSV UTF-8” or .xlsx."
    ]


def _wide_encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = data[: min(len(data), 4096) // 2 * 2]
    even, odd, half = sample[::2].count(0), sample[1::2].count(0), len(sample) / 2
    if half and odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    if half and even > 0.6 * half and odd < 0.1 * half:
        return "utf-16-be"
    return ""


def _plausible(text: str) -> str:
    sample = text[:65_536]
    odd = sum(sample.count(control) for control in _CONTROLS)
    if odd > max(2, len(sample) // 100) or sample.count("\x00") > max(20, len(sample) // 20):
        raise base.not_readable()
    return text.removeprefix("\ufeff")
