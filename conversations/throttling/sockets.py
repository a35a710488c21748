"""Socket slots: how many sockets one user and one address may have open, and which one is evicted.

Without them, one user, or one machine with many accounts, could hold every socket that this process can
carry.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conversations.exceptions import TooManyTries

WAIT_MS = 30_000


@dataclass(frozen=True, eq=False, slots=True)
class SocketSlot:
    """The right to one socket. `on_evicted` is called when another socket takes the slot."""

    user_id: int
    address: str
    on_evicted: Callable[[], None] = lambda: None


Slots = dict[SocketSlot, None]
"""In the order in which they were acquired."""


class SocketSlots:
    """The slots in use, by user and by address.

    A user's newest socket takes the slot of their oldest: a phone on a bad line would otherwise lock itself
    out behind its own dead sockets. At a full address, the user with the most sockets there loses one, so
    that one user cannot keep out the others of an office or a proxy. The newest socket is rejected only where
    every user has a single one.
    """

    def __init__(self) -> None:
        self.by_user: dict[int, Slots] = {}
        self.by_address: dict[str, Slots] = {}
        self.lock = threading.Lock()

    def acquire(self, slot: SocketSlot, *, per_user: int, per_address: int) -> None:
        """Raises TooManyTries when no other socket can fairly be evicted."""
        with self.lock:
            evicted = self.choose_evicted(slot, per_user, per_address)
            for other in evicted:
                self.remove(other)
            self.by_user.setdefault(slot.user_id, {})[slot] = None
            self.by_address.setdefault(slot.address, {})[slot] = None
        for other in evicted:
            other.on_evicted()

    def choose_evicted(self, slot: SocketSlot, per_user: int, per_address: int) -> list[SocketSlot]:
        mine, here = self.by_user.get(slot.user_id, {}), self.by_address.get(slot.address, {})
        evicted = [next(iter(mine))] if len(mine) >= per_user else []
        if len(here) >= per_address and not any(other in here for other in evicted):
            evicted.append(self.fullest(here, slot.user_id))
        return evicted

    def fullest(self, here: Slots, newcomer: int) -> SocketSlot:
        """The oldest slot of the user with the most slots at an address; of the newcomer, unless the newcomer
        would still have fewer."""
        held = Counter(other.user_id for other in here)
        user_id, most = held.most_common(1)[0]
        if most < held[newcomer] + 2:
            user_id = newcomer
        if not held[user_id]:
            raise TooManyTries(retry_after_ms=WAIT_MS)
        return next(other for other in here if other.user_id == user_id)

    def release(self, slot: SocketSlot) -> None:
        """May be called any number of times."""
        with self.lock:
            self.remove(slot)

    def remove(self, slot: SocketSlot) -> None:
        discard(self.by_user, slot.user_id, slot)
        discard(self.by_address, slot.address, slot)


def discard(slots_by: dict[Any, Slots], subject: Any, slot: SocketSlot) -> None:
    slots = slots_by.get(subject, {})
    slots.pop(slot, None)
    if not slots:
        slots_by.pop(subject, None)
