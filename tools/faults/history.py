"""What clients did and saw: pure records, with the clock passed in. `checker` compares them with what is
stored.

Each send and each change is invoked, then ok, refused (permanently) or unknown (no reply). What can be
judged at once (an ack that goes back on its socket, a cursor that goes back, a frame of a foreign room) is
recorded as a finding at once.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tools.faults.changes import Change, Outcome, State

COLUMNS = ("lost", "phantom", "duplicate", "order", "hole", "regression", "leak", "exceptions")
"""All must be 0, whatever breaks."""
EXAMPLES = 5


@dataclass(slots=True)
class Send:
    """One send. `number` is its position among all sends of the run; `digest` stands for its body."""

    id: str
    room: str
    device: str
    digest: int
    at: float
    number: int
    outcome: Outcome = Outcome.INVOKED
    seq: int = 0
    tries: int = 0
    was_repeat: bool = False
    """Its first ack said `duplicate`: an earlier attempt had been stored, and its reply was lost."""
    is_shown: bool = False
    is_excused: bool = False
    """Acknowledged before an older backup was restored: the one loss that is no defect."""


class Findings:
    """Counts of each column, with a few examples."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = defaultdict(list)

    def add(self, column: str, example: str, count: int = 1) -> None:
        assert column in COLUMNS, column
        self.counts[column] += count
        if len(self.examples[column]) < EXAMPLES:
            self.examples[column].append(example)

    def merge(self, other: Findings) -> None:
        for column, count in other.counts.items():
            self.counts[column] += count
            self.examples[column] = (self.examples[column] + other.examples[column])[:EXAMPLES]

    @property
    def is_clean(self) -> bool:
        return not any(self.counts.values())

    def __str__(self) -> str:
        columns = [
            f"{column} {self.counts[column]}: {'; '.join(self.examples[column])}"
            for column in COLUMNS
            if self.counts[column]
        ]
        return " | ".join(columns) or "all zero"


class Samples:
    """Durations in seconds, each with its moment, so that a row can select those of its own time."""

    def __init__(self) -> None:
        self.moments = array("d")
        self.seconds = array("d")

    def __len__(self) -> int:
        return len(self.seconds)

    def add(self, at: float, seconds: float) -> None:
        self.moments.append(at)
        self.seconds.append(seconds)

    def since(self, at: float, until: float = float("inf")) -> list[float]:
        """Those of this time, sorted."""
        first, last = bisect_left(self.moments, at), bisect_left(self.moments, until)
        return sorted(self.seconds[first:last])


def percentile(ordered: list[float], share: float) -> float:
    """Of a sorted list; 0.0 for an empty one."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


@dataclass(slots=True)
class Screen:
    """What one device shows of one room: a message at each `seq` after `base`, which a `reset` moves.
    `changed` are the states of those that are not as they were sent."""

    base: int = 0
    cursor: int = 0
    shown: dict[int, str] = field(default_factory=dict)
    changed: dict[int, State] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)

    @property
    def messages(self) -> dict[int, tuple[str, State | None]]:
        return {seq: (id, self.changed.get(seq)) for seq, id in self.shown.items()}


@dataclass(slots=True)
class Positions:
    """The receipts of one user, as one device received them."""

    delivered: int = 0
    read: int = 0


class History:
    """One run. `connection` is the number of a device's socket: order is promised for each socket."""

    def __init__(self) -> None:
        self.sends: dict[str, Send] = {}
        self.changes: dict[str, Change] = {}
        """By the `ref` of the command; `changes_in` has them by room."""
        self.changes_in: defaultdict[str, list[Change]] = defaultdict(list)
        self.numbers: defaultdict[str, set[int]] = defaultdict(set)
        """Of each room, the numbers of changes that any device was shown."""
        self.screens: dict[tuple[str, str], Screen] = defaultdict(Screen)
        self.positions: dict[tuple[str, str, str], Positions] = defaultdict(Positions)
        self.last_ack: dict[tuple[str, int, str], int] = {}
        self.findings = Findings()
        self.acks = Samples()
        self.deliveries = Samples()
        self.refusals: Counter[str] = Counter()
        self.refused_after = Samples()

    # Sends

    def invoked(self, *, id: str, room: str, device: str, digest: int, at: float) -> None:
        self.sends[id] = Send(id, room, device, digest, at, len(self.sends))

    def tried(self, id: str) -> None:
        (self.changes.get(id) or self.sends[id]).tries += 1

    def accepted(
        self,
        *,
        device: str,
        connection: int,
        id: str,
        seq: int,
        duplicate: bool,
        at: float,
        waited: float | None,
    ) -> None:
        """`waited` is the time since the last attempt, None for a late reply."""
        send = self.sends.get(id)
        if send is None:
            self.findings.add("phantom", f"{device} got an ack for {id}, which no device sent")
            return
        if waited is not None:
            self.acks.add(at, waited)
        if send.outcome is Outcome.OK and send.seq != seq:
            self.findings.add("order", f"{id} was acknowledged as {send.seq} and as {seq}")
        if not duplicate:
            key = (device, connection, send.room)
            if seq <= self.last_ack.get(key, 0):
                self.findings.add(
                    "regression", f"{device} got ack {seq} after {self.last_ack[key]} on one socket"
                )
            self.last_ack[key] = seq
        if send.outcome is not Outcome.OK:
            send.outcome, send.seq, send.was_repeat = Outcome.OK, seq, duplicate

    def refused(
        self, id: str, code: str, *, retryable: bool, at: float = 0.0, waited: float | None = None
    ) -> None:
        """After a retryable refusal the same id is sent again. `waited` is the time since the attempt,
        where known."""
        if waited is not None:
            self.refused_after.add(at, waited)
        self.refusals[code] += 1
        command = self.changes.get(id) or self.sends.get(id)
        if command is not None and not retryable and command.outcome is not Outcome.OK:
            command.outcome = Outcome.REFUSED

    def given_up(self, id: str) -> None:
        """Its device ended without a reply."""
        command = self.changes.get(id) or self.sends[id]
        if command.outcome is Outcome.INVOKED:
            command.outcome = Outcome.UNKNOWN

    # Changes

    def change_invoked(self, ref: str, change: Change) -> None:
        self.changes[ref] = change
        self.changes_in[change.room].append(change)

    def change_accepted(self, ref: str, *, version: int) -> None:
        change = self.changes[ref]
        change.outcome, change.version = Outcome.OK, version

    def restored(self) -> None:
        """A backup was restored: acknowledged messages may be gone, and their numbers may be used again."""
        for command in (*self.sends.values(), *self.changes.values()):
            command.is_excused = True
        self.numbers.clear()
        self.screens.clear()
        self.positions.clear()
        self.last_ack.clear()

    # Screens

    def forget_screens(self, device: str) -> None:
        """The device is gone. Compare its screens first, if they matter."""
        for key in [key for key in self.screens if key[0] == device]:
            del self.screens[key]

    def shown(
        self, *, device: str, room: str, seq: int, id: str, state: State, is_mine: bool, at: float
    ) -> None:
        """A device shows this message at this number, in this state."""
        screen = self.screens[device, room]
        if seq <= screen.base:
            # A change of a message that is older than the newest page.
            self.numbers[room].add(state.version)
            return
        before = screen.shown.get(seq)
        if before is not None and before != id:
            self.findings.add("order", f"{device} saw {before} and {id} at {seq} of {room}")
        elsewhere = screen.places.get(id)
        if elsewhere is not None and elsewhere != seq:
            self.findings.add("duplicate", f"{device} shows {id} at {elsewhere} and at {seq} of {room}")
        send = self.sends.get(id)
        # One string object for each id, however often it was decoded.
        known = send.id if send is not None else id
        screen.shown[seq] = known
        screen.places[known] = seq
        if state.version != seq:
            screen.changed[seq] = state
            self.numbers[room].add(state.version)
        else:
            screen.changed.pop(seq, None)
            if send is not None and state != State(seq, send.digest):
                self.findings.add("phantom", f"{device} shows {id} of {room} with another text")
        if send is not None and not is_mine and not send.is_shown:
            send.is_shown = True
            self.deliveries.add(at, at - send.at)

    def moved(self, *, device: str, room: str, cursor: int) -> None:
        screen = self.screens[device, room]
        if cursor < screen.cursor:
            self.findings.add(
                "regression", f"the cursor of {device} in {room} went from {screen.cursor} back to {cursor}"
            )
        screen.cursor = cursor

    def was_reset(self, *, device: str, room: str, base: int, cursor: int, is_new_epoch: bool) -> None:
        """The server said `reset`: the device drops the room. Only a restored backup may take numbers
        away."""
        before = self.screens[device, room].cursor
        if cursor < before and not is_new_epoch:
            self.findings.add("regression", f"{device} was reset from {before} back to {cursor} of {room}")
        self.screens[device, room] = Screen(base=base, cursor=cursor)

    def receipt(
        self, *, device: str, room: str, user: str, delivered: int, read: int, is_stored: bool
    ) -> None:
        """A receipt arrived. The layer may deliver late (P5); one from the database (`is_stored`) may not
        go back."""
        known = self.positions[device, room, user]
        if is_stored and (delivered < known.delivered or read < known.read):
            self.findings.add(
                "regression",
                f"{device} read ({delivered}, {read}) as receipt of {user}"
                f" after ({known.delivered}, {known.read})",
            )
        known.delivered, known.read = max(known.delivered, delivered), max(known.read, read)

    def foreign(self, *, device: str, room: str, kind: str) -> None:
        self.findings.add("leak", f"{device} got {kind} of {room}")

    # Sums

    def count(self, outcome: Outcome) -> int:
        return sum(send.outcome is outcome for send in self.sends.values())
