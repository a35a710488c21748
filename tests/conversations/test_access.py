"""Authorization: who has access to a room, and that a refusal reveals nothing."""

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from conversations.access import access_conversation
from conversations.exceptions import ConversationNotFound
from conversations.models import Conversation
from conversations.rooms import room_name
from conversations.services.conversations import conversation_open
from tests.factories import make_message


def test_alice_enters_her_chat_with_bob(alice: User, bob: User, chat: Conversation) -> None:
    membership = access_conversation(alice, chat.room_name)
    assert (membership.conversation, membership.me.user_id, membership.peer) == (chat, alice.pk, bob)


def test_bob_enters_the_same_chat_and_sees_alice(alice: User, bob: User, chat: Conversation) -> None:
    assert access_conversation(bob, chat.room_name).peer == alice


def test_entering_takes_one_statement(alice: User, chat: Conversation, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        membership = access_conversation(alice, chat.room_name)
        assert membership.peer.username
        assert membership.conversation.head == 0


def refusal(user: User | AnonymousUser, room: str) -> tuple[type, str]:
    with pytest.raises(ConversationNotFound) as refused:
        access_conversation(user, room)
    return type(refused.value), str(refused.value)


def test_mallory_cannot_tell_a_chat_of_others_from_no_chat(
    mallory: User, carol: User, chat: Conversation
) -> None:
    assert refusal(mallory, chat.room_name) == refusal(
        mallory, room_name(mallory.pk, carol.pk, key=b"another key of mallory")
    )


@pytest.mark.parametrize(
    "room",
    ["", "dm-", "dm-" + "a" * 32, "lobby", "dm-\0", "DM-" + "A" * 32, "'; drop table conversation; --"],
)
def test_mallory_gets_nowhere_with_invented_names(mallory: User, chat: Conversation, room: str) -> None:
    assert refusal(mallory, room) == (ConversationNotFound, "not_found")


def test_an_anonymous_visitor_has_no_access(chat: Conversation) -> None:
    assert refusal(AnonymousUser(), chat.room_name) == (ConversationNotFound, "not_found")


def test_alice_suspended_since_she_connected_has_no_access(alice: User, chat: Conversation) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert alice.is_active, "the object that the socket holds still says otherwise"
    assert refusal(alice, chat.room_name) == (ConversationNotFound, "not_found")


@pytest.mark.both_databases
def test_bob_cannot_find_out_that_alice_opened_an_empty_chat_with_him(alice: User, bob: User) -> None:
    conversation, _ = conversation_open(user=alice, peer=bob)
    assert access_conversation(alice, conversation.room_name).peer == bob
    assert refusal(bob, conversation.room_name) == (ConversationNotFound, "not_found")


def test_the_first_message_gives_bob_access(alice: User, bob: User) -> None:
    conversation, _ = conversation_open(user=alice, peer=bob)
    make_message(conversation, alice, "hello Bob")
    assert access_conversation(bob, conversation.room_name).peer == alice
