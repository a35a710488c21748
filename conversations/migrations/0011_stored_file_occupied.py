"""Files count with their variants for the space of their uploader."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0010_attachments'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='storedfile',
            name='stored_file_of_uploader',
        ),
        migrations.AddField(
            model_name='storedfile',
            name='occupied',
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.RunSQL('UPDATE stored_file SET occupied = size', migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='storedfile',
            index=models.Index(fields=['uploader', 'occupied'], name='stored_file_of_uploader'),
        ),
    ]
