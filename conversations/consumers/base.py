"""What moves events into a consumer and finished work back to it, with as few steps of the loop as possible.

Knows sockets and threads, no frame and no person.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NoReturn

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from conversations.delivery import channel_layer
from conversations.monitors.periodic import PerLoop

Receive = Callable[[], Awaitable[dict[str, Any]]]
Handle = Callable[[dict[str, Any]], Awaitable[None]]


class DirectConsumer(AsyncWebsocketConsumer):
    """A consumer that costs less for each event; one event at a time, as in its base.

    Channels waits for browser and layer with two new tasks and a `wait` for every single event, and hops to a thread to close database
    connections before each. Here each of the two has one task for life; and this consumer opens no database connection of its own.
    """

    channel_layer: Any
    base_send: Any
    plain_send: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self.base_send = scope, send
        self.plain_send = scope.get("plain_send", send)
        self.channel_layer = channel_layer()
        self.channel_name = await self.channel_layer.new_channel()
        self.turn = asyncio.Lock()
        pumps = [
            asyncio.ensure_future(self.pump(receive, self.dispatch)),
            asyncio.ensure_future(
                self.pump(lambda: self.channel_layer.receive(self.channel_name), self.dispatch_from_layer)
            ),
        ]
        # The server in front tells that the connection has ended (dm_project.server.backpressure.ReceiveQueue): queued commands are not run then.
        ends = [*pumps, scope["disconnected"]()] if "disconnected" in scope else pumps
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                if pump.done():
                    pump.result()
        except StopConsumer:
            return
        finally:
            # Before anything that waits: a server that kills this consumer may cancel these waits, too.
            self.release()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def pump(self, receive: Receive, handle: Handle) -> NoReturn:
        while True:
            event = await receive()
            async with self.turn:
                await handle(event)

    async def dispatch_from_layer(self, message: dict[str, Any]) -> None:
        """A message of the channel layer. Apart from `dispatch`: what other processes write must never pass as a frame of the browser."""
        await self.dispatch(message)

    async def websocket_disconnect(self, message: Any) -> None:
        raise StopConsumer

    def release(self) -> None:
        """Give back whatever this consumer has taken, however it ends: told, cancelled, or by an error. Must not wait and must not raise."""
        self.forget_channel(())

    def forget_channel(self, groups: Iterable[str]) -> None:
        """Channels tells the layer by cancelling its wait; with a message at the same moment there is no wait to cancel."""
        forget = getattr(self.channel_layer, "forget", None)
        if forget is not None:
            forget(self.channel_name, groups)

    async def send_text(self, text: str) -> None:
        """Send one text frame, past the session (dm_project.server.websocket.keep_plain_send)."""
        await self.plain_send({"type": "websocket.send", "text": text})


class LoopCallbacks:
    """Carries work from other threads to the loop it was made in, all that waits in one crossing.

    The journal answers a hundred sockets at once: a hundred wake-ups of the loop would cost more than what they tell.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: deque[Callable[[], object]] = deque()
        self.is_scheduled = False

    def schedule(self, work: Callable[[], object]) -> None:
        """Run this on the loop, soon. From any thread; in order."""
        # Without a lock: whoever reads "called" before `land` takes it back has added its work before `land` begins to take.
        self.waiting.append(work)
        if not self.is_scheduled and not self.loop.is_closed():
            self.is_scheduled = True
            self.loop.call_soon_threadsafe(self.run_all)

    def run_all(self) -> None:
        self.is_scheduled = False
        while self.waiting:
            work = self.waiting.popleft()
            try:
                work()
            except Exception as error:
                # One socket's trouble must not strand the others on the way.
                self.loop.call_exception_handler({"message": "a ferried answer failed", "exception": error})


loop_callbacks = PerLoop(lambda: LoopCallbacks(asyncio.get_running_loop()))
