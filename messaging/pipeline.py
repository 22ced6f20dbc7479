"""Decide about one customer's message and do it: the gates' verdict becomes reply or silence."""

from collections.abc import Sequence

from ai import choosing
from billing import metering, meters
from connections import manager
from connections.events import Button
from faqs import search
from lib import clock
from messaging import commands, contacts, context, gates, replies, sentences
from messaging.models import BotSettings, Conversation, Message
from messaging.trace import Verdict, acted, passed, stopped
from messaging.turn import LiveTurn


def decide_all(turns: Sequence[LiveTurn]) -> list[list[Verdict]]:
    """Walk the gates for every message and carry out what they decided, onto the desk.

    Returns the verdicts of each, in order, for its account. No two turns may be of the same
    conversation: what one decides must not depend on what the other does.
    """
    walked = [gates.walk(turn) for turn in turns]
    _ask_model([turn for turn, verdicts in zip(turns, walked, strict=True) if _is_unsure(verdicts)])
    for turn, verdicts in zip(turns, walked, strict=True):
        last = verdicts[-1]
        if last.verdict == "stop":
            if last.needs_person:
                turn.desk.call_person(turn.conversation)
            continue
        verdicts.extend(_act(turn, last))
        if last.reason != "owner_command":
            _count_run(turn)
    return walked


def _is_unsure(verdicts: Sequence[Verdict]) -> bool:
    return verdicts[-1].reason == "faq_unsure"


def _act(turn: LiveTurn, last: Verdict) -> list[Verdict]:
    match last.reason:
        case "owner_command":
            answer = commands.carry_out(turn=turn, command=str(last.detail["command"]))
            return _say(turn, answer)
        case "opt_out" | "opt_in":
            is_out = last.reason == "opt_out"
            contacts.set_opted_out(
                contact=turn.conversation.contact,
                is_out=is_out,
                now=turn.now,
                sheet=turn.desk.sheet,
            )
            return _say(turn, sentences.consent(turn.bot, is_out=is_out))
        case "greeting":
            return _say(turn, sentences.greeting(turn.bot, business=turn.workspace.name))
        case "asked_if_bot":
            return _say(turn, sentences.honest(turn.bot, business=turn.workspace.name))
        case "off_limits":
            return hand_over(turn, reason="off_limits")
        case "outside_hours":
            return _say_away(turn)
        case "asked_for_person":
            return hand_over(turn, reason="asked_for_person", to_person=True)
        case "faq_matched":
            return send_entries(turn, turn.found.answers)
        case "faq_chosen":
            context.note_tap(turn)
            return send_entries(turn, turn.found.answers)
        case "faq_unsure":
            return _wait_for_model(turn) if turn.is_asked else offer_menu(turn)
        case _:
            return hand_over(turn, reason="faq_none")


def _say(
    turn: LiveTurn,
    text: str,
    *,
    entries: Sequence[search.Match] = (),
    buttons: tuple[Button, ...] = (),
    choices: Sequence[Button] = (),
) -> list[Verdict]:
    """Send `text` if the window and the plan allow it; else hand over, with the reason.

    `choices` are what a number typed next would choose (the buttons, where there are any).
    """
    window = gates.window(turn)
    if not window.is_pass:
        turn.desk.call_person(turn.conversation)
        return [window]
    if not turn.desk.may_say():
        return [window, over_limit(turn)]
    content: dict[str, object] = {}
    if entries:
        content |= {"entry_id": entries[0].entry_id, "faq_id": entries[0].faq_id}
    if len(entries) > 1:
        content["entry_ids"] = [entry.entry_id for entry in entries]
    if choices:
        content["choices"] = [button.id for button in choices]
    turn.desk.say(
        replies.draft(
            conversation=turn.conversation,
            text=text[: replies.TEXT_LIMIT],
            author=Message.Author.BOT,
            answers=turn.message,
            buttons=buttons,
            content=content,
            correlation=turn.message.correlation,
            to=turn.sender,
            now=turn.now,
        )
    )
    turn.desk.used_entries.extend(entry.entry_id for entry in entries)
    return [
        window,
        passed("budget", _budget_sentence(turn)),
        acted("reply", "queued", "The reply is on its way out."),
    ]


def send_entries(turn: LiveTurn, entries: Sequence[search.Match]) -> list[Verdict]:
    """Answer with the owner's own texts: in one message, where they fit in one."""
    together = "\n\n".join(entry.answer for entry in entries)
    if len(together) <= replies.TEXT_LIMIT:
        return _say(turn, together, entries=entries)
    done: list[Verdict] = []
    for entry in entries:
        done = [*done, *_say(turn, entry.answer, entries=[entry])]
        if done[-1].reason != "queued":
            break
    return done


def _budget_sentence(turn: LiveTurn) -> str:
    per_day = turn.standing.per_day(meters.MESSAGES_SENT)
    return (
        f"Within the plan's {per_day} messages a day."
        if per_day
        else "The plan has no daily limit."
    )


def over_limit(turn: LiveTurn) -> Verdict:
    """The plan's day is used up: the team takes over and the owner hears of it, once a day."""
    per_day = turn.standing.per_day(meters.MESSAGES_SENT)
    turn.desk.call_person(turn.conversation)
    turn.desk.tell_owners(
        key=f"limit:{clock.local_day(turn.now, turn.workspace.time_zone)}",
        text=(
            f"{turn.standing.plan_name} plan: today's {per_day} messages are used. Customers'"
            " messages still arrive; the bot waits until tomorrow. Answer them yourself, or take a"
            " larger plan."
        ),
    )
    return stopped(
        "budget",
        "plan_limit",
        f"The plan's {per_day} messages of today are used, so your team has to answer.",
        needs_person=True,
    )


def hand_over(turn: LiveTurn, *, reason: str, to_person: bool = False) -> list[Verdict]:
    """Leave the conversation to a person, and say so to the customer once."""
    conversation = turn.conversation
    turn.desk.call_person(conversation)
    done: list[Verdict] = []
    if conversation.handover_told_at is None:
        zone = turn.workspace.time_zone
        done = _say(turn, sentences.handover(turn.bot, zone=zone, now=turn.now))
        if done[-1].reason == "queued":
            conversation.handover_told_at = turn.now
    else:
        done = [passed("reply", "The customer was told before that a person will answer.")]
    if to_person:
        turn.desk.hold_for_team(conversation)
    done.append(
        acted(
            "handover",
            f"handover_{reason}"[:40],
            "Passed to your team: the conversation needs a person.",
        )
    )
    return done


def _say_away(turn: LiveTurn) -> list[Verdict]:
    """Send the away text, once while the business is closed; the message waits for the team."""
    conversation = turn.conversation
    turn.desk.call_person(conversation)
    text = sentences.away(turn.bot, zone=turn.workspace.time_zone, now=turn.now)
    done = _say(turn, text)
    if done[-1].reason == "queued":
        conversation.away_told_at = turn.now
    return done


def offer_menu(turn: LiveTurn) -> list[Verdict]:
    """Offer the likeliest entries: up to three buttons, or numbers where there are no buttons.

    An owner who wants no menus has such a question passed to the team.
    """
    if turn.bot.unsure == BotSettings.Unsure.PERSON:
        return hand_over(turn, reason="faq_unsure")
    matches = turn.found.shown
    lines = [f"{n}. {match.question}" for n, match in enumerate(matches, start=1)]
    head, foot = sentences.menu_head(turn.bot), sentences.menu_foot(turn.bot)
    body = "\n".join([head, *lines, "", foot])
    buttons = tuple(
        Button(id=f"{context.PREFIX}{match.entry_id}", title=_title(n, match.question))
        for n, match in enumerate(matches, start=1)
    )
    with_buttons = turn.connection is None or manager.supports_buttons(turn.connection.provider)
    done = _say(
        turn,
        body[: replies.BUTTONS_BODY_LIMIT],
        buttons=buttons if with_buttons else (),
        choices=buttons,
    )
    if done[-1].reason != "queued":
        return done
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


def _ask_model(turns: Sequence[LiveTurn]) -> None:
    """Let a model pick among the likeliest entries, where it may be asked."""
    asking = [turn for turn in turns if turn.bot.uses_ai]
    if not asking:
        return
    accepted = choosing.request_all(
        workspace=asking[0].workspace,
        asks=[
            choosing.Ask(
                reference=turn.message.pk,
                question=_in_full(turn),
                candidates=[
                    choosing.Candidate(m.entry_id, m.question, m.answer, m.confidence)
                    for m in turn.found.nearest
                ],
                correlation=turn.message.correlation,
            )
            for turn in asking
        ],
        now=asking[0].now,
        is_alone=asking[0].desk.is_careful,
    )
    for turn in asking:
        turn.is_asked = turn.message.pk in accepted
        if turn.is_asked:
            turn.message.waiting_since = turn.now


def _in_full(turn: LiveTurn) -> str:
    """Return what the customer asks, with the question before it where it was taken with that."""
    before = turn.found.account.get("after")
    return f"{before}\n{turn.text}" if before else turn.text


def _wait_for_model(turn: LiveTurn) -> list[Verdict]:
    turn.desk.show_typing(turn.message)
    return [
        acted("model", "model_asked", "A model was asked to pick one of the likeliest answers.")
    ]


def choice_of(conversation: Conversation, text: str, content: dict[str, object]) -> int | None:
    """Return the entry a customer chose: by a tap, or by the number of the last menu's line."""
    tapped = content.get("reply_id")
    if isinstance(tapped, str) and tapped.startswith(context.PREFIX):
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
    digits = button.removeprefix(context.PREFIX)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _count_run(turn: LiveTurn) -> None:
    turn.desk.usages.append(
        metering.Usage(
            meters.AUTOMATION_RUNS,
            turn.message.pk,
            turn.now,
            connection_id=turn.conversation.connection_id,
        )
    )
