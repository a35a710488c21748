"""`manage.py demo`: four users and some chats to try the service with. Safe to repeat: nothing is created
twice.

Everything goes through the services that real users' requests call; no row is created by hand.
"""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import HeldUsername, User
from accounts.selectors import user_by_username
from accounts.services import account_create, profile_update
from conversations.services.conversations import conversation_open
from conversations.services.messages import message_send
from conversations.services.receipts import receipt_advance

PASSWORD = "look around 2026"
SECONDS = 30

PEOPLE = {
    "mira": ("Mira Okafor", "Gardens, bread, long walks."),
    "joao": ("João Neves", "Lisbon. Mostly on a bicycle."),
    "lev": ("Лев Орлов", "Читаю больше, чем пишу."),
    "ana": ("Ana Ruiz", ""),
}

# The two users of each chat, how many of its last messages stay unread, and its messages with their senders.
TALKS: list[tuple[str, str, int, list[tuple[str, str]]]] = [
    (
        "mira",
        "joao",
        2,
        [
            ("mira", "Are you still coming on Saturday?"),
            ("joao", "Of course. I take the early train, the one at 7:40."),
            ("joao", "Shall I bring anything?"),
            ("mira", "Only yourself.\nAnd maybe the good cheese, if the shop at the corner is open."),
            ("joao", "It is. Two kinds?"),
            ("mira", "You know me 🧀"),
            ("joao", "Done. The whole bag smells of it already."),
            ("joao", "The route for Sunday: https://example.org/routes/coast-42"),
        ],
    ),
    (
        "lev",
        "mira",
        1,
        [
            ("lev", "Привет! Книга дошла, спасибо."),
            ("mira", "Уже? Я думала, почта идёт неделю."),
            ("lev", "Четыре дня. Начал в тот же вечер."),
        ],
    ),
    (
        "ana",
        "mira",
        0,
        [("ana", "Found your scarf, it was behind the piano."), ("mira", "I looked there twice. Thank you!")],
    ),
    ("joao", "lev", 1, [("joao", "Do you have the key to the workshop, or does Ana?")]),
]


class Command(BaseCommand):
    help = "Create four users and some chats to try the service with."

    def handle(self, *args: Any, **options: Any) -> None:
        # Accounts whose password is in public source code must never be reachable from outside.
        if not settings.ONLY_THIS_MACHINE:
            raise CommandError(
                "The demo users have a known password: not where PUBLIC_URL, ALLOWED_HOSTS or HOST let others"
                " in."
            )
        if real := self.real_people():
            raise CommandError(
                f"{', '.join(real)}: a real user has that username. Nothing is written in their name;"
                " use an empty DATA_DIR."
            )
        people = {username: self.person(username, name, about) for username, (name, about) in PEOPLE.items()}
        for one, other, unread, lines in TALKS:
            self.talk(people, one, other, unread, lines)
        self.stdout.write(f"Log in as {', '.join(people)}; the password of all four is: {PASSWORD}")

    def real_people(self) -> list[str]:
        """Usernames of the demo that belong to real users, suspended or recently given up included. A demo
        user whose password was changed is a real user now."""
        found = {user.username: user for user in User.objects.filter(username__in=PEOPLE)}
        held = set(HeldUsername.objects.filter(username__in=PEOPLE).values_list("username", flat=True)) - set(
            found
        )
        return [name for name in PEOPLE if name in held or (name in found and not self.is_ours(found[name]))]

    @staticmethod
    def is_ours(user: User) -> bool:
        return user.is_active and user.check_password(PASSWORD)

    def person(self, username: str, name: str, about: str) -> User:
        user = user_by_username(username)
        if user is None:
            user = account_create(username=username, name=name, password=PASSWORD, listed=True)
            profile_update(profile=user.profile, name=name, about=about)
        return user

    def talk(
        self, people: dict[str, User], one: str, other: str, unread: int, lines: list[tuple[str, str]]
    ) -> None:
        conversation, _ = conversation_open(user=people[one], peer=people[other])
        room = conversation.room_name
        for number, (writer, body) in enumerate(lines, start=1):
            # The same id at every run: a repeat gets the stored message.
            message_send(
                user=people[writer], room=room, id=uuid5(NAMESPACE_URL, f"demo/{room}/{number}"), body=body
            ).result(SECONDS)
            if number <= len(lines) - unread:
                for reader in (one, other):
                    receipt_advance(user=people[reader], room=room, delivered=number, read=number).result(
                        SECONDS
                    )
