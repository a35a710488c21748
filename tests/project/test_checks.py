"""Settings that would break a promise are refused."""

from types import SimpleNamespace
from typing import Any

import pytest

from dm_project import checks


@pytest.fixture
def settings_are(monkeypatch):
    def replace(**values: Any) -> None:
        monkeypatch.setattr(checks, "settings", SimpleNamespace(**values))

    return replace


def sqlite(**options: str) -> dict[str, Any]:
    return {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE", **options},
        }
    }


def ids(found):
    return [message.id for message in found]


def test_the_settings_of_the_service_pass():
    assert checks.check_sqlite_durability() == []
    assert checks.check_redis_layer() == []


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"transaction_mode": "DEFERRED", "init_command": "PRAGMA synchronous=FULL"}, "entre.E001"),
        ({"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"}, "entre.E002"),
    ],
)
def test_sqlite_that_could_lose_an_acknowledged_message_is_refused(settings_are, options, refusal):
    settings_are(DATABASES=sqlite(**options), SQLITE_MAY_USE_WAL=True)
    assert ids(checks.check_sqlite_durability()) == [refusal]


def test_a_sqlite_library_with_the_wal_fault_may_not_run_in_wal(settings_are):
    settings_are(
        DATABASES=sqlite(init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"),
        SQLITE_MAY_USE_WAL=False,
    )
    assert ids(checks.check_sqlite_durability()) == ["entre.E003"]


@pytest.mark.parametrize(
    ("layer", "refusal"),
    [
        ({"BACKEND": "channels_redis.core.RedisChannelLayer"}, "entre.E004"),
        (
            {
                "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
                "CONFIG": {"hosts": [{"address": "redis://x", "socket_timeout": 5}]},
            },
            "entre.E005",
        ),
    ],
)
def test_a_layer_that_dies_with_its_redis_is_refused(settings_are, layer, refusal):
    settings_are(CHANNEL_LAYERS={"default": layer})
    assert ids(checks.check_redis_layer()) == [refusal]


@pytest.mark.parametrize(
    ("origin", "warning"), [("", "entre.W001"), ("http://chat.example.org", "entre.W002")]
)
def test_going_public_without_https_is_warned_of(settings_are, origin, warning):
    settings_are(PUBLIC_ORIGIN=origin)
    assert ids(checks.check_public_url()) == [warning]
