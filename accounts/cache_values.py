"""PURE. Validates values read from the cache: untrusted data that any client of the cache may have written.

A value of another type counts as missing; it must never make a login fail or hide online users.
"""

import math
from typing import Any


def is_moment(value: Any) -> bool:
    """A finite number, as a timestamp."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def moments_in(value: Any) -> list[float]:
    return [moment for moment in value if is_moment(moment)] if isinstance(value, list) else []


def named_moments_in(value: Any) -> dict[str, float]:
    return (
        {name: moment for name, moment in value.items() if is_moment(moment)}
        if isinstance(value, dict)
        else {}
    )
