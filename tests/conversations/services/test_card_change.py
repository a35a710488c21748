"""A new name, username or picture, a suspension and its end reach all peers of that user."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import services as accounts
from accounts.avatars.storage import picture_url
from accounts.models import User
from conversations import serializers
from conversations.access import access_conversation
from conversations.delivery import Push
from conversations.models import Conversation, Participant
from conversations.rooms import EVERY_SOCKET, user_group
from conversations.selectors.changes import changes_after
from conversations.services import profile_changes
from tests.factories import make_conversation, make_message, make_user

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[Push]:
    pushes: list[Push] = []
    monkeypatch.setattr(profile_changes, "publish", pushes.extend)
    return pushes


def rename(user: User, name: str = "Robert", username: str | None = None) -> None:
    accounts.profile_update(profile=user.profile, name=name, about="", username=username)


def to_peers(pushes: list[Push]) -> list[Push]:
    return [push for push in pushes if json.loads(push.text)["type"] != "user.changed"]


def mark_of(user: User, chat: Conversation) -> int:
    return Participant.objects.get(user=user, conversation=chat).mark


CHANGES: dict[str, Callable[[User], Any]] = {
    "a name": rename,
    "a username": lambda bob: rename(bob, bob.name, "robert"),
    "a picture": lambda bob: accounts.picture_set(user=bob, webp=b"webp"),
    "no picture": lambda bob: accounts.picture_remove(user=bob),
    "a suspension": lambda bob: accounts.account_deactivate(user=bob),
    "a return": lambda bob: accounts.account_reactivate(user=bob),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_alice_receives_the_row_with_a_new_mark(
    chat: Conversation,
    alice: User,
    bob: User,
    pushes: list[Push],
    change: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    make_message(chat, bob, "hello")
    before, own = mark_of(alice, chat), mark_of(bob, chat)
    with django_capture_on_commit_callbacks(execute=True):
        change(bob)
        assert pushes == [], "nothing is published before the commit"
    (push,) = to_peers(pushes)
    bob.refresh_from_db()
    row = json.loads(push.text)["conversation"]
    assert (push.group, push.room, push.mark) == (user_group(alice.pk), chat.room_name, before + 1)
    assert (row["peer"]["name"], row["peer"]["username"]) == (bob.name, bob.username)
    assert row["peer"]["avatar"] == (picture_url(bob.picture) or None)
    assert (row["mark"], row["last_message"]["body"]) == (before + 1, "hello")
    assert (mark_of(alice, chat), mark_of(bob, chat)) == (before + 1, own)


@pytest.mark.parametrize(("how", "change"), CHANGES.items(), ids=CHANGES)
def test_bobs_own_devices_receive_his_new_card(
    bob: User, pushes: list[Push], how: str, change: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """Also without any chat. Nothing is pushed to a suspended account."""
    with django_capture_on_commit_callbacks(execute=True):
        change(bob)
    bob.refresh_from_db()
    if how == "a suspension":
        assert pushes == []
        return
    (push,) = pushes
    assert (push.group, push.room, push.head, push.mark) == (user_group(bob.pk), EVERY_SOCKET, 0, 0)
    assert json.loads(push.text) == {
        "type": "user.changed",
        "user": serializers.card(bob).model_dump(mode="json"),
    }


def test_a_device_that_missed_it_gets_the_row_by_its_old_mark(
    chat: Conversation, alice: User, bob: User
) -> None:
    before, changed_at = mark_of(alice, chat), chat.changed_at
    rename(bob)
    changes = changes_after(membership=access_conversation(alice, chat.room_name), after=0, mark=before)
    assert (changes.with_row, changes.row.peer.name) == (True, "Robert")
    chat.refresh_from_db()
    assert chat.changed_at > changed_at, "or no poller would find it"


def test_a_change_that_was_rolled_back_pushes_nothing(
    chat: Conversation, alice: User, bob: User, pushes: list[Push]
) -> None:
    before = mark_of(alice, chat)
    with pytest.raises(accounts.UsernameTaken):
        rename(bob, username="alice")
    assert (mark_of(alice, chat), pushes) == (before, [])


def test_what_changes_nothing_that_others_see_moves_no_mark(
    chat: Conversation, alice: User, bob: User
) -> None:
    before = mark_of(alice, chat)
    accounts.profile_update(profile=bob.profile, name=bob.name, about="I paint", username=bob.username)
    accounts.appearance_update(profile=bob.profile, theme="dark")
    assert mark_of(alice, chat) == before


def test_a_chat_that_only_bob_has_opened_is_not_given_away(
    alice: User, bob: User, pushes: list[Push], django_capture_on_commit_callbacks: Any
) -> None:
    chat = make_conversation(bob, alice)
    Participant.objects.filter(user=alice).update(activity=None)
    with django_capture_on_commit_callbacks(execute=True):
        rename(bob)
    assert (to_peers(pushes), mark_of(alice, chat)) == ([], 0)


def test_a_name_edited_in_the_admin_is_pushed_as_well(
    chat: Conversation, alice: User, bob: User, client: Client
) -> None:
    before = mark_of(alice, chat)
    admin = User.objects.create_superuser("chief", None, "a long phrase here", name="Chief")
    client.force_login(admin)
    values = {"username": "bob", "name": "Robert", "email": "", "is_active": "on", "password": bob.password}
    answer = client.post(f"/admin/accounts/user/{bob.pk}/change/", values)
    assert (answer.status_code, User.objects.get(pk=bob.pk).name) == (302, "Robert")
    assert mark_of(alice, chat) == before + 1


def test_a_user_with_many_chats_costs_no_statement_for_each(
    alice: User,
    pushes: list[Push],
    django_assert_max_num_queries: Any,
    django_capture_on_commit_callbacks: Any,
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(profile_changes, "PUSHED_AT_ONCE", 30)
    chats = [make_conversation(alice, make_user()) for _ in range(40)]
    with django_assert_max_num_queries(17), django_capture_on_commit_callbacks(execute=True):
        rename(alice, "Alix")
    assert len(to_peers(pushes)) == 30
    assert {push.room for push in to_peers(pushes)} <= {chat.room_name for chat in chats}
    assert set(Participant.objects.filter(peer=alice).values_list("mark", flat=True)) == {1}
