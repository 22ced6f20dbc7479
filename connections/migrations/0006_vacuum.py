from django.db import migrations

TABLES = ("connections_inboundevent", "connections_outboundjob")
# A row is written, settled, emptied and deleted. PostgreSQL's own limit (a fifth of the table)
# lets a month's rows gather hundreds of thousands of dead ones, which the line of what is
# pending would read again and again.
SETTINGS = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "5000",
    "autovacuum_vacuum_insert_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_analyze_threshold": "5000",
}


class Migration(migrations.Migration):
    dependencies = [("connections", "0005_pacing")]

    operations = [
        migrations.RunSQL(
            [f"ALTER TABLE {table} SET ({', '.join(f'{k} = {v}' for k, v in SETTINGS.items())})" for table in TABLES],
            [f"ALTER TABLE {table} RESET ({', '.join(SETTINGS)})" for table in TABLES],
        )
    ]
