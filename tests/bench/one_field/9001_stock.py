from django.db import migrations, models

from tests.workspaces.later import LAST


class Migration(migrations.Migration):
    dependencies = [("faqs", LAST)]

    operations = [
        migrations.AddField("entry", "stock_count", models.IntegerField(default=0)),
        migrations.AddIndex("entry", models.Index(fields=["stock_count"], name="entry_by_stock")),
    ]
