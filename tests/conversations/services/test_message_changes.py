"""The services that edit, delete and hide a message: who may, what repeats do, what both see afterwards."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from conversations.access import access_conversation
from conversations.delivery import Push
from conversations.exceptions import (
    CannotDeliver,
    ConversationNotFound,
    EditWindowClosed,
    InvalidText,
    MessageGone,
    MessageNotFound,
    NotAuthor,
    Refusal,
    TextTooLong,
    VersionConflict,
)
from conversations.journal import message_rows, writer
from conversations.models import Conversation, HiddenMessage, Message, Participant
from conversations.rooms import user_group
from conversations.selectors.changes import changes_after
from conversations.selectors.conversations import conversation_list, rows_of_peers
from conversations.selectors.messages import message_at, message_page, message_page_around
from conversations.services.drafts import draft_set
from conversations.services.messages import message_delete, message_edit, message_hide, message_send

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[Push]:
    """Everything that is published, in order."""
    gone: list[Push] = []
    monkeypatch.setattr(writer, "publish", gone.extend)
    return gone


@pytest.fixture
def sent(chat: Conversation, alice: User) -> Message:
    """Alice's message, the first of the chat."""
    return send(chat, alice, "hello")


def send(chat: Conversation, user: User, body: str, **values: Any) -> Message:
    accepted = message_send(user=user, room=chat.room_name, id=uuid4(), body=body, **values).result(0)
    return Message.objects.get(conversation=chat, seq=accepted.seq)


def pushed_to(pushes: list[Push], user: User) -> list[dict[str, Any]]:
    return [json.loads(push.text) for push in pushes if push.group == user_group(user.pk)]


def refusal(future: Any) -> type[BaseException]:
    return type(future.exception(0))


def edit(user: User, message: Message, body: str, **values: Any) -> Any:
    room = message.conversation.room_name
    return message_edit(user=user, room=room, seq=message.seq, body=body, **values)


def delete(user: User, message: Message) -> Any:
    return message_delete(user=user, room=message.conversation.room_name, seq=message.seq)


def hide(user: User, message: Message) -> Any:
    return message_hide(user=user, room=message.conversation.room_name, seq=message.seq)


# --- Edit ---


def test_alice_edits_and_both_see_the_new_text(
    sent: Message, alice: User, bob: User, pushes: list[Push]
) -> None:
    changed = edit(alice, sent, "hello Bob").result(0)
    assert (changed.room, changed.seq, changed.version) == (sent.conversation.room_name, 1, 2)
    (frame,) = pushed_to(pushes, bob)
    assert frame["type"] == "message.changed"
    assert frame["message"] == changed.message.model_dump()
    assert pushed_to(pushes, alice) == [frame]
    assert (frame["message"]["body"], bool(frame["message"]["edited_at"])) == ("hello Bob", True)
    assert (frame["message"]["seq"], frame["message"]["ordinal"]) == (1, 1)


def test_the_new_text_is_stored_in_the_form_of_a_sent_one(sent: Message, alice: User) -> None:
    edit(alice, sent, "e\u0301\r\nzwei").result(0)
    sent.refresh_from_db()
    assert sent.body == "é\nzwei"


@pytest.mark.parametrize(
    ("body", "refused"),
    [(" \n", InvalidText), ("", InvalidText), ("\0", InvalidText), ("x" * 8_001, TextTooLong)],
)
def test_a_text_that_could_not_be_sent_cannot_be_edited_in(
    sent: Message, alice: User, body: str, refused: type[Refusal]
) -> None:
    with pytest.raises(refused):
        edit(alice, sent, body).result(0)


def test_the_same_text_takes_no_number_and_says_nothing(
    sent: Message, alice: User, chat: Conversation, pushes: list[Push]
) -> None:
    edit(alice, sent, "hello again").result(0)
    pushes.clear()
    again = edit(alice, sent, "hello again").result(0)
    assert (again.version, pushes) == (2, [])
    chat.refresh_from_db()
    assert chat.head == 2


def test_a_repeat_is_judged_before_block_age_and_version(
    sent: Message, alice: User, chat: Conversation
) -> None:
    """The answer to the first one may have been lost, and the outbox sends it again after days."""
    edit(alice, sent, "hello again", version=1).result(0)
    Conversation.objects.update(high_blocks=True)
    Message.objects.update(created_at=timezone.now() - timedelta(days=9))
    assert edit(alice, sent, "hello again", version=1).result(0).version == 2


def test_only_the_author_edits(sent: Message, alice: User, bob: User, mallory: User) -> None:
    assert refusal(edit(bob, sent, "mine")) is NotAuthor
    assert refusal(edit(mallory, sent, "mine")) is ConversationNotFound
    sent.refresh_from_db()
    assert (sent.body, sent.version) == ("hello", 1)


def test_a_system_message_has_no_author(sent: Message, alice: User) -> None:
    Message.objects.update(kind=Message.Kind.SYSTEM)
    assert refusal(edit(alice, sent, "mine")) is NotAuthor
    assert refusal(delete(alice, sent)) is NotAuthor
    hide(alice, sent).result(0)


@pytest.mark.parametrize("seq", [2, 3, 2**63 - 1])
def test_a_number_that_is_no_message_is_not_found(
    sent: Message, alice: User, chat: Conversation, seq: int
) -> None:
    """2 is the number of a change."""
    edit(alice, sent, "hello again").result(0)
    room = chat.room_name
    assert refusal(message_edit(user=alice, room=room, seq=seq, body="x")) is MessageNotFound
    assert refusal(message_delete(user=alice, room=room, seq=seq)) is MessageNotFound
    assert refusal(message_hide(user=alice, room=room, seq=seq)) is MessageNotFound


def test_the_window_closes_after_a_day(sent: Message, alice: User, settings: Any) -> None:
    Message.objects.update(created_at=timezone.now() - timedelta(hours=23, minutes=59))
    edit(alice, sent, "just in time").result(0)
    Message.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    assert refusal(edit(alice, sent, "too late")) is EditWindowClosed
    settings.EDIT_WINDOW_S = 25 * 3_600
    edit(alice, sent, "a longer one").result(0)


def test_a_change_by_another_device_is_a_conflict_only_for_who_names_a_version(
    sent: Message, alice: User
) -> None:
    edit(alice, sent, "from the phone", version=1).result(0)
    assert refusal(edit(alice, sent, "from the laptop", version=1)) is VersionConflict
    assert edit(alice, sent, "from the laptop", version=2).result(0).version == 3
    assert edit(alice, sent, "whatever there is").result(0).version == 4


@pytest.mark.parametrize(
    "changes", [{"low_blocks": True}, {"high_blocks": True}, {"state": "closed"}], ids=str
)
def test_while_either_blocks_nothing_is_edited_but_everything_deleted(
    sent: Message, alice: User, bob: User, changes: dict[str, Any]
) -> None:
    """P9. Who blocks or is blocked can still take back what they wrote."""
    bobs = send(sent.conversation, bob, "hi")
    Conversation.objects.update(**changes)
    for user, message in ((alice, sent), (bob, bobs)):
        assert refusal(edit(user, message, "changed")) is CannotDeliver
        assert delete(user, message).result(0).message.body == ""


def test_an_edit_to_a_closed_account_is_refused_like_a_message(sent: Message, alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert refusal(edit(alice, sent, "changed")) is CannotDeliver


def test_a_repeat_of_the_send_after_an_edit_is_a_duplicate(chat: Conversation, alice: User) -> None:
    id = uuid4()
    message_send(user=alice, room=chat.room_name, id=id, body="hello").result(0)
    edit(alice, Message.objects.get(), "changed").result(0)
    again = message_send(user=alice, room=chat.room_name, id=id, body="hello").result(0)
    assert (again.duplicate, again.seq, again.version) == (True, 1, 2)


def test_a_change_moves_no_unread_count(sent: Message, alice: User, bob: User) -> None:
    hide(bob, sent).result(0)
    edit(alice, sent, "changed").result(0)
    delete(alice, sent).result(0)
    bobs = Participant.objects.get(user=bob)
    assert (bobs.received, bobs.read_count, bobs.unread) == (1, 0, 1)


def statements_of(work: Any) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        work().result(0)
    transaction = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return [query["sql"] for query in queries if not query["sql"].startswith(transaction)]


def test_an_edit_and_a_deletion_take_five_statements_each(sent: Message, alice: User, bob: User) -> None:
    """Conversation, participants, message; then the message and the conversation, and one for each copy of
    the text. Hiding writes the participant as well. No row of another message is read."""
    copies = len(message_rows.text_removals)
    assert sent.conversation.head == 1
    assert len(statements_of(lambda: edit(alice, sent, "changed"))) == 5 + copies
    assert len(statements_of(lambda: edit(alice, sent, "changed"))) == 3, "a repeat writes nothing"
    assert len(statements_of(lambda: hide(bob, sent))) == 6
    assert len(statements_of(lambda: delete(alice, sent))) == 5 + copies


# --- Delete for everyone ---


def test_a_deleted_message_keeps_its_place_and_loses_everything_else(
    chat: Conversation, alice: User, bob: User, pushes: list[Push]
) -> None:
    send(chat, bob, "a question")
    answer = send(chat, alice, "an answer", reply_to=1)
    Message.objects.filter(seq=2).update(reactions=[{"emoji": "🌿", "users": [bob.public_id]}])
    edit(alice, answer, "a better answer").result(0)
    pushes.clear()
    changed = delete(alice, answer).result(0)
    row = Message.objects.get(conversation=chat, seq=2)
    assert (row.body, row.fingerprint, row.reply_to, row.reactions, row.edited_at) == (
        "",
        None,
        None,
        [],
        None,
    )
    assert (row.seq, row.version, row.ordinal, row.client_id) == (2, 4, 1, answer.client_id)
    assert row.deleted_at is not None
    (frame,) = pushed_to(pushes, bob)
    assert (frame["type"], frame["message"]) == ("message.changed", changed.message.model_dump())
    assert pushed_to(pushes, alice) == [frame]


def test_a_deletion_is_repeated_without_a_number(
    sent: Message, alice: User, chat: Conversation, pushes: list[Push]
) -> None:
    assert delete(alice, sent).result(0).version == 2
    pushes.clear()
    assert delete(alice, sent).result(0).version == 2
    assert pushes == []
    chat.refresh_from_db()
    assert chat.head == 2


def test_only_the_author_deletes_for_everyone(sent: Message, alice: User, bob: User, mallory: User) -> None:
    assert refusal(delete(bob, sent)) is NotAuthor
    assert refusal(delete(mallory, sent)) is ConversationNotFound
    delete(alice, sent).result(0)
    assert refusal(delete(bob, sent)) is NotAuthor, "deleted or not"


def test_a_deletion_has_no_time_limit(sent: Message, alice: User) -> None:
    Message.objects.update(created_at=timezone.now() - timedelta(days=4_000))
    delete(alice, sent).result(0)


def test_a_deleted_message_cannot_be_edited(sent: Message, alice: User) -> None:
    delete(alice, sent).result(0)
    assert refusal(edit(alice, sent, "back again")) is MessageGone
    assert refusal(edit(alice, sent, "hello")) is MessageGone, "not even to what it was"


def test_a_repeat_of_the_send_after_a_deletion_is_a_duplicate_and_brings_nothing_back(
    chat: Conversation, alice: User
) -> None:
    """The fingerprint is erased with the text: any text under this id counts as the same."""
    id = uuid4()
    message_send(user=alice, room=chat.room_name, id=id, body="hello").result(0)
    delete(alice, Message.objects.get()).result(0)
    for body in ("hello", "something else"):
        again = message_send(user=alice, room=chat.room_name, id=id, body=body).result(0)
        assert (again.duplicate, again.seq, again.message) == (True, 1, None)
    assert Message.objects.get().body == ""


# --- Delete for me ---


def test_bob_hides_a_message_from_himself_alone(
    sent: Message, alice: User, bob: User, chat: Conversation, pushes: list[Push]
) -> None:
    hidden = hide(bob, sent).result(0)
    assert (hidden.seq, hidden.mark) == (1, 1)
    assert pushed_to(pushes, bob) == [{"type": "message.hidden", "room": chat.room_name, "seq": 1, "mark": 1}]
    assert pushed_to(pushes, alice) == [], "the other person notices nothing"
    assert message_at(membership=access_conversation(alice, chat.room_name), seq=1).body == "hello"
    assert Participant.objects.get(user=alice).mark == 0


def test_hiding_is_repeated_without_a_mark(sent: Message, bob: User, pushes: list[Push]) -> None:
    hide(bob, sent).result(0)
    pushes.clear()
    assert hide(bob, sent).result(0).mark == 1
    assert pushes == []
    assert HiddenMessage.objects.count() == 1


def test_both_may_hide_the_same_message(sent: Message, alice: User, bob: User) -> None:
    for user in (alice, bob):
        assert hide(user, sent).result(0).message.deleted_for_me
    assert HiddenMessage.objects.count() == 2


def test_mallory_hides_nothing(sent: Message, mallory: User) -> None:
    assert refusal(hide(mallory, sent)) is ConversationNotFound


@pytest.mark.parametrize("is_deleted", [False, True])
def test_every_page_of_bobs_has_an_empty_place(
    chat: Conversation, alice: User, bob: User, is_deleted: bool
) -> None:
    send(chat, bob, "a question")
    answer = send(chat, alice, "an answer", reply_to=1)
    edit(alice, answer, "a better answer").result(0)
    hide(bob, answer).result(0)
    if is_deleted:
        delete(alice, answer).result(0)
    member = access_conversation(bob, chat.room_name)
    pages = {
        "newest": message_page(membership=member).items,
        "older": message_page(membership=member, before=3).items,
        "newer": message_page(membership=member, after=1).items,
        "around": message_page_around(membership=member, seq=2, version=3).items,
        "around the one before": message_page_around(membership=member, seq=1, version=3).items,
        "one": [message_at(membership=member, seq=2)],
        "sync": changes_after(membership=member, after=0).messages,
        "sync, reset": changes_after(membership=member, after=99).messages,
        "the row of sync": [changes_after(membership=member, after=3, mark=0).row.last],
        "the list": [row.last for row in conversation_list(user=bob).items],
        "the list as the peer's card changes it": [
            row.last for row in rows_of_peers(user_id=alice.pk, limit=9)
        ],
    }
    for name, messages in pages.items():
        found = {message.seq: message for message in messages}[2]
        assert (found.body, found.reply_to, found.edited_at, found.deleted_for_me) == (
            "",
            None,
            None,
            True,
        ), name
        assert (found.seq, found.ordinal, bool(found.deleted_at)) == (2, 1, is_deleted), name
    alices = message_page(membership=access_conversation(alice, chat.room_name)).items[-1]
    assert (alices.body, alices.deleted_for_me) == ("" if is_deleted else "a better answer", False)
    assert [row.last.deleted_for_me for row in rows_of_peers(user_id=bob.pk, limit=9) if row.last] == [False]


def test_a_draft_that_is_a_copy_of_the_deleted_text_goes_with_it(
    sent: Message, chat: Conversation, alice: User, bob: User
) -> None:
    """The draft was saved over HTTP while the message went over the socket (docs/threats.md T63)."""
    draft_set(user=alice, room=chat.room_name, body="hello").result(0)
    draft_set(user=bob, room=chat.room_name, body="hello").result(0)
    mark = Participant.objects.get(user=alice).mark
    delete(alice, sent).result(0)
    mine = Participant.objects.get(user=alice)
    assert (mine.draft, mine.mark) == ("", mark + 1)
    assert Participant.objects.get(user=bob).draft == "hello", "what bob types is his own"


def test_any_other_draft_survives_a_deletion(sent: Message, chat: Conversation, alice: User) -> None:
    draft_set(user=alice, room=chat.room_name, body="hello, again").result(0)
    delete(alice, sent).result(0)
    assert Participant.objects.get(user=alice).draft == "hello, again"


def test_an_edit_does_not_bring_back_what_bob_has_hidden(
    sent: Message, alice: User, bob: User, pushes: list[Push]
) -> None:
    hide(bob, sent).result(0)
    pushes.clear()
    edit(alice, sent, "are you there?").result(0)
    (frame,) = pushed_to(pushes, bob)
    assert (frame["message"]["body"], frame["message"]["deleted_for_me"]) == ("", True)
    assert frame["message"]["version"] == 2, "the number arrives: nothing looks like a gap"
    assert pushed_to(pushes, alice)[0]["message"]["body"] == "are you there?"


def test_what_alice_has_hidden_from_herself_she_can_no_longer_edit_but_still_delete(
    sent: Message, alice: User, bob: User
) -> None:
    hide(alice, sent).result(0)
    assert refusal(edit(alice, sent, "changed")) is MessageGone
    changed = delete(alice, sent).result(0)
    assert (changed.version, changed.message.deleted_for_me, bool(changed.message.deleted_at)) == (
        2,
        True,
        True,
    )


# --- Catching up ---


def test_a_device_that_was_away_gets_the_hidden_numbers_by_its_mark(
    chat: Conversation, alice: User, bob: User
) -> None:
    for number in range(1, 5):
        message = send(chat, alice, f"message {number}")
        if number != 3:
            hide(bob, message).result(0)
    member = access_conversation(bob, chat.room_name)
    assert changes_after(membership=member, after=4, mark=3).with_row is False
    assert changes_after(membership=member, after=4, mark=2).hidden == [4]
    found = changes_after(membership=member, after=4, mark=0)
    assert (found.hidden, found.with_row, found.reset, found.messages) == ([1, 2, 4], True, False, [])
    assert changes_after(membership=access_conversation(alice, chat.room_name), after=4, mark=9).hidden == ()


def test_who_hid_more_than_a_page_can_tell_gets_a_fresh_page(
    chat: Conversation, alice: User, bob: User
) -> None:
    message = send(chat, alice, "hello")
    HiddenMessage.objects.bulk_create(
        HiddenMessage(conversation=chat, seq=10**12 + number, user=bob, mark=number)
        for number in range(1, 1_002)
    )
    Participant.objects.filter(user=bob).update(mark=1_001)
    member = access_conversation(bob, chat.room_name)
    near, far = [changes_after(membership=member, after=message.version, mark=mark) for mark in (1, 0)]
    assert (len(near.hidden), near.reset) == (1_000, False)
    assert (len(far.hidden), far.reset, far.with_row, [row.seq for row in far.messages]) == (
        0,
        True,
        True,
        [1],
    )
