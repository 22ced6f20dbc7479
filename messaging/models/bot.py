"""How the bot behaves in one workspace: as published, as drafted, as it was."""

from collections.abc import Sequence

from django.db import models
from django.db.models import Q

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
