

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0003_verified_and_removed_numbers'),
        ('workspaces', '0001_initial'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='inboundevent',
            name='inbound_pending',
        ),
        migrations.AddField(
            model_name='inboundevent',
            name='lane',
            field=models.SmallIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name='inboundevent',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['workspace', 'lane', 'id'], name='inbound_pending_by_lane'),
        ),
    ]
