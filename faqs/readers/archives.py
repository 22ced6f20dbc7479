"""Office files from strangers are archives: measured unpacked before anything is parsed."""

import io
import zipfile
import zlib
from dataclasses import dataclass

from faqs.readers import base

MAX_UNPACKED = 50 * 1024 * 1024
MAX_PARTS = 2_000
MAX_RATIO = 100
# Below this size a part may shrink as well as it likes: nothing can go wrong.
_SMALL_PART = 1024 * 1024
_CHUNK = 64 * 1024
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY")
_FORMULAS = (b"<f>", b"<f ", b"<f/>")
_LONGEST = max(map(len, _FORBIDDEN))

DAMAGED = (
    "The file is damaged. Open it in the program that made it, save it under a new name, and "
    "upload that file."
)
_TOO_BIG = (
    "The file unpacks to more than a list of questions can need ({found}; {limit} is the most). "
    "Copy only the questions and answers into a new file, and upload that."
)


@dataclass(frozen=True)
class Unpacked:
    """What the check before parsing found out."""

    kind: str  # "xlsx" or "docx"
    size: int
    has_formulas: bool


def check(data: bytes) -> Unpacked:
    """Measure what `data` unpacks to, by its own word and by counting, without parsing it.

    Raises UnableToReadFile for anything that is not a plain workbook or document of a
    reasonable size.
    """
    # Counted before the directory is read: each entry of it costs memory.
    if data.count(b"PK\x01\x02") > MAX_PARTS:
        raise _too_big("thousands of parts", f"{MAX_PARTS:,}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            _check_declared(parts, len(data))
            kind = _kind({part.filename for part in parts})
            return _count(archive, parts, len(data), kind)
    except base.UnableToReadFile:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError,
            ValueError) as error:  # fmt: skip
        raise base.UnableToReadFile(DAMAGED) from error


def _too_big(found: str, limit: str) -> base.UnableToReadFile:
    return base.UnableToReadFile(_TOO_BIG.format(found=found, limit=limit))


def _megabytes(size: int) -> str:
    return f"{size / 1_048_576:,.0f} MB"


def _check_declared(parts: list[zipfile.ZipInfo], packed: int) -> None:
    if any(part.flag_bits & 0x1 for part in parts):
        raise base.UnableToReadFile(
            "This file is protected by a password. Remove the password and upload it again."
        )
    if len(parts) > MAX_PARTS:
        raise _too_big(f"{len(parts):,} parts", f"{MAX_PARTS:,}")
    _check_size(sum(part.file_size for part in parts), packed)
    for part in parts:
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise base.UnableToReadFile(DAMAGED)
        _check_ratio(part.file_size, part.compress_size)


def _check_size(size: int, packed: int) -> None:
    if size > MAX_UNPACKED:
        raise _too_big(_megabytes(size), _megabytes(MAX_UNPACKED))
    _check_ratio(size, packed)


def _check_ratio(size: int, packed: int) -> None:
    if size > _SMALL_PART and size > MAX_RATIO * max(packed, 1):
        raise _too_big(f"{size // max(packed, 1)} times its size", f"{MAX_RATIO} times")


def _kind(names: set[str]) -> str:
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "word/document.xml" in names:
        return "docx"
    if "xl/workbook.bin" in names:
        raise base.UnableToReadFile(
            "This is a binary Excel workbook (.xlsb). Save it as “Excel workbook (.xlsx)” and "
            "upload that file."
        )
    if "content.xml" in names:
        raise base.not_readable("It is an OpenDocument file.")
    raise base.not_readable("It is a compressed file.")


def _count(
    archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo], packed: int, kind: str
) -> Unpacked:
    total = 0
    has_formulas = False
    for part in parts:
        size = 0
        tail = b""
        with archive.open(part) as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                total += len(chunk)
                _check_size(total, packed)
                # Zero bytes fall away, so that two-byte encodings cannot hide a declaration.
                seen = tail + chunk.replace(b"\x00", b"")
                if any(word in seen for word in _FORBIDDEN):
                    raise base.UnableToReadFile(
                        "The file holds XML declarations that no office program writes, so it was "
                        "not opened. Copy the questions into a new file and upload that."
                    )
                has_formulas = has_formulas or any(word in seen for word in _FORMULAS)
                tail = seen[-_LONGEST:]
        _check_ratio(size, part.compress_size)
    return Unpacked(kind=kind, size=total, has_formulas=has_formulas)
