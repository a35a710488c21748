"""Presence and typing: leases in the cache that expire by themselves. No tables, nothing to clean up.

No state is pushed: sockets are told to read it again, and each read checks what this user may see at that
moment (docs/protocol.md P9).
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
"""Renewed every 30 seconds; after a process was killed, its users look online for no longer than this."""
TYPING_SECONDS = 6


def lease_renew(user_ids: Collection[int], *, holder: str, now: float | None = None) -> None:
    """Mark these users as online in this process, and notify their watchers.

    `holder` names the process, which ends only its own leases.
    """
    now = unix_time(now)
    with ignore_cache_errors():
        found = cache.get_many([lease_key(user_id) for user_id in user_ids])
        held = {
            lease_key(id): {**current_leases(found.get(lease_key(id)), now), holder: now + LEASE_SECONDS}
            for id in user_ids
        }
        cache.set_many(held, timeout=LEASE_SECONDS)
    notify_watchers(user_ids)


def lease_end(user_ids: Collection[int], *, holder: str, now: float | None = None) -> None:
    """End this process's leases. A user stays online while another process holds one."""
    now = unix_time(now)
    with ignore_cache_errors():
        found = cache.get_many([lease_key(user_id) for user_id in user_ids])
        for key, leases in found.items():
            others = {name: ends for name, ends in current_leases(leases, now).items() if name != holder}
            if others:
                cache.set(key, others, timeout=LEASE_SECONDS)
            else:
                cache.delete(key)
    notify_watchers(user_ids)


def presence_of(*, user: User, room: str, now: float | None = None) -> Presence | None:
    """The peer of this room as `user` may see them; None when nothing may be seen.

    Raises:
        ConversationNotFound: unknown, or not this user's.
    """
    now = unix_time(now)
    membership = access_conversation(user, room)
    visibility = visibility_between(membership)
    if not visibility.presence:
        return None
    ends = now
    with ignore_cache_errors():
        ends = max([now, *current_leases(cache.get(lease_key(membership.peer.pk)), now).values()])
    # To the minute: enough for a friend, useless for a stalker who logs a user's day.
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
    """Notify the peer's sockets that show this room that `user` has started or stopped typing.

    Nothing is stored.

    Raises:
        ConversationNotFound: unknown, or not this user's.
        CannotDeliver: a block, a closed chat or account, or typing hidden by one of the two. The client
            cannot tell which.
    """
    membership = access_conversation(user, room)
    visibility = visibility_between(membership)
    if not visibility.can_deliver or not visibility.typing:
        raise CannotDeliver
    # Without an error: it would reveal to a user who has only opened the chat whether the peer has, too.
    if visibility.has_met:
        frame = Typing(room=room, user=user.public_id, on=on, ttl_ms=TYPING_SECONDS * 1000 if on else 0)
        delivery.relay_typing(membership.peer.pk, room, frame.encode())


def typing_remember(*, user_id: int, room: str, on: bool, now: float | None = None) -> None:
    """For a peer who opens the room within the next seconds."""
    with ignore_cache_errors():
        if on:
            cache.set(typing_key(room, user_id), unix_time(now) + TYPING_SECONDS, timeout=TYPING_SECONDS)
        else:
            cache.delete(typing_key(room, user_id))


def typing_of(*, user: User, room: str, now: float | None = None) -> Typing | None:
    """Is the peer typing, and may `user` see it? Raises ConversationNotFound."""
    membership = access_conversation(user, room)
    ends = None
    with ignore_cache_errors():
        ends = cache.get(typing_key(room, membership.peer.pk))
    left = min((ends if is_moment(ends) else 0) - unix_time(now), TYPING_SECONDS)
    if left <= 0:
        return None
    visibility = visibility_between(membership)
    if not (visibility.typing and visibility.has_met):
        return None
    return Typing(room=room, user=membership.peer.public_id, on=True, ttl_ms=int(left * 1000))


def presence_refresh(user_id: int) -> None:
    """A user has changed a privacy setting: their own sockets and their watchers' read presence again."""
    delivery.request_presence_refresh([(user_group(user_id), None), (watch_group(user_id), user_id)])


def notify_watchers(user_ids: Collection[int]) -> None:
    delivery.request_presence_refresh([(watch_group(user_id), user_id) for user_id in user_ids])


def lease_key(user_id: int) -> str:
    return f"presence:{user_id}"


def typing_key(room: str, user_id: int) -> str:
    return f"typing:{room}:{user_id}"


def current_leases(leases: Any, now: float) -> dict[str, float]:
    """The end of the lease by process, without those that have expired. None lasts longer than a new one,
    whatever the cache says."""
    latest = now + LEASE_SECONDS
    return {name: min(ends, latest) for name, ends in named_moments_in(leases).items() if ends > now}


def unix_time(now: float | None) -> float:
    """Processes share no monotonic clock. A step of this one only shifts when a user stops being online."""
    return time.time() if now is None else now


@contextmanager
def ignore_cache_errors() -> Iterator[None]:
    """Without a cache all users look offline; that must never be what fails a command."""
    try:
        yield
    except Exception as error:
        # The cache itself has logged the outage once.
        logger.debug(
            "the cache is unavailable (%s); presence and typing are off for now", type(error).__name__
        )
