"""Where a day begins in a history."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo

from conversations.access import Membership
from conversations.models import Message


def seq_at(*, membership: Membership, day: date, zone: tzinfo) -> int | None:
    """The first message on or after this day; the newest one if there is none; None in an empty chat.

    Times grow with the numbers, so it is found by halving: about twenty statements by key for a million
    messages, and no index on times.
    """
    moment = start_of(day, zone)
    stored = Message.objects.filter(conversation_id=membership.conversation.id)
    newest = stored.after(membership.me.cleared_seq).order_by("-seq").values_list("seq", flat=True).first()
    low, high, found = membership.me.cleared_seq + 1, newest or 0, newest
    while low <= high:
        middle = (low + high) // 2
        seq, created_at = stored.after(middle - 1).order_by("seq").values_list("seq", "created_at")[0]
        if created_at >= moment:
            found, high = seq, middle - 1
        else:
            low = seq + 1
    return found


def start_of(day: date, zone: tzinfo) -> datetime:
    """Midnight of this day in this zone. The first and the last day of the calendar may be outside of it in
    UTC."""
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time(), UTC)
