"""A device as the contract wants it (protocol.md P4), in a few lines: what a browser must do to show the truth, however letters get lost."""

from typing import Any
from uuid import uuid4

from tests.sockets import Frame, Socket, expect


class Device:
    """One open socket with the history of one room. Repairs itself from numbers alone."""

    def __init__(self, socket: Socket, room: str) -> None:
        self.socket = socket
        self.room = room
        self.cursor = 0
        self.messages: dict[int, Frame] = {}
        self.accepted: dict[str, int] = {}
        self.is_asking = False
        self.pushed = 0

    async def greet(self) -> None:
        await expect(self.socket, "connection_established")

    async def send(self, body: str) -> None:
        await self.socket.send("message.send", room=self.room, id=str(uuid4()), body=body)

    async def listen_until(self, head: int, acks: int) -> None:
        """Take frames until everything up to `head` is here and so many own sends are acknowledged."""
        while self.cursor < head or len(self.accepted) < acks:
            await self.take(await self.socket.next())

    async def take(self, frame: Frame) -> None:
        match frame["type"]:
            case "message.created":
                self.pushed += 1
                await self.apply(frame["message"])
            case "message.accepted":
                self.accepted[frame["id"]] = frame["seq"]
            case "heads" if frame["rooms"].get(self.room, 0) > self.cursor:
                await self.ask()
            case "sync.page":
                await self.turn(frame)
            case "error" | "bye":
                raise AssertionError(f"the server said {frame}")

    async def apply(self, message: Frame) -> None:
        if message["version"] == self.cursor + 1:
            self.cursor += 1
            self.messages[message["seq"]] = message
        elif message["version"] > self.cursor:
            await self.ask()

    async def turn(self, page: Frame) -> None:
        self.is_asking = False
        if page["reset"]:
            self.messages.clear()
        for message in page["messages"]:
            self.messages[message["seq"]] = message
        self.cursor = max(self.cursor, page["version"])
        if page["more"]:
            await self.ask()

    async def ask(self) -> None:
        if not self.is_asking:
            self.is_asking = True
            await self.socket.send("sync", rooms={self.room: self.cursor})

    def shown(self) -> list[Any]:
        return [
            (seq, message["id"], message["sender"], message["body"])
            for seq, message in sorted(self.messages.items())
        ]
