"""How each server wants a message written, and how it tells the other person. Knows no socket and no clock."""

import json
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID, uuid4


class Dialect(Protocol):
    """One server's way of speaking, for one seat of one room."""

    greets: bool

    def write(self, body: str) -> str: ...

    def read(self, frame: str) -> str | None:
        """The body, if this frame tells a message."""

    def confirm(self, frame: str) -> Iterable[str]:
        """What a device sends back when it has shown this message."""


class Tutorial:
    """One field each way; everybody in the room hears everything, the writer included."""

    greets = False

    def __init__(self, room: str) -> None:
        self.room = room

    def write(self, body: str) -> str:
        return json.dumps({"message": body})

    def read(self, frame: str) -> str | None:
        return str(json.loads(frame)["message"])

    def confirm(self, frame: str) -> Iterable[str]:
        return ()


class Entre:
    """protocol.md section 5. The writer hears the acknowledgement, too, and both hear the event."""

    greets = True

    def __init__(self, room: str) -> None:
        self.room = room

    def write(self, body: str) -> str:
        return json.dumps({"type": "message.send", "room": self.room, "id": str(new_id()), "body": body})

    def read(self, frame: str) -> str | None:
        # Acknowledgements are told apart without reading them: the generator must stay cheaper than what it measures.
        return json.loads(frame)["message"]["body"] if frame.startswith('{"type":"message.created"') else None

    def confirm(self, frame: str) -> Iterable[str]:
        return ()


class EntreWithReceipts(Entre):
    """As a browser in front of open eyes: every message is confirmed as delivered and read."""

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
