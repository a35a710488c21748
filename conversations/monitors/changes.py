"""The pulse of a process: asks the database each second what moved, and sees to it that every socket hears of it.

One statement for the whole process, whatever the number of sockets. It carries what the layer lost, what another process wrote while Redis
was away, and what a management command wrote beside the server. All of it is a hint: devices compare numbers and ask for what they lack.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from django.conf import settings

from conversations.db.executor import run_query
from conversations.exceptions import Busy
from conversations.journal import current_epoch
from conversations.selectors.conversations import Heads, Position, moved_between, position

logger = logging.getLogger(__name__)
POLLS_COVERED = 3
"""A look covers those before it, too: a greeting is read and its socket joins while a look is on its way."""
FIRST_OVERLAP, LOST_OVERLAP = 1_000, 10_000
"""How many numbers of commits a look goes back when it is the first one, and when the database was away or went back."""

Listener = Callable[[Heads], Awaitable[None]]
Numbers = tuple[int, int]
"""Head of a room, and the mark of one participant in it."""
Known = dict[int, dict[str, Numbers]]
"""What is known of each person's rooms."""


class ChangePoller:
    """The beat of one event loop. It runs while anybody listens."""

    def __init__(self) -> None:
        self.listeners: dict[int, set[Listener]] = defaultdict(set)
        self.task: asyncio.Task[None] | None = None
        self.epoch = ""
        self.is_doubtful = False
        """Somebody was greeted in another epoch than that of the last look."""
        self.delivered: Known = {}
        """The newest numbers that any socket here has been pushed."""
        self.lagging: Known = {}
        """What the last look found ahead of that."""
        self.changed: Known = {}
        """What moved since the last beat."""
        self.heads_due_at = 0.0
        self.seen: deque[Position] = deque(maxlen=POLLS_COVERED)
        """How far the last looks saw, in numbers of commits: no clock, and no longest commit (protocol.md P12)."""

    def join(self, user_id: int, listener: Listener, greeted: Heads) -> None:
        """Listen from now on. `greeted` is what this socket has just been told of its rooms."""
        if user_id not in self.listeners:
            self.delivered[user_id] = {
                room: (head, greeted.marks.get(room, 0)) for room, head in greeted.rooms.items()
            }
        self.listeners[user_id].add(listener)
        if self.task is None or self.task.done():
            self.epoch = greeted.epoch
            self.task = asyncio.get_running_loop().create_task(self.run())
        elif greeted.epoch != self.epoch:
            self.is_doubtful = True

    def leave(self, user_id: int, listener: Listener) -> None:
        self.listeners[user_id].discard(listener)
        if not self.listeners[user_id]:
            for known in (self.listeners, self.delivered, self.lagging, self.changed):
                known.pop(user_id, None)
        if not self.listeners and self.task is not None:
            self.task.cancel()
            # Whoever joins before the cancelled task has noticed needs a new one.
            self.task = None

    def note_delivered(self, user_id: int, room: str, head: int, mark: int) -> None:
        """A socket of this person was pushed a frame that tells up to these numbers (0: nothing of that kind)."""
        rooms = self.delivered.setdefault(user_id, {})
        before = rooms.get(room, (0, 0))
        rooms[room] = (max(head, before[0]), max(mark, before[1]))

    async def run(self) -> None:
        self.seen.clear()
        with suppress(Busy):
            self.seen.append((await run_query(position)).overlapping(FIRST_OVERLAP))
        self.heads_due_at = time.monotonic() + settings.HEADS_EVERY_MS / 1000
        while self.listeners:
            await asyncio.sleep(settings.POLL_EVERY_MS / 1000)
            try:
                await self.poll()
            except Busy:
                logger.warning("the database is away; the next look covers this one")
            except Exception:
                # Without this everybody who is connected would go without beats from here on.
                logger.exception("a look at what moved failed; the next one covers it")

    async def poll(self) -> None:
        """Tell whoever lags, and every HEADS_EVERY_MS everybody whose rooms moved."""
        value, until = await run_query(current_epoch), await run_query(position)
        since = self.seen[0] if self.seen else until.overlapping(LOST_OVERLAP)
        if until < since:
            # The database went back, or another one took over.
            self.seen.clear()
            since = until.overlapping(LOST_OVERLAP)
        moved = await run_query(moved_between, since, until)
        self.seen.append(until)
        if value != self.epoch or self.is_doubtful:
            await self.begin_epoch(value)
        late = self.find_lagging([row for row in moved if row[2] in self.listeners])
        if time.monotonic() >= self.heads_due_at:
            self.heads_due_at = time.monotonic() + settings.HEADS_EVERY_MS / 1000
            late, self.changed = self.changed, {}
        await self.notify(late)

    def find_lagging(self, moved: list[tuple[str, int, int, int]]) -> Known:
        """Whoever was behind at the last look and still lacks what it saw. Once is no sign: a push may be on its way at this moment."""
        late: Known = {}
        before, self.lagging = self.lagging, {}
        now = {(user_id, room): (head, mark) for room, head, user_id, mark in moved}
        for (user_id, room), numbers in now.items():
            self.changed.setdefault(user_id, {})[room] = numbers
            if is_ahead(numbers, self.delivered_to(user_id, room)) and room not in before.get(user_id, {}):
                self.lagging.setdefault(user_id, {})[room] = numbers
        for user_id, rooms in before.items():
            for room, numbers in rooms.items():
                newest = now.get((user_id, room), numbers)
                if is_ahead(numbers, self.delivered_to(user_id, room)):
                    late.setdefault(user_id, {})[room] = newest
                    self.note_delivered(user_id, room, *newest)
                elif is_ahead(newest, self.delivered_to(user_id, room)):
                    self.lagging.setdefault(user_id, {})[room] = newest
        return late

    def delivered_to(self, user_id: int, room: str) -> Numbers:
        return self.delivered.get(user_id, {}).get(room, (0, 0))

    async def begin_epoch(self, value: str) -> None:
        """A backup was restored beneath us: the numbers we knew are of another history (protocol.md P11)."""
        self.epoch, self.is_doubtful = value, False
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
                    # One socket that breaks must not keep the beat from the others.
                    logger.warning("a socket could not be told its heads (%s)", type(error).__name__)


def is_ahead(numbers: Numbers, of: Numbers) -> bool:
    return numbers[0] > of[0] or numbers[1] > of[1]


_pollers: dict[asyncio.AbstractEventLoop, ChangePoller] = {}


def change_poller() -> ChangePoller:
    """The pulse of the running loop; a closed loop takes its own along."""
    loop = asyncio.get_running_loop()
    found = _pollers.get(loop)
    if found is None:
        for other in [known for known in _pollers if known.is_closed()]:
            del _pollers[other]
        found = _pollers[loop] = ChangePoller()
    return found
