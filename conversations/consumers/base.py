"""Base consumer and loop callbacks: few steps of the event loop for each event.

Knows sockets and threads, no frame and no user.
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
    """A consumer that costs less for each event than its base; it too handles one event at a time.

    For every single event, Channels waits for the browser and the layer with two new tasks and a `wait`, and
    hops to a thread to close database connections. Here the browser and the layer have one task each for the
    life of the socket, and the consumer opens no database connection of its own.
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
        self.setup()
        pumps = [
            asyncio.ensure_future(self.pump(receive, self.dispatch)),
            asyncio.ensure_future(
                self.pump(lambda: self.channel_layer.receive(self.channel_name), self.dispatch_from_layer)
            ),
        ]
        # The server reports that the client has disconnected (dm_project.server.backpressure.ReceiveQueue);
        # commands still queued are then dropped.
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

    def setup(self) -> None:
        """Make what needs the scope, the layer or `send`. Runs once, before the first event."""

    async def pump(self, receive: Receive, handle: Handle) -> NoReturn:
        while True:
            event = await receive()
            async with self.turn:
                await handle(event)

    async def dispatch_from_layer(self, message: dict[str, Any]) -> None:
        """Handle a message of the channel layer.

        Apart from `dispatch`: what other processes write must never pass as a browser's frame.
        """
        await self.dispatch(message)

    async def websocket_disconnect(self, message: Any) -> None:
        raise StopConsumer

    def release(self) -> None:
        """Release every resource of this consumer, whether it was told to end, cancelled, or failed.

        Must not wait and must not raise.
        """
        self.forget_channel(())

    def forget_channel(self, groups: Iterable[str]) -> None:
        """Remove this channel from the layer.

        Channels does that by cancelling its wait; with a message at that moment there is none.
        """
        forget = getattr(self.channel_layer, "forget", None)
        if forget is not None:
            forget(self.channel_name, groups)


class LoopCallbacks:
    """Runs callbacks of other threads on the loop it was made in, with one wake-up for all that wait.

    The journal answers a hundred sockets at once: a hundred wake-ups of the loop would cost more than the
    answers.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: deque[Callable[[], object]] = deque()
        self.is_scheduled = False

    def schedule(self, callback: Callable[[], object]) -> None:
        """Run this on the loop, soon. From any thread; in order."""
        # Without a lock: a thread that reads True before `run_all` resets it has appended before `run_all`
        # starts to pop.
        self.waiting.append(callback)
        if not self.is_scheduled and not self.loop.is_closed():
            self.is_scheduled = True
            self.loop.call_soon_threadsafe(self.run_all)

    def run_all(self) -> None:
        self.is_scheduled = False
        while self.waiting:
            callback = self.waiting.popleft()
            try:
                callback()
            except Exception as error:
                # One socket's error must not keep the other callbacks from running.
                self.loop.call_exception_handler(
                    {"message": "a scheduled callback failed", "exception": error}
                )


loop_callbacks = PerLoop(lambda: LoopCallbacks(asyncio.get_running_loop()))
