"""The service that stores a draft: it follows its author from device to device; the peer does not get it."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from conversations import frames, serializers
from conversations.access import access_conversation
from conversations.delivery import Push
from conversations.exceptions import ConversationNotFound, InvalidText, Refusal, TextTooLong
from conversations.journal import writer
from conversations.models import Conversation, HiddenMessage, Participant
from conversations.protocol.events import ConversationChanged
from conversations.rooms import user_group
from conversations.selectors.changes import PAGE_BYTES, changes_after
from conversations.selectors.conversations import conversation_row
from conversations.selectors.hidden_messages import LARGEST_NEWS
from conversations.services import notifications, row_pushes
from conversations.services.drafts import draft_set
from conversations.services.messages import message_send
from conversations.services.row_pushes import RowPushes
from tests.factories import make_message

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
TYPED = "Shall I bring"


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[Push]:
    gone: list[Push] = []
    monkeypatch.setattr(writer, "publish", gone.extend)
    monkeypatch.setattr(notifications, "publish", gone.extend)
    return gone


def row(user: User, chat: Conversation) -> dict[str, Any]:
    found = conversation_row(access_conversation(user, chat.room_name))
    return serializers.conversation(found, user).model_dump(mode="json")


def test_alices_other_devices_get_what_she_typed(chat: Conversation, alice: User, pushes: list[Push]) -> None:
    before = row(alice, chat)
    draft_set(user=alice, room=chat.room_name, body=TYPED).result(0)
    (push,) = pushes
    frame = json.loads(push.text)
    assert (push.group, push.mark) == (user_group(alice.pk), before["mark"] + 1)
    assert (frame["type"], frame["conversation"]) == ("conversation.changed", row(alice, chat))
    assert frame["conversation"] == {**before, "draft": TYPED, "mark": before["mark"] + 1}


def test_bob_learns_nothing_of_it(chat: Conversation, alice: User, bob: User, pushes: list[Push]) -> None:
    before = row(bob, chat)
    draft_set(user=alice, room=chat.room_name, body=TYPED).result(0)
    assert row(bob, chat) == before
    assert [push.group for push in pushes] == [user_group(alice.pk)]


def test_her_next_message_clears_it_everywhere(chat: Conversation, alice: User, pushes: list[Push]) -> None:
    draft_set(user=alice, room=chat.room_name, body=TYPED).result(0)
    mark = row(alice, chat)["mark"]
    pushes.clear()
    message_send(user=alice, room=chat.room_name, id=uuid4(), body=TYPED).result(0)
    cleared = [
        json.loads(push.text)["conversation"] for push in pushes if '"conversation.changed"' in push.text
    ]
    assert [(each["draft"], each["mark"]) for each in cleared] == [("", mark + 1)]
    assert Participant.objects.get(user=alice).draft == ""


def test_a_message_of_bob_leaves_hers_alone(chat: Conversation, alice: User, bob: User) -> None:
    draft_set(user=alice, room=chat.room_name, body=TYPED).result(0)
    message_send(user=bob, room=chat.room_name, id=uuid4(), body="Well?").result(0)
    assert row(alice, chat)["draft"] == TYPED


def test_a_message_sent_again_clears_no_later_draft(chat: Conversation, alice: User) -> None:
    """The outbox of a phone that was away repeats what is stored already."""
    id = uuid4()
    message_send(user=alice, room=chat.room_name, id=id, body="Hello").result(0)
    draft_set(user=alice, room=chat.room_name, body=TYPED).result(0)
    assert message_send(user=alice, room=chat.room_name, id=id, body="Hello").result(0).duplicate
    assert row(alice, chat)["draft"] == TYPED


@pytest.mark.parametrize("empty", ["", " \n", "\u200b"])
def test_an_empty_one_removes_it(chat: Conversation, alice: User, empty: str) -> None:
    draft_set(user=alice, room=chat.room_name, body=TYPED).result(0)
    draft_set(user=alice, room=chat.room_name, body=empty).result(0)
    assert row(alice, chat)["draft"] == ""


def test_the_same_text_again_changes_nothing(chat: Conversation, alice: User, pushes: list[Push]) -> None:
    draft_set(user=alice, room=chat.room_name, body=TYPED).result(0)
    mark = row(alice, chat)["mark"]
    pushes.clear()
    draft_set(user=alice, room=chat.room_name, body=TYPED).result(0)
    assert (pushes, row(alice, chat)["mark"]) == ([], mark)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [("x" * 8_001, TextTooLong), ("a\0", InvalidText), ("a" + "\u0301" * 200, InvalidText)],
)
def test_one_that_is_too_long_is_told_and_not_cut(
    chat: Conversation, alice: User, body: str, refusal: type[Refusal]
) -> None:
    draft_set(user=alice, room=chat.room_name, body=TYPED).result(0)
    with pytest.raises(refusal):
        draft_set(user=alice, room=chat.room_name, body=body)
    assert row(alice, chat)["draft"] == TYPED
    draft_set(user=alice, room=chat.room_name, body="x" * 8_000).result(0)


def test_alice_may_still_type_under_a_block(chat: Conversation, alice: User, bob: User) -> None:
    """It goes to her own devices; an error would tell her of the block."""
    Conversation.objects.update(high_blocks=True, low_blocks=True)
    draft_set(user=alice, room=chat.room_name, body=TYPED).result(0)
    assert row(alice, chat)["draft"] == TYPED


def test_mallory_has_no_draft_in_the_room_of_others(chat: Conversation, mallory: User) -> None:
    foreign = draft_set(user=mallory, room=chat.room_name, body=TYPED).exception(0)
    unknown = draft_set(user=mallory, room="dm-" + "a" * 32, body=TYPED).exception(0)
    assert type(foreign) is type(unknown) is ConversationNotFound
    assert not Participant.objects.exclude(draft="").exists()


def test_a_device_that_was_away_gets_it_with_the_row(chat: Conversation, alice: User, bob: User) -> None:
    """A page holds what fits; the row with the draft comes at the latest in a page of its own."""
    long = "🌿" * 8_000
    make_message(chat, bob, long)
    draft_set(user=alice, room=chat.room_name, body=long).result(0)
    membership = access_conversation(alice, chat.room_name)
    first = changes_after(membership=membership, after=0, mark=0)
    assert (first.more, first.with_row, len(first.messages)) == (True, False, 1)
    second = changes_after(membership=membership, after=first.version, mark=0)
    assert (second.more, second.with_row, second.row.me.draft) == (False, True, long)
    assert len(long.encode()) < PAGE_BYTES


@pytest.mark.parametrize("draft", ["", "short", "🌿" * 8_000, '"' * 8_000, "\x01" * 7_999 + "x"])
@pytest.mark.parametrize("body", ["🌿" * 8_000, '"' * 8_000, "\x01" * 7_999 + "x"])
def test_no_frame_with_the_row_is_longer_than_64_kib_whatever_was_written(
    chat: Conversation, alice: User, bob: User, body: str, draft: str
) -> None:
    """A device that reads no longer frames would never get beyond it. The draft is in no other frame, so that
    it stays whole; of the message the row has the beginning, and the messages of the page all."""
    User.objects.update(name='"' * 50)
    make_message(chat, bob, "shall we meet?")
    make_message(chat, bob, body, reply_to=1)
    HiddenMessage.objects.bulk_create(
        HiddenMessage(conversation=chat, user=alice, seq=900_000_000 + number, mark=number)
        for number in range(1, LARGEST_NEWS + 1)
    )
    Participant.objects.filter(user=alice).update(mark=LARGEST_NEWS)
    draft_set(user=alice, room=chat.room_name, body=draft).result(0)
    pages = [frames.sync_page(alice, chat.room_name, 0, 0, "r" * 64)]
    while pages[-1].more:
        pages.append(frames.sync_page(alice, chat.room_name, pages[-1].version, 0, "r" * 64))
    pushed = notifications.push_for(chat.id, alice.id)
    assert pushed is not None
    sizes = [len(text.encode()) for text in (pushed.text, *(page.encode() for page in pages))]
    assert max(sizes) <= 65_536
    assert [message.body for page in pages for message in page.messages][-1] == body
    for shown in (pages[-1].conversation, ConversationChanged.model_validate_json(pushed.text).conversation):
        assert shown is not None
        assert shown.last_message is not None
        assert (shown.draft, shown.last_message.seq) == (draft, 2)
        assert body.startswith(shown.last_message.body)
        assert len(shown.last_message.body) >= 199


def test_the_api_stores_it_and_answers_the_row(chat: Conversation, client_of: Any, alice: User) -> None:
    browser: Client = client_of(alice)
    path = f"/api/v1/conversations/{chat.room_name}/draft"
    answer = browser.put(path, {"body": TYPED}, "application/json")
    assert (answer.status_code, answer.json()) == (200, row(alice, chat))
    assert answer.json()["draft"] == TYPED
    refused = browser.put(path, {"body": "x" * 8_001}, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert TYPED not in refused.content.decode()
    assert row(alice, chat)["draft"] == TYPED


def test_many_changes_of_one_row_wait_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst of drafts must not queue a query each."""
    queued: list[Any] = []
    read: list[tuple[int, tuple[int, ...]]] = []
    monkeypatch.setattr(row_pushes, "run_in_background", lambda *call: queued.append(call))
    monkeypatch.setattr(row_pushes, "push_conversation", lambda chat, users: read.append((chat, users)))
    waiting = RowPushes()
    for _ in range(5):
        waiting.add(1, 7)
    waiting.add(1, 8)
    assert len(queued) == 2
    for work, key in queued:
        work(key)
    assert (read, waiting.unfinished) == ([(1, (7,)), (1, (8,))], 0)
    waiting.add(1, 7)
    assert len(queued) == 3, "what changes after the row was read is pushed again"
