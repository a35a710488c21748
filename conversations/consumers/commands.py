"""Command handlers: a table from command class to handler. Each decodes, calls one service, sends one reply.

No model and no hand-made JSON here. Reads go through `db.executor`; writes are futures of the journal.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, ClassVar

from accounts.log_limits import log_unexpected
from conversations import frames, presence, throttling
from conversations.access import access_conversation
from conversations.consumers.base import loop_callbacks
from conversations.consumers.connection import Connection
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
from conversations.journal import Accepted, Advanced, Changed, Drafted, Hidden
from conversations.monitors.activity import activity_monitor
from conversations.protocol.codes import CloseCode, ErrorCode
from conversations.protocol.commands import (
    BadFrame,
    Command,
    DraftSet,
    MessageDelete,
    MessageEdit,
    MessageSend,
    Ping,
    ReactionSet,
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
from conversations.services.drafts import draft_set
from conversations.services.messages import message_delete, message_edit, message_hide, message_send
from conversations.services.reactions import reaction_set
from conversations.services.receipts import receipt_advance

logger = logging.getLogger(__name__)

FRAME_BYTES, DROP_BYTES = 65_536, 131_072
STRIKES, STRIKE_SECONDS = 10, 60.0
"""So many invalid frames within so many seconds close the socket."""
RATE_LIMITED_FRAMES = 3
FLOOD_RETRY_MS = 5_000


class CommandHandlers:
    """Handles the commands of one connection."""

    def __init__(self, connection: Connection, subscriptions: Subscriptions) -> None:
        self.connection, self.subscriptions = connection, subscriptions
        self.strikes: deque[float] = deque(maxlen=STRIKES)
        self.rate_limited_frames = 0
        self.typing_rooms: set[str] = set()

    async def handle(self, text: str) -> None:
        """Run the command in one text frame. Never raises."""
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size > DROP_BYTES:
            await self.connection.close_with_reason(CloseCode.TOO_LARGE)
            return
        if size > FRAME_BYTES:
            ref, message_id = peek_ids(text)
            await self.reject(BadFrame(ErrorCode.TOO_LARGE, ref=ref, message_id=message_id))
            return
        try:
            command = decode(text)
        except BadFrame as bad:
            await self.reject(bad)
            return
        try:
            self.count_frame(command)
            self.check_room(command)
            # The journal checks the session of the commands that it writes, within their transaction.
            if self.connection.credential is not None and isinstance(
                command, (Sync, RoomOpen, RoomClose, TypingSet)
            ):
                await run_query(frames.ensure_session_valid, self.connection.credential)
            await self.HANDLERS[type(command)](self, command)
        except Unauthenticated as refusal:
            await self.connection.reply(frames.refusal(refusal, command))
            await self.connection.check_session()
        except Refusal as refusal:
            await self.connection.reply(frames.refusal(refusal, command))
            await self.close_if_flooding(refusal)
        except Exception as error:
            log_unexpected(logger, f"a command of type {command.type}", error)
            await self.connection.reply(frames.refusal(Refusal(), command))

    # Limits

    def count_frame(self, command: Command) -> None:
        """Raises TooManyTries."""
        count = (
            throttling.weight_of_sync(len(command.rooms) + len(command.marks))
            if isinstance(command, Sync)
            else 1
        )
        try:
            throttling.allow_frame(self.connection.user.id, address=self.connection.address, count=count)
        except TooManyTries:
            self.rate_limited_frames += 1
            raise

    async def close_if_flooding(self, refusal: Refusal) -> None:
        """A client that goes on after it was told to wait is a flood: the third rate-limited frame closes the
        socket (docs/threats.md T35). A rejected text counts as a strike, because our pages check a text
        before they send it."""
        if self.rate_limited_frames >= RATE_LIMITED_FRAMES:
            await self.connection.close_with_reason(CloseCode.RATE_LIMITED, retry_after_ms=FLOOD_RETRY_MS)
        elif isinstance(refusal, (InvalidText, TextTooLong)):
            await self.count_strike()

    def check_room(self, command: Command) -> None:
        """A socket filtered to one room accepts no other; whether the user may enter the room is checked by
        the service."""
        named = getattr(command, "room", None)
        others = set(command.rooms) | set(command.marks) if isinstance(command, Sync) else {named} - {None}
        if self.connection.room is not None and others - {self.connection.room}:
            raise ConversationNotFound("this socket is filtered to another room")

    async def reject(self, bad: BadFrame) -> None:
        await self.connection.reply(frames.error(bad.code, ref=bad.ref, message_id=bad.message_id))
        await self.count_strike()

    async def count_strike(self) -> None:
        now = time.monotonic()
        self.strikes.append(now)
        if len(self.strikes) == STRIKES and now - self.strikes[0] < STRIKE_SECONDS:
            await self.connection.close_with_reason(CloseCode.BAD_PROTOCOL, retry_after_ms=5_000)

    # Handlers

    async def on_message_send(self, command: MessageSend) -> None:
        """Not awaited: the journal keeps the order, and a socket may have many messages on the way."""
        user = self.connection.user
        try:
            throttling.allow_message(user.id)
        except TooManyTries:
            # A repeat of a stored message costs nothing, so it is confirmed whatever the limits say (P2).
            if not await run_query(was_sent, user_id=user.id, room=command.room, id=command.id):
                raise
        future = message_send(
            user=user,
            room=command.room,
            id=command.id,
            body=command.body or "",
            reply_to=command.reply_to,
            attachments=tuple(command.attachments),
            forward=None if command.forward is None else (command.forward.room, command.forward.seq),
            credential=self.connection.credential,
        )
        self.reply_when_done(future, command, self.accepted)

    async def on_message_edit(self, command: MessageEdit) -> None:
        throttling.allow_message(self.connection.user.id)
        fields = {"seq": command.seq, "body": command.body, "version": command.version}
        self.write(message_edit, command, self.changed, **fields)

    async def on_message_delete(self, command: MessageDelete) -> None:
        throttling.allow_message(self.connection.user.id)
        service = message_hide if command.scope == "me" else message_delete
        self.write(service, command, self.changed, seq=command.seq)

    async def on_reaction_set(self, command: ReactionSet) -> None:
        throttling.allow_reaction(self.connection.user.id)
        fields = {"seq": command.seq, "emoji": command.emoji, "on": command.on}
        self.write(reaction_set, command, self.changed, **fields)

    async def on_draft_set(self, command: DraftSet) -> None:
        throttling.allow_draft(self.connection.user.id)
        self.write(draft_set, command, self.stored, body=command.body)

    async def on_receipt_set(self, command: ReceiptSet) -> None:
        fields = {"delivered": command.delivered, "read": command.read}
        self.write(receipt_advance, command, self.stored, **fields)

    async def on_room_open(self, command: RoomOpen) -> None:
        await self.subscriptions.open(command.room)
        await self.reply_done(command, room=command.room)

    async def on_room_close(self, command: RoomClose) -> None:
        await run_query(access_conversation, self.connection.user, command.room)
        self.subscriptions.close(command.room)
        await self.reply_done(command, room=command.room)

    async def on_typing_set(self, command: TypingSet) -> None:
        """Only a start is counted: a client that has started may always stop, and one that has not has
        nothing to send."""
        user = self.connection.user
        if command.on:
            throttling.allow_typing(user.id, command.room)
        if command.on or command.room in self.typing_rooms:
            await run_query(presence.typing_set, user=user, room=command.room, on=command.on)
            (self.typing_rooms.add if command.on else self.typing_rooms.discard)(command.room)
            self.connection.start(
                run_cache_query(presence.typing_remember, user_id=user.id, room=command.room, on=command.on)
            )
        else:
            await run_query(access_conversation, user, command.room)
        await self.reply_done(command, room=command.room)

    async def on_sync(self, command: Sync) -> None:
        user = self.connection.user
        wanted = list(dict.fromkeys([*command.rooms, *command.marks]))
        if not wanted:
            for heads in await run_query(frames.all_heads, user, self.connection.room):
                await self.connection.reply(heads)
            return
        # A hundred invented names must not cost a query each.
        known = await run_query(frames.rooms_known, user, wanted) if len(wanted) > 1 else set(wanted)
        for room in wanted:
            if self.connection.is_closing:
                return
            try:
                if room not in known:
                    raise ConversationNotFound
                after, mark = command.rooms.get(room), command.marks.get(room)
                page = await run_query(frames.sync_page, user, room, after, mark, command.ref)
            except Refusal as refusal:
                await self.connection.reply(frames.refusal(refusal, command))
            else:
                await self.connection.reply(page)

    async def on_ping(self, command: Ping) -> None:
        if command.visible:
            activity_monitor().active(self.connection.user.id)
        await self.connection.reply(Pong(now=instant(datetime.now(UTC))))

    HANDLERS: ClassVar[dict[type[Command], Callable[[CommandHandlers, Any], Awaitable[None]]]] = {
        MessageSend: on_message_send,
        MessageEdit: on_message_edit,
        MessageDelete: on_message_delete,
        ReactionSet: on_reaction_set,
        DraftSet: on_draft_set,
        ReceiptSet: on_receipt_set,
        RoomOpen: on_room_open,
        RoomClose: on_room_close,
        TypingSet: on_typing_set,
        Sync: on_sync,
        Ping: on_ping,
    }

    # Replies

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

    def changed(self, command: Any, result: Changed | Hidden) -> Frame | None:
        """What one hides for oneself has no number."""
        version = result.version if isinstance(result, Changed) else None
        return None if command.ref is None else Done(ref=command.ref, room=result.room, version=version)

    def stored(self, command: Any, result: Advanced | Drafted) -> Frame | None:
        return None if command.ref is None else Done(ref=command.ref, room=result.room)

    async def reply_done(self, command: Command, *, room: str | None = None) -> None:
        if command.ref is not None:
            await self.connection.reply(Done(ref=command.ref, room=room))

    def write(
        self,
        service: Callable[..., Future[Any]],
        command: Any,
        frame_of: Callable[[Any, Any], Frame | None],
        **fields: Any,
    ) -> None:
        """Call a service that writes through the journal, and reply when it has."""
        user, credential = self.connection.user, self.connection.credential
        future = service(user=user, room=command.room, credential=credential, **fields)
        self.reply_when_done(future, command, frame_of)

    def reply_when_done(
        self, future: Future[Any], command: Command, frame_of: Callable[[Any, Any], Frame | None]
    ) -> None:
        """Reply when the journal has written.

        The writer thread runs the future's callback, hence the way back to this loop.
        """
        callbacks = loop_callbacks()

        async def finish() -> None:
            try:
                frame = frame_of(command, future.result())
            except Unauthenticated as refusal:
                await self.connection.reply(frames.refusal(refusal, command))
                await self.connection.check_session()
                return
            except Refusal as refusal:
                frame = frames.refusal(refusal, command)
            except Exception as error:
                log_unexpected(logger, f"a command of type {command.type}", error)
                frame = frames.refusal(Refusal(), command)
            if frame is not None:
                await self.connection.reply(frame)

        future.add_done_callback(lambda _: callbacks.schedule(lambda: self.connection.start(finish())))
