"""The meters, and the plans with what they allow: rows, so that they can change without code."""

from django.db import migrations

METERS = [
    ("messages_sent", "Messages sent", "message"),
    ("messages_received", "Messages received", "message"),
    ("ai_tokens", "AI tokens", "token"),
    ("active_numbers", "Active numbers", "number"),
    ("automation_runs", "Automation runs", "run"),
]
# code, name, kobo a month, messages sent a day (None: no limit)
PLANS = [
    ("free", "Free", 0, 50),
    ("starter", "Starter", 1_500_000, 200),
    ("pro", "Pro", 4_500_000, None),
]


def fill(apps, schema_editor):
    meter = apps.get_model("billing", "Meter")
    plan = apps.get_model("billing", "Plan")
    allowance = apps.get_model("billing", "PlanAllowance")
    for code, label, unit in METERS:
        meter.objects.update_or_create(code=code, defaults={"label": label, "unit": unit})
    for code, name, price, per_day in PLANS:
        plan.objects.update_or_create(code=code, defaults={"name": name, "price_minor": price})
        if per_day is not None:
            allowance.objects.update_or_create(
                plan_id=code, meter_id="messages_sent", defaults={"per_day": per_day}
            )


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
