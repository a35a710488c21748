"""A device as protocol.md P4 wants it: it shows what numbers allow, and asks for what they say it lacks. Knows no truth but the frames."""

from contextlib import AsyncExitStack
from typing import Any

from django.conf import settings
from django.test import Client

from accounts.models import User
from tests.sockets import Closed, Frame, Socket, open_in_process

FENCE = "fence"
"""A frame that no server sends: everything that was on its way before it has arrived."""
PATIENCE_S = 20.0


class Phone:
    """One device of one person. What it has seen survives going away."""

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

    # Coming and going

    async def come(self) -> Frame:
        """Open a socket with this browser's session. Returns the greeting."""
        assert self.browser is not None
        key = self.browser.cookies[settings.SESSION_COOKIE_NAME].value
        self.socket = await self.stack.enter_async_context(
            open_in_process(self.owner, self.path, session_key=key)
        )
        greeting = await self.socket.next(PATIENCE_S)
        assert greeting["type"] == "connection_established"
        self.note_heads(greeting)
        return greeting

    async def go(self) -> None:
        self.socket = None
        await self.stack.aclose()

    # Speaking and listening

    async def ask(self, type: str, **fields: Any) -> Frame:
        """Send one command and hear everything up to its answer, which is returned."""
        return await self.answer_to(await self.say(type, **fields))

    async def ask_for(self, answer: str, type: str, **fields: Any) -> Frame:
        """The same for an answer that carries no ref."""
        assert self.socket is not None
        await self.say(type, **fields)
        while (frame := await self.socket.next(PATIENCE_S))["type"] != answer:
            self.take(frame)
        self.take(frame)
        return frame

    async def say(self, type: str, **fields: Any) -> str:
        """Send one command. Returns its ref."""
        assert self.socket is not None
        self.refs += 1
        await self.socket.send(type, ref=str(self.refs), **fields)
        return str(self.refs)

    async def answer_to(self, ref: str) -> Frame:
        assert self.socket is not None
        while True:
            frame = await self.socket.next(PATIENCE_S)
            self.take(frame)
            if frame.get("ref") == ref:
                return frame

    async def listen(self) -> list[Frame]:
        """Take everything up to the fence, or up to the end of the socket."""
        assert self.socket is not None
        heard: list[Frame] = []
        while not heard or heard[-1]["type"] != FENCE:
            try:
                heard.append(await self.socket.next(PATIENCE_S))
            except Closed:
                await self.go()
                break
            self.take(heard[-1])
        return heard

    # The rules of P4

    def take(self, frame: Frame) -> None:
        match frame["type"]:
            case "message.created":
                self.apply(frame["message"])
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

    def advance(self, frame: Frame) -> None:
        if frame["mark"] == self.mark + 1:
            self.mark += 1
            self.receipts[frame["user"]] = (frame["delivered"], frame["read"])
            if "read_count" in frame:
                assert frame["user"] == self.me, "how much she has left to read is nobody else's matter"
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
            self.row = page["conversation"]
            self.receipts = {each["user"]: (each["delivered"], each["read"]) for each in page["receipts"]}
        self.is_behind = page["more"]

    def note_heads(self, frame: Frame) -> None:
        if self.room in frame["rooms"] and (
            frame["rooms"][self.room] > self.cursor or frame["marks"][self.room] != self.mark
        ):
            self.is_behind = True

    async def catch_up(self) -> None:
        """Ask until a page says that it was the last one."""
        self.is_behind = True
        while self.is_behind:
            await self.ask("sync", rooms={self.room: self.cursor}, marks={self.room: self.mark})

    def unread(self) -> int:
        """By arithmetic on what it shows, as browsers reckon it."""
        received = max(
            [message["ordinal"] for message in self.messages.values() if message["sender"] != self.me],
            default=0,
        )
        return int(received - self.row.get("read_count", 0))
