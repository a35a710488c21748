"""Whether both want a chat, so that a stranger's first message does not show them when the recipient is online."""

from django.db import migrations, models


def invited_have_met(apps, schema_editor):
    Conversation = apps.get_model("conversations", "Conversation")
    Conversation.objects.filter(origin="invite").update(is_met=True)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0003_moved")]

    operations = [
        migrations.AddField("conversation", "is_met", models.BooleanField(db_default=False, default=False)),
        migrations.RunPython(invited_have_met, migrations.RunPython.noop),
    ]
