"""Tables inside documents: a table of questions is opened up, any other becomes lines of text."""

import re
from collections.abc import Iterable, Iterator, Sequence

from faqs.readers.blocks import Block
from faqs.readers.wordings import answered, asked, reads_like_question

_QUESTIONS = frozenset(
    (
        "question",
        "questions",
        "faq",
        "faqs",
        "customer question",
        "customer questions",
        "query",
        "q",
    )
)
_ANSWERS = frozenset(
    ("answer", "answers", "response", "responses", "reply", "ans", "a", "solution")
)
_NUMBER = re.compile(r"\(?\d{0,4}[.)]?")


def opened(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield the blocks, each table as questions with answers, or as lines."""
    rows: list[Block] = []
    for block in blocks:
        if block.cells:
            rows.append(block)
            continue
        if rows:
            yield from _of_table(rows)
            rows = []
        yield block
    if rows:
        yield from _of_table(rows)


def _of_table(rows: Sequence[Block]) -> Iterator[Block]:
    cells = [row.cells for row in rows]
    places = _named(cells[0])
    body = cells[1:] if places else cells
    if places is None:
        places = _guessed(cells)
    if places is None:
        for one in cells:
            yield Block(" – ".join(" ".join(cell.split("\n")) for cell in one if cell))
        return
    ask, reply = places
    for one in body:
        question, answer = (one[at] if at < len(one) else "" for at in (ask, reply))
        if question:
            bare = asked(question)
            yield Block(" ".join((bare or question).split("\n")), is_question=True)
        bare = answered(answer)
        for line in (bare or answer).split("\n"):
            if line:
                yield Block(line)
    yield Block(is_end=True)


def _named(header: Sequence[str]) -> tuple[int, int] | None:
    """Return where the heading says that questions and answers stand."""
    names = [" ".join(cell.casefold().strip(" :*").split()) for cell in header]
    ask = next((place for place, name in enumerate(names) if name in _QUESTIONS), None)
    reply = next((place for place, name in enumerate(names) if name in _ANSWERS), None)
    return None if ask is None or reply is None else (ask, reply)


def _guessed(cells: Sequence[Sequence[str]]) -> tuple[int, int] | None:
    """Return the two columns that hold more than numbers, when the first of them asks."""
    width = max(map(len, cells))
    columns = [
        place
        for place in range(width)
        if any(place < len(one) and not _NUMBER.fullmatch(one[place]) for one in cells)
    ]
    if len(columns) != 2:
        return None
    ask, reply = columns
    asking = sum(
        ask < len(one)
        and (asked(one[ask]) is not None or reads_like_question(one[ask], stands_out=True))
        for one in cells
    )
    return (ask, reply) if asking * 2 >= len(cells) else None
