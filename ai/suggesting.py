"""Suggest mode: a model writes other ways to ask for an entry, and a person picks of them.

request (a manager's, in a short transaction) -> the model lane, as for choices -> of (what came
of it, to be shown) -> forget (once used). Nothing of it reaches a customer by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from ai import budgets, choosing, prompts, routes
from ai.models import Call
from lib import events, jobs
from workspaces.models import Workspace

# A workspace's customers stand in the same line: not behind all of its entries.
_MOST_OPEN = 3
_OPEN = Q(state__in=[Call.State.WAITING, Call.State.ASKED], used_at__isnull=True)


class UnableToSuggest(Exception):
    """Nobody is asked; says why in a sentence for the manager."""


@dataclass(frozen=True)
class Suggested:
    """What came of asking; neither open nor any texts: nothing came."""

    is_open: bool
    texts: Sequence[str]


def is_possible() -> bool:
    """Say whether there is a model to ask: the local echo model has nothing to suggest."""
    return bool(routes.real())


def request(
    *,
    workspace: Workspace,
    reference: int,
    question: str,
    answer: str,
    known: Sequence[str],
    now: datetime,
) -> None:
    """Ask for other ways to ask. While that is being asked already, or was just now, once.

    Call in the workspace's scope. Raises UnableToSuggest.
    """
    if not is_possible():
        raise UnableToSuggest("There is no model to ask.")
    prompt = prompts.phrasings(question=question, answer=answer, known=known)
    wanted = prompts.OF[Call.PHRASINGS]
    call = Call(
        workspace=workspace,
        purpose=Call.PHRASINGS,
        reference=reference,
        route=routes.ORDER[0],
        request={"prompt": prompt, "entries": [], "prompt_version": prompts.PHRASINGS_VERSION},
        estimated_nano=routes.most(wanted.system + prompt, tokens_out=wanted.most_tokens),
        correlation=events.correlation(),
        deadline_at=now + timedelta(seconds=settings.AI_LINE_SECONDS),
        created_at=now,
    )
    with transaction.atomic():
        others = _calls(workspace).filter(_OPEN, deadline_at__gt=now)
        if others.filter(reference=reference).exists():
            return
        if others.count() >= _MOST_OPEN:
            raise UnableToSuggest("Wait until the other suggestions have come.")
        if not budgets.reserve(workspace=workspace, nanos=[call.estimated_nano], now=now):
            events.publish("ai.budget.reached", workspace=workspace.pk, meta={"refused": 1})
            raise UnableToSuggest("This month’s budget for the model is used up.")
        _let_go(_calls(workspace).filter(reference=reference), now)
        # Whoever asked at the same moment was first.
        Call.objects.bulk_create([call], ignore_conflicts=True)
        jobs.enqueue("ai.choose", queue="ai", once=choosing.WAKE)


def of(*, workspace: Workspace, references: Iterable[int], now: datetime) -> dict[int, Suggested]:
    """Return what came of asking, by reference; nothing for what was not asked or is used."""
    return {
        call.reference: Suggested(
            is_open=call.settled_at is None and call.used_at is None and call.deadline_at > now,
            texts=(call.decision or {}).get("phrasings", []),
        )
        for call in _calls(workspace).filter(reference__in=list(references))
    }


def forget(*, workspace: Workspace, reference: int, texts: Iterable[str], now: datetime) -> None:
    """Erase what was suggested once some of it is used: `texts` are what somebody picked."""
    found = of(workspace=workspace, references=[reference], now=now).get(reference)
    if found and set(found.texts) & set(texts):
        _let_go(_calls(workspace).filter(reference=reference), now)


def _calls(workspace: Workspace) -> QuerySet[Call]:
    return Call.objects.filter(workspace=workspace, purpose=Call.PHRASINGS)


def _let_go(calls: QuerySet[Call], now: datetime) -> None:
    """Erase what ended calls say and make way for others; what they cost stays in the books."""
    ended = calls.filter(Q(used_at__isnull=False) | Q(deadline_at__lte=now))
    ended.update(reference=-F("id"), decision=None)
