"""Files of messages: what was uploaded, its use in messages, and uploads that no message has taken yet."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0009_search_row'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='attachments',
            field=models.JSONField(null=True),
        ),
        migrations.CreateModel(
            name='StoredFile',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=26, unique=True)),
                ('name', models.CharField(max_length=255)),
                ('size', models.BigIntegerField()),
                ('type', models.CharField(max_length=100)),
                ('kind', models.CharField(choices=[('picture', 'Picture'), ('file', 'File'), ('voice', 'Voice'), ('video', 'Video')], max_length=7)),
                ('width', models.PositiveIntegerField(null=True)),
                ('height', models.PositiveIntegerField(null=True)),
                ('seconds', models.FloatField(null=True)),
                ('peaks', models.JSONField(null=True)),
                ('placeholder', models.TextField(blank=True)),
                ('alt', models.TextField(blank=True)),
                ('variants', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('kept', 'Kept'), ('removing', 'Removing')], default='kept', max_length=8)),
                ('created_at', models.DateTimeField()),
                ('uploader', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'stored_file',
                'indexes': [models.Index(fields=['uploader', 'size'], name='stored_file_of_uploader')],
            },
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('seq', models.BigIntegerField()),
                ('position', models.PositiveSmallIntegerField()),
                ('kind', models.CharField(choices=[('picture', 'Picture'), ('file', 'File'), ('voice', 'Voice'), ('video', 'Video')], max_length=7)),
                ('conversation', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='conversations.conversation')),
                ('stored_file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='conversations.storedfile')),
            ],
            options={
                'db_table': 'attachment',
                'indexes': [models.Index(fields=['conversation', 'kind', 'seq'], name='attachment_by_kind')],
                'constraints': [models.UniqueConstraint(fields=('conversation', 'seq', 'position'), name='attachment_one_per_position')],
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=26, unique=True)),
                ('name', models.CharField(max_length=255)),
                ('size', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('picture', 'Picture'), ('file', 'File'), ('voice', 'Voice'), ('video', 'Video')], max_length=7)),
                ('seconds', models.FloatField(null=True)),
                ('peaks', models.JSONField(null=True)),
                ('state', models.CharField(choices=[('receiving', 'Receiving'), ('rejected', 'Rejected'), ('ready', 'Ready')], default='receiving', max_length=9)),
                ('reason', models.CharField(blank=True, max_length=20)),
                ('alt', models.TextField(blank=True)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('stored_file', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conversations.storedfile')),
                ('uploader', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'upload',
            },
        ),
    ]
