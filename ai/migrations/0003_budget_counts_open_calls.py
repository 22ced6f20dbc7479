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
                    "ALTER TABLE ai_budget ALTER COLUMN reserved_nano DROP DEFAULT",
                )
            ],
        ),
    ]
