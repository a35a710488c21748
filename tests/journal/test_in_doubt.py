"""Commits in doubt: the connection ends during a commit. "Busy" would claim "not stored" without knowing it
(P10)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.models import User
from conversations.exceptions import Busy, UnknownResult
from conversations.journal import batch
from conversations.journal import writer as writer_module
from conversations.models import Conversation, HiddenMessage, Message
from tests.journal.writers import TIMEOUT_S, deleting, editing, hiding, running_writers, sending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
Break = Callable[[bool], None]


@pytest.fixture
def break_commit(monkeypatch: pytest.MonkeyPatch) -> Break:
    """The next commit loses its connection, after the server has stored everything or before. SQLite has
    none."""
    real = BaseDatabaseWrapper.commit

    def arm(is_stored: bool) -> None:
        def commit(self: Any) -> None:
            monkeypatch.setattr(BaseDatabaseWrapper, "commit", real)
            if is_stored:
                real(self)
            self.connection.pgconn.finish()
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(BaseDatabaseWrapper, "commit", commit)

    return arm


@pytest.mark.only_postgresql
@pytest.mark.parametrize("is_stored", [True, False])
def test_the_sender_gets_the_outcome_from_the_database(
    chat: Conversation, alice: User, break_commit: Break, is_stored: bool
) -> None:
    with running_writers() as (writer,):
        writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        break_commit(is_stored)
        answer = writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        assert (answer.seq, answer.duplicate) == (2, is_stored)
        assert writer.submit(sending(chat, alice)).result(TIMEOUT_S).seq == 3
    assert Message.objects.count() == 3


@pytest.mark.only_postgresql
@pytest.mark.parametrize("is_stored", [True, False])
@pytest.mark.parametrize("change", ["edit", "delete", "hide"])
def test_a_change_in_doubt_is_judged_by_looking_and_happens_once(
    chat: Conversation, alice: User, break_commit: Break, change: str, is_stored: bool
) -> None:
    """An edit names the version that it changes: if it was stored, that version is no conflict now."""
    command: Any = {
        "edit": editing(chat, alice, 1, "changed", version=1),
        "delete": deleting(chat, alice, 1),
        "hide": hiding(chat, alice, 1),
    }[change]
    with running_writers() as (writer,):
        writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        break_commit(is_stored)
        first, again = [writer.submit(command).result(TIMEOUT_S) for _ in range(2)]
        assert first == again
    chat.refresh_from_db()
    assert chat.head == (1 if change == "hide" else 2)
    message = Message.objects.get()
    assert message.body == {"edit": "changed", "delete": "", "hide": "hello"}[change]
    assert HiddenMessage.objects.count() == (change == "hide")


@pytest.mark.only_postgresql
@pytest.mark.parametrize("is_stored", [True, False])
def test_while_the_database_is_unavailable_a_command_in_doubt_stays_open_and_later_ones_may_retry(
    chat: Conversation,
    alice: User,
    bob: User,
    break_commit: Break,
    monkeypatch: pytest.MonkeyPatch,
    is_stored: bool,
) -> None:
    is_away = False
    begun = threading.Event()
    real = batch.write

    def write(commands: Any) -> Any:
        if is_away:
            raise OperationalError("connection refused")
        return real(commands)

    with running_writers() as (writer,):
        writer.submit(sending(chat, alice)).result(TIMEOUT_S)
        break_commit(is_stored)
        armed = BaseDatabaseWrapper.commit

        def commit(self: Any) -> None:
            nonlocal is_away
            is_away = True
            begun.set()
            armed(self)

        monkeypatch.setattr(BaseDatabaseWrapper, "commit", commit)
        monkeypatch.setattr(batch, "write", write)
        doubtful = writer.submit(sending(chat, alice))
        assert begun.wait(TIMEOUT_S)
        assert isinstance(writer.submit(sending(chat, bob)).exception(TIMEOUT_S), Busy)
        assert not doubtful.done()
        is_away = False
        answer = doubtful.result(TIMEOUT_S)
        assert (answer.seq, answer.duplicate) == (2, is_stored)


@pytest.mark.parametrize(
    ("make_command", "seq_before"),
    [
        pytest.param(sending, 0, id="send"),
        pytest.param(lambda chat, user: editing(chat, user, 1, "changed"), 1, id="edit"),
        pytest.param(lambda chat, user: deleting(chat, user, 1), 1, id="delete"),
    ],
)
def test_after_too_long_in_doubt_the_result_is_unknown(
    chat: Conversation,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    make_command: Callable[[Conversation, User], Any],
    seq_before: int,
) -> None:
    """So is a repeat while the database is unavailable: "busy" would claim that it is not stored."""
    monkeypatch.setattr(writer_module, "IN_DOUBT_SECONDS", 0.1)

    def end_in_commit(commands: Any) -> Any:
        raise batch.InDoubt

    def be_away(commands: Any) -> Any:
        raise OperationalError("unable to open database file")

    with running_writers() as (writer,):
        command = make_command(chat, alice)
        for number in range(seq_before):
            writer.submit(sending(chat, alice, f"{number}")).result(TIMEOUT_S)
        with monkeypatch.context() as patch:
            patch.setattr(batch, "write", end_in_commit)
            assert isinstance(writer.submit(command).exception(TIMEOUT_S), UnknownResult)
            assert "in doubt" in caplog.text
            patch.setattr(batch, "write", be_away)
            assert isinstance(writer.submit(command).exception(TIMEOUT_S), UnknownResult)
            assert isinstance(writer.submit(sending(chat, alice)).exception(TIMEOUT_S), Busy)
        assert writer.submit(command).result(TIMEOUT_S).version == seq_before + 1
        with monkeypatch.context() as patch:
            patch.setattr(batch, "write", be_away)
            assert isinstance(writer.submit(command).exception(TIMEOUT_S), Busy), (
                "what the database has answered is not in doubt"
            )


def test_while_a_commit_stays_in_doubt_no_empty_batches_are_counted(
    chat: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "IN_DOUBT_SECONDS", 0.1)
    monkeypatch.setattr(writer_module, "IN_DOUBT_RETRY_SECONDS", 0.01)
    counted: list[int] = []
    monkeypatch.setattr(writer_module.BATCHES, "observe", counted.append)

    def end_in_commit(commands: Any) -> Any:
        raise batch.InDoubt

    monkeypatch.setattr(batch, "write", end_in_commit)
    with running_writers() as (writer,):
        assert isinstance(writer.submit(sending(chat, alice)).exception(TIMEOUT_S), UnknownResult)
    assert counted == [1]
