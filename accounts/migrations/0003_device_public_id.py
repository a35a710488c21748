from django.db import migrations, models

import accounts.models


def name_devices(apps, schema_editor):
    Device = apps.get_model("accounts", "Device")
    for pk in Device.objects.values_list("pk", flat=True).iterator(chunk_size=1000):
        Device.objects.filter(pk=pk).update(public_id=accounts.models.new_public_id())


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_settings")]

    operations = [
        migrations.AddField("device", "public_id", models.CharField(db_default="", default="", editable=False, max_length=16)),
        migrations.RunPython(name_devices, migrations.RunPython.noop),
        migrations.AlterField(
            "device", "public_id", models.CharField(default=accounts.models.new_public_id, editable=False, max_length=16, unique=True)
        ),
    ]
