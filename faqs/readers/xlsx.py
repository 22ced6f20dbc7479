"""XLSX from strangers: measured unpacked before anything is parsed, parsed in a child process."""

import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faqs.readers import base

MAX_UNPACKED = 50 * 1024 * 1024
MAX_PARTS = 2_000
MAX_RATIO = 100
# Below this size a part may shrink as well as it likes: nothing can go wrong.
_SMALL_PART = 1024 * 1024
# Shorter than the half minute after which a web worker is given up.
CHILD_SECONDS = 20
_CHUNK = 64 * 1024
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY")
_FORMULAS = (b"<f>", b"<f ", b"<f/>")
_LONGEST = max(map(len, _FORBIDDEN))
_ROOT = Path(__file__).resolve().parents[2]

_DAMAGED = (
    "The Excel file is damaged. Open it in your spreadsheet program, save it under a new name "
    "as .xlsx, and upload that file."
)
_TOO_BIG = (
    "The file unpacks to more than a list of questions can need ({found}; {limit} is the most). "
    "Copy only the questions and answers into a new sheet, save it as .xlsx, and upload that."
)


@dataclass(frozen=True)
class Unpacked:
    """What the check before parsing found out."""

    size: int
    has_formulas: bool


def read(data: bytes) -> base.Table:
    """Return the rows of an XLSX file. Raises UnableToReadFile."""
    unpacked = check(data)
    found = _parse(data, formulas=unpacked.has_formulas)
    if found["count"] > base.MAX_ROWS:
        raise base.too_many_rows(found["count"], or_more=found["cut"])
    return base.to_table(
        found["header"],
        ((number, cells) for number, cells in found["rows"]),
        notes=found["notes"],
    )


def check(data: bytes) -> Unpacked:
    """Measure what `data` unpacks to, by its own word and by counting, without parsing it.

    Raises UnableToReadFile for anything that is not a plain workbook of a reasonable size.
    """
    # Counted before the directory is read: each entry of it costs memory.
    if data.count(b"PK\x01\x02") > MAX_PARTS:
        raise _too_big("thousands of parts", f"{MAX_PARTS:,}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            _check_declared(parts, len(data))
            _check_kind({part.filename for part in parts})
            return _count(archive, parts, len(data))
    except base.UnableToReadFile:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError,
            ValueError) as error:  # fmt: skip
        raise base.UnableToReadFile(_DAMAGED) from error


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
            raise base.UnableToReadFile(_DAMAGED)
        _check_ratio(part.file_size, part.compress_size)


def _check_size(size: int, packed: int) -> None:
    if size > MAX_UNPACKED:
        raise _too_big(_megabytes(size), _megabytes(MAX_UNPACKED))
    _check_ratio(size, packed)


def _check_ratio(size: int, packed: int) -> None:
    if size > _SMALL_PART and size > MAX_RATIO * max(packed, 1):
        raise _too_big(f"{size // max(packed, 1)} times its size", f"{MAX_RATIO} times")


def _check_kind(names: set[str]) -> None:
    if "xl/workbook.xml" in names:
        return
    if "xl/workbook.bin" in names:
        raise base.UnableToReadFile(
            "This is a binary Excel workbook (.xlsb). Save it as “Excel workbook (.xlsx)” and "
            "upload that file."
        )
    if "word/document.xml" in names:
        raise base.not_a_table("It is a Word document.")
    if "content.xml" in names:
        raise base.not_a_table("It is an OpenDocument file.")
    raise base.not_a_table("It is a compressed file.")


def _count(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo], packed: int) -> Unpacked:
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
                        "The file holds XML declarations that no spreadsheet program writes, so "
                        "it was not opened. Copy the questions into a new sheet and upload that."
                    )
                has_formulas = has_formulas or any(word in seen for word in _FORMULAS)
                tail = seen[-_LONGEST:]
        _check_ratio(size, part.compress_size)
    return Unpacked(size=total, has_formulas=has_formulas)


def _parse(data: bytes, *, formulas: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "faqs.readers.child", *(["--formulas"] if formulas else [])]
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            timeout=CHILD_SECONDS,
            cwd=_ROOT,
            # Nothing of our own environment: the child holds a stranger's file, no secrets.
            env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise base.UnableToReadFile(_TOO_SLOW) from error
    if done.returncode != 0:
        raise base.UnableToReadFile(_TOO_SLOW)
    found: dict[str, Any] = json.loads(done.stdout)
    if found.get("error") == "damaged":
        raise base.UnableToReadFile(_DAMAGED)
    if found.get("error"):
        raise base.UnableToReadFile(_TOO_SLOW)
    return found


_TOO_SLOW = (
    "The file takes too much time or memory to read. Copy only the questions and answers into a "
    "new sheet, save it as .xlsx, and upload that."
)
