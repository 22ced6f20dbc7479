"""How many answers a plan holds."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_meters_and_plans")]
    operations = [
        migrations.AddField("plan", "max_entries", models.IntegerField(blank=True, null=True))
    ]
