"""Change poller: finds what changed in the database and was not delivered, and notifies those sockets.

One statement serves the whole process, whatever the number of sockets. It finds what the channel layer lost,
what another process wrote while Redis was unavailable, and what a management command wrote beside the server.
What it sends is a hint: clients compare numbers and ask for what they lack.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from django.conf import settings

from conversations.db.executor import run_query
from conversations.exceptions import Busy
from conversations.journal import current_epoch
from conversations.monitors.periodic import PeriodicTask, PerLoop
from conversations.selectors.conversations import Heads, Position, moved_between, position

logger = logging.getLogger(__name__)
POLLS_COVERED = 3
"""A poll covers the ones before it, too: while one is running, a greeting may be read before it and its
socket join after it."""
FIRST_OVERLAP, LOST_OVERLAP = 1_000, 10_000
"""How many commit numbers a poll goes back when it is the first one, and after the database was unavailable
or went back."""

Listener = Callable[[Heads], Awaitable[None]]
Numbers = tuple[int, int]
"""Head of a room, and the mark of one participant in it."""
Known = dict[int, dict[str, Numbers]]
"""Numbers by user id and room."""


class ChangePoller:
    """Polls for the sockets of one event loop, while at least one listens."""

    def __init__(self) -> None:
        self.listeners: dict[int, set[Listener]] = defaultdict(set)
        self.epoch = ""
        self.is_epoch_in_doubt = False
        """A socket was greeted in another epoch than that of the last poll."""
        self.delivered: Known = {}
        """The newest numbers that any socket here has been sent."""
        self.lagging: Known = {}
        """What the last poll found ahead of that."""
        self.changed: Known = {}
        """What changed since the heads were last sent."""
        self.heads_due_at = 0.0
        self.seen: deque[Position] = deque(maxlen=POLLS_COVERED)
        """How far the last polls saw, in commit numbers: no clock, no longest commit (docs/protocol.md P12).
        """
        self.task = PeriodicTask(
            self.poll,
            seconds=lambda: settings.POLL_EVERY_MS / 1000,
            prepare=self.prepare,
            logger=logger,
            name="the poll for changes",
        )

    def join(self, user_id: int, listener: Listener, greeted: Heads) -> None:
        """Listen from now on. `greeted` is what this socket's greeting said of its rooms."""
        if user_id not in self.listeners:
            self.delivered[user_id] = {
                room: (head, greeted.marks.get(room, 0)) for room, head in greeted.rooms.items()
            }
        self.listeners[user_id].add(listener)
        if self.task.start():
            self.epoch = greeted.epoch
        elif greeted.epoch != self.epoch:
            self.is_epoch_in_doubt = True

    def leave(self, user_id: int, listener: Listener) -> None:
        self.listeners[user_id].discard(listener)
        if not self.listeners[user_id]:
            for known in (self.listeners, self.delivered, self.lagging, self.changed):
                known.pop(user_id, None)
        if not self.listeners:
            self.task.stop()

    def note_delivered(self, user_id: int, room: str, head: int, mark: int) -> None:
        """A socket of this user was sent a frame up to these numbers (0: it carries no such number)."""
        rooms = self.delivered.setdefault(user_id, {})
        before = rooms.get(room, (0, 0))
        rooms[room] = (max(head, before[0]), max(mark, before[1]))

    async def prepare(self) -> None:
        self.seen.clear()
        with suppress(Busy):
            self.seen.append((await run_query(position)).overlapping(FIRST_OVERLAP))
        self.heads_due_at = time.monotonic() + settings.HEADS_EVERY_MS / 1000

    async def poll(self) -> None:
        """Notify the users who lag, and every HEADS_EVERY_MS all whose rooms changed."""
        epoch, until = await run_query(current_epoch), await run_query(position)
        since = self.seen[0] if self.seen else until.overlapping(LOST_OVERLAP)
        if until < since:
            # The database went back, or a replica took over.
            self.seen.clear()
            since = until.overlapping(LOST_OVERLAP)
        rows = await run_query(moved_between, since, until)
        self.seen.append(until)
        if epoch != self.epoch or self.is_epoch_in_doubt:
            await self.begin_epoch(epoch)
        lagging = self.find_lagging([row for row in rows if row[2] in self.listeners])
        if time.monotonic() >= self.heads_due_at:
            self.heads_due_at = time.monotonic() + settings.HEADS_EVERY_MS / 1000
            lagging, self.changed = self.changed, {}
        await self.notify(lagging)

    def find_lagging(self, rows: list[tuple[str, int, int, int]]) -> Known:
        """Users who lagged at the last poll and still lack what it saw.

        One poll proves nothing: a push may be on its way at this moment.
        """
        lagging: Known = {}
        before, self.lagging = self.lagging, {}
        now = {(user_id, room): (head, mark) for room, head, user_id, mark in rows}
        for (user_id, room), numbers in now.items():
            self.changed.setdefault(user_id, {})[room] = numbers
            if is_ahead(numbers, self.delivered_to(user_id, room)) and room not in before.get(user_id, {}):
                self.lagging.setdefault(user_id, {})[room] = numbers
        for user_id, rooms in before.items():
            for room, numbers in rooms.items():
                newest = now.get((user_id, room), numbers)
                if is_ahead(numbers, self.delivered_to(user_id, room)):
                    lagging.setdefault(user_id, {})[room] = newest
                    self.note_delivered(user_id, room, *newest)
                elif is_ahead(newest, self.delivered_to(user_id, room)):
                    self.lagging.setdefault(user_id, {})[room] = newest
        return lagging

    def delivered_to(self, user_id: int, room: str) -> Numbers:
        return self.delivered.get(user_id, {}).get(room, (0, 0))

    async def begin_epoch(self, epoch: str) -> None:
        """A backup was restored under the running process: the known numbers belong to another history
        (docs/protocol.md P11)."""
        self.epoch, self.is_epoch_in_doubt = epoch, False
        self.delivered, self.lagging, self.changed = {}, {}, {}
        await self.notify({user_id: {} for user_id in self.listeners})

    async def notify(self, known: Known) -> None:
        for user_id, rooms in known.items():
            heads = Heads(
                self.epoch,
                {room: head for room, (head, _) in rooms.items()},
                {room: mark for room, (_, mark) in rooms.items()},
            )
            for listener in tuple(self.listeners.get(user_id, ())):
                try:
                    await listener(heads)
                except Exception as error:
                    # One broken socket must not keep the heads from the others.
                    logger.warning("heads could not be sent to a socket (%s)", type(error).__name__)


def is_ahead(numbers: Numbers, of: Numbers) -> bool:
    return numbers[0] > of[0] or numbers[1] > of[1]


change_poller = PerLoop(ChangePoller)
