"""PURE. How a person likes pages to look beside theme and language: size of messages, what Enter does, how hours are told.

One cookie carries all of it, so that the first paint is right and no page asks the database for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

KNOWN: Mapping[str, tuple[str, ...]] = {
    "text": ("normal", "small", "large", "largest"),
    "enter": ("sends", "line"),
    "hours": ("auto", "12", "24"),
}
"""Every value there is; the first of each is what nobody chose."""


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
    """What a cookie says; a part that is none of ours counts as not chosen: it ends up in an attribute of every page."""
    names = [field.name for field in fields(Appearance)]
    parts = dict(zip(names, cookie.split("."), strict=False))
    return Appearance(**{name: value for name, value in parts.items() if value in KNOWN[name]})
