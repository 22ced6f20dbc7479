"""Conversations with customers, and the account of every decision. Tables of one workspace."""

from collections.abc import Sequence

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate, Lower, Reverse

from messaging.hours import MON_TO_SAT


class BotSettings(models.Model):
    """One row: how the bot behaves in this workspace, as published (messaging.versions)."""

    class Mode(models.TextChoices):
        ON = "on", "On"
        TEST = "test", "Test"
        OFF = "off", "Off"

    class Manner(models.TextChoices):
        CAREFUL = "careful", "Careful"
        BALANCED = "balanced", "Balanced"
        EAGER = "eager", "Eager"

    class Language(models.TextChoices):
        ENGLISH = "en", "English"
        PIDGIN = "pcm", "Pidgin-friendly"

    class Outside(models.TextChoices):
        ANSWER = "answer", "Answer as always"
        TELL = "tell", "Answer, and say when somebody is back"
        AWAY = "away", "Send only the away text"

    class Unsure(models.TextChoices):
        MENU = "menu", "Offer the nearest answers to choose from"
        PERSON = "person", "Pass the chat to your team at once"

    class Disclosure(models.TextChoices):
        NO = "no", "Not in the greeting"
        PLAIN = "plain", "Say that it is automated"
        PERSON = "person", "Say so, and how to reach a person"

    id = models.SmallIntegerField(primary_key=True, default=1)
    mode = models.CharField(max_length=4, choices=Mode, default=Mode.ON, db_default=Mode.ON)
    # What "resume" goes back to.
    mode_before = models.CharField(max_length=4, choices=Mode, default=Mode.ON, db_default=Mode.ON)
    # Written along for processes of the version before, which know no mode; read by nobody here.
    is_on = models.BooleanField(default=True, db_default=True)
    name = models.CharField(max_length=40, blank=True, default="", db_default="")
    language = models.CharField(
        max_length=3, choices=Language, default=Language.ENGLISH, db_default=Language.ENGLISH
    )
    is_friendly = models.BooleanField(default=False, db_default=False)
    uses_emoji = models.BooleanField(default=False, db_default=False)
    is_short = models.BooleanField(default=False, db_default=False)
    disclosure = models.CharField(
        max_length=6, choices=Disclosure, default=Disclosure.NO, db_default=Disclosure.NO
    )
    # A text of the owner's own; empty: the fixed sentence (messaging.sentences).
    greeting = models.CharField(max_length=600, blank=True)
    handover_text = models.CharField(max_length=600, blank=True)
    away_text = models.CharField(max_length=600, blank=True, default="", db_default="")
    # A span for each day from Monday on (messaging.hours).
    hours = models.CharField(max_length=90, default=MON_TO_SAT, db_default=MON_TO_SAT)
    outside = models.CharField(
        max_length=6, choices=Outside, default=Outside.ANSWER, db_default=Outside.ANSWER
    )
    unsure = models.CharField(
        max_length=6, choices=Unsure, default=Unsure.MENU, db_default=Unsure.MENU
    )
    handover_words = models.TextField(blank=True, default="", db_default="")  # one on each line
    off_limits = models.TextField(blank=True, default="", db_default="")
    # After this long without a word from the person, the bot takes a conversation back.
    handback_minutes = models.PositiveIntegerField(default=120)
    uses_ai = models.BooleanField(default=False)
    # How sure the bot must be to answer by itself.
    manner = models.CharField(
        max_length=8, choices=Manner, default=Manner.BALANCED, db_default=Manner.BALANCED
    )

    # Whom a bot in test mode answers; read with the row (messaging.bot), in that mode only.
    test_phones: Sequence[str] = ()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_settings_row")]

    def __str__(self) -> str:
        return "bot settings"


class BotDraft(models.Model):
    """One row, while there is a draft: what differs from what is published."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    changes = models.JSONField(default=dict)
    by_id = models.BigIntegerField(null=True)  # a User of the public schema
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_draft_row")]

    def __str__(self) -> str:
        return "bot draft"


class BotVersion(models.Model):
    """How the bot behaved from a moment on. Append-only: nothing here is changed or removed."""

    number = models.IntegerField(unique=True)
    values = models.JSONField()
    by_id = models.BigIntegerField(null=True)  # a User of the public schema
    published_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"version {self.number}"


class TestPhone(models.Model):
    """A phone that gets automatic replies while the bot is in test mode."""

    __test__ = False  # not one of pytest's

    phone = models.CharField(max_length=16, unique=True)
    by_id = models.BigIntegerField(null=True)  # a User of the public schema
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"test phone {self.pk}"


class Tag(models.Model):
    """A word by which the team sorts its contacts."""

    name = models.CharField(max_length=30)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_once")]

    def __str__(self) -> str:
        return f"tag {self.pk}"


class Contact(models.Model):
    """A customer. Known by identities; the phone number is only one of them."""

    name = models.CharField(max_length=200, blank=True)  # as WhatsApp tells it, time and again
    known_as = models.CharField(max_length=200, blank=True, default="", db_default="")  # the team's
    username = models.CharField(max_length=120, blank=True)  # shared by many, never a key
    phone = models.CharField(max_length=16, null=True, blank=True)  # noqa: DJ001 - unknown is not ""
    is_opted_out = models.BooleanField(default=False)
    is_marketing_opted_out = models.BooleanField(default=False)
    consent_at = models.DateTimeField(null=True)  # when `is_opted_out` was last said
    consent_by_id = models.BigIntegerField(null=True)  # a User; null: the customer's own word
    blocked_at = models.DateTimeField(null=True)
    blocked_by_id = models.BigIntegerField(null=True)  # a User
    tags = models.ManyToManyField(Tag, related_name="contacts")
    # Two identities of one message led to two contacts: shown to people, never merged alone.
    conflict_with = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["phone"], name="contact_by_phone"),
            # What people remember of a number are its last digits.
            models.Index(Collate(Reverse("phone"), "C"), name="contact_by_last_digits"),
            GinIndex(
                SearchVector("known_as", "name", "username", config="simple"), name="contact_names"
            ),
        ]

    def __str__(self) -> str:
        return f"contact {self.pk}"


class ContactIdentity(models.Model):
    """One address under which a contact is known."""

    class Kind(models.TextChoices):
        PHONE = "phone"
        BSUID = "bsuid"
        PARENT_BSUID = "parent_bsuid"
        JID = "jid"
        LID = "lid"

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="identities")
    scope = models.CharField(
        max_length=40
    )  # within what the value is unique: whatsapp, or an account
    kind = models.CharField(max_length=12, choices=Kind)
    value = models.CharField(max_length=192)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    superseded_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "kind", "value"], name="identity_once")
        ]
        verbose_name_plural = "contact identities"

    def __str__(self) -> str:
        return f"identity {self.pk}"


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

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
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

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="steps")
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


class OwnerNumber(models.Model):
    """A member's own WhatsApp number that may command the bot, once confirmed.

    The member names the number in the dashboard and sends the shown code from that phone;
    the identity that sent it is what is trusted from then on, not the phone's digits.
    """

    user_id = models.BigIntegerField(unique=True)
    phone = models.CharField(max_length=16)
    code_digest = models.CharField(max_length=64, blank=True)
    code_expires_at = models.DateTimeField(null=True)
    code_attempts = models.SmallIntegerField(default=0)
    identity = models.OneToOneField(ContactIdentity, null=True, on_delete=models.SET_NULL)
    confirmed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"owner number {self.pk}"


class DismissedQuestion(models.Model):
    """A question that no entry shall answer: the page of unanswered ones leaves it out.

    Known by `conversations.like_digest` of its text; no word of the customer is kept.
    """

    digest = models.CharField(max_length=32, unique=True)
    by_id = models.BigIntegerField(null=True)  # a User of the public schema
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"dismissed question {self.pk}"


class DaySummary(models.Model):
    """What a day was like, counted once: the figures of 30 days must not count a million messages.

    A day of the workspace's time zone. Rebuildable (messaging.days); `reply_times` counts the
    bot's replies by how long they took, in the classes of `days.EDGES`.
    """

    day = models.DateField(primary_key=True)
    received = models.IntegerField(default=0)
    answered = models.IntegerField(default=0)  # replies written by the bot
    sent = models.IntegerField(default=0)
    delivered = models.IntegerField(default=0)
    settled = models.IntegerField(default=0)  # sent ones of which the outcome is known
    reply_times = models.JSONField(default=list)
    time_zone = models.CharField(max_length=64)  # in which the day was cut
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "day summaries"

    def __str__(self) -> str:
        return f"summary of {self.day}"


class ConversationExport(models.Model):
    """Conversations as a file, made by a worker in pieces; gone a day after (messaging.exporting)."""

    class What(models.TextChoices):
        CONVERSATIONS = "conversations", "Conversations"
        MESSAGES = "messages", "Whole chats"

    class Form(models.TextChoices):
        XLSX = "xlsx", "Excel"
        CSV = "csv", "CSV"
        JSON = "json", "JSON"

    class State(models.TextChoices):
        GOING = "going", "Being made"
        DONE = "done", "Ready"
        FAILED = "failed", "Not finished"

    what = models.CharField(max_length=13, choices=What)
    form = models.CharField(max_length=4, choices=Form)
    # The days asked for, in the workspace's time zone; null: from the first, up to the last.
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    connection_id = models.BigIntegerField(null=True)  # of one number only
    by_id = models.BigIntegerField(null=True)  # a User of the public schema
    state = models.CharField(max_length=6, choices=State, default=State.GOING)
    total = models.BigIntegerField(null=True)  # rows expected, once they were counted
    done = models.BigIntegerField(default=0)
    # After which row to go on: what a worker that died in the middle leaves to the next one.
    place = models.JSONField(null=True)
    is_gathered = models.BooleanField(
        default=False
    )  # all rows are there; a workbook is put together
    attempts = models.SmallIntegerField(default=0)  # in a row that came to nothing
    size = models.BigIntegerField(default=0)  # bytes of the file
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="going"), name="one_export_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"


class ExportPiece(models.Model):
    """A part of an export's file, packed; in the database, as every host can serve it from there."""

    export = models.ForeignKey(
        ConversationExport, on_delete=models.CASCADE, related_name="pieces", db_index=False
    )
    is_file = models.BooleanField(default=True)  # False: rows that a workbook will be made of
    position = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["export", "is_file", "position"], name="export_piece_once"
            )
        ]

    def __str__(self) -> str:
        return f"piece {self.pk}"


class Note(models.Model):
    """What the team writes about a contact for itself; never sent."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="notes")
    # Where it is shown in the flow; null: written beside the contact only.
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.CASCADE, related_name="notes"
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
