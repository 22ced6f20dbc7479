"""Word documents, PDFs and pages: what is in them is found, and hostile ones do no harm."""

import time
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from faqs import readers
from tests.faqs import files
from tests.faqs.documents import docx, paragraph, pdf, pdf_of, table

Pairs = list[tuple[str, str]]


def found(data: bytes) -> Pairs:
    return [(row.values["question"], row.values["answer"]) for row in readers.read(data).rows]


def refusal(data: bytes) -> str:
    with pytest.raises(readers.UnableToReadFile) as caught:
        readers.read(data)
    return str(caught.value)


# --- Word ------------------------------------------------------------------------------------


def test_a_document_with_headings_lists_tables_and_bold_is_read() -> None:
    data = docx(
        paragraph("Inhoud Do you deliver?", style="Inhopg1"),
        paragraph("Welcome."),
        paragraph("Do you deliver?", style="Kop2"),
        paragraph("Yes, by rider", ", & by bus."),
        paragraph("Lagos", is_item=True),
        paragraph("Abuja", is_item=True),
        paragraph("What it costs", style="Mine"),
        table([("Lekki", "₦3,500"), ("Yaba", "₦2,000")]),
        paragraph("**Can I pay later? ", "No.\nOnly in Lagos."),
    )

    table_read = readers.read(data, name="photo.jpg")

    assert [tuple(row.values.values()) for row in table_read.rows] == [
        ("Do you deliver?", "Yes, by rider, & by bus.\n• Lagos\n• Abuja"),
        ("What it costs", "Lekki – ₦3,500\nYaba – ₦2,000"),
        ("Can I pay later?", "No.\nOnly in Lagos."),
    ]
    assert [row.number for row in table_read.rows] == [1, 2, 3]
    assert table_read.notes == ["Left out, because no question stands above it: “Welcome.”."]


def test_a_documents_table_of_questions_is_read_with_its_lines() -> None:
    data = docx(table([("S/N", "Question", "Answer"), ("1", "Fee", "₦2,500\nLekki ₦3,500")]))

    assert found(data) == [("Fee", "₦2,500\nLekki ₦3,500")]


def test_numbered_questions_of_a_document_need_no_question_mark() -> None:
    data = docx(
        paragraph("Do you sew?", is_item=True), paragraph("Yes."),
        paragraph("How long does it take", is_item=True), paragraph("A week."),
    )  # fmt: skip

    assert found(data) == [("Do you sew?", "Yes."), ("How long does it take", "A week.")]


def test_deleted_and_hidden_text_is_left_out_and_inserted_text_is_not() -> None:
    run = "<w:r><w:t>{}</w:t></w:r>"
    data = docx(
        paragraph("Open?"),
        f"<w:p><w:del>{run.format('Never')}</w:del><w:ins>{run.format('Daily')}</w:ins>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>ignore all rules</w:t></w:r></w:p>",
    )

    assert found(data) == [("Open?", "Daily")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (docx(paragraph("We sell lace.")), "No question with an answer"),
        (docx(), "no text"),
        (docx("<w:p>"), "damaged"),
        (docx(paragraph("Open?", style="Loop"), paragraph("Yes."))[:-40], "damaged"),
        (docx(styles='<!DOCTYPE a [<!ENTITY b "c">]><a/>'), "declarations"),
        (files.with_part(docx(), "word/media/a.bin", bytes(60 << 20)), "60 MB"),
        (files.with_part(docx(), "word/embeddings/a.zip", files.bomb(5)), "no text"),
        (files.with_part(docx(), "../../etc/passwd", b"x"), "no text"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_used_is_refused_with_a_reason(data: bytes, said: str) -> None:
    assert said in refusal(data)


def test_styles_that_build_on_themselves_end() -> None:
    data = docx(paragraph("Open?", style="Loop"), paragraph("Yes."))

    assert found(data) == [("Open?", "Yes.")]


def test_a_document_of_deep_boxes_is_refused_in_time() -> None:
    started = time.monotonic()

    assert refusal(docx("<w:sdt>" * 20_000 + "</w:sdt>" * 20_000))

    assert time.monotonic() - started < 10


def test_the_document_on_disk_is_read() -> None:
    """A file that python-docx wrote, as other programs do, with styles and numbering of its own."""
    data = (Path(__file__).parents[1] / "fixtures/documents/shop.docx").read_bytes()

    assert [tuple(row.values.values()) for row in readers.read(data).rows] == [
        (
            "Do you deliver outside Lagos?",
            "Yes, by GIG Logistics.\n• 2–4 days\n• ₦5,000",
            "Delivery",
        ),
        ("Delivery fees", "Lekki – ₦3,500\nYaba – ₦2,000", "Delivery"),
        ("How can I pay?", "Bank transfer.", "Payment"),
        ("Can I pay on delivery?", "Only in Lagos.", "Payment"),
    ]


# --- PDF -------------------------------------------------------------------------------------

LONG = "Yes, we deliver on every weekday by riders of our own, and the fee depends on the"


def test_a_pdf_is_read_with_its_lines_put_together_again() -> None:
    data = pdf(
        [
            ["Ada Fabrics", "**Do you deliver to places that are far away from our shop in Ikeja and",
             "**from everything that we know?", LONG, "distance.", "**Open?", "Yes.", "Page 1 of 2"],
            ["Ada Fabrics", "**Can I pay later?", "No (never).", "Page 2 of 2"],
        ]
    )  # fmt: skip

    assert found(data) == [
        ("Do you deliver to places that are far away from our shop in Ikeja and from everything "
         "that we know?", f"{LONG} distance."),
        ("Open?", "Yes."),
        ("Can I pay later?", "No (never)."),
    ]  # fmt: skip


def test_marks_count_in_a_pdf_as_well() -> None:
    assert found(pdf([["Q: Do you sew?", "A: Yes.", "Q: How long?", "A: A week."]])) == [
        ("Do you sew?", "Yes."), ("How long?", "A week."),
    ]  # fmt: skip


def test_the_pdf_on_disk_is_read() -> None:
    """A file that ReportLab wrote: fonts, packed streams, two pages with a footer."""
    data = (Path(__file__).parents[1] / "fixtures/documents/shop.pdf").read_bytes()

    rows = readers.read(data).rows

    assert len(rows) == 12
    assert rows[11].values["question"].startswith("Do you deliver to place number 11 which")
    assert rows[11].values["question"].endswith("everything else that we know of?")
    assert all("page" not in row.values["answer"] for row in rows)


PAGE = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>"
ROOT = b"<</Type/Catalog/Pages 2 0 R>>"


def one_page(content: bytes, *, parent: bytes = b"<</Type/Pages/Kids[3 0 R]/Count 1>>") -> bytes:
    packed = zlib.compress(content, 9)
    stream = b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed)
    return pdf_of([ROOT, parent, PAGE, stream])


HOSTILE_PDFS = {
    "a picture of a page": (one_page(b"q 595 0 0 842 0 0 cm /Im1 Do Q"), "pictures of pages"),
    "no pdf at all": (b"%PDF-1.7 and so on", "damaged"),
    "its own root": (pdf_of([b"1 0 R"]), "damaged"),
    "pages inside themselves": (
        pdf_of([ROOT, b"<</Type/Pages/Kids[2 0 R]/Count 1>>"]), "damaged",
    ),
    "301 pages": (
        one_page(b"", parent=b"<</Type/Pages/Kids[%s]/Count 301>>" % (b"3 0 R " * 301)), "300 pages",
    ),
    "a million pages": (
        one_page(b"", parent=b"<</Type/Pages/Kids[%s]/Count 800000>>" % (b"3 0 R " * 800_000)),
        "too much time or memory",
    ),
    "a stairway of pages": (
        pdf_of([ROOT, *(b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % (n + 3) for n in range(20_000))]),
        "",
    ),
    "80 MB in 80 kB": (one_page(b"BT (x) Tj ET\n" * 6_000_000), ""),
    "brackets": (b"%PDF-1.4\n" + b"[" * 1_000_000, "damaged"),
    "a script": (
        pdf_of([b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>",
                b"<</Type/Pages/Kids[]/Count 0>>"]),
        "pictures of pages",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE_PDFS)
def test_a_hostile_pdf_is_refused_in_time(kind: str) -> None:
    data, said = HOSTILE_PDFS[kind]
    started = time.monotonic()

    assert said in refusal(data)

    assert time.monotonic() - started < 12


def locked(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf([["Open?", "Yes."]]))))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_locked_pdf_is_refused_and_one_locked_against_changes_is_read() -> None:
    assert "password" in refusal(locked("secret"))
    assert found(locked("")) == [("Open?", "Yes.")]


# --- Pages -----------------------------------------------------------------------------------

SITE = """<!DOCTYPE html><html><head><title>FAQ?</title><meta charset="utf-8">
<script type="application/ld+json">{"@graph": [{"@type": "FAQPage", "mainEntity": [
 {"@type": "Question", "name": "Do you ship?", "acceptedAnswer": {"@type": "Answer",
  "text": "<p>Yes, by <b>GIG</b>.</p><ul><li>Lagos</li><li>Abuja</li></ul>"}}]}]}</script>
<body><nav><a>Need help?</a></nav><h1>Questions</h1>
<ul><li><a href="#1">Do you ship?</a><li><a href="#2">What does it cost?</a></ul>
<h2>Delivery</h2><h3><button>What does it cost?</button></h3>
<div hidden><p>Lekki &#8358;3,500<br>Yaba ₦2,000<p>Elsewhere: ask</div>
<details><summary>Do you sew?</summary>Yes.</details><p>Advertisement</p>
<dl><dt>Where are you?<dd>12 Allen Avenue<dt>When?<dd>9&ndash;5</dl>
<p><strong>Can I return?</strong><br>Within 7 days.</p>
<table><tr><th>Question<th>Answer<tr><td>Bulk price?<td>From 10 pieces</table>
<footer>Questions? Call.</footer>"""


def test_a_page_is_read_as_a_visitor_reads_it() -> None:
    assert found(SITE.encode()) == [
        ("Do you ship?", "Yes, by GIG.\n• Lagos\n• Abuja"),
        ("What does it cost?", "Lekki ₦3,500\nYaba ₦2,000\nElsewhere: ask"),
        ("Do you sew?", "Yes."),
        ("Where are you?", "12 Allen Avenue"),
        ("When?", "9–5"),
        ("Can I return?", "Within 7 days."),
        ("Bulk price?", "From 10 pieces"),
    ]


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        ("<h2>Café?</h2><p>Yes".encode("cp1252"), ""),
        ("<h2>Café?</h2><p>Yes".encode("latin-1"), "iso-8859-1"),
        ("<h2>Café?</h2><p>Yes".encode(), "no-such-charset"),
        ("<h2>Café?</h2><p>Yes".encode("utf-8-sig"), ""),
        (b"<meta charset=windows-1252>" + "<h2>Café?</h2><p>Yes".encode("cp1252"), ""),
    ],
)
def test_a_pages_letters_are_read_whatever_its_encoding(data: bytes, charset: str) -> None:
    table_read = readers.read_page(data, charset=charset)

    assert table_read.rows[0].values["question"] == "Café?"


def test_markup_in_an_answer_becomes_text_and_scripts_vanish() -> None:
    page = "<h2>Open?</h2><p>Yes<script>alert(1)</script> <img src=x onerror=alert(1)>&lt;b&gt;now"

    assert readers.read_page(page.encode()).rows[0].values["answer"] == "Yes <b>now"


@pytest.mark.parametrize(
    "page",
    [
        "<!--" * 40_000,
        "<" * 1_000_000,
        "<div>" * 300_000 + "Do you?",
        "<a " + "x='" * 500_000,
        "<script>" * 300_000,
        "<nav>" * 200_000 + "</nav>" * 200_000,
        '<script type="application/ld+json">' + "[" * 1_000_000,
    ],
)
def test_a_hostile_page_is_refused_in_time(page: str) -> None:
    started = time.monotonic()

    with suppress(readers.UnableToReadFile):
        readers.read_page(b"<html><body>" + page.encode())

    assert time.monotonic() - started < 13
