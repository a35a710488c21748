"""`make demo`: the same four users and chats, however often it runs."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from accounts.models import User
from accounts.services import profile_update
from conversations.management.commands.demo import PASSWORD, PEOPLE, TALKS
from conversations.models import Message
from tests.factories import make_user

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
    settings.ONLY_THIS_MACHINE = False
    with pytest.raises(CommandError, match="PUBLIC_URL, ALLOWED_HOSTS or HOST"):
        demo()
    assert User.objects.count() == 0


@pytest.mark.parametrize("username", PEOPLE)
def test_it_never_writes_in_the_name_of_a_real_user(username: str) -> None:
    make_user(username, "Somebody Real")
    with pytest.raises(CommandError, match=f"{username}: a real user has that username") as refused:
        demo()
    assert PASSWORD not in str(refused.value)
    assert (User.objects.count(), Message.objects.count()) == (1, 0)


def test_nor_of_a_user_who_was_suspended_or_has_just_given_the_name_up() -> None:
    suspended = make_user("mira", "Somebody Real")
    suspended.is_active = False
    suspended.save()
    renamed = make_user("joao", "Somebody Else")
    profile_update(profile=renamed.profile, name="Somebody Else", about="", username="joaoneves")
    with pytest.raises(CommandError, match="mira, joao: a real user"):
        demo()
    assert User.objects.count() == 2


def test_nor_of_a_demo_user_whose_password_was_changed() -> None:
    demo()
    mira = User.objects.get(username="mira")
    mira.set_password("a secret of mine 2026")
    mira.save()
    with pytest.raises(CommandError, match="mira: a real user"):
        demo()
