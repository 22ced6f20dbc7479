"""Indexes that others begin with are gone. Django itself would also make the foreign keys anew, and
look through whole tables for that while nobody may write."""

import django.db.models.deletion
from django.db import migrations, models


def without_index(model: str, name: str, field: models.ForeignKey, index: str):
    return migrations.SeparateDatabaseAndState(
        state_operations=[migrations.AlterField(model_name=model, name=name, field=field)],
        database_operations=[migrations.RunSQL(f'DROP INDEX IF EXISTS "{index}"', migrations.RunSQL.noop)],
    )


class Migration(migrations.Migration):

    dependencies = [
        ('faqs', '0003_history_and_starters'),
    ]

    operations = [
        without_index(
            "phrasing",
            "entry",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='phrasings', to='faqs.entry'),
            "faqs_phrasing_entry_id_8725e387",
        ),
    ]
