"""What documents of every form come down to before questions are looked for: blocks of text."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

BOLD = 7  # below the six levels of headings
QUESTION_MARKS = ("?", "？", "؟")

_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u3000]+")
_MARKDOWN_HEADING = re.compile(r"(#{1,6})\s+(\S.*)")
_MARKDOWN_RULE = re.compile(r"[|\s:\-]+")
_STARRED = re.compile(r"(\*\*|__|\*)(?=\S)([^*_]+)\1:?")
# A copied list has a tab behind its number or bullet, and is no table.
_LABEL = re.compile(r"\W{0,3}|\W{0,2}\d{1,3}\W{0,2}|\W{0,2}\w{1,8}\s?\d{0,3}[:.)]|[QAqa]\d{0,3}")
# What WhatsApp puts before a message that is copied: "[10/05/2024, 10:11] Ada: ".
_CHAT = re.compile(
    r"^\[?\d{1,2}[/.]\d{1,2}[/.]\d{2,4},? \d{1,2}:\d{2}(?::\d{2})?(?:[ \u202f]?[ap]m)?(?:\]| -) "
    r"[^:]{1,60}: ",
    re.I,
)
_CAPITALS = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True)
class Block:
    """A line of a document, or a table's row. An empty text is a gap between paragraphs."""

    text: str = ""
    level: int = 0  # 1 to 6 for a heading, BOLD for a line in bold or in capitals
    is_item: bool = False  # of a list
    is_question: bool = False  # the form itself says so
    is_end: bool = False  # what follows belongs to no answer
    cells: tuple[str, ...] = ()


def line(
    text: str, *, level: int = 0, is_bold: bool = False, is_item: bool = False
) -> Iterator[Block]:
    """Yield the block of one line, or none when it says nothing."""
    text = _SPACES.sub(" ", text).strip()
    if text:
        if not level and (is_bold or _is_in_capitals(text)):
            level = BOLD
        yield Block(text, level=level, is_item=is_item)


def row(cells: Iterable[str]) -> Iterator[Block]:
    """Yield a table's row; one with a single cell is a line, and none when all are empty."""
    shown = tuple("\n".join(lines_of(cell)) for cell in cells)
    if sum(map(bool, shown)) > 1:
        yield Block(cells=shown)
    else:
        for cell in shown:
            for part in cell.split("\n"):
                yield from line(part)


def lines_of(text: str) -> list[str]:
    """Return the lines that say something, each with single spaces."""
    return [part for part in (_SPACES.sub(" ", each).strip() for each in text.splitlines()) if part]


def of_runs(runs: Iterable[tuple[str, bool]], *, level: int, is_item: bool) -> Iterator[Block]:
    """Yield the lines of a paragraph from its runs: texts, and whether each is bold.

    A bold beginning that ends a question, or a line, stands alone: "**Open?** From nine."
    """
    parts: list[tuple[str, bool]] = []
    for text, is_bold in [*runs, ("\n", False)]:
        for index, piece in enumerate(text.split("\n")):
            if index:
                yield from _of_line(parts, level, is_item)
                parts = []
            if piece:
                parts.append((piece, is_bold))


def _of_line(parts: list[tuple[str, bool]], level: int, is_item: bool) -> Iterator[Block]:
    plain = (i for i, (text, is_bold) in enumerate(parts) if text.strip() and not is_bold)
    begin = next(plain, len(parts))
    bold = "".join(text for text, _ in parts[:begin])
    rest = "".join(text for text, _ in parts[begin:])
    if bold.rstrip().endswith(QUESTION_MARKS):
        yield from line(bold, level=level, is_bold=True, is_item=is_item)
        yield from line(rest)
    else:
        yield from line(bold + rest, level=level, is_bold=not rest, is_item=is_item)


def of_text(text: str) -> Iterator[Block]:
    """Yield the blocks of plain text, with the marks that people make headings with."""
    for raw in text.splitlines():
        stripped = _CHAT.sub("", raw.strip(), count=1)
        if not stripped:
            yield Block()
        elif (cells := _cells(raw)) is not None:
            yield from row(cells)
        elif heading := _MARKDOWN_HEADING.fullmatch(stripped):
            yield from line(_unstarred(heading[2]), level=len(heading[1]))
        elif starred := _STARRED.fullmatch(stripped):
            yield from line(starred[2], is_bold=True)
        else:
            yield from line(stripped)


def _unstarred(text: str) -> str:
    starred = _STARRED.fullmatch(text)
    return starred[2] if starred else text


def _cells(raw: str) -> list[str] | None:
    """Return the cells of a line that was copied from a sheet or written as a table."""
    stripped = raw.strip()
    if len(stripped) > 2 and stripped[0] == stripped[-1] == "|":
        is_rule = _MARKDOWN_RULE.fullmatch(stripped)
        return [] if is_rule else stripped[1:-1].split("|")
    cells = stripped.split("\t")
    is_list = len(cells) == 2 and _LABEL.fullmatch(cells[0])
    return None if len(cells) < 2 or is_list else cells


def _is_in_capitals(text: str) -> bool:
    return len(text) <= 120 and text.isupper() and bool(_CAPITALS.search(text))
