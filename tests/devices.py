"""A minimal protocol client (docs/protocol.md P4): repairs gaps by numbers, however many pushes get lost."""

from typing import Any
from uuid import uuid4

from tests.sockets import Frame, Socket, expect


class Device:
    """One open socket with the timeline of one room. Requests a sync for every gap."""

    def __init__(self, socket: Socket, room: str) -> None:
        self.socket = socket
        self.room = room
        self.cursor = 0
        self.messages: dict[int, Frame] = {}
        self.accepted: dict[str, int] = {}
        self.is_syncing = False
        self.pushed = 0

    async def wait_for_greeting(self) -> None:
        await expect(self.socket, "connection_established")

    async def send(self, body: str) -> None:
        await self.socket.send("message.send", room=self.room, id=str(uuid4()), body=body)

    async def listen_until(self, head: int, acks: int) -> None:
        """Handle frames until the timeline reaches `head` and this many own sends are acknowledged."""
        while self.cursor < head or len(self.accepted) < acks:
            await self.handle(await self.socket.next())

    async def handle(self, frame: Frame) -> None:
        match frame["type"]:
            case "message.created":
                self.pushed += 1
                await self.apply(frame["message"])
            case "message.accepted":
                self.accepted[frame["id"]] = frame["seq"]
            case "heads" if frame["rooms"].get(self.room, 0) > self.cursor:
                await self.request_sync()
            case "sync.page":
                await self.apply_page(frame)
            case "error" | "bye":
                raise AssertionError(f"the server sent {frame}")

    async def apply(self, message: Frame) -> None:
        if message["version"] == self.cursor + 1:
            self.cursor += 1
            self.messages[message["seq"]] = message
        elif message["version"] > self.cursor:
            await self.request_sync()

    async def apply_page(self, page: Frame) -> None:
        self.is_syncing = False
        if page["reset"]:
            self.messages.clear()
        for message in page["messages"]:
            self.messages[message["seq"]] = message
        self.cursor = max(self.cursor, page["version"])
        if page["more"]:
            await self.request_sync()

    async def request_sync(self) -> None:
        if not self.is_syncing:
            self.is_syncing = True
            await self.socket.send("sync", rooms={self.room: self.cursor})

    def shown(self) -> list[Any]:
        return [
            (seq, message["id"], message["sender"], message["body"])
            for seq, message in sorted(self.messages.items())
        ]
