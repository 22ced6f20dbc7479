"""Changes of tables that Django would make at a higher price."""

from typing import Any

from django.db import models
from django.db.migrations import AlterField, RunSQL, SeparateDatabaseAndState


def without_index(
    model: str, name: str, field: "models.ForeignKey[Any, Any]", *, index: str
) -> SeparateDatabaseAndState:
    """Return the operation that drops the `index` of a foreign key which another index covers.

    Django itself would also make the foreign key anew, and look through both tables for that
    while nobody may write. `field` is the key as it is afterwards, with `db_index=False`.
    """
    return SeparateDatabaseAndState(
        state_operations=[AlterField(model_name=model, name=name, field=field)],
        database_operations=[RunSQL(f'DROP INDEX IF EXISTS "{index}"', RunSQL.noop)],
    )
