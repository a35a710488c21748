"""Search and look-up of accounts."""

from typing import Any

import pytest

from accounts.models import User
from accounts.selectors import people_listed, people_page, user_by_username
from accounts.services import account_create, account_deactivate, privacy_update, profile_update

pytestmark = pytest.mark.both_databases


@pytest.fixture
def people(db: None) -> None:
    for username, name, listed in (
        ("joao", "João Ávila", True),
        ("irina", "Алёна Ёлкина", True),
        ("per_cent", "Per 100%", True),
        ("maria", "Maria Souza", True),
        ("marta", "Marta", True),
        ("shy", "Maria the Shy", False),
    ):
        account_create(username=username, name=name, listed=listed)


def found(viewer: User, q: str = "", **more: Any) -> list[str]:
    return [person.username for person in people_listed(viewer=viewer, q=q, **more)]


def test_listed_users_are_sorted_by_name(people: None, alice: User) -> None:
    assert found(alice) == ["joao", "maria", "marta", "per_cent", "irina"]


def test_the_viewer_is_not_in_the_results(alice: User, bob: User) -> None:
    assert found(alice) == ["bob"]
    assert found(bob) == ["alice"]


def test_suspended_users_are_not_listed(alice: User, bob: User) -> None:
    account_deactivate(user=bob)
    assert found(alice, "bob") == []


def test_an_unlisted_user_is_not_found_even_by_username(alice: User, bob: User) -> None:
    privacy_update(profile=bob.profile, listed=False)
    assert found(alice, "bob") == found(alice, "@bob") == []


@pytest.mark.parametrize(
    ("q", "hits"),
    [
        ("m", ["maria", "marta"]),
        ("MAR", ["maria", "marta"]),
        ("joao", ["joao"]),
        ("JOÃO", ["joao"]),
        ("avi", ["joao"]),
        ("алена", ["irina"]),
        ("АЛЁНА", ["irina"]),
        ("елкин", ["irina"]),
        ("iri", ["irina"]),
        ("sou mar", ["maria"]),
        ("@mar", ["maria", "marta"]),
        ("@souza", []),
        ("@", ["joao", "maria", "marta", "per_cent", "irina"]),
        ("%", ["per_cent"]),
        ("_", ["per_cent"]),
        ("100%", ["per_cent"]),
        ("\\", []),
        ("mar\x00ia", ["maria"]),
        ("nobody", []),
        ("   ", ["joao", "maria", "marta", "per_cent", "irina"]),
        ("x" * 10_000, []),
    ],
)
def test_search(people: None, alice: User, q: str, hits: list[str]) -> None:
    assert found(alice, q) == hits


def test_a_new_name_is_found_and_the_old_one_is_not(alice: User, bob: User) -> None:
    profile_update(profile=bob.profile, name="Roberto", about="")
    assert found(alice, "rober") == ["bob"]
    profile_update(profile=bob.profile, name="Zed", about="")
    assert found(alice, "rober") == []


def test_pages_follow_each_other_without_gap_or_repeat(alice: User) -> None:
    for number in range(7):
        account_create(username=f"twin{number}", name="Twin")
    pages: list[list[str]] = []
    cursor = None
    while cursor or not pages:
        page, cursor = people_page(viewer=alice, cursor=cursor, limit=3)
        pages.append([person.username for person in page])
    assert pages == [["twin0", "twin1", "twin2"], ["twin3", "twin4", "twin5"], ["twin6"]]


def test_the_next_page_continues_after_a_user_who_is_no_longer_listed(people: None, alice: User) -> None:
    _, cursor = people_page(viewer=alice, limit=2)
    privacy_update(profile=User.objects.get(username="maria").profile, listed=False)
    page, _ = people_page(viewer=alice, cursor=cursor, limit=2)
    assert [person.username for person in page] == ["marta", "per_cent"]


def test_a_page_of_people_costs_one_query(people: None, alice: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert [person.profile.listed for person in people_listed(viewer=alice, q="mar")] == [True, True]


class TestWithoutDirectory:
    @pytest.fixture(autouse=True)
    def no_directory(self, settings: Any) -> None:
        settings.DIRECTORY = False

    def test_only_an_exact_username_finds_a_listed_user(self, people: None, alice: User) -> None:
        assert found(alice, "@maria") == found(alice, "MARIA") == ["maria"]
        assert (
            found(alice)
            == found(alice, "mari")
            == found(alice, "@")
            == found(alice, "Maria Souza")
            == found(alice, "shy")
            == []
        )


@pytest.mark.parametrize("username", ["bob", "BOB", "@Bob", " bob "])
def test_a_user_is_found_by_username(bob: User, username: str) -> None:
    assert user_by_username(username) == bob


@pytest.mark.parametrize("username", ["", "bo", "bobb", "bob%", "b_b", "\x00", "bob\x00", "bоb"])
def test_an_invalid_username_finds_no_user(bob: User, username: str) -> None:
    assert user_by_username(username) is None


def test_a_suspended_user_is_not_found(bob: User) -> None:
    account_deactivate(user=bob)
    assert user_by_username("bob") is None
