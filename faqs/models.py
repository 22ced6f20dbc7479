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
        # The order of the list, which is read page by page from a place in it (faqs.browsing).
        indexes = [models.Index(fields=["category", "question", "id"], name="entry_in_order")]

    def __str__(self) -> str:
        return f"entry {self.faq_id}"


class Phrasing(models.Model):
    """Another way to ask for an entry."""

    entry = models.ForeignKey(  # found by phrasing_once
        Entry, on_delete=models.CASCADE, db_index=False, related_name="phrasings"
    )
    text = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "text"], name="phrasing_once")]

    def __str__(self) -> str:
        return f"phrasing {self.pk}"


class Import(models.Model):
    """One uploaded file: previewed, then applied as one, and undone as one.

    `rows` is the preview: a list of {number, state, reason, problem, faq_id, values, notes,
    is_skipped};
    `notes` are sentences about the whole file; `before` is what the touched entries were, and
    what they became, so that undo restores them unless a person has changed them since.
    """

    class State(models.TextChoices):
        PREVIEW = "preview", "Waiting for you to check"
        APPLIED = "applied", "Added"
        UNDONE = "undone", "Undone"
        DISCARDED = "discarded", "Discarded"

    file_name = models.CharField(max_length=200)
    # Made of examples, whose answers have blanks: none is added before it is filled in.
    is_starter = models.BooleanField(default=False, db_default=False)
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


class Change(models.Model):
    """What one entry was before a change, and after it. It outlives the entry (faqs.trash).

    `before` is null when the entry was made, `after` when it was deleted; `hanging` is what went
    with a deleted one: its use, labels and golden questions. Changes that were one act of a
    person share a `batch`, by which they are taken back together.
    """

    class Door(models.TextChoices):
        EDIT = "edit", "Edited"
        LIST = "list", "Several at once"
        IMPORT = "import", "An import"
        UNDONE = "undone", "An import taken back"
        CORRECTION = "correction", "A correction"
        MERGE = "merge", "Two made one"
        RESTORE = "restore", "Restored"

    batch = models.CharField(max_length=32)
    entry_id = models.BigIntegerField()  # of an Entry that may be gone
    faq_id = models.CharField(max_length=64)
    door = models.CharField(max_length=10, choices=Door)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    hanging = models.JSONField(null=True)
    by_id = models.BigIntegerField(null=True)  # a User of the public schema
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["entry_id", "-id"], name="change_by_entry"),
            models.Index(fields=["batch"], name="change_by_batch"),
        ]

    def __str__(self) -> str:
        return f"change {self.pk}"


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


class TrainedModel(models.Model):
    """What ranks the entries of this workspace (faqs.engine), as it was trained last.

    It answers until the next one is there. One row for each encoder and form: programs of two
    versions may run beside each other for a while (faqs.identity).
    """

    encoder = models.CharField(max_length=120, unique=True)
    version = models.BigIntegerField()  # of the entries, from which it was trained
    data = models.BinaryField()
    # This workspace's own, once people have said often enough what was right; null: those that ship.
    certainty = models.JSONField(null=True)
    label_count = models.IntegerField(default=0)  # that there were then
    entry_count = models.IntegerField()
    seconds = models.FloatField()
    trained_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"model of version {self.version}"


class Label(models.Model):
    """What a person said about a customer's question: which entry it is for, or that none is.

    A customer says so by a tap in a menu, the team by a correction.
    """

    class Source(models.TextChoices):
        TAP = "tap", "A customer's tap"
        TEAM = "team", "The team"

    # A Message of this workspace; one label each, the last word counts.
    message_id = models.BigIntegerField(unique=True)
    text = models.CharField(max_length=1000)
    entry = models.ForeignKey(Entry, null=True, on_delete=models.CASCADE, related_name="labels")
    source = models.CharField(max_length=4, choices=Source)
    # What the bot had answered with; null: with no entry.
    answered_id = models.BigIntegerField(null=True)
    by_id = models.BigIntegerField(null=True)  # a User of the public schema
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="label_by_time")]

    def __str__(self) -> str:
        return f"label {self.pk}"


class GoldenQuestion(models.Model):
    """A question that this entry must go on answering, whatever changes."""

    class Origin(models.TextChoices):
        IMPORT = "import", "An import"
        CORRECTION = "correction", "A correction"
        PERSON = "person", "Written by hand"

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="golden_questions")
    text = models.CharField(max_length=300)
    origin = models.CharField(max_length=10, choices=Origin)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["text"], name="golden_question_once")]

    def __str__(self) -> str:
        return f"golden question {self.pk}"
