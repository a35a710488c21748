"""How long somebody has to wait whom allauth's limits refuse. allauth counts, but does not tell."""

from __future__ import annotations

import math
import time

from allauth.core.internal.ratelimit import Rate, get_cache_key, get_rates
from django.core.cache import cache
from django.http import HttpRequest  # noqa: TID251 (a type for doors, not a door)
from django.utils.translation import ngettext

from accounts.cache_values import moments_in

ALLAUTH = "allauth.account"


def retry_after_s(request: HttpRequest, *actions: str, key: str | None = None) -> int:
    """Seconds until one more try is let through, rounded up, so that nobody comes back too early for it; 0: there is room for one.

    Args:
        key: what tries are counted by where that is neither the address nor the account; None where nothing is counted so.
    """
    now = time.time()
    windows = [window for action in actions for window in windows_for(request, action, key)]
    return math.ceil(
        max(
            (seconds_until_free(moments_in(cache.get(place)), rate, now) for rate, place in windows),
            default=0,
        )
    )


def windows_for(request: HttpRequest, action: str, key: str | None) -> list[tuple[Rate, str]]:
    """What allauth counts for an action, each with the place in the cache where the tries stand."""
    rates = get_rates(app=ALLAUTH, action=action)
    return [(rate, get_cache_key(request, app=ALLAUTH, action=action, rate=rate, key=key)) for rate in rates]


def seconds_until_free(tries: list[float], rate: Rate, now: float) -> float:
    """`tries` are the moments of those that counted, the newest first. There is room again when the oldest that fills it has gone."""
    return max(0, tries[rate.amount - 1] + rate.duration - now) if len(tries) >= rate.amount else 0


def wait_sentence(seconds: int) -> str:
    """How long until the next try, never told too short: the whole of the unit that has begun."""
    if seconds < 60:
        return ngettext("Wait %(n)d second.", "Wait %(n)d seconds.", seconds) % {"n": seconds}
    minutes = -(-seconds // 60)
    if minutes < 60:
        return ngettext("Wait %(n)d minute.", "Wait %(n)d minutes.", minutes) % {"n": minutes}
    hours = -(-minutes // 60)
    if hours > 48:
        days = -(-hours // 24)
        return ngettext("Wait %(n)d day.", "Wait %(n)d days.", days) % {"n": days}
    return ngettext("Wait %(n)d hour.", "Wait %(n)d hours.", hours) % {"n": hours}
