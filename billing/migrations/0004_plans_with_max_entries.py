"""What the three plans hold: rows, so that they can change without code."""

from django.db import migrations

MOST = {"free": 500, "starter": 2_000, "pro": 5_000}


def fill(apps, schema_editor):
    plan = apps.get_model("billing", "Plan")
    for code, most in MOST.items():
        plan.objects.filter(code=code).update(max_entries=most)


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_plan_max_entries")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
