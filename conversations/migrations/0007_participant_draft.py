"""The draft of a user in a conversation, so that it follows them from device to device."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0006_hidden_message")]

    operations = [
        migrations.AddField("participant", "draft", models.TextField(blank=True, db_default="", default="")),
    ]
