"""Rows that another transaction holds: only their conversation waits; all others are written at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import User
from conversations.db.errors import is_locked
from conversations.exceptions import Busy, ConversationNotFound
from conversations.journal import ReceiptCommand, batch, retry
from conversations.journal import writer as writer_module
from conversations.models import Conversation, Message, Participant
from conversations.services.conversations import conversation_open
from dm_project.db import postgres as postgres_timeouts
from tests.factories import make_conversation
from tests.journal.writers import TIMEOUT_S, results, running_writers, sending

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.only_postgresql,
]
LONG_S = 600


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "LOCK_TIMEOUT_MS", 50)
    monkeypatch.setattr(writer_module, "LOCKED_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(writer_module, "LOCKED_SECONDS", LONG_S)


@pytest.fixture
def other(alice: User, carol: User) -> Conversation:
    return make_conversation(alice, carol)


@contextmanager
def held(rows: Any) -> Iterator[None]:
    """Locked by a transaction of another thread, like that of a process that was stopped in the middle."""
    is_held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                list(rows.select_for_update())
                is_held.set()
                let_go.wait(TIMEOUT_S)
        finally:
            connection.close()

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    assert is_held.wait(TIMEOUT_S)
    try:
        yield
    finally:
        let_go.set()
        thread.join(TIMEOUT_S)


def room(chat: Conversation) -> Any:
    return Conversation.objects.filter(pk=chat.pk)


def participants(chat: Conversation) -> Any:
    return Participant.objects.filter(conversation=chat)


@pytest.mark.parametrize("what", [room, participants], ids=["the conversation", "the participants"])
def test_a_locked_conversation_delays_no_other(
    chat: Conversation, other: Conversation, alice: User, bob: User, what: Any
) -> None:
    with running_writers() as (writer,):
        with held(what(chat)):
            locked = [writer.submit(sending(chat, alice, f"{number}")) for number in range(3)]
            free = [writer.submit(sending(other, alice)) for _ in range(3)]
            assert [accepted.seq for accepted in results(free)] == [1, 2, 3]
            locked += [writer.submit(sending(chat, bob, "3"))]
            assert writer.submit(sending(other, alice)).result(TIMEOUT_S).seq == 4
            assert not any(future.done() for future in locked)
        assert [accepted.seq for accepted in results(locked)] == [1, 2, 3, 4]
    assert list(Message.objects.filter(conversation=chat).order_by("seq").values_list("body", flat=True)) == [
        "0",
        "1",
        "2",
        "3",
    ]


def test_what_waits_too_long_for_a_lock_is_refused_and_surely_not_stored(
    chat: Conversation, other: Conversation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "LOCKED_SECONDS", 0.2)
    with running_writers() as (writer,):
        with held(room(chat)):
            refused = [writer.submit(sending(chat, alice)) for _ in range(2)]
            refused.append(writer.submit(ReceiptCommand(chat.room_name, alice.id, alice.public_id, read=1)))
            for future in refused:
                reason = future.exception(TIMEOUT_S)
                assert isinstance(reason, Busy)
                assert reason.retry_after_ms
            assert writer.submit(sending(other, alice)).result(TIMEOUT_S).seq == 1
        assert writer.finish(TIMEOUT_S)
    assert not Message.objects.filter(conversation=chat).exists()


def test_a_room_that_is_not_there_is_not_taken_for_a_locked_one(
    chat: Conversation, alice: User, mallory: User
) -> None:
    with running_writers() as (writer,), held(room(chat)):
        locked = writer.submit(sending(chat, alice))
        chat.room_name = "dm-" + "a" * 32
        assert isinstance(writer.submit(sending(chat, mallory)).exception(TIMEOUT_S), ConversationNotFound)
        assert not locked.done()


def test_many_locked_conversations_are_found_in_one_try(
    alice: User, bob: User, carol: User, mallory: User
) -> None:
    chats = [
        make_conversation(one, two)
        for one, two in ((alice, bob), (alice, carol), (alice, mallory), (bob, carol))
    ]
    free = make_conversation(bob, mallory)
    with held(Conversation.objects.exclude(pk=free.pk)):
        outcomes, _ = batch.write(
            [sending(chat, alice) for chat in chats[:3]] + [sending(free, bob)], skip_locked=True
        )
    assert [type(outcome.result).__name__ for outcome in outcomes] == ["ConversationLocked"] * 3 + [
        "Accepted"
    ]


def test_other_writers_give_up_on_a_lock_and_leave_no_backend_waiting(
    chat: Conversation, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres_timeouts.SERVER_TIMEOUTS, "lock_timeout", "50ms")
    Participant.objects.update(activity=None)
    with held(room(chat)):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.connection.set_server_timeouts("")
        with pytest.raises(OperationalError) as failed:
            conversation_open(user=alice, peer=bob)
        assert is_locked(failed.value)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            assert cursor.fetchone() == (0,)


# --- Server-side timeouts of every connection that serves requests ---


def settings_of(connection: Any) -> dict[str, str]:
    return {
        name: connection.execute(f"SHOW {name}").fetchone()[0] for name in postgres_timeouts.SERVER_TIMEOUTS
    }


@pytest.fixture
def address() -> dict[str, Any]:
    database = connection.settings_dict
    return {
        "dbname": database["NAME"],
        "host": database["HOST"],
        "user": database["USER"],
        "port": database["PORT"] or None,
    }


def test_a_connection_that_serves_people_limits_its_server(
    address: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_timeouts.statement_timeout, "seconds", 5.0)
    with postgres_timeouts.TimeoutConnection.connect(**address) as serving:
        assert settings_of(serving) == postgres_timeouts.SERVER_TIMEOUTS
    with postgres_timeouts.TimeoutConnection.connect(**address, options="-c lock_timeout=7s") as named:
        assert settings_of(named)["lock_timeout"] == "7s", "who names a value in DATABASE_URL wins"


def test_a_migration_takes_what_it_needs(address: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_timeouts.statement_timeout, "seconds", None)
    with postgres_timeouts.TimeoutConnection.connect(**address) as migrating:
        assert set(settings_of(migrating).values()) == {"0"}


def test_a_server_without_one_of_them_is_taken_as_it_is(
    address: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """client_connection_check_interval came with PostgreSQL 14, and some systems cannot do it."""
    monkeypatch.setattr(postgres_timeouts.statement_timeout, "seconds", 5.0)
    limits = {"no_such_setting": "2s", "work_mem": "nonsense", **postgres_timeouts.SERVER_TIMEOUTS}
    monkeypatch.setattr(postgres_timeouts, "SERVER_TIMEOUTS", limits)
    with postgres_timeouts.TimeoutConnection.connect(**address) as serving:
        assert serving.execute("SHOW lock_timeout").fetchone() == ("2s",)
