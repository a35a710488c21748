"""Names in Python only: `Invite.inviter` keeps the column `maker_id`, `PendingInvite` the table `invite_wish`. Issues no SQL."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0004_conversation_is_met"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("Invite", "invite_not_claimed_by_maker"),
                migrations.RemoveIndex("Invite", "invite_of_maker"),
                migrations.RenameModel("InviteWish", "PendingInvite"),
                migrations.RenameField("Invite", "maker", "inviter"),
                migrations.AlterField(
                    "Invite",
                    "inviter",
                    models.ForeignKey(
                        db_column="maker_id",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddIndex(
                    "Invite", models.Index(fields=["inviter", "-created_at"], name="invite_of_maker")
                ),
                migrations.AddConstraint(
                    "Invite",
                    models.CheckConstraint(
                        condition=models.Q(("claimed_by", models.F("inviter")), _negated=True),
                        name="invite_not_claimed_by_maker",
                    ),
                ),
            ],
        ),
    ]
