"""What was said, the account of every decision about it, and what the team writes beside it."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from messaging.models.contacts import Contact


class Conversation(models.Model):
    """A customer's talk with the business; at most one is open per contact."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    class Holder(models.TextChoices):
        BOT = "bot", "Bot"
        PERSON = "person", "Person"

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="conversations")
    connection_id = models.BigIntegerField()  # a Connection of the public schema
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    holder = models.CharField(max_length=6, choices=Holder, default=Holder.BOT)
    needs_person = models.BooleanField(default=False)
    needs_person_since = models.DateTimeField(null=True)
    held_by_id = models.BigIntegerField(null=True)  # a User; null with holder=person: the phone app
    held_until = models.DateTimeField(null=True)
    handover_told_at = models.DateTimeField(null=True)
    away_told_at = models.DateTimeField(null=True)  # once while the business is closed
    last_inbound_at = models.DateTimeField(null=True)  # opens the 24-hour window
    seen_at = models.DateTimeField(null=True)  # when somebody of the team last had it open
    last_message_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contact"], condition=Q(state="open"), name="one_open_conversation"
            )
        ]
        indexes = [
            models.Index(fields=["-last_message_at", "-id"], name="conversation_by_time"),
            models.Index(
                fields=["held_until"], condition=Q(holder="person"), name="conversation_held"
            ),
            models.Index(
                fields=["-last_message_at", "-id"],
                condition=Q(needs_person=True, state="open"),
                name="conversation_needs",
            ),
            models.Index(
                fields=["held_by_id", "-last_message_at", "-id"],
                condition=Q(holder="person"),
                name="conversation_held_by",
            ),
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"


class Message(models.Model):
    """One message of a conversation, in or out."""

    class Direction(models.TextChoices):
        IN = "in", "Received"
        OUT = "out", "Sent"

    class Author(models.TextChoices):
        CONTACT = "contact", "Customer"
        BOT = "bot", "Bot"
        MEMBER = "member", "Team"
        PHONE = "phone", "Phone app"
        SYSTEM = "system", "WhatsApp"

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        QUEUED = "queued", "Waiting"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        READ = "read", "Read"
        FAILED = "failed", "Failed"

    conversation = models.ForeignKey(  # found by message_in_order
        Conversation, on_delete=models.CASCADE, db_index=False, related_name="messages"
    )
    direction = models.CharField(max_length=3, choices=Direction)
    author = models.CharField(max_length=7, choices=Author)
    author_id = models.BigIntegerField(null=True)  # a User, when a member wrote it
    kind = models.CharField(max_length=20)  # text, image, ..., unsupported
    text = models.TextField(blank=True)
    content = models.JSONField(default=dict)  # buttons, media ids, location, ... as translated
    text_digest = models.CharField(max_length=32, blank=True)  # of the cleaned text: loop guard
    provider_message_id = models.CharField(max_length=200, blank=True)
    reply_to_provider_id = models.CharField(max_length=200, blank=True)
    answers = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replies"
    )
    status = models.CharField(max_length=9, choices=Status)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=30, blank=True)
    error = models.CharField(max_length=300, blank=True)
    is_deleted = models.BooleanField(default=False)
    is_edited = models.BooleanField(default=False)
    # An inbound message that waits for a model's choice; null once the matter is settled.
    waiting_since = models.DateTimeField(null=True)
    correlation = models.CharField(max_length=32, blank=True)
    provider_at = models.DateTimeField()  # the provider's clock
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider_message_id"],
                condition=~Q(provider_message_id=""),
                name="message_once",
            )
        ]
        indexes = [
            models.Index(fields=["conversation", "provider_at", "id"], name="message_in_order"),
            models.Index(fields=["created_at"], name="message_by_time"),
            GinIndex(SearchVector("text", config="simple"), name="message_words"),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"


class TraceStep(models.Model):
    """One step of the account of a message: what was asked, what came out, and why."""

    message = models.ForeignKey(  # found by trace_in_order
        Message, on_delete=models.CASCADE, db_index=False, related_name="steps"
    )
    position = models.SmallIntegerField()
    step = models.CharField(max_length=30)
    verdict = models.CharField(max_length=10)  # pass, stop, act, note
    reason = models.CharField(max_length=40)
    sentence = models.CharField(max_length=300)
    detail = models.JSONField(default=dict)
    ms = models.IntegerField()  # since the message reached us
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["message", "position", "id"], name="trace_in_order")]

    def __str__(self) -> str:
        return f"{self.step}: {self.reason}"


class Note(models.Model):
    """What the team writes about a contact for itself; never sent."""

    contact = models.ForeignKey(  # found by note_by_contact
        Contact, on_delete=models.CASCADE, db_index=False, related_name="notes"
    )
    # Where it is shown in the flow (found by note_in_order); null: written beside the contact only.
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.CASCADE, db_index=False, related_name="notes"
    )
    text = models.CharField(max_length=2000)
    by_id = models.BigIntegerField()  # a User of the public schema
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["conversation", "created_at"], name="note_in_order"),
            models.Index(fields=["contact", "-created_at"], name="note_by_contact"),
        ]

    def __str__(self) -> str:
        return f"note {self.pk}"


class QuickAnswer(models.Model):
    """A text of the team's own that is laid into a reply by a tap."""

    title = models.CharField(max_length=60)
    text = models.TextField()  # at most one WhatsApp message
    by_id = models.BigIntegerField(null=True)  # who wrote it last
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("title"), name="quick_answer_once")]

    def __str__(self) -> str:
        return f"quick answer {self.pk}"


class DismissedQuestion(models.Model):
    """A question that no entry shall answer: the page of unanswered ones leaves it out.

    Known by `conversations.like_digest` of its text; no word of the customer is kept.
    """

    digest = models.CharField(max_length=32, unique=True)
    by_id = models.BigIntegerField(null=True)  # a User of the public schema
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"dismissed question {self.pk}"
