from django.db import migrations, models

from tests.workspaces.later import LAST


class Migration(migrations.Migration):
    dependencies = [("faqs", LAST)]

    operations = [
        migrations.AddField("entry", "stock_count", models.IntegerField(default=0)),
        # Not in the draft in which the plan is made.
        migrations.RunSQL(
            "SELECT pg_sleep(CASE WHEN current_schema() ~ '^w_draft' THEN 0 ELSE 1.5 END)"
        ),
    ]
