"""Documents as owners and strangers send them: Word files and PDFs, written by hand."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_STYLES = (
    f"<w:styles {_W}>"
    '<w:style w:styleId="Kop2"><w:name w:val="heading 2"/></w:style>'
    '<w:style w:styleId="Mine"><w:name w:val="My questions"/><w:basedOn w:val="Kop2"/></w:style>'
    '<w:style w:styleId="Inhopg1"><w:name w:val="toc 1"/></w:style>'
    '<w:style w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>'
    "</w:styles>"
)


def paragraph(*runs: str, style: str = "", is_item: bool = False) -> str:
    """Return a paragraph; a run that begins with ** is bold, a line break in one is a <w:br/>."""
    look = f'<w:pStyle w:val="{style}"/>' if style else ""
    look += '<w:numPr><w:numId w:val="1"/></w:numPr>' if is_item else ""
    return f"<w:p><w:pPr>{look}</w:pPr>{''.join(map(_run, runs))}</w:p>"


def _run(text: str) -> str:
    look = "<w:rPr><w:b/></w:rPr>" if text.startswith("**") else ""
    lines = (f"<w:t>{escape(line)}</w:t>" for line in text.removeprefix("**").split("\n"))
    return f"<w:r>{look}{'<w:br/>'.join(lines)}</w:r>"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a line break in a cell begins a paragraph."""
    cells = (
        "".join(f"<w:tc>{''.join(map(paragraph, cell.split(chr(10))))}</w:tc>" for cell in row)
        for row in rows
    )
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def docx(*body: str, styles: str = _STYLES) -> bytes:
    """Return a Word document of paragraphs and tables."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml", f"<w:document {_W}><w:body>{''.join(body)}</w:body></w:document>"
        )
        archive.writestr("word/styles.xml", styles)
    return out.getvalue()


def pdf(pages: Iterable[Sequence[str]]) -> bytes:
    """Return a PDF with a line of text for each; a line that begins with ** is in bold."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
    ]
    numbers = []
    for lines in pages:
        said = "".join(_shown(line, 780 - 16 * place) for place, line in enumerate(lines)).encode(
            "cp1252"
        )
        numbers.append(len(objects) + 1)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
            b"/Resources<</Font<</F1 3 0 R/F2 4 0 R>>>>>>" % (len(objects) + 2)
        )
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(said), said))
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    objects[1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(numbers))
    return pdf_of(objects)


def _shown(line: str, height: int) -> str:
    font = "F2" if line.startswith("**") else "F1"
    text = line.removeprefix("**").replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /{font} 11 Tf 50 {height} Td ({text}) Tj ET\n"


def pdf_of(objects: Sequence[bytes], *, trailer: bytes = b"") -> bytes:
    """Return a PDF of these objects, the first of which is its root."""
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table_at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\n" % (len(objects) + 1, trailer)
    return out + b"startxref\n%d\n%%%%EOF" % table_at
