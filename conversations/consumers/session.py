"""What a connected person may ask for: a table from command to method. Each decodes, calls one service, sends one reply.

No model and no JSON by hand in here; what the database knows is asked for through `lanes`, and writes are awaited from the journal.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar

from conversations import frames, presence, throttling
from conversations.access import access_conversation
from conversations.consumers.base import loop_callbacks
from conversations.consumers.connection import EARLY_FRAMES, FLOOD_REST_MS
from conversations.consumers.subscriptions import Subscriptions
from conversations.db.executor import run_cache_query, run_query
from conversations.exceptions import (
    ConversationNotFound,
    InvalidText,
    Refusal,
    TextTooLong,
    TooManyTries,
    Unauthenticated,
)
from conversations.journal import Accepted, Advanced
from conversations.monitors.activity import activity_monitor
from conversations.protocol.codes import CloseCode, ErrorCode
from conversations.protocol.commands import (
    BadFrame,
    Command,
    MessageSend,
    Ping,
    ReceiptSet,
    RoomClose,
    RoomOpen,
    Sync,
    TypingSet,
    decode,
    peek_ids,
)
from conversations.protocol.frames import Frame
from conversations.protocol.objects import instant
from conversations.protocol.replies import Done, MessageAccepted, Pong
from conversations.selectors.messages import was_sent
from conversations.services.messages import message_send
from conversations.services.receipts import receipt_advance

logger = logging.getLogger(__name__)

FRAME_BYTES, DROP_BYTES = 65_536, 131_072
STRIKES, STRIKE_SECONDS = 10, 60.0
"""So many frames that are none of ours within so many seconds end the socket."""
FRAMES_TOO_MANY = 3


class SessionConsumer(Subscriptions):
    """One socket of one person: everything of theirs on /ws/, one room on /ws/chat/<room_name>/."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.strikes: deque[float] = deque(maxlen=STRIKES)
        self.frames_too_many = 0
        self.types_in: set[str] = set()

    # From the browser

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.is_over:
            return
        if text_data is None:
            await self.strike(BadFrame(ErrorCode.BAD_FRAME))
            return
        if self.is_greeted:
            await self.handle_command(text_data)
        elif len(self.early_commands) < EARLY_FRAMES:
            self.early_commands.append(text_data)
        else:
            # Dropping one of many in silence would let the later ones pass it.
            await self.close_with_reason(CloseCode.RATE_LIMITED, retry_after_ms=2_000)

    async def handle_command(self, text: str) -> None:
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size > DROP_BYTES:
            await self.close_with_reason(CloseCode.TOO_LARGE)
            return
        if size > FRAME_BYTES:
            ref, message_id = peek_ids(text)
            await self.strike(BadFrame(ErrorCode.TOO_LARGE, ref=ref, message_id=message_id))
            return
        try:
            command = decode(text)
        except BadFrame as bad:
            await self.strike(bad)
            return
        try:
            self.count_frame(command)
            self.require_own_room(command)
            # The journal asks for those it writes, within their transaction.
            if self.credential is not None and isinstance(command, (Sync, RoomOpen, RoomClose, TypingSet)):
                await run_query(frames.require_good, self.credential)
            await self.METHODS[type(command)](self, command)
        except Unauthenticated as refusal:
            await self.reply(frames.refusal(refusal, command))
            await self.look_at_standing()
        except Refusal as refusal:
            await self.reply(frames.refusal(refusal, command))
            await self.end_flood(refusal)
        except Exception:
            logger.exception("a command of type %s failed", command.type)
            await self.reply(frames.refusal(Refusal(), command))

    @cached_property
    def address(self) -> str:
        return throttling.address_of_scope(self.scope)

    def count_frame(self, command: Command) -> None:
        """Raises TooManyTries."""
        count = (
            throttling.weight_of_sync(len(command.rooms) + len(command.marks))
            if isinstance(command, Sync)
            else 1
        )
        try:
            throttling.allow_frame(self.user.id, address=self.address, count=count)
        except TooManyTries:
            self.frames_too_many += 1
            raise

    async def end_flood(self, refusal: Refusal) -> None:
        """A client that is told to wait and goes on is a flood: the third frame too many ends the socket (safety.md T35). A text that is
        refused is a strike: our pages judge it before they send it."""
        if self.frames_too_many >= FRAMES_TOO_MANY:
            await self.close_with_reason(CloseCode.RATE_LIMITED, retry_after_ms=FLOOD_REST_MS)
        elif isinstance(refusal, (InvalidText, TextTooLong)):
            await self.note_strike()

    def require_own_room(self, command: Command) -> None:
        """A socket filtered to one room knows no other; the access check of the room itself is the service's."""
        named = getattr(command, "room", None)
        others = set(command.rooms) | set(command.marks) if isinstance(command, Sync) else {named} - {None}
        if self.room is not None and others - {self.room}:
            raise ConversationNotFound("this socket is filtered to another room")

    async def strike(self, bad: BadFrame) -> None:
        await self.reply(frames.error(bad.code, ref=bad.ref, message_id=bad.message_id))
        await self.note_strike()

    async def note_strike(self) -> None:
        now = time.monotonic()
        self.strikes.append(now)
        if len(self.strikes) == STRIKES and now - self.strikes[0] < STRIKE_SECONDS:
            await self.close_with_reason(CloseCode.BAD_PROTOCOL, retry_after_ms=5_000)

    async def on_message_send(self, command: MessageSend) -> None:
        """Not awaited: the journal keeps the order, and a socket may have many sends on the way."""
        try:
            throttling.allow_message(self.user.id)
        except TooManyTries:
            # What is stored already costs nobody anything: a repeat is told so whatever the limits say (P2).
            if not await run_query(was_sent, user_id=self.user.id, room=command.room, id=command.id):
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
            user=self.user,
            room=command.room,
            delivered=command.delivered,
            read=command.read,
            credential=self.credential,
        )
        self.when_done(future, command, self.advanced)

    async def on_room_open(self, command: RoomOpen) -> None:
        await self.show(command.room)
        await self.done(command, room=command.room)

    async def on_room_close(self, command: RoomClose) -> None:
        await run_query(access_conversation, self.user, command.room)
        await self.hide(command.room)
        await self.done(command, room=command.room)

    async def on_typing_set(self, command: TypingSet) -> None:
        """Only what begins is counted: who began may always stop, and who did not has nothing to tell."""
        if command.on:
            throttling.allow_typing(self.user.id, command.room)
        if command.on or command.room in self.types_in:
            await run_query(presence.typing_set, user=self.user, room=command.room, on=command.on)
            (self.types_in.add if command.on else self.types_in.discard)(command.room)
            self.start(
                run_cache_query(presence.typing_note, user_id=self.user.id, room=command.room, on=command.on)
            )
        else:
            await run_query(access_conversation, self.user, command.room)
        await self.done(command, room=command.room)

    async def on_sync(self, command: Sync) -> None:
        wanted = list(dict.fromkeys([*command.rooms, *command.marks]))
        if not wanted:
            for heads in await run_query(frames.all_heads, self.user, self.room):
                await self.reply(heads)
            return
        # A hundred invented names must not be looked up one by one.
        known = await run_query(frames.rooms_known, self.user, wanted) if len(wanted) > 1 else set(wanted)
        for room in wanted:
            if self.is_over:
                return
            try:
                if room not in known:
                    raise ConversationNotFound
                page = await run_query(
                    frames.sync_page,
                    self.user,
                    room,
                    command.rooms.get(room),
                    command.marks.get(room),
                    command.ref,
                )
            except Refusal as refusal:
                await self.reply(frames.refusal(refusal, command))
            else:
                await self.reply(page)

    async def on_ping(self, command: Ping) -> None:
        if command.visible:
            activity_monitor().active(self.user.id)
        await self.reply(Pong(now=instant(datetime.now(UTC))))

    METHODS: ClassVar[dict[type[Command], Callable[[SessionConsumer, Any], Awaitable[None]]]] = {
        MessageSend: on_message_send,
        ReceiptSet: on_receipt_set,
        RoomOpen: on_room_open,
        RoomClose: on_room_close,
        TypingSet: on_typing_set,
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

    def when_done(
        self, future: Future[Any], command: Command, answer: Callable[[Any, Any], Frame | None]
    ) -> None:
        """Reply when the journal has written. Called from the journal's thread, hence the way back to this loop."""
        callbacks = loop_callbacks()

        async def finish() -> None:
            try:
                frame = answer(command, future.result())
            except Unauthenticated as refusal:
                await self.reply(frames.refusal(refusal, command))
                await self.look_at_standing()
                return
            except Refusal as refusal:
                frame = frames.refusal(refusal, command)
            except Exception:
                logger.exception("a command of type %s failed", command.type)
                frame = frames.refusal(Refusal(), command)
            if frame is not None:
                await self.reply(frame)

        future.add_done_callback(lambda _: callbacks.schedule(lambda: self.start(finish())))
