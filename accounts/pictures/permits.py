"""PURE. Permits for worker processes: few at once, and of each user only one, so that a user who uploads
slow pictures does not delay those of others (docs/threats.md T40)."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

WORKERS = 2
"""Each may use up to half a gigabyte."""
PLACES = 8
"""Users of a permit and those who wait for one: each holds a thread, of which pages need some, too."""
PLACES_OF_ONE = 3
PATIENCE_SECONDS = 6.0


class NoPermit(Exception):
    """Too many wait already, or no permit was free in time."""


@dataclass(eq=False, slots=True)
class Place:
    user: Hashable
    has_permit: bool = False


class Permits:
    """Given in the order in which they were asked for, except to a user who has one already."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.changed = threading.Condition()

    @contextmanager
    def permit(self, user: Hashable) -> Iterator[None]:
        """Waits in this thread. Raises NoPermit."""
        place = self.waited_for(user)
        try:
            yield
        finally:
            self.leave(place)

    def waited_for(self, user: Hashable) -> Place:
        place = Place(user)
        with self.changed:
            if len(self.places) >= PLACES or len(self.of(user)) >= PLACES_OF_ONE:
                raise NoPermit
            self.places.append(place)
            try:
                place.has_permit = self.changed.wait_for(lambda: self.is_next(place), PATIENCE_SECONDS)
            finally:
                if not place.has_permit:
                    self.leave(place)
        if not place.has_permit:
            raise NoPermit
        return place

    def leave(self, place: Place) -> None:
        with self.changed:
            self.places.remove(place)
            self.changed.notify_all()

    def of(self, user: Hashable) -> list[Place]:
        return [place for place in self.places if place.user == user]

    def is_next(self, place: Place) -> bool:
        users = [other.user for other in self.places if other.has_permit]
        if len(users) >= WORKERS:
            return False
        waiting = (other for other in self.places if not other.has_permit and other.user not in users)
        return next(waiting, None) is place
