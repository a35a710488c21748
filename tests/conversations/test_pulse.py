"""The beat: every listener hears what moved, whatever befalls one of them or the database."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from conversations import pulse as pulse_module
from conversations.exceptions import Busy
from conversations.pulse import Pulse
from conversations.selectors.conversations import Heads

ALICE, BOB = 1, 2
MOVED = [("dm-x", 7, ALICE, 3), ("dm-x", 7, BOB, 4), ("dm-y", 9, ALICE, 1)]


@pytest.fixture(autouse=True)
def _fast(settings: Any) -> None:
    settings.HEADS_EVERY_MS = 1


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the database says to the next questions; an exception is raised. The last answer is said again and again."""
    waiting: list[Any] = [MOVED]

    async def read(question: Any, *args: Any, **kwargs: Any) -> Any:
        if question is pulse_module.epoch:
            return "e1"
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(pulse_module, "read", read)
    return waiting


@pytest.fixture
async def beats() -> AsyncIterator[Pulse]:
    pulse = Pulse()
    yield pulse
    if pulse.task:
        pulse.task.cancel()


class Ear:
    """One socket that listens."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Heads] = asyncio.Queue()

    async def listen(self, heads: Heads) -> None:
        await self.heard.put(heads)

    async def next(self) -> Heads:
        async with asyncio.timeout(10):
            return await self.heard.get()


async def test_each_person_hears_of_their_own_rooms(beats: Pulse, answers: list[Any]) -> None:
    alice, alices_phone, bob = Ear(), Ear(), Ear()
    beats.join(ALICE, alice.listen)
    beats.join(ALICE, alices_phone.listen)
    beats.join(BOB, bob.listen)
    assert await alice.next() == await alices_phone.next() == Heads("e1", {"dm-x": 7, "dm-y": 9}, {"dm-x": 3, "dm-y": 1})
    assert await bob.next() == Heads("e1", {"dm-x": 7}, {"dm-x": 4})


async def test_a_broken_socket_does_not_keep_the_beat_from_the_others(beats: Pulse, answers: list[Any]) -> None:
    async def break_down(heads: Heads) -> None:
        raise ConnectionError

    bob = Ear()
    beats.join(BOB, break_down)
    beats.join(BOB, bob.listen)
    for _ in range(3):
        await bob.next()


@pytest.mark.parametrize("trouble", [Busy(), ZeroDivisionError()])
async def test_the_beat_goes_on_after_a_fault_and_covers_the_time_of_it(beats: Pulse, answers: list[Any], trouble: Exception) -> None:
    answers[:] = [trouble, trouble, MOVED]
    bob = Ear()
    beats.join(BOB, bob.listen)
    assert (await bob.next()).rooms == {"dm-x": 7}


async def test_the_last_one_leaving_and_the_next_one_coming_at_once_leave_a_beat(beats: Pulse, answers: list[Any]) -> None:
    """A page that reloads: the old socket goes and the new one comes within one turn of the loop."""
    first, second = Ear(), Ear()
    beats.join(BOB, first.listen)
    await first.next()
    beats.leave(BOB, first.listen)
    beats.join(BOB, second.listen)
    await second.next()


async def test_with_nobody_there_the_heart_rests(beats: Pulse, answers: list[Any]) -> None:
    bob = Ear()
    beats.join(BOB, bob.listen)
    await bob.next()
    task = beats.task
    beats.leave(BOB, bob.listen)
    assert task is not None
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not beats.listeners
