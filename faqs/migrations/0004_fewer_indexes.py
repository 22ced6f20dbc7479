"""Indexes that others begin with are gone."""

import django.db.models.deletion
from django.db import migrations, models

from lib.schema_changes import without_index


class Migration(migrations.Migration):

    dependencies = [
        ('faqs', '0003_history_and_starters'),
    ]

    operations = [
        without_index(
            "phrasing",
            "entry",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='phrasings', to='faqs.entry'),
            index="faqs_phrasing_entry_id_8725e387",
        ),
    ]
