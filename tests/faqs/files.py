"""Files as owners and strangers send them, made on the fly."""

import io
import zipfile
from collections.abc import Iterable, Sequence

import openpyxl
import xlsxwriter


def workbook(rows: Iterable[Sequence[object]]) -> bytes:
    """Return an XLSX file as openpyxl writes it: a text that begins with = is a formula."""
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    for row in rows:
        page.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def workbook_with_strings(rows: Iterable[Sequence[str]]) -> bytes:
    """Return an XLSX file with a shared string table, as Excel writes it."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"strings_to_formulas": False})
    page = book.add_worksheet()
    for number, row in enumerate(rows):
        page.write_row(number, 0, row)
    book.close()
    return out.getvalue()


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    """Return the workbook `data` with the part `name` put in or replaced."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for part in source.namelist():
            if part != name:
                target.writestr(part, source.read(part))
        target.writestr(name, content)
    return out.getvalue()


def part_of(data: bytes, name: str) -> bytes:
    """Return one part of a workbook."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        return source.read(name)


def bomb(megabytes: int) -> bytes:
    """Return a workbook of about a thousandth of `megabytes` that unpacks to all of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        target.writestr("xl/workbook.xml", "<workbook/>")
        with target.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(megabytes):
                part.write(bytes(1 << 20))
    return out.getvalue()
