"""How good the answers are and what would make them better, put together for page and command."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

from django.db import transaction

from ai import suggesting
from faqs import entries, history, search
from faqs.engine.answering import Answerer
from faqs.models import Entry
from faqs.quality import asked, confusing, learnt, said, selftest, wanting
from faqs.quality.said import Said
from faqs.sources import Source, sources
from messaging import accuracy, bot, conversations, gates, unsure
from messaging.models import BotSettings, DismissedQuestion
from messaging.unsure import Unsure
from workspaces.models import User, Workspace

_SAMPLES = 4  # texts of a topic that are shown
# A question line of HTTP holds 4 KB; what does not fit can be typed.
_MOST_PREFILLED = 2_500
# A topic is looked at for 30 days; a dismissal shall outlive each of its texts.
_DISMISSED_DAYS = 90


@dataclass(frozen=True)
class Overview:
    """How it goes: what came of the questions of 30 days, and what the bot has learnt."""

    accuracy: accuracy.Accuracy
    learnt: learnt.Learnt
    manner: str
    manners: Sequence[tuple[str, str, str]]  # value, name, what it does


@dataclass(frozen=True)
class Topic:
    """Unanswered questions that ask for the same."""

    title: str
    count: int
    others: Sequence[str]  # texts
    latest_at: datetime
    message_id: int  # the latest

    @property
    def samples(self) -> Sequence[str]:
        """Return some of the other texts."""
        return self.others[:_SAMPLES]

    @property
    def more(self) -> int:
        """Return how many of the other texts are not among the samples."""
        return len(self.others[_SAMPLES:])

    @property
    def prefill(self) -> str:
        """Return the query of a new entry's form: the question, and as many texts as fit."""
        query = urlencode({"question": self.title[:300]})
        for text in self.others:
            more = urlencode({"phrasing": text})
            if len(text) <= 300 and len(query) + len(more) < _MOST_PREFILLED:
                query += f"&{more}"
        return query


@dataclass(frozen=True)
class Proposed:
    """What a model proposes for an entry, if it was asked."""

    entry_id: int
    state: Literal["idle", "asking", "ready", "failed"]
    texts: Sequence[str] = ()


@dataclass(frozen=True)
class Answers:
    """What the entries are like, by themselves and by what was asked of them."""

    entry_count: int
    test: selftest.SelfTest | None  # None: the entries have changed since they were learnt
    pairs: Sequence[confusing.Pair]
    wanting: Sequence[wanting.Wanting]
    proposed: Mapping[int, Proposed]  # by entry, of those that want some; empty without a model

    @property
    def weakest(self) -> list[selftest.Tested]:
        """Return the entries of which something would not be found, the weakest first."""
        tested = self.test.entries if self.test else []
        return sorted((one for one in tested if one.found < one.count), key=lambda one: one.share)


def overview(*, now: datetime) -> Overview:
    """Return the figures of the workspace in scope."""
    return Overview(
        accuracy=accuracy.of(said.since(accuracy.since(now)), now=now),
        learnt=learnt.state(),
        manner=bot.settings_of().manner,
        manners=[(one.value, str(one.label), bot.MANNERS[one]) for one in BotSettings.Manner],
    )


def topics(*, workspace: Workspace, now: datetime) -> list[Topic]:
    """Return what was asked in 30 days and not answered, the most asked first.

    What people have said an entry is for counts as answered. Call in the workspace's scope.
    """
    dismissed = set(DismissedQuestion.objects.values_list("digest", flat=True))
    groups = _groups(workspace, now)
    return [_topic(one) for one in groups if not _is_dismissed(one, dismissed)]


def dismiss(*, workspace: Workspace, message_id: int, user: User, now: datetime) -> bool:
    """Put the topic of a message away; False when it is not there. In the workspace's scope."""
    found = next((g for g in _groups(workspace, now) if g.latest.reference == message_id), None)
    if found is None:
        return False
    with transaction.atomic():
        old = now - timedelta(days=_DISMISSED_DAYS)
        DismissedQuestion.objects.filter(created_at__lt=old).delete()
        DismissedQuestion.objects.bulk_create(
            [
                DismissedQuestion(digest=digest, by_id=user.pk, created_at=now)
                for digest in {conversations.like_digest(one.text) for one in found.texts}
            ],
            ignore_conflicts=True,
        )
    return True


def _is_dismissed(group: asked.Group, dismissed: set[str]) -> bool:
    """Whether most of what a group holds was put away: who asks it anew does not bring it back."""
    texts = (one for one in group.texts if conversations.like_digest(one.text) in dismissed)
    return bool(dismissed) and 2 * sum(one.count for one in texts) > group.count


def answers(*, workspace: Workspace, now: datetime) -> Answers:
    """Return what the entries are like. Call in the workspace's scope."""
    ready = search.prepare(workspace)
    found = sources()
    test = None
    if isinstance(ready.engine, Answerer) and ready.current.model == ready.current.entries:
        test = selftest.run(ready.engine.model, found)
    people = said.since(accuracy.since(now))
    unclear = unsure.since(accuracy.since(now))
    by_faq_id = {one.faq_id: one.entry_id for one in found}
    nearest = {one.message_id: by_faq_id[one.faq_id] for one in unclear if one.faq_id in by_faq_id}
    mixed = [
        *confusing.from_people(people, nearest),
        *confusing.from_test(test.misses if test else ()),
    ]
    few = wanting.entries(
        found, _suggestions(people, unclear, {pk: name for name, pk in by_faq_id.items()})
    )
    return Answers(
        entry_count=len(found),
        test=test,
        pairs=confusing.pairs(mixed, found),
        wanting=few,
        proposed=_proposed(workspace, found, [one.entry.entry_id for one in few], now),
    )


def proposed(*, workspace: Workspace, entry_id: int, now: datetime) -> Proposed | None:
    """Return what a model proposes for an entry; None where none may. In the workspace's scope."""
    return _proposed(workspace, sources(), [entry_id], now).get(entry_id)


def propose(*, workspace: Workspace, entry: Entry, now: datetime) -> None:
    """Ask a model for more ways to ask. In the workspace's scope. Raises UnableToSuggest."""
    suggesting.request(
        workspace=workspace,
        reference=entry.pk,
        question=entry.question,
        answer=entry.answer,
        known=[one.text for one in entry.phrasings.all()],
        now=now,
    )


def add_phrasings(
    *,
    workspace: Workspace,
    entry_id: int,
    texts: Sequence[str],
    now: datetime,
    user_id: int | None = None,
) -> bool:
    """Add what was ticked; what a model proposed beside it goes. Say whether the entry changed."""
    with transaction.atomic():
        hand = history.Hand(history.Door.CORRECTION, user_id)
        is_added = entries.add_phrasings(entry_id=entry_id, texts=texts, hand=hand, now=now)
        if is_added:
            suggesting.forget(workspace=workspace, reference=entry_id, texts=texts, now=now)
    return is_added


def may_propose() -> bool:
    """Say whether the workspace in scope uses a model, and there is one."""
    return suggesting.is_possible() and bot.settings_of().uses_ai


def _proposed(
    workspace: Workspace, found: Sequence[Source], entry_ids: Sequence[int], now: datetime
) -> dict[int, Proposed]:
    if not may_propose():
        return {}
    asked_for = suggesting.of(workspace=workspace, references=entry_ids, now=now)
    texts = wanting.unknown(found, {pk: one.texts for pk, one in asked_for.items()})
    proposals = {}
    for pk in entry_ids:
        one = asked_for.get(pk)
        if one is None:
            proposals[pk] = Proposed(pk, "idle")
        elif one.is_open:
            proposals[pk] = Proposed(pk, "asking")
        else:
            proposals[pk] = Proposed(pk, "ready" if texts[pk] else "failed", texts[pk])
    return proposals


def _suggestions(
    people: Iterable[Said], unclear: Iterable[Unsure], faq_ids: dict[int, str]
) -> list[wanting.Suggestion]:
    found = []
    labelled = set()
    for one in people:
        labelled.add(one.message_id)
        if one.entry_id in faq_ids:
            origin: wanting.Origin = "tap" if one.is_tap else "team"
            found.append(wanting.Suggestion(one.text, faq_ids[one.entry_id], origin))
    for near in unclear:
        # Somebody knows what that one is for.
        if near.message_id in labelled:
            continue
        if near.chosen_faq_id:
            found.append(wanting.Suggestion(near.text, near.chosen_faq_id, "model"))
        elif near.faq_id:
            found.append(wanting.Suggestion(near.text, near.faq_id, "asked", near.confidence))
    return found


def _groups(workspace: Workspace, now: datetime) -> list[asked.Group]:
    begin = accuracy.since(now)
    settled = {one.message_id for one in said.since(begin) if one.entry_id is not None}
    open_ones = [
        asked.Question(one.message_id, one.text, one.asked_at)
        for one in unsure.since(begin)
        if one.message_id not in settled and not one.chosen_faq_id
    ]
    ready = search.prepare(workspace)
    manner = gates.manner_of(bot.settings_of())
    key = (workspace.pk, ready.current, manner, tuple(open_ones))
    kept = _recent.get(key)
    if kept is None:
        kept = asked.groups(
            open_ones,
            sources=sources(),
            answerer=ready.engine if isinstance(ready.engine, Answerer) else None,
            manner=manner,
        )
        _recent.put(key, kept)
    return kept


def _topic(group: asked.Group) -> Topic:
    latest = group.latest
    return Topic(
        title=group.title,
        count=group.count,
        others=[one.text for one in group.texts[1:]],
        latest_at=latest.latest_at,
        message_id=latest.reference,
    )


_Key = tuple[int, search.Current, str, tuple[asked.Question, ...]]


class _Recent:
    """The groups of the latest pages: to encode a thousand texts takes a second.

    Keyed by all that they are made of, so that nothing old is ever shown.
    """

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, list[asked.Group]] = OrderedDict()
        self._most = most

    def get(self, key: _Key) -> list[asked.Group] | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: _Key, found: list[asked.Group]) -> None:
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_recent = _Recent(most=20)
