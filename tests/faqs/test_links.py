"""A link is taken as people paste it, and what it leads to is read as a file would be."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from faqs import links, readers
from lib import fetching
from tests.faqs import documents
from tests.lib import sockets

ID = "1AbC_dEf-GhIjKlMnOpQrStUvWxYz0123456789"
EXPORT = f"https://docs.google.com/spreadsheets/d/{ID}/export?format=csv"
PUBLISHED = f"https://docs.google.com/spreadsheets/d/e/2PACX-{ID}"


@pytest.mark.parametrize(
    ("link", "export"),
    [
        (f"https://docs.google.com/spreadsheets/d/{ID}/edit?usp=sharing", EXPORT),
        (f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=77", EXPORT + "&gid=77"),
        (f"https://docs.google.com/spreadsheets/d/{ID}/edit?gid=5#gid=7", EXPORT + "&gid=7"),
        (f"https://docs.google.com/spreadsheets/u/1/d/{ID}/htmlview", EXPORT),
        (f"https://docs.google.com/a/shop.example/spreadsheets/d/{ID}", EXPORT),
        (f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=1&range=A1", EXPORT + "&gid=1"),
        (f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=٧;x", EXPORT),
        (f"{PUBLISHED}/pubhtml", f"{PUBLISHED}/pub?output=csv"),
        (f"{PUBLISHED}/pubhtml?gid=3&single=true", f"{PUBLISHED}/pub?output=csv&single=true&gid=3"),
        (f"{PUBLISHED}/pub?output=csv", f"{PUBLISHED}/pub?output=csv"),
        ("https://docs.google.com/document/d/1AbC_dEf-GhIjKlMnOpQ/edit", ""),
        (f"https://docs.google.com.evil.example/spreadsheets/d/{ID}/edit", ""),
        ("https://shop.example/spreadsheets/d/1AbC_dEf-GhIjKlMnOpQ/edit", ""),
        ("https://[::", ""),
    ],
)
def test_every_link_of_a_sheet_leads_to_its_rows(link: str, export: str) -> None:
    assert links.sheet_export(link) == export


def test_https_may_be_left_out() -> None:
    assert links.with_scheme(" shop.example/faq ") == "https://shop.example/faq"
    assert links.with_scheme("http://shop.example") == "http://shop.example"


def says(body: bytes, kind: str, *, more: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextmanager
def serving(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve one answer at an address that the rules allow here."""
    with sockets.serving(sockets.says(raw)) as server:
        rules = fetching.Rules(
            resolve=lambda host, port: ["127.0.0.1"],
            is_allowed=lambda address: address.is_loopback,
            ports={server.port},
        )
        monkeypatch.setattr(fetching, "PUBLIC", rules)
        yield f"http://shop.example:{server.port}"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<h2>Café?</h2><p>Yes.".encode("cp1252"), "text/html; charset=windows-1252"),
        ("Café?\nYes.".encode(), "text/plain"),
        ("question,answer\nCafé?,Yes.\n".encode(), "text/csv"),
        (documents.docx(documents.paragraph("Café?"), documents.paragraph("Yes.")),
         "application/octet-stream"),
        (documents.pdf([["Café?", "Yes."]]), "application/pdf"),
    ],
)  # fmt: skip
def test_pages_and_files_behind_a_link_are_read(
    body: bytes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(says(body, kind), monkeypatch) as address:
        table = links.read(address)

    assert table.rows[0].values == {"question": "Café?", "answer": "Yes."}


def of_sheet(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> readers.Table:
    with serving(raw, monkeypatch) as address:
        monkeypatch.setattr(links, "sheet_export", lambda link: f"{address}/export")
        return links.read(f"https://docs.google.com/spreadsheets/d/{ID}/edit")


def test_a_sheet_open_to_everybody_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = says(b"Question,Answer\nOpen?,Yes.\n", "text/csv")

    assert of_sheet(raw, monkeypatch).rows[0].values == {"question": "Open?", "answer": "Yes."}


def test_a_sheet_without_the_columns_is_told_which_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(readers.UnableToReadFile, match="no column named question"):
        of_sheet(says(b"Item,Price\nLace,5000\n", "text/csv"), monkeypatch)


@pytest.mark.parametrize(
    "raw",
    [
        says(b"<html>Sign in - Google Accounts", "text/html"),
        b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_closed_sheet_is_explained(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(fetching.UnableToFetch, match="Anyone with the link"):
        of_sheet(raw, monkeypatch)


def test_a_sheet_that_google_cannot_give_just_now_is_no_closed_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(fetching.UnableToFetch, match="trouble"):
        of_sheet(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", monkeypatch)


def test_a_sheets_rows_come_from_another_host_of_googles(monkeypatch: pytest.MonkeyPatch) -> None:
    with sockets.serving(sockets.says(says(b"Question,Answer\nOpen?,Yes.\n", "text/csv"))) as end:
        where = f"http://doc-0s-sheets.googleusercontent.example:{end.port}/export"
        head = f"HTTP/1.1 307 Temporary\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n"
        with sockets.serving(sockets.says(head.encode())) as begin:
            rules = fetching.Rules(
                resolve=lambda host, port: ["127.0.0.1"],
                is_allowed=lambda address: address.is_loopback,
                ports={begin.port, end.port},
            )
            monkeypatch.setattr(fetching, "PUBLIC", rules)
            monkeypatch.setattr(
                links, "sheet_export", lambda link: f"http://docs.example:{begin.port}/export"
            )

            table = links.read(f"https://docs.google.com/spreadsheets/d/{ID}/edit")

    assert table.rows[0].values["question"] == "Open?"
