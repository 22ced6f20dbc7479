"""The bot, tried before customers do: a chat that is played, and many questions at once.

Nothing is sent, metered or kept of it: what was said stands in the page alone, and is asked again
with every turn, so that a changed answer is seen at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from django.db import transaction

from faqs import browsing, entries, golden, history, search, versions
from faqs.models import Entry, GoldenQuestion, Phrasing
from messaging import asking, context, explaining, gates
from messaging.bot import settings_of
from workspaces import scope
from workspaces.models import Workspace

MOST_TURNS = 8
MOST_CHARACTERS = 1_000
MOST_QUESTIONS = 50
# Something that no shop's answers cover: it shows what a customer reads then.
UNKNOWN = "What will the weather be in Paris tomorrow?"

Rehearse = Callable[..., asking.Rehearsal]


class UnableToTeach(Exception):
    """The bot was not taught; the message says why, to the owner."""


@dataclass(frozen=True)
class Said:
    """One turn of the chat: what was asked, and what the bot would do."""

    number: int
    text: str
    rehearsal: asking.Rehearsal
    entries: list[Entry]  # answered with, or offered
    steps: list[explaining.Step]

    @property
    def can_be_kept(self) -> bool:
        return self.rehearsal.decision == "answer" and bool(self.rehearsal.answered)


@dataclass(frozen=True)
class Suggested:
    """A question to begin with."""

    text: str
    kind: Literal["own", "reworded", "unknown"]


@dataclass(frozen=True)
class Panel:
    """The chat so far, and what could be asked next."""

    turns: list[Said]
    suggested: list[Suggested]
    right: frozenset[int]  # turns that were judged so
    wrong: int | None  # the turn that is being put right
    options: list[tuple[int, str]]  # answers to choose the right one of
    judged_count: int


def panel(
    *,
    workspace: Workspace,
    said: Sequence[str],
    now: datetime,
    right: Sequence[int] = (),
    wrong: int | None = None,
    rehearse: Rehearse = asking.rehearse,
) -> Panel:
    """Ask the bot all that was said, in turn. Another `rehearse` asks by other settings."""
    ask = partial(rehearse, workspace=workspace, now=now)
    kept = [text[:MOST_CHARACTERS] for text in said if text.strip()][-MOST_TURNS:]
    turns: list[Said] = []
    previous = ""
    for number, text in enumerate(kept, start=1):
        rehearsal = ask(text=text, previous=previous)
        used = explaining.entries_of(rehearsal)
        turns.append(Said(number, text, rehearsal, used, explaining.steps_of(rehearsal)))
        previous = text[:500] if context.stands_alone(text) else previous
    known = frozenset(number for number in right if number <= len(turns))
    is_wrong = wrong is not None and 1 <= wrong <= len(turns)
    return Panel(
        turns=turns,
        suggested=suggestions(),
        right=known,
        wrong=wrong if is_wrong else None,
        options=browsing.choices() if is_wrong else [],
        judged_count=len(known),
    )


def suggestions() -> list[Suggested]:
    """Return what to ask: three questions as written, one in other words, one that nobody knows."""
    own = list(
        Entry.objects.filter(is_active=True)
        .order_by("-use_count", "pk")
        .values_list("pk", "question")[:4]
    )
    if not own:
        return []
    *_, (last_id, last_question) = own
    other = Phrasing.objects.filter(entry_id=last_id).order_by("pk").values_list("text", flat=True)
    words = other.first() or f"abeg, {last_question.rstrip('?').lower()}"
    return [
        *(Suggested(question, "own") for _, question in own[:3]),
        Suggested(words, "reworded"),
        Suggested(UNKNOWN, "unknown"),
    ]


# --- Judged ----------------------------------------------------------------------------------


def keep(*, text: str, faq_id: str, now: datetime) -> bool:
    """Keep a question whose answer is right as a golden one. Say whether the answer is there."""
    entry = browsing.by_faq_id([faq_id]).get(faq_id)
    if entry is None:
        return False
    origin = GoldenQuestion.Origin.PERSON
    return golden.add(entry_id=entry.pk, text=text, origin=origin, now=now) is not None


def teach(*, text: str, entry_id: int, user_id: int, now: datetime) -> str:
    """Make a question another way to ask for an answer; returns a sentence. Raises UnableToTeach."""
    text = " ".join(text.replace("\x00", "").split())
    with transaction.atomic():
        versions.bump()
        if not Entry.objects.filter(pk=entry_id).exists():
            raise UnableToTeach("That answer is gone. Choose another one.")
        hand = history.Hand(history.Door.CORRECTION, user_id)
        is_new = entries.add_phrasings(entry_id=entry_id, texts=[text], hand=hand, now=now)
        origin = GoldenQuestion.Origin.CORRECTION
        golden.add(entry_id=entry_id, text=text, origin=origin, now=now)
    if is_new:
        return "Noted. The bot learns it in some seconds; then ask it again."
    return "Noted. The bot knew these words already, and gets surer of them."


def reword(*, entry_id: int, answer: str, hand: history.Hand, now: datetime) -> Entry:
    """Give an entry another answer, all else as it was. Raises UnableToTeach."""
    entry = browsing.entry(entry_id)
    if entry is None:
        raise UnableToTeach("That answer is gone. Choose another one.")
    content = {**vars(entries.content_of(entry)), "answer": answer}
    try:
        return entries.update(entry_id=entry_id, **content, hand=hand, now=now)
    except entries.UnableToSaveEntry as error:
        raise UnableToTeach(str(error)) from error
    except Entry.DoesNotExist as error:
        raise UnableToTeach("That answer is gone. Choose another one.") from error


# --- Many at once ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Tried:
    """One of many questions, and what the bot would answer."""

    number: int
    text: str
    decision: str  # answer, menu, smalltalk or none
    found: search.Match | None
    offered: Sequence[search.Match]
    mark: str = ""  # good, ok or wrong: what a person said of it


def questions_of(text: str) -> list[str]:
    """Return the questions of a pasted text or a file: one in each line, each once."""
    lines = (line.strip().strip('",;').strip() for line in text.replace("\x00", "").splitlines())
    return list(dict.fromkeys(line[:300] for line in lines if line))[:MOST_QUESTIONS]


def batch(*, workspace: Workspace, texts: Sequence[str], marks: Sequence[str] = ()) -> list[Tried]:
    """Look many questions up as one: as the bot would, but for greetings and the like."""
    with scope.workspace(workspace):
        manner = gates.manner_of(settings_of())
        found = search.look(workspace, list(texts), manner=manner)
    given = [*marks, *[""] * len(texts)]
    return [
        Tried(
            number,
            text,
            one.decision,
            one.answers[0] if one.answers else None,
            one.offered if one.decision == "menu" else (),
            given[number - 1],
        )
        for number, (text, one) in enumerate(zip(texts, found, strict=True), start=1)
    ]


def keep_good(*, tried: Sequence[Tried], now: datetime) -> int:
    """Keep those that were marked good as golden questions; returns how many."""
    origin = GoldenQuestion.Origin.PERSON
    kept = [
        golden.add(entry_id=one.found.entry_id, text=one.text, origin=origin, now=now)
        for one in tried
        if one.mark == "good" and one.found is not None
    ]
    return len([one for one in kept if one is not None])
