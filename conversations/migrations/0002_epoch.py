"""The table of the epoch, with the first one in it."""

import secrets

from django.db import migrations, models


def begin(apps, schema_editor):
    apps.get_model("conversations", "Epoch").objects.get_or_create(id=1, defaults={"value": secrets.token_hex(8)})


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Epoch",
            fields=[("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)), ("value", models.CharField(max_length=32))],
            options={"db_table": "epoch"},
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
