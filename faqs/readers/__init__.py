"""An owner's file in, rows out: what the file is gets decided by its bytes, not by its name."""

import re

from faqs.readers import archives, documents, text, xlsx
from faqs.readers.base import MAX_BYTES, MAX_ROWS, Row, Table, TooManyRows, UnableToReadFile
from faqs.readers.base import not_readable as _not_readable

__all__ = [
    "MAX_BYTES", "MAX_ROWS", "Row", "Table", "TooManyRows", "UnableToReadFile", "read",
    "read_page", "read_text",
]  # fmt: skip

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF = b"%PDF-"
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s{0,200}(?:<!--.{0,2000}?-->\s{0,200})?<(?:!doctype html|html|head|body)\b",
    re.I | re.S,
)
# What owners send by mistake; anything else that is not text is recognised by its bytes' mix.
_OTHERS = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BM", "a picture"),
    (b"{\\rtf", "a text document of an old form (.rtf)"),
    (b"\x1f\x8b", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"Rar!", "a compressed file"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


def read(data: bytes, *, name: str = "") -> Table:
    """Return the rows of a file. Raises UnableToReadFile with a sentence to show.

    The file's `name` only decides what is said about a text without questions: whether columns
    or questions are missing.
    """
    if not data.strip(b"\x00 \t\r\n"):
        raise UnableToReadFile("The file is empty. Choose the file that holds your questions.")
    if len(data) > MAX_BYTES:
        raise UnableToReadFile(
            "The file has more than 5 MB. Split it in two, or remove pictures from it."
        )
    if data.startswith(_ZIP):
        unpacked = archives.check(data)
        if unpacked.kind == "docx":
            return documents.read("docx", data)
        return xlsx.read(data, has_formulas=unpacked.has_formulas)
    if _PDF in data[:1024]:
        return documents.read("pdf", data)
    if data.startswith(_OLD_OFFICE):
        raise UnableToReadFile(
            "This file is protected by a password. Remove the password and upload it again."
            if "EncryptedPackage".encode("utf-16-le") in data
            else "This is a file of an old Office format. Open it, choose Save as, then “Excel "
            "workbook (.xlsx)” or “Word document (.docx)”, and upload that file."
        )
    for beginning, kind in _OTHERS:
        # "BM" and "MZ" also begin words: two letters count only where no text follows.
        if data.startswith(beginning) and (len(beginning) > 2 or b"\x00" in data[:64]):
            raise _not_readable(f"It is {kind}, whatever its name says.")
    if _PAGE.match(data):
        return documents.read("page", data)
    said, notes = text.decoded(data)
    return text.read(said, notes=notes, is_table=name.lower().endswith((".csv", ".tsv")))


def read_text(said: str) -> Table:
    """Return the rows of a pasted text. Raises UnableToReadFile."""
    if not said.strip():
        raise UnableToReadFile("The text is empty. Paste your questions and answers.")
    return text.read(said, notes=[])


def read_page(data: bytes, *, charset: str = "") -> Table:
    """Return the rows of a website's page. Raises UnableToReadFile."""
    return documents.read("page", data, option=charset)
