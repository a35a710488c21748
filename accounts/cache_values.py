"""PURE. Validates values read from the cache: untrusted data that any client of the cache may have written.

A value of another type counts as missing; it must never make a login fail or hide online users.
"""

from typing import Any

LATEST_MOMENT = 1e11
"""Seconds since 1970, about the year 5138. JSON has integers that no float can hold."""


def is_moment(value: Any) -> bool:
    """A timestamp: a number within bounds, so that arithmetic with it never overflows."""
    return type(value) in (int, float) and abs(value) <= LATEST_MOMENT


def moments_in(value: Any) -> list[float]:
    return [moment for moment in value if is_moment(moment)] if isinstance(value, list) else []


def named_moments_in(value: Any) -> dict[str, float]:
    return (
        {name: moment for name, moment in value.items() if is_moment(moment)}
        if isinstance(value, dict)
        else {}
    )
