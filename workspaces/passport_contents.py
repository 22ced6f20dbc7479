"""What the file with everything of a workspace holds: tables, columns, rows.

New tables are in it without being asked. Secrets are not: a column that may hold one, by its
name or its kind, is left out, and so are the tables of settings.EXPORT_HIDDEN_TABLES.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import models

from lib import tables
from workspaces import scope
from workspaces.models import Member, Workspace

BATCH = 2_000
_NUMBERS = (models.IntegerField, models.FloatField, models.DecimalField, models.BooleanField,
            models.DateField, models.ForeignKey)  # fmt: skip
# A word of a column's name after which its text is not handed out.
_SECRETIVE = re.compile(
    r"secret|token|credential|creds|digest|password|passphrase|pairing|jti|hash|seal|cipher"
    r"|private|signature|schema_name|(^|_)keys?(_|$)"
)


@dataclass(frozen=True)
class Table:
    """One table, as it is handed out."""

    name: str
    model: type[models.Model]
    columns: tuple[str, ...]
    where: dict[str, int]  # within what the workspace's scope shows

    def rows_after(self, last: Any) -> list[tuple[Any, ...]]:
        """Return the next rows after the key `last`, each with its key in front."""
        rows = self.model._base_manager.filter(**self.where).order_by("pk")
        if last is not None:
            rows = rows.filter(pk__gt=last)
        return list(rows.values_list("pk", *self.columns)[:BATCH])

    def count(self) -> int:
        """Return how many rows there are."""
        return self.model._base_manager.filter(**self.where).count()


def tables_of(workspace: Workspace) -> list[Table]:
    """Return the tables of a workspace that are handed out, in a fixed order."""
    found = []
    for model in apps.get_models():
        name = model._meta.db_table
        if name in settings.EXPORT_HIDDEN_TABLES or not model._meta.managed:
            continue
        if isinstance(model._meta.pk, models.CompositePrimaryKey):
            continue
        fields = {field.attname for field in model._meta.concrete_fields}
        if model._meta.app_label in settings.TENANT_APPS:
            where = {}
        elif "workspace_id" in fields:
            where = {"workspace_id": workspace.pk}
        elif model is Workspace:
            where = {"pk": workspace.pk}
        else:
            continue
        found.append(Table(name, model, columns_of(model), where))
    return sorted(found, key=lambda table: table.name)


def columns_of(model: type[models.Model]) -> tuple[str, ...]:
    """Return the columns of a table that are handed out."""
    return tuple(
        field.attname
        for field in model._meta.concrete_fields
        if not isinstance(field, models.BinaryField)
        and (isinstance(field, _NUMBERS) or not _SECRETIVE.search(field.attname))
    )


def batches(workspace: Workspace, table: Table) -> Iterator[list[tuple[Any, ...]]]:
    """Yield a table's rows, some thousand at a time, each in the workspace's scope for itself."""
    last = None
    while True:
        with scope.workspace(workspace):
            rows = table.rows_after(last)
        if rows:
            yield [row[1:] for row in rows]
            last = rows[-1][0]
        if len(rows) < BATCH:
            return


def people(workspace: Workspace) -> list[tuple[str | int, ...]]:
    """Return the members by name: what ids of users in the tables mean."""
    with scope.workspace(workspace):
        rows = Member.objects.filter(workspace=workspace).select_related("user").order_by("pk")
        return [(one.user_id, one.user.name, one.user.email, one.role) for one in rows]


def as_csv(rows: list[tuple[Any, ...]]) -> bytes:
    """Return rows as lines of CSV in which no cell is a formula."""
    return tables.to_csv_lines([[_cell(value) for value in row] for row in rows]).encode()


def as_json(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> bytes:
    """Return rows as lines of JSON, exactly as they are."""
    lines = (
        json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=_plain)
        for row in rows
    )
    return ("\n".join(lines) + "\n").encode(errors="replace")


def _cell(value: Any) -> str | int | None:
    if value is None or isinstance(value, str) or (type(value) is int):
        return value
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    return value if isinstance(value, float) else str(value)
