"""The wire format of each server: how a message is written and read. Knows no socket and no clock."""

import json
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID, uuid4


class Dialect(Protocol):
    """The wire format of one server, for one client of one room."""

    has_greeting: bool

    def write(self, body: str) -> str: ...

    def read(self, frame: str) -> str | None:
        """The body, if this frame is a message."""

    def confirm(self, frame: str) -> Iterable[str]:
        """Frames that a client sends when it has shown this message."""


class Tutorial:
    """One field in each direction; all clients of the room get every message, the sender included."""

    has_greeting = False

    def __init__(self, room: str) -> None:
        self.room = room

    def write(self, body: str) -> str:
        return json.dumps({"message": body})

    def read(self, frame: str) -> str | None:
        return str(json.loads(frame)["message"])

    def confirm(self, frame: str) -> Iterable[str]:
        return ()


class Entre:
    """docs/protocol.md, section 5. The sender also gets the acknowledgement; both get the event."""

    has_greeting = True

    def __init__(self, room: str) -> None:
        self.room = room

    def write(self, body: str) -> str:
        return json.dumps({"type": "message.send", "room": self.room, "id": str(new_id()), "body": body})

    def read(self, frame: str) -> str | None:
        # Skips acknowledgements without decoding: the generator must stay cheaper than the server.
        return json.loads(frame)["message"]["body"] if frame.startswith('{"type":"message.created"') else None

    def confirm(self, frame: str) -> Iterable[str]:
        return ()


class EntreWithReceipts(Entre):
    """As a visible browser: confirms each message as delivered and read."""

    def confirm(self, frame: str) -> Iterable[str]:
        seq = json.loads(frame)["message"]["seq"]
        yield json.dumps({"type": "receipt.set", "room": self.room, "delivered": seq, "read": seq})


def new_id() -> UUID:
    return uuid4()


DIALECTS: dict[str, type[Tutorial] | type[Entre]] = {
    "tutorial": Tutorial,
    "entre": Entre,
    "entre-receipts": EntreWithReceipts,
}
