"""Token buckets in this process: for what happens often."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from conversations.exceptions import TooManyTries


@dataclass(slots=True)
class Bucket:
    tokens: float
    at: float


class Buckets:
    """One bucket per subject: `burst` tokens at once, then `per_second` a second.

    Drops those that were not used for longest.
    """

    KEPT = 50_000

    def __init__(self) -> None:
        self.buckets: OrderedDict[Any, Bucket] = OrderedDict()
        self.lock = threading.Lock()

    def take(self, subject: Any, *, burst: float, per_second: float, now: float, count: float = 1) -> None:
        """Raises TooManyTries, with the time until so many tokens are there."""
        count = min(count, burst)
        with self.lock:
            bucket = self.filled(subject, burst, per_second, now)
            if bucket.tokens < count:
                raise TooManyTries(retry_after_ms=int((count - bucket.tokens) / per_second * 1000) + 1)
            bucket.tokens -= count
            if len(self.buckets) > self.KEPT:
                self.buckets.popitem(last=False)

    def charge(self, subject: Any, *, burst: float, per_second: float, now: float, count: float) -> None:
        """Take the tokens of work that is done already; the next `take` waits for what is missing."""
        with self.lock:
            self.filled(subject, burst, per_second, now).tokens -= count

    def filled(self, subject: Any, burst: float, per_second: float, now: float) -> Bucket:
        """The bucket with the tokens that it has now. The caller holds the lock."""
        bucket = self.buckets.setdefault(subject, Bucket(burst, now))
        self.buckets.move_to_end(subject)
        bucket.tokens = min(burst, bucket.tokens + max(0.0, now - bucket.at) * per_second)
        bucket.at = now
        return bucket

    def clear(self) -> None:
        with self.lock:
            self.buckets.clear()
