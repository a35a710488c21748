"""System checks: settings that would break a promise are errors."""

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


def test_the_default_settings_pass():
    assert checks.check_sqlite_durability() == []
    assert checks.check_redis_layer() == []


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"transaction_mode": "DEFERRED", "init_command": "PRAGMA synchronous=FULL"}, "entre.E001"),
        ({"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"}, "entre.E002"),
    ],
)
def test_sqlite_that_could_lose_an_acknowledged_message_is_an_error(settings_are, options, refusal):
    settings_are(DATABASES=sqlite(**options), SQLITE_MAY_USE_WAL=True)
    assert ids(checks.check_sqlite_durability()) == [refusal]


def test_an_sqlite_library_with_the_wal_bug_may_not_use_wal(settings_are):
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
def test_a_layer_that_fails_with_redis_is_an_error(settings_are, layer, refusal):
    settings_are(CHANNEL_LAYERS={"default": layer})
    assert ids(checks.check_redis_layer()) == [refusal]


@pytest.mark.parametrize(
    ("origin", "warning"), [("", "entre.W001"), ("http://chat.example.org", "entre.W002")]
)
def test_a_public_url_without_https_is_a_warning(settings_are, origin, warning):
    settings_are(PUBLIC_ORIGIN=origin)
    assert ids(checks.check_public_url()) == [warning]
