"""The beats of recurring work, and an index for the jobs engine on django-tasks-db's rows.

Its own index holds waiting rows only, so a poll for expired leases would read the whole table. A later migration of django-tasks-db that
remakes the table on SQLite would drop this index: tests/jobs/test_rows.py looks for it.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0007_participant_draft"),
        ("django_tasks_database", "0021_conditional_partial_index_ordering"),
    ]

    operations = [
        migrations.CreateModel(
            name="Beat",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField()),
            ],
            options={"db_table": "beat"},
        ),
        migrations.RunSQL(
            "CREATE INDEX job_by_status ON django_tasks_database_dbtaskresult"
            " (status, queue_name, priority DESC, run_after, enqueued_at)",
            "DROP INDEX job_by_status",
        ),
    ]
