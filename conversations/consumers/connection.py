"""The life of one socket: who is let in, how it joins its groups, the greeting, what the layer brings, and the goodbye.

Knows nothing of what people say to each other; `session` obeys their commands.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from functools import cached_property
from typing import Any, ClassVar, cast

from channels.exceptions import StopConsumer
from prometheus_client import Counter

from accounts.models import User
from accounts.session_validity import Credential, SessionStatus, credential_of, session_status
from conversations import frames, rooms, throttling
from conversations.access import access_conversation
from conversations.consumers.base import DirectConsumer
from conversations.consumers.registry import connection_registry
from conversations.db.executor import run_query
from conversations.exceptions import Refusal
from conversations.monitors.activity import activity_monitor
from conversations.monitors.changes import change_poller
from conversations.monitors.sessions import session_monitor
from conversations.protocol.codes import CloseCode, ErrorCode
from conversations.protocol.frames import Frame
from conversations.selectors.conversations import Heads

logger = logging.getLogger(__name__)

CLOSES = Counter("entre_goodbyes_total", "Sockets that were told why they end.", ["reason"])
PROBE_SECONDS, PROBES = 0.5, 4
EARLY_FRAMES = 200
FAILED_REST_MS = 5_000
FLOOD_REST_MS = 5_000


class Connection(DirectConsumer):
    """A socket from its handshake to its end. `room` is the one it is filtered to, None on /ws/."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.room: str | None = None
        self.is_accepted = self.is_greeted = self.is_over = False
        self.early_commands: deque[str] = deque()
        self.early_pushes: deque[str] = deque(maxlen=EARLY_FRAMES)
        self.probed: asyncio.Future[None] | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.joined: list[str] = []
        self.credential: Credential | None = None
        self.epoch = ""
        self.is_released = False
        self.held: list[Callable[[], object]] = []
        """What gives back the things that this socket has taken."""

    @cached_property
    def user(self) -> User:
        # Channels wraps the user in a lazy object, which asks itself on every access whether it is there.
        return cast("User", getattr(self.scope["user"], "_wrapped", self.scope["user"]))

    SERVER_EVENTS: ClassVar[Mapping[str, str]] = {
        "websocket.connect": "websocket_connect",
        "websocket.receive": "websocket_receive",
        "websocket.disconnect": "websocket_disconnect",
        "socket.behind": "socket_behind",
        "socket.stalled": "socket_stalled",
        "socket.expired": "socket_expired",
        "socket.flooded": "socket_flooded",
    }
    LAYER_EVENTS: ClassVar[Mapping[str, str]] = {
        "frame.push": "frame_push",
        "session.end": "session_end",
        "standing.check": "standing_check",
        "probe.back": "probe_back",
    }
    """Type to method. Whoever can write to Redis chooses the type: a name that is not in here reaches no method, whatever it is."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """An unforeseen error must not close the socket, or the browser would come back and meet it again."""
        try:
            await getattr(self, self.SERVER_EVENTS[message["type"]])(message)
        except (asyncio.CancelledError, GeneratorExit, StopConsumer):
            raise
        except Exception:
            logger.exception("a socket event of type %s failed", message["type"])
            if message["type"] == "websocket.connect":
                await self.fail()
            else:
                await self.reply(frames.error(ErrorCode.INTERNAL))

    async def dispatch_from_layer(self, message: dict[str, Any]) -> None:
        """The browser has asked for nothing here, so nothing is answered when it fails."""
        kind = message.get("type")
        name = self.LAYER_EVENTS.get(kind) if isinstance(kind, str) else None
        if name is None:
            logger.warning("a layer message of an unknown type was dropped: %.40r", kind)
            return
        try:
            await getattr(self, name)(message)
        except Refusal as refusal:
            logger.info("a layer message of type %s was not followed (%s)", kind, refusal.code)
        except (KeyError, TypeError, ValueError) as error:
            logger.warning(
                "a layer message of type %s was dropped: it is not in its form (%s)",
                kind,
                type(error).__name__,
            )
        except Exception:
            logger.exception("a layer message of type %s failed", kind)

    # Coming in

    async def connect(self) -> None:
        """Refuse before accepting: anonymous people, strangers and unknown rooms get the same bare 403 (protocol.md 4)."""
        user: Any = self.scope.get("user")
        if user is None or not user.is_authenticated or not user.is_active:
            await self.close()
            return
        self.room = self.scope["url_route"]["kwargs"].get("room_name")
        try:
            if self.room is not None:
                await run_query(access_conversation, self.user, self.room)
            ticket = throttling.admit_socket(user.id, self.scope, self.give_way)
        except Refusal as refusal:
            await self.refuse(refusal)
            return
        self.held.append(lambda: throttling.dismiss_socket(ticket))
        await self.accept()
        self.is_accepted = True
        self.held.append(lambda: connection_registry.leave(self))
        if not await connection_registry.join(self):
            return
        await self.join(rooms.user_group(user.id))
        if session_key := getattr(self.scope.get("session"), "session_key", None):
            self.credential = credential_of(self.user, session_key)
            await self.join(rooms.session_group(session_key))
        if getattr(self.channel_layer, "joins_at_once", False):
            await self.greet()
        else:
            # In a task of its own: the probe comes back as an event, and events wait for this method to end.
            self.start(self.greet_after_probe())

    async def refuse(self, refusal: Refusal) -> None:
        if refusal.retryable:
            await self.accept()
            self.is_accepted = True
            code = CloseCode.RATE_LIMITED if refusal.code == "rate_limited" else CloseCode.OVERLOADED
            await self.close_with_reason(code, retry_after_ms=refusal.retry_after_ms or 2_000)
        else:
            await self.close()

    async def fail(self) -> None:
        """Something nobody thought of on the way in. Told with a time to come back, or a browser would meet it again at once."""
        if self.is_accepted:
            await self.close_with_reason(CloseCode.INTERNAL, retry_after_ms=FAILED_REST_MS)
        else:
            # Perhaps nobody knows yet who this is.
            await self.close()

    def give_way(self) -> None:
        """A newer socket of this person has taken the place of this one."""
        self.start(self.close_with_reason(CloseCode.REPLACED))

    async def join(self, group: str) -> None:
        # Noted first: a socket that ends in between must still leave it.
        self.joined.append(group)
        await self.channel_layer.group_add(group, self.channel_name)

    async def part(self, group: str) -> None:
        if group in self.joined:
            self.joined.remove(group)
            await self.channel_layer.group_discard(group, self.channel_name)

    async def greet_after_probe(self) -> None:
        """Barrier (core.md 3): read the state only when this socket's own group really answers, so that nothing falls between."""
        self.probed = asyncio.get_running_loop().create_future()
        for _ in range(PROBES):
            try:
                await asyncio.wait_for(
                    self.channel_layer.group_send(
                        self.joined[0], {"type": "probe.back", "to": self.channel_name}
                    ),
                    PROBE_SECONDS,
                )
                await asyncio.wait_for(asyncio.shield(self.probed), PROBE_SECONDS)
                break
            except Exception as error:
                # The layer may be away; the database is not, and `heads` repairs what the layer loses. The layer itself has told the log
                # once; a line for each try of each socket would fill it when everybody comes back during an outage.
                logger.debug("a probe did not come back (%s)", type(error).__name__)
        # As an event of its own: what comes now must not overtake what waited (P3).
        async with self.turn:
            try:
                await self.greet()
            except Exception:
                logger.exception("a greeting failed")
                await self.fail()

    async def greet(self) -> None:
        try:
            greeting = await run_query(frames.greeting, self.user, self.room)
        except Refusal:
            await self.close_with_reason(CloseCode.OVERLOADED, retry_after_ms=2_000)
            return
        if self.is_over:
            # It gave way, or the process began to end, while its state was read.
            return
        await self.reply(greeting)
        self.is_greeted = True
        self.epoch = greeting.epoch
        user_id = self.user.id
        self.held.append(lambda: change_poller().leave(user_id, self.send_heads))
        change_poller().join(user_id, self.send_heads, Heads(greeting.epoch, greeting.rooms, greeting.marks))
        self.held.append(lambda: session_monitor().leave(self))
        session_monitor().join(self)
        activity_monitor().join(user_id)
        self.held.append(lambda: activity_monitor().leave(user_id))
        await self.begin()
        while self.early_pushes:
            await self.send_text(self.early_pushes.popleft())
        while self.early_commands and not self.is_over:
            await self.handle_command(self.early_commands.popleft())

    # Going out

    def release(self) -> None:
        """Each thing is given back by itself: one that fails must not keep the others."""
        self.is_over = self.is_released = True
        for task in self.tasks:
            task.cancel()
        while self.held:
            try:
                self.held.pop()()
            except Exception:
                logger.exception("something that a socket had taken was not given back")
        self.forget_channel(self.joined)

    async def close_with_reason(self, code: CloseCode, *, retry_after_ms: int = 0) -> None:
        """Say why, then close. Nothing is sent after it."""
        if self.is_over:
            return
        self.is_over = True
        await self.send_text(frames.bye(code, retry_after_ms=retry_after_ms).encode())
        CLOSES.labels(code.reason).inc()
        await self.close(code=int(code))

    async def begin(self) -> None:
        """What happens right after the greeting. Never raises."""

    async def handle_command(self, text: str) -> None:
        """Do what a frame from the browser asks. Never raises."""
        raise NotImplementedError

    # Saying

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        if self.is_released:
            # An answer of the journal came back after the line had ended. What began now would never be cancelled.
            work.close()
            return
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def reply(self, frame: Frame) -> None:
        if not self.is_over:
            await self.send_text(frame.encode())

    # From the layer. Only delivery and this class choose these types (LAYER_EVENTS); a browser's frame never gets here.

    async def frame_push(self, event: dict[str, Any]) -> None:
        if self.is_over or (self.room is not None and event["room"] not in (self.room, rooms.EVERY_SOCKET)):
            return
        if self.is_greeted:
            await self.send_text(event["text"])
            change_poller().note_delivered(self.user.id, event["room"], event["head"], event["mark"])
        else:
            self.early_pushes.append(event["text"])

    async def session_end(self, event: dict[str, Any]) -> None:
        await self.close_with_reason(CloseCode(event["code"]))

    async def standing_check(self, event: dict[str, Any]) -> None:
        await self.look_at_standing()

    async def look_at_standing(self) -> None:
        if self.credential is not None:
            await self.on_revoked(await run_query(session_status, self.credential))

    async def on_revoked(self, standing: SessionStatus) -> None:
        """Without rights: gone for good, or back with the session's new key when only the password has changed."""
        if standing is SessionStatus.REVOKED:
            await self.close_with_reason(CloseCode.UNAUTHENTICATED)
        elif standing is SessionStatus.ROTATED:
            await self.close_with_reason(CloseCode.RESTARTING)

    async def probe_back(self, event: dict[str, Any]) -> None:
        if event["to"] == self.channel_name and self.probed is not None and not self.probed.done():
            self.probed.set_result(None)

    async def send_heads(self, heads: Heads) -> None:
        if heads.epoch != self.epoch:
            # A restored backup (P11): it comes back, spread out over some seconds, and learns of it from the greeting.
            await self.close_with_reason(
                CloseCode.RESTARTING, retry_after_ms=connection_registry.retry_after_ms()
            )
            return
        for frame in frames.heads_frames(heads, only=self.room):
            await self.reply(frame)

    # From the server in front (dm_project.server.backpressure): this socket's reader, never the browser's frames.

    async def socket_behind(self, event: dict[str, Any]) -> None:
        """It reads again after frames were dropped: with the heads it finds what it lacks."""
        for frame in await run_query(frames.all_heads, self.user, self.room):
            await self.reply(frame)

    async def socket_stalled(self, event: dict[str, Any]) -> None:
        await self.close_with_reason(CloseCode.TOO_SLOW, retry_after_ms=2_000)

    async def socket_expired(self, event: dict[str, Any]) -> None:
        """No socket lives for ever. Spread out: those that came together after a restart end together, too."""
        await self.close_with_reason(
            CloseCode.RESTARTING, retry_after_ms=connection_registry.retry_after_ms()
        )

    async def socket_flooded(self, event: dict[str, Any]) -> None:
        """Pings, pongs or pieces of messages without end, which are no commands and count as none."""
        await self.close_with_reason(CloseCode.RATE_LIMITED, retry_after_ms=FLOOD_REST_MS)
