"""A database that has forgotten something was restored from a backup: the next life begins, and is told."""

import logging
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from conversations.journal import last_write
from conversations.journal.life import LastWrite, file_path
from conversations.models import Conversation, Epoch, Message
from conversations.selectors.conversations import epoch
from conversations.services.epoch import epoch_look_back, epoch_renew
from tests.journal.pens import PATIENCE_S, pens, sending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def written(chat: Conversation, sender: User, count: int) -> None:
    with pens() as (pen,):
        for _ in range(count):
            pen.submit(sending(chat, sender)).result(PATIENCE_S)
        assert pen.finish(PATIENCE_S)


def restore(chat: Conversation, head: int) -> None:
    """As a backup from when the conversation stood at `head`."""
    Message.objects.filter(conversation=chat, seq__gt=head).delete()
    Conversation.objects.filter(pk=chat.pk).update(head=head)


def test_the_operators_word_begins_an_epoch(db: None) -> None:
    before = epoch()
    assert epoch_renew() == epoch() != before


def test_a_process_that_starts_on_an_older_database_begins_an_epoch(chat: Conversation, alice: User, caplog: Any) -> None:
    before = epoch()
    written(chat, alice, 3)
    restore(chat, 2)
    with caplog.at_level(logging.WARNING):
        assert epoch_look_back()
    assert epoch() != before
    assert chat.room_name not in caplog.text
    after = epoch()
    assert not epoch_look_back(), "once is enough: the next start is an ordinary one"
    assert epoch() == after


def test_a_conversation_that_the_backup_does_not_know_is_noticed_as_well(chat: Conversation, alice: User) -> None:
    written(chat, alice, 1)
    Message.objects.all().delete()
    Conversation.objects.all().delete()
    assert epoch_look_back()


@pytest.mark.parametrize("more", [0, 2], ids=["as it was left", "with more than was left"])
def test_an_ordinary_start_changes_nothing(chat: Conversation, alice: User, more: int) -> None:
    before = epoch()
    written(chat, alice, 2)
    Conversation.objects.filter(pk=chat.pk).update(head=2 + more)
    assert not epoch_look_back()
    assert epoch() == before


def test_a_running_pen_notices_when_its_new_connection_leads_to_an_older_database(chat: Conversation, alice: User) -> None:
    """A replica took over that had not received everything (safety.md F10)."""
    before = epoch()
    with pens() as (pen,):
        for _ in range(3):
            pen.submit(sending(chat, alice)).result(PATIENCE_S)
        restore(chat, 1)
        pen.submit(sending(chat, alice)).result(PATIENCE_S)
        assert epoch() == before, "on the connection that it has kept it need not ask"
        Conversation.objects.filter(pk=chat.pk).update(head=1)
        Message.objects.filter(conversation=chat, seq__gt=1).delete()
    with pens() as (fresh,):
        assert fresh.submit(sending(chat, alice)).result(PATIENCE_S).seq == 2
    assert epoch() != before


def test_a_repeat_is_not_taken_for_the_newest(chat: Conversation, alice: User) -> None:
    first = sending(chat, alice)
    with pens() as (pen,):
        pen.submit(first).result(PATIENCE_S)
        pen.submit(sending(chat, alice)).result(PATIENCE_S)
        assert pen.submit(first).result(PATIENCE_S).duplicate
        assert pen.finish(PATIENCE_S)
    assert (last_write.room, last_write.head) == (chat.room_name, 2)


def test_a_spoiled_or_missing_note_is_no_reason_to_start_afresh(db: None) -> None:
    for text in ("", "nonsense", "dm-x y"):
        file_path().write_text(text)
        assert not epoch_look_back()
    file_path().unlink()
    assert not epoch_look_back()


def test_a_full_disk_does_not_stop_the_pen(chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any, *words: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", fail)
    note = LastWrite()
    note.note(chat.room_name, 1)
    note.save()
    assert not note.is_saved
    assert Epoch.objects.count() == 1
    assert connection.is_usable()
