"""A device that was away during a thousand mixed changes ends with what a fresh device has (P4)."""

import json
import random
from typing import Any

import pytest

from accounts.models import User
from conversations import frames, serializers
from conversations.access import access_conversation
from conversations.journal import batch
from conversations.models import Conversation, Participant
from conversations.selectors.messages import message_page
from tests.journal.writers import deleting, drafting, editing, hiding, reacting, sending

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
Timeline = dict[int, dict[str, Any]]
BODIES = ["hello", "🌿" * 40, "a long one " * 300]
EMOJI = ["👍", "\u2764\ufe0f", "👍🏽"]
KINDS = {"send": 20, "forward": 5, "edit": 20, "delete": 10, "hide": 10, "react": 25, "draft": 10}
"""Each with how often it comes."""


class Device:
    """What one device of one user keeps: messages by number, the draft, its cursor and its mark."""

    def __init__(self, user: User, room: str) -> None:
        self.user, self.room = user, room
        self.messages: Timeline = {}
        self.draft = ""
        self.cursor = self.mark = self.pages = 0

    def catch_up(self) -> None:
        """As docs/protocol.md P4 says: page after page, until one says that it was the last."""
        more = True
        while more:
            page = frames.sync_page(self.user, self.room, self.cursor, self.mark, None)
            text = page.encode()
            assert len(text.encode()) <= 65_536
            more = self.take(json.loads(text))
            self.pages += 1
            assert self.pages < 2_000, "a page that moves nowhere"

    def take(self, page: dict[str, Any]) -> bool:
        if page["reset"]:
            self.messages.clear()
        for message in page["messages"]:
            self.messages[message["seq"]] = message
        for seq in page.get("hidden", []):
            if seq in self.messages:
                self.messages[seq] = tombstone(self.messages[seq])
        if "conversation" in page:
            self.draft = page["conversation"]["draft"]
        assert page["version"] >= self.cursor or page["reset"]
        self.cursor, self.mark = page["version"], page.get("mark", self.mark)
        return bool(page["more"])


def tombstone(message: dict[str, Any]) -> dict[str, Any]:
    empty = {"body": "", "reply_to": None, "reactions": [], "attachments": [], "edited_at": None}
    return message | empty | {"deleted_for_me": True} | ({"reply": None} if "reply" in message else {})


def history_of(user: User, chat: Conversation) -> Timeline:
    """What a fresh device reads, page by page."""
    membership = access_conversation(user, chat.room_name)
    names = {user.id: user.public_id, membership.peer.id: membership.peer.public_id}
    found: Timeline = {}
    before = None
    while True:
        page = message_page(membership=membership, before=before, limit=100)
        for row in page.items:
            wire = serializers.message(row, sender=names[row.sender_id])
            found[row.seq] = wire.model_dump(mode="json")
        if not page.has_older:
            return found
        before = page.items[0].seq


def some_change(dice: random.Random, chat: Conversation, people: tuple[User, User], sent: list[User]) -> Any:
    """`sent`: who has written the message of each number, None for the number of a change."""
    numbers = [seq for seq, sender in enumerate(sent, 1) if sender is not None]
    kind = dice.choices(list(KINDS), list(KINDS.values()))[0] if numbers else "send"
    person, body = dice.choice(people), dice.choice(BODIES)
    if kind == "send":
        return sending(chat, person, body)
    if kind == "draft":
        return drafting(chat, person, dice.choice(["", body, f"not yet {dice.random()}"]))
    seq = dice.choice(numbers)
    author = sent[seq - 1]
    match kind:
        case "forward":
            return sending(chat, person, "", forward=(chat.room_name, seq))
        case "edit":
            return editing(chat, author, seq, f"{body} {dice.random()}")
        case "react":
            return reacting(chat, person, seq, dice.choice(EMOJI), on=dice.random() < 0.7)
        case "hide":
            return hiding(chat, person, seq)
    return deleting(chat, author, seq)


def write_mixed(
    dice: random.Random, chat: Conversation, people: tuple[User, User], sent: list[Any], count: int
) -> None:
    for _ in range(count // 20):
        outcomes, _ = batch.write([some_change(dice, chat, people, sent) for _ in range(20)])
        for outcome in outcomes:
            result = outcome.result
            version = getattr(result, "version", 0) or 0
            sent.extend([None] * (version - len(sent)))
            if hasattr(result, "duplicate"):
                sent[version - 1] = next(
                    person for person in people if person.public_id == result.message.sender
                )


@pytest.mark.parametrize("seed", [1, 2])
def test_a_device_that_was_away_during_a_thousand_changes_equals_a_fresh_one(
    chat: Conversation, alice: User, bob: User, seed: int
) -> None:
    dice = random.Random(seed)
    people = (alice, bob)
    sent: list[Any] = []
    # Each is away for another while, the last two all the time.
    devices = [Device(user, chat.room_name) for _ in range(6) for user in people]
    for number in range(5):
        write_mixed(dice, chat, people, sent, 200)
        for device in devices[2 * number : 2 * number + 2]:
            device.catch_up()
    for device in devices:
        device.catch_up()
    chat.refresh_from_db()
    for device in devices:
        fresh = history_of(device.user, chat)
        assert (device.cursor, len(fresh) > 100) == (chat.head, True)
        assert device.messages == {seq: fresh[seq] for seq in device.messages}
        assert device.messages.keys() in (fresh.keys(), set(sorted(fresh)[-len(device.messages) :])), (
            "after a reset it has the newest page"
        )
        assert device.draft == Participant.objects.get(conversation=chat, user=device.user).draft
    assert {len(message["reactions"]) for message in devices[0].messages.values()} == {0, 1, 2}
