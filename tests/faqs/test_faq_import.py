"""The operator's command: exit codes, JSON, and nothing half done."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.models import Plan
from faqs.models import Entry, Import
from lib import fetching
from tests.faqs import documents, files
from workspaces import scope
from workspaces.models import Workspace

GOOD = "question,answer\nDo you sew trousers?,Yes.\nDo you mend shoes?,No.\n"


def run(file: Path | str, *options: str) -> str:
    out = StringIO()
    call_command("faq_import", "--workspace", "acme", str(file), *options, stdout=out)
    return out.getvalue()


def failing(file: Path | str, *options: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        run(file, *options)
    return caught.value.returncode, str(caught.value)


def questions(space: Workspace) -> set[str]:
    with scope.workspace(space):
        return set(Entry.objects.values_list("question", flat=True))


def written(folder: Path, text: str) -> Path:
    file = folder / "faq.csv"
    file.write_text(text)
    return file


def test_good_file_is_added_to_this_workspace_only(
    acme: Workspace, rival: Workspace, tmp_path: Path
) -> None:
    assert "Added 2 new" in run(written(tmp_path, GOOD))
    assert {"Do you sew trousers?", "Do you mend shoes?"} <= questions(acme)
    assert not questions(rival) & questions(acme)


def test_workbook_is_added_as_well(acme: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "faq.xlsx"
    file.write_bytes(files.workbook([["question", "answer"], ["Do you dye?", "Yes."]]))

    run(file)

    assert "Do you dye?" in questions(acme)


def test_documents_are_added_by_what_is_in_them(acme: Workspace, tmp_path: Path) -> None:
    for name, data in {
        "a.docx": documents.docx(documents.paragraph("Do you dye?"), documents.paragraph("Yes.")),
        "a.pdf": documents.pdf([["Do you weave?", "Yes."]]),
        "a.txt": b"Q: Do you knit?\nA: Yes.",
    }.items():
        (tmp_path / name).write_bytes(data)
        run(tmp_path / name)

    assert {"Do you dye?", "Do you weave?", "Do you knit?"} <= questions(acme)


def test_a_link_is_added(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    page = fetching.Fetched("https://a.example/", "text/html", "", b"<h2>Do you dye?</h2>Yes.")
    monkeypatch.setattr(fetching, "fetch", lambda url, *, kinds: page)

    run("https://a.example/faq")

    assert "Do you dye?" in questions(acme)


def test_a_link_that_may_not_be_fetched_ends_with_2(acme: Workspace) -> None:
    code, message = failing("http://127.0.0.1:8000/")

    assert code == 2 and "usual ports" in message


def test_more_than_the_plan_holds_ends_with_1(acme: Workspace, tmp_path: Path) -> None:
    with scope.owner():
        Plan.objects.filter(code="pro").update(max_entries=1)

    code, message = failing(written(tmp_path, GOOD))

    assert code == 1 and "room for 1 answer" in message


def test_dry_run_changes_nothing(acme: Workspace, tmp_path: Path) -> None:
    before = questions(acme)

    shown: dict[str, Any] = json.loads(run(written(tmp_path, GOOD), "--dry-run", "--json"))

    assert (shown["applied"], shown["new"], shown["import_id"]) == (False, 2, None)
    assert questions(acme) == before
    with scope.workspace(acme):
        assert not Import.objects.filter(file_name="faq.csv").exists()


def test_invalid_rows_are_named_and_the_others_added(acme: Workspace, tmp_path: Path) -> None:
    code, message = failing(written(tmp_path, GOOD + f"Long?,{'x' * 5_000}\n"))

    assert code == 1
    assert "1 row is invalid; the other rows were added" in message
    assert "Do you mend shoes?" in questions(acme)


def test_file_without_a_valid_row_ends_with_1(acme: Workspace, tmp_path: Path) -> None:
    assert failing(written(tmp_path, "question,answer\n,x\n"))[0] == 1


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(99), b"name\nx\n", b""])
def test_unreadable_file_ends_with_2(acme: Workspace, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "faq.xlsx"
    file.write_bytes(content)

    assert failing(file)[0] == 2


def test_missing_file_and_unknown_workspace_end_with_2(acme: Workspace, tmp_path: Path) -> None:
    assert failing(tmp_path / "none.csv")[0] == 2
    with pytest.raises(CommandError, match="no workspace") as caught:
        call_command("faq_import", "--workspace", "nobody", str(written(tmp_path, GOOD)))
    assert caught.value.returncode == 2
