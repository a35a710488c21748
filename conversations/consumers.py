"""The session: one class behind both socket routes. It decodes a frame, calls one service, sends one reply.

No model and no JSON by hand in here; what the database knows is asked for through `lanes`, and writes are awaited from the journal.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, cast

from accounts.models import User
from accounts.standing import Credential, Standing, credential_of, standing_of
from conversations import answers, rooms, throttling
from conversations.access import access_conversation
from conversations.exceptions import ConversationNotFound, Refusal, TooManyTries, Unauthenticated
from conversations.journal import Accepted, Advanced
from conversations.lanes import read
from conversations.protocol.codes import CloseCode, ErrorCode
from conversations.protocol.commands import BadFrame, Command, MessageSend, Ping, ReceiptSet, RoomClose, RoomOpen, Sync, decode
from conversations.protocol.frames import Frame
from conversations.protocol.objects import instant
from conversations.protocol.replies import Done, MessageAccepted, Pong
from conversations.pulse import pulse
from conversations.pumps import PumpedConsumer, ferry
from conversations.selectors.conversations import Heads
from conversations.selectors.messages import was_sent
from conversations.services.messages import message_send
from conversations.services.receipts import receipt_advance
from conversations.vigil import vigil

logger = logging.getLogger(__name__)

FRAME_BYTES, DROP_BYTES = 65_536, 131_072
STRIKES, STRIKE_SECONDS = 10, 60.0
"""So many frames that are none of ours within so many seconds end the socket."""
PROBE_SECONDS, PROBES = 0.5, 4
EARLY_FRAMES = 200
ROOMS_OPEN = 50


class SessionConsumer(PumpedConsumer):
    """One socket of one person: everything of theirs on /ws/, one room on /ws/chat/<room_name>/."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.room: str | None = None
        self.open_rooms: set[str] = set()
        self.strikes: deque[float] = deque(maxlen=STRIKES)
        self.is_greeted = self.is_over = False
        self.early_commands: deque[str] = deque()
        self.early_pushes: deque[str] = deque(maxlen=EARLY_FRAMES)
        self.probed: asyncio.Future[None] | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.joined: list[str] = []
        self.credential: Credential | None = None

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
        await self.channel_layer.group_add(group, self.channel_name)
        self.joined.append(group)

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
        await self.greet()

    async def greet(self) -> None:
        try:
            greeting = await read(answers.greeting, self.user, self.room)
        except Refusal:
            await self.say_goodbye(CloseCode.OVERLOADED, retry_after_ms=2_000)
            return
        await self.reply(greeting)
        self.is_greeted = True
        pulse().join(self.user.id, self.beat)
        vigil().join(self)
        while self.early_pushes:
            await self.say(self.early_pushes.popleft())
        while self.early_commands:
            await self.obey(self.early_commands.popleft())

    # Going out

    async def disconnect(self, code: int) -> None:
        self.is_over = True
        for task in self.tasks:
            task.cancel()
        if self.is_greeted:
            pulse().leave(self.user.id, self.beat)
            vigil().leave(self)
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
        await self.close(code=int(code))

    # From the browser

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.is_over:
            return
        if text_data is None:
            await self.strike(BadFrame(ErrorCode.BAD_FRAME))
            return
        if self.is_greeted:
            await self.obey(text_data)
        elif len(self.early_commands) < EARLY_FRAMES:
            self.early_commands.append(text_data)
        else:
            # Dropping one of many in silence would let the later ones pass it.
            await self.say_goodbye(CloseCode.RATE_LIMITED, retry_after_ms=2_000)

    async def obey(self, text: str) -> None:
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size > DROP_BYTES:
            await self.say_goodbye(CloseCode.TOO_LARGE)
            return
        if size > FRAME_BYTES:
            await self.reply(answers.error(ErrorCode.TOO_LARGE))
            return
        try:
            command = decode(text)
        except BadFrame as bad:
            await self.strike(bad)
            return
        try:
            throttling.allow_frame(self.user.id)
            self.require_own_room(command)
            # The journal asks for those it writes, within their transaction.
            if self.credential is not None and isinstance(command, (Sync, RoomOpen, RoomClose)):
                await read(answers.require_good, self.credential)
            await self.METHODS[type(command)](self, command)
        except Unauthenticated as refusal:
            await self.reply(answers.refusal(refusal, command))
            await self.look_at_standing()
        except Refusal as refusal:
            await self.reply(answers.refusal(refusal, command))
        except Exception:
            logger.exception("a command of type %s failed", command.type)
            await self.reply(answers.refusal(Refusal(), command))

    def require_own_room(self, command: Command) -> None:
        """A socket filtered to one room knows no other; the access check of the room itself is the service's."""
        named = getattr(command, "room", None)
        others = set(command.rooms) | set(command.marks) if isinstance(command, Sync) else {named} - {None}
        if self.room is not None and others - {self.room}:
            raise ConversationNotFound("this socket is filtered to another room")

    async def strike(self, bad: BadFrame) -> None:
        await self.reply(answers.error(bad.code, ref=bad.ref, message_id=bad.message_id))
        now = time.monotonic()
        self.strikes.append(now)
        if len(self.strikes) == STRIKES and now - self.strikes[0] < STRIKE_SECONDS:
            await self.say_goodbye(CloseCode.BAD_PROTOCOL, retry_after_ms=5_000)

    async def on_message_send(self, command: MessageSend) -> None:
        """Not awaited: the journal keeps the order, and a socket may have many sends on the way."""
        try:
            throttling.allow_message(self.user.id)
        except TooManyTries:
            # What is stored already costs nobody anything: a repeat is told so whatever the limits say (P2).
            if not await read(was_sent, user_id=self.user.id, room=command.room, id=command.id):
                raise
        future = message_send(
            user=self.user,
            room=command.room,
            id=command.id,
            body=command.body,
            reply_to=command.reply_to,
            attachments=tuple(command.attachments),
            credential=self.credential,
        )
        self.when_done(future, command, self.accepted)

    async def on_receipt_set(self, command: ReceiptSet) -> None:
        future = receipt_advance(
            user=self.user, room=command.room, delivered=command.delivered, read=command.read, credential=self.credential
        )
        self.when_done(future, command, self.advanced)

    async def on_room_open(self, command: RoomOpen) -> None:
        await read(access_conversation, self.user, command.room)
        if len(self.open_rooms) < ROOMS_OPEN or command.room in self.open_rooms:
            self.open_rooms.add(command.room)
        await self.done(command, room=command.room)

    async def on_room_close(self, command: RoomClose) -> None:
        await read(access_conversation, self.user, command.room)
        self.open_rooms.discard(command.room)
        await self.done(command, room=command.room)

    async def on_sync(self, command: Sync) -> None:
        wanted = list(dict.fromkeys([*command.rooms, *command.marks]))
        if not wanted:
            for heads in await read(answers.all_heads, self.user, self.room):
                await self.reply(heads)
            return
        for room in wanted:
            try:
                page = await read(answers.sync_page, self.user, room, command.rooms.get(room), command.marks.get(room), command.ref)
            except Refusal as refusal:
                await self.reply(answers.refusal(refusal, command))
            else:
                await self.reply(page)

    async def on_ping(self, command: Ping) -> None:
        await self.reply(Pong(now=instant(datetime.now(UTC))))

    METHODS: ClassVar[dict[type[Command], Callable[[SessionConsumer, Any], Awaitable[None]]]] = {
        MessageSend: on_message_send,
        ReceiptSet: on_receipt_set,
        RoomOpen: on_room_open,
        RoomClose: on_room_close,
        Sync: on_sync,
        Ping: on_ping,
    }

    # Answers

    def accepted(self, command: Any, result: Accepted) -> Frame:
        return MessageAccepted(
            ref=command.ref,
            room=result.room,
            id=str(result.id),
            seq=result.seq,
            version=result.version,
            created_at=instant(result.created_at),
            duplicate=result.duplicate,
        )

    def advanced(self, command: Any, result: Advanced) -> Frame | None:
        return None if command.ref is None else Done(ref=command.ref, room=result.room)

    async def done(self, command: Command, *, room: str | None = None) -> None:
        if command.ref is not None:
            await self.reply(Done(ref=command.ref, room=room))

    def when_done(self, future: Future[Any], command: Command, answer: Callable[[Any, Any], Frame | None]) -> None:
        """Reply when the journal has written. Called from the journal's thread, hence the way back to this loop."""
        home = ferry()

        async def finish() -> None:
            try:
                frame = answer(command, future.result())
            except Unauthenticated as refusal:
                await self.reply(answers.refusal(refusal, command))
                await self.look_at_standing()
                return
            except Refusal as refusal:
                frame = answers.refusal(refusal, command)
            except Exception:
                logger.exception("a command of type %s failed", command.type)
                frame = answers.refusal(Refusal(), command)
            if frame is not None:
                await self.reply(frame)

        future.add_done_callback(lambda _: home.carry(lambda: self.start(finish())))

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
        for frame in answers.heads_frames(heads, only=self.room):
            await self.reply(frame)
