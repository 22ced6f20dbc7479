"""Files from owners are read, files from strangers do no harm, and every refusal says why."""

import io
import struct
import subprocess
import sys
import threading
import time
import zipfile

import openpyxl
import pytest

from faqs import readers
from faqs.readers import apart, archives, base
from tests.faqs import files

HEADER = "question,answer,category,keywords,active,alt_questions"


def refusal(data: bytes) -> str:
    with pytest.raises(readers.UnableToReadFile) as caught:
        readers.read(data)
    return str(caught.value)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_csv_is_read_in_every_usual_separator_and_encoding(separator: str, encoding: str) -> None:
    lines = [HEADER, 'When?,"Café, 9–5 🕘",Visits,hours open,yes,open today?|una dey open?']
    if separator != ",":
        lines = [line.replace(",", separator).replace('é"', "é") for line in lines]

    table = readers.read("\r\n".join(lines).encode(encoding))

    row = table.rows[0]
    assert row.number == 2
    assert row.values["question"] == "When?"
    assert row.values["answer"].startswith("Café")
    assert row.values["alt_questions"] == "open today?|una dey open?"
    assert row.problem == ""
    assert table.notes == []


def test_windows_text_is_read_and_the_owner_is_told() -> None:
    table = readers.read("question;answer\nCafé?;“Yes” – 9€".encode("cp1252"))

    assert table.rows[0].values == {"question": "Café?", "answer": "“Yes” – 9€"}
    assert "UTF-8" in table.notes[0]


def test_quoted_line_breaks_stay_inside_their_cell() -> None:
    table = readers.read(b'question,answer\nWhen?,"Mon\nTue\n"\n\nWhere?,Yaba\n')

    assert [row.values["answer"] for row in table.rows] == ["Mon\nTue\n", "Yaba"]
    assert [row.number for row in table.rows] == [2, 4]


def test_headings_are_found_whatever_their_case_and_spaces() -> None:
    table = readers.read(b" QUESTION ,Answer,Alt Questions,FAQ-ID,Price\na,b,c,d,e\n")

    assert table.rows[0].values == {
        "question": "a", "answer": "b", "alt_questions": "c", "faq_id": "d",
    }  # fmt: skip
    assert table.columns == ["faq_id", "question", "answer", "alt_questions"]
    assert table.notes == ["Not used, because they are not known: Price."]


def test_extra_phrasings_is_another_name_for_alt_questions() -> None:
    table = readers.read(b"question,answer,extra_phrasings,alt_questions\na,b,c,d | e\n")

    assert table.rows[0].values["alt_questions"] == "c | d | e"


def test_excels_own_separator_line_is_understood() -> None:
    table = readers.read(b"sep=;\r\nquestion;answer\r\na;b, c\r\n")

    assert table.rows[0].values == {"question": "a", "answer": "b, c"}
    assert table.rows[0].number == 2


def test_nul_characters_are_taken_out_and_reported() -> None:
    table = readers.read(b"question,answer\nWh\x00en?,Now\n")

    assert table.rows[0].values["question"] == "When?"
    assert "NUL" in table.notes[0]


def test_missing_columns_are_named_with_the_ones_found() -> None:
    message = refusal(b"name,phone\nAda,0803\n")

    assert "no column named question and none named answer" in message
    assert "name, phone" in message


def test_unquoted_comma_makes_the_row_invalid_instead_of_cutting_the_answer() -> None:
    table = readers.read(b"question,answer\nWhen?,Monday, Tuesday\n")

    assert "quotation marks" in table.rows[0].problem


def test_cell_without_an_end_is_explained() -> None:
    assert "closing quotation mark" in refusal(b'question,answer\nWhen?,"' + b"x" * 200_000)


def test_fifty_thousand_rows_are_refused_with_both_numbers() -> None:
    rows = [f"question {number},answer" for number in range(50_000)]

    message = refusal("\n".join(["question,answer", *rows]).encode())

    assert "50,000" in message
    assert "5,000" in message
    assert "Split" in message


def test_fifty_thousand_rows_of_a_workbook_are_refused_as_well() -> None:
    rows = [["question", "answer"], *([f"q{number}", "a"] for number in range(50_000))]

    message = refusal(files.workbook_with_strings(rows))

    assert "50,000" in message
    assert "5,000" in message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"question,answer\n", "heading but no rows"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "cannot be read"),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9, "cannot be read"),
        (b"%PDF-1.7 and so on", "damaged"),
        (bytes(range(256)) * 40, "cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Office format"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "password",
        ),
        (b"PK\x03\x04 and then nothing", "damaged"),
        (b"x" * (base.MAX_BYTES + 1), "5 MB"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(data: bytes, expected: str) -> None:
    assert expected in refusal(data)


def test_workbook_is_read_with_numbers_dates_and_truths_as_text() -> None:
    data = files.workbook(
        [
            ["Question", "ANSWER", "Active", "Alt Questions", "Price"],
            ["When?", "9 – 5 🕘", True, "a | b", 3],
            ["Phone?", 8031234567.0, "no", None, None],
            [None, None, None, None, None],
            ["متى تفتحون؟", "من ٩ إلى ٥", None, None, None],
        ]
    )

    table = readers.read(data)

    assert [row.number for row in table.rows] == [2, 3, 5]
    assert table.rows[0].values["active"] == "true"
    assert table.rows[1].values["answer"] == "8031234567"
    assert table.rows[2].values["question"] == "متى تفتحون؟"
    assert table.notes == ["Not used, because they are not known: Price."]


def test_formula_is_shown_as_text_and_never_calculated() -> None:
    data = files.workbook(
        [["question", "answer"], ["How much?", "=1+1"], ["=cmd|' /C calc'!A0", "a"]]
    )

    table = readers.read(data)

    assert table.rows[0].values["answer"] == "=1+1"
    assert table.rows[1].values["question"] == "=cmd|' /C calc'!A0"
    assert "formulas" in table.notes[0]


def test_sheet_with_the_questions_is_chosen() -> None:
    book = openpyxl.Workbook(write_only=True)
    book.create_sheet("Notes").append(["Read me first"])
    page = book.create_sheet("FAQ")
    page.append(["question", "answer"])
    page.append(["a", "b"])
    out = io.BytesIO()
    book.save(out)

    table = readers.read(out.getvalue())

    assert table.rows[0].values == {"question": "a", "answer": "b"}
    assert "“FAQ”" in table.notes[0]


def test_bomb_of_700_megabytes_is_refused_in_well_under_a_second() -> None:
    data = files.bomb(700)
    started = time.monotonic()

    message = refusal(data)

    assert len(data) < 800_000
    assert "700 MB" in message
    assert time.monotonic() - started < 0.5


def test_bomb_that_lies_about_its_size_is_refused() -> None:
    data = bytearray(files.bomb(80))
    struct.pack_into("<I", data, data.rfind(b"PK\x01\x02") + 24, 1_000)

    assert "damaged" in refusal(bytes(data))


def test_what_is_unpacked_is_counted_and_not_only_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    data = files.with_part(files.workbook([["question", "answer"]]), "x.bin", bytes(3_000_000))
    monkeypatch.setattr(archives, "_check_declared", lambda parts, packed: None)

    assert "times its size" in refusal(data)


def test_thousands_of_parts_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(archives.MAX_PARTS + 1):
            archive.writestr(f"xl/{number}.xml", b"")

    assert "parts" in refusal(out.getvalue())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_and_entities_are_refused(encoding: str) -> None:
    declared = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><sst/>'.encode(encoding)
    data = files.workbook_with_strings([["question", "answer"], ["a", "b"]])

    assert "declarations" in refusal(files.with_part(data, "xl/sharedStrings.xml", declared))


def test_dimension_that_lies_costs_nothing() -> None:
    data = files.workbook_with_strings([["question", "answer"], ["a", "b"]])
    sheet = files.part_of(data, "xl/worksheets/sheet1.xml").replace(b"A1:B2", b"A1:XFD1048576")
    started = time.monotonic()

    table = readers.read(files.with_part(data, "xl/worksheets/sheet1.xml", sheet))

    assert len(table.rows) == 1
    assert time.monotonic() - started < 10


def test_renamed_archive_is_refused() -> None:
    for name, expected in (("content.xml", "OpenDocument"), ("photo.jpg", "compressed")):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(name, b"x")

        assert expected in refusal(out.getvalue())


def test_child_that_runs_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "CHILD_SECONDS", 0.01)

    assert "too much time" in refusal(files.workbook([["question", "answer"], ["a", "b"]]))


def test_only_so_many_files_are_parsed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(apart, "_WAIT_SECONDS", 0.01)

    with apart._places:
        assert "Try again in a minute" in refusal(files.workbook([["question", "answer"]]))


def test_child_needs_neither_django_nor_settings() -> None:
    script = "import sys, faqs.readers.child; print([m for m in sys.modules if 'django' in m])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env={}, check=True)

    assert done.stdout.strip() == b"[]"


def test_child_has_little_memory_and_time() -> None:
    script = (
        "import resource as r, faqs.readers.child as c; c.limit(); "
        "print(r.getrlimit(r.RLIMIT_AS)[0], r.getrlimit(r.RLIMIT_CPU)[0])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert done.stdout.split() == [b"536870912", b"10"]
