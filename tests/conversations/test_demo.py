"""`make demo`: the same four people and chats, however often it is called."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from accounts.models import User
from conversations.management.commands.demo import PASSWORD, PEOPLE, TALKS
from conversations.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


def demo() -> str:
    said = StringIO()
    call_command("demo", stdout=said)
    return said.getvalue()


def test_it_makes_four_people_and_their_chats_once() -> None:
    assert demo() == demo()
    assert set(User.objects.values_list("username", flat=True)) == set(PEOPLE)
    assert Message.objects.count() == sum(len(lines) for *_, lines in TALKS)


def test_it_says_how_to_log_in_and_that_works() -> None:
    said = demo()
    assert PASSWORD in said
    assert "mira" in said
    response = Client().post("/accounts/login/", {"login": "mira", "password": PASSWORD})
    assert response.status_code == 302


def test_it_makes_no_known_password_where_strangers_can_come(settings) -> None:
    settings.PUBLIC_ORIGIN = "https://chat.example.org"
    with pytest.raises(CommandError, match="PUBLIC_URL"):
        demo()
    assert User.objects.count() == 0
