"""`manage.py password_link <username>`: one-time link to set a password, without email."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.selectors import user_by_username
from accounts.services import password_link


class Command(BaseCommand):
    help = "Print a one-time link to set a new password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_by_username(options["username"])
        if user is None:
            raise CommandError(f"There is no active account @{options['username'].removeprefix('@')}.")
        self.stdout.write(password_link(user=user))
        self.stderr.write(
            f"Works once, for {settings.PASSWORD_RESET_TIMEOUT // 3600} hours. Give it only to {user.name}."
        )
