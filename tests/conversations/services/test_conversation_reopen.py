"""Reopening: the user who closed a chat can open it again."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from conversations.exceptions import CannotDeliver, ConversationNotFound
from conversations.models import Block, Conversation, Participant
from conversations.services.conversations import conversation_reopen
from conversations.services.invites.undoing import close_against
from conversations.services.messages import message_send

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture
def closed(chat: Conversation, alice: User, bob: User) -> Conversation:
    """By Alice."""
    close_against(chat, alice.pk, bob.pk, timezone.now())
    return chat


def write(user: User, chat: Conversation) -> None:
    message_send(user=user, room=chat.room_name, id=uuid4(), body="hello").result(5)


def marks(chat: Conversation) -> dict[int, int]:
    return dict(Participant.objects.filter(conversation=chat).values_list("user_id", "mark"))


def test_who_closed_it_opens_it_again_and_both_can_write(
    closed: Conversation, alice: User, bob: User
) -> None:
    before = marks(closed)
    conversation_reopen(user=alice, room_name=closed.room_name)
    assert not Block.objects.exists()
    assert marks(closed) == {user: mark + 1 for user, mark in before.items()}, (
        "devices that were offline notice it"
    )
    write(alice, closed)
    write(bob, closed)


def test_the_other_one_cannot_and_learns_nothing(closed: Conversation, bob: User, mallory: User) -> None:
    before = marks(closed)
    with pytest.raises(CannotDeliver):
        conversation_reopen(user=bob, room_name=closed.room_name)
    with pytest.raises(ConversationNotFound):
        conversation_reopen(user=mallory, room_name=closed.room_name)
    assert (marks(closed), Block.objects.count()) == (before, 1)


def test_where_both_have_closed_it_one_alone_does_not_open_it(
    closed: Conversation, alice: User, bob: User
) -> None:
    closed.refresh_from_db()
    close_against(closed, bob.pk, alice.pk, timezone.now())
    conversation_reopen(user=alice, room_name=closed.room_name)
    for person in (alice, bob):
        with pytest.raises(CannotDeliver):
            write(person, closed)
    with pytest.raises(CannotDeliver):
        conversation_reopen(user=alice, room_name=closed.room_name)
    conversation_reopen(user=bob, room_name=closed.room_name)
    write(alice, closed)


def test_what_is_open_stays_as_it_is(chat: Conversation, alice: User) -> None:
    before = marks(chat)
    conversation_reopen(user=alice, room_name=chat.room_name)
    assert marks(chat) == before


@pytest.fixture
def api(client_of: Any, closed: Conversation) -> Any:
    return lambda user, method, rest="": getattr(client_of(user), method)(
        f"/api/v1/conversations/{closed.room_name}{rest}"
    )


def test_the_row_shows_the_block_to_the_blocker_only(api: Any, alice: User, bob: User) -> None:
    rows = {user.username: api(user, "get").json() for user in (alice, bob)}
    assert {name: (row["state"], row["blocked"], row["can_send"]) for name, row in rows.items()} == {
        "alice": ("closed", True, False),
        "bob": ("closed", False, False),
    }


def test_the_api_reopens(api: Any, alice: User, bob: User, mallory: User) -> None:
    refused = api(bob, "post", "/reopen")
    assert (refused.status_code, refused.json()["code"]) == (403, "cannot_deliver")
    assert api(mallory, "post", "/reopen").status_code == 404
    row = api(alice, "post", "/reopen").json()
    assert (row["state"], row["blocked"], row["can_send"]) == ("open", False, True)


def test_the_page_says_it_and_reopens_without_a_script(
    client_of: Any, closed: Conversation, alice: User, bob: User, mallory: User
) -> None:
    path = f"/chats/{closed.room_name}/"
    hers, his = client_of(alice), client_of(bob)
    assert "You closed this chat with <bdi>Bob</bdi>." in hers.get(path).text
    assert f'action="{path}reopen/"' in hers.get(path).text
    assert "You can’t write to this person now." in his.get(path).text
    assert "reopen" not in his.get(path).text
    assert (
        his.post(f"{path}reopen/").status_code,
        client_of(mallory).post(f"{path}reopen/").status_code,
    ) == (303, 404)
    assert hers.get(f"{path}reopen/").status_code == 405
    assert "You can’t write" in his.get(path).text
    assert hers.post(f"{path}reopen/")["Location"] == path
    assert 'data-view="composer"' in hers.get(path).text
    assert 'data-view="composer"' in his.get(path).text
