"""Catch-up: the pages that a device gets after its cursor, whatever happened since."""

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from conversations.access import access_conversation
from conversations.models import Conversation, Message, Participant
from conversations.protocol.objects import Message as WireMessage
from conversations.selectors import changes as changes_module
from conversations.selectors.changes import Changes, changes_after
from conversations.serializers import message as message_object
from tests.factories import make_conversation, make_message, make_messages

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def after(user: User, chat: Conversation, cursor: int, mark: int | None = None) -> Changes:
    return changes_after(membership=access_conversation(user, chat.room_name), after=cursor, mark=mark)


def walk(user: User, chat: Conversation, cursor: int) -> list[tuple[int, int]]:
    """All pages to the end: (seq, version) in order."""
    seen: list[tuple[int, int]] = []
    while True:
        page = after(user, chat, cursor)
        seen += [(message.seq, message.version) for message in page.messages]
        assert page.version >= cursor
        assert not page.more or page.version > cursor, "a page with more to come must advance"
        cursor = page.version
        if not page.more:
            return seen


def change(chat: Conversation, seq: int, **values: object) -> None:
    """As an edit or a deletion does: the next number of the conversation goes to an old message."""
    chat.refresh_from_db()
    chat.head += 1
    chat.save(update_fields=["head"])
    Message.objects.filter(conversation=chat, seq=seq).update(version=chat.head, **values)


def test_nothing_is_missed_and_nothing_comes_twice(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [alice, bob], 120)
    for cursor in (0, 1, 49, 50, 119, 120):
        assert walk(alice, chat, cursor) == [(seq, seq) for seq in range(cursor + 1, 121)]


def test_a_change_stands_where_its_number_stands(chat: Conversation, alice: User, bob: User) -> None:
    make_messages(chat, [alice, bob], 5)
    change(chat, 2, body="edited", edited_at=timezone.now())
    change(chat, 4, body="", deleted_at=timezone.now())
    make_message(chat, bob, "after it")
    assert walk(alice, chat, 0) == [(1, 1), (3, 3), (5, 5), (2, 6), (4, 7), (8, 8)]
    assert walk(alice, chat, 5) == [(2, 6), (4, 7), (8, 8)]
    assert walk(alice, chat, 6) == [(4, 7), (8, 8)]
    assert after(alice, chat, 3).version == 8


def test_a_message_changed_twice_comes_once_in_its_last_state(chat: Conversation, alice: User) -> None:
    make_messages(chat, [alice], 3)
    change(chat, 1, body="second")
    change(chat, 1, body="third")
    assert walk(alice, chat, 0) == [(2, 2), (3, 3), (1, 5)]
    (message,) = after(alice, chat, 3).messages
    assert message.body == "third"


def test_a_number_that_is_no_row_any_more_does_not_end_a_page(chat: Conversation, alice: User) -> None:
    """The head may number a change of an old message; the cursor still reaches it."""
    make_messages(chat, [alice], 2)
    change(chat, 1)
    assert after(alice, chat, 0).version == 3
    assert after(alice, chat, 3).messages == []


@pytest.mark.parametrize("behind", [1_000, 1_001])
def test_far_behind_is_a_fresh_page(chat: Conversation, alice: User, behind: int) -> None:
    make_messages(chat, [alice], 3)
    Conversation.objects.filter(pk=chat.pk).update(head=2_000)
    page = after(alice, chat, 2_000 - behind)
    assert page.reset is (behind > 1_000)
    assert page.version == 2_000
    assert [message.seq for message in page.messages] == ([1, 2, 3] if page.reset else [])
    assert page.with_row is page.reset


def test_a_cursor_ahead_of_the_head_is_from_another_world(chat: Conversation, alice: User) -> None:
    make_messages(chat, [alice], 2)
    for cursor in (3, 2**63 - 1):
        page = after(alice, chat, cursor)
        assert (page.reset, page.version, [message.seq for message in page.messages], page.more) == (
            True,
            2,
            [1, 2],
            False,
        )


def test_an_empty_conversation_has_an_empty_page(chat: Conversation, alice: User) -> None:
    page = after(alice, chat, 0)
    assert (page.messages, page.version, page.more, page.reset) == ([], 0, False, False)


@pytest.mark.parametrize(
    ("mark", "comes_along"), [(None, False), (7, False), (6, True), (8, True), (0, True)]
)
def test_the_row_comes_along_when_my_mark_is_another_one(
    chat: Conversation, alice: User, mark: int | None, comes_along: bool
) -> None:
    """A mark ahead of ours is from before a restored backup: it differs, too."""
    Participant.objects.filter(user=alice).update(mark=7)
    assert after(alice, chat, 0, mark).with_row is comes_along


def test_a_page_takes_few_statements_however_full_it_is(
    chat: Conversation, alice: User, bob: User, django_assert_max_num_queries
) -> None:
    make_messages(chat, [alice, bob], 50)
    membership = access_conversation(alice, chat.room_name)
    with django_assert_max_num_queries(6):
        assert len(changes_after(membership=membership, after=0).messages) == 50


BODIES = st.lists(
    st.sampled_from(["x", "x" * 8_000, "👋" * 8_000, '"' * 8_000, "\x01" * 8_000, "\n" * 8_000, "Ж" * 4_000]),
    min_size=1,
    max_size=14,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=BODIES)
def test_every_page_fits_its_frame_whatever_was_written(alice: User, bob: User, bodies: list[str]) -> None:
    """With the longest texts in the worst characters, with the row or without it (T34)."""
    Conversation.objects.all().delete()
    chat = make_conversation(alice, bob)
    for body in bodies:
        make_message(chat, alice, body)
    seen: list[str] = []
    cursor, has_row = 0, False
    while True:
        page = after(alice, chat, cursor, mark=99)
        size = sum(wire_size(message) for message in page.messages)
        if page.with_row:
            has_row = True
            assert page.row.last is not None
            size += wire_size(page.row.last)
        assert size <= 64 * 1024 - 4 * 1024, "four KiB are left for the rest of the frame"
        seen += [message.body for message in page.messages]
        cursor = page.version
        if not page.more:
            break
    assert seen == bodies
    assert has_row


def wire_size(message: Message) -> int:
    wire: WireMessage = message_object(message, sender="s" * 26)
    return len(wire.model_dump_json().encode())


def test_the_row_is_read_before_the_messages(
    chat: Conversation, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write between the two queries must not push the cursor ahead of the rows (I6)."""
    make_messages(chat, [alice, bob], 3)
    real = changes_module.changed_numbers

    def somebody_writes(*args: int) -> list[tuple[int, int]]:
        make_message(chat, bob, "in between")
        return real(*args)

    monkeypatch.setattr(changes_module, "changed_numbers", somebody_writes)
    page = after(alice, chat, 0)
    assert (page.version, [message.seq for message in page.messages]) == (3, [1, 2, 3])
