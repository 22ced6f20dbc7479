"""What is made out of conversations: counts of days, and files to take along."""

from django.db import models
from django.db.models import Q


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
