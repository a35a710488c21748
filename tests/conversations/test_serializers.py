"""Serializers: from rows to wire objects. The rows are never saved, because no serializer may query."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from accounts.models import User
from conversations import serializers
from conversations.models import Conversation, Message, Participant
from conversations.protocol.objects import instant
from conversations.selectors.conversations import ConversationRow

ID = UUID("0192f0c1-7a3e-7b52-9c41-5d2f8e6a1b70")
NOW = datetime(2026, 11, 21, 18, 4, 5, 678_000, tzinfo=UTC)
ALICE = User(id=1, public_id="mfzwk3tfor4ha2lo", username="alice", name="Alice Moreau")
BOB = User(id=2, public_id="oj5xa3lbnzuw2zlt", username="bob", name="Боб")


def row(**values: Any) -> Conversation:
    given = {
        "id": 9,
        "low": ALICE,
        "high": BOB,
        "room_name": "dm-x",
        "head": 42,
        "opened_by": ALICE,
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Conversation(**{**given, **values})


def written(sender: User = ALICE, **values: Any) -> Message:
    given = {
        "conversation_id": 9,
        "seq": 42,
        "version": 42,
        "client_id": ID,
        "sender": sender,
        "ordinal": 20,
        "body": "hello",
        "created_at": NOW,
    }
    return Message(**{**given, **values})


def participant(user: User, peer: User, **values: Any) -> Participant:
    return Participant(**{"conversation_id": 9, "user": user, "peer": peer, "activity": NOW, **values})


def seen_by_bob(conversation: Conversation | None = None, last: Message | None = None, **mine: Any) -> Any:
    alice = participant(
        ALICE,
        BOB,
        read_seq=42,
        delivered_seq=42,
        shown_read=40,
        shown_delivered=41,
        mark=99,
        marked_unread=True,
        muted_until=NOW,
    )
    return serializers.conversation(
        ConversationRow(conversation or row(), participant(BOB, ALICE, **mine), alice, ALICE, last), BOB
    ).model_dump()


# --- A user ---


def test_a_card_identifies_a_user_by_the_public_id_alone() -> None:
    card = serializers.card(ALICE)
    assert card.model_dump() == {
        "id": "mfzwk3tfor4ha2lo",
        "username": "alice",
        "name": "Alice Moreau",
        "avatar": None,
        "initials": "AM",
        "colour": card.colour,
    }
    assert 1 <= card.colour <= 8


def test_a_card_contains_nothing_private() -> None:
    user = User(
        id=3,
        public_id="p",
        username="carol",
        name="Carol",
        email="carol@example.org",
        password="secret",
        is_staff=True,
    )
    assert not {"carol@example.org", "secret", 3, True} & set(serializers.card(user).model_dump().values())


def test_a_user_without_a_name_has_initials_all_the_same() -> None:
    assert serializers.card(User(public_id="p", username="dave", name="")).initials == "D"


# --- A message ---


def test_message_has_all_its_fields() -> None:
    assert serializers.message(written(reply_to=41), sender=ALICE.public_id).model_dump() == {
        "seq": 42,
        "version": 42,
        "id": str(ID),
        "sender": "mfzwk3tfor4ha2lo",
        "ordinal": 20,
        "kind": "text",
        "body": "hello",
        "reply_to": 41,
        "reply": None,
        "attachments": [],
        "reactions": [],
        "created_at": "2026-11-21T18:04:05.678Z",
        "edited_at": None,
        "deleted_at": None,
        "deleted_for_me": False,
        "expires_at": None,
        "event": None,
    }


def test_a_message_says_when_it_was_edited_and_deleted() -> None:
    wire = serializers.message(
        written(edited_at=NOW, deleted_at=NOW + timedelta(seconds=1), body=""), sender="p"
    )
    assert (wire.edited_at, wire.deleted_at) == (instant(NOW), "2026-11-21T18:04:06.678Z")


def test_a_system_message_counts_for_no_user() -> None:
    wire = serializers.message(written(kind=Message.Kind.SYSTEM, ordinal=None), sender="p")
    assert (wire.kind, wire.ordinal) == ("system", None)


@pytest.mark.parametrize("body", ["", "<script>alert(1)</script>", "Здравствуй 🌿", 'a "quote"\nand a line'])
def test_body_is_the_text_and_nothing_else(body: str) -> None:
    """Escaping is the job of the view that shows it."""
    assert serializers.message(written(body=body), sender="p").body == body


# --- A row of the list ---


def test_a_row_has_my_positions_and_of_the_peer_only_what_is_shown() -> None:
    """Alice has read everything but shows only a part: her own positions, mark and mute stay hidden."""
    wire = seen_by_bob(mark=17, received=20, read_count=19, read_seq=41)
    assert wire == {
        "room": "dm-x",
        "peer": serializers.card(ALICE).model_dump(),
        "head": 42,
        "mark": 17,
        "unread": 1,
        "received": 20,
        "read": 41,
        "read_count": 19,
        "marked_unread": False,
        "peer_read": 40,
        "peer_delivered": 41,
        "last_message": None,
        "activity": instant(NOW),
        "state": "open",
        "requested_by": None,
        "muted_until": None,
        "archived": False,
        "pinned": False,
        "blocked": False,
        "can_send": True,
        "draft": "",
    }


@pytest.mark.parametrize("sender", [ALICE, BOB])
def test_row_shows_the_last_message_of_either(sender: User) -> None:
    last = seen_by_bob(last=written(sender))["last_message"]
    assert (last["sender"], last["seq"]) == (sender.public_id, 42)


def test_row_shows_how_i_keep_it() -> None:
    wire = seen_by_bob(muted_until=NOW, archived_at=NOW, pinned_at=NOW, marked_unread=True)
    assert (wire["muted_until"], wire["archived"], wire["pinned"], wire["marked_unread"]) == (
        instant(NOW),
        True,
        True,
        True,
    )


def test_row_that_is_not_in_my_list_yet_has_no_activity() -> None:
    assert seen_by_bob(activity=None)["activity"] is None


@pytest.mark.parametrize("state", ["open", "request", "closed"])
def test_a_row_says_its_state(state: str) -> None:
    assert seen_by_bob(row(state=state))["state"] == state


@pytest.mark.parametrize("asking", [ALICE, BOB])
def test_row_names_who_asked_by_the_public_id(asking: User) -> None:
    assert seen_by_bob(row(state="request", requested_by=asking))["requested_by"] == asking.public_id


@pytest.mark.parametrize(
    ("low_blocks", "high_blocks", "shown"),
    [(False, True, True), (True, False, False), (True, True, True), (False, False, False)],
)
def test_a_blocked_user_learns_nothing_of_it(low_blocks: bool, high_blocks: bool, shown: bool) -> None:
    """Bob is the higher one: he sees his own block, never Alice's."""
    assert seen_by_bob(row(low_blocks=low_blocks, high_blocks=high_blocks))["blocked"] is shown


@pytest.mark.parametrize(("low_blocks", "high_blocks", "shown"), [(False, True, False), (True, False, True)])
def test_a_block_is_shown_from_the_lower_side_as_well(
    low_blocks: bool, high_blocks: bool, shown: bool
) -> None:
    conversation = row(low_blocks=low_blocks, high_blocks=high_blocks)
    wire = serializers.conversation(
        ConversationRow(conversation, participant(ALICE, BOB), participant(BOB, ALICE), BOB, None), ALICE
    )
    assert wire.blocked is shown


# --- Receipts ---


def test_receipts_are_mine_as_they_are_and_the_peers_as_they_are_shown() -> None:
    alice = participant(ALICE, BOB, read_seq=42, delivered_seq=42, shown_read=40, shown_delivered=41)
    bob = participant(BOB, ALICE, read_seq=7, delivered_seq=8, shown_read=1, shown_delivered=2)
    assert [
        receipt.model_dump()
        for receipt in serializers.receipts(ConversationRow(row(), bob, alice, ALICE, None), BOB)
    ] == [
        {"user": BOB.public_id, "delivered": 8, "read": 7},
        {"user": ALICE.public_id, "delivered": 41, "read": 40},
    ]
