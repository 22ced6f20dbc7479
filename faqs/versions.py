"""The number that changes with every change of the entries, and the lock that orders changes."""

from django.db import connection as database
from django.db.models import BigIntegerField, F, Func
from django.db.models.functions import Greatest

from faqs.models import Version


def current() -> int:
    """Return the number of the entries as they are now; one query."""
    with database.cursor() as cursor:
        cursor.execute("SELECT number FROM faqs_version WHERE id = 1")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


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
