"""The cache while Redis is away: one question a second finds out, nobody else waits, the log says it once."""

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import RedisError

from dm_project import redis_cache
from dm_project.redis_cache import Availability, BoundedRedisCache
from tests.rig.gone_redis import SHAPES, GoneRedis
from tests.rig.redis_server import RedisServer


@pytest.fixture(autouse=True)
def availability(monkeypatch: pytest.MonkeyPatch) -> Iterator[Availability]:
    availability = Availability()
    monkeypatch.setattr(redis_cache, "availability", availability)
    monkeypatch.setattr(redis_cache, "TRY_AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(redis_cache, "AFTER_SLOW_SECONDS", 0.2)
    yield availability
    while redis_cache._pools:
        redis_cache._pools.popitem()[1].disconnect()


def cache_at(url: str) -> BoundedRedisCache:
    """A client of its own, as each request has one."""
    return BoundedRedisCache(url, {"OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3}})


def ask_often(url: str, seconds: float) -> int:
    """Returns how many questions failed; none may be answered."""
    failed, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        for question in ("get", "incr", "delete", "has_key"):
            with pytest.raises((RedisError, OSError)):
                getattr(cache_at(url), question)("key")
            failed += 1
    return failed


@pytest.mark.parametrize("shape", SHAPES)
async def test_however_redis_is_gone_the_cache_tries_once_a_pause_and_says_it_once(shape: str, caplog: Any) -> None:
    began = time.monotonic()
    async with GoneRedis(shape) as gone:
        with caplog.at_level(logging.WARNING, logger=redis_cache.logger.name):
            failed = await asyncio.to_thread(ask_often, gone.url, 1.0)
        assert gone.attempts <= 1 + (time.monotonic() - began) / 0.2
    assert failed > 20, "who comes while it is away is told at once"
    assert [record.getMessage()[:17] for record in caplog.records if record.name == redis_cache.logger.name] == ["the cache is away"]


def test_a_restarted_redis_costs_no_question(real_redis: RedisServer, caplog: Any) -> None:
    cache_at(real_redis.url).set("key", 1)
    real_redis.stop()
    real_redis.start()
    assert cache_at(real_redis.url).get("key") is None
    assert "away" not in caplog.text


def test_the_cache_says_when_it_is_back(real_redis: RedisServer, availability: Availability, caplog: Any) -> None:
    real_redis.stop()
    with pytest.raises(RedisError):
        cache_at(real_redis.url).get("key")
    real_redis.start()
    availability.again_at = 0.0
    with caplog.at_level(logging.WARNING, logger=redis_cache.logger.name):
        cache_at(real_redis.url).set("key", 1)
    assert "the cache is back" in caplog.text
    assert cache_at(real_redis.url).get("key") == 1
