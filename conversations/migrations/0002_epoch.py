"""The table of the epoch; `apps.begin_epoch` fills it after every migrate."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Epoch",
            fields=[("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)), ("value", models.CharField(max_length=32))],
            options={"db_table": "epoch"},
        ),
    ]
