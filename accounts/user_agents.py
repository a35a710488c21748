"""PURE. User agent parsing: the names of browser and system, for the list of devices only.

Nothing is authorized by it.
"""

from __future__ import annotations

from dataclasses import dataclass

# The order matters: nearly every browser also claims to be Safari, and many Chrome.
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
    """Empty strings for what the user agent does not name."""

    browser: str
    system: str

    @property
    def is_small(self) -> bool:
        """A phone or tablet."""
        return self.system in SMALL


def describe_device(user_agent: str) -> DeviceDescription:
    return DeviceDescription(first_named(BROWSERS, user_agent), first_named(SYSTEMS, user_agent))


def first_named(names: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for token, name in names if token in text), "")
