"""Named limits per action. The transports ask before they call a service.

What happens often (frames, requests, messages, typing, sockets) is counted in this process; what is rare and
worth abusing is counted in the cache. The numbers are settings.LIMIT_NUMBERS; LIMITS=off switches all of them
off. Clocks are passed in.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from accounts.client_address import address_of_scope
from conversations.exceptions import TooManyTries, TooManyUploads
from conversations.throttling.buckets import Buckets
from conversations.throttling.sockets import SocketSlot, SocketSlots
from conversations.throttling.windows import Attempt, take_attempt

UNLIMITED = 1_000_000
"""What clients are told where nothing is limited; they pace themselves by it."""
ANNOUNCED = (
    "sends_burst",
    "sends_per_s",
    "reactions_burst",
    "reactions_per_s",
    "drafts_burst",
    "drafts_per_s",
    "typing_every_ms",
    "sockets_a_person",
    "new_conversations_a_day",
    "open_invites",
)
PER_MESSAGE = 10
"""Attachments of one message."""
MINUTE, HOUR = 60.0, 3600.0
ROOMS_A_TOKEN = 5
"""Rooms of one `sync` that cost as much as a command of their own."""

frames, sends, typing, visits = Buckets(), Buckets(), Buckets(), Buckets()
reactions, drafts = Buckets(), Buckets()
downloads: Counter[int] = Counter()
"""Downloads that are being sent, by user. Only the event loop changes it."""
socket_slots = SocketSlots()


def limit(name: str) -> int:
    return int(settings.LIMIT_NUMBERS[name])


def announced_limits() -> dict[str, int | float]:
    """The limits in force, for the greeting."""
    if settings.LIMITS:
        return {name: limit(name) for name in ANNOUNCED}
    return {name: 0 if name.endswith("_ms") else UNLIMITED for name in ANNOUNCED}


def attachment_limits() -> dict[str, int]:
    """The limits of files, for the greeting."""
    own = {
        "uploads_an_hour": limit("uploads_an_hour"),
        "bytes_a_person": settings.ATTACHMENT_BYTES_A_PERSON,
    }
    return {
        "max_bytes": settings.ATTACHMENT_BYTES,
        "per_message": PER_MESSAGE,
        "part_bytes": settings.ATTACHMENT_PART_BYTES,
        "whole_bytes": settings.ATTACHMENT_WHOLE_BYTES,
        **(own if settings.LIMITS else {}),
    }


def monotonic(now: float | None) -> float:
    return time.monotonic() if now is None else now


def unix_time(now: float | None) -> float:
    """Processes share no monotonic clock.

    A step of this one shortens or lengthens one window, nothing else.
    """
    return time.time() if now is None else now


# --- Token buckets ---


def allow_frame(
    user_id: int, *, address: str | None = None, count: float = 1, now: float | None = None
) -> None:
    """Any command or query, over a socket or HTTP. Both draw from one bucket per user and one per address.

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


def charge_frame(user_id: int, *, count: float, now: float | None = None) -> None:
    """What a request has cost beyond what it was counted for before its work. Refuses nothing itself."""
    if settings.LIMITS:
        burst, per_second = limit("frames_burst"), limit("frames_per_s")
        frames.charge(user_id, burst=burst, per_second=per_second, now=monotonic(now), count=count)


def allow_visit(address: str, *, count: float = 1, now: float | None = None) -> None:
    """The same for a client whose user is unknown, or not known yet. Raises TooManyTries."""
    if settings.LIMITS:
        visits.take(
            address,
            burst=limit("address_burst"),
            per_second=limit("address_per_s"),
            now=monotonic(now),
            count=count,
        )


def weight_of_sync(rooms: int) -> float:
    """A sync that names a hundred rooms is not one query."""
    return 1 + rooms // ROOMS_A_TOKEN


def allow_message(user_id: int, *, now: float | None = None) -> None:
    """A message, over whichever transport: all of a process draw from one bucket of the user.

    Raises TooManyTries.
    """
    if settings.LIMITS:
        sends.take(user_id, burst=limit("sends_burst"), per_second=limit("sends_per_s"), now=monotonic(now))


def allow_send(user_id: int, is_repeat: Callable[[], bool]) -> None:
    """The same for HTTP, which may query the database: a repeat of a stored message always passes (P2).

    Raises TooManyTries.
    """
    try:
        allow_message(user_id)
    except TooManyTries:
        if not is_repeat():
            raise


def allow_reaction(user_id: int, *, now: float | None = None) -> None:
    """A reaction, set or taken back, over whichever transport: each that changes something is a number and a
    push to both people.

    Raises TooManyTries.
    """
    if settings.LIMITS:
        burst, per_second = limit("reactions_burst"), limit("reactions_per_s")
        reactions.take(user_id, burst=burst, per_second=per_second, now=monotonic(now))


def allow_draft(user_id: int, *, now: float | None = None) -> None:
    """A draft, over whichever transport: pages save one half a second after the last key.

    Raises TooManyTries.
    """
    if settings.LIMITS:
        drafts.take(
            user_id, burst=limit("drafts_burst"), per_second=limit("drafts_per_s"), now=monotonic(now)
        )


def allow_typing(user_id: int, room: str, *, now: float | None = None) -> None:
    """A start of typing in one room. Raises TooManyTries."""
    if settings.LIMITS:
        typing.take((user_id, room), burst=1, per_second=1000 / limit("typing_every_ms"), now=monotonic(now))


# --- Open sockets ---


def acquire_socket(
    user_id: int, scope: Mapping[str, Any], on_evicted: Callable[[], None] = lambda: None
) -> SocketSlot | None:
    """A slot for one socket of this user from this address, to be released. Another socket may be evicted.

    Raises TooManyTries.
    """
    if not settings.LIMITS:
        return None
    slot = SocketSlot(user_id, address_of_scope(scope), on_evicted)
    socket_slots.acquire(slot, per_user=limit("sockets_a_person"), per_address=limit("sockets_an_address"))
    return slot


def release_socket(slot: SocketSlot | None) -> None:
    """Takes None, and a slot that was released already."""
    if slot is not None:
        socket_slots.release(slot)


# --- Windows in the cache ---


def take_invite_attempt(*, address: str, user_id: int | None, now: float | None = None) -> Attempt:
    """Before a token is looked up or a claim is tried: both count together, before the lookup.

    A full window rejects valid tokens, too, or guessing would go on behind it (docs/threats.md T15). Opening
    a link that exists costs nothing: the caller refunds the attempt. Raises TooManyTries.
    """
    return take_attempt(invite_windows(address, user_id), unix_time(now)) if settings.LIMITS else Attempt()


def take_person_attempt(*, user_id: int, now: float | None = None) -> Attempt:
    """The same before a username is looked up, so that names cannot be tried one after the other.

    Raises TooManyTries.
    """
    window = (f"person-account:{user_id}", limit("unknown_people_a_minute"), MINUTE)
    return take_attempt([window], unix_time(now)) if settings.LIMITS else Attempt()


def take_upload(*, user_id: int, now: float | None = None) -> Attempt:
    """Before an upload is announced. Raises TooManyUploads."""
    window = (f"uploads:{user_id}", limit("uploads_an_hour"), HOUR)
    try:
        return take_attempt([window], unix_time(now)) if settings.LIMITS else Attempt()
    except TooManyTries as refusal:
        raise TooManyUploads(retry_after_ms=refusal.retry_after_ms) from None


def invite_windows(address: str, user_id: int | None) -> list[tuple[str, int, float]]:
    windows = [(f"invite-address:{address}", limit("unknown_tokens_a_minute"), MINUTE)]
    if user_id is not None:
        windows.append((f"invite-account:{user_id}", limit("claims_an_hour"), HOUR))
    return windows


# --- Open downloads ---


def allow_download(user_id: int) -> None:
    """One more at the same time. Those that begin at one instant may be a few more: each costs little.

    Raises TooManyTries.
    """
    if settings.LIMITS and downloads[user_id] >= limit("downloads_at_once"):
        raise TooManyTries(retry_after_ms=5_000)


@contextmanager
def counted_download(user_id: int) -> Iterator[None]:
    """While a client reads. On the event loop."""
    downloads[user_id] += 1
    try:
        yield
    finally:
        downloads[user_id] -= 1
        if downloads[user_id] <= 0:
            del downloads[user_id]
