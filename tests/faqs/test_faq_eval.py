"""The figures of the engine, by command: exit codes, JSON, predictions, nothing stored."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from faqs import entries
from faqs.models import Entry
from tests.conftest import NOW
from workspaces import scope
from workspaces.models import Workspace

SHOP = Path(__file__).parents[1] / "fixtures" / "answers" / "sme_fashion"
KEYS = [
    "top1", "top3", "right", "wrong", "menu_with", "menu_without", "quiet",
    "oos_answered", "oos_menu", "p50_ms", "p95_ms", "calibration",
]  # fmt: skip

pytestmark = pytest.mark.usefixtures("encoder")


def run(*options: str) -> str:
    out = StringIO()
    call_command("faq_eval", *options, stdout=out)
    return out.getvalue()


def refused(*options: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(*options)
    assert caught.value.returncode == 2
    return str(caught.value)


def written(folder: Path, text: str) -> str:
    file = folder / "queries.csv"
    file.write_text(text)
    return str(file)


def test_file_of_entries_is_asked_and_nothing_stored(acme: Workspace, tmp_path: Path) -> None:
    with scope.workspace(acme):
        before = Entry.objects.count()
    out = tmp_path / "predictions.csv"

    shown: dict[str, Any] = json.loads(
        run(
            str(SHOP / "queries.csv"), "--faqs", str(SHOP / "faqs.csv"), "--workspace", "nobody",
            "--phrasings", "3", "--json", "--out", str(out),
        )
    )  # fmt: skip

    assert list(shown) == KEYS
    inside = ("right", "wrong", "menu_with", "menu_without", "quiet")
    assert sum(shown[name] for name in inside) == pytest.approx(1, abs=0.001)
    assert shown["top3"] >= shown["top1"] >= shown["right"]
    assert 0 < shown["p50_ms"] <= shown["p95_ms"]
    with (SHOP / "queries.csv").open(newline="") as asked, out.open(newline="") as told:
        queries, predictions = list(csv.DictReader(asked)), list(csv.DictReader(told))
    assert [row["query"] for row in predictions] == [row["query"] for row in queries]
    assert list(predictions[0]) == ["query", "answered_faq_id", "suggested", "confidence"]
    assert any("+" in row["answered_faq_id"] for row in predictions)
    assert all(not (row["answered_faq_id"] and row["suggested"]) for row in predictions)
    with scope.workspace(acme):
        assert Entry.objects.count() == before


def test_workspace_is_asked_by_its_own_entries(acme: Workspace, tmp_path: Path) -> None:
    with scope.workspace(acme):
        Entry.objects.all().delete()
        entries.create(question="Do you mend shoes?", answer="Yes.", now=NOW, faq_id="mend")
        entries.create(question="Where are you?", answer="Ikeja.", now=NOW, faq_id="where")
    queries = written(tmp_path, "query,expected_faq_id\nplease mend my shoe,mend\nhello,\n")

    shown = run(queries, "--workspace", "acme")

    assert "2 questions, 1 of them covered" in shown
    assert "top-1                        1.000" in shown


def test_share_of_nothing_is_no_number(tmp_path: Path) -> None:
    queries = written(tmp_path, "query,expected_faq_id\nwho won the match,\n")

    shown = json.loads(run(queries, "--faqs", str(SHOP / "faqs.csv"), "--json"))

    assert (shown["top1"], shown["right"], shown["oos_answered"]) == (None, None, 0.0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("question,answer\na,b\n", "expected_faq_id and query is missing"),
        ("query,expected_faq_id\n", "no questions"),
        ("query,expected_faq_id\nhow much,nowhere\n", "Line 2: there is no entry nowhere"),
        ("", "missing"),
    ],
)
def test_unusable_questions_end_with_2(tmp_path: Path, content: str, reason: str) -> None:
    shop = str(SHOP / "faqs.csv")

    assert reason in refused(written(tmp_path, content), "--faqs", shop)


def test_wrong_words_end_with_2(acme: Workspace, tmp_path: Path) -> None:
    queries, shop = str(SHOP / "queries.csv"), str(SHOP / "faqs.csv")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x81")

    assert "no workspace" in refused(queries, "--workspace", "nobody")
    assert "--workspace" in refused(queries)
    assert "No such file" in refused(str(tmp_path / "none.csv"), "--faqs", shop)
    assert "No such file" in refused(queries, "--faqs", str(tmp_path / "none.csv"))
    assert "UTF-8" in refused(str(binary), "--faqs", shop)
    assert "binary.csv" in refused(queries, "--faqs", str(binary))
    missing = tmp_path / "no" / "out.csv"
    assert "out.csv" in refused(queries, "--faqs", shop, "--out", str(missing))


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_number_of_phrasings_is_a_number(count: str) -> None:
    with pytest.raises(CommandError, match="whole number"):
        run(str(SHOP / "queries.csv"), "--faqs", str(SHOP / "faqs.csv"), f"--phrasings={count}")


def test_missing_model_ends_with_1(tmp_path: Path, settings: LazySettings) -> None:
    settings.FAQ_MODEL_FOLDER = str(tmp_path)

    with pytest.raises(CommandError, match="config.local models") as caught:
        run(str(SHOP / "queries.csv"), "--faqs", str(SHOP / "faqs.csv"))
    assert caught.value.returncode == 1
