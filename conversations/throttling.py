"""Named limits per action. (Interface used by consumers, answers, pages and api; to be filled by its owner.)"""

from __future__ import annotations

from typing import Any


def allow_frame(user_id: int) -> None:
    """Raises TooManyTries."""


def allow_message(user_id: int) -> None:
    """Raises TooManyTries."""


def admit_socket(user_id: int, scope: dict[str, Any]) -> Any:
    """A ticket for one socket of this person from this address, to be given back. Raises TooManyTries."""
    return None


def dismiss_socket(ticket: Any) -> None:
    """Give a ticket back; None is taken too."""


def told_limits() -> dict[str, int | float]:
    """What the greeting tells of the limits in force."""
    return {"sends_burst": 60, "sends_per_s": 10}
