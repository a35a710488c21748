"""Session consumer: one user's socket from its handshake to its end.

Composes the connection, its subscriptions and its command handlers. Events of the server and of the channel
layer reach it only through two fixed tables; it knows no command itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, cast

from channels.exceptions import StopConsumer

from accounts.log_limits import log_unexpected
from accounts.models import User
from accounts.session_validity import credential_of
from conversations import frames, rooms, throttling
from conversations.access import access_conversation
from conversations.consumers.base import DirectConsumer
from conversations.consumers.commands import FLOOD_RETRY_MS, CommandHandlers
from conversations.consumers.connection import Connection, State
from conversations.consumers.early_frames import EarlyFrames
from conversations.consumers.registry import connection_registry
from conversations.consumers.subscriptions import Subscriptions
from conversations.db.executor import run_query
from conversations.exceptions import Refusal
from conversations.monitors.activity import activity_monitor
from conversations.monitors.changes import change_poller
from conversations.monitors.sessions import session_monitor
from conversations.protocol.codes import CloseCode, ErrorCode
from conversations.protocol.commands import BadFrame
from conversations.protocol.events import ConnectionEstablished
from conversations.selectors.conversations import Heads

logger = logging.getLogger(__name__)

PROBE_SECONDS, PROBES = 0.5, 4
FAILED_RETRY_MS = 5_000

Event = dict[str, Any]
Handlers = Mapping[str, Callable[["SessionConsumer", Event], Awaitable[None]]]


class SessionConsumer(DirectConsumer):
    """One socket of one user: all their conversations on /ws/, one room on /ws/chat/<room_name>/."""

    connection: Connection
    subscriptions: Subscriptions
    commands: CommandHandlers

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.early_commands, self.early_pushes = EarlyFrames(), EarlyFrames()
        self.probed: asyncio.Future[None] | None = None

    def setup(self) -> None:
        self.connection = Connection(
            self.scope,
            send=self.base_send,
            send_frame=self.plain_send,
            layer=self.channel_layer,
            channel_name=self.channel_name,
        )
        self.subscriptions = Subscriptions(self.connection)
        self.commands = CommandHandlers(self.connection, self.subscriptions)

    def release(self) -> None:
        self.connection.release()
        self.forget_channel(self.connection.groups)

    # Dispatch

    async def dispatch(self, message: Event) -> None:
        """An unexpected error must not close the socket, or the browser would reconnect and meet it again."""
        try:
            await self.SERVER_EVENTS[message["type"]](self, message)
        except (asyncio.CancelledError, GeneratorExit, StopConsumer):
            raise
        except Exception as error:
            log_unexpected(logger, f"a socket event of type {message['type']}", error)
            if message["type"] == "websocket.connect":
                await self.fail()
            else:
                await self.connection.reply(frames.error(ErrorCode.INTERNAL))

    async def dispatch_from_layer(self, message: Event) -> None:
        """The client has sent nothing here, so a failure is not answered."""
        kind = message.get("type")
        handler = self.LAYER_EVENTS.get(kind) if isinstance(kind, str) else None
        if handler is None:
            logger.warning("a layer message of an unknown type was dropped: %.40r", kind)
            return
        try:
            await handler(self, message)
        except Refusal as refusal:
            logger.info("a layer message of type %s was refused (%s)", kind, refusal.code)
        except (KeyError, TypeError, ValueError) as error:
            logger.warning(
                "a layer message of type %s was dropped: it is malformed (%s)", kind, type(error).__name__
            )
        except Exception as error:
            log_unexpected(logger, f"a layer message of type {kind}", error)

    # Handshake

    async def connect(self) -> None:
        """Reject before accepting: anonymous clients, strangers and unknown rooms get the same bare 403
        (docs/protocol.md 4)."""
        user: Any = self.scope.get("user")
        if user is None or not user.is_authenticated or not user.is_active:
            await self.close()
            return
        connection = self.connection
        # Channels wraps the user in a lazy object, which checks on every access whether it is loaded.
        connection.user = cast("User", getattr(user, "_wrapped", user))
        connection.room = self.scope["url_route"]["kwargs"].get("room_name")
        try:
            if connection.room is not None:
                await run_query(access_conversation, connection.user, connection.room)
            slot = throttling.acquire_socket(user.id, self.scope, connection.on_evicted)
        except Refusal as refusal:
            await self.refuse(refusal)
            return
        connection.releases.append(lambda: throttling.release_socket(slot))
        await self.accept()
        connection.accept()
        connection.releases.append(lambda: connection_registry.leave(connection))
        if not await connection_registry.join(connection):
            return
        await self.join_groups()
        if getattr(self.channel_layer, "joins_at_once", False):
            await self.greet()
        else:
            # In a task of its own: the probe returns as an event, and events wait for this method to end.
            connection.start(self.greet_after_probe())

    async def refuse(self, refusal: Refusal) -> None:
        if refusal.retryable:
            await self.accept()
            self.connection.accept()
            code = CloseCode.RATE_LIMITED if refusal.code == "rate_limited" else CloseCode.OVERLOADED
            await self.connection.close_with_reason(code, retry_after_ms=refusal.retry_after_ms or 2_000)
        else:
            await self.close()

    async def fail(self) -> None:
        """After an unexpected error in the handshake.

        With a delay, or the browser would meet it again at once.
        """
        if self.connection.state is State.CONNECTING:
            # The user may not be known yet, so no reason is given.
            await self.close()
        else:
            await self.connection.close_with_reason(CloseCode.INTERNAL, retry_after_ms=FAILED_RETRY_MS)

    async def join_groups(self) -> None:
        connection = self.connection
        await connection.join_group(rooms.user_group(connection.user.id))
        if session_key := getattr(self.scope.get("session"), "session_key", None):
            connection.credential = credential_of(connection.user, session_key)
            await connection.join_group(rooms.session_group(session_key))

    # Greeting

    async def greet_after_probe(self) -> None:
        """Barrier: read the state only when this socket's own group delivers, so that no change falls between
        the two."""
        self.probed = asyncio.get_running_loop().create_future()
        probe = {"type": "probe.back", "to": self.channel_name}
        for _ in range(PROBES):
            try:
                await asyncio.wait_for(
                    self.channel_layer.group_send(self.connection.groups[0], probe), PROBE_SECONDS
                )
                await asyncio.wait_for(asyncio.shield(self.probed), PROBE_SECONDS)
                break
            except Exception as error:
                # The layer may be unavailable; the database is not, and `heads` repairs what the layer loses.
                # The layer itself has logged it once; a line for each try of each socket would fill the log
                # when all clients reconnect during an outage.
                logger.debug("a probe did not come back (%s)", type(error).__name__)
        # As an event of its own: commands that arrive now must not overtake the buffered ones (P3).
        async with self.turn:
            try:
                await self.greet()
            except Exception as error:
                log_unexpected(logger, "a greeting", error)
                await self.fail()

    async def greet(self) -> None:
        connection = self.connection
        try:
            greeting = await run_query(frames.greeting, connection.user, connection.room)
        except Refusal:
            await connection.close_with_reason(CloseCode.OVERLOADED, retry_after_ms=2_000)
            return
        await connection.reply(greeting)
        if not connection.open():
            # It was evicted, or the process began to shut down, while its state was read.
            return
        self.join_monitors(greeting)
        await self.subscriptions.open_filtered()
        while self.early_pushes:
            await connection.send_text(self.early_pushes.take())
        while self.early_commands and not connection.is_closing:
            await self.commands.handle(self.early_commands.take())

    def join_monitors(self, greeting: ConnectionEstablished) -> None:
        connection = self.connection
        connection.epoch = greeting.epoch
        user_id = connection.user.id
        connection.releases.append(lambda: change_poller().leave(user_id, connection.send_heads))
        change_poller().join(
            user_id, connection.send_heads, Heads(greeting.epoch, greeting.rooms, greeting.marks)
        )
        connection.releases.append(lambda: session_monitor().leave(connection))
        session_monitor().join(connection)
        activity_monitor().join(user_id)
        connection.releases.append(lambda: activity_monitor().leave(user_id))

    # From the browser

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        connection = self.connection
        if connection.is_closing:
            return
        if text_data is None:
            await self.commands.reject(BadFrame(ErrorCode.BAD_FRAME))
        elif connection.is_open:
            await self.commands.handle(text_data)
        elif not self.early_commands.add(text_data):
            # Dropping one of many in silence would let the later ones pass it.
            await connection.close_with_reason(CloseCode.RATE_LIMITED, retry_after_ms=2_000)

    # From the layer

    async def on_push(self, event: Event) -> None:
        connection = self.connection
        room = event["room"]
        if connection.room is not None and room not in (connection.room, rooms.EVERY_SOCKET):
            return
        if connection.is_open:
            await connection.send_text(event["text"])
            change_poller().note_delivered(connection.user.id, room, event["head"], event["mark"])
        elif not connection.is_closing:
            self.early_pushes.add_newest(event["text"])

    async def on_session_end(self, event: Event) -> None:
        await self.connection.close_with_reason(CloseCode(event["code"]))

    async def on_probe(self, event: Event) -> None:
        if event["to"] == self.channel_name and self.probed is not None and not self.probed.done():
            self.probed.set_result(None)

    # From the server (dm_project.server.backpressure), about this socket's own reader

    async def on_caught_up(self, event: Event) -> None:
        """The client reads again after frames were dropped: the heads tell it what it lacks."""
        for frame in await run_query(frames.all_heads, self.connection.user, self.connection.room):
            await self.connection.reply(frame)

    async def on_stalled(self, event: Event) -> None:
        await self.connection.close_with_reason(CloseCode.TOO_SLOW, retry_after_ms=2_000)

    async def on_expired(self, event: Event) -> None:
        """No socket lives for ever.

        With a random delay: sockets that connected together after a restart expire together, too.
        """
        await self.connection.close_with_reason(
            CloseCode.RESTARTING, retry_after_ms=connection_registry.retry_after_ms()
        )

    async def on_flooded(self, event: Event) -> None:
        """Pings, pongs or fragments without end, which are no commands and count as none."""
        await self.connection.close_with_reason(CloseCode.RATE_LIMITED, retry_after_ms=FLOOD_RETRY_MS)

    # The tables

    SERVER_EVENTS: ClassVar[Handlers] = {
        "websocket.connect": DirectConsumer.websocket_connect,  # type: ignore[dict-item]
        "websocket.receive": DirectConsumer.websocket_receive,  # type: ignore[dict-item]
        "websocket.disconnect": DirectConsumer.websocket_disconnect,
        "socket.behind": on_caught_up,
        "socket.stalled": on_stalled,
        "socket.expired": on_expired,
        "socket.flooded": on_flooded,
    }
    LAYER_EVENTS: ClassVar[Handlers] = {
        "frame.push": on_push,
        "session.end": on_session_end,
        "standing.check": lambda self, event: self.connection.check_session(),
        "probe.back": on_probe,
        "presence.look": lambda self, event: self.subscriptions.on_presence_changed(event),
        "typing.push": lambda self, event: self.subscriptions.on_typing(event),
    }
    """A client that can write to Redis chooses the type: one that is not in this table reaches no method,
    whatever its name."""
