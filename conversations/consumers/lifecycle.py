"""The life of one socket: who is let in, how it joins its groups, the greeting, what the layer brings, and the goodbye.

Knows nothing of what people say to each other; `session` obeys their commands.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import cached_property
from typing import Any, cast

from prometheus_client import Counter

from accounts.models import User
from accounts.standing import Credential, Standing, credential_of, standing_of
from conversations import answers, rooms, throttling
from conversations.access import access_conversation
from conversations.attendance import attendance
from conversations.consumers.fleet import fleet
from conversations.exceptions import Refusal
from conversations.lanes import read
from conversations.protocol.codes import CloseCode, ErrorCode
from conversations.protocol.frames import Frame
from conversations.pulse import pulse
from conversations.pumps import PumpedConsumer
from conversations.selectors.conversations import Heads
from conversations.vigil import vigil

logger = logging.getLogger(__name__)

GOODBYES = Counter("entre_goodbyes_total", "Sockets that were told why they end.", ["reason"])
PROBE_SECONDS, PROBES = 0.5, 4
EARLY_FRAMES = 200


class SocketLife(PumpedConsumer):
    """A socket from its handshake to its end. `room` is the one it is filtered to, None on /ws/."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.room: str | None = None
        self.is_greeted = self.is_over = False
        self.early_commands: deque[str] = deque()
        self.early_pushes: deque[str] = deque(maxlen=EARLY_FRAMES)
        self.probed: asyncio.Future[None] | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.joined: list[str] = []
        self.credential: Credential | None = None
        self.epoch = ""

    @cached_property
    def user(self) -> User:
        # Channels wraps the user in a lazy object, which asks itself on every access whether it is there.
        return cast("User", getattr(self.scope["user"], "_wrapped", self.scope["user"]))

    async def dispatch(self, message: dict[str, Any]) -> None:
        """An unforeseen error must not close the socket, or the browser would come back and meet it again."""
        try:
            await getattr(self, message["type"].replace(".", "_"))(message)
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except Exception as error:
            if message["type"] in {"websocket.connect", "websocket.disconnect"} or type(error).__name__ == "StopConsumer":
                raise
            logger.exception("a socket event of type %s failed", message["type"])
            await self.reply(answers.error(ErrorCode.INTERNAL))

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
                await read(access_conversation, self.user, self.room)
            self.ticket = throttling.admit_socket(user.id, self.scope)
        except Refusal as refusal:
            await self.refuse(refusal)
            return
        await self.accept()
        if not await fleet.join(self):
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
            code = CloseCode.REPLACED if refusal.code == "rate_limited" else CloseCode.OVERLOADED
            await self.say_goodbye(code, retry_after_ms=refusal.retry_after_ms or 2_000)
        else:
            await self.close()

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
                    self.channel_layer.group_send(self.joined[0], {"type": "probe.back", "to": self.channel_name}), PROBE_SECONDS
                )
                await asyncio.wait_for(asyncio.shield(self.probed), PROBE_SECONDS)
                break
            except Exception as error:
                # The layer may be away; the database is not, and `heads` repairs what the layer loses.
                logger.info("a probe did not come back (%s)", type(error).__name__)
        # As an event of its own: what comes now must not overtake what waited (P3).
        async with self.turn:
            await self.greet()

    async def greet(self) -> None:
        try:
            greeting = await read(answers.greeting, self.user, self.room)
        except Refusal:
            await self.say_goodbye(CloseCode.OVERLOADED, retry_after_ms=2_000)
            return
        await self.reply(greeting)
        self.is_greeted = True
        self.epoch = greeting.epoch
        pulse().join(self.user.id, self.beat, Heads(greeting.epoch, greeting.rooms, greeting.marks))
        vigil().join(self)
        attendance().join(self.user.id)
        await self.begin()
        while self.early_pushes:
            await self.say(self.early_pushes.popleft())
        while self.early_commands:
            await self.obey(self.early_commands.popleft())

    # Going out

    async def disconnect(self, code: int) -> None:
        self.is_over = True
        fleet.leave(self)
        for task in self.tasks:
            task.cancel()
        if self.is_greeted:
            pulse().leave(self.user.id, self.beat)
            vigil().leave(self)
            attendance().leave(self.user.id)
        throttling.dismiss_socket(getattr(self, "ticket", None))
        for group in self.joined:
            try:
                await self.channel_layer.group_discard(group, self.channel_name)
            except Exception as error:
                logger.info("leaving a group failed (%s)", type(error).__name__)
        if hasattr(type(self.channel_layer), "forget"):
            # Channels tells the layer by cancelling its wait; with a message at the same moment there is no wait to cancel.
            self.channel_layer.forget(self.channel_name)

    async def say_goodbye(self, code: CloseCode, *, retry_after_ms: int = 0) -> None:
        """Say why, then close. Nothing is sent after it."""
        if self.is_over:
            return
        await self.reply(answers.bye(code, retry_after_ms=retry_after_ms))
        self.is_over = True
        GOODBYES.labels(code.reason).inc()
        await self.close(code=int(code))

    async def begin(self) -> None:
        """What happens right after the greeting. Never raises."""

    async def obey(self, text: str) -> None:
        """Do what a frame from the browser asks. Never raises."""
        raise NotImplementedError

    # Saying

    def start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def reply(self, frame: Frame) -> None:
        if not self.is_over:
            await self.say(frame.encode())

    # From the layer. Only delivery and this class choose these types; a browser's frame never gets here.

    async def frame_push(self, event: dict[str, Any]) -> None:
        if self.is_over or (self.room is not None and event["room"] != self.room):
            return
        if self.is_greeted:
            await self.say(event["text"])
            pulse().note(self.user.id, event["room"], event["head"], event["mark"])
        else:
            self.early_pushes.append(event["text"])

    async def session_end(self, event: dict[str, Any]) -> None:
        await self.say_goodbye(CloseCode(event["code"]))

    async def standing_check(self, event: dict[str, Any]) -> None:
        await self.look_at_standing()

    async def look_at_standing(self) -> None:
        if self.credential is not None:
            await self.fall(await read(standing_of, self.credential))

    async def fall(self, standing: Standing) -> None:
        """Without rights: gone for good, or back with the session's new key when only the password has changed."""
        if standing is Standing.LOST:
            await self.say_goodbye(CloseCode.UNAUTHENTICATED)
        elif standing is Standing.RENEWED:
            await self.say_goodbye(CloseCode.RESTARTING)

    async def probe_back(self, event: dict[str, Any]) -> None:
        if event["to"] == self.channel_name and self.probed is not None and not self.probed.done():
            self.probed.set_result(None)

    async def beat(self, heads: Heads) -> None:
        if heads.epoch != self.epoch:
            # A restored backup (P11): it comes back, spread out over some seconds, and learns of it from the greeting.
            await self.say_goodbye(CloseCode.RESTARTING, retry_after_ms=fleet.retry_after_ms())
            return
        for frame in answers.heads_frames(heads, only=self.room):
            await self.reply(frame)

    # From the server in front (dm_project.pressure): this socket's reader, never the browser's frames.

    async def socket_behind(self, event: dict[str, Any]) -> None:
        """It reads again after frames were dropped: with the heads it finds what it lacks."""
        for frame in await read(answers.all_heads, self.user, self.room):
            await self.reply(frame)

    async def socket_stalled(self, event: dict[str, Any]) -> None:
        await self.say_goodbye(CloseCode.TOO_SLOW, retry_after_ms=2_000)
