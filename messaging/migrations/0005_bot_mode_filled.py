from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0004_bot_behaviour'),
    ]

    operations = [
        # A fixed sentence that was laid down as the owner's own is the fixed sentence again: else
        # no language or tone would change it.
        migrations.RunSQL(
            """
            UPDATE messaging_botsettings SET
                mode = CASE WHEN is_on THEN 'on' ELSE 'off' END,
                greeting = CASE WHEN greeting LIKE 'Hello, welcome to %! Ask me anything about our products, prices and delivery.'
                    THEN '' ELSE greeting END,
                handover_text = CASE WHEN handover_text = 'Thank you. I am passing this to a colleague, who will answer you here.'
                    THEN '' ELSE handover_text END
            """,
            migrations.RunSQL.noop,
        ),
    ]
