"""The list of a user's conversations, one row of it, and the heads for a device."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from conversations.access import access_conversation
from conversations.models import Conversation, Message, Participant
from conversations.selectors.conversations import (
    conversation_list,
    conversation_row,
    head_of,
    heads,
    read_cursor,
    room_with,
    row_of,
    unread_of,
    write_cursor,
)
from tests.factories import make_conversation, make_message, make_messages, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def rooms(user: User, **values: object) -> list[str]:
    return [row.conversation.room_name for row in conversation_list(user=user, **values).items]


def test_the_newest_conversation_stands_first(alice: User, bob: User, carol: User) -> None:
    with_bob, with_carol = make_conversation(alice, bob), make_conversation(alice, carol)
    make_message(with_carol, carol)
    make_message(with_bob, bob)
    assert rooms(alice) == [with_bob.room_name, with_carol.room_name]
    assert rooms(carol) == [with_carol.room_name]


def test_an_empty_chat_shows_to_who_opened_it_only(alice: User, bob: User) -> None:
    chat = make_conversation(alice, bob)
    Participant.objects.filter(user=bob).update(activity=None)
    assert (rooms(alice), rooms(bob)) == ([chat.room_name], [])
    assert row_of(chat.id, bob.id) is None
    assert room_with(user_id=bob.id, peer_id=alice.id) is None
    assert room_with(user_id=alice.id, peer_id=bob.id) == chat.room_name
    assert heads(user_id=bob.id).rooms == {}


def test_a_row_has_both_participants_and_the_last_message(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [alice, bob, bob], 3)
    (row,) = conversation_list(user=alice).items
    assert (row.peer, row.me.user_id, row.peer_participant.user_id) == (bob, alice.pk, bob.pk)
    assert row.last is not None
    assert (row.last.body, row.me.unread) == ("message 3", 2)
    assert conversation_row(access_conversation(alice, chat.room_name)) == row


def test_the_last_message_is_found_under_a_head_that_is_a_change(chat: Conversation, alice: User) -> None:
    """An edit takes the newest number; the row of the list still shows the newest message."""
    make_messages(chat, [alice], 2)
    Conversation.objects.filter(pk=chat.pk).update(head=3)
    Message.objects.filter(seq=1).update(version=3)
    (row,) = conversation_list(user=alice).items
    assert row.last is not None
    assert row.last.seq == 2


def test_cursors_walk_the_list_also_where_times_are_equal(alice: User) -> None:
    now = timezone.now()
    made = [make_conversation(alice, make_user(), now=now).room_name for _ in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        page = conversation_list(user=alice, cursor=cursor, limit=2)
        seen += [row.conversation.room_name for row in page.items]
        if page.next is None:
            break
        cursor = page.next
    assert sorted(seen) == sorted(made)


def test_a_cursor_reads_as_it_was_written(chat: Conversation, alice: User) -> None:
    participant = Participant.objects.get(user=alice)
    assert read_cursor(write_cursor(participant), user_id=alice.pk) == (
        participant.activity,
        participant.conversation_id,
    )


def test_the_list_takes_three_statements_however_long(alice: User, django_assert_num_queries) -> None:
    for how_many in (1, 8):
        for _ in range(how_many):
            peer = make_user()
            make_message(make_conversation(alice, peer), peer)
        with django_assert_num_queries(3):
            for row in conversation_list(user=alice).items:
                assert row.peer.username
                assert row.conversation.room_name


def test_the_list_takes_four_statements_however_many_chats_have_a_newer_change_than_message(
    alice: User, django_assert_num_queries
) -> None:
    """The head numbers an edit or a reaction, too: then it is no message's number."""
    for how_many in (1, 8):
        for _ in range(how_many):
            peer = make_user()
            chat = make_conversation(alice, peer)
            make_messages(chat, [peer], 2)
            Conversation.objects.filter(pk=chat.pk).update(head=5)
        with django_assert_num_queries(4):
            rows = conversation_list(user=alice).items
        assert {row.last.seq for row in rows if row.last} == {2}
        assert all(row.last for row in rows)


def test_unread_is_counted_over_all_that_is_not_muted(alice: User, bob: User, carol: User) -> None:
    make_messages(make_conversation(alice, bob), [bob, alice, bob], 3)
    muted = make_conversation(alice, carol)
    make_messages(muted, [carol], 5)

    def counted() -> list[tuple[int, int]]:
        pages = (
            conversation_list(user=alice),
            conversation_list(user=alice, limit=1),
            conversation_list(user=alice, rooms=["dm-none"]),
        )
        everywhere = [
            unread_of(user_id=alice.id),
            *(page.unread for page in pages),
            heads(user_id=alice.id, limit=1).unread,
        ]
        return sorted({(unread.total, unread.chats) for unread in everywhere if unread})

    assert counted() == [(7, 2)]
    Participant.objects.filter(conversation=muted, user=alice).update(
        muted_until=timezone.now() + timedelta(hours=1)
    )
    assert counted() == [(2, 1)]
    Participant.objects.filter(conversation=muted, user=alice).update(
        muted_until=timezone.now() - timedelta(hours=1)
    )
    assert counted() == [(7, 2)]
    assert unread_of(user_id=carol.id).total == 0, "own messages are never unread"


def test_rows_that_are_asked_for_by_name_are_mine_alone(alice: User, bob: User, carol: User) -> None:
    mine, foreign = make_conversation(alice, bob), make_conversation(bob, carol)
    make_message(mine, bob)
    make_message(foreign, bob)
    assert rooms(alice, rooms=[foreign.room_name, mine.room_name, "dm-none", ""]) == [mine.room_name]


def test_heads_are_those_of_the_latest_conversations(alice: User, bob: User, carol: User) -> None:
    with_bob, with_carol = make_conversation(alice, bob), make_conversation(alice, carol)
    make_messages(with_carol, [carol], 2)
    make_messages(with_bob, [bob], 4)
    everything, latest = heads(user_id=alice.id), heads(user_id=alice.id, limit=1)
    assert everything.rooms == {with_bob.room_name: 4, with_carol.room_name: 2}
    assert set(everything.marks) == set(everything.rooms)
    assert (latest.rooms, latest.more, everything.more) == ({with_bob.room_name: 4}, True, False)
    only = head_of(access_conversation(alice, with_carol.room_name))
    assert (only.rooms, only.epoch) == ({with_carol.room_name: 2}, everything.epoch)
