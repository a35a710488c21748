"""PURE. The name of a browser and of its system in words, out of what the browser says of itself.

Only to tell one's own devices apart; nothing is decided by it.
"""

from __future__ import annotations

from dataclasses import dataclass

# Order counts: nearly everybody also calls themselves Safari, and many Chrome.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
SMALL = frozenset({"iPhone", "iPad", "Android"})


@dataclass(frozen=True, slots=True)
class DeviceDescription:
    """Empty where the browser does not say."""

    browser: str
    system: str

    @property
    def is_small(self) -> bool:
        """Carried in a hand."""
        return self.system in SMALL


def describe_device(user_agent: str) -> DeviceDescription:
    return DeviceDescription(first_named(BROWSERS, user_agent), first_named(SYSTEMS, user_agent))


def first_named(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for sign, name in names if sign in text), "")
