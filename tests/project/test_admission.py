"""Handshakes wait their turn; whoever would wait too long is told so, and never that he may not come in."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from dm_project.admission import Admission


async def come(admission: Admission) -> list[dict[str, Any]]:
    """One visitor who connects and leaves. Returns what he was sent."""
    incoming: Iterator[dict[str, Any]] = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(incoming)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await admission({"type": "websocket"}, receive, send)
    return sent


async def test_so_many_are_answered_at_once_and_the_others_after_them() -> None:
    inside = most = 0

    async def door(scope: Any, receive: Any, send: Any) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        await send({"type": "websocket.accept"})

    answers = await asyncio.gather(*(come(admission) for admission in [Admission(door, at_once=3)] * 20))
    assert [[message["type"] for message in answer] for answer in answers] == [["websocket.accept"]] * 20
    assert most == 3


async def test_an_open_socket_is_in_nobodys_way() -> None:
    ends = asyncio.Event()

    async def door(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await ends.wait()

    admission = Admission(door, at_once=1)
    first, second = asyncio.ensure_future(come(admission)), asyncio.ensure_future(come(admission))
    ends.set()
    assert await first == await second == [{"type": "websocket.accept"}]


async def test_a_door_that_fails_gives_its_place_back() -> None:
    async def door(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    admission = Admission(door, at_once=1)
    results = await asyncio.gather(*(come(admission) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [RuntimeError] * 3


async def test_who_would_wait_too_long_is_accepted_and_told_to_come_back() -> None:
    async def door(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nobody gets here")

    for admission in (Admission(door, at_once=0, patience=0), Admission(door, waiting=0)):
        accept, bye, close = await come(admission)
        assert accept == {"type": "websocket.accept"}
        frame = json.loads(bye["text"])
        assert (frame["type"], frame["code"], frame["retryable"]) == ("bye", 4503, True)
        assert frame["retry_after_ms"] >= 2_000
        assert close == {"type": "websocket.close", "code": 4503}
