"""Queries about blocks."""

from django.db.models import Q

from conversations.models import Block


def is_blocked(user_a: int, user_b: int) -> bool:
    """Does either of the two block the other?"""
    return Block.objects.filter(
        Q(blocker_id=user_a, blocked_id=user_b) | Q(blocker_id=user_b, blocked_id=user_a)
    ).exists()
