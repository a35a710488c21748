from django.db import migrations

from accounts.folding import search_key


def fold_again(apps, schema_editor):
    """Names with letters that search did not fold before (Wałęsa, Guðrún)."""
    Profile = apps.get_model("accounts", "Profile")
    rows = Profile.objects.values_list("pk", "search_key", "user__name", "user__username")
    for pk, old, name, username in rows.iterator(chunk_size=1000):
        # As accounts.models.profile_search_key makes it.
        new = f"{search_key(name)[:150]} {username}"
        if new != old:
            Profile.objects.filter(pk=pk).update(search_key=new)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_look_alike_handles")]

    operations = [migrations.RunPython(fold_again, migrations.RunPython.noop)]
