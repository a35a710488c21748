"""Receipts: positions that only grow, and what the peer sees of them."""

import json
from typing import Any

import pytest

from accounts.models import Profile, User
from conversations.delivery import Push
from conversations.exceptions import ConversationNotFound
from conversations.journal import writer
from conversations.models import Conversation, Participant
from conversations.rooms import user_group
from conversations.services.receipts import receipt_advance
from tests.factories import make_messages

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _past(chat: Conversation, alice: User, bob: User) -> None:
    """Alice, Bob, Alice, Bob, Alice."""
    make_messages(chat, [alice, bob], 5)


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[Push]:
    gone: list[Push] = []
    monkeypatch.setattr(writer, "publish", gone.extend)
    return gone


def pushed_to(pushes: list[Push], user: User) -> list[dict[str, Any]]:
    return [json.loads(push.text) for push in pushes if push.group == user_group(user.pk)]


def participant(user: User) -> Participant:
    return Participant.objects.get(user=user)


def test_bob_reads_and_alice_is_shown_how_far(
    chat: Conversation, alice: User, bob: User, pushes: list[Push]
) -> None:
    advanced = receipt_advance(user=bob, room=chat.room_name, read=3).result(0)
    assert (advanced.read, advanced.delivered, advanced.read_count) == (3, 3, 2)
    (shown,), (own,) = pushed_to(pushes, alice), pushed_to(pushes, bob)
    assert (shown["user"], shown["read"], shown["delivered"], "read_count" in shown) == (
        bob.public_id,
        3,
        3,
        False,
    )
    assert (own["user"], own["read"], own["read_count"]) == (bob.public_id, 3, 2)
    assert (shown["mark"], own["mark"]) == (participant(alice).mark, participant(bob).mark)
    assert participant(bob).unread == 1


def test_delivered_is_not_read(chat: Conversation, alice: User, bob: User) -> None:
    receipt_advance(user=bob, room=chat.room_name, delivered=5)
    assert (
        participant(bob).delivered_seq,
        participant(bob).read_seq,
        participant(bob).unread,
        participant(bob).shown_delivered,
    ) == (
        5,
        0,
        3,
        5,
    )


@pytest.mark.parametrize(
    "positions", [{"read": 2}, {"read": 3}, {"delivered": 1}, {"read": 0, "delivered": 0}, {}]
)
def test_positions_never_go_back_and_no_change_is_no_event(
    chat: Conversation, bob: User, pushes: list[Push], positions: dict[str, int]
) -> None:
    receipt_advance(user=bob, room=chat.room_name, read=3)
    mark = participant(bob).mark
    pushes.clear()
    advanced = receipt_advance(user=bob, room=chat.room_name, **positions).result(0)
    assert (advanced.read, advanced.delivered, advanced.mark) == (3, 3, mark)
    assert pushes == []


def test_a_receipt_cannot_pass_the_head(chat: Conversation, alice: User, bob: User) -> None:
    """A receipt for the future would count the next messages as read."""
    receipt_advance(user=bob, room=chat.room_name, read=2**62, delivered=2**62)
    assert (participant(bob).read_seq, participant(bob).delivered_seq, participant(bob).unread) == (5, 5, 0)
    make_messages(chat, [alice], 1)
    assert participant(bob).unread == 1


def test_own_messages_are_never_unread(chat: Conversation, alice: User) -> None:
    receipt_advance(user=alice, room=chat.room_name, read=1)
    assert (participant(alice).read_count, participant(alice).unread) == (0, 2)


@pytest.mark.parametrize("shy", ["alice", "bob"])
def test_a_user_who_shares_no_receipts_is_shown_none(
    chat: Conversation, alice: User, bob: User, pushes: list[Push], shy: str
) -> None:
    """Both settings count: a user who hides their own receipts sees none of the peer's."""
    Profile.objects.filter(user__username=shy).update(shares_receipts=False)
    receipt_advance(user=bob, room=chat.room_name, read=3)
    assert pushed_to(pushes, alice) == []
    assert len(pushed_to(pushes, bob)) == 1, "his own devices receive it"
    assert (participant(bob).read_seq, participant(bob).shown_read) == (3, 0)


@pytest.mark.parametrize(
    "changes", [{"low_blocks": True}, {"high_blocks": True}, {"state": "request"}, {"state": "closed"}]
)
def test_behind_a_block_or_before_acceptance_nothing_is_shown(
    chat: Conversation, alice: User, bob: User, pushes: list[Push], changes: dict[str, Any]
) -> None:
    Conversation.objects.update(**changes)
    receipt_advance(user=bob, room=chat.room_name, read=3)
    assert pushed_to(pushes, alice) == []
    assert (participant(bob).read_seq, participant(bob).shown_read, participant(bob).shown_delivered) == (
        3,
        0,
        0,
    )


def test_mallory_moves_no_position(chat: Conversation, mallory: User, pushes: list[Push]) -> None:
    before = list(Participant.objects.values())
    for room in (chat.room_name, "dm-" + "a" * 32):
        assert type(receipt_advance(user=mallory, room=room, read=5).exception(0)) is ConversationNotFound
    assert list(Participant.objects.values()) == before
    assert pushes == []
