"""Values in the cache are untrusted: any client of the cache can write them."""

from typing import Any

import pytest
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.test import RequestFactory

from accounts.cache_values import is_moment, moments_in, named_moments_in
from accounts.rate_limits import retry_after_s, windows_for


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e300, float("inf"), float("nan"), True, "1", None])
def test_a_number_that_is_no_time_of_day_counts_as_missing(value: Any) -> None:
    """JSON has integers that no float can hold: arithmetic with one raises OverflowError."""
    assert not is_moment(value)
    assert moments_in([value, 1.5]) == [1.5]
    assert named_moments_in({"a": value, "b": 1.5}) == {"b": 1.5}


@pytest.mark.parametrize("kept", [7, "text", None, {"a": 1}, True, [1, "x", None, float("nan")]], ids=repr)
def test_cached_attempts_of_a_wrong_type_count_as_none(kept: Any, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    request = RequestFactory().post("/accounts/login/")
    windows = windows_for(request, "login", None)
    assert windows
    for _rate, cache_key in windows:
        cache.set(cache_key, kept)
    assert retry_after_s(request, "login") == 0
    for _rate, cache_key in windows:
        cache.delete(cache_key)
    assert ratelimit.consume(request, app="allauth.account", action="login")
