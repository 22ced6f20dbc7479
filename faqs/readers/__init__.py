"""An owner's file in, rows out: what the file is gets decided by its bytes, not by its name."""

from faqs.readers import csv, xlsx
from faqs.readers.base import MAX_BYTES, MAX_ROWS, Row, Table, UnableToReadFile, not_a_table

__all__ = ["MAX_BYTES", "MAX_ROWS", "Row", "Table", "UnableToReadFile", "read"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# What owners send by mistake; anything else that is not text is recognised by its bytes' mix.
_OTHERS = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BM", "a picture"),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a text document"),
    (b"\x1f\x8b", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"Rar!", "a compressed file"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


def read(data: bytes) -> Table:
    """Return the rows of a CSV or XLSX file. Raises UnableToReadFile with a sentence to show."""
    if not data.strip(b"\x00 \t\r\n"):
        raise UnableToReadFile("The file is empty. Choose the file that holds your questions.")
    if len(data) > MAX_BYTES:
        raise UnableToReadFile(
            "The file has more than 5 MB. Split it in two, or remove pictures from it."
        )
    if data.startswith(_ZIP):
        return xlsx.read(data)
    if data.startswith(_OLD_OFFICE):
        raise UnableToReadFile(
            "This Excel file is protected by a password. Remove the password and upload it again."
            if "EncryptedPackage".encode("utf-16-le") in data
            else "This is a file of an old Office format. In Excel choose Save as, then "
            "“Excel workbook (.xlsx)”, and upload that file."
        )
    for beginning, kind in _OTHERS:
        # "BM" and "MZ" also begin words: two letters count only where no text follows.
        if data.startswith(beginning) and (len(beginning) > 2 or b"\x00" in data[:64]):
            raise not_a_table(f"It is {kind}, whatever its name says.")
    return csv.read(data)
