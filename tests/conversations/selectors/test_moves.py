"""What changed between two polls: found by transaction numbers, whatever the clocks and however slow a
commit."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import combinations
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from conversations.journal import ReceiptCommand, SendCommand, batch, unit_of_work
from conversations.models import Conversation
from conversations.selectors.conversations import Position, moved_between, position
from conversations.selectors.invites import token_of
from conversations.services.conversations import conversation_open
from conversations.services.invites import invite_claim, invite_create, invite_undo
from tests.factories import make_conversation, make_message, make_user
from tests.rig.plans import plan_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def send(chat: Conversation, sender: User) -> None:
    batch.write(
        [
            SendCommand(
                room=chat.room_name, user_id=sender.id, sender=sender.public_id, id=uuid4(), body="hello"
            )
        ]
    )


def moved_by(work: Callable[[], Any]) -> set[tuple[str, int]]:
    before = position()
    work()
    return {(room, user_id) for room, _, user_id, _ in moved_between(before, position())}


def both(chat: Conversation) -> set[tuple[str, int]]:
    return {(chat.room_name, chat.low_id), (chat.room_name, chat.high_id)}


def test_what_moved_is_found_for_both_users_and_nothing_else(
    chat: Conversation, alice: User, carol: User
) -> None:
    quiet = make_conversation(alice, carol)
    send(quiet, alice)
    assert moved_by(lambda: None) == set()
    assert moved_by(lambda: send(chat, alice)) == both(chat)


@pytest.mark.parametrize("off_by", [timedelta(days=-400), timedelta(seconds=-60), timedelta(seconds=60)])
def test_the_clock_of_the_writer_does_not_matter(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch, off_by: timedelta
) -> None:
    class Crooked(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + off_by

    Conversation.objects.update(changed_at=datetime(2020, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(unit_of_work, "datetime", Crooked)
    assert moved_by(lambda: send(chat, alice)) == both(chat)


def test_receipts_and_everything_that_stamps_a_conversation_count(
    chat: Conversation, alice: User, bob: User, carol: User
) -> None:
    make_message(chat, alice)
    read = ReceiptCommand(chat.room_name, bob.id, bob.public_id, read=1)
    assert moved_by(lambda: batch.write([read])) == both(chat)
    opened: list[Conversation] = []
    assert moved_by(lambda: opened.append(conversation_open(user=alice, peer=carol)[0])) == {
        (opened[0].room_name, alice.id)
    }
    invite = invite_create(inviter=bob)
    claimed: list[Conversation] = []
    moved = moved_by(lambda: claimed.append(invite_claim(user=carol, token=token_of(invite.pk)).conversation))
    assert moved == both(claimed[0])
    assert moved_by(lambda: invite_undo(inviter=bob, invite_id=invite.pk)) == both(claimed[0])


def test_a_row_that_is_saved_whole_has_moved(chat: Conversation) -> None:
    assert moved_by(chat.save) == both(chat)
    chat.changed_at = timezone.now()
    assert moved_by(lambda: chat.save(update_fields=["changed_at"])) == both(chat)


@pytest.mark.only_postgresql
def test_a_commit_that_takes_longer_than_any_poll_is_found_all_the_same(
    chat: Conversation, alice: User, carol: User
) -> None:
    """Its number is older than polls that could not see it; others were written and committed meanwhile."""
    other = make_conversation(alice, carol)
    has_written, may_commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                send(chat, alice)
                has_written.set()
                may_commit.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=write_slowly, daemon=True)
    thread.start()
    assert has_written.wait(60)
    positions = [position()]
    for _ in range(3):
        send(other, alice)
        positions.append(position())
        assert {room for room, *_ in moved_between(positions[-2], positions[-1])} == {other.room_name}
    may_commit.set()
    thread.join(60)
    positions.append(position())
    assert {room for room, *_ in moved_between(positions[-2], positions[-1])} == {chat.room_name}


def test_numbers_of_another_cluster_are_not_taken_for_news(chat: Conversation, alice: User) -> None:
    """A dump that was restored where fewer transactions have been."""
    make_message(chat, alice)
    before = position()
    Conversation.objects.filter(pk=chat.pk).update(moved=before.following + 1_000_000)
    assert moved_between(before, Position(before.following + 10)) == []


def test_a_poll_takes_one_statement_and_an_index(alice: User) -> None:
    before = position()
    for _ in range(5):
        send(make_conversation(alice, make_user()), alice)
    until = position()
    people = User.objects.bulk_create(User(username=f"user{n}", name=f"User {n}") for n in range(80))
    Conversation.objects.bulk_create(
        Conversation(
            low=low,
            high=high,
            room_name=f"r_{low.pk}_{high.pk}",
            opened_by=low,
            created_at=timezone.now(),
            changed_at=timezone.now(),
        )
        for low, high in combinations(people, 2)
    )
    with CaptureQueriesContext(connection) as asked:
        assert len(moved_between(before, until)) == 10
    (poll,) = asked
    assert "conversation_moved" in plan_of(poll["sql"], table="conversation")
