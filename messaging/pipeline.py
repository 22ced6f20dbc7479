"""Decide about one customer's message and do it: the gates' verdict becomes reply or silence."""

from ai import choosing
from billing import metering, meters
from connections import manager
from connections.events import Button
from faqs import search
from lib import clock
from messaging import bot, commands, gates, replies, takeover
from messaging.gates import Turn
from messaging.models import Contact, Conversation, Message
from messaging.trace import Verdict, acted, passed, stopped
from workspaces import notices

PREFIX = "faq:"


def decide(turn: Turn) -> list[Verdict]:
    """Walk the gates and carry out what they decided, in the caller's transaction.

    Returns every verdict, in order, for the trace. The caller saves the conversation's clocks,
    and writes `turn.usages` and `turn.used_entries`: once, for a whole batch.
    """
    verdicts = gates.walk(turn)
    last = verdicts[-1]
    if turn.message is None or turn.conversation is None:
        raise ValueError("A rehearsal is not carried out; see messaging.asking.")
    if last.verdict == "stop":
        if last.needs_person:
            takeover.call_person(conversation=turn.conversation, now=turn.now)
        return verdicts
    verdicts.extend(_act(turn, last))
    if last.reason != "owner_command":
        _count_run(turn)
    return verdicts


def _act(turn: Turn, last: Verdict) -> list[Verdict]:
    match last.reason:
        case "owner_command":
            answer = commands.carry_out(turn=turn, command=str(last.detail["command"]))
            return _say(turn, answer)
        case "opt_out" | "opt_in":
            is_out = last.reason == "opt_out"
            Contact.objects.filter(pk=_conversation(turn).contact_id).update(is_opted_out=is_out)
            return _say(turn, bot.OPTED_OUT if is_out else bot.OPTED_IN)
        case "greeting":
            greeting = turn.bot.greeting or bot.GREETING.format(name=turn.workspace.name)
            return _say(turn, greeting)
        case "asked_for_person":
            return hand_over(turn, reason="asked_for_person", to_person=True)
        case "faq_matched" | "faq_chosen":
            return _say(turn, turn.matches[0].answer, entry=turn.matches[0])
        case "faq_unsure":
            return _ask_model(turn) or offer_menu(turn)
        case _:
            return hand_over(turn, reason="faq_none")


def _say(
    turn: Turn, text: str, *, entry: search.Match | None = None, buttons: tuple[Button, ...] = ()
) -> list[Verdict]:
    """Send `text` if the window and the plan allow it; else hand over, with the reason."""
    conversation, message = _conversation(turn), _message(turn)
    window = gates.window(turn)
    if not window.is_pass:
        takeover.call_person(conversation=conversation, now=turn.now)
        return [window]
    if not replies.reserve(workspace=turn.workspace, standing=turn.standing, now=turn.now):
        return [window, over_limit(turn)]
    content: dict[str, object] = (
        {"entry_id": entry.entry_id, "faq_id": entry.faq_id} if entry else {}
    )
    if buttons:
        content["choices"] = [button.id for button in buttons]
    replies.say(
        workspace=turn.workspace,
        conversation=conversation,
        text=text[: replies.TEXT_LIMIT],
        author=Message.Author.BOT,
        answers=message,
        buttons=buttons,
        content=content,
        correlation=message.correlation,
        to=turn.sender,
        saves_clocks=False,
        now=turn.now,
    )
    if entry is not None:
        turn.used_entries.append(entry.entry_id)
    return [
        window,
        passed("budget", _budget_sentence(turn)),
        acted("reply", "queued", "The reply is on its way out."),
    ]


def send_entry(turn: Turn, entry: search.Match) -> list[Verdict]:
    """Answer with the owner's own text of `entry`."""
    return _say(turn, entry.answer, entry=entry)


def _budget_sentence(turn: Turn) -> str:
    per_day = turn.standing.per_day(meters.MESSAGES_SENT)
    return (
        f"Within the plan's {per_day} messages a day."
        if per_day
        else "The plan has no daily limit."
    )


def over_limit(turn: Turn) -> Verdict:
    """The plan's day is used up: the team takes over and the owner hears of it, once a day."""
    per_day = turn.standing.per_day(meters.MESSAGES_SENT)
    takeover.call_person(conversation=_conversation(turn), now=turn.now)
    notices.tell_owners(
        workspace=turn.workspace,
        key=f"limit:{clock.local_day(turn.now, turn.workspace.time_zone)}",
        text=(
            f"{turn.standing.plan_name} plan: today's {per_day} messages are used. Customers'"
            " messages still arrive; the bot waits until tomorrow. Answer them yourself, or take a"
            " larger plan."
        ),
        now=turn.now,
    )
    return stopped(
        "budget",
        "plan_limit",
        f"The plan's {per_day} messages of today are used, so your team has to answer.",
        needs_person=True,
    )


def hand_over(turn: Turn, *, reason: str, to_person: bool = False) -> list[Verdict]:
    """Leave the conversation to a person, and say so to the customer once."""
    conversation = _conversation(turn)
    takeover.call_person(conversation=conversation, now=turn.now)
    done: list[Verdict] = []
    if conversation.handover_told_at is None:
        done = _say(turn, turn.bot.handover_text or bot.HANDOVER)
        if done[-1].reason == "queued":
            conversation.handover_told_at = turn.now
            conversation.save(update_fields=["handover_told_at"])
    else:
        done = [passed("reply", "The customer was told before that a person will answer.")]
    if to_person:
        takeover.hold_for_team(conversation=conversation, now=turn.now)
    done.append(
        acted(
            "handover",
            f"handover_{reason}"[:40],
            "Passed to your team: the conversation needs a person.",
        )
    )
    return done


def offer_menu(turn: Turn) -> list[Verdict]:
    """Offer the likeliest entries: up to three buttons, or numbers where there are no buttons."""
    matches = turn.matches[:3]
    lines = [f"{n}. {match.question}" for n, match in enumerate(matches, start=1)]
    body = "\n".join([bot.MENU_HEAD, *lines, "", bot.MENU_FOOT])
    buttons = tuple(
        Button(id=f"{PREFIX}{match.entry_id}", title=_title(n, match.question))
        for n, match in enumerate(matches, start=1)
    )
    with_buttons = turn.connection is None or manager.supports_buttons(turn.connection.provider)
    done = _say(turn, body[: replies.BUTTONS_BODY_LIMIT], buttons=buttons if with_buttons else ())
    if done[-1].reason != "queued":
        return done
    if not with_buttons:
        # Numbers typed later are looked up in the reply itself.
        newest = Message.objects.filter(answers=_message(turn)).latest("id")
        newest.content = {"choices": [button.id for button in buttons]}
        newest.save(update_fields=["content"])
    return [
        *done,
        acted(
            "menu",
            "menu_offered",
            f"Not sure enough, so {len(matches)} answers were offered to choose from.",
        ),
    ]


def _title(number: int, question: str) -> str:
    title = f"{number}. {question}"
    limit = replies.BUTTON_TITLE_LIMIT
    return title if len(title) <= limit else title[: limit - 1].rstrip() + "…"


def _ask_model(turn: Turn) -> list[Verdict]:
    """Let a model pick among the likeliest entries; empty when it may not be asked."""
    if not turn.bot.uses_ai:
        return []
    message, conversation = _message(turn), _conversation(turn)
    asked = choosing.request(
        workspace=turn.workspace,
        reference=message.pk,
        question=turn.text,
        candidates=[
            choosing.Candidate(m.entry_id, m.question, m.answer, m.confidence)
            for m in search.find(turn.workspace, turn.text, limit=8)
        ],
        correlation=message.correlation,
        now=turn.now,
    )
    if not asked:
        return []
    message.waiting_since = turn.now
    message.save(update_fields=["waiting_since"])
    replies.show_typing(
        workspace=turn.workspace, conversation=conversation, message=message, now=turn.now
    )
    return [
        acted("model", "model_asked", "A model was asked to pick one of the likeliest answers.")
    ]


def choice_of(conversation: Conversation, text: str, content: dict[str, object]) -> int | None:
    """Return the entry a customer chose: by a tap, or by the number of the last menu's line."""
    tapped = content.get("reply_id")
    if isinstance(tapped, str) and tapped.startswith(PREFIX):
        return _entry_id(tapped)
    number = text.strip().rstrip(".)")
    if number in ("1", "2", "3"):
        menu = (
            Message.objects.filter(conversation=conversation, direction=Message.Direction.OUT)
            .order_by("-id")
            .first()
        )
        choices = menu.content.get("choices") if menu else None
        if isinstance(choices, list) and len(choices) >= int(number):
            return _entry_id(str(choices[int(number) - 1]))
    return None


def _entry_id(button: str) -> int | None:
    digits = button.removeprefix(PREFIX)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _count_run(turn: Turn) -> None:
    turn.usages.append(
        metering.Usage(
            meters.AUTOMATION_RUNS,
            _message(turn).pk,
            turn.now,
            connection_id=_conversation(turn).connection_id,
        )
    )


def _conversation(turn: Turn) -> Conversation:
    if turn.conversation is None:
        raise ValueError("This turn is a rehearsal.")
    return turn.conversation


def _message(turn: Turn) -> Message:
    if turn.message is None:
        raise ValueError("This turn is a rehearsal.")
    return turn.message
