"""Simulated device (docs/protocol.md P4): shows what its numbers allow, and syncs what it lacks."""

from contextlib import AsyncExitStack
from typing import Any

from django.conf import settings
from django.test import Client

from accounts.models import User
from tests.sockets import Closed, Frame, Socket, open_in_process

FENCE = "fence"
"""A frame that no server sends. When it arrives, everything sent before it has arrived."""
TIMEOUT_S = 20.0


class Phone:
    """One device of one user. What it has received survives a disconnect."""

    def __init__(self, owner: User, room: str, path: str) -> None:
        self.owner, self.room, self.path = owner, room, path
        self.browser: Client | None = None
        self.socket: Socket | None = None
        self.stack = AsyncExitStack()
        self.messages: dict[int, Frame] = {}
        self.receipts: dict[str, tuple[int, int]] = {}
        self.row: Frame = {}
        self.cursor = self.mark = 0
        self.is_behind = False
        self.refs = 0

    @property
    def me(self) -> str:
        return self.owner.public_id

    # Connecting and disconnecting

    async def connect(self) -> Frame:
        """Open a socket with this browser's session. Returns the greeting."""
        assert self.browser is not None
        key = self.browser.cookies[settings.SESSION_COOKIE_NAME].value
        self.socket = await self.stack.enter_async_context(
            open_in_process(self.owner, self.path, session_key=key)
        )
        greeting = await self.socket.next(TIMEOUT_S)
        assert greeting["type"] == "connection_established"
        self.note_heads(greeting)
        return greeting

    async def disconnect(self) -> None:
        self.socket = None
        await self.stack.aclose()

    # Sending and receiving

    async def ask(self, type: str, **fields: Any) -> Frame:
        """Send one command and receive everything up to its reply, which is returned."""
        return await self.reply_to(await self.send(type, **fields))

    async def ask_for(self, answer: str, type: str, **fields: Any) -> Frame:
        """The same for a reply without a ref."""
        assert self.socket is not None
        await self.send(type, **fields)
        while (frame := await self.socket.next(TIMEOUT_S))["type"] != answer:
            self.take(frame)
        self.take(frame)
        return frame

    async def send(self, type: str, **fields: Any) -> str:
        """Send one command. Returns its ref."""
        assert self.socket is not None
        self.refs += 1
        await self.socket.send(type, ref=str(self.refs), **fields)
        return str(self.refs)

    async def reply_to(self, ref: str) -> Frame:
        assert self.socket is not None
        while True:
            frame = await self.socket.next(TIMEOUT_S)
            self.take(frame)
            if frame.get("ref") == ref:
                return frame

    async def listen(self) -> list[Frame]:
        """Receive everything up to the fence, or up to the end of the socket."""
        assert self.socket is not None
        received: list[Frame] = []
        while not received or received[-1]["type"] != FENCE:
            try:
                received.append(await self.socket.next(TIMEOUT_S))
            except Closed:
                await self.disconnect()
                break
            self.take(received[-1])
        return received

    # The rules of P4

    def take(self, frame: Frame) -> None:
        match frame["type"]:
            case "message.created" | "message.changed":
                self.apply(frame["message"])
            case "message.hidden":
                self.hide(frame)
            case "receipt.advanced":
                self.advance(frame)
            case "sync.page":
                self.turn(frame)
            case "heads":
                self.note_heads(frame)

    def apply(self, message: Frame) -> None:
        if message["version"] == self.cursor + 1:
            self.cursor += 1
            self.messages[message["seq"]] = message
        elif message["version"] > self.cursor:
            self.is_behind = True

    def hide(self, frame: Frame) -> None:
        if frame["mark"] == self.mark + 1:
            self.mark += 1
            self.empty(frame["seq"])
        elif frame["mark"] > self.mark:
            self.is_behind = True

    def empty(self, seq: int) -> None:
        if seq in self.messages:
            self.messages[seq] = {
                **self.messages[seq],
                "body": "",
                "reactions": [],
                "deleted_for_me": True,
            }

    def advance(self, frame: Frame) -> None:
        if frame["mark"] == self.mark + 1:
            self.mark += 1
            self.receipts[frame["user"]] = (frame["delivered"], frame["read"])
            if "read_count" in frame:
                assert frame["user"] == self.me, "her unread count is hers alone"
                self.row = {**self.row, "read_count": frame["read_count"]}
        elif frame["mark"] > self.mark:
            self.is_behind = True

    def turn(self, page: Frame) -> None:
        if page["reset"]:
            self.messages.clear()
            self.cursor = 0
        for message in page["messages"]:
            self.messages[message["seq"]] = message
        self.cursor = max(self.cursor, page["version"])
        if "mark" in page:
            self.mark = page["mark"]
            for seq in page["hidden"]:
                self.empty(seq)
            self.row = page["conversation"]
            self.receipts = {each["user"]: (each["delivered"], each["read"]) for each in page["receipts"]}
        self.is_behind = page["more"]

    def note_heads(self, frame: Frame) -> None:
        if self.room in frame["rooms"] and (
            frame["rooms"][self.room] > self.cursor or frame["marks"][self.room] != self.mark
        ):
            self.is_behind = True

    async def catch_up(self) -> None:
        """Sync until a page says that it was the last one."""
        self.is_behind = True
        while self.is_behind:
            await self.ask("sync", rooms={self.room: self.cursor}, marks={self.room: self.mark})

    def unread(self) -> int:
        """Computed from what it shows, as browsers do."""
        received = max(
            [message["ordinal"] for message in self.messages.values() if message["sender"] != self.me],
            default=0,
        )
        return int(received - self.row.get("read_count", 0))
