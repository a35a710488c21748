"""Model of one conversation's promises in plain Python, small enough to compare with docs/protocol.md 6."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """One message as both users must see it. `ordinal` counts the recipient's messages."""

    seq: int
    id: str
    sender: str
    body: str
    ordinal: int


@dataclass
class Side:
    """One of the two. `read` and `delivered` are their own positions; the peer sees only `shown_*` (P6)."""

    mark: int = 0
    received: int = 0
    read: int = 0
    delivered: int = 0
    read_count: int = 0
    shown_read: int = 0
    shown_delivered: int = 0
    shares: bool = True
    draft: str = ""
    blocks: bool = False
    is_active: bool = True


@dataclass(frozen=True)
class Verdict:
    """The expected result of a send. `code` is None when it was accepted."""

    code: str | None = None
    seq: int = 0
    duplicate: bool = False


@dataclass
class Talk:
    """Two users named by their public ids, and all their messages."""

    sides: dict[str, Side]
    lines: list[Line] = field(default_factory=list)

    @property
    def head(self) -> int:
        return len(self.lines)

    @property
    def is_blocked(self) -> bool:
        return any(side.blocks for side in self.sides.values())

    def peer(self, who: str) -> str:
        return next(name for name in self.sides if name != who)

    def send(self, who: str, id: str, body: str) -> Verdict:
        """A repeat is judged before anything else (P2); a refusal stores nothing."""
        known = next((line for line in self.lines if line.id == id), None)
        if known is not None:
            is_same = (known.sender, known.body) == (who, body)
            return Verdict(seq=known.seq, duplicate=True) if is_same else Verdict("conflict")
        peer = self.sides[self.peer(who)]
        if self.is_blocked or not peer.is_active:
            return Verdict("cannot_deliver")
        peer.received += 1
        self.write_draft(who, "")
        self.lines.append(Line(self.head + 1, id, who, body, peer.received))
        return Verdict(seq=self.head)

    def write_draft(self, who: str, body: str) -> None:
        """In this person's own view only; the same text changes nothing, and a message ends it."""
        if self.sides[who].draft != body:
            self.sides[who].draft = body
            self.sides[who].mark += 1

    def receipt(self, who: str, delivered: int | None, read: int | None) -> None:
        """Absolute, clamped, growing; shown only when it moves while neither blocks and both share."""
        me, peer = self.sides[who], self.sides[self.peer(who)]
        position = max(me.read, min(read or 0, self.head))
        arrived = max(me.delivered, min(delivered or 0, self.head), position)
        if (position, arrived) == (me.read, me.delivered):
            return
        me.read, me.delivered = position, arrived
        me.read_count = sum(line.seq <= position for line in self.lines if line.sender != who)
        me.mark += 1
        if self.is_blocked or not (me.shares and peer.shares):
            return
        me.shown_read, me.shown_delivered = position, arrived
        peer.mark += 1

    def account(self, who: str, *, is_active: bool) -> None:
        """Suspended or reactivated: the peer's row of the list changes."""
        self.sides[who].is_active = is_active
        self.sides[self.peer(who)].mark += 1

    def unread(self, who: str) -> int:
        """By counting, which the product never does (P7)."""
        return sum(line.sender != who and line.seq > self.sides[who].read for line in self.lines)

    def visible(self, viewer: str) -> dict[str, tuple[int, int]]:
        """(delivered, read) of both people as this one sees them."""
        peer = self.peer(viewer)
        me, other = self.sides[viewer], self.sides[peer]
        return {viewer: (me.delivered, me.read), peer: (other.shown_delivered, other.shown_read)}
