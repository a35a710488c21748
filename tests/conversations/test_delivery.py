"""Publisher: keeps the order, never raises, holds up no caller, and counts what the layer loses."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from channels.layers import channel_layers
from channels_redis.pubsub import RedisPubSubChannelLayer
from prometheus_client import REGISTRY

from conversations import delivery
from conversations.channel_layers.local import LocalChannelLayer
from conversations.delivery import Push, check_person, end_session, publish, to_users
from conversations.protocol.codes import CloseCode
from conversations.rooms import session_group, user_group
from tests.rig.redis_server import RedisServer

TIMEOUT_S = 10.0
SECRET = "meet me at the green door"


def pushes(how_many: int, *, first: int = 0) -> list[Push]:
    return [Push(user_group(1), "dm-x", str(number)) for number in range(first, first + how_many)]


def texts(how_many: int, *, first: int = 0) -> list[str]:
    return [push.text for push in pushes(how_many, first=first)]


class Losses:
    """How many pushes were counted as lost since this was made."""

    def __init__(self) -> None:
        self.before = self.total()

    @staticmethod
    def total() -> float:
        return REGISTRY.get_sample_value("entre_pushes_lost_total") or 0.0

    @property
    def count(self) -> int:
        return int(self.total() - self.before)


@pytest.fixture
def losses() -> Losses:
    return Losses()


@pytest.fixture
def use_layer() -> Iterator[Callable[[Any], Any]]:
    """Another channel layer for this test."""
    usual = channel_layers.backends.get("default")

    def use_layer(layer: Any) -> Any:
        channel_layers.set("default", layer)
        return layer

    yield use_layer
    channel_layers.backends.pop("default", None)
    if usual is not None:
        channel_layers.set("default", usual)


# --- What is in a push ---


def test_the_same_frame_goes_to_every_user_named() -> None:
    assert to_users((1, 2), "dm-x", "{}") == [
        Push(user_group(1), "dm-x", "{}"),
        Push(user_group(2), "dm-x", "{}"),
    ]


def test_a_push_reaches_the_consumer_with_its_room_and_numbers() -> None:
    """By the room a filtered socket skips it without reading it; by the numbers the poller knows what was
    delivered."""
    message = Push("user.1", "dm-x", "{}", head=7, mark=3).as_layer_message()
    assert message == {"type": "frame.push", "room": "dm-x", "text": "{}", "head": 7, "mark": 3}


# --- Within one process ---


@pytest.fixture
def local(use_layer: Callable[[Any], Any]) -> LocalChannelLayer:
    layer: LocalChannelLayer = use_layer(LocalChannelLayer())
    return layer


async def channel_in(layer: LocalChannelLayer, *groups: str) -> str:
    channel = await layer.new_channel()
    for group in groups:
        await layer.group_add(group, channel)
    return channel


async def test_pushes_arrive_in_order_and_in_no_other_group(local: LocalChannelLayer) -> None:
    alice, mallory = await channel_in(local, user_group(1)), await channel_in(local, user_group(11))
    publish(pushes(20))
    assert [message["text"] for message in local.mailboxes[alice].messages] == texts(20)
    assert not local.mailboxes[mallory].messages


async def test_an_ended_session_is_notified_and_the_other_one_is_not(local: LocalChannelLayer) -> None:
    lost, kept = (
        await channel_in(local, user_group(1), session_group("lost")),
        await channel_in(local, user_group(1), session_group("kept")),
    )
    end_session("lost", CloseCode.UNAUTHENTICATED)
    assert list(local.mailboxes[lost].messages) == [{"type": "session.end", "code": 4401}]
    assert not local.mailboxes[kept].messages


async def test_every_session_of_a_user_is_told_to_check_itself(local: LocalChannelLayer) -> None:
    channels = [await channel_in(local, user_group(1), session_group(key)) for key in ("a", "b")]
    check_person(1)
    assert [list(local.mailboxes[channel].messages) for channel in channels] == [
        [{"type": "standing.check"}]
    ] * 2


# --- It never raises ---


class BrokenLayer(LocalChannelLayer):
    def send_to_groups(self, messages: Any) -> None:
        raise RuntimeError("no such layer today")


def test_broken_layer_is_counted_and_not_raised(use_layer: Callable[[Any], Any], losses: Losses) -> None:
    use_layer(BrokenLayer())
    publish(pushes(3))
    end_session("a", 4401)
    check_person(1)
    assert losses.count == 5


def test_the_log_of_a_broken_layer_has_no_text_of_messages(
    use_layer: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    use_layer(BrokenLayer())
    publish([Push(user_group(1), "dm-x", SECRET)])
    assert caplog.records
    assert SECRET not in caplog.text


def test_layer_that_cannot_be_made_is_counted_and_not_raised(
    monkeypatch: pytest.MonkeyPatch, losses: Losses
) -> None:
    def fail() -> None:
        raise ImportError("no such module")

    monkeypatch.setattr(delivery, "get_channel_layer", fail)
    publish(pushes(2))
    assert losses.count == 2


def test_without_any_layer_nothing_happens(monkeypatch: pytest.MonkeyPatch, losses: Losses) -> None:
    monkeypatch.setattr(delivery, "get_channel_layer", lambda: None)
    publish(pushes(2))
    assert losses.count == 0


def test_no_push_needs_no_layer(use_layer: Callable[[Any], Any], losses: Losses) -> None:
    use_layer(BrokenLayer())
    publish([])
    assert losses.count == 0


# --- The publisher: a layer behind the network ---


class Network:
    """A layer behind the network. Like the real one it exists in a loop only."""

    def __init__(self) -> None:
        self.delivered: list[str] = []
        self.tries = 0
        self.fails = False
        self.holds = threading.Event()
        self.holds.set()
        self.is_asked = threading.Event()
        self.arrival = threading.Condition()

    def is_complete(self, how_many: int) -> bool:
        """Waits for so many messages."""
        with self.arrival:
            return self.arrival.wait_for(lambda: len(self.delivered) >= how_many, TIMEOUT_S)

    def __getattr__(self, name: str) -> Any:
        asyncio.get_running_loop()
        raise AttributeError(name)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.tries += 1
        self.is_asked.set()
        if not self.holds.is_set():
            await asyncio.to_thread(self.holds.wait, TIMEOUT_S)
        if self.fails:
            raise ConnectionError("gone")
        with self.arrival:
            self.delivered.append(message.get("text", message["type"]))
            self.arrival.notify_all()


def end_loop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """A loop that is only stopped would be reported as unclosed when it is collected, in some later test."""
    loop.call_soon_threadsafe(loop.stop)
    thread.join(TIMEOUT_S)
    # The thread that waits in Network.group_send belongs to the loop.
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


class WatchedPublisher(delivery.Publisher):
    """A publisher that a test can wait for and end."""

    def __init__(self) -> None:
        super().__init__()
        self.is_idle = threading.Condition(self.lock)
        self.loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    async def run(self) -> None:
        await super().run()
        with self.is_idle:
            self.is_idle.notify_all()

    def wait(self) -> None:
        with self.is_idle:
            assert self.is_idle.wait_for(lambda: not self.is_running, TIMEOUT_S)

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT_S)

    def end(self) -> None:
        end_loop(self.loop, self.thread)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedPublisher]:
    publisher = WatchedPublisher()
    monkeypatch.setattr(delivery, "publisher", publisher)
    yield publisher
    publisher.end()


@pytest.fixture
def network(use_layer: Callable[[Any], Any]) -> Iterator[Network]:
    network: Network = use_layer(Network())
    yield network
    network.holds.set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The publisher's clock stands still until a test moves it."""
    clock = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(delivery, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_publisher_keeps_the_order(network: Network, publisher: WatchedPublisher, losses: Losses) -> None:
    """Called where no loop runs, as the journal calls it."""
    publish(pushes(50))
    publish(pushes(50, first=50))
    publisher.wait()
    assert network.delivered == texts(100)
    assert losses.count == 0


def test_first_push_gives_the_publisher_a_thread_and_a_loop(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(threading.enumerate())
    newcomer = delivery.Publisher()
    monkeypatch.setattr(delivery, "publisher", newcomer)
    network.holds.clear()
    publish(pushes(1))
    publish(pushes(1, first=1))
    loop = newcomer.loop
    assert loop is not None
    network.holds.set()
    publish(pushes(1, first=2))
    assert network.is_complete(3)
    assert newcomer.loop is loop
    assert network.delivered == texts(3)
    (thread,) = {thread for thread in threading.enumerate() if thread.name == "publisher"} - before
    end_loop(loop, thread)


def test_publisher_starts_again_after_it_was_idle(network: Network, publisher: WatchedPublisher) -> None:
    for number in range(5):
        publish(pushes(1, first=number))
        publisher.wait()
    assert network.delivered == texts(5)


def test_pushes_of_every_thread_keep_their_order(network: Network, publisher: WatchedPublisher) -> None:
    def publish_from(first: int) -> None:
        for number in range(first, first + 50):
            publish(pushes(1, first=number))

    threads = [threading.Thread(target=publish_from, args=(first,)) for first in (0, 1_000, 2_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    publisher.wait()
    assert len(network.delivered) == 150
    for first in (0, 1_000, 2_000):
        assert [text for text in network.delivered if first <= int(text) < first + 1_000] == texts(
            50, first=first
        )


def test_publishing_does_not_wait_for_the_network(network: Network, publisher: WatchedPublisher) -> None:
    network.holds.clear()
    publish(pushes(3))
    assert network.delivered == []
    network.holds.set()
    publisher.wait()
    assert network.delivered == texts(3)


def test_the_end_of_a_session_is_published_first_and_before_it_returns(
    network: Network, publisher: WatchedPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """alice is told that her lost phone is logged out; what bob writes later must not reach it by another
    process."""
    monkeypatch.setattr(delivery, "PUBLISH_SECONDS", TIMEOUT_S)
    network.holds.clear()
    publish(pushes(100))
    assert network.is_asked.wait(TIMEOUT_S), "the first is being published"
    ending = threading.Thread(target=end_session, args=("lost", 4401))
    ending.start()
    while ending.is_alive() and not publisher.urgent:
        ending.join(0.01)
    assert ending.is_alive(), "it waits for the network"
    network.holds.set()
    ending.join(TIMEOUT_S)
    assert "session.end" in network.delivered
    publisher.wait()
    assert network.delivered[:2] == ["0", "session.end"]
    assert network.delivered[2:] == texts(100)[1:]


def test_a_dead_network_does_not_hold_up_a_log_out(
    network: Network, publisher: WatchedPublisher, losses: Losses
) -> None:
    network.fails = True
    end_session("lost", 4401)
    check_person(1)
    assert losses.count == 2


def test_publisher_pauses_after_a_failure_and_tries_again_later(
    network: Network, publisher: WatchedPublisher, clock: SimpleNamespace, losses: Losses
) -> None:
    """Otherwise a frozen Redis would build up a queue of waits, one for each push."""
    network.fails = True
    publish(pushes(10))
    publisher.wait()
    assert (network.tries, losses.count) == (1, 10)

    network.fails = False
    clock.now += delivery.REST_SECONDS / 2
    publish(pushes(5, first=10))
    publisher.wait()
    assert (network.tries, losses.count) == (1, 15)

    clock.now += delivery.REST_SECONDS
    publish(pushes(5, first=15))
    publisher.wait()
    assert network.delivered == texts(5, first=15)
    assert losses.count == 15


def test_publisher_gives_up_a_publication_after_its_timeout(
    network: Network,
    publisher: WatchedPublisher,
    clock: SimpleNamespace,
    losses: Losses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "PUBLISH_SECONDS", 0.01)
    network.holds.clear()
    publish(pushes(3))
    publisher.wait()
    assert losses.count == 3


def test_publisher_queues_only_so_much(
    network: Network, publisher: WatchedPublisher, losses: Losses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "QUEUE_LIMIT", 5)
    network.holds.clear()
    publish(pushes(1))
    publish(pushes(20, first=1))
    network.holds.set()
    publisher.wait()
    # The first one may have left the queue already, or not.
    assert losses.count in {15, 16}
    assert network.delivered == texts(21 - losses.count)


def test_publisher_survives_a_layer_that_cannot_be_made(
    network: Network,
    publisher: WatchedPublisher,
    clock: SimpleNamespace,
    losses: Losses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        raise ImportError("no such module")

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "get_channel_layer", fail)
        publisher.enqueue([(user_group(1), {"text": "lost"})])
        publisher.wait()
    clock.now += delivery.REST_SECONDS
    publish(pushes(1))
    publisher.wait()
    assert network.delivered == texts(1)
    assert losses.count == 1


def test_the_log_of_a_failing_network_has_no_text_of_messages(
    network: Network, publisher: WatchedPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    network.fails = True
    with caplog.at_level(logging.DEBUG):
        publish([Push(user_group(1), "dm-x", SECRET)])
        publisher.wait()
    assert "ConnectionError" in caplog.text
    assert SECRET not in caplog.text


# --- A real Redis ---


@pytest.fixture
def redis_layer(
    real_redis: RedisServer,
    use_layer: Callable[[Any], Any],
    publisher: WatchedPublisher,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[RedisPubSubChannelLayer]:
    # A busy machine may be slower than the limit; the publisher would rest, and its clock may stand still.
    monkeypatch.setattr(delivery, "PUBLISH_SECONDS", TIMEOUT_S)
    layer: RedisPubSubChannelLayer = use_layer(
        RedisPubSubChannelLayer(hosts=[{"address": real_redis.url}], prefix="entre")
    )
    yield layer
    real_redis.thaw()
    publisher.do(layer.flush())


class Listener:
    """A socket's end of the layer."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    async def next(self, within: float = TIMEOUT_S) -> str:
        return await asyncio.wait_for(self.heard.get(), within)

    async def until(self, text: str) -> list[str]:
        """Everything up to this one."""
        heard = [await self.next()]
        while heard[-1] != text:
            heard.append(await self.next())
        return heard


@asynccontextmanager
async def listening(layer: RedisPubSubChannelLayer, group: str) -> AsyncIterator[Listener]:
    """Subscribed to a group, and known to receive: Redis may take a message before the subscription."""
    listener = Listener()
    channel = await layer.new_channel()
    await layer.group_add(group, channel)

    async def listen() -> None:
        while True:
            listener.heard.put_nowait((await layer.receive(channel))["text"])

    task = asyncio.ensure_future(listen())
    try:
        probes = 0
        while listener.heard.empty():
            assert (probes := probes + 1) < 50
            publish([Push(group, None, "probe")])
            try:
                assert await listener.next(0.2) == "probe"
                break
            except TimeoutError:
                continue
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await layer.flush()


async def test_pushes_go_through_redis_in_order(redis_layer: RedisPubSubChannelLayer, losses: Losses) -> None:
    async with listening(redis_layer, user_group(1)) as alice:
        publish(pushes(200))
        assert [text for text in await alice.until("199") if text != "probe"] == texts(200)
    assert losses.count == 0


async def test_pushes_of_a_thread_without_a_loop_go_through_redis(
    redis_layer: RedisPubSubChannelLayer, losses: Losses
) -> None:
    """The journal publishes from its own thread, where the layer of channels_redis cannot be inspected."""
    async with listening(redis_layer, user_group(1)) as alice:
        thread = threading.Thread(target=lambda: publish(pushes(20)))
        thread.start()
        assert [text for text in await alice.until("19") if text != "probe"] == texts(20)
        await asyncio.to_thread(thread.join, TIMEOUT_S)
    assert losses.count == 0


async def test_mallory_receives_nothing_of_alice_through_redis(redis_layer: RedisPubSubChannelLayer) -> None:
    async with listening(redis_layer, user_group(11)) as mallory:
        publish([*pushes(5), Push(user_group(11), None, "end")])
        assert {*await mallory.until("end")} <= {"probe", "end"}


async def test_a_frozen_redis_holds_up_no_publisher_and_is_used_again(
    redis_layer: RedisPubSubChannelLayer,
    real_redis: RedisServer,
    publisher: WatchedPublisher,
    clock: SimpleNamespace,
    losses: Losses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It holds its connections and answers nothing. The test goes on only if publishing returns."""
    async with listening(redis_layer, user_group(1)) as alice:
        await asyncio.to_thread(publisher.wait)
        real_redis.freeze()
        with monkeypatch.context() as frozen:
            frozen.setattr(delivery, "PUBLISH_SECONDS", 0.2)
            for number in range(100):
                publish(pushes(1, first=number))
            await asyncio.to_thread(publisher.wait)
        assert losses.count == 100

        real_redis.thaw()
        clock.now += delivery.REST_SECONDS
        publish(pushes(10, first=100))
        heard = [text for text in await alice.until("109") if text != "probe"]
        # The push that timed out may still arrive; the others were never tried.
        assert heard in (texts(10, first=100), [*texts(1), *texts(10, first=100)])
    assert losses.count == 100


async def test_losses_to_a_dead_redis_are_counted_and_it_is_used_again(
    redis_layer: RedisPubSubChannelLayer,
    real_redis: RedisServer,
    publisher: WatchedPublisher,
    clock: SimpleNamespace,
    losses: Losses,
) -> None:
    publish(pushes(1))
    await asyncio.to_thread(publisher.wait)
    real_redis.stop()
    publish(pushes(10))
    await asyncio.to_thread(publisher.wait)
    assert losses.count == 10

    real_redis.start()
    clock.now += delivery.REST_SECONDS
    async with listening(redis_layer, user_group(1)) as alice:
        publish(pushes(3))
        assert [text for text in await alice.until("2") if text != "probe"] == texts(3)
