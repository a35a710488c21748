"""Django's Redis cache, with bounded attempts while Redis is away.

Django's own makes a client for each request, and redis-py tries four times with pauses of seconds between: with Redis away every request
would connect again and hold a thread. Here one question a second of a process is let through to find out; all others fail at once. Who asks
decides what that means: signs of the moment are left out, limits are counted in the process, sign-in says "try again".
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
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)
TRY_AGAIN_SECONDS = 1.0
SLOW_SECONDS, AFTER_SLOW_SECONDS = 0.5, 5.0
"""A question that failed only after so long held a thread for it; the next one waits longer."""


class Availability:
    """Whether the cache answers. One for the process: Django makes a client for each request and thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.is_away = False
        self.again_at = 0.0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Raises RedisError at once, when the last attempt failed a moment ago."""
        began = time.monotonic()
        if self.is_away:
            with self.lock:
                if began < self.again_at:
                    raise RedisAway("the cache was away a moment ago")
                # Taken by this one: whoever comes while it finds out is told at once.
                self.again_at = began + AFTER_SLOW_SECONDS
        try:
            yield
        except (RedisError, OSError) as error:
            self.failed(error, time.monotonic() - began)
            raise
        if self.is_away:
            self.is_away = False
            logger.warning("the cache is back")

    def failed(self, error: Exception, seconds: float) -> None:
        with self.lock:
            self.again_at = time.monotonic() + (
                AFTER_SLOW_SECONDS if seconds >= SLOW_SECONDS else TRY_AGAIN_SECONDS
            )
            was_away, self.is_away = self.is_away, True
        if not was_away:
            logger.warning(
                "the cache is away (%s); limits are counted in each process, and signs of the moment are left out",
                type(error).__name__,
            )


availability = Availability()
_pools: dict[tuple[str, str], ConnectionPool] = {}


MISSING = object()


class JsonSerializer:
    """Values as JSON. Django's own is pickle, and whoever can write to Redis would run code in this process (safety.md T51)."""

    def dumps(self, value: Any) -> int | bytes:
        # Whole numbers plainly: Redis adds to them itself.
        return value if type(value) is int else json.dumps(value, allow_nan=False).encode()

    def loads(self, data: bytes) -> Any:
        """What is no JSON counts as not there."""
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return MISSING


class JsonClient(RedisCacheClient):
    def get(self, key: Any, default: Any) -> Any:
        """A list or a table of another type is not there either: allauth goes on with its list of tries, whatever it holds."""
        found = super().get(key, MISSING)
        is_other = isinstance(default, (list, dict)) and not isinstance(found, type(default))
        return default if found is MISSING or is_other else found

    def get_many(self, keys: Any) -> dict[Any, Any]:
        return {key: value for key, value in super().get_many(keys).items() if value is not MISSING}


class BoundedClient(JsonClient):
    """One pool for the process, no retries: a connection that died with its Redis is noticed when it is taken from the pool."""

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
    ask = getattr(JsonClient, name)

    def method(self: BoundedClient, *args: Any, **kwargs: Any) -> Any:
        with availability.attempt():
            return ask(self, *args, **kwargs)

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
