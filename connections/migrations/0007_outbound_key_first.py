
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0006_vacuum'),
        ('workspaces', '0003_alarms_set'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='outboundjob',
            name='outbound_once',
        ),
        migrations.AddConstraint(
            model_name='outboundjob',
            constraint=models.UniqueConstraint(fields=('key', 'workspace'), name='outbound_key_once'),
        ),
    ]
