"""Writers for tests: the real one, with an end. Each has its own thread and connection, like a server
process."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from django.db import connection

from accounts.models import User
from conversations.journal import (
    DeleteCommand,
    DraftCommand,
    EditCommand,
    HideCommand,
    ReactionCommand,
    ReceiptCommand,
    SendCommand,
)
from conversations.journal.writer import Writer
from conversations.models import Conversation

TIMEOUT_S = 60
STOP: Any = SimpleNamespace(room="")
"""A command that ends the thread of a writer."""


class StoppableWriter(Writer):
    """Ends when asked to, and closes its connection."""

    def run(self) -> None:
        try:
            while (items := self.gather())[-1][0] is not STOP:
                self.write(items)
        finally:
            connection.close()

    def stop(self) -> None:
        if self.thread is not None and self.thread.is_alive():
            with self.condition:
                self.waiting.append((STOP, Future()))
                self.condition.notify()
            self.thread.join(TIMEOUT_S)


@contextmanager
def running_writers(how_many: int = 1) -> Iterator[list[StoppableWriter]]:
    """Several writers on one database, like several processes. Every future must be done before the block
    ends."""
    writers = [StoppableWriter() for _ in range(how_many)]
    try:
        yield writers
    finally:
        for writer in writers:
            writer.stop()


def sending(chat: Conversation, sender: User, body: str = "hello", **values: Any) -> SendCommand:
    values.setdefault("id", uuid4())
    return SendCommand(room=chat.room_name, user_id=sender.id, sender=sender.public_id, body=body, **values)


def editing(chat: Conversation, author: User, seq: int, body: str, **values: Any) -> EditCommand:
    who = {"room": chat.room_name, "user_id": author.id, "sender": author.public_id}
    return EditCommand(**who, seq=seq, body=body, **values)


def deleting(chat: Conversation, author: User, seq: int) -> DeleteCommand:
    return DeleteCommand(room=chat.room_name, user_id=author.id, sender=author.public_id, seq=seq)


def hiding(chat: Conversation, user: User, seq: int) -> HideCommand:
    return HideCommand(room=chat.room_name, user_id=user.id, seq=seq)


def reacting(chat: Conversation, user: User, seq: int, emoji: str, *, on: bool = True) -> ReactionCommand:
    return ReactionCommand(chat.room_name, user.id, user.public_id, seq, emoji, on)


def drafting(chat: Conversation, user: User, body: str) -> DraftCommand:
    return DraftCommand(chat.room_name, user.id, body)


def reading(chat: Conversation, reader: User, **positions: int) -> ReceiptCommand:
    return ReceiptCommand(room=chat.room_name, user_id=reader.id, reader=reader.public_id, **positions)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run all of these in threads that start together. Returns their results; raises the first failure."""
    outcomes: list[Any] = [None] * len(works)
    failures: list[BaseException] = []
    barrier = Barrier(len(works))

    def run(index: int, work: Callable[[], Any]) -> None:
        try:
            barrier.wait(TIMEOUT_S)
            outcomes[index] = work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(index, work), daemon=True) for index, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    if failures:
        raise failures[0]
    assert not any(thread.is_alive() for thread in threads), "a thread never ended"
    return outcomes


def results(futures: Iterable[Future[Any]]) -> list[Any]:
    return [future.result(TIMEOUT_S) for future in futures]
