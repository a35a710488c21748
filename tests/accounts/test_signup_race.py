"""Concurrent sign-ups with the same username."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.http import HttpResponse
from django.test import Client

from accounts import services
from accounts.models import Profile, User
from tests.accounts.conftest import PASSWORD, errors_of, is_signed_in

pytestmark = pytest.mark.both_databases


def test_a_username_taken_between_check_and_insert_is_a_taken_username(
    sign_up: Callable[..., HttpResponse], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = services.account_create

    def be_overtaken(**data: Any) -> User:
        create(username="carol", name="Another Carol")
        return create(**data)

    monkeypatch.setattr(services, "account_create", be_overtaken)
    assert errors_of(sign_up(email="carol@example.com")) == {
        "username": ["This username is taken. Choose another one."]
    }
    assert [user.name for user in User.objects.all()] == ["Another Carol"]
    assert not is_signed_in(client)


def test_another_integrity_error_is_not_reported_as_a_taken_username(
    sign_up: Callable[..., HttpResponse], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_something(**data: Any) -> User:
        raise IntegrityError("something else")

    monkeypatch.setattr(services, "account_create", break_something)
    with pytest.raises(IntegrityError):
        sign_up()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "wanted",
    [["carol"] * 6, ["carol", "car0l", "caro1", "c.arol", "c4rol", "carol_"]],
    ids=["the same", "look-alikes"],
)
def test_of_six_concurrent_sign_ups_one_gets_the_username(wanted: list[str]) -> None:
    together = threading.Barrier(6)
    answers: list[HttpResponse] = []

    def sign_up(username: str) -> None:
        client = Client()
        together.wait()
        try:
            answers.append(
                client.post(
                    "/accounts/signup/", {"username": username, "name": "Carol", "password1": PASSWORD}
                )
            )  # type: ignore[arg-type]
        finally:
            connection.close()

    people = [threading.Thread(target=sign_up, args=(username,)) for username in wanted]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [302]
    refused = [answer for answer in answers if answer.status_code == 200]
    # Compares page text: the context that Django's test client records is shared between threads.
    assert ["Choose another one." in answer.content.decode() for answer in refused] == [True] * 5
    assert (User.objects.count(), Profile.objects.count()) == (1, 1)
