"""Connection: its states are never entered again, and nothing is sent or started after its end."""

import asyncio
import json
from typing import Any

import pytest

from conversations.consumers.connection import Connection, State
from conversations.protocol.codes import CloseCode
from conversations.protocol.replies import Done


class Wire:
    """What was sent on the socket."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    @property
    def types(self) -> list[str]:
        return [
            json.loads(each["text"])["type"] if "text" in each else each["type"] for each in self.messages
        ]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def connection(wire: Wire) -> Connection:
    return Connection({}, send=wire.send, send_frame=wire.send, layer=None, channel_name="channel")


async def test_only_the_first_reason_is_sent_and_nothing_after_it(connection: Connection, wire: Wire) -> None:
    connection.accept()
    await connection.reply(Done(ref="1"))
    await connection.close_with_reason(CloseCode.REPLACED)
    await connection.close_with_reason(CloseCode.RESTARTING)
    await connection.reply(Done(ref="2"))
    assert wire.types == ["done", "bye", "websocket.close"]
    assert wire.messages[-1]["code"] == CloseCode.REPLACED


async def test_a_connection_that_was_closed_during_its_handshake_is_not_opened(
    connection: Connection, wire: Wire
) -> None:
    """A newer socket of the user may evict it while its acceptance is being sent."""
    connection.on_evicted()
    await asyncio.gather(*connection.tasks)
    connection.accept()
    assert not connection.open()
    assert connection.state is State.CLOSING
    assert wire.types == ["bye", "websocket.close"]


async def test_a_released_connection_starts_nothing_and_has_ended_its_tasks(connection: Connection) -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    connection.accept()
    assert connection.open()
    connection.start(wait())
    (task,) = connection.tasks
    released: list[str] = []
    connection.releases += [lambda: released.append("first"), lambda: 1 / 0, lambda: released.append("last")]
    connection.release()
    connection.start(wait())
    await asyncio.wait([task])
    assert task.cancelled()
    assert not connection.tasks
    assert released == ["last", "first"], "one failure keeps no other resource"
    assert connection.is_closing
