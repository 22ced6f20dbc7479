from django.db import migrations


class Migration(migrations.Migration):
    """Lets every workspace be looked at once: conversations may be held that no alarm speaks of."""

    dependencies = [("workspaces", "0002_alarms")]

    operations = [
        migrations.RunSQL(
            "INSERT INTO workspaces_alarm (workspace_id, kind, due_at)"
            " SELECT id, 'hand back', now() FROM workspaces_workspace ON CONFLICT DO NOTHING",
            migrations.RunSQL.noop,
        )
    ]
