"""Django's Redis cache with a circuit breaker.

Django's own backend creates a client for each request, and redis-py tries four times with pauses of seconds:
without Redis every request would connect again and block a thread. Here a process lets one query a second
through to probe Redis, and all others fail at once. The caller decides what that means: presence and typing
are left out, limits are counted in the process, and a login is answered with "try again".
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisUnavailable
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from accounts.cache_values import moments_in

logger = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
SLOW_SECONDS, RETRY_AFTER_SLOW_SECONDS = 0.5, 5.0
"""A query that failed this slowly has blocked a thread; the pause before the next probe is then longer."""


class CircuitBreaker:
    """Open while the cache is unavailable.

    One for the process: Django creates a client for each request and thread.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.is_open = False
        self.retry_at = 0.0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Raises RedisError at once while the breaker is open.

        Half-open after a pause: one query probes Redis.
        """
        began = time.monotonic()
        if self.is_open:
            with self.lock:
                if began < self.retry_at:
                    raise RedisUnavailable("the circuit breaker of the cache is open")
                # This query is the probe: others fail at once until it has finished.
                self.retry_at = began + RETRY_AFTER_SLOW_SECONDS
        try:
            yield
        except (RedisError, OSError) as error:
            self.failed(error, time.monotonic() - began)
            raise
        if self.is_open:
            self.is_open = False
            logger.warning("the cache is available again")

    def failed(self, error: Exception, seconds: float) -> None:
        with self.lock:
            self.retry_at = time.monotonic() + (
                RETRY_AFTER_SLOW_SECONDS if seconds >= SLOW_SECONDS else RETRY_SECONDS
            )
            was_open, self.is_open = self.is_open, True
        if not was_open:
            logger.warning(
                "the cache is unavailable (%s); limits are counted in each process, "
                "and presence and typing are left out",
                type(error).__name__,
            )


circuit_breaker = CircuitBreaker()
_pools: dict[tuple[str, str], ConnectionPool] = {}


MISSING = object()


class JsonSerializer:
    """Values as JSON.

    With Django's default, pickle, write access to Redis would run code here (docs/threats.md T51).
    """

    def dumps(self, value: Any) -> int | bytes:
        # Integers as plain text, because Redis increments them itself.
        return value if type(value) is int else json.dumps(value, allow_nan=False).encode()

    def loads(self, data: bytes) -> Any:
        """A value that is not JSON counts as missing."""
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return MISSING


def is_type_error(error: ResponseError) -> bool:
    """Does the stored value not fit the command? Other errors mean that Redis cannot answer."""
    return str(error).startswith(("WRONGTYPE", "value is not an integer", "increment or decrement"))


class JsonClient(RedisCacheClient):
    """Reads values that any client of Redis may have written: one that does not fit counts as missing."""

    def get(self, key: Any, default: Any) -> Any:
        """Where a list is expected, only its timestamps are returned: allauth keeps attempts in lists, and
        does not check them.
        """
        try:
            found = super().get(key, MISSING)
        except ResponseError as error:
            if not is_type_error(error):
                raise
            found = MISSING
        if found is not MISSING and isinstance(default, list):
            return moments_in(found) if isinstance(found, list) else default
        is_other = isinstance(default, dict) and not isinstance(found, dict)
        return default if found is MISSING or is_other else found

    def incr(self, key: Any, delta: int) -> Any:
        """Raises ValueError also for what is no counter, and removes it."""
        try:
            return super().incr(key, delta)
        except ResponseError as error:
            if not is_type_error(error):
                raise
            self.delete(key)
            raise ValueError(f"Key {key!r} is not a counter.") from None

    def get_many(self, keys: Any) -> dict[Any, Any]:
        return {key: value for key, value in super().get_many(keys).items() if value is not MISSING}


class BoundedClient(JsonClient):
    """One pool for the process, no retries: the pool detects a dead connection when it hands it out."""

    _servers: Any
    _pool_class: Any
    _pool_options: dict[str, Any]
    _get_connection_pool_index: Callable[[bool], int]

    def _get_connection_pool(self, write: bool) -> ConnectionPool:
        address = self._servers[self._get_connection_pool_index(write)]
        key = address, repr(sorted(self._pool_options.items(), key=repr))
        if key not in _pools:
            _pools[key] = self._pool_class.from_url(
                address, retry=Retry(NoBackoff(), 0), **self._pool_options
            )
        return _pools[key]


def bounded(name: str) -> Callable[..., Any]:
    call = getattr(JsonClient, name)

    def method(self: BoundedClient, *args: Any, **kwargs: Any) -> Any:
        with circuit_breaker.attempt():
            return call(self, *args, **kwargs)

    return method


for _name in (
    "add",
    "get",
    "set",
    "touch",
    "delete",
    "get_many",
    "has_key",
    "incr",
    "set_many",
    "delete_many",
    "clear",
):
    setattr(BoundedClient, _name, bounded(_name))


class BoundedRedisCache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(
            server, {**params, "OPTIONS": {**params.get("OPTIONS", {}), "serializer": JsonSerializer}}
        )
        self._class = BoundedClient
