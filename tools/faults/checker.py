"""Compares what clients recorded with what the service stores after healing. Pure.

Every column must be 0:
  lost        acknowledged, and not stored
  phantom     stored, and never sent; or permanently refused and still stored; or with another text
  duplicate   one id twice in the log or on a screen
  order       two readers disagree; an ack named another number; messages of one device are in another order
  hole        a number between 1 and the head is missing, in the log or on a screen
  regression  a cursor, a receipt, an ack of one socket or a time went back
  leak        a frame of a room reached the socket of a third person
  exceptions  unhandled errors in the servers' logs (counted by `logs`)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tools.faults.history import Findings, History, Outcome


@dataclass(frozen=True, slots=True)
class Row:
    """One stored message, as read after healing."""

    seq: int
    id: str
    digest: int
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
            shown = [Row(seq, id, 0, "") for seq, id in sorted(screen.shown.items())]
            compare(findings, by_room[room], Reading(device, room, screen.cursor, shown, screen.base))
    return findings


def check_log(findings: Findings, history: History, log: Reading, stored: dict[str, tuple[str, int]]) -> None:
    newest: dict[str, int] = {}
    created_at = ""
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
        if send.outcome is Outcome.REFUSED:
            findings.add("phantom", f"{row.id} at {log.room} {row.seq} had been refused")
        if send.digest != row.digest:
            findings.add("phantom", f"{row.id} at {log.room} {row.seq} has another text")
        if send.number < newest.get(send.device, -1):
            findings.add("order", f"{row.id} of {send.device} is behind a later one in {log.room}")
        newest[send.device] = max(send.number, newest.get(send.device, -1))
    check_numbers(findings, log)
    check_unread(findings, log)


def check_numbers(findings: Findings, reading: Reading) -> None:
    """Without edits every number is a `seq`: the rows have all numbers of the room."""
    seqs = [row.seq for row in reading.rows]
    if seqs != sorted(set(seqs)):
        findings.add("order", f"{reading.reader} read {reading.room} out of order")
    missing = set(range(reading.base + 1, reading.head + 1)) - set(seqs)
    if missing:
        findings.add(
            "hole",
            f"{reading.reader} lacks {sorted(missing)[:3]} of {reading.head} in {reading.room}",
            len(missing),
        )
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
    truth = {row.seq: row.id for row in log.rows}
    other = [row.seq for row in reading.rows if row.seq in truth and truth[row.seq] != row.id]
    if other:
        findings.add(
            "order", f"{reading.reader} sees something else at {other[:3]} of {reading.room}", len(other)
        )
    if reading.head != log.head:
        findings.add("hole", f"{reading.reader} has come to {reading.head} of {log.head} in {reading.room}")
    check_numbers(findings, reading)
    check_unread(findings, reading)
