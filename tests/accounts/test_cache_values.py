"""What comes out of the cache is data of anybody who can reach it."""

from typing import Any

import pytest
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.test import RequestFactory

from accounts.rate_limits import retry_after_s, windows_for


@pytest.mark.parametrize("kept", [7, "text", None, {"a": 1}, True, [1, "x", None, float("nan")]], ids=repr)
def test_tries_of_another_type_count_as_none(kept: Any, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    request = RequestFactory().post("/accounts/login/")
    places = windows_for(request, "login", None)
    assert places
    for _rate, place in places:
        cache.set(place, kept)
    assert retry_after_s(request, "login") == 0
    for _rate, place in places:
        cache.delete(place)
    assert ratelimit.consume(request, app="allauth.account", action="login")
