
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0004_lanes'),
        ('workspaces', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Pacing',
            fields=[
                ('connection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='connections.connection')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='workspaces.workspace')),
                ('arrives_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='PairPacing',
            fields=[
                ('pk', models.CompositePrimaryKey('connection', 'digest', blank=True, editable=False, primary_key=True, serialize=False)),
                ('connection', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='connections.connection')),
                ('workspace', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to='workspaces.workspace')),
                ('digest', models.BigIntegerField()),
                ('arrives_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='SenderHeartbeat',
            fields=[
                ('token', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('pid', models.IntegerField()),
                ('started_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='connection',
            name='rate_per_second',
            field=models.PositiveSmallIntegerField(db_default=80, default=80, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)]),
        ),
        migrations.AddField(
            model_name='connection',
            name='undelivered_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name='connection',
            constraint=models.CheckConstraint(condition=models.Q(('rate_per_second__gte', 1), ('rate_per_second__lte', 1000)), name='connection_rate_in_bounds'),
        ),
        migrations.AddField(
            model_name='outboundjob',
            name='claimed_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=32),
        ),
        migrations.AddField(
            model_name='outboundjob',
            name='delivered_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='outboundjob',
            name='was_cut_off',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
