"""Send a message of ours once more that has failed: a new attempt, once, never two."""

from datetime import datetime

from django.db import transaction

from billing import plans
from connections import outbox
from connections.events import Button
from lib import events, sql
from messaging import conversations, replies, takeover, trace
from messaging.models import Message
from workspaces.models import User, Workspace


class UnableToRetry(Exception):
    """It is not sent again; the message is a sentence for the person."""


def retry(*, workspace: Workspace, message_id: int, user: User, now: datetime) -> Message:
    """Send the words of a failed message again, as a message of its own.

    The failed one keeps its place and says so; its send can no longer be replayed. Whoever has
    the conversation keeps it. Raises UnableToRetry, takeover.UnableToFindConversation.
    """
    wanted = Message.objects.filter(pk=message_id, direction=Message.Direction.OUT).first()
    if wanted is None:
        raise takeover.UnableToFindConversation
    with events.correlated(""), transaction.atomic(durable=True):
        conversation = takeover.in_hand(wanted.conversation_id)
        failed = Message.objects.select_for_update(no_key=True).get(pk=wanted.pk)
        if failed.content.get("retried_as"):
            raise UnableToRetry("It has been sent again already; see further down.")
        if failed.status != Message.Status.FAILED or not failed.text:
            raise UnableToRetry("It has reached WhatsApp meanwhile, so it is not sent twice.")
        try:
            takeover.check(workspace=workspace, conversation=conversation, now=now)
        except takeover.UnableToReply as error:
            raise UnableToRetry(str(error)) from error
        if not outbox.retire(workspace=workspace, key=f"message:{failed.pk}"):
            raise UnableToRetry("It is on its way again already. Wait a moment.")
        replies.take_place(
            workspace=workspace, standing=plans.standing(workspace=workspace, now=now), now=now
        )
        kept = {name: failed.content[name] for name in ("entry_id", "faq_id", "choices") if name in failed.content}  # fmt: skip
        said = replies.draft(
            conversation=conversation,
            text=failed.text,
            author=Message.Author.MEMBER,
            author_id=user.pk,
            buttons=_buttons(failed),
            content={**kept, "retry_of": failed.pk},
            correlation=events.correlation(),
            now=now,
        )
        sheet = sql.Sheet()
        replies.put(workspace=workspace, replies=[said], now=now, sheet=sheet)
        sheet.run()
        failed.content["retried_as"] = said.message.pk
        failed.save(update_fields=["content"])
        takeover.answered(conversation)
        conversations.keep([conversation])
        trace.write(
            message=said.message,
            verdicts=[
                trace.acted(
                    "person", "member_retried", f"{user.shown_name} sent a failed message again."
                )
            ],
            received_at=now,
            now=now,
        )
    return said.message


def _buttons(failed: Message) -> tuple[Button, ...]:
    titles, ids = failed.content.get("buttons"), failed.content.get("choices")
    if not isinstance(titles, list) or not isinstance(ids, list):
        return ()
    return tuple(
        Button(id=str(pk), title=str(title)) for pk, title in zip(ids, titles, strict=False)
    )
