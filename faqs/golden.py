"""Golden questions: what must stay answered, whatever is changed.

They are made of imports (each entry's own question), of the team's corrections, and by hand.
Before a change is saved they are asked of the entries as they would be.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from faqs import identity
from faqs.encoder import chosen, optional
from faqs.engine import certainty, training
from faqs.engine.answering import Answerer, Judgement
from faqs.engine.features import UnableToEncode
from faqs.models import Entry, GoldenQuestion
from faqs.sources import Source, sources

# Learning more takes longer than a page may; then the change is checked once it is learnt.
MOST_ENTRIES = 300
MOST_TEXTS = 1_500
MOST_QUESTIONS = 1_000
_SHOWN = 10


@dataclass(frozen=True)
class Broken:
    """A golden question that is answered now, and would not be."""

    text: str
    question: str  # of the entry that answers it
    instead: str  # what would happen


def questions(*, limit: int = MOST_QUESTIONS) -> list[GoldenQuestion]:
    """Return the golden questions of the workspace in scope, the newest first."""
    return list(
        GoldenQuestion.objects.filter(entry__is_active=True)
        .select_related("entry")
        .order_by("-created_at", "-pk")[:limit]
    )


def add(
    *, entry_id: int, text: str, origin: GoldenQuestion.Origin, now: datetime
) -> GoldenQuestion | None:
    """Make `text` a golden question of an entry, whatever it was of before; None: no such entry."""
    text = " ".join(text.replace("\x00", "").split())[:300]
    with transaction.atomic():
        # Locked: an entry that is deleted at this moment takes the question along.
        entry = Entry.objects.select_for_update(no_key=True).filter(pk=entry_id).first()
        if entry is None or not text:
            return None
        golden, _ = GoldenQuestion.objects.update_or_create(
            text=text, defaults={"entry": entry, "origin": origin, "created_at": now}
        )
    return golden


def forget(*, texts: Sequence[str]) -> None:
    """Remove the questions that corrections took from these messages; they are erased."""
    said = {" ".join(text.replace("\x00", "").split())[:300] for text in texts}
    GoldenQuestion.objects.filter(origin=GoldenQuestion.Origin.CORRECTION, text__in=said).delete()


def add_all(entries: Iterable[Entry], *, now: datetime) -> None:
    """Make the own questions of imported entries golden ones, up to a number."""
    left = MOST_QUESTIONS - GoldenQuestion.objects.count()
    GoldenQuestion.objects.bulk_create(
        [
            GoldenQuestion(
                entry=entry,
                text=entry.question,
                origin=GoldenQuestion.Origin.IMPORT,
                created_at=now,
            )
            for entry in list(entries)[: max(left, 0)]
        ],
        ignore_conflicts=True,
    )


def remove(*, golden_id: int) -> bool:
    """Let a question be answered otherwise. Says whether it was there."""
    return GoldenQuestion.objects.filter(pk=golden_id).delete()[0] > 0


def broken_by(change: Callable[[], object]) -> list[Broken]:
    """Return which golden questions `change` would break; it is taken back.

    `change` changes entries, and its exceptions pass. Empty where it cannot be told in the time
    that a page has: no golden questions, many entries or ways to ask, no language model. Where
    that is known before, nothing is changed for a try.
    """
    asked = questions() if optional.encoder() is not None else []
    before = sources() if asked else []
    if not asked or take_long(before):
        return []
    with transaction.atomic():
        change()
        after = sources()
        transaction.set_rollback(True)
    if take_long(after):
        return []
    try:
        return compare(asked, _answerer(before), _answerer(after), after)
    except UnableToEncode:
        return []


def take_long(found: Sequence[Source]) -> bool:
    """Say whether these entries take longer to learn than a page may."""
    texts = sum(1 + len(one.phrasings) for one in found)
    return len(found) > MOST_ENTRIES or texts > MOST_TEXTS


def compare(
    asked: Sequence[GoldenQuestion], before: Answerer, after: Answerer, sources: Sequence[Source]
) -> list[Broken]:
    """Return the questions that one answers with their entry and the other does not."""
    there = {source.entry_id: source for source in sources}
    kept = [one for one in asked if one.entry_id in there]
    limits = certainty.thresholds("balanced")
    texts = [one.text for one in kept]
    then, now = before.judge_all(texts, limits), after.judge_all(texts, limits)
    return [
        Broken(one.text, one.entry.question, _instead(new, there))
        for one, old, new in zip(kept, then, now, strict=True)
        if _answers(old, one.entry_id) and not _answers(new, one.entry_id)
    ]


def _answers(judged: Judgement, entry_id: int) -> bool:
    return any(choice.entry_id == entry_id for choice in judged.answers)


def _instead(judged: Judgement, there: dict[int, Source]) -> str:
    if judged.answers:
        named = " and ".join(f"“{there[c.entry_id].question[:80]}”" for c in judged.answers)
        return f"It would be answered with {named}."
    if judged.verdict == "menu":
        return "The bot would not be sure enough, and offer a choice."
    return "The bot would not know an answer, and call your team."


def _answerer(found: Sequence[Source]) -> Answerer:
    encoder = chosen.for_lists()
    return Answerer.of(training.train(found, encoder, identity=identity.of_models()), encoder)


def sentence(broken: Sequence[Broken]) -> str:
    """Return what an owner is told once a change has broken golden questions."""
    named = ", ".join(f"“{one.text[:60]}”" for one in broken[:_SHOWN])
    many = "a golden question" if len(broken) == 1 else f"{len(broken)} golden questions"
    return f"Your last change broke {many}: {named}. See FAQs, golden questions."
