"""The number that changes with every change of the entries, and the lock that orders changes."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection as database
from django.db.models import BigIntegerField, F, Func
from django.db.models.functions import Greatest

from faqs import identity
from faqs.models import Version
from lib import jobs
from workspaces import alarms, scope

# A change sets it, and it stays until a model of those very entries is in place.
ALARM = "train"
TRAIN = "faqs.train"
_AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Current:
    """The entries as they are now, and those from which what ranks them was trained."""

    entries: int
    model: int = 0  # 0: nothing is trained that this program can use
    fitted: int = 0  # on how many labels its confidence was fitted


def current() -> Current:
    """Return what holds now in the workspace in scope; one query."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT v.number, coalesce(m.version, 0), coalesce(m.label_count, 0)"
            " FROM faqs_version v"
            " LEFT JOIN faqs_trainedmodel m ON m.encoder = %s WHERE v.id = 1",
            [identity.of_models()],
        )
        row = cursor.fetchone()
    return Current(*map(int, row)) if row else Current(0)


def bump() -> None:
    """Give the entries a new number. Call it first in the transaction that changes them.

    Writers queue behind each other here, so that what one has checked still holds when it
    writes. The number follows the database's clock: a number that was rolled back, or lost
    with a restored backup, never comes again with other entries behind it.
    """
    Version.objects.get_or_create(pk=1)
    microseconds = Func(
        template="(extract(epoch from clock_timestamp()) * 1000000)::bigint",
        output_field=BigIntegerField(),
    )
    Version.objects.filter(pk=1).update(number=Greatest(F("number") + 1, microseconds))
    ask_for_training()


def ask_for_training() -> None:
    """Have a model trained of the entries of the workspace in scope, after the commit."""
    workspace_id = scope.current_workspace_id()
    if workspace_id is None:
        raise RuntimeError("Entries are changed in the scope of a workspace only.")
    alarms.set_at_latest(workspace_id=workspace_id, kind=ALARM, due_at=_AT_ONCE)
    jobs.enqueue(
        TRAIN, queue="housekeeping", once=f"train:{workspace_id}", workspace_id=workspace_id
    )
