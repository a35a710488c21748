"""Connection registry: the shutdown closes every socket, also when one hangs or connects meanwhile."""

import asyncio

import pytest

from conversations.consumers import registry as module
from conversations.consumers.registry import ConnectionRegistry
from conversations.protocol.codes import CloseCode


class OpenConnection:
    def __init__(self, registry: ConnectionRegistry, *, hangs: bool = False) -> None:
        self.registry, self.hangs = registry, hangs
        self.closed: list[tuple[CloseCode, int]] = []

    async def close_with_reason(self, code: CloseCode, *, retry_after_ms: int = 0) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        self.closed.append((code, retry_after_ms))
        self.registry.leave(self)


async def test_all_sockets_are_closed_with_different_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.05)
    registry = ConnectionRegistry()
    sockets = [OpenConnection(registry) for _ in range(200)]
    for socket in (*sockets, OpenConnection(registry, hangs=True)):
        assert await registry.join(socket)
    await registry.close_all()
    assert len(registry.sockets) == 1, "only the hanging one is left"
    codes, waits = zip(*(socket.closed[0] for socket in sockets), strict=True)
    assert set(codes) == {CloseCode.RESTARTING}
    assert all(500 <= wait <= 10_000 for wait in waits)
    assert len(set(waits)) > 50


async def test_a_socket_that_connects_during_the_shutdown_is_closed_at_once() -> None:
    registry = ConnectionRegistry()
    await registry.close_all()
    late = OpenConnection(registry)
    assert not await registry.join(late)
    assert [code for code, _ in late.closed] == [CloseCode.RESTARTING]


@pytest.mark.parametrize(("sockets", "last"), [(0, 500), (50, 750), (1_900, 10_000), (50_000, 10_000)])
def test_more_sockets_spread_over_a_longer_time(sockets: int, last: int) -> None:
    registry = ConnectionRegistry()
    registry.sockets = set(range(sockets))  # type: ignore[arg-type]
    assert 500 <= max(registry.retry_after_ms() for _ in range(50)) <= last
