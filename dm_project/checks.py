"""Settings that would quietly break a promise stop every start (`manage.py check`, and the server itself)."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

LONGEST_REDIS_READ_SECONDS = 5


@register(Tags.database)
def sqlite_keeps_its_word(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """P1, "sent means stored", needs synchronous=FULL; without IMMEDIATE two thirds of concurrent writers fail."""
    found: list[CheckMessage] = []
    database: dict[str, Any] = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return found
    options = database.get("OPTIONS", {})
    pragmas = options.get("init_command", "").replace(" ", "").lower()
    if options.get("transaction_mode") != "IMMEDIATE":
        found.append(
            Error(
                "SQLite must run with transaction_mode IMMEDIATE, or concurrent senders fail.",
                id="entre.E001",
            )
        )
    if "synchronous=full" not in pragmas:
        found.append(
            Error(
                "SQLite must run with synchronous=FULL, or a power cut takes messages that were acknowledged.",
                id="entre.E002",
            )
        )
    if "journal_mode=wal" in pragmas and not settings.SQLITE_MAY_USE_WAL:
        found.append(
            Error(
                "This SQLite library can corrupt a WAL database. Install pysqlite3, or use journal_mode=TRUNCATE.",
                id="entre.E003",
            )
        )
    return found


@register(Tags.compatibility)
def layer_lives_with_its_redis(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The core layer loses order and closes sockets with Redis; a short time-out closes idle ones."""
    layer: dict[str, Any] = settings.CHANNEL_LAYERS["default"]
    if layer["BACKEND"] == "channels_redis.core.RedisChannelLayer":
        return [
            Error(
                "Use conversations.channel_layers.redis.RedisLayer: the core layer drops bursts and dies with Redis.",
                id="entre.E004",
            )
        ]
    hosts = layer.get("CONFIG", {}).get("hosts", [])
    timeouts = [host.get("socket_timeout") for host in hosts if isinstance(host, dict)]
    if any(timeout is not None and timeout <= LONGEST_REDIS_READ_SECONDS for timeout in timeouts):
        return [Error("socket_timeout of the Redis layer must be above 5 seconds.", id="entre.E005")]
    return []


@register(Tags.security, deploy=True)
def public_address_is_safe(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.PUBLIC_ORIGIN:
        return [
            Warning(
                "PUBLIC_URL is not set: browsers can reach the service on this machine only.", id="entre.W001"
            )
        ]
    if not settings.PUBLIC_ORIGIN.startswith("https://"):
        return [
            Warning("PUBLIC_URL is not https: passwords and messages travel in the clear.", id="entre.W002")
        ]
    return []
