"""Pens for tests: the real Writer, with an end. Each has a thread and a database connection of its own, like a process of the service."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from django.db import connection

from accounts.models import User
from conversations.journal import ReceiptCommand, SendCommand
from conversations.journal.writer import Writer
from conversations.models import Conversation

PATIENCE_S = 60
STOP: Any = SimpleNamespace(room="")
"""A command that ends the thread of a writer."""


class MortalWriter(Writer):
    """Puts its pen down when asked to; the connection goes with it."""

    def run(self) -> None:
        try:
            while (items := self.gather())[-1][0] is not STOP:
                self.write(items)
        finally:
            connection.close()

    def put_down(self) -> None:
        if self.thread is not None and self.thread.is_alive():
            with self.condition:
                self.waiting.append((STOP, Future()))
                self.condition.notify()
            self.thread.join(PATIENCE_S)


@contextmanager
def pens(how_many: int = 1) -> Iterator[list[MortalWriter]]:
    """As many processes' worth of writers on one database. Every future must be done before the block ends."""
    writers = [MortalWriter() for _ in range(how_many)]
    try:
        yield writers
    finally:
        for writer in writers:
            writer.put_down()


def sending(chat: Conversation, sender: User, body: str = "hello", **values: Any) -> SendCommand:
    values.setdefault("id", uuid4())
    return SendCommand(room=chat.room_name, user_id=sender.id, sender=sender.public_id, body=body, **values)


def reading(chat: Conversation, reader: User, **positions: int) -> ReceiptCommand:
    return ReceiptCommand(room=chat.room_name, user_id=reader.id, reader=reader.public_id, **positions)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run all of these in threads that begin at one instant. Returns what each returned; raises the first failure."""
    outcomes: list[Any] = [None] * len(works)
    failures: list[BaseException] = []
    barrier = Barrier(len(works))

    def run(index: int, work: Callable[[], Any]) -> None:
        try:
            barrier.wait(PATIENCE_S)
            outcomes[index] = work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(index, work), daemon=True) for index, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    if failures:
        raise failures[0]
    assert not any(thread.is_alive() for thread in threads), "somebody never came to an end"
    return outcomes


def results(futures: Iterable[Future[Any]]) -> list[Any]:
    return [future.result(PATIENCE_S) for future in futures]
