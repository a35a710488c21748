"""What is true only now: who is online, and who is typing. Leases in the cache that end by themselves; no tables, nothing to clean up.

Nobody is pushed a state: sockets are told to look, and what they may see is judged at that moment, every time (protocol.md P9).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.core.cache import cache

from accounts.cache_values import is_moment, named_moments_in
from conversations import delivery
from conversations.access import access_conversation
from conversations.exceptions import CannotDeliver
from conversations.protocol.events import Presence, Typing
from conversations.protocol.objects import instant
from conversations.rooms import user_group, watch_group
from conversations.selectors.visibility import visibility_between

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import User

logger = logging.getLogger(__name__)

LEASE_SECONDS = 45
"""Renewed every 30; without it a killed process leaves nobody online for longer."""
TYPING_SECONDS = 6


def lease_renew(user_ids: Collection[int], *, holder: str, now: float | None = None) -> None:
    """These people are here, says this process; whoever watches them looks. `holder` names the process, which ends only what it holds."""
    now = wall(now)
    with cache_away_is_no_matter():
        found = cache.get_many([lease_key(user_id) for user_id in user_ids])
        held = {
            lease_key(id): {**running(found.get(lease_key(id)), now), holder: now + LEASE_SECONDS}
            for id in user_ids
        }
        cache.set_many(held, timeout=LEASE_SECONDS)
    tell_watchers(user_ids)


def lease_end(user_ids: Collection[int], *, holder: str, now: float | None = None) -> None:
    """They have left this process. They stay online while another one holds a lease of theirs."""
    now = wall(now)
    with cache_away_is_no_matter():
        found = cache.get_many([lease_key(user_id) for user_id in user_ids])
        for key, leases in found.items():
            others = {name: ends for name, ends in running(leases, now).items() if name != holder}
            if others:
                cache.set(key, others, timeout=LEASE_SECONDS)
            else:
                cache.delete(key)
    tell_watchers(user_ids)


def presence_of(*, user: User, room: str, now: float | None = None) -> Presence | None:
    """The peer of this room as `user` may see them; None where nothing may be seen.

    Raises:
        ConversationNotFound: unknown, or not this person's.
    """
    now = wall(now)
    membership = access_conversation(user, room)
    visibility = visibility_between(membership)
    if not visibility.presence:
        return None
    ends = now
    with cache_away_is_no_matter():
        ends = max([now, *running(cache.get(lease_key(membership.peer.pk)), now).values()])
    # To the minute: enough for a friend, useless for whoever keeps a log of somebody's day.
    last_seen = (
        None
        if visibility.last_seen is None
        else instant(visibility.last_seen.replace(second=0, microsecond=0))
    )
    return Presence(
        user=membership.peer.public_id,
        online=ends > now,
        ttl_ms=int((ends - now) * 1000),
        last_seen=last_seen,
    )


def typing_set(*, user: User, room: str, on: bool) -> None:
    """Let the peer's sockets that show this room know that `user` types, or has stopped. Nothing is stored.

    Raises:
        ConversationNotFound: unknown, or not this person's.
        CannotDeliver: a block, a closed chat or account, or one of the two does not show typing; nobody can tell which.
    """
    membership = access_conversation(user, room)
    visibility = visibility_between(membership)
    if not visibility.can_deliver or not visibility.typing:
        raise CannotDeliver
    # Without an error: it would tell somebody who has only opened the chat whether the other one has opened it, too.
    if visibility.has_met:
        frame = Typing(room=room, user=user.public_id, on=on, ttl_ms=TYPING_SECONDS * 1000 if on else 0)
        delivery.relay_typing(membership.peer.pk, room, frame.encode())


def typing_note(*, user_id: int, room: str, on: bool, now: float | None = None) -> None:
    """For whoever opens the room within the next seconds."""
    with cache_away_is_no_matter():
        if on:
            cache.set(typing_key(room, user_id), wall(now) + TYPING_SECONDS, timeout=TYPING_SECONDS)
        else:
            cache.delete(typing_key(room, user_id))


def typing_of(*, user: User, room: str, now: float | None = None) -> Typing | None:
    """Is the peer typing, and may `user` see it? Raises ConversationNotFound."""
    membership = access_conversation(user, room)
    ends = None
    with cache_away_is_no_matter():
        ends = cache.get(typing_key(room, membership.peer.pk))
    left = (ends if is_moment(ends) else 0) - wall(now)
    if left <= 0:
        return None
    visibility = visibility_between(membership)
    if not (visibility.typing and visibility.has_met):
        return None
    return Typing(room=room, user=membership.peer.public_id, on=True, ttl_ms=int(left * 1000))


def privacy_look(user_id: int) -> None:
    """Somebody has turned a switch: their own sockets and those that watch them look again."""
    delivery.request_presence_refresh([(user_group(user_id), None), (watch_group(user_id), user_id)])


def tell_watchers(user_ids: Collection[int]) -> None:
    delivery.request_presence_refresh([(watch_group(user_id), user_id) for user_id in user_ids])


def lease_key(user_id: int) -> str:
    return f"presence:{user_id}"


def typing_key(room: str, user_id: int) -> str:
    return f"typing:{room}:{user_id}"


def running(leases: Any, now: float) -> dict[str, float]:
    """Process to end of its lease, without those that have ended."""
    return {name: ends for name, ends in named_moments_in(leases).items() if ends > now}


def wall(now: float | None) -> float:
    """Processes share no monotonic clock. A step of this one shows somebody online for a little longer or shorter, nothing else."""
    return time.time() if now is None else now


@contextmanager
def cache_away_is_no_matter() -> Iterator[None]:
    """Then nobody is seen online; that must never be what fails a command."""
    try:
        yield
    except Exception as error:
        # Told in the log once for the outage, by the cache itself.
        logger.debug("the cache is away (%s); nobody is seen online or typing for now", type(error).__name__)
