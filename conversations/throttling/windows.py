"""Counting windows in Django's cache, which all processes share: for what is rare and worth abusing."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from accounts.cache_values import is_moment
from conversations.exceptions import TooManyTries

logger = logging.getLogger(__name__)
T = TypeVar("T")


class SharedWindow:
    """At most so many in a window of time that begins with the first one.

    While the cache is unavailable, this process counts alone: the limit is then a little wider, never absent.
    """

    REST_SECONDS = 5.0

    def __init__(self) -> None:
        self.own: BaseCache = LocMemCache("limits", {"OPTIONS": {"MAX_ENTRIES": 50_000}})
        self.resting_until = 0.0

    def take(self, key: str, *, most: int, period: float, now: float) -> str:
        """Check and count in one step: of sixty at one instant no more than `most` get through.

        Returns: what `refund` takes, for an attempt that turns out not to count.

        Raises:
            TooManyTries: the window is full. This attempt is not counted.
        """
        counter, ends, used = self.ask(lambda store: self.add(store, key, period, now))
        if used > most:
            self.refund(counter)
            raise TooManyTries(retry_after_ms=int((ends - now) * 1000) + 1)
        return counter

    def refund(self, counter: str) -> None:
        self.ask(lambda store: self.subtract(store, counter))

    @staticmethod
    def add(store: BaseCache, key: str, period: float, now: float) -> tuple[str, float, int]:
        """Count one more. Returns the counter, when its window ends, and how many it has now."""
        ends = round(now + period, 3)
        # The first attempt decides where the windows begin. The ends of later windows follow from it, the
        # same for all that compute them at once.
        if not store.add(key, ends, timeout=2 * period):
            stored = store.get(key)
            first = stored if is_moment(stored) and abs(stored - now) <= 2 * period else ends
            ends = first if first > now else round(first + math.ceil((now - first) / period) * period, 3)
            if ends <= now:
                ends = round(ends + period, 3)
            if ends != stored:
                store.set(key, ends, timeout=2 * period)
        counter = f"{key}:{ends:.3f}"
        store.add(counter, 0, timeout=2 * period)
        return counter, ends, store.incr(counter)

    @staticmethod
    def subtract(store: BaseCache, counter: str) -> None:
        # It may have expired with its window, or been counted in the other store.
        with suppress(ValueError):
            store.decr(counter)

    def ask(self, question: Callable[[BaseCache], T]) -> T:
        if time.monotonic() >= self.resting_until:
            try:
                return question(cache)
            except Exception as error:
                # Any client library, any error of it: counting must never be what fails a request.
                self.resting_until = time.monotonic() + self.REST_SECONDS
                logger.debug(
                    "the cache is unavailable (%s); limits are counted in this process for now",
                    type(error).__name__,
                )
        return question(self.own)


shared = SharedWindow()


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that has been counted already. One that turns out harmless is refunded."""

    counters: tuple[str, ...] = ()

    def refund(self) -> None:
        for counter in self.counters:
            shared.refund(counter)


def take_attempt(windows: list[tuple[str, int, float]], now: float) -> Attempt:
    """Raises TooManyTries; then nothing is counted."""
    taken: list[str] = []
    try:
        for key, most, period in windows:
            taken.append(shared.take(key, most=most, period=period, now=now))
    except TooManyTries:
        Attempt(tuple(taken)).refund()
        raise
    return Attempt(tuple(taken))
