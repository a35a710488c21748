"""`python -m benchmarks.people PAIRS`: makes logged-in pairs directly in the database, and prints their
rooms and cookies.

Runs in the environment of the server under test; sign-up and log-in are not measured.
"""

import json
import sys
from importlib import import_module

import django

django.setup()

# These modules need the apps that the line above has loaded.
from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.db import transaction  # noqa: E402

from accounts.models import Profile, User  # noqa: E402
from conversations.models import Conversation  # noqa: E402
from conversations.services.conversations import conversation_open  # noqa: E402


def pair(number: int) -> dict[str, object]:
    """Two users with a conversation that both see. Returns its room and their Cookie headers."""
    one, other = person(f"left{number}"), person(f"right{number}")
    conversation, _ = conversation_open(user=one, peer=other, origin=Conversation.Origin.INVITE)
    return {"room": conversation.room_name, "cookies": [cookie(one), cookie(other)]}


def person(username: str) -> User:
    user = User(username=username, name=username.capitalize())
    user.set_unusable_password()
    user.save()
    Profile.objects.create(user=user, search_key=username)
    return user


def cookie(user: User) -> str:
    """A session as log-in makes it. Returns its Cookie header."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


if __name__ == "__main__":
    with transaction.atomic():
        pairs = [pair(number) for number in range(int(sys.argv[1]))]
    sys.stdout.write(json.dumps(pairs))
