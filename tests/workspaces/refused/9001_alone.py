from django.db import migrations, models

from tests.workspaces.later import LAST


class Migration(migrations.Migration):
    dependencies = [("faqs", LAST)]

    operations = [
        migrations.AddField("entry", "stock_count", models.IntegerField(default=0)),
        migrations.AddConstraint(
            "entry", models.UniqueConstraint(fields=["category"], name="entry_alone_in_category")
        ),
    ]
