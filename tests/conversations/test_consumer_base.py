"""Base consumer and loop callbacks: one event at a time, and callbacks of other threads in order."""

import asyncio
import threading
from typing import Any

import pytest
from channels.exceptions import StopConsumer

from conversations.consumers.base import DirectConsumer, LoopCallbacks, loop_callbacks


class Recorder(DirectConsumer):
    """Records when each event began and ended."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []
        self.slow = asyncio.Event()
        self.released = 0

    def release(self) -> None:
        self.released += 1
        super().release()

    async def dispatch(self, message: dict[str, Any]) -> None:
        self.notes.append(f"begin {message['type']}")
        if message["type"] == "slow":
            await self.slow.wait()
        if message["type"] == "end":
            raise StopConsumer
        if message["type"] == "trouble":
            raise RuntimeError("trouble")
        self.notes.append(f"end {message['type']}")


class Stage:
    """A running consumer with a queue for its browser; the layer is that of the settings."""

    def __init__(self, **scope: Any) -> None:
        self.consumer = Recorder()
        self.browser: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.work = asyncio.ensure_future(
            self.consumer({"type": "websocket", **scope}, self.browser.get, self.keep)
        )

    async def keep(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def from_layer(self, type: str) -> None:
        await self.consumer.channel_layer.send(self.consumer.channel_name, {"type": type})


async def test_events_of_browser_and_layer_are_handled_one_at_a_time() -> None:
    stage = Stage()
    await stage.browser.put({"type": "slow"})
    await stage.settle()
    await stage.from_layer("push")
    await stage.settle()
    assert stage.consumer.notes == ["begin slow"]
    stage.consumer.slow.set()
    await stage.browser.put({"type": "end"})
    await stage.work
    assert stage.consumer.notes == ["begin slow", "end slow", "begin push", "end push", "begin end"]


async def test_the_end_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    stage = Stage()
    await stage.browser.put({"type": "end"})
    await stage.work
    assert asyncio.all_tasks() == before


async def test_a_cancelled_consumer_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    stage = Stage()
    await stage.settle()
    stage.work.cancel()
    await asyncio.wait([stage.work])
    assert asyncio.all_tasks() == before


async def test_after_a_disconnect_no_queued_command_is_handled() -> None:
    before = asyncio.all_tasks()
    ended = asyncio.get_running_loop().create_future()
    stage = Stage(disconnected=lambda: ended)
    for type in ("slow", "after", "after"):
        await stage.browser.put({"type": type})
    await stage.settle()
    ended.set_result(None)
    await stage.work
    assert stage.consumer.notes == ["begin slow"]
    assert stage.consumer.released == 1
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("how", ["end", "trouble", "cancelled", "cancelled while busy", "cancelled twice"])
async def test_the_consumer_releases_everything_however_it_ends(how: str) -> None:
    stage = Stage()
    await stage.browser.put({"type": "slow" if how == "cancelled while busy" else how})
    await stage.settle()
    if how.startswith("cancelled"):
        stage.work.cancel()
    if how == "cancelled twice":
        await asyncio.sleep(0)
        stage.work.cancel()
    await asyncio.wait([stage.work])
    assert stage.consumer.released == 1
    assert stage.consumer.channel_name not in stage.consumer.channel_layer.mailboxes


async def test_an_error_of_an_event_reaches_the_server() -> None:
    stage = Stage()
    await stage.settle()
    await stage.from_layer("trouble")
    await asyncio.wait([stage.work])
    assert isinstance(stage.work.exception(), RuntimeError)


async def test_callbacks_of_many_threads_all_run_and_each_threads_in_order() -> None:
    ran: list[tuple[int, int]] = []
    callbacks = loop_callbacks()

    def schedule_all(thread: int) -> None:
        for number in range(500):
            callbacks.schedule(lambda key=(thread, number): ran.append(key))  # type: ignore[misc]

    threads = [threading.Thread(target=schedule_all, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    await asyncio.sleep(0)
    assert len(ran) == 2000
    assert all(
        [number for thread, number in ran if thread == wanted] == list(range(500)) for wanted in range(4)
    )


async def test_callbacks_that_wait_together_share_one_wake_up() -> None:
    wake_ups = []

    class Counted(LoopCallbacks):
        def run_all(self) -> None:
            wake_ups.append(len(self.waiting))
            super().run_all()

    callbacks = Counted(asyncio.get_running_loop())
    for _ in range(100):
        callbacks.schedule(lambda: None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert wake_ups == [100]


async def test_a_callback_that_fails_does_not_stop_the_others() -> None:
    reported: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))
    ran: list[str] = []
    callbacks = LoopCallbacks(loop)
    callbacks.schedule(lambda: 1 / 0)
    callbacks.schedule(lambda: ran.append("after"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert ran == ["after"]
    assert isinstance(reported[0]["exception"], ZeroDivisionError)


def test_a_closed_loop_is_no_error() -> None:
    loop = asyncio.new_event_loop()
    callbacks = LoopCallbacks(loop)
    loop.close()
    callbacks.schedule(lambda: None)
