"""The writer: one batch after another, an answer for every command, whatever happens to database or layer."""

import threading
from concurrent.futures import Future
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from accounts.models import User
from conversations import delivery
from conversations.delivery import Push
from conversations.exceptions import Busy, ConversationNotFound, Refusal, StorageFull
from conversations.journal import batch, statements
from conversations.journal import writer as writer_module
from conversations.journal.commands import SendCommand
from conversations.journal.unit_of_work import UnitOfWork
from conversations.journal.writer import Writer
from conversations.models import Conversation, Message, Participant
from tests.journal.writers import TIMEOUT_S, at_once, results, running_writers, sending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

TOO_LARGE_FOR_ANY_DATABASE = 2**70


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[Push]:
    """What the writer hands to the publisher."""
    published: list[Push] = []
    monkeypatch.setattr(writer_module, "publish", published.extend)
    return published


def queued(*commands: SendCommand) -> list[tuple[SendCommand, Future[Any]]]:
    """Commands that wait together, so that they form one batch."""
    return [(command, Future()) for command in commands]


def poisoned(chat: Conversation, sender: User) -> SendCommand:
    """Passes every judgement in Python, and makes the whole statement fail in the database."""
    return sending(chat, sender, reply_to=TOO_LARGE_FOR_ANY_DATABASE)


# --- I8: nothing is acknowledged or published before its commit ---


def test_alice_is_answered_and_bob_is_notified_only_after_the_commit(chat, alice, monkeypatch):
    """Another connection sees the row whenever an answer or a push goes out."""
    seen: list[tuple[str, int]] = []

    def observe(what: str) -> None:
        (stored,) = at_once(Message.objects.count)
        seen.append((what, stored))

    monkeypatch.setattr(writer_module, "publish", lambda pushes: observe("push"))
    with running_writers() as (writer,):
        future = writer.submit(sending(chat, alice))
        future.add_done_callback(lambda _: observe("answer"))
        results([future])
    assert sorted(seen) == [("answer", 1), ("push", 1)]


@pytest.mark.parametrize("broken", ["insert_messages", "update_conversations", "update_participants"])
def test_a_transaction_that_fails_acknowledges_and_publishes_nothing(
    chat, alice, monkeypatch, pushes, broken
):
    def fail(rows: Any) -> None:
        raise OperationalError("the disk failed in the middle")

    with running_writers() as (writer,):
        with monkeypatch.context() as patch:
            patch.setattr(statements, broken, fail)
            with pytest.raises(Busy) as refused:
                writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        assert refused.value.retry_after_ms
        assert pushes == []
        assert not Message.objects.exists()
        chat.refresh_from_db()
        assert chat.head == 0
        assert writer.submit(sending(chat, alice)).result(TIMEOUT_S).seq == 1, (
            "the writer writes on when the fault is over, and no number is lost"
        )


def test_a_commit_that_fails_is_no_acknowledgement(chat, alice, monkeypatch, pushes):
    """All statements succeed; only the commit fails."""
    real = UnitOfWork.flush

    def commit_fails(unit: UnitOfWork) -> None:
        real(unit)
        monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.commit", refuse)

    def refuse(self: Any) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(writer_module, "publish", pushes.extend)
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(UnitOfWork, "flush", commit_fails)
    with running_writers() as (writer,):
        with pytest.raises(Busy):
            writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        assert (pushes, Message.objects.count()) == ([], 0)


@pytest.mark.parametrize("reason", ["the layer is unavailable", "a coroutine that was never awaited"])
def test_with_a_broken_layer_the_message_is_stored_and_acknowledged(chat, alice, monkeypatch, reason):
    def break_down() -> None:
        raise ConnectionError(reason)

    monkeypatch.setattr(delivery, "get_channel_layer", break_down)
    with running_writers() as (writer,):
        assert writer.submit(sending(chat, alice)).result(TIMEOUT_S).seq == 1
        assert writer.submit(sending(chat, alice)).result(TIMEOUT_S).seq == 2
    assert Message.objects.count() == 2


# --- Neighbours ---


def test_one_poisoned_message_does_not_fail_its_neighbours(chat, alice, bob, pushes):
    first, poison, last = items = queued(sending(chat, alice), poisoned(chat, bob), sending(chat, alice))
    Writer().write(items)
    assert (first[1].result(0).seq, last[1].result(0).seq) == (1, 2)
    with pytest.raises(Refusal):
        poison[1].result(0)
    assert len(pushes) == 4, "two messages, each to two people"


def test_mallory_cannot_fail_alices_messages_with_words_of_an_error(
    chat, alice, mallory, monkeypatch, pushes
):
    """PostgreSQL puts the failing row, body included, into the text of an error. A body must not be able to
    pose as "connection timeout"."""
    real = batch.write

    def refuse_her(commands: Any) -> Any:
        if any(command.user_id == mallory.id for command in commands):
            raise IntegrityError(
                "Failing row contains (connection timeout, disk full, locked, shutting down)"
            )
        return real(commands)

    monkeypatch.setattr(batch, "write", refuse_her)
    items = queued(sending(chat, alice), sending(chat, mallory), sending(chat, alice))
    Writer().write(items)
    assert [items[0][1].result(0).seq, items[2][1].result(0).seq] == [1, 2]
    assert isinstance(items[1][1].exception(0), Refusal)


def test_a_refused_command_does_not_fail_its_neighbours(chat, alice, mallory, pushes):
    items = queued(sending(chat, mallory), sending(chat, alice))
    Writer().write(items)
    assert isinstance(items[0][1].exception(0), ConversationNotFound)
    assert items[1][1].result(0).seq == 1


def test_a_client_that_gave_up_waiting_does_not_stop_the_writer(chat, alice, pushes):
    items = queued(sending(chat, alice), sending(chat, alice))
    assert items[0][1].cancel()
    Writer().write(items)
    assert items[1][1].result(0).seq == 2


# --- The database, unavailable or full ---


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("database is locked", Busy),
        ("server closed the connection unexpectedly", Busy),
        ("couldn't get a connection after 5.00 sec", Busy),
        ("database or disk is full", StorageFull),
        ('could not extend file "base/1/2": No space left on device', StorageFull),
    ],
)
def test_a_database_that_cannot_write_is_a_retryable_answer(chat, alice, monkeypatch, pushes, text, refusal):
    def fail(commands: Any) -> None:
        raise OperationalError(text)

    monkeypatch.setattr(batch, "write", fail)
    items = queued(sending(chat, alice, "a secret"), sending(chat, alice))
    Writer().write(items)
    for _, future in items:
        assert type(future.exception(0)) is refusal
        assert "secret" not in str(future.exception(0))
        assert text not in str(future.exception(0)), "the text of the error stays inside"


def test_what_alice_sends_after_a_refusal_is_tried(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not refused with the error of the batch before it."""
    real, sent = batch.write, []

    def write(commands: Any) -> Any:
        monkeypatch.setattr(batch, "write", real)
        raise OperationalError("unable to open database file")

    monkeypatch.setattr(batch, "write", write)
    with running_writers() as (writer,):
        future = writer.submit(sending(chat, alice, "first"))
        future.add_done_callback(lambda _: sent.append(writer.submit(sending(chat, alice, "second"))))
        assert isinstance(future.exception(TIMEOUT_S), Busy)
        writer.submit(sending(chat, alice, "third")).exception(TIMEOUT_S)
        assert sent[0].exception(TIMEOUT_S) is None
    assert Message.objects.filter(body="second").exists()


def test_an_unexpected_error_is_an_answer_too_and_keeps_secrets_out_of_the_log(
    chat, alice, monkeypatch, pushes, caplog
):
    def fail(commands: Any) -> None:
        raise ZeroDivisionError(commands[0].body)

    monkeypatch.setattr(batch, "write", fail)
    items = queued(sending(chat, alice, "a secret"), sending(chat, alice, "a secret"))
    Writer().write(items)
    assert [future.exception(0).code for _, future in items] == ["internal", "internal"]
    assert "ZeroDivisionError" in caplog.text
    assert "a secret" not in caplog.text


# --- The queue ---


def test_a_full_queue_refuses_at_once_and_writes_every_queued_command(
    chat, alice, bob, monkeypatch, settings
):
    settings.JOURNAL_QUEUE = 3
    is_writing, may_go_on = threading.Event(), threading.Event()
    real = batch.write

    def wait(commands: Any) -> Any:
        is_writing.set()
        assert may_go_on.wait(TIMEOUT_S)
        return real(commands)

    monkeypatch.setattr(batch, "write", wait)
    with running_writers() as (writer,):
        let_in = [writer.submit(sending(chat, alice))]
        assert is_writing.wait(TIMEOUT_S)
        let_in += [writer.submit(sending(chat, bob)) for _ in range(3)]
        with pytest.raises(Busy) as refused:
            writer.submit(sending(chat, bob))
        assert refused.value.retryable
        assert refused.value.retry_after_ms
        may_go_on.set()
        assert [accepted.seq for accepted in results(let_in)] == [1, 2, 3, 4]
        assert writer.submit(sending(chat, bob)).result(TIMEOUT_S).seq == 5
    assert Message.objects.count() == 5


def test_a_shutdown_can_wait_until_all_is_written(chat, alice, monkeypatch):
    is_writing, may_go_on = threading.Event(), threading.Event()
    real = batch.write

    def wait(commands: Any) -> Any:
        is_writing.set()
        assert may_go_on.wait(TIMEOUT_S)
        return real(commands)

    monkeypatch.setattr(batch, "write", wait)
    with running_writers() as (writer,):
        assert writer.finish(TIMEOUT_S), "nothing was submitted yet"
        futures = [writer.submit(sending(chat, alice))]
        assert is_writing.wait(TIMEOUT_S)
        futures.append(writer.submit(sending(chat, alice)))
        assert not writer.finish(0.05)
        may_go_on.set()
        assert writer.finish(TIMEOUT_S)
        assert all(future.done() for future in futures)


def test_commands_that_arrive_while_a_batch_is_written_form_the_next_one(chat, alice, monkeypatch):
    sizes: list[int] = []
    is_writing, may_go_on = threading.Event(), threading.Event()
    real = batch.write

    def count(commands: Any) -> Any:
        sizes.append(len(commands))
        is_writing.set()
        assert may_go_on.wait(TIMEOUT_S)
        return real(commands)

    monkeypatch.setattr(batch, "write", count)
    with running_writers() as (writer,):
        futures = [writer.submit(sending(chat, alice))]
        assert is_writing.wait(TIMEOUT_S)
        futures += [writer.submit(sending(chat, alice)) for _ in range(50)]
        may_go_on.set()
        results(futures)
    assert sizes == [1, 50]


def test_bobs_empty_list_shows_the_chat_with_its_first_message(chat, alice, bob, pushes):
    Participant.objects.filter(user=bob).update(activity=None)
    with running_writers() as (writer,):
        first, second = results([writer.submit(sending(chat, alice)), writer.submit(sending(chat, alice))])
    assert (first.revealed_to, second.revealed_to) == (bob.id, None)
    assert Participant.objects.get(user=bob).activity is not None
