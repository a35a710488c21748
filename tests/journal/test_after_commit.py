"""Work after the commit: part of the outcome, run on the writer thread, even for a cancelled future."""

import threading
from concurrent.futures import Future
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from accounts.models import User
from conversations.journal import Accepted, submit
from conversations.journal import writer as writer_module
from conversations.journal.writer import Writer
from conversations.models import Conversation, Message, Participant
from conversations.services import messages as service
from conversations.services.messages import message_send
from tests.journal.writers import TIMEOUT_S, StoppableWriter, at_once, running_writers, sending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def send(
    writer: StoppableWriter, chat: Conversation, sender: User, monkeypatch: pytest.MonkeyPatch
) -> Future[Any]:
    """A send whose write is done before `submit` returns: the writer thread may always be that fast."""

    def submit(command: Any) -> Future[Any]:
        future = writer.submit(command)
        future.exception(TIMEOUT_S)
        return future

    monkeypatch.setattr(service, "submit", submit)
    return message_send(user=sender, room=chat.room_name, id=uuid4(), body="hello")


def test_it_runs_on_the_writer_thread_when_the_write_is_done_before_submit_returns(
    chat: Conversation, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A callback added to a done future runs at once in the adding thread: ORM code on the event loop."""
    Participant.objects.filter(user=bob).update(activity=None)
    threads: list[str] = []
    monkeypatch.setattr(
        service, "push_conversation", lambda *_: threads.append(threading.current_thread().name)
    )
    with running_writers() as (writer,):
        assert send(writer, chat, alice, monkeypatch).result(TIMEOUT_S).revealed_to == bob.pk
    assert threads == ["journal"]


def test_it_runs_after_the_commit_and_before_the_pushes_of_its_batch(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another connection sees the message; the new row of bob's list goes out ahead of the message itself."""
    events: list[tuple[str, int]] = []
    monkeypatch.setattr(writer_module, "publish", lambda _: events.append(("push", 1)))

    def announce(_: Accepted) -> None:
        (stored,) = at_once(Message.objects.count)
        events.append(("announce", stored))

    Participant.objects.exclude(user=alice).update(activity=None)
    with running_writers() as (writer,):
        writer.submit(sending(chat, alice, announce=announce)).result(TIMEOUT_S)
    assert events == [("announce", 1), ("push", 1)]


def test_it_runs_for_a_client_that_has_given_up_waiting(chat: Conversation, alice: User, bob: User) -> None:
    Participant.objects.filter(user=bob).update(activity=None)
    announced: list[Accepted] = []
    future: Future[Any] = Future()
    assert future.cancel()
    Writer().write([(sending(chat, alice, announce=announced.append), future)])
    assert [accepted.revealed_to for accepted in announced] == [bob.pk]


@pytest.mark.parametrize("error", [KeyError, OperationalError])
def test_an_error_in_it_is_logged_without_its_text_and_fails_nothing_else(
    chat: Conversation, alice: User, bob: User, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    def fail(accepted: Accepted) -> None:
        raise error(str(accepted.id))

    Participant.objects.filter(user=bob).update(activity=None)
    command = sending(chat, alice, announce=fail)
    with running_writers() as (writer,):
        assert writer.submit(command).result(TIMEOUT_S).seq == 1
        assert writer.submit(sending(chat, alice)).result(TIMEOUT_S).seq == 2
    assert f"work after a commit failed with a {error.__name__}" in caplog.text
    assert str(command.id) not in caplog.text


def test_a_repeat_announces_nothing_again(chat: Conversation, alice: User, bob: User) -> None:
    Participant.objects.filter(user=bob).update(activity=None)
    announced: list[Accepted] = []
    command = sending(chat, alice, announce=announced.append)
    with running_writers() as (writer,):
        for _ in range(2):
            writer.submit(command).result(TIMEOUT_S)
    assert len(announced) == 1


def test_written_inline_it_runs_before_submit_returns(
    chat: Conversation, alice: User, bob: User, settings: Any
) -> None:
    settings.JOURNAL_INLINE = True
    Participant.objects.filter(user=bob).update(activity=None)
    announced: list[Accepted] = []
    assert submit(sending(chat, alice, announce=announced.append)).done()
    assert len(announced) == 1
