"""A Word document's paragraphs and tables as blocks. Runs in the child.

The XML is read directly: python-docx would bring lxml along for the few parts that matter here.
Declarations of types and entities were refused before (faqs.readers.archives).
"""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from xml.etree import ElementTree  # noqa: S405 - no DOCTYPE gets this far, and the child is limited

from faqs.readers import blocks, pairs
from faqs.readers.blocks import Block

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
_MC_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Deleted text, instructions of fields, and a second writing of what stands there already.
_LEFT_OUT = {f"{_W}del", f"{_W}moveFrom", f"{_W}instrText", _MC_FALLBACK}
_OFF = ("0", "false", "off", "none")
_DEEPEST = 20  # of styles that build on others: a circle ends there

Element = ElementTree.Element


def extract(data: bytes, option: str) -> dict[str, Any]:
    """Return the pairs of a document."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        body = _parsed(archive, "word/document.xml").find(f"{_W}body")
        names = archive.namelist()
        styles = _Styles(
            _parsed(archive, "word/styles.xml") if "word/styles.xml" in names else Element("none")
        )
    if body is None:
        return {"error": "damaged"}
    found = list(_of(body, styles))
    if not found:
        return {"error": "empty"}
    return pairs.find(found).as_json()


def _parsed(archive: zipfile.ZipFile, name: str) -> Element:
    text = archive.read(name).replace(_STRICT[1:-1].encode(), _W[1:-1].encode())
    return ElementTree.fromstring(text)  # noqa: S314 - see above


def _of(parent: Element, styles: "_Styles") -> Iterator[Block]:
    for child in parent:
        if child.tag == f"{_W}p":
            yield from _of_paragraph(child, styles)
        elif child.tag == f"{_W}tbl":
            for row in child.findall(f"{_W}tr"):
                yield from blocks.row(_text_of(cell) for cell in row.findall(f"{_W}tc"))
            yield Block()  # two tables in a row stay two
        elif child.tag not in _LEFT_OUT:
            yield from _of(child, styles)  # content controls, text boxes, insertions


def _of_paragraph(paragraph: Element, styles: "_Styles") -> Iterator[Block]:
    name = _value(paragraph, f"{_W}pPr/{_W}pStyle")
    style = styles.of(name)
    if style.is_contents:
        return
    is_item = paragraph.find(f"{_W}pPr/{_W}numPr") is not None or style.is_item
    runs = [
        (text, style.is_bold if is_bold is None else is_bold)
        for text, is_bold in _runs(paragraph, styles)
    ]
    yield from blocks.of_runs(runs, level=style.level, is_item=is_item)
    for box in paragraph.iter(f"{_W}txbxContent"):
        yield from _of(box, styles)


def _runs(parent: Element, styles: "_Styles") -> Iterator[tuple[str, bool | None]]:
    """Yield the texts of a paragraph; None where its style decides whether they are bold."""
    for child in parent:
        if child.tag == f"{_W}r":
            look = child.find(f"{_W}rPr")
            if look is not None and _is_on(look, "vanish"):
                continue
            is_bold = _is_on(look, "b") if look is not None else None
            if is_bold is None and look is not None:
                is_bold = styles.of(_value(look, f"{_W}rStyle")).is_bold or None
            yield _text_of(child), is_bold
        elif child.tag not in _LEFT_OUT and child.tag != f"{_W}pPr":
            yield from _runs(child, styles)


def _text_of(parent: Element) -> str:
    parts = []
    for child in parent:
        if child.tag == f"{_W}t":
            parts.append(child.text or "")
        elif child.tag in (f"{_W}br", f"{_W}cr"):
            parts.append("\n")
        elif child.tag == f"{_W}tab":
            parts.append(" ")
        elif child.tag == f"{_W}p":
            parts.append(_text_of(child) + "\n")
        elif child.tag not in _LEFT_OUT and child.tag != f"{_W}txbxContent":
            parts.append(_text_of(child))
    return "".join(parts)


def _value(parent: Element, path: str) -> str:
    found = parent.find(path)
    return "" if found is None else found.get(f"{_W}val", "")


def _is_on(look: Element, name: str) -> bool | None:
    found = look.find(f"{_W}{name}")
    return None if found is None else found.get(f"{_W}val", "1") not in _OFF


class _Style:
    def __init__(self) -> None:
        self.level = 0
        self.is_bold = self.is_item = self.is_contents = False


class _Styles:
    """What the document's styles say: headings, bold, lists."""

    def __init__(self, root: Element) -> None:
        self._written = {one.get(f"{_W}styleId", ""): one for one in root.iter(f"{_W}style")}
        self._known: dict[str, _Style] = {}

    def of(self, name: str) -> _Style:
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> _Style:
        style = _Style()
        is_bold: bool | None = None
        for _ in range(_DEEPEST):
            one = self._written.get(name)
            # A style that a program left out of its list is known by its name alone.
            title = (_value(one, f"{_W}name") if one is not None else name).casefold()
            title = title.replace(" ", "")
            if title.startswith("heading") and title[7:8].isdigit():
                style.level = style.level or min(int(title[7]), 6) or 1
            elif title == "title":
                style.level = style.level or 1
            style.is_contents = style.is_contents or title.startswith("toc")
            if one is None:
                break
            level = _value(one, f"{_W}pPr/{_W}outlineLvl")
            if level.isdigit() and int(level) < 9:
                style.level = style.level or min(int(level) + 1, 6)
            look = one.find(f"{_W}rPr")
            is_bold = _is_on(look, "b") if is_bold is None and look is not None else is_bold
            style.is_item = style.is_item or one.find(f"{_W}pPr/{_W}numPr") is not None
            name = _value(one, f"{_W}basedOn")
            if not name:
                break
        style.is_bold = bool(is_bold)
        return style
