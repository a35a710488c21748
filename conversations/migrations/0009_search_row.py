"""The search index: its rows, and FTS5 (SQLite) or GIN (PostgreSQL) over them. The job fills it after the start."""

import django.db.models.deletion
from django.db import migrations, models

import conversations.search_index.fields
from conversations.search_index import tables


def create_index(apps, schema_editor):
    tables.create(schema_editor.connection)


def drop_index(apps, schema_editor):
    tables.drop(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0008_jobs'),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchProgress',
            fields=[
                ('conversation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='conversations.conversation')),
                ('version', models.BigIntegerField()),
            ],
            options={
                'db_table': 'search_progress',
            },
        ),
        migrations.CreateModel(
            name='SearchRow',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('seq', models.BigIntegerField()),
                ('low_id', models.BigIntegerField()),
                ('high_id', models.BigIntegerField()),
                ('text', conversations.search_index.fields.SearchText()),
                ('conversation', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='conversations.conversation')),
            ],
            options={
                'db_table': 'search_row',
                'constraints': [models.UniqueConstraint(fields=('conversation', 'seq'), name='search_row_one_per_message')],
            },
        ),
        migrations.RunPython(create_index, drop_index),
    ]
