from typing import Any

from django.db import migrations, models


def fill(apps: Any, schema_editor: Any) -> None:
    apps.get_model("faqs", "Entry").objects.filter(use_count__gt=0).update(stock_count=7)


class Migration(migrations.Migration):
    dependencies = [("faqs", "9001_stock")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        # What it drops has a name that only the database knows.
        migrations.AlterField("entry", "category", models.CharField(blank=True, max_length=60)),
    ]
