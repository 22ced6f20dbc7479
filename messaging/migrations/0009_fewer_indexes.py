"""Indexes that others begin with are gone."""

import django.db.models.deletion
from django.db import migrations, models

from lib.schema_changes import without_index


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0008_inbox'),
    ]

    operations = [
        without_index(
            "message",
            "conversation",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='messaging.conversation'),
            index="messaging_message_conversation_id_3db4d3d1",
        ),
        without_index(
            "note",
            "contact",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='messaging.contact'),
            index="messaging_note_contact_id_e66b1d6f",
        ),
        without_index(
            "note",
            "conversation",
            models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='messaging.conversation'),
            index="messaging_note_conversation_id_4970c7c0",
        ),
        without_index(
            "tracestep",
            "message",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='messaging.message'),
            index="messaging_tracestep_message_id_4d7fb177",
        ),
    ]
