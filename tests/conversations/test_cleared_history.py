"""What a user has cleared is not shown to them again, and they can do nothing with it but delete it."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from conversations.access import access_conversation
from conversations.delivery import Push
from conversations.exceptions import MessageGone, MessageNotFound
from conversations.journal import writer
from conversations.models import Conversation, Message, Participant
from conversations.rooms import user_group
from conversations.selectors.changes import changes_after
from conversations.selectors.conversations import conversation_list, rows_of_peers
from conversations.services.messages import message_delete, message_edit, message_hide, message_send
from conversations.services.reactions import reaction_set

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
SECRET = "quokka"
FIRST_ID = uuid4()


@pytest.fixture
def cleared(chat: Conversation, alice: User, bob: User) -> Conversation:
    """Bob has cleared three messages of Alice and one of his own."""
    for sender, id in ((alice, uuid4()), (alice, uuid4()), (alice, uuid4()), (bob, FIRST_ID)):
        message_send(user=sender, room=chat.room_name, id=id, body=SECRET).result(0)
    Participant.objects.filter(conversation=chat, user=bob).update(cleared_seq=4)
    return chat


def test_bob_catches_up_past_what_he_has_cleared(cleared: Conversation, alice: User, bob: User) -> None:
    bobs = changes_after(membership=access_conversation(bob, cleared.room_name), after=0)
    assert (bobs.version, bobs.more) == (4, False), "no number is missing"
    assert {message.body for message in bobs.messages} == {""}
    assert all(message.deleted_for_me for message in bobs.messages)
    anew = changes_after(membership=access_conversation(bob, cleared.room_name), after=99)
    assert (anew.reset, anew.version, anew.messages) == (True, 4, [])
    alices = changes_after(membership=access_conversation(alice, cleared.room_name), after=0)
    assert {message.body for message in alices.messages} == {SECRET}


def test_neither_a_row_nor_a_quote_shows_bob_what_he_has_cleared(
    cleared: Conversation, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = conversation_list(user=bob).items
    (pushed,) = rows_of_peers(user_id=alice.pk, limit=9)
    assert [found.last.body for found in (row, pushed) if found.last] == ["", ""]
    gone: list[Push] = []
    monkeypatch.setattr(writer, "publish", gone.extend)
    message_send(user=alice, room=cleared.room_name, id=uuid4(), body="so?", reply_to=1).result(0)
    message_edit(user=alice, room=cleared.room_name, seq=2, body=f"{SECRET}s").result(0)
    answer, edited = [json.loads(push.text)["message"] for push in gone if push.group == user_group(bob.pk)]
    assert (answer["body"], answer["reply"]["excerpt"], answer["reply"]["deleted"]) == ("so?", "", True)
    assert (edited["seq"], edited["body"], edited["deleted_for_me"]) == (2, "", True)
    for user, excerpt in ((bob, ""), (alice, SECRET)):
        (_, _, *found) = changes_after(
            membership=access_conversation(user, cleared.room_name), after=2
        ).messages
        assert [message.reply.excerpt for message in found if message.reply] == [excerpt]


def test_bob_can_only_delete_what_he_has_cleared(
    cleared: Conversation, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: dict[str, Any] = {"user": bob, "room": cleared.room_name}
    assert isinstance(message_edit(**where, seq=4, body="changed").exception(0), MessageGone)
    assert isinstance(reaction_set(**where, seq=1, emoji="👍", on=True).exception(0), MessageGone)
    forward = message_send(**where, id=uuid4(), body="", forward=(cleared.room_name, 1))
    assert isinstance(forward.exception(0), MessageNotFound)
    mark = Participant.objects.get(conversation=cleared, user=bob).mark
    assert message_hide(**where, seq=1).result(0).mark == mark, "it is hidden already"
    assert message_delete(**where, seq=4).result(0).message.deleted_for_me
    assert Message.objects.get(conversation=cleared, seq=4).body == ""


def test_a_repeat_of_a_cleared_message_is_still_a_repeat(
    client_of: Callable[[User], Client], cleared: Conversation, alice: User, bob: User
) -> None:
    """Nothing else tells the outbox of a device that it was stored (docs/protocol.md P2)."""
    reaction_set(user=alice, room=cleared.room_name, seq=4, emoji="👍", on=True).result(0)
    path = f"/api/v1/conversations/{cleared.room_name}/messages"
    again = client_of(bob).post(path, {"id": FIRST_ID, "body": SECRET}, content_type="application/json")
    assert (again.status_code, again.json()["duplicate"], again.json()["message"]["seq"]) == (200, True, 4)
    assert (again.json()["message"]["body"], again.json()["message"]["deleted_for_me"]) == ("", True)
