"""What a device has of one room, and the client's rule for changes (docs/protocol.md P4). Pure."""

from __future__ import annotations

from typing import Any

Frame = dict[str, Any]


RECENT = 40
"""So many of the newest messages are kept, to be edited, deleted and reacted to."""


class RoomView:
    """`cursor`: everything up to this version is here. `held`: changes beyond a gap. `asked_at`: when
    `sync` was sent. `recent`: the newest messages, by seq."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.cursor = self.mark = 0
        self.held: dict[int, Frame] = {}
        self.recent: dict[int, Frame] = {}
        self.asked_at: float | None = None
        self.newest_of_peer = self.sent_receipt = 0
        self.sent_receipt_at = 0.0

    @property
    def has_gap(self) -> bool:
        return bool(self.held)

    def is_behind(self, head: int, mark: int) -> bool:
        return head > self.cursor or mark > self.mark

    def remember(self, message: Frame) -> None:
        if len(self.recent) >= RECENT and message["seq"] not in self.recent:
            oldest = min(self.recent)
            if message["seq"] < oldest:
                return
            del self.recent[oldest]
        self.recent[message["seq"]] = message

    def drop(self) -> None:
        self.__init__(self.room)  # type: ignore[misc]

    def receive(self, message: Frame) -> list[Frame]:
        """A pushed change. Returns what to show now; a change beyond a gap is held."""
        version = message["version"]
        if version <= self.cursor:
            return []
        self.held[version] = message
        return self.take_held()

    def take_held(self) -> list[Frame]:
        taken = []
        while (message := self.held.pop(self.cursor + 1, None)) is not None:
            self.cursor += 1
            taken.append(message)
        return taken

    def turn(self, page: Frame) -> list[Frame]:
        """A page of `sync`. Returns what to show."""
        if page["reset"]:
            self.cursor, self.held, self.recent = page["version"], {}, {}
        self.cursor = max(self.cursor, page["version"])
        self.held = {version: message for version, message in self.held.items() if version > self.cursor}
        if page.get("mark") is not None:
            self.mark = page["mark"] if page["reset"] else max(self.mark, page["mark"])
        return [*page["messages"], *self.take_held()]

    def advance_mark(self, mark: int) -> bool:
        """False when marks in between are missing."""
        if mark > self.mark + 1:
            return False
        self.mark = max(self.mark, mark)
        return True
