"""Rate limits: the time until allauth's limits allow another attempt; allauth does not report it."""

from __future__ import annotations

import math
import time

from allauth.core.internal.ratelimit import Rate, get_cache_key, get_rates
from django.core.cache import cache
from django.http import HttpRequest  # noqa: TID251 (only a type)
from django.utils.translation import ngettext

from accounts.cache_values import moments_in

ALLAUTH = "allauth.account"


def retry_after_s(request: HttpRequest, *actions: str, key: str | None = None) -> int:
    """Seconds until the next attempt is allowed, rounded up so that a retry is never too early.

    Args:
        key: the custom key of limits that count neither by address nor by account; None if there are none.
    """
    now = time.time()
    windows = [window for action in actions for window in windows_for(request, action, key)]
    return math.ceil(
        max(
            (seconds_until_free(moments_in(cache.get(cache_key)), rate, now) for rate, cache_key in windows),
            default=0,
        )
    )


def windows_for(request: HttpRequest, action: str, key: str | None) -> list[tuple[Rate, str]]:
    """The rates that allauth counts for an action, each with its cache key."""
    rates = get_rates(app=ALLAUTH, action=action)
    return [(rate, get_cache_key(request, app=ALLAUTH, action=action, rate=rate, key=key)) for rate in rates]


def seconds_until_free(attempts: list[float], rate: Rate, now: float) -> float:
    """`attempts` are timestamps, newest first. The window is free when its oldest counted attempt expires."""
    return max(0, attempts[rate.amount - 1] + rate.duration - now) if len(attempts) >= rate.amount else 0


def wait_sentence(seconds: int) -> str:
    """The sentence "Wait ...", rounded up to a whole unit."""
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
