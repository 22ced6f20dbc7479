from django.db import migrations


class Migration(migrations.Migration):
    """What is reserved is what open calls may cost, so no column says it any more.

    The column stays until the next release: processes of the last one still write it.
    """

    dependencies = [
        ("ai", "0002_lane_line"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField("budget", "reserved_nano")],
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE ai_budget ALTER COLUMN reserved_nano SET DEFAULT 0",
                    # On the way back the code counts in it again.
                    "UPDATE ai_budget b SET reserved_nano = coalesce((SELECT sum(c.estimated_nano)"
                    " FROM ai_call c WHERE c.workspace_id = b.workspace_id AND c.used_at IS NULL"
                    " AND c.state IN ('waiting', 'asked')), 0);"
                    "ALTER TABLE ai_budget ALTER COLUMN reserved_nano DROP DEFAULT",
                )
            ],
        ),
    ]
