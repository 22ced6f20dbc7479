"""The right entry first, with a confidence that means something, in bounded time."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from faqs import checking, confidence, entries, index, readers, search, shelf, wording
from workspaces import scope
from workspaces.models import Workspace

TEMPLATES = Path(index.__file__).parent / "templates_data"


def template(trade: str) -> list[index.Source]:
    return [
        index.Source(
            entry_id=row.number,
            faq_id=row.values["faq_id"],
            question=row.values["question"],
            answer=row.values["answer"],
            phrasings=tuple(checking.split_phrasings(row.values["alt_questions"])),
            keywords=row.values["keywords"],
        )
        for row in readers.read((TEMPLATES / f"{trade}.csv").read_bytes()).rows
    ]


@pytest.fixture(scope="module")
def shop() -> index.Index:
    return index.Index(template("fabric_shop"))


@pytest.mark.parametrize(
    ("text", "faq_id"),
    [
        ("What time do you open and close?", "opening_hours"),
        ("pls wat time una dey open 2moro", "opening_hours"),
        ("good morning ma, where is ur shop located pls", "shop_location"),
        ("where una dey", "shop_location"),
        ("adress pls", "shop_location"),
        ("abeg any discount", "last_price"),
        ("do u sell wholesle", "bulk_wholesale"),
    ],
)
def test_questions_are_understood_as_customers_write_them(
    shop: index.Index, text: str, faq_id: str
) -> None:
    found = search.by_words(shop, text)

    assert found.nearest[0].faq_id == faq_id
    assert found.decision == "answer"


@pytest.mark.parametrize(
    "text",
    ["who is the president", "who won the match", "what is photosynthesis"],
)
def test_what_no_entry_covers_is_not_answered(shop: index.Index, text: str) -> None:
    assert search.by_words(shop, text).decision == "none"


@pytest.mark.parametrize(
    ("text", "chat"),
    [
        ("hello", "greeting"),
        ("ok thank you", "closing"),
        ("God bless you", "thanks"),
        ("see you tomorrow", "closing"),
        ("😂", "wordless"),
    ],
)
def test_small_talk_is_no_question(shop: index.Index, text: str, chat: str) -> None:
    found = search.by_words(shop, text)

    assert (found.decision, found.chat) == ("smalltalk", chat)


def test_matches_are_ranked_with_falling_confidence(shop: index.Index) -> None:
    found = search.matches(shop, "how much is one yard", limit=5)

    confidences = [match.confidence for match in found]
    assert len(found) == 5
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= value <= 1 for value in confidences)
    assert len(search.matches(shop, "how much is one yard")) == 3


def test_zones_lie_between_the_two_thresholds(
    shop: index.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def zone(value: float) -> str:
        one = search.Match(1, "a", "a?", "a.", value)
        monkeypatch.setattr(search, "matches", lambda *_, **__: [one])
        return search.by_words(shop, "how much?").decision

    limits = confidence.BALANCED
    assert [zone(limits.answer), zone(limits.menu), zone(limits.menu - 0.01)] == [
        "answer", "menu", "none",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "😂😂",
        "???",
        "\x00\x00",
        "x" * 65_000,
        "a b " * 20_000,
        "\ufdfa" * 9_000,
        "\ud800",
    ],
)
def test_odd_texts_neither_break_it_nor_take_long(shop: index.Index, text: str) -> None:
    started = time.process_time()

    found = search.by_words(shop, text)

    assert found.decision in ("none", "smalltalk")
    assert time.process_time() - started < 0.2


def test_small_lists_do_not_answer_what_they_do_not_know() -> None:
    one = index.Source(1, "hours", "What time do you open?", "9 to 5")
    two = index.Source(2, "price", "How much is delivery?", "N2,500")

    for sources in ([], [one], [one, two]):
        small = index.Index(sources)
        for text in ("hello", "do you", "who won the match yesterday", "how much is rice"):
            assert search.by_words(small, text).decision != "answer"
    assert search.by_words(index.Index([one]), "wat time una dey open").decision == "answer"


def test_every_script_can_be_matched() -> None:
    own = index.Index(
        [
            index.Source(1, "hours", "متى تفتحون؟", "من ٩"),
            index.Source(2, "place", "Ibo ni ṣọ́ọ̀bù yín wà?", "Yaba"),
            index.Source(3, "open", "你们几点开门？", "9点"),
        ]
    )

    texts = ("متى تفتحون", "ibo ni soobu yin wa", "几点开门")

    assert [search.matches(own, text)[0].faq_id for text in texts] == ["hours", "place", "open"]


def test_abbreviations_are_written_out_and_fillers_left_out() -> None:
    assert wording.words("Pls hw much 4 d DELIVERY sir?") == [
        "how",
        "much",
        "for",
        "the",
        "delivery",
    ]
    assert wording.words("good morning") == ["good", "morning"]
    assert wording.meanings_in(wording.words("hw much to bring it")) == {"price", "delivery"}


def test_entries_without_words_answer_nothing() -> None:
    assert search.matches(index.Index([index.Source(1, "a", "😀", "")]), "how much") == []


def test_repairs_kept_are_bounded(shop: index.Index, monkeypatch: pytest.MonkeyPatch) -> None:
    before = search.matches(shop, "adress pls")
    monkeypatch.setattr(index, "_REPAIRS_KEPT", 2)

    for text in ("delivrey fee", "opning tme", "locatoin qwertz"):
        search.matches(shop, text)

    assert len(shop._read_as) <= 2
    assert search.matches(shop, "adress pls") == before


def test_data_files_have_no_word_twice() -> None:
    folder = TEMPLATES.parent / "data"
    for name in ("abbreviations.csv", "fillers.csv"):
        lines = [line.partition(",")[0] for line in (folder / name).read_text().splitlines()]
        assert len(lines) == len(set(lines))


def test_five_hundred_entries_are_searched_in_milliseconds() -> None:
    sources = [
        index.Source(n, f"{source.faq_id}_{n}", f"{source.question} {n}", "", source.phrasings)
        for n in range(4)
        for trade in ("fabric_shop", "pharmacy", "restaurant", "salon", "school")
        for source in template(trade)
    ]
    large = index.Index(sources)
    texts = ["how much is delivery to ikeja", "wat time una dey open on sunday pls", "any discount"]
    search.matches(large, texts[0])
    started = time.process_time()

    for text in texts * 5:
        search.matches(large, text)

    assert len(sources) == 500
    assert (time.process_time() - started) / 15 < 0.03  # 5 ms on a quiet machine


def test_find_speaks_for_the_workspace_in_scope_only(acme: Workspace, rival: Workspace) -> None:
    with scope.workspace(rival), pytest.raises(RuntimeError):
        search.find(acme, "when?")


def test_find_sees_each_change_at_once(acme: Workspace, rival: Workspace, now: datetime) -> None:
    with scope.workspace(rival):
        entries.create(question="Do you open on Sundays?", answer="Rival.", now=now)
        assert search.find(rival, "open on sundays?")[0].answer == "Rival."
    with scope.workspace(acme):
        entry = entries.create(question="Do you open on Sundays?", answer="Acme.", now=now)
        assert [match.answer for match in search.find(acme, "open on sundays?")] == ["Acme."]

        entries.set_active(entry_id=entry.pk, is_active=False, now=now)
        assert search.find(acme, "open on sundays?") == []


def test_second_search_takes_one_query(
    acme: Workspace, now: datetime, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    with scope.workspace(acme):
        entries.create(question="Do you sew?", answer="Yes.", now=now)
        search.find(acme, "sew")

        with django_assert_num_queries(1):  # type: ignore[operator]
            search.find(acme, "do you sew?")


def test_shelf_is_bounded(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(shelf, "sources", lambda: [index.Source(1, "a", "Do you sew?", "Yes")])
    monkeypatch.setattr(shelf, "_texts", lambda: {})
    first, second = search.Current(1, 0), search.Current(2, 0)
    kept = shelf.Shelf()
    settings.FAQ_INDEX_MB = 3 * kept.of(0, first).size / 1_000_000

    for workspace_id in range(10):
        kept.of(workspace_id, first)
    last = kept.of(9, first)

    assert list(kept._kept) == [7, 8, 9]
    assert kept._size == 3 * last.size
    assert kept.of(9, first) is last
    assert kept.of(9, second) is not last
