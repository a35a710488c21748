"""Named limits per action. Furniture of the doors: they ask before they call a service.

What happens often (frames, requests, sends, typing, sockets) is counted in this process; what is rare and worth abusing is counted in the cache,
which all processes share. The numbers are settings.LIMIT_NUMBERS; LIMITS=off switches all of them off. Clocks are passed in.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.client_address import address_of_scope as address_of_scope
from conversations.exceptions import TooManyTries
from conversations.throttling.windows import SharedWindow

UNLIMITED = 1_000_000
"""What browsers are told where nothing is limited; they pace themselves by it."""
TOLD = (
    "sends_burst",
    "sends_per_s",
    "typing_every_ms",
    "sockets_a_person",
    "new_conversations_a_day",
    "open_invites",
)
MINUTE, HOUR = 60.0, 3600.0


def limit(name: str) -> int:
    return int(settings.LIMIT_NUMBERS[name])


def told_limits() -> dict[str, int | float]:
    """What the greeting tells of the limits in force."""
    if settings.LIMITS:
        return {name: limit(name) for name in TOLD}
    return {name: 0 if name.endswith("_ms") else UNLIMITED for name in TOLD}


# --- In this process: token buckets ---


@dataclass(slots=True)
class Bucket:
    tokens: float
    at: float


class Buckets:
    """One bucket for each subject: `burst` tokens at once, then `per_second` a second. Forgets those that have not been touched longest."""

    KEPT = 50_000

    def __init__(self) -> None:
        self.buckets: OrderedDict[Any, Bucket] = OrderedDict()
        self.lock = threading.Lock()

    def take(self, subject: Any, *, burst: float, per_second: float, now: float, count: float = 1) -> None:
        """Raises TooManyTries, with the time at which so many tokens are there."""
        count = min(count, burst)
        with self.lock:
            bucket = self.buckets.setdefault(subject, Bucket(burst, now))
            self.buckets.move_to_end(subject)
            bucket.tokens = min(burst, bucket.tokens + max(0.0, now - bucket.at) * per_second)
            bucket.at = now
            if bucket.tokens < count:
                raise TooManyTries(retry_after_ms=int((count - bucket.tokens) / per_second * 1000) + 1)
            bucket.tokens -= count
            if len(self.buckets) > self.KEPT:
                self.buckets.popitem(last=False)

    def clear(self) -> None:
        with self.lock:
            self.buckets.clear()


frames, sends, typing, visits = Buckets(), Buckets(), Buckets(), Buckets()
ROOMS_A_TOKEN = 5
"""Rooms of one `sync` that cost as much as a command of their own."""


def allow_frame(
    user_id: int, *, address: str | None = None, count: float = 1, now: float | None = None
) -> None:
    """Any command or look-up, over a socket or over HTTP: both draw from one bucket of the person and one of the address.

    Args:
        count: what it costs, in commands.

    Raises:
        TooManyTries
    """
    if settings.LIMITS:
        now = monotonic(now)
        frames.take(
            user_id, burst=limit("frames_burst"), per_second=limit("frames_per_s"), now=now, count=count
        )
        if address is not None:
            allow_visit(address, count=count, now=now)


def allow_visit(address: str, *, count: float = 1, now: float | None = None) -> None:
    """The same for who is not known, or not yet. Raises TooManyTries."""
    if settings.LIMITS:
        visits.take(
            address,
            burst=limit("address_burst"),
            per_second=limit("address_per_s"),
            now=monotonic(now),
            count=count,
        )


def weight_of_sync(rooms: int) -> float:
    """A sync that names a hundred rooms is not one look-up."""
    return 1 + rooms // ROOMS_A_TOKEN


def allow_message(user_id: int, *, now: float | None = None) -> None:
    """A send, over whichever door: all doors of a process draw from one bucket of the person. Raises TooManyTries."""
    if settings.LIMITS:
        sends.take(user_id, burst=limit("sends_burst"), per_second=limit("sends_per_s"), now=monotonic(now))


def allow_send(user_id: int, is_repeat: Callable[[], bool]) -> None:
    """The same at a door that may ask the database: what is stored already is told whatever the limits say (P2). Raises TooManyTries."""
    try:
        allow_message(user_id)
    except TooManyTries:
        if not is_repeat():
            raise


def allow_typing(user_id: int, room: str, *, now: float | None = None) -> None:
    """A sign of typing in one room. Raises TooManyTries."""
    if settings.LIMITS:
        typing.take((user_id, room), burst=1, per_second=1000 / limit("typing_every_ms"), now=monotonic(now))


def monotonic(now: float | None) -> float:
    return time.monotonic() if now is None else now


# --- In this process: open sockets ---


@dataclass(frozen=True, eq=False, slots=True)
class Ticket:
    """The right to one socket. `give_way` tells that socket that another one has taken its place."""

    user_id: int
    address: str
    give_way: Callable[[], None] = lambda: None


Places = dict[Ticket, None]
"""Tickets in the order in which they were given out."""


class Sockets:
    """The sockets that are open, by person and by address. One person, or one machine with many accounts, could otherwise hold every
    socket this process can carry.

    A person's newest socket takes the place of their oldest: a phone on a bad line would lock itself out behind its own dead sockets. Where
    an address is full, whoever holds most there gives way, so that one visitor cannot keep the others of an office or a proxy out; only
    where everybody has a single socket is the newest one refused.
    """

    WAIT_MS = 30_000

    def __init__(self) -> None:
        self.people: dict[int, Places] = {}
        self.addresses: dict[str, Places] = {}
        self.lock = threading.Lock()

    def admit(self, ticket: Ticket) -> None:
        """Raises TooManyTries when nobody can fairly give way."""
        with self.lock:
            leaving = self.who_gives_way(ticket)
            for other in leaving:
                self.remove(other)
            self.people.setdefault(ticket.user_id, {})[ticket] = None
            self.addresses.setdefault(ticket.address, {})[ticket] = None
        for other in leaving:
            other.give_way()

    def who_gives_way(self, ticket: Ticket) -> list[Ticket]:
        mine, here = self.people.get(ticket.user_id, {}), self.addresses.get(ticket.address, {})
        leaving = [next(iter(mine))] if len(mine) >= limit("sockets_a_person") else []
        if len(here) >= limit("sockets_an_address") and not any(other in here for other in leaving):
            leaving.append(self.fullest(here, ticket.user_id))
        return leaving

    def fullest(self, here: Places, newcomer: int) -> Ticket:
        """The oldest ticket at an address of who holds most there; of the newcomer, unless that one would still have fewer."""
        held = Counter(other.user_id for other in here)
        user_id, most = held.most_common(1)[0]
        if most < held[newcomer] + 2:
            user_id = newcomer
        if not held[user_id]:
            raise TooManyTries(retry_after_ms=self.WAIT_MS)
        return next(other for other in here if other.user_id == user_id)

    def dismiss(self, ticket: Ticket) -> None:
        """Any number of times."""
        with self.lock:
            self.remove(ticket)

    def remove(self, ticket: Ticket) -> None:
        take_out(self.people, ticket.user_id, ticket)
        take_out(self.addresses, ticket.address, ticket)


def take_out(books: dict[Any, Places], subject: Any, ticket: Ticket) -> None:
    places = books.get(subject, {})
    places.pop(ticket, None)
    if not places:
        books.pop(subject, None)


sockets = Sockets()


def admit_socket(
    user_id: int, scope: Mapping[str, Any], give_way: Callable[[], None] = lambda: None
) -> Ticket | None:
    """A ticket for one socket of this person from this address, to be given back. Another socket may be told to give way.

    Raises TooManyTries.
    """
    if not settings.LIMITS:
        return None
    ticket = Ticket(user_id, address_of_scope(scope), give_way)
    sockets.admit(ticket)
    return ticket


def dismiss_socket(ticket: Ticket | None) -> None:
    """Give a ticket back; None is taken too, and one that was given back already."""
    if ticket is not None:
        sockets.dismiss(ticket)


# --- Shared by all processes: windows in the cache (throttling/windows.py) ---


shared = SharedWindow()


@dataclass(frozen=True, slots=True)
class Try:
    """A guess that has been counted already. What turns out to be none is given back."""

    counters: tuple[str, ...] = ()

    def give_back(self) -> None:
        for counter in self.counters:
            shared.give_back(counter)


def take_try(windows: list[tuple[str, int, float]], now: float) -> Try:
    """Raises TooManyTries; then nothing is counted."""
    taken: list[str] = []
    try:
        for key, most, period in windows:
            taken.append(shared.take(key, most=most, period=period, now=now))
    except TooManyTries:
        Try(tuple(taken)).give_back()
        raise
    return Try(tuple(taken))


def take_invite_try(*, address: str, user_id: int | None, now: float | None = None) -> Try:
    """May a token be looked up from here, or a claim be tried? They count together, and the try is counted before the look.

    A full count shuts out good tokens, too, or guessing would go on behind it (safety.md T15); opening a link that exists costs its visitor
    nothing: whoever looked gives it back. Raises TooManyTries.
    """
    return take_try(invite_windows(address, user_id), wall(now)) if settings.LIMITS else Try()


def take_person_try(*, user_id: int, now: float | None = None) -> Try:
    """The same for asking whether there is a person of this name: names cannot be tried one after the other. Raises TooManyTries."""
    return (
        take_try([(f"person-account:{user_id}", limit("unknown_people_a_minute"), MINUTE)], wall(now))
        if settings.LIMITS
        else Try()
    )


def invite_windows(address: str, user_id: int | None) -> list[tuple[str, int, float]]:
    windows = [(f"invite-address:{address}", limit("unknown_tokens_a_minute"), MINUTE)]
    if user_id is not None:
        windows.append((f"invite-account:{user_id}", limit("claims_an_hour"), HOUR))
    return windows


def wall(now: float | None) -> float:
    """Processes share no monotonic clock. A step of this one shortens or lengthens one window, nothing else."""
    return time.time() if now is None else now
