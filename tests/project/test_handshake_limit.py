"""Handshake limit: handshakes queue, and those that would wait too long get a retry time, never a 403."""

import asyncio
import json
from typing import Any

from dm_project.handshakes.limit import HandshakeLimit


async def connect(limit: HandshakeLimit, *, leaves: asyncio.Event | None = None) -> list[dict[str, Any]]:
    """One client that disconnects after a close, or when `leaves` is set. Returns what it was sent."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if leaves is not None and incoming.empty():
            await leaves.wait()
            return {"type": "websocket.disconnect", "code": 1001}
        return await incoming.get()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "websocket.close":
            incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})

    await limit({"type": "websocket"}, receive, send)
    return sent


async def test_handshakes_over_the_limit_wait_for_their_turn() -> None:
    inside = most = 0

    async def application(scope: Any, receive: Any, send: Any) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1
        await send({"type": "websocket.accept"})

    answers = await asyncio.gather(
        *(connect(limit) for limit in [HandshakeLimit(application, max_concurrent=3)] * 20)
    )
    assert [[message["type"] for message in answer] for answer in answers] == [["websocket.accept"]] * 20
    assert most == 3


async def test_an_open_socket_holds_no_slot() -> None:
    ends = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await ends.wait()

    limit = HandshakeLimit(application, max_concurrent=1)
    first, second = asyncio.ensure_future(connect(limit)), asyncio.ensure_future(connect(limit))
    ends.set()
    assert await first == await second == [{"type": "websocket.accept"}]


async def test_a_failed_handshake_releases_its_slot() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    limit = HandshakeLimit(application, max_concurrent=1)
    results = await asyncio.gather(*(connect(limit) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [RuntimeError] * 3


async def test_a_handshake_that_would_wait_too_long_is_accepted_and_told_to_retry() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("no handshake gets here")

    for limit in (
        HandshakeLimit(application, max_concurrent=0, timeout_seconds=0),
        HandshakeLimit(application, max_concurrent=0, max_queued=0),
    ):
        accept, bye, close = await connect(limit)
        assert accept == {"type": "websocket.accept"}
        frame = json.loads(bye["text"])
        assert (frame["type"], frame["code"], frame["retryable"]) == ("bye", 4503, True)
        assert frame["retry_after_ms"] >= 2_000
        assert close == {"type": "websocket.close", "code": 4503}


async def test_a_client_that_disconnects_while_waiting_costs_no_slot() -> None:
    """After a network failure half of the queue may be dead: each would cost a query and a reply that never
    arrives.
    """
    asked: list[str] = []
    may_answer, gone = asyncio.Event(), asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        asked.append("client")
        await may_answer.wait()
        await send({"type": "websocket.accept"})

    limit = HandshakeLimit(application, max_concurrent=1)
    bob = asyncio.ensure_future(connect(limit))
    mallory = asyncio.ensure_future(connect(limit, leaves=gone))
    alice = asyncio.ensure_future(connect(limit))
    while limit.queued < 2:  # noqa: ASYNC110
        await asyncio.sleep(0)
    gone.set()
    assert await mallory == []
    assert limit.queued == 1
    may_answer.set()
    assert await bob == await alice == [{"type": "websocket.accept"}]
    assert asked == ["client"] * 2


async def test_frames_received_while_waiting_keep_their_order() -> None:
    received: list[str] = []
    is_first_inside, may_go = asyncio.Event(), asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        is_first_inside.set()
        await may_go.wait()
        received.extend(
            [(await receive())["type"], (await receive()).get("text", "")] if scope["name"] == "bob" else []
        )
        await send({"type": "websocket.accept"})

    async def silent(message: dict[str, Any]) -> None:
        pass

    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    limit = HandshakeLimit(application, max_concurrent=1)
    alice = asyncio.ensure_future(limit({"type": "websocket", "name": "alice"}, asyncio.Queue().get, silent))
    await is_first_inside.wait()
    bob = asyncio.ensure_future(limit({"type": "websocket", "name": "bob"}, incoming.get, silent))
    while not incoming.empty() or not limit.queued:  # noqa: ASYNC110
        await asyncio.sleep(0)
    incoming.put_nowait({"type": "websocket.receive", "text": "first words"})
    may_go.set()
    await asyncio.gather(alice, bob)
    assert received == ["websocket.connect", "first words"]
