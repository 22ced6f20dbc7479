"""Why did (or didn't) it reply? The account of a message, put together for a page."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from faqs import browsing
from faqs.models import Entry
from messaging import asking, bot, correcting, fixes, inbox, recalling, trace
from messaging.models import Conversation, Message, TraceStep
from workspaces.models import Workspace

_LABELS = {
    "received": "Received",
    "contact": "Who wrote",
    "type": "Kind of message",
    "workspace": "Workspace",
    "subscription": "Plan",
    "command": "Owner's command",
    "bot": "Bot's switch",
    "rate": "Messages a minute",
    "holder": "Who has the conversation",
    "loop": "Loop guard",
    "consent": "Customer's consent",
    "honesty": "Asked whether it is a bot",
    "topic": "What it never talks about",
    "hours": "Opening hours",
    "greeting": "Greeting",
    "faq": "Looked in your FAQs",
    "model": "Asked the model",
    "window": "24-hour window",
    "budget": "Today's allowance",
    "reply": "Reply",
    "menu": "Offered a choice",
    "handover": "Passed to your team",
    "person": "A person",
    "send": "Sending",
    "status": "WhatsApp's report",
    "identity": "Customer's identity",
}


_UNSURE = frozenset({"faq_none", "faq_unsure", "model_none"})


@dataclass(frozen=True)
class Step:
    """One line of the timeline; several checks that all passed are one line."""

    label: str
    verdict: str
    sentence: str
    ms: int
    parts: list[TraceStep]


@dataclass(frozen=True)
class Explanation:
    """A message, what came of it, and why."""

    asked: Message
    replies: list[Message]
    name: str
    title: str
    verdict: str
    tone: str  # of the verdict: good, wait or bad
    fix: fixes.Fix
    steps: list[Step]
    entries: list[Entry]  # those whose texts were sent
    may_teach: bool  # no answer of the FAQ was sure enough: one could be added
    may_correct: bool  # it was a question for the FAQ, whatever came of it
    correction: correcting.Correction | None
    options: list[tuple[int, str]]  # entries that it could have been answered with
    for_support: str
    previous: str  # what was asked before, where the message went on with that
    may_try: bool  # a customer's words: the bot can be asked again


def label_of(step: str) -> str:
    """Return what a step is called on a page."""
    return _LABELS.get(step, step.replace("_", " ").capitalize())


def explain(*, workspace: Workspace, identifier: str) -> Explanation | None:
    """Return the account of a message, by its own number or by WhatsApp's id; None if unknown."""
    identifier = identifier.replace("\x00", "").strip()
    if identifier.isascii() and identifier.isdigit() and len(identifier) < 19:
        story = trace.story(message_id=int(identifier))
    else:
        story = trace.story(provider_message_id=identifier[:200]) if identifier else None
    if story is None:
        return None
    asked = story.message
    is_ours = asked.direction == Message.Direction.OUT
    is_answered = is_ours or bool(story.replies)
    used = [
        pk
        for reply in story.replies
        for pk in reply.content.get("entry_ids") or [reply.content.get("entry_id")]
    ]
    found = [browsing.entry(pk) for pk in dict.fromkeys(used) if isinstance(pk, int)]
    may_correct = not is_ours and bool(asked.text) and _was_looked_up(story.steps)
    return Explanation(
        asked=asked,
        replies=story.replies,
        name=inbox.shown_name(asked.conversation.contact),
        title=_title(is_ours=is_ours, is_answered=is_answered),
        verdict=_verdict(story),
        tone=_tone(story),
        fix=_fix(story, found),
        steps=_steps(story.steps),
        entries=[entry for entry in found if entry is not None],
        may_correct=may_correct,
        correction=correcting.standing(asked.pk) if may_correct else None,
        options=correcting.options(asked.pk, _nearest(story.steps)) if may_correct else [],
        may_teach=bool(asked.text) and any(step.reason in _UNSURE for step in story.steps),
        for_support=_for_support(workspace, story),
        previous=_previous(story.steps),
        may_try=not is_ours and bool(asked.text.strip()),
    )


def entries_of(rehearsal: asking.Rehearsal) -> list[Entry]:
    """Return the entries that a rehearsal would answer with or offer."""
    wanted = rehearsal.answered or rehearsal.suggested
    found = browsing.by_faq_id(wanted)
    return [found[faq_id] for faq_id in wanted if faq_id in found]


def reason_of(rehearsal: asking.Rehearsal) -> str:
    """Return the sentence of the gate that decided a rehearsal."""
    ends = [gate.sentence for gate in rehearsal.gates if not gate.is_pass]
    return ends[-1] if ends else ""


def steps_of(rehearsal: asking.Rehearsal) -> list[Step]:
    """Return a rehearsal's gates as lines of a timeline."""
    return _steps(
        [
            TraceStep(
                position=index,
                step=gate.step,
                verdict=gate.verdict,
                reason=gate.reason,
                sentence=gate.sentence,
                detail=dict(gate.detail),
                ms=0,
            )
            for index, gate in enumerate(rehearsal.gates)
        ]
    )


def _verdict(story: trace.Story) -> str:
    failed = story.failed
    if failed is not None:
        return f"Not delivered. {failed.error}".strip()
    return story.verdict


def _tone(story: trace.Story) -> str:
    if story.failed is not None:
        return "bad"
    end = story.deciding
    if end is None:
        return ""
    waits = end.verdict == "stop" and fixes.fitting(reason=end.reason).label
    return "wait" if waits or end.reason in _UNSURE else "good"


def _fix(story: trace.Story, used: list[Entry | None]) -> fixes.Fix:
    """Return what to do, as things are now: what is put right already needs no button."""
    end = story.deciding
    failed = story.failed
    # What was taken back is told by the reason that it was taken back for.
    if failed is not None and failed.error_code not in recalling.REASONS:
        return fixes.fitting(reason="", error_code=failed.error_code or "rejected")
    found = fixes.fitting(reason=end.reason if end is not None else "")
    if end is None:
        return found
    if end.reason in ("bot_off", "test_mode") and bot.settings_of().is_on:
        return fixes.Fix(_("Nothing to fix any more: the bot is on again."))
    is_held = story.message.conversation.holder == Conversation.Holder.PERSON
    if found.to == "messaging:conversation-give-back" and not is_held:
        return fixes.Fix(_("Nothing to fix any more: the bot has this chat again."))
    if found.about == "entry" and not any(used):
        return fixes.Fix(_("Nothing to fix: the answer that it sent is not there any more."))
    return found


def try_again(
    *, workspace: Workspace, found: Explanation, now: datetime
) -> asking.Rehearsal | None:
    """Ask the bot about the message once more, in rehearsal; None for what no customer wrote."""
    if found.asked.direction != Message.Direction.IN or not found.asked.text.strip():
        return None
    return asking.rehearse(
        workspace=workspace, text=found.asked.text[:1000], previous=found.previous, now=now
    )


def _previous(steps: list[TraceStep]) -> str:
    """Return the question before, where the message was taken with that."""
    return next(
        (str(s.detail["after"]) for s in steps if s.step == "faq" and s.detail.get("after")), ""
    )


def _was_looked_up(steps: list[TraceStep]) -> bool:
    return any(step.step == "faq" for step in steps)


def _nearest(steps: list[TraceStep]) -> list[int]:
    """Return the entries that were nearest to the message, best first."""
    names = [
        str(one.get("faq_id", ""))
        for step in steps
        if step.step == "faq"
        for one in step.detail.get("top", [])
    ]
    found = browsing.by_faq_id(names)
    return [found[name].pk for name in names if name in found]


def _title(*, is_ours: bool, is_answered: bool) -> str:
    if is_ours:
        return "About this message"
    return "Why this reply?" if is_answered else "Why no reply?"


def _steps(steps: list[TraceStep]) -> list[Step]:
    lines: list[Step] = []
    checks: list[TraceStep] = []

    def close() -> None:
        if len(checks) == 1:
            lines.append(_line(checks[0]))
        elif checks:
            sentence = f"{len(checks)} checks, none of them in the way."
            lines.append(Step("Checks passed", "pass", sentence, checks[-1].ms, list(checks)))
        checks.clear()

    for step in steps:
        if step.verdict == "pass" and step.step != "received":
            checks.append(step)
        else:
            close()
            lines.append(_line(step))
    close()
    return lines


def _line(step: TraceStep) -> Step:
    return Step(label_of(step.step), step.verdict, step.sentence, step.ms, [step])


def _for_support(workspace: Workspace, story: trace.Story) -> str:
    """Return ids and reason codes only: no word of the customer."""
    asked = story.message
    head = [
        f"workspace {workspace.slug}",
        f"message {asked.pk} {asked.provider_message_id}".strip(),
        f"at {asked.created_at:%Y-%m-%d %H:%M:%S} UTC, code {asked.correlation}",
        *(f"reply {m.pk} {m.status} {m.error_code}".strip() for m in story.replies),
    ]
    lines = [f"+{s.ms} ms {s.step} {s.verdict} {s.reason}" for s in story.steps]
    return "\n".join([*head, *lines])
