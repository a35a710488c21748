"""In-process channel layer: who gets what, in which order, and at what cost."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.exceptions import StopConsumer
from channels.utils import await_many_dispatch

from conversations.channel_layers.local import LocalChannelLayer

TIMEOUT_S = 10.0


def numbered(how_many: int) -> list[dict[str, Any]]:
    return [{"type": "frame.push", "number": number} for number in range(how_many)]


def waiting_for(layer: LocalChannelLayer, channel: str) -> list[dict[str, Any]]:
    return list(layer.mailboxes[channel].messages)


async def take(layer: LocalChannelLayer, channel: str, how_many: int = 1) -> list[dict[str, Any]]:
    async with asyncio.timeout(TIMEOUT_S):
        return [await layer.receive(channel) for _ in range(how_many)]


async def in_thread(work: Callable[[], None]) -> None:
    """Run it on a thread without a loop, like the journal's."""
    thread = threading.Thread(target=work)
    thread.start()
    await asyncio.to_thread(thread.join, TIMEOUT_S)


@asynccontextmanager
async def receiving(layer: LocalChannelLayer, channel: str) -> AsyncIterator[asyncio.Task[dict[str, Any]]]:
    """A task that waits for the next message already."""
    task = asyncio.ensure_future(layer.receive(channel))
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def assert_forgotten(layer: LocalChannelLayer) -> None:
    assert (layer.mailboxes, layer.groups, layer.memberships) == ({}, {}, {})


# --- Who gets what ---


async def test_messages_of_a_channel_keep_their_order() -> None:
    layer = LocalChannelLayer()
    alice = await layer.new_channel()
    for message in numbered(100):
        await layer.send(alice, message)
    assert await take(layer, alice, 100) == numbered(100)


async def test_every_channel_has_a_name_of_its_own() -> None:
    layer = LocalChannelLayer()
    names = {await layer.new_channel() for _ in range(100)}
    assert len(names) == 100
    assert all(layer.require_valid_channel_name(name) for name in names)


async def test_a_waiting_channel_is_woken() -> None:
    layer = LocalChannelLayer()
    alice = await layer.new_channel()
    async with receiving(layer, alice) as next_message:
        await layer.send(alice, {"type": "hello"})
        assert await asyncio.wait_for(next_message, TIMEOUT_S) == {"type": "hello"}


async def test_every_device_of_a_group_gets_the_message_and_mallory_does_not() -> None:
    layer = LocalChannelLayer()
    phone, laptop, mallory = [await layer.new_channel() for _ in range(3)]
    await layer.group_add("user.1", phone)
    await layer.group_add("user.1", laptop)
    await layer.group_add("user.11", mallory)
    await layer.group_send("user.1", {"type": "hello"})
    assert [waiting_for(layer, channel) for channel in (phone, laptop, mallory)] == [
        [{"type": "hello"}],
        [{"type": "hello"}],
        [],
    ]


async def test_a_channel_that_joins_gets_the_very_next_message_and_none_before() -> None:
    """The consumer relies on it: with this layer it greets without a probe."""
    layer = LocalChannelLayer()
    assert layer.joins_at_once
    alice = await layer.new_channel()
    await layer.group_send("user.1", {"type": "before"})
    await layer.group_add("user.1", alice)
    await layer.group_send("user.1", {"type": "after"})
    assert waiting_for(layer, alice) == [{"type": "after"}]


async def test_joining_twice_is_joining_once() -> None:
    layer = LocalChannelLayer()
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    await layer.group_add("user.1", alice)
    await layer.group_send("user.1", {"type": "hello"})
    assert waiting_for(layer, alice) == [{"type": "hello"}]


async def test_a_channel_that_leaves_gets_nothing_more_and_keeps_its_other_groups() -> None:
    layer = LocalChannelLayer()
    alice = await layer.new_channel()
    for group in ("user.1", "session.a"):
        await layer.group_add(group, alice)
    await layer.group_discard("user.1", alice)
    await layer.group_send("user.1", {"type": "lost"})
    await layer.group_send("session.a", {"type": "kept"})
    assert waiting_for(layer, alice) == [{"type": "kept"}]


async def test_an_empty_group_is_deleted() -> None:
    layer = LocalChannelLayer()
    alice, bob = await layer.new_channel(), await layer.new_channel()
    await layer.group_add("g", alice)
    await layer.group_add("g", bob)
    await layer.group_discard("g", alice)
    assert layer.groups == {"g": {bob}}
    await layer.group_discard("g", bob)
    assert layer.groups == {}


@pytest.mark.parametrize("group", ["empty", "g"])
async def test_leaving_a_group_without_joining_is_harmless(group: str) -> None:
    layer = LocalChannelLayer()
    alice, bob = await layer.new_channel(), await layer.new_channel()
    await layer.group_add("g", bob)
    await layer.group_discard(group, alice)
    await layer.group_discard(group, "gone")
    assert layer.groups == {"g": {bob}}


async def test_a_message_to_an_empty_group_is_lost_quietly() -> None:
    layer = LocalChannelLayer()
    await layer.send("gone", {"type": "hello"})
    await layer.group_send("empty", {"type": "hello"})
    layer.send_to_groups([("empty", {"type": "hello"})])
    assert_forgotten(layer)
    assert layer.dropped == 0


async def test_flush_forgets_everything() -> None:
    layer = LocalChannelLayer()
    alice = await layer.new_channel()
    await layer.group_add("g", alice)
    await layer.send(alice, {"type": "hello"})
    await layer.flush()
    assert_forgotten(layer)


# --- An ended channel leaves nothing behind ---


async def test_a_channel_is_forgotten_when_its_wait_is_cancelled() -> None:
    layer = LocalChannelLayer()
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    await layer.group_add("session.a", alice)
    async with receiving(layer, alice):
        assert alice in layer.mailboxes
    assert_forgotten(layer)


async def test_channel_is_forgotten_with_what_still_waits_for_it() -> None:
    """A message that comes while the socket closes leaves no wait to cancel; the consumer calls `forget`."""
    layer = LocalChannelLayer()
    alice, bob = await layer.new_channel(), await layer.new_channel()
    await layer.group_add("g", alice)
    await layer.group_add("g", bob)
    await layer.group_send("g", {"type": "too late"})
    layer.forget(alice)
    layer.forget(alice)
    assert (set(layer.mailboxes), layer.groups, layer.memberships) == ({bob}, {"g": {bob}}, {bob: {"g"}})


async def test_other_members_of_the_group_stay() -> None:
    layer = LocalChannelLayer()
    phone, laptop = await layer.new_channel(), await layer.new_channel()
    await layer.group_add("user.1", phone)
    await layer.group_add("user.1", laptop)
    async with receiving(layer, phone):
        pass
    await layer.group_send("user.1", {"type": "hello"})
    assert waiting_for(layer, laptop) == [{"type": "hello"}]


# --- A full mailbox ---


async def test_what_a_full_mailbox_cannot_take_is_dropped_and_counted() -> None:
    layer = LocalChannelLayer(capacity=3)
    slow, quick = await layer.new_channel(), await layer.new_channel()
    await layer.group_add("g", slow)
    for message in numbered(5):
        await layer.group_send("g", message)
    assert waiting_for(layer, slow) == numbered(3)
    assert layer.dropped == 2
    await layer.send(quick, {"type": "hello"})
    assert waiting_for(layer, quick) == [{"type": "hello"}]


async def test_mailbox_takes_again_once_it_was_read() -> None:
    layer = LocalChannelLayer(capacity=1)
    alice = await layer.new_channel()
    for message in numbered(2):
        await layer.send(alice, message)
    await take(layer, alice)
    await layer.send(alice, {"type": "again"})
    assert await take(layer, alice) == [{"type": "again"}]
    assert layer.dropped == 1


# --- From the journal's thread ---


class Hops:
    """Counts how often a loop is entered from outside to deliver."""

    def __init__(
        self, layer: LocalChannelLayer, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.count = 0
        enter = loop.call_soon_threadsafe

        def counted(callback: Callable[..., Any], *args: Any, **kwargs: Any) -> asyncio.Handle:
            self.count += callback == layer.put
            return enter(callback, *args, **kwargs)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)


async def test_messages_from_a_thread_arrive_in_order_with_one_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = LocalChannelLayer()
    channels = [await layer.new_channel() for _ in range(10)]
    for channel in channels:
        await layer.group_add("user.1", channel)
        await layer.group_add("user.2", channel)
    hops = Hops(layer, asyncio.get_running_loop(), monkeypatch)
    messages = [(f"user.{1 + number % 2}", message) for number, message in enumerate(numbered(100))]
    await in_thread(lambda: layer.send_to_groups(messages))
    for channel in channels:
        assert await take(layer, channel, 100) == numbered(100)
    assert hops.count == 1


async def test_batches_from_a_thread_keep_their_order() -> None:
    layer = LocalChannelLayer()
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)

    def send_all() -> None:
        for message in numbered(200):
            layer.send_to_groups([("user.1", message)])

    async with receiving(layer, alice) as first:
        await in_thread(send_all)
        messages = [await asyncio.wait_for(first, TIMEOUT_S)]
    # The first wait ended with a message, not with a cancellation: the channel stays.
    assert messages + await take(layer, alice, 199) == numbered(200)


async def test_sending_from_the_loop_itself_needs_no_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = LocalChannelLayer()
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    hops = Hops(layer, asyncio.get_running_loop(), monkeypatch)
    layer.send_to_groups([("user.1", {"type": "hello"})])
    assert waiting_for(layer, alice) == [{"type": "hello"}]
    assert hops.count == 0


@pytest.fixture
def other_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(TIMEOUT_S)
    loop.close()


async def test_each_channel_is_served_in_the_loop_it_was_made_in(
    other_loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = LocalChannelLayer()
    here = await layer.new_channel()
    there = await asyncio.to_thread(
        asyncio.run_coroutine_threadsafe(layer.new_channel(), other_loop).result, TIMEOUT_S
    )
    for channel in (here, there):
        await layer.group_add("g", channel)
    hops = Hops(layer, other_loop, monkeypatch)
    layer.send_to_groups([("g", message) for message in numbered(5)])
    assert await take(layer, here, 5) == numbered(5)
    taken = asyncio.run_coroutine_threadsafe(take(layer, there, 5), other_loop)
    assert await asyncio.to_thread(taken.result, TIMEOUT_S) == numbered(5)
    assert hops.count == 1


async def test_a_closed_loop_harms_no_other_channel() -> None:
    layer = LocalChannelLayer()
    dead = asyncio.new_event_loop()
    gone = await asyncio.to_thread(dead.run_until_complete, layer.new_channel())
    dead.close()
    alice = await layer.new_channel()
    for channel in (gone, alice):
        await layer.group_add("g", channel)
    await in_thread(lambda: layer.send_to_groups([("g", {"type": "hello"})]))
    assert await take(layer, alice) == [{"type": "hello"}]


# --- The cost of a message does not grow with the number of channels ---


class OnlyLookedUp(dict[str, Any]):
    """A table that supports lookups and rejects iteration."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.append(name)
        return super().get(name, default)

    def refuse(self, *args: Any) -> Any:
        raise AssertionError("walked through all channels")

    __iter__ = keys = values = items = copy = refuse


async def test_no_call_iterates_over_all_channels() -> None:
    layer = LocalChannelLayer()
    crowd = [await layer.new_channel() for _ in range(500)]
    for number, channel in enumerate(crowd):
        await layer.group_add(f"user.{number}", channel)
    layer.mailboxes, layer.groups, layer.memberships = (
        OnlyLookedUp(table) for table in (layer.mailboxes, layer.groups, layer.memberships)
    )
    phone, laptop = await layer.new_channel(), await layer.new_channel()
    for channel in (phone, laptop):
        await layer.group_add("user.alice", channel)
    layer.mailboxes.asked.clear()

    await layer.group_send("user.alice", {"type": "hello"})
    layer.send_to_groups([("user.alice", {"type": "hello"})])
    assert sorted(layer.mailboxes.asked) == sorted([phone, phone, laptop, laptop])

    layer.mailboxes.asked.clear()
    await layer.send(phone, {"type": "hello"})
    assert await take(layer, phone, 3) == [{"type": "hello"}] * 3
    await layer.group_discard("user.alice", phone)
    layer.forget(laptop)
    assert set(layer.mailboxes.asked) <= {phone, laptop}


# --- As Channels uses it ---


async def never() -> None:
    await asyncio.get_running_loop().create_future()


async def test_consumer_loop_of_channels_gets_everything_and_forgets_at_the_end() -> None:
    layer = LocalChannelLayer()
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)
    seen: list[dict[str, Any]] = []
    complete = asyncio.Event()

    async def dispatch(message: dict[str, Any]) -> None:
        seen.append(message)
        if len(seen) == 50:
            complete.set()

    consumer = asyncio.ensure_future(await_many_dispatch([never, lambda: layer.receive(alice)], dispatch))
    await layer.group_send("user.1", numbered(50)[0])
    await in_thread(lambda: layer.send_to_groups([("user.1", message) for message in numbered(50)[1:]]))
    await asyncio.wait_for(complete.wait(), TIMEOUT_S)
    assert seen == numbered(50)

    consumer.cancel()
    await asyncio.gather(consumer, return_exceptions=True)
    assert_forgotten(layer)


async def test_consumer_that_ends_by_itself_is_forgotten() -> None:
    layer = LocalChannelLayer()
    alice = await layer.new_channel()
    await layer.group_add("user.1", alice)

    async def disconnect() -> dict[str, Any]:
        return {"type": "websocket.disconnect"}

    async def dispatch(message: dict[str, Any]) -> None:
        raise StopConsumer

    with pytest.raises(StopConsumer):
        await await_many_dispatch([disconnect, lambda: layer.receive(alice)], dispatch)
    assert_forgotten(layer)
