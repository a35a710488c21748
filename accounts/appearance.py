"""PURE. Appearance settings besides theme and language: text size, Enter key, time format.

One cookie carries all of them, so that the first paint is right without a database query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

KNOWN: Mapping[str, tuple[str, ...]] = {
    "text": ("normal", "small", "large", "largest"),
    "enter": ("sends", "line"),
    "hours": ("auto", "12", "24"),
}
"""All valid values; the first of each is the default."""


@dataclass(frozen=True, slots=True)
class Appearance:
    text: str = "normal"
    enter: str = "sends"
    hours: str = "auto"

    @property
    def cookie(self) -> str:
        """Such as `large.sends.24`."""
        return ".".join(asdict(self).values())


DEFAULT = Appearance()


def appearance_from_cookie(cookie: str) -> Appearance:
    """Parses the cookie. Unknown values become defaults: the result goes into markup of every page."""
    names = [field.name for field in fields(Appearance)]
    parts = dict(zip(names, cookie.split("."), strict=False))
    return Appearance(**{name: value for name, value in parts.items() if value in KNOWN[name]})
