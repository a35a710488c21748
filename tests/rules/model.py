"""Model of one conversation's promises in plain Python, small enough to compare with docs/protocol.md 6."""

from dataclasses import dataclass, field, replace

EDIT_WINDOW_S = 24 * 3_600


@dataclass(frozen=True)
class Line:
    """One message as both users must see it after change `version`. `ordinal` counts the recipient's
    messages. `first` is what was sent under the id; None once it is deleted, when any text is a repeat.
    `reactions` are (emoji, user), those of one emoji together. `sent_at`: seconds of the journal's clock."""

    seq: int
    id: str
    sender: str
    body: str
    ordinal: int
    version: int
    is_deleted: bool = False
    reactions: tuple[tuple[str, str], ...] = ()
    first: str | None = field(default=None, compare=False)
    sent_at: int = field(default=0, compare=False)


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
    hidden: dict[int, int] = field(default_factory=dict)
    """What this person deleted for themselves: the mark of each, by seq."""
    blocks: bool = False
    is_active: bool = True


@dataclass(frozen=True)
class Verdict:
    """The expected result of a command. `code` is None when it was accepted. A change has a version only."""

    code: str | None = None
    seq: int = 0
    duplicate: bool = False
    version: int = 0


@dataclass
class Talk:
    """Two users named by their public ids, and all states of their messages in the order of their numbers."""

    sides: dict[str, Side]
    log: list[Line] = field(default_factory=list)
    now: int = 0

    @property
    def head(self) -> int:
        return len(self.log)

    @property
    def lines(self) -> list[Line]:
        return self.lines_at(self.head)

    def lines_at(self, version: int) -> list[Line]:
        """The messages as they were after that change."""
        return sorted({line.seq: line for line in self.log[:version]}.values(), key=lambda line: line.seq)

    def line(self, seq: int) -> Line | None:
        return next((line for line in reversed(self.log) if line.seq == seq), None)

    @property
    def is_blocked(self) -> bool:
        return any(side.blocks for side in self.sides.values())

    def peer(self, who: str) -> str:
        return next(name for name in self.sides if name != who)

    def send(self, who: str, id: str, body: str) -> Verdict:
        """A repeat is judged before anything else (P2); a refusal stores nothing."""
        known = next((line for line in self.lines if line.id == id), None)
        if known is not None:
            is_same = known.sender == who and known.first in {None, body}
            again = Verdict(seq=known.seq, duplicate=True, version=known.version)
            return again if is_same else Verdict("conflict")
        peer = self.sides[self.peer(who)]
        if self.is_blocked or not peer.is_active:
            return Verdict("cannot_deliver")
        peer.received += 1
        self.write_draft(who, "")
        seq = self.head + 1
        self.log.append(Line(seq, id, who, body, peer.received, seq, first=body, sent_at=self.now))
        return Verdict(seq=seq, version=seq)

    def edit(self, who: str, seq: int, body: str, version: int | None) -> Verdict:
        """A repeat is judged before the block, the age and the version."""
        line = self.line(seq)
        if line is None:
            return Verdict("not_found")
        if line.sender != who:
            return Verdict("forbidden")
        if line.is_deleted or seq in self.sides[who].hidden:
            return Verdict("gone")
        if line.body == body:
            return Verdict(version=line.version)
        if self.is_blocked or not self.sides[self.peer(who)].is_active:
            return Verdict("cannot_deliver")
        if self.now - line.sent_at > EDIT_WINDOW_S:
            return Verdict("edit_window_closed")
        if version is not None and line.version > version:
            return Verdict("conflict")
        self.log.append(replace(line, body=body, version=self.head + 1))
        return Verdict(version=self.head)

    def delete(self, who: str, seq: int) -> Verdict:
        """A block changes nothing about it."""
        line = self.line(seq)
        if line is None:
            return Verdict("not_found")
        if line.sender != who:
            return Verdict("forbidden")
        if not line.is_deleted:
            self.log.append(
                replace(line, body="", is_deleted=True, reactions=(), first=None, version=self.head + 1)
            )
            return Verdict(version=self.head)
        return Verdict(version=line.version)

    def react(self, who: str, seq: int, emoji: str, *, on: bool) -> Verdict:
        """One reaction a person; a repeat is judged before the block. The first emoji stays in front."""
        line = self.line(seq)
        if line is None:
            return Verdict("not_found")
        if line.is_deleted or seq in self.sides[who].hidden:
            return Verdict("gone")
        if on == ((emoji, who) in line.reactions):
            return Verdict(version=line.version)
        mine = [each for each in line.reactions if each[1] == who and (on or each[0] == emoji)]
        if not on and not mine:
            return Verdict(version=line.version)
        if self.is_blocked or not self.sides[self.peer(who)].is_active:
            return Verdict("cannot_deliver")
        left = [each for each in line.reactions if each not in mine] + ([(emoji, who)] if on else [])
        order = list(dict.fromkeys(name for name, _ in left))
        grouped = tuple(sorted(left, key=lambda each: order.index(each[0])))
        self.log.append(replace(line, reactions=grouped, version=self.head + 1))
        return Verdict(version=self.head)

    def hide(self, who: str, seq: int) -> Verdict:
        """In this person's own view only."""
        if self.line(seq) is None:
            return Verdict("not_found")
        me = self.sides[who]
        if seq not in me.hidden:
            me.mark += 1
            me.hidden[seq] = me.mark
        return Verdict()

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
