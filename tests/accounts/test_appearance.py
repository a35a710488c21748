"""The appearance cookie: only known values are accepted."""

import pytest
from django.test import Client

from accounts.appearance import KNOWN, Appearance, appearance_from_cookie


@pytest.mark.parametrize(
    ("cookie", "looks"),
    [
        ("", Appearance()),
        ("large.line.24", Appearance("large", "line", "24")),
        ("largest", Appearance("largest")),
        ("huge.line.24", Appearance("normal", "line", "24")),
        ('"><script>.line.12', Appearance("normal", "line", "12")),
        ("large.line.24.more", Appearance("large", "line", "24")),
        ("." * 5_000, Appearance()),
    ],
)
def test_only_known_values_are_read(cookie: str, looks: Appearance) -> None:
    assert appearance_from_cookie(cookie) == looks


@pytest.mark.parametrize("text", KNOWN["text"])
@pytest.mark.parametrize("hours", KNOWN["hours"])
def test_what_is_written_is_read_again(text: str, hours: str) -> None:
    looks = Appearance(text=text, hours=hours)
    assert appearance_from_cookie(looks.cookie) == looks


def test_mallory_puts_nothing_into_the_page_by_a_cookie(client: Client, db: None) -> None:
    client.cookies["looks"] = '"><b>.<b>.<b>'
    assert 'data-text="normal" data-enter="sends" data-hours="auto">' in client.get("/").text


def test_login_applies_the_appearance_of_the_account_not_that_of_the_previous_user(
    client: Client, alice: object
) -> None:
    client.cookies["looks"] = "largest.line.12"
    answer = client.post("/accounts/login/", {"login": "alice", "password": "correct horse battery"})
    assert answer.cookies["looks"].value == "normal.sends.auto"
