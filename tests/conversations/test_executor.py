"""Database executor: no query waits long behind others, and a dead connection is replaced silently."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from django.db import OperationalError

from conversations.db import errors as db_errors
from conversations.db import executor
from conversations.db.executor import DatabaseExecutor
from conversations.exceptions import Busy, StorageFull


@pytest.fixture(autouse=True)
def _no_checks_after_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks on a new connection are tested in tests/journal/test_restore.py."""
    monkeypatch.setattr(db_errors, "after_connecting", [])


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Closed until a test opens it; opened at the end in any case."""
    event = threading.Event()
    yield event
    event.set()


async def test_a_query_that_waits_too_long_is_rejected_and_never_run(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "QUEUE_TIMEOUT_SECONDS", 0.05)
    two = DatabaseExecutor(2, "test")
    held = [asyncio.ensure_future(two.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    asked: list[int] = []
    with pytest.raises(Busy) as refused:
        await two.run(lambda: asked.append(1))
    assert refused.value.retry_after_ms
    gate.set()
    assert await asyncio.gather(*held) == [True, True], "started work is awaited, however long it takes"
    assert asked == []


@asynccontextmanager
async def rejecting_executor(gate: threading.Event) -> AsyncIterator[DatabaseExecutor]:
    """One thread, held by a query until the end; the query behind it has been rejected."""
    one = DatabaseExecutor(1, "test")
    held = asyncio.ensure_future(one.run(gate.wait))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await one.run(lambda: None)
    yield one
    gate.set()
    await held


async def test_a_query_in_a_stalled_queue_is_rejected_sooner(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow database is recognised before the timeout; a long queue that moves is worth waiting in."""
    monkeypatch.setattr(executor, "QUEUE_TIMEOUT_SECONDS", 3600)
    monkeypatch.setattr(executor, "STALL_SECONDS", 0.05)
    async with rejecting_executor(gate):
        pass


async def test_a_query_in_a_moving_queue_waits_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "STALL_SECONDS", 0.5)
    monkeypatch.setattr(executor, "QUEUE_TIMEOUT_SECONDS", 3600)
    one, step = DatabaseExecutor(1, "test"), threading.Event()
    answers = [asyncio.ensure_future(one.run(lambda: step.wait(0.05))) for _ in range(16)]
    assert await asyncio.gather(*answers) == [False] * 16


async def test_after_a_timeout_new_queries_are_rejected_at_once(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "QUEUE_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(executor, "REJECT_SECONDS", 3600)
    async with rejecting_executor(gate) as one:
        monkeypatch.setattr(executor, "QUEUE_TIMEOUT_SECONDS", 3600)
        for _ in range(1000):
            with pytest.raises(Busy):
                await one.run(lambda: None)
        assert one.executor._work_queue.qsize() <= 1


async def test_a_query_of_a_closed_socket_is_not_run(gate: threading.Event) -> None:
    one = DatabaseExecutor(1, "test")
    held = asyncio.ensure_future(one.run(gate.wait))
    await asyncio.sleep(0)
    asked: list[int] = []
    waiting = asyncio.ensure_future(one.run(lambda: asked.append(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()
    await held
    assert await one.run(lambda: "next") == "next"
    assert asked == []


@pytest.mark.parametrize("is_dead", [True, False])
def test_a_dead_connection_is_replaced_once(monkeypatch: pytest.MonkeyPatch, is_dead: bool) -> None:
    monkeypatch.setattr(executor, "is_connection_dead", lambda before: is_dead)
    monkeypatch.setattr("conversations.db.executor.connection.close", lambda: None)
    tries: list[int] = []

    def question() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return "answer"

    if is_dead:
        assert executor.run_with_retry(question) == "answer"
    else:
        with pytest.raises(Busy):
            executor.run_with_retry(question)
    assert len(tries) == 1 + is_dead


class DriverError(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


def error(text: str = "", sqlstate: str | None = None) -> OperationalError:
    found = OperationalError(text)
    found.__cause__ = DriverError(sqlstate) if sqlstate else None
    return found


@pytest.mark.parametrize(
    ("reason", "refusal"),
    [
        (error("database or disk is full"), StorageFull),
        (error("disk I/O error"), StorageFull),
        (error("anything", "53100"), StorageFull),
        (error("database is locked"), Busy),
        (error("anything", "57P01"), Busy),
    ],
)
def test_a_full_disk_is_distinguished_and_remembered(
    reason: Exception, refusal: type[Busy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_errors, "disk_full", db_errors.DiskFullState())
    assert type(db_errors.refusal_for(reason)) is refusal
    assert db_errors.was_full_within(10) is (refusal is StorageFull)


def test_a_full_disk_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_errors, "disk_full", db_errors.DiskFullState())
    db_errors.refusal_for(error("database or disk is full"))
    monkeypatch.setattr("conversations.db.errors.time.monotonic", lambda: db_errors.disk_full.seen_at + 10.0)
    assert not db_errors.was_full_within(10)


def test_text_of_a_user_makes_no_outage() -> None:
    """An error of the command itself quotes the row, and the row may say anything."""
    assert not db_errors.is_unavailable(ValueError("database is locked"))
    assert not db_errors.is_full(ValueError("database or disk is full"))
    assert db_errors.is_unavailable(error("database is locked"))
    assert not any(db_errors.is_unavailable(error(text)) for text in ("near SELECT: syntax error", ""))


# --- The circuit breaker ---


@pytest.fixture
def unreachable_server(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A PostgreSQL that cannot be reached. The list records the attempts to connect."""
    tries: list[str] = []

    class Gone:
        vendor = "postgresql"
        connection = None

        def ensure_connection(self) -> None:
            tries.append("connect")
            raise OperationalError("could not connect")

        def close(self) -> None:
            pass

    monkeypatch.setattr(db_errors, "connection", Gone())
    monkeypatch.setattr(executor, "connection", Gone())
    monkeypatch.setattr(db_errors, "breaker", db_errors.CircuitBreaker())
    return tries


def test_while_one_thread_tries_to_connect_the_others_fail_at_once(unreachable_server: list[str]) -> None:
    """Otherwise four query threads would each wait a second for the same failure, again for each query."""
    with pytest.raises(Busy):
        executor.run_with_retry(lambda: None)
    assert db_errors.breaker.is_open
    assert unreachable_server == ["connect"]
    with db_errors.breaker.lock:
        for _ in range(100):
            with pytest.raises(Busy):
                executor.run_with_retry(lambda: None)
    assert unreachable_server == ["connect"]
    with pytest.raises(Busy):
        executor.run_with_retry(lambda: None)
    assert unreachable_server == ["connect", "connect"], (
        "one thread tries again, or the breaker would never close"
    )


def test_a_successful_connection_closes_the_breaker_for_all(
    unreachable_server: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Busy):
        executor.run_with_retry(lambda: None)
    monkeypatch.setattr(db_errors.connection, "ensure_connection", lambda: None, raising=False)
    assert executor.run_with_retry(lambda: "answer") == "answer"
    assert not db_errors.breaker.is_open
