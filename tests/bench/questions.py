"""10,000 distinct questions and the answers of one shop: read them, or make the files anew.

`python -m tests.bench.questions FOLDER` makes the files from data sets of the form `faqs.csv`
and `queries.csv`; tests/fixtures/questions/README.md tells whose they are and what is done.
"""

import csv
import hashlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "questions"
FAQS, QUESTIONS = FOLDER / "faqs.csv", FOLDER / "questions.txt"
COUNT = 10_000
PHRASINGS = 5
# Far enough above the threshold of a menu that a small change of the look-up moves nobody below.
_LEAST_SURE = 0.3
_BATCH = 500
_SHOP, _OTHERS = "clinc_a", ("hwu64", "injongo_eng", "sme_fashion")
_BEGINNINGS = (
    "good morning, {}", "hello, {}", "please {}", "abeg {}", "oga {}", "good evening sir, {}",
    "pls help me, {}", "i wan ask, {}", "hi dear, {}", "{} please", "{} abeg", "e get wetin i wan ask: {}",
)  # fmt: skip


def read() -> list[str]:
    """Return the questions, in their order."""
    return QUESTIONS.read_text(encoding="utf-8").splitlines()


def faq_rows(folder: Path) -> list[dict[str, str]]:
    """Return the shop's entries with their first few phrasings."""
    rows = []
    for row in _rows(folder / _SHOP / "faqs.csv"):
        phrasings = [text.strip() for text in row["extra_phrasings"].split("|")][:PHRASINGS]
        subject = row["faq_id"].replace("_", " ")
        rows.append(
            {
                "faq_id": row["faq_id"],
                "question": row["question"],
                "answer": f"About {subject}: this is what we tell everybody who asks.",
                "extra_phrasings": " | ".join(phrasings),
            }
        )
    return rows


def asked(folder: Path) -> Iterator[str]:
    """Yield messages without end: each question alone, then with a beginning, then two in one."""
    covered = [row["query"] for row in _rows(folder / _SHOP / "queries.csv") if row["tag"] == "in"]
    for row in _rows(folder / _SHOP / "faqs.csv"):
        covered += [text.strip() for text in row["extra_phrasings"].split("|")][PHRASINGS:]
    others = [
        row["query"]
        for name in _OTHERS
        for row in _rows(folder / name / "queries.csv")
        if row["tag"] not in ("greeting", "voice")
    ]
    covered, others = _shuffled(covered), _shuffled(others)
    yield from covered
    for n, question in enumerate(covered):
        yield _BEGINNINGS[n % len(_BEGINNINGS)].format(question)
    seconds = itertools.cycle(others)
    for turn in itertools.count(1):
        for n, question in enumerate(covered):
            after = next(seconds) if (n + turn) % 2 else covered[(n + turn * 7) % len(covered)]
            yield f"{question}. also, {after}"


def _shuffled(texts: list[str]) -> list[str]:
    """The same order on every machine, without the order of the files."""
    clean = {" ".join(text.split()): None for text in texts if text.strip()}
    return sorted(clean, key=lambda text: hashlib.sha256(text.encode()).digest())


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def make(folder: Path) -> None:
    """Write both files: only questions that the shop's entries answer or offer a menu for."""
    import django

    django.setup()
    from faqs.encoder import encoding
    from faqs.engine import certainty, training
    from faqs.engine.answering import Answerer
    from faqs.index import Source
    from messaging import words

    rows = faq_rows(folder)
    entries = [
        Source(
            entry_id=n,
            faq_id=row["faq_id"],
            question=row["question"],
            answer=row["answer"],
            phrasings=tuple(row["extra_phrasings"].split(" | ")),
        )
        for n, row in enumerate(rows, start=1)
    ]
    encoder = encoding.shared()
    answerer = Answerer.of(training.train(entries, encoder, identity="made"), encoder)
    limits = certainty.thresholds("balanced")
    chosen: dict[str, str] = {}
    offered = asked(folder)
    while len(chosen) < COUNT:
        texts = [t for t in itertools.islice(offered, _BATCH) if not words.wants_person(t)]
        for text, judged in zip(texts, answerer.judge_all(texts, limits), strict=True):
            is_well = judged.verdict in ("answer", "menu") and judged.confidence >= _LEAST_SURE
            if is_well and len(chosen) < COUNT:
                chosen.setdefault(text.casefold(), text)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FAQS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    QUESTIONS.write_text("\n".join(_shuffled(list(chosen.values()))) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
