"""The business's own answers, and where they came from. One set of tables per workspace."""

from django.db import models


class Entry(models.Model):
    """One answer, and the question it is filed under."""

    faq_id = models.SlugField(max_length=64, unique=True)  # stable name, also in files
    question = models.CharField(max_length=300)
    answer = models.TextField()  # at most 4,096 characters: one WhatsApp message
    category = models.CharField(max_length=60, blank=True)
    keywords = models.CharField(max_length=300, blank=True)  # separated by spaces or commas
    is_active = models.BooleanField(default=True)
    use_count = models.IntegerField(default=0)  # answers given with it
    last_used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"entry {self.faq_id}"


class Phrasing(models.Model):
    """Another way to ask for an entry."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="phrasings")
    text = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "text"], name="phrasing_once")]

    def __str__(self) -> str:
        return f"phrasing {self.pk}"


class Import(models.Model):
    """One uploaded file: previewed, then applied as one, and undone as one.

    `rows` is the preview: a list of {number, state, reason, faq_id, values, notes, is_skipped};
    `notes` are sentences about the whole file; `before` is what the touched entries were, and
    what they became, so that undo restores them unless a person has changed them since.
    """

    class State(models.TextChoices):
        PREVIEW = "preview", "Waiting for you to check"
        APPLIED = "applied", "Added"
        UNDONE = "undone", "Undone"
        DISCARDED = "discarded", "Discarded"

    file_name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.PREVIEW)
    rows = models.JSONField()
    notes = models.JSONField(default=list)
    before = models.JSONField(null=True)
    created_by_id = models.BigIntegerField(null=True)  # a User of the public schema
    created_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"import {self.pk}"


class Version(models.Model):
    """One row: a number that grows with every change of the entries and never comes twice.

    Every index and cache is keyed by it; see `faqs.versions`.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_version_row")]

    def __str__(self) -> str:
        return f"version {self.number}"
