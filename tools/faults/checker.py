"""Compares what clients recorded with what the service stores after healing. Pure.

Every column must be 0:
  lost        acknowledged, and not stored: a message, an edit, a deletion, a reaction
  phantom     stored, and never sent; or permanently refused and still stored; or with another text; a text
              that was deleted and is shown
  duplicate   one id twice in the log or on a screen; two reactions of one person
  order       two readers disagree; an ack named another number; messages of one device are in another order
  hole        a number between 1 and the head is missing, in the log or on a screen; or a screen shows a
              message as it was before its last change
  regression  a cursor, a receipt, an ack of one socket or a time went back
  leak        a frame of a room reached the socket of a third person
  exceptions  unhandled errors in the servers' logs (counted by `logs`)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tools.faults.changes import Change, Outcome, State, mistakes
from tools.faults.history import Findings, History, Screen, Send


@dataclass(frozen=True, slots=True)
class Row:
    """One stored message, as read after healing. `state` is None where only its id is known."""

    seq: int
    id: str
    state: State | None
    created_at: str


@dataclass(slots=True)
class Reading:
    """What one reader got of one room after healing: everything after `base`, and the head."""

    reader: str
    room: str
    head: int
    rows: list[Row]
    base: int = 0
    unread: int | None = None
    """Unread messages as the service counts them, and `expected_unread` by counting rows (P7)."""
    expected_unread: int | None = None


def check(history: History, logs: Iterable[Reading], others: Iterable[Reading] = ()) -> Findings:
    """Compare a history with the log of each room (`logs`: one reading from 1 for each) and with further
    readings.

    Returns:
        The findings, including those recorded during the run. The history stays unchanged.
    """
    findings = Findings()
    findings.merge(history.findings)
    by_room = {log.room: log for log in logs}
    stored: dict[str, tuple[str, int]] = {}
    for log in by_room.values():
        check_log(findings, history, log, stored)
    check_sends(findings, history, stored, by_room.keys())
    for reading in others:
        compare(findings, by_room[reading.room], reading)
    for (device, room), screen in history.screens.items():
        if room in by_room:
            shown = rows_of(history, screen)
            compare(findings, by_room[room], Reading(device, room, screen.cursor, shown, screen.base))
    return findings


def rows_of(history: History, screen: Screen) -> list[Row]:
    """What is shown as it was sent has been compared with what was sent."""
    rows = []
    for seq, id in sorted(screen.shown.items()):
        send = history.sends.get(id)
        unchanged = State(seq, send.digest) if send is not None else None
        rows.append(Row(seq, id, screen.changed.get(seq, unchanged), ""))
    return rows


def check_log(findings: Findings, history: History, log: Reading, stored: dict[str, tuple[str, int]]) -> None:
    newest: dict[str, int] = {}
    created_at = ""
    changes: defaultdict[int, list[Change]] = defaultdict(list)
    for change in history.changes_in[log.room]:
        changes[change.seq].append(change)
    for row in log.rows:
        if row.id in stored:
            findings.add("duplicate", f"{row.id} is at {stored[row.id]} and at {log.room} {row.seq}")
        stored.setdefault(row.id, (log.room, row.seq))
        if row.created_at < created_at:
            findings.add("regression", f"{log.room} {row.seq} is older than the one before it")
        created_at = row.created_at
        send = history.sends.get(row.id)
        if send is None or send.room != log.room:
            findings.add("phantom", f"{row.id} at {log.room} {row.seq} was never sent there")
            continue
        check_row(findings, log.room, row, send, changes[row.seq])
        if send.number < newest.get(send.device, -1):
            findings.add("order", f"{row.id} of {send.device} is behind a later one in {log.room}")
        newest[send.device] = max(send.number, newest.get(send.device, -1))
    check_numbers(findings, history, log)
    check_seqs(findings, log)
    check_unread(findings, log)


def check_row(findings: Findings, room: str, row: Row, send: Send, changes: list[Change]) -> None:
    if send.outcome is Outcome.REFUSED:
        findings.add("phantom", f"{row.id} at {room} {row.seq} had been refused")
    if row.state is not None:
        for column, what in mistakes(row.state, send.digest, changes):
            findings.add(column, f"{row.id} at {room} {row.seq} {what}")


def check_numbers(findings: Findings, history: History, log: Reading) -> None:
    """Each number of the room is that of a message or of a change; none is that of two."""
    owners = {row.seq: row.seq for row in log.rows}
    changes = history.changes_in[log.room]
    named = [(row.state.version, row.seq) for row in log.rows if row.state is not None]
    named += [(each.version, each.seq) for each in changes if each.version and not each.is_excused]
    for version, seq in named:
        if owners.setdefault(version, seq) != seq:
            findings.add("order", f"{version} of {log.room} is that of {owners[version]} and of {seq}")
    missing = set(range(1, log.head + 1)) - owners.keys() - history.numbers[log.room]
    count = len(missing) - sum(each.spare_numbers for each in changes)
    if count > 0:
        findings.add("hole", f"{sorted(missing)[:3]} of {log.head} in {log.room} belong to nothing", count)


def check_seqs(findings: Findings, reading: Reading) -> None:
    seqs = [row.seq for row in reading.rows]
    if seqs != sorted(set(seqs)):
        findings.add("order", f"{reading.reader} read {reading.room} out of order")
    beyond = [seq for seq in seqs if seq > reading.head]
    if beyond:
        findings.add(
            "phantom",
            f"{reading.reader} holds {beyond[:3]} of {reading.room}, whose head is {reading.head}",
            len(beyond),
        )


def check_unread(findings: Findings, reading: Reading) -> None:
    if reading.unread != reading.expected_unread:
        findings.add(
            "order",
            f"{reading.reader} has {reading.expected_unread} unread in {reading.room},"
            f" and the service counts {reading.unread}",
        )


def check_sends(
    findings: Findings, history: History, stored: dict[str, tuple[str, int]], rooms: Iterable[str]
) -> None:
    read = set(rooms)
    for send in history.sends.values():
        if send.outcome is not Outcome.OK or send.is_excused or send.room not in read:
            continue
        place = stored.get(send.id)
        if place is None:
            findings.add("lost", f"{send.id} of {send.device} was acknowledged as {send.room} {send.seq}")
        elif place != (send.room, send.seq):
            findings.add("order", f"{send.id} was acknowledged as {send.room} {send.seq} and is at {place}")


def compare(findings: Findings, log: Reading, reading: Reading) -> None:
    """Does this reading equal the log?"""
    truth = {row.seq: row for row in log.rows}
    known = [(truth[row.seq], row) for row in reading.rows if row.seq in truth]
    other = [row.seq for true, row in known if true.id != row.id]
    if other:
        findings.add(
            "order", f"{reading.reader} sees something else at {other[:3]} of {reading.room}", len(other)
        )
    missing = {seq for seq in truth if seq > reading.base} - {row.seq for row in reading.rows}
    if missing:
        findings.add(
            "hole",
            f"{reading.reader} lacks {sorted(missing)[:3]} of {reading.head} in {reading.room}",
            len(missing),
        )
    if reading.head != log.head:
        findings.add("hole", f"{reading.reader} has come to {reading.head} of {log.head} in {reading.room}")
    for true, row in known:
        if true.id == row.id and true.state is not None and row.state is not None:
            compare_states(findings, reading, row.seq, true.state, row.state)
    check_seqs(findings, reading)
    check_unread(findings, reading)


def compare_states(findings: Findings, reading: Reading, seq: int, true: State, shown: State) -> None:
    if true.is_deleted and not shown.is_erased:
        findings.add("phantom", f"{reading.reader} shows the deleted text at {seq} of {reading.room}")
    elif shown.version < true.version:
        findings.add("hole", f"{reading.reader} has not the last change at {seq} of {reading.room}")
    elif shown != true:
        findings.add("order", f"{reading.reader} sees {seq} of {reading.room} differently")
