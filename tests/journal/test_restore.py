"""Restore detection: a database that lacks acknowledged messages begins a new epoch."""

import logging
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from accounts.models import User
from conversations.db import errors as db_errors
from conversations.db.executor import DatabaseExecutor, run_with_retry
from conversations.journal import last_write
from conversations.journal import restore as restore_module
from conversations.journal import writer as writer_module
from conversations.journal.restore import LastWrite, Write, file_path
from conversations.models import Conversation, Epoch, Message, Participant
from conversations.selectors.conversations import epoch
from conversations.services.epoch import epoch_renew, epoch_renew_if_restored
from tests.journal.writers import TIMEOUT_S, deleting, editing, running_writers, sending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def written(chat: Conversation, sender: User, count: int) -> None:
    with running_writers() as (writer,):
        for _ in range(count):
            writer.submit(sending(chat, sender)).result(TIMEOUT_S)
        assert writer.finish(TIMEOUT_S)


def restore(chat: Conversation, head: int) -> None:
    """Like a backup from when the conversation was at `head`."""
    Message.objects.filter(conversation=chat, seq__gt=head).delete()
    Conversation.objects.filter(pk=chat.pk).update(head=head)


def test_the_operators_command_begins_an_epoch(db: None) -> None:
    before = epoch()
    assert epoch_renew() == epoch() != before


def test_a_process_that_starts_on_an_older_database_begins_an_epoch(
    chat: Conversation, alice: User, caplog: Any
) -> None:
    before = epoch()
    written(chat, alice, 3)
    restore(chat, 2)
    with caplog.at_level(logging.WARNING):
        assert epoch_renew_if_restored()
    assert epoch() != before
    assert chat.room_name not in caplog.text
    after = epoch()
    assert not epoch_renew_if_restored(), "once is enough: the next start is an ordinary one"
    assert epoch() == after


def test_a_conversation_that_the_backup_does_not_know_is_noticed_as_well(
    chat: Conversation, alice: User
) -> None:
    written(chat, alice, 1)
    Message.objects.all().delete()
    Conversation.objects.all().delete()
    assert epoch_renew_if_restored()


@pytest.mark.parametrize("more", [0, 2], ids=["as it was left", "with more than was left"])
def test_an_ordinary_start_changes_nothing(chat: Conversation, alice: User, more: int) -> None:
    before = epoch()
    written(chat, alice, 2)
    Conversation.objects.filter(pk=chat.pk).update(head=2 + more)
    assert not epoch_renew_if_restored()
    assert epoch() == before


def test_a_running_writer_notices_when_its_new_connection_leads_to_an_older_database(
    chat: Conversation, alice: User
) -> None:
    """A replica took over that had not received everything (F10)."""
    before = epoch()
    with running_writers() as (writer,):
        for _ in range(3):
            writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        restore(chat, 1)
        writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        assert epoch() == before, "on the connection that it has kept it need not ask"
        Conversation.objects.filter(pk=chat.pk).update(head=1)
        Message.objects.filter(conversation=chat, seq__gt=1).delete()
    with running_writers() as (fresh,):
        assert fresh.submit(sending(chat, alice)).result(TIMEOUT_S).seq == 2
    assert epoch() != before


def test_a_repeat_is_not_taken_for_the_newest(chat: Conversation, alice: User) -> None:
    first = sending(chat, alice)
    with running_writers() as (writer,):
        writer.submit(first).result(TIMEOUT_S)
        writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        assert writer.submit(first).result(TIMEOUT_S).duplicate
        assert writer.finish(TIMEOUT_S)
    assert last_write.newest is not None
    assert (last_write.newest.room, last_write.newest.seq) == (chat.room_name, 2)


def test_a_corrupt_or_missing_file_begins_no_epoch(db: None) -> None:
    for text in ("", "nonsense", "dm-x y"):
        file_path().write_text(text)
        assert not epoch_renew_if_restored()
    file_path().unlink()
    assert not epoch_renew_if_restored()


def test_a_full_disk_does_not_stop_the_writer(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, *words: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", fail)
    note = LastWrite()
    note.note(Write(chat.room_name, 1, uuid4()))
    note.save()
    assert not note.is_saved
    assert Epoch.objects.count() == 1
    assert connection.is_usable()


@pytest.mark.parametrize("change", ["edit", "delete"])
@pytest.mark.parametrize("is_restored", [True, False])
def test_a_database_that_lacks_a_change_begins_an_epoch(
    chat: Conversation, alice: User, change: str, is_restored: bool
) -> None:
    """Otherwise a browser would keep a state that no other device has, or miss the changes that take the same
    numbers. A message that has changed once more is no loss."""
    written(chat, alice, 2)
    with running_writers() as (writer,):
        command = editing(chat, alice, 1, "changed") if change == "edit" else deleting(chat, alice, 1)
        writer.submit(command).result(TIMEOUT_S)
        assert writer.finish(TIMEOUT_S)
    if is_restored:
        Message.objects.filter(seq=1).update(version=1, body="hello", deleted_at=None, edited_at=None)
        Conversation.objects.update(head=2)
    else:
        Message.objects.filter(seq=1).update(version=4)
        Conversation.objects.update(head=4)
    assert last_write.newest is not None
    assert last_write.newest.version == 3
    assert epoch_renew_if_restored() is is_restored


def test_the_file_keeps_the_version_and_the_former_epochs(chat: Conversation) -> None:
    note = LastWrite(epoch="aa", former=["bb", "cc"])
    note.note(Write(chat.room_name, 1, uuid4(), 7))
    note.save()
    again = LastWrite()
    again.load()
    assert (again.newest, again.epoch, again.former) == (note.newest, "aa", ["bb", "cc"])


# --- The numbers are taken again by others ---


class Process:
    """What one process of several remembers: its own memory and, with a directory of its own, its own
    file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.monkeypatch, self.folder, self.memory = monkeypatch, folder, LastWrite()

    def __enter__(self) -> None:
        self.monkeypatch.setattr(restore_module, "last_write", self.memory)
        self.monkeypatch.setattr(writer_module, "last_write", self.memory)
        self.monkeypatch.setattr(restore_module, "file_path", lambda: self.folder / restore_module.FILE)

    def __exit__(self, *_: object) -> None:
        self.monkeypatch.undo()

    def writes(self, chat: Conversation, sender: User, count: int) -> None:
        with self:
            written(chat, sender, count)

    def checks(self) -> bool:
        with self:
            return restore_module.renew_epoch_if_restored()


@pytest.fixture(params=["one folder", "a folder each"])
def processes(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Process, Process]:
    """Alice's process and Bob's."""
    others = tmp_path if request.param == "one folder" else tmp_path / "other"
    others.mkdir(exist_ok=True)
    return Process(pytest.MonkeyPatch(), tmp_path), Process(pytest.MonkeyPatch(), others)


def test_what_was_lost_is_noticed_though_another_process_has_filled_the_numbers_again(
    chat: Conversation, alice: User, bob: User, processes: tuple[Process, Process]
) -> None:
    """A fail-over with a lag of three messages; the other process writes first: the same numbers, other
    messages."""
    alices, bobs = processes
    alices.writes(chat, alice, 10)
    bobs.writes(chat, bob, 1)
    assert not alices.checks()
    assert not bobs.checks()
    alices.writes(chat, alice, 3)
    before = epoch()
    restore(chat, 11)
    Participant.objects.filter(user=bob).update(received=10)
    bobs.writes(chat, bob, 3)
    assert epoch() == before, "a process that lost nothing notices nothing"
    assert alices.checks()
    after = epoch()
    assert after != before
    assert [process.checks() for process in (bobs, alices, bobs, alices)] == [False] * 4, (
        "once, and not in turns for ever"
    )
    assert epoch() == after


def test_two_processes_that_both_lost_something_begin_one_epoch(
    chat: Conversation, alice: User, bob: User, processes: tuple[Process, Process]
) -> None:
    alices, bobs = processes
    alices.writes(chat, alice, 2)
    bobs.writes(chat, bob, 2)
    assert not alices.checks()
    assert not bobs.checks()
    restore(chat, 1)
    Participant.objects.update(received=0)
    assert [alices.checks(), bobs.checks(), alices.checks(), bobs.checks()] == [True, False, False, False]


def test_a_database_from_before_an_earlier_epoch_is_no_new_one(
    chat: Conversation, alice: User, processes: tuple[Process, Process]
) -> None:
    """Twice restored, the second time from before the first: browsers may still hold its epoch."""
    first = epoch()
    alices, _ = processes
    alices.writes(chat, alice, 1)
    assert not alices.checks()
    Epoch.objects.update(value="second")
    assert not alices.checks()
    Epoch.objects.update(value=first)
    assert alices.checks()
    assert epoch() not in {first, "second"}


def test_an_epoch_that_another_process_began_is_adopted(
    chat: Conversation, alice: User, processes: tuple[Process, Process]
) -> None:
    """By the operator's command on another machine after a restore: the lost writes are no reason for another
    one."""
    alices, _ = processes
    alices.writes(chat, alice, 3)
    assert not alices.checks()
    restore(chat, 1)
    Epoch.objects.update(value="the operator's")
    assert not alices.checks()
    assert epoch() == "the operator's"


def test_a_loss_beneath_a_connection_that_stays_is_noticed(
    chat: Conversation, alice: User, processes: tuple[Process, Process]
) -> None:
    """A pooler switches to another server silently: the newest write is of the new history already."""
    alices, _ = processes
    with alices, running_writers() as (writer,):
        for _ in range(2):
            writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        assert not restore_module.renew_epoch_if_restored()
        for _ in range(3):
            writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        restore(chat, 1)
        Participant.objects.update(received=1)
        for _ in range(5):
            writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        assert restore_module.renew_epoch_if_restored()


@pytest.mark.parametrize("head", [2, 1], ids=["still there", "gone"])
def test_the_file_of_an_earlier_release_is_understood(chat: Conversation, alice: User, head: int) -> None:
    written(chat, alice, 2)
    last_write.forget()
    file_path().write_text(f"{chat.room_name} 2\n")
    restore(chat, head)
    assert epoch_renew_if_restored() == (head == 1)


async def test_a_query_thread_checks_on_its_new_connection(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(db_errors, "after_connecting", [lambda: asked.append("asked")])
    threads = DatabaseExecutor(1, "test")

    async def read() -> None:
        await threads.run(lambda: run_with_retry(epoch))

    await read()
    await read()
    assert asked == ["asked"], "on the connection that it has kept it need not ask"
    await threads.run(lambda: connection.close())
    await read()
    await threads.run(lambda: connection.close())
    assert asked == ["asked", "asked"]


def test_every_kept_connection_is_checked() -> None:
    assert restore_module.renew_epoch_if_restored in db_errors.after_connecting
