"""The Redis cache: its circuit breaker probes once a pause and logs once, and stored values are only data."""

import asyncio
import logging
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import redis
from redis.exceptions import RedisError

from dm_project import redis_cache
from dm_project.redis_cache import BoundedRedisCache, CircuitBreaker
from tests.rig.environment import ROOT, clean_environment
from tests.rig.faulty_redis import SHAPES, FaultyRedis
from tests.rig.redis_server import RedisServer


@pytest.fixture(autouse=True)
def circuit_breaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[CircuitBreaker]:
    circuit_breaker = CircuitBreaker()
    monkeypatch.setattr(redis_cache, "circuit_breaker", circuit_breaker)
    monkeypatch.setattr(redis_cache, "RETRY_SECONDS", 0.2)
    monkeypatch.setattr(redis_cache, "RETRY_AFTER_SLOW_SECONDS", 0.2)
    yield circuit_breaker
    while redis_cache._pools:
        redis_cache._pools.popitem()[1].disconnect()


def cache_at(url: str) -> BoundedRedisCache:
    """A separate client, as each request has one."""
    return BoundedRedisCache(url, {"OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3}})


def query_often(url: str, seconds: float) -> int:
    """Returns how many queries failed; none may succeed."""
    failed, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        for query in ("get", "incr", "delete", "has_key"):
            with pytest.raises((RedisError, OSError)):
                getattr(cache_at(url), query)("key")
            failed += 1
    return failed


@pytest.mark.parametrize("shape", SHAPES)
async def test_while_redis_is_unavailable_the_breaker_probes_once_a_pause_and_logs_once(
    shape: str, caplog: Any
) -> None:
    began = time.monotonic()
    async with FaultyRedis(shape) as gone:
        with caplog.at_level(logging.WARNING, logger=redis_cache.logger.name):
            failed = await asyncio.to_thread(query_often, gone.url, 1.0)
        assert gone.attempts <= 1 + (time.monotonic() - began) / 0.2
    assert failed > 20, "while the breaker is open, queries fail at once"
    assert [
        record.getMessage()[:24] for record in caplog.records if record.name == redis_cache.logger.name
    ] == ["the cache is unavailable"]


def test_a_restarted_redis_fails_no_query(real_redis: RedisServer, caplog: Any) -> None:
    cache_at(real_redis.url).set("key", 1)
    real_redis.stop()
    real_redis.start()
    assert cache_at(real_redis.url).get("key") is None
    assert "unavailable" not in caplog.text


def test_the_cache_logs_when_it_is_available_again(
    real_redis: RedisServer, circuit_breaker: CircuitBreaker, caplog: Any
) -> None:
    real_redis.stop()
    with pytest.raises(RedisError):
        cache_at(real_redis.url).get("key")
    real_redis.start()
    circuit_breaker.retry_at = 0.0
    with caplog.at_level(logging.WARNING, logger=redis_cache.logger.name):
        cache_at(real_redis.url).set("key", 1)
    assert "the cache is available again" in caplog.text
    assert cache_at(real_redis.url).get("key") == 1


# --- Values ---


@pytest.fixture
def service_cache(real_redis: RedisServer) -> Callable[[str], BoundedRedisCache]:
    """The cache as configured for an installation with this REDIS_PREFIX."""
    return lambda prefix: BoundedRedisCache(real_redis.url, {"KEY_PREFIX": prefix, "OPTIONS": {}})


@pytest.mark.parametrize("value", [True, None, 7, 7.25, "x", [1.5, 2], {"holder": 1.5}])
def test_stored_values_come_back_unchanged(service_cache: Any, value: Any) -> None:
    cache = service_cache("entre")
    cache.set("key", value)
    assert cache.get("key", "default") == value
    assert type(cache.get("key", "default")) is type(value)
    assert cache.get_many(["key"]) == {"key": value}


def test_redis_increments_integers(service_cache: Any) -> None:
    cache = service_cache("entre")
    assert cache.add("count", 0)
    assert [cache.incr("count"), cache.incr("count", 5)] == [1, 6]
    assert cache.get("count") == 6


class Payload:
    """Runs code when it is unpickled."""

    ran: ClassVar[list[str]] = []

    def __reduce__(self) -> Any:
        return Payload.ran.append, ("here",)


@pytest.mark.parametrize(
    "data",
    [pickle.dumps(Payload()), pickle.dumps({"a": 1.0}), b"", b"\xff\xfe", b"{", b"[" * 100_000],
    ids=range(6),
)
def test_a_value_written_by_an_attacker_is_only_data(
    service_cache: Any, real_redis: RedisServer, data: bytes
) -> None:
    """Cache keys can be guessed; with pickle, one written value was enough to run code in this process."""
    cache = service_cache("entre")
    with redis.Redis(unix_socket_path=str(real_redis.socket)) as client:
        client.set("entre:1:presence:7", data)
    assert cache.get("presence:7", "default") == "default"
    assert cache.get_many(["presence:7"]) == {}
    assert Payload.ran == []


@pytest.mark.parametrize("data", [b"7", b"true", b'"text"', b'{"a": 1}', b"null"])
def test_a_value_of_another_type_than_a_list_counts_as_missing(
    service_cache: Any, real_redis: RedisServer, data: bytes
) -> None:
    """allauth keeps attempts in lists; a number in place of one made every login a server error."""
    cache = service_cache("entre")
    with redis.Redis(unix_socket_path=str(real_redis.socket)) as client:
        client.set("entre:1:allauth:tries", data)
    assert cache.get("allauth:tries", []) == []


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b'["x", null, {"a": 1}, [1], true]', []),
        (b"[NaN, Infinity, 1e999, -1]", [-1]),
        (b'[3.5, "x", 2, 1]', [3.5, 2, 1]),
        (b"[" + b"9" * 400 + b"]", []),
    ],
    ids=["types", "numbers", "mixed", "huge"],
)
def test_items_of_a_wrong_type_in_a_list_count_as_missing(
    service_cache: Any, real_redis: RedisServer, data: bytes, kept: list[float]
) -> None:
    """allauth compares the items with the time of day; a text among them made every login a server error."""
    cache = service_cache("entre")
    with redis.Redis(unix_socket_path=str(real_redis.socket)) as client:
        client.set("entre:1:allauth:tries", data)
    assert cache.get("allauth:tries", []) == kept


@pytest.mark.parametrize("kind", ["list", "hash", "set"])
def test_a_key_of_another_type_counts_as_missing_and_opens_no_circuit_breaker(
    service_cache: Any, real_redis: RedisServer, circuit_breaker: CircuitBreaker, kind: str
) -> None:
    """Redis answers with an error then, though it is available: opened by one key, the breaker would have
    failed everyone's login."""
    cache = service_cache("entre")
    with redis.Redis(unix_socket_path=str(real_redis.socket)) as client:
        for key in ("entre:1:value", "entre:1:count"):
            {
                "list": lambda key: client.lpush(key, "x"),
                "hash": lambda key: client.hset(key, "x", "y"),
                "set": lambda key: client.sadd(key, "x"),
            }[kind](key)
    assert cache.get("value", "default") == "default"
    assert cache.get_many(["value"]) == {}
    with pytest.raises(ValueError, match="count"):
        cache.incr("count")
    assert not circuit_breaker.is_open
    # What is written next replaces it.
    cache.set("value", 1)
    assert cache.add("count", 0)
    assert (cache.get("value"), cache.incr("count")) == (1, 1)


@pytest.mark.parametrize("data", [b'"text"', b"1.5", b"{}", b"9" * 30])
def test_a_counter_that_is_no_integer_counts_as_missing(
    service_cache: Any, real_redis: RedisServer, circuit_breaker: CircuitBreaker, data: bytes
) -> None:
    cache = service_cache("entre")
    with redis.Redis(unix_socket_path=str(real_redis.socket)) as client:
        client.set("entre:1:count", data)
    with pytest.raises(ValueError, match="count"):
        cache.incr("count")
    assert not circuit_breaker.is_open
    assert cache.add("count", 0)
    assert cache.decr("count") == -1


def test_two_installations_on_one_redis_are_separate(service_cache: Any) -> None:
    ours, theirs = service_cache("entre"), service_cache("other")
    ours.set("presence:7", {"holder": 1.5})
    assert theirs.get("presence:7") is None
    theirs.delete("presence:7")
    assert ours.get("presence:7") == {"holder": 1.5}


def test_the_prefix_of_the_environment_applies_to_cache_and_layer(tmp_path: Path) -> None:
    code = (
        "from django.conf import settings as s\n"
        "print(s.CACHES['default']['KEY_PREFIX'], s.CHANNEL_LAYERS['default']['CONFIG']['prefix'])"
    )
    ours = {"DATA_DIR": str(tmp_path), "REDIS_URL": "redis://nowhere.invalid", "REDIS_PREFIX": "ours"}
    environment = {**clean_environment(), **ours, "DJANGO_SETTINGS_MODULE": "dm_project.settings"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["ours", "ours"]
