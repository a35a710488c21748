from django.db import migrations, models

from accounts.usernames import skeleton


def fill_in(apps, schema_editor):
    """Handles that look alike already stay with those who have them."""
    for name in ("User", "HeldUsername"):
        model = apps.get_model("accounts", name)
        for username in model.objects.values_list("username", flat=True).iterator(chunk_size=1000):
            model.objects.filter(username=username).update(skeleton=skeleton(username))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_device_public_id")]

    operations = [
        migrations.AddField("user", "skeleton", models.CharField(db_default="", db_index=True, default="", editable=False, max_length=24)),
        migrations.AddField("heldusername", "skeleton", models.CharField(db_default="", db_index=True, default="", editable=False, max_length=24)),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
    ]
