"""Pages of history by number, and queries about one message."""

import re
from datetime import UTC, date
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from conversations.access import access_conversation
from conversations.exceptions import MessageNotFound
from conversations.models import Conversation, Message, Participant
from conversations.selectors.dates import seq_at
from conversations.selectors.messages import (
    MessagePage,
    message_at,
    message_page,
    message_page_around,
    was_sent,
)
from tests.factories import make_conversation, make_message, make_messages

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def page(user: User, chat: Conversation, **where: int) -> MessagePage:
    return message_page(membership=access_conversation(user, chat.room_name), **where)


def seqs(found: MessagePage) -> list[int]:
    return [message.seq for message in found.items]


def test_pages_walk_back_to_the_first_message(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [alice, bob], 120)
    seen: list[int] = []
    found = page(alice, chat)
    while True:
        seen = seqs(found) + seen
        assert found.version == 120
        if not found.has_older:
            break
        found = page(alice, chat, before=found.items[0].seq)
    assert seen == list(range(1, 121))


def test_a_page_knows_whether_something_is_older(chat: Conversation, alice: User) -> None:
    make_messages(chat, [alice], 3)
    assert not page(alice, chat, limit=3).has_older
    assert page(alice, chat, limit=2).has_older
    assert not page(alice, chat, before=1).has_older


@pytest.mark.parametrize(("limit", "size"), [(0, 1), (-5, 1), (1, 1), (100, 100), (5_000, 100)])
def test_a_limit_is_brought_into_bounds(chat: Conversation, alice: User, limit: int, size: int) -> None:
    make_messages(chat, [alice], 110)
    assert len(page(alice, chat, limit=limit).items) == size


def test_after_and_before_are_exclusive(chat: Conversation, alice: User) -> None:
    make_messages(chat, [alice], 6)
    assert seqs(page(alice, chat, after=2)) == [3, 4, 5, 6]
    assert seqs(page(alice, chat, before=3)) == [1, 2]
    assert seqs(page(alice, chat, after=2, before=5)) == [3, 4]


def test_the_version_is_read_before_the_rows(
    chat: Conversation, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that goes live from it must not skip what was written between the two queries."""
    make_messages(chat, [alice], 2)
    membership = access_conversation(alice, chat.room_name)
    real = Message.objects.filter

    def write_in_between(*args: object, **values: object):
        monkeypatch.undo()
        make_message(chat, bob, "in between")
        return real(*args, **values)

    monkeypatch.setattr(Message.objects, "filter", write_in_between)
    found = message_page(membership=membership)
    assert (found.version, seqs(found)) == (2, [1, 2, 3])


def test_what_alice_has_cleared_is_gone_for_her_only(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [alice, bob], 5)
    Participant.objects.filter(user=alice).update(cleared_seq=3)
    assert seqs(page(alice, chat)) == [4, 5]
    assert seqs(page(bob, chat)) == [1, 2, 3, 4, 5]
    assert not page(alice, chat, limit=2).has_older


def test_a_page_takes_two_statements(chat: Conversation, alice: User, django_assert_num_queries) -> None:
    make_messages(chat, [alice], 100)
    membership = access_conversation(alice, chat.room_name)
    for where in ({}, {"before": 50}, {"after": 50}, {"limit": 100}):
        with django_assert_num_queries(2):
            message_page(membership=membership, **where)


@pytest.mark.parametrize(
    ("seq", "expected", "has_older", "has_newer"),
    [
        (50, [48, 49, 50, 51, 52], True, True),
        (1, [1, 2, 3], False, True),
        (3, [1, 2, 3, 4, 5], False, True),
        (4, [2, 3, 4, 5, 6], True, True),
        (98, [96, 97, 98, 99, 100], True, False),
        (97, [95, 96, 97, 98, 99], True, True),
        (100, [98, 99, 100], True, False),
        (500, [99, 100], True, False),
    ],
)
def test_a_page_around_a_message_holds_as_many_on_either_side(
    chat: Conversation,
    alice: User,
    bob: User,
    django_assert_num_queries,
    seq: int,
    expected: list[int],
    has_older: bool,
    has_newer: bool,
) -> None:
    make_messages(chat, [alice, bob], 100)
    membership = access_conversation(alice, chat.room_name)
    with django_assert_num_queries(2):
        found = message_page_around(membership=membership, seq=seq, version=100, side=2)
    assert (seqs(found), found.has_older, found.has_newer) == (expected, has_older, has_newer)


def test_a_page_around_a_message_leaves_out_what_alice_has_cleared(
    chat: Conversation, alice: User, bob: User
) -> None:
    make_messages(chat, [alice, bob], 10)
    Participant.objects.filter(user=alice).update(cleared_seq=4)
    found = message_page_around(
        membership=access_conversation(alice, chat.room_name), seq=5, version=10, side=2
    )
    assert (seqs(found), found.has_older) == ([5, 6, 7], False)


def test_a_page_of_long_texts_has_fewer_of_them(chat: Conversation, alice: User) -> None:
    """Drawing 50 of the longest takes a second (docs/threats.md T35). No message is left out on the way."""
    for _ in range(12):
        make_message(chat, alice, "x" * 100)
    membership = access_conversation(alice, chat.room_name)
    found = message_page(membership=membership, chars=350)
    assert (seqs(found), found.has_older) == ([10, 11, 12], True)
    found = message_page(membership=membership, before=10, chars=10)
    assert (seqs(found), found.has_older) == ([9], True), "at least one"
    found = message_page(membership=membership, before=4, chars=300)
    assert (seqs(found), found.has_older) == ([1, 2, 3], False)
    found = message_page_around(membership=membership, seq=6, version=12, chars=500)
    assert (seqs(found), found.has_older, found.has_newer) == ([4, 5, 6, 7], True, True)
    found = message_page_around(membership=membership, seq=12, version=12, chars=10)
    assert (seqs(found), found.has_older, found.has_newer) == ([11, 12], True, False)


def test_a_number_of_another_conversation_is_not_found(chat: Conversation, alice: User, carol: User) -> None:
    other = make_conversation(alice, carol)
    make_messages(other, [carol], 3)
    make_message(chat, alice, "the only one")
    membership = access_conversation(alice, chat.room_name)
    assert message_at(membership=membership, seq=1).body == "the only one"
    with pytest.raises(MessageNotFound):
        message_at(membership=membership, seq=3)


def test_only_what_this_person_sent_into_this_room_was_sent(
    chat: Conversation, alice: User, bob: User, mallory: User
) -> None:
    id = make_message(chat, alice).client_id
    assert was_sent(user_id=alice.pk, room=chat.room_name, id=id)
    assert not was_sent(user_id=bob.pk, room=chat.room_name, id=id)
    assert not was_sent(user_id=mallory.pk, room=chat.room_name, id=id)
    assert not was_sent(user_id=alice.pk, room="dm-" + "a" * 32, id=id)
    assert not was_sent(user_id=alice.pk, room=chat.room_name, id=uuid4())


def test_a_page_in_the_middle_has_one_lower_bound(chat: Conversation, alice: User, bob: User) -> None:
    """Of two, SQLite begins at the first one and reads all messages up to the other: 10 instead of 4 ms in a
    chat of 300,000."""
    make_messages(chat, [alice, bob], 40)
    Participant.objects.filter(conversation=chat, user=alice).update(cleared_seq=5)
    membership = access_conversation(alice, chat.room_name)
    with CaptureQueriesContext(connection) as asked:
        found = message_page_around(membership=membership, seq=20, version=40, side=5)
        assert seqs(message_page(membership=membership, after=20, limit=3)) == [21, 22, 23]
        assert seq_at(membership=membership, day=date(2000, 1, 1), zone=UTC) == 6
    assert seqs(found) == [15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]
    assert [sql["sql"] for sql in asked if len(re.findall(r'"seq" >=? \d+', sql["sql"])) > 1] == []


def test_nothing_below_the_cleared_messages_is_on_any_page(
    chat: Conversation, alice: User, bob: User
) -> None:
    make_messages(chat, [alice, bob], 10)
    Participant.objects.filter(conversation=chat, user=alice).update(cleared_seq=5)
    membership = access_conversation(alice, chat.room_name)
    for seq in (2, 5, 6):
        around = message_page_around(membership=membership, seq=seq, version=10)
        assert (seqs(around), around.has_older) == ([6, 7, 8, 9, 10], False)
    assert seqs(message_page(membership=membership, after=1)) == [6, 7, 8, 9, 10]
    assert seqs(message_page(membership=membership, before=8)) == [6, 7]
