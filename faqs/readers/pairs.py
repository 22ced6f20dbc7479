"""Blocks of a document in, questions with their answers out, however their writer marked them.

In this order: "Q:" in front of lines; lines that read like questions, and of those the headings,
the bold and the numbered ones alone when they are the most; headings over text. The person who
imports sees every pair before it is added, so a guess may be wrong.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from faqs.readers import base, grids
from faqs.readers.blocks import BOLD, Block
from faqs.readers.wordings import (
    answered,
    asked,
    is_numbered,
    question_of,
    reads_like_question,
    split_answer,
    split_inline,
)

_SHOWN = 60
_LONGEST_QUESTION = 300
_LONGEST_TITLE = 60  # also the most that a category may have
_GUESSED = "Few lines read like questions, so the titles were taken: check each of them."
_TITLES_OF_ALL = ("faq", "frequently asked", "questions and answers", "q & a", "q&a")

Kind = Literal["question", "answer", "section", "text", "end"]


class Step(NamedTuple):
    """What a block is for the pairs; an `answer` is text that had an answer's mark."""

    kind: Kind
    text: str = ""
    waits: bool = False  # of a question: its answer has a mark, too


@dataclass
class Pair:
    """A question with the lines of its answer, and the title that it stood under."""

    question: str
    category: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        return "\n".join(self.lines).strip()


@dataclass(frozen=True)
class Found:
    """The pairs of a document in their order, and what its owner should know."""

    pairs: list[Pair]
    notes: list[str]

    def as_json(self) -> dict[str, object]:
        """Return it as the child process hands it over: the rows of one import at most."""
        shown = [(pair.question, pair.answer, pair.category) for pair in self.pairs]
        return {"pairs": shown[: base.MAX_ROWS], "count": len(shown), "notes": self.notes}


def find(blocks: Iterable[Block]) -> Found:
    """Return the questions and answers of a document."""
    opened = list(grids.opened(blocks))
    steps, notes = _steps(opened)
    collector = _Collector()
    for step in steps:
        collector.take(step)
    collector.close()
    pairs, twice = _without_repeats(collector.pairs)
    if not pairs:
        return Found([], [])
    notes += collector.notes()
    if twice:
        notes.append(f"There twice with the same answer, and taken once: {twice:,}.")
    return Found(pairs, notes)


# --- How this document marks its questions ---------------------------------------------------


def _steps(blocks: Sequence[Block]) -> tuple[Iterator[Step], list[str]]:
    following = _following(blocks)
    # A table's lost heading has the words alone, and once.
    marks = [rest for rest in (asked(block.text) for block in blocks) if rest is not None]
    has_answers = any(answered(block.text) is not None for block in blocks)
    if len(marks) > 1 or (any(marks) and has_answers):
        return _by_marks(blocks, following), []
    strong = {n for n, block in enumerate(blocks) if _stands_out(block)}
    plain = {
        n for n, block in enumerate(blocks) if reads_like_question(block.text, stands_out=False)
    } - strong
    inline = {n for n, block in enumerate(blocks) if split_inline(block.text)} - strong - plain
    titles = _titles(blocks, following)
    count = max(map(len, titles.values()), default=0)
    if count > 1 and count > 3 * len(strong | plain | inline):
        chosen = next(each for each in titles.values() if len(each) == count)
        return _by_place(blocks, following, chosen), [_GUESSED]
    if strong and len(strong) >= max(len(plain), len(inline)):
        # Among headings that ask, the others of their kind are questions in fewer words; but the
        # first line of all is the document's own title.
        first = next(n for n, block in enumerate(blocks) if block.text)
        levels = Counter(blocks[n].level for n in strong)
        for level, each in titles.items():
            if level and levels[level] * 2 > len(each):
                strong |= each - {first}
        return _by_place(blocks, following, strong), []
    if len(inline) > len(plain):
        plain |= inline
    return _by_place(blocks, following, strong | plain), []


def _titles(blocks: Sequence[Block], following: Sequence[Block]) -> dict[int, set[int]]:
    """Return by level what stands right above text.

    Level 0 is the least sure: a short line that begins a paragraph.
    """
    found: dict[int, set[int]] = {}
    before = Block()
    for number, (block, after) in enumerate(zip(blocks, following, strict=True)):
        is_short = 0 < len(block.text) <= _LONGEST_TITLE and block.text[-1] not in ".!,;"
        is_first = not before.text and number + 1 < len(blocks) and blocks[number + 1] is after
        if after.text and not after.level and (block.level or (is_short and is_first)):
            found.setdefault(block.level, set()).add(number)
        before = block
    return found


def _following(blocks: Sequence[Block]) -> list[Block]:
    """Return for each block the next one that says something."""
    found, after = [], Block()
    for block in reversed(blocks):
        found.append(after)
        after = block if block.text else after
    return found[::-1]


def _stands_out(block: Block) -> bool:
    """Say whether a block is a question by more than its words."""
    is_marked = block.level or block.is_item or is_numbered(block.text)
    return block.is_question or (
        bool(is_marked) and reads_like_question(block.text, stands_out=True)
    )


def _by_marks(blocks: Sequence[Block], following: Sequence[Block]) -> Iterator[Step]:
    is_answer_next = False
    waits = []  # for each block: does an answer's mark come before the next question's?
    for block in reversed(blocks):
        waits.append(is_answer_next)
        if asked(block.text) is not None or block.is_question:
            is_answer_next = False
        elif answered(block.text) is not None:
            is_answer_next = True
    waits.reverse()
    for block, after, is_waiting in zip(blocks, following, waits, strict=True):
        question, answer = asked(block.text), answered(block.text)
        if block.is_question or question is not None:
            text, rest = split_answer(block.text if question is None else question)
            yield Step("question", question_of(text), is_waiting and not rest)
            if rest:
                yield Step("answer", rest)
        elif answer is not None:
            yield Step("answer", answer)
        else:
            yield _other(block, is_before_question=asked(after.text) is not None)


def _by_place(
    blocks: Sequence[Block], following: Sequence[Block], questions: set[int]
) -> Iterator[Step]:
    deepest = max((blocks[n].level for n in questions if blocks[n].level < BOLD), default=0)
    asking = {id(blocks[n]) for n in questions}
    for number, (block, after) in enumerate(zip(blocks, following, strict=True)):
        if number in questions:
            question, answer = split_inline(block.text) or (block.text, "")
            yield Step("question", question_of(question).removesuffix(":"))
            if answer:
                yield Step("answer", answer)
        elif deepest and deepest < block.level < BOLD:
            yield Step("text", block.text)  # a heading inside an answer
        else:
            yield _other(block, is_before_question=id(after) in asking)


def _other(block: Block, *, is_before_question: bool) -> Step:
    if block.is_end:
        return Step("end")
    is_title = block.level == BOLD and is_before_question and len(block.text) <= _LONGEST_TITLE
    if is_title or 0 < block.level < BOLD:
        return Step("section", block.text)
    return Step("text", f"• {block.text}" if block.is_item else block.text)


# --- Pairs out of the steps ------------------------------------------------------------------


class _Collector:
    def __init__(self) -> None:
        self.pairs: list[Pair] = []
        self._pair: Pair | None = None
        self._waits = False  # for an answer's mark: until then, lines go on with the question
        self._section = ""
        self._left_out = 0
        self._sample = ""

    def take(self, step: Step) -> None:
        pair = self._pair
        if step.kind == "question":
            self.close()
            self._pair, self._waits = Pair(step.text, self._section), step.waits
        elif step.kind == "section":
            self.close()
            self._section = _category(step.text)
        elif step.kind == "end":
            self.close()
        elif pair is None:
            if step.text:
                self._left_out += 1
                self._sample = self._sample or step.text
        elif step.kind == "answer":
            self._waits = False
            pair.lines.append(step.text)
        elif (self._waits or not pair.question) and len(pair.question) < _LONGEST_QUESTION:
            pair.question = f"{pair.question} {step.text}".strip()
        elif step.text or (pair.lines and pair.lines[-1]):
            pair.lines.append(step.text)

    def close(self) -> None:
        if self._pair is not None and self._pair.question:
            self.pairs.append(self._pair)
        self._pair = None

    def notes(self) -> list[str]:
        """Return what was left out, because it belongs to no question."""
        if not self._left_out:
            return []
        shown = self._sample[:_SHOWN] + ("…" if len(self._sample) > _SHOWN else "")
        count = self._left_out - 1
        more = f" and {count:,} more line{'' if count == 1 else 's'}" if count else ""
        return [f"Left out, because no question stands above it: “{shown}”{more}."]


def _category(title: str) -> str:
    name = question_of(title).strip(":").strip()
    is_of_all = any(words in name.casefold() for words in _TITLES_OF_ALL)
    return "" if is_of_all or len(name) > _LONGEST_TITLE else name


def _without_repeats(pairs: Iterable[Pair]) -> tuple[list[Pair], int]:
    """Return pairs without those that repeat another, and how many had a repeated answer.

    Lists of contents repeat the questions without their answers; pages are often written
    twice, for phones and for wide screens.
    """
    pairs = list(pairs)
    known = {key(pair.question) for pair in pairs if pair.answer}
    kept: dict[tuple[str, str], Pair] = {}
    twice = 0
    for pair in pairs:
        name = (key(pair.question), pair.answer)
        if name in kept:
            twice += bool(pair.answer)
        elif pair.answer or name[0] not in known:
            kept[name] = pair
    return list(kept.values()), twice


def key(question: str) -> str:
    """Return what two spellings of a question have in common."""
    return " ".join(question.casefold().split())
