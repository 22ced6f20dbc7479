"""A PDF's text as blocks: lines put together again, bold ones kept apart. Runs in the child."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from statistics import median
from typing import Any, NamedTuple

import pypdf
from pypdf.errors import FileNotDecryptedError, LimitReachedError, PdfReadError, WrongPasswordError

from faqs.readers import base, blocks, pairs
from faqs.readers.blocks import Block

MAX_PAGES = 300
MAX_STREAM = 20 * 1024 * 1024
_MOST_IN_TREE = 10_000  # pages that are counted, to tell their number
_BOLD = re.compile(r"(?i)bold|black|heavy|semibd")
_NUMBER = re.compile(r"\d+")
_BEGINS = re.compile(
    r"(?:[-–•*▪◦●○\uf0b7]|\(?\w{1,3}[.)])\s|(?:q|a|ques|question|ans|answer)\s?\d*\s?[:.)]", re.I
)
# A line that is shorter than this part of the usual width ended because its writer ended it.
_FULL = 0.75
_LARGE = 1.15  # times the size of most of the text: a heading


class Line(NamedTuple):
    """A line as it stands on a page."""

    text: str
    is_bold: bool


def extract(data: bytes, option: str) -> dict[str, Any]:
    """Return the pairs of a PDF."""
    pypdf.overwrite_configuration(
        zlib_maximum_output_length=MAX_STREAM,
        lzw_maximum_output_length=MAX_STREAM,
        run_length_maximum_output_length=MAX_STREAM,
        stream_decoding_work_maximum_length=2 * MAX_STREAM,
        page_tree_maximum_entries=_MOST_IN_TREE,
        jbig2dec_binary=None,  # a program of its own, for pictures
    )
    try:
        reader = pypdf.PdfReader(BytesIO(data), strict=False)
        # Many a PDF is only locked against changes: it opens with an empty password.
        if reader.is_encrypted and not reader.decrypt(""):
            return {"error": "encrypted"}
        if len(reader.pages) > MAX_PAGES:
            return {"error": "pages", "limit": MAX_PAGES}
        pages = _pages(reader)
    except (FileNotDecryptedError, WrongPasswordError):
        return {"error": "encrypted"}
    except LimitReachedError:
        return {"error": "too much"}
    except PdfReadError:
        return {"error": "damaged"}
    if pages is None:
        return {"error": "too much"}
    if not any(line.text for page in pages for line in page):
        return {"error": "scan"}
    return pairs.find(_blocks(_without_edges(pages))).as_json()


def _pages(reader: pypdf.PdfReader) -> list[list[Line]] | None:
    pages, characters = [], 0
    for page in reader.pages:
        pieces: list[tuple[str, bool, float]] = []

        def hear(
            text: str, matrix: Sequence[float], at: Sequence[float], font: Any, size: float,
            pieces: list[tuple[str, bool, float]] = pieces,
        ) -> None:  # fmt: skip
            name = str((font or {}).get("/BaseFont", ""))
            scale = abs(matrix[3] * at[3]) if len(at) > 3 else 1.0
            pieces.append((text, bool(_BOLD.search(name)), (size or 0) * (scale or 1.0)))

        page.extract_text(visitor_text=hear)
        characters += sum(len(text) for text, _, _ in pieces)
        if characters > base.MAX_CHARACTERS:
            return None
        pages.append(_lines(pieces))
    return pages


def _lines(pieces: Sequence[tuple[str, bool, float]]) -> list[Line]:
    """Return the lines of a page; one counts as bold when all of it is bold, or large."""
    usual = _usual_size(pieces)
    lines: list[Line] = []
    text = ""
    looks: list[bool] = []
    for piece, is_bold, size in [*pieces, ("\n", False, 0.0)]:
        for index, part in enumerate(piece.split("\n")):
            if index:
                lines.append(Line(" ".join(text.split()), bool(looks) and all(looks)))
                text, looks = "", []
            text += part
            if part.strip():
                looks.append(is_bold or size > usual * _LARGE)
    return lines


def _usual_size(pieces: Sequence[tuple[str, bool, float]]) -> float:
    sizes: Counter[float] = Counter()
    for text, _, size in pieces:
        sizes[round(size, 1)] += len(text.strip())
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _without_edges(pages: Sequence[Sequence[Line]]) -> list[Line]:
    """Return all lines but those that most pages begin or end with: titles, page numbers."""
    said = [[line for line in page if line.text] for page in pages]
    edges: Counter[str] = Counter()
    for page in said:
        edges.update({_NUMBER.sub("#", line.text) for line in (*page[:2], *page[-2:])})
    most = len([page for page in said if page]) / 2
    kept: list[Line] = []
    for page, full in zip(said, pages, strict=True):
        dropped = {
            id(line)
            for line in (*page[:2], *page[-2:])
            if len(pages) > 1 and edges[_NUMBER.sub("#", line.text)] > most
        }
        kept += [line for line in full if id(line) not in dropped]
    return kept


def _blocks(lines: Sequence[Line]) -> Iterator[Block]:
    """Yield paragraphs: a PDF ends a line where the paper ends, not where its writer did."""
    widths = {look: _full_width(lines, is_bold=look) for look in (True, False)}
    whole, last, is_bold = "", "", False
    for line in lines:
        goes_on = (
            bool(last)
            and bool(line.text)
            and line.is_bold == is_bold
            and len(last) >= widths[is_bold] * _FULL
            and not last.endswith(("?", ":"))
            and not _BEGINS.match(line.text)
        )
        if goes_on:
            whole += " " + line.text
        else:
            yield from blocks.line(whole, is_bold=is_bold)
            whole, is_bold = line.text, line.is_bold
        last = line.text
    yield from blocks.line(whole, is_bold=is_bold)


def _full_width(lines: Sequence[Line], *, is_bold: bool) -> float:
    """Return about how many characters fill a line: bold ones are often larger, too."""
    widths = sorted(len(line.text) for line in lines if line.text and line.is_bold == is_bold)
    return median(widths[len(widths) * 3 // 4 :]) if widths else 0.0
