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
        ('messaging', '0008_inbox'),
    ]

    operations = [
        without_index(
            "message",
            "conversation",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='messaging.conversation'),
            "messaging_message_conversation_id_3db4d3d1",
        ),
        without_index(
            "note",
            "contact",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='messaging.contact'),
            "messaging_note_contact_id_e66b1d6f",
        ),
        without_index(
            "note",
            "conversation",
            models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='messaging.conversation'),
            "messaging_note_conversation_id_4970c7c0",
        ),
        without_index(
            "tracestep",
            "message",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='messaging.message'),
            "messaging_tracestep_message_id_4d7fb177",
        ),
    ]
