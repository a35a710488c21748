from django.db import migrations, models


class Migration(migrations.Migration):
    """No data step: an empty binding means the password's hash, which the sessions of then carry a digest of."""

    dependencies = [("accounts", "0005_fold_search_keys")]

    operations = [migrations.AddField("user", "session_binding", models.CharField(db_default="", default="", editable=False, max_length=200))]
