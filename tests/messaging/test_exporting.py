"""Exports: every row once whatever breaks off, one at a time, gone after a day."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection as database
from openpyxl import load_workbook

from lib import tables
from messaging import export_rows, exporting
from messaging.models import Contact, ConversationExport, ExportPiece, Message
from tests.conftest import NOW
from tests.pages.conftest import Shop, shop, write  # noqa: F401 - a fixture
from workspaces import alarms, scope
from workspaces.models import Alarm, AuditEntry, User

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def chats(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:  # noqa: F811
    """A shop with twelve more conversations of three messages, read a few at a time."""
    monkeypatch.setattr(export_rows, "CONVERSATIONS_AT_ONCE", 5)
    monkeypatch.setattr(export_rows, "MESSAGES_AT_ONCE", 7)
    with scope.workspace(shop.space), database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messaging_contact (name, username, phone, is_opted_out,"
            " is_marketing_opted_out, created_at, last_seen_at)"
            " SELECT '=cmd' || n, '', '+23480600000' || lpad(n::text, 2, '0'), false, false, %(now)s, %(now)s"
            " FROM generate_series(1, 12) n;"
            "INSERT INTO messaging_conversation (contact_id, connection_id, state, holder,"
            " needs_person, last_message_at, opened_at, closed_at)"
            " SELECT id, %(number)s, 'closed', 'bot', false, %(now)s, %(now)s, %(now)s + interval '1 hour'"
            " FROM messaging_contact WHERE name LIKE '=cmd%%'",
            {"now": NOW, "number": shop.number.pk},
        )
        cursor.execute(
            "INSERT INTO messaging_message (conversation_id, direction, author, kind, text, content,"
            " text_digest, provider_message_id, reply_to_provider_id, status, error_code, error,"
            " is_deleted, is_edited, correlation, provider_at, created_at)"
            " SELECT t.id, CASE WHEN n = 0 THEN 'in' ELSE 'out' END,"
            " (ARRAY['contact', 'bot', 'member'])[n + 1], 'text', 'word ' || n, '{}', '', '', '',"
            " CASE WHEN n = 0 THEN 'received' ELSE 'sent' END, '', '', false, false, '',"
            " %(now)s + n * interval '30 seconds', %(now)s"
            " FROM messaging_conversation t, generate_series(0, 2) n WHERE t.state = 'closed'",
            {"now": NOW},
        )
    yield shop


def begin(shop: Shop, user: User, **asked: Any) -> ConversationExport:  # noqa: F811
    values = {
        "what": "conversations",
        "form": "csv",
        "first_day": None,
        "last_day": None,
        "connection_id": None,
    }
    with scope.workspace(shop.space):
        return exporting.begin(workspace=shop.space, user=user, now=NOW, **(values | asked))


def work(shop: Shop, *, seconds: float = 30.0, now: Any = NOW) -> None:  # noqa: F811
    exporting.advance(workspace=shop.space, now=now, seconds=seconds)


def file_of(shop: Shop, export: ConversationExport) -> bytes:  # noqa: F811
    with scope.workspace(shop.space):
        _, file = exporting.open_file(export_id=export.pk, now=NOW)
        with file:
            return file.read()


def again(shop: Shop, export: ConversationExport) -> ConversationExport:  # noqa: F811
    with scope.workspace(shop.space):
        return ConversationExport.objects.get(pk=export.pk)


def as_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_conversations_are_a_line_each_with_what_was_counted(chats: Shop, ada: User) -> None:
    export = begin(chats, ada)

    work(chats)

    rows = as_csv(file_of(chats, export))
    assert len(rows) == 13 == len({row["conversation_id"] for row in rows})
    assert set(rows[0]) == set(export_rows.CONVERSATION_COLUMNS)
    row = rows[1]
    assert row["contact_name"].startswith("'=cmd"), "no spreadsheet runs a name"
    assert (row["messages_in"], row["messages_out"], row["by_bot"], row["by_team"]) == (
        "1",
        "2",
        "1",
        "1",
    )
    assert row["first_response_s"] == "30" and row["resolution_s"] == "3600"
    assert row["opened_at"] == "2026-11-20 10:00:00", "in the workspace's own time"
    assert row["url"].endswith(f"/w/acme/conversations/{row['conversation_id']}/")


@pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
def test_whole_chats_hold_every_message_once_and_in_order(
    chats: Shop, ada: User, form: str
) -> None:
    export = begin(chats, ada, what="messages", form=form)

    work(chats)

    data = file_of(chats, export)
    if form == "json":
        found = [row["message_id"] for row in json.loads(data)]
    elif form == "csv":
        found = [int(row["message_id"]) for row in as_csv(data)]
    else:
        lines = list(load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True))
        assert list(lines[0]) == list(export_rows.MESSAGE_COLUMNS)
        found = [int(str(line[1])) for line in lines[1:]]
    with scope.workspace(chats.space):
        expected = list(
            Message.objects.order_by("conversation_id", "provider_at", "pk").values_list(
                "pk", flat=True
            )
        )
    assert found == expected and len(found) == 38
    done = again(chats, export)
    assert (done.state, done.done, done.total) == ("done", 38, 38)


@pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
def test_a_worker_that_dies_after_each_piece_leaves_the_same_file(
    chats: Shop, ada: User, form: str
) -> None:
    whole = begin(chats, ada, what="messages", form="csv")
    work(chats)
    broken = begin(chats, ada, what="messages", form=form)

    turns = 0
    while again(chats, broken).state == "going":
        work(chats, seconds=0.000001)  # time for one piece only
        turns += 1

    ids = [int(row["message_id"]) for row in as_csv(file_of(chats, whole))]
    data = file_of(chats, broken)
    if form == "csv":
        assert data == file_of(chats, whole)
    elif form == "json":
        assert [row["message_id"] for row in json.loads(data)] == ids
    else:
        lines = load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True, min_row=2)
        assert [line[1] for line in lines] == ids
    assert turns > 5
    with scope.workspace(chats.space):
        assert not ExportPiece.objects.filter(is_file=False).exists()


def test_what_broke_off_while_a_workbook_was_made_is_made_anew(
    chats: Shop, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = begin(chats, ada, form="xlsx")
    real = tables.to_xlsx_file

    def breaks(*values: Any, **named: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(tables, "to_xlsx_file", breaks)
    with pytest.raises(OSError):
        work(chats)
    monkeypatch.setattr(tables, "to_xlsx_file", real)
    work(chats)

    assert again(chats, export).state == "done"
    sheet = load_workbook(io.BytesIO(file_of(chats, export))).worksheets[0]
    assert sheet.max_row == 14 and str(sheet["C3"].value).startswith("'=cmd")


def test_one_that_always_breaks_off_is_given_up_with_a_sentence(
    chats: Shop, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = begin(chats, ada)

    def breaks(*values: Any, **named: Any) -> None:
        raise ValueError("a row nobody can read")

    monkeypatch.setattr(export_rows.Reader, "read", breaks)
    for _ in range(5):
        with pytest.raises(ValueError, match="nobody can read"):
            work(chats)
    work(chats)

    given_up = again(chats, export)
    assert given_up.state == "failed" and "start it again" in given_up.error
    with scope.workspace(chats.space):
        assert not ExportPiece.objects.exists()


def test_days_and_a_number_narrow_both_files_alike(chats: Shop, ada: User) -> None:
    november = {"first_day": date(2026, 11, 20), "last_day": date(2026, 11, 20)}
    talks = begin(chats, ada, connection_id=chats.number.pk, **november)
    work(chats)
    counted = as_csv(file_of(chats, talks))
    lines = begin(chats, ada, what="messages", **november)
    work(chats)
    empty = begin(chats, ada, last_day=date(2020, 1, 1))
    work(chats)

    assert len(counted) == 12
    messages = as_csv(file_of(chats, lines))
    assert (
        len(messages) == 36 == sum(int(r["messages_in"]) + int(r["messages_out"]) for r in counted)
    )
    assert as_csv(file_of(chats, empty)) == []


def test_an_empty_json_file_is_an_empty_list(chats: Shop, ada: User) -> None:
    export = begin(chats, ada, form="json", last_day=date(2020, 1, 1))

    work(chats)

    assert json.loads(file_of(chats, export)) == []


def test_one_is_made_at_a_time_and_three_are_kept(chats: Shop, ada: User) -> None:
    first = begin(chats, ada)
    with pytest.raises(exporting.UnableToExport, match="being made already"):
        begin(chats, ada)
    work(chats)

    for _ in range(3):
        begin(chats, ada)
        work(chats)

    with scope.workspace(chats.space):
        kept = exporting.kept(now=NOW)
        assert len(kept) == 3 and first.pk not in [row.pk for row in kept]
        assert ExportPiece.objects.exclude(export__in=kept).count() == 0


def test_a_number_of_another_workspace_is_refused(chats: Shop, ada: User) -> None:
    with pytest.raises(exporting.UnableToExport, match="not one of yours"):
        begin(chats, ada, connection_id=chats.number.pk + 10_000)


def test_a_file_is_gone_a_day_later(chats: Shop, ada: User) -> None:
    export = begin(chats, ada)
    work(chats)
    with scope.system():
        rings_at = Alarm.objects.get(workspace=chats.space, kind=exporting.ALARM).due_at
        assert rings_at == NOW + exporting.LIVES

    with scope.workspace(chats.space), pytest.raises(exporting.UnableToFindExport):
        exporting.open_file(export_id=export.pk, now=NOW + DAY)
    work(chats, now=NOW + DAY)

    with scope.workspace(chats.space):
        assert not ConversationExport.objects.exists() and not ExportPiece.objects.exists()
        assert not alarms.is_set(workspace_id=chats.space.pk, kind=exporting.ALARM)


def test_one_that_was_cancelled_in_the_middle_stays_away(chats: Shop, ada: User) -> None:
    export = begin(chats, ada, what="messages")
    work(chats, seconds=0.000001)
    with scope.workspace(chats.space):
        assert ExportPiece.objects.count() == 1
        exporting.drop(workspace=chats.space, export_id=export.pk, user=ada, now=NOW)

    work(chats)

    with scope.workspace(chats.space):
        assert not ConversationExport.objects.exists() and not ExportPiece.objects.exists()
        actions = list(
            AuditEntry.objects.filter(action__startswith="export.").values_list("action", "target")
        )
    assert sorted(actions) == [
        ("export.begun", "messages csv"),
        ("export.cancelled", "messages csv"),
    ]


@pytest.mark.parametrize("what", ["conversations", "messages"])
def test_a_contact_is_called_in_files_as_the_team_calls_it(
    chats: Shop, ada: User, what: str
) -> None:
    with scope.workspace(chats.space):
        Contact.objects.filter(name="=cmd1").update(known_as="Aunty Ngozi")
    export = begin(chats, ada, what=what)

    work(chats)

    names = {row["contact_name"] for row in as_csv(file_of(chats, export))}
    assert "Aunty Ngozi" in names and "'=cmd1" not in names
