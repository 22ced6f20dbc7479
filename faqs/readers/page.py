"""A page of a website as blocks: what a visitor reads, without menus and footers. In the child.

Also what the page tells search engines of its questions (schema.org's FAQPage, as JSON-LD).
"""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from faqs.readers import blocks, pairs
from faqs.readers.blocks import Block

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_\-]{2,40})", re.I)
_LD_JSON = "application/ld+json"
_UNREAD = frozenset((
    "script", "style", "noscript", "template", "svg", "nav", "header", "footer", "aside", "iframe",
    "select", "option", "textarea", "object", "canvas", "audio", "video", "title",
))  # fmt: skip
_BREAKS = frozenset((
    "address", "article", "blockquote", "body", "button", "caption", "dd", "details", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "form", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "html", "label", "legend", "li", "main", "menu", "ol", "p", "pre", "section", "summary",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
))  # fmt: skip
_BOLD = frozenset(("b", "strong", "button"))
_ENDS = frozenset(("details", "dl", "main", "article"))
_SPACE = re.compile(r"\s+")
_HEADING = re.compile("h[1-6]")
_DEEPEST = 50  # of JSON inside JSON


def extract(data: bytes, option: str) -> dict[str, Any]:
    """Return the pairs of a page; `option` is the character set that its server named."""
    reader = _Reader()
    reader.feed(_text(data, option))
    reader.close()
    reader.finish()
    told = [pair for text in reader.told for pair in _told(text)]
    if not reader.blocks and not told:
        return {"error": "empty"}
    found = pairs.find(reader.blocks)
    known = {pairs.key(pair.question) for pair in told}
    shown = [pair for pair in found.pairs if pairs.key(pair.question) not in known]
    # Headings are only guessed to be questions: not where the page itself says which ones are.
    rest = [pair for pair in shown if not told or pair.question.endswith(blocks.QUESTION_MARKS)]
    return pairs.Found(told + rest, found.notes if not told else []).as_json()


def _text(data: bytes, named: str) -> str:
    found = _META_CHARSET.search(data[:4096])
    for charset in ("utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "", named,
                    found[1].decode() if found else "", "utf-8"):  # fmt: skip
        if charset:
            try:
                return data.decode(charset)
            except (LookupError, UnicodeDecodeError):
                continue
    return data.decode("cp1252", errors="replace")


class _Reader(HTMLParser):
    """Collects blocks while tags go by; forgives what browsers forgive."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.told: list[str] = []
        self._runs: list[tuple[str, bool]] = []
        self._unread: list[str] = []
        self._is_told = False
        self._bold = 0
        self._level = 0
        self._is_item = False
        self._is_question = False
        self._row: list[str] | None = None
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNREAD:
            self._unread.append(tag)
            kind = (dict(attrs).get("type") or "").strip().lower()
            if tag == "script" and kind == _LD_JSON:
                self.told.append("")
                self._is_told = True
            return
        if self._unread:
            return
        if tag == "br":
            self._say("\n")
        if tag in _BREAKS:
            self._break(tag)
        if tag in _BOLD:
            self._bold += 1
        if _HEADING.fullmatch(tag):
            self._level = int(tag[1])
        elif tag == "li":
            self._is_item = True
        elif tag in ("dt", "summary"):
            self._is_question = True
        elif tag == "dd":
            self._is_question = False  # few close their dt
        elif tag == "tr":
            self._end_row()
            self._row = []
        elif tag in ("td", "th") and self._row is not None:
            self._end_cell()
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if self._unread:
            self._is_told = False
            if tag in self._unread:
                del self._unread[self._unread.index(tag) :]
            return
        if tag in _BREAKS:
            self._break(tag)
        if tag in _BOLD:
            self._bold = max(0, self._bold - 1)
        if _HEADING.fullmatch(tag):
            self._level = 0
        elif tag in ("li", "ul", "ol", "menu"):
            self._is_item = False
        elif tag in ("dt", "dl", "summary", "details"):
            self._is_question = False
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "table"):
            self._end_row()
        if tag in _ENDS:
            self.blocks.append(Block(is_end=True))

    def handle_data(self, data: str) -> None:
        if self._unread:
            if self._is_told:
                self.told[-1] += data  # it comes in pieces where the text holds a tag
            return
        self._say(_SPACE.sub(" ", data))

    def finish(self) -> None:
        """Take what stood behind the last tag."""
        self._end_row()
        self._break("body")

    def _say(self, text: str) -> None:
        if self._cell is not None:
            self._cell.append(text)
        else:
            self._runs.append((text, self._bold > 0))

    def _break(self, tag: str) -> None:
        if self._cell is not None:
            if tag not in ("td", "th"):
                self._cell.append("\n")
            return
        runs, self._runs = self._runs, []
        for block in blocks.of_runs(runs, level=self._level, is_item=self._is_item):
            self.blocks.append(
                Block(block.text, block.level, block.is_item, is_question=self._is_question)
            )

    def _end_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            self._row.append("".join(self._cell))
        self._cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if self._row:
            self.blocks.extend(blocks.row(self._row))
        self._row = None


def _told(text: str) -> Iterator[pairs.Pair]:
    """Yield the questions of JSON-LD, wherever in it they stand."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield from _questions(parsed, _DEEPEST)


def _questions(value: object, depth: int) -> Iterator[pairs.Pair]:
    if depth == 0:
        return
    if isinstance(value, list):
        for one in value:
            yield from _questions(one, depth - 1)
    elif isinstance(value, dict):
        answer = value.get("acceptedAnswer")
        answer = answer[0] if isinstance(answer, list) and answer else answer
        if isinstance(answer, dict) and "Question" in str(value.get("@type")):
            question, said = value.get("name"), answer.get("text")
            if isinstance(question, str) and isinstance(said, str):
                lines = _plain(said)
                yield pairs.Pair(" ".join(_plain(question)), lines=lines)
            return
        for one in value.values():
            yield from _questions(one, depth - 1)


def _plain(marked: str) -> list[str]:
    """Return the lines of a text that may hold markup."""
    reader = _Reader()
    reader.feed(marked)
    reader.close()
    reader.finish()
    return [f"• {block.text}" if block.is_item else block.text for block in reader.blocks]
