"""System checks: settings that would silently break a promise stop `manage.py check` and the server."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

MAX_REDIS_READ_SECONDS = 5


@register(Tags.database)
def check_sqlite_durability(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Durability (docs/protocol.md P1, "sent means stored") needs synchronous=FULL; without IMMEDIATE two
    thirds of concurrent writers fail.
    """
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
                "SQLite must run with synchronous=FULL, or a power failure loses acknowledged messages.",
                id="entre.E002",
            )
        )
    if "journal_mode=wal" in pragmas and not settings.SQLITE_MAY_USE_WAL:
        found.append(
            Error(
                "This SQLite library can corrupt a WAL database. "
                "Install pysqlite3, or use journal_mode=TRUNCATE.",
                id="entre.E003",
            )
        )
    return found


@register(Tags.compatibility)
def check_redis_layer(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The core layer loses the order of messages, and closes sockets when Redis fails; a short timeout closes
    idle ones.
    """
    layer: dict[str, Any] = settings.CHANNEL_LAYERS["default"]
    if layer["BACKEND"] == "channels_redis.core.RedisChannelLayer":
        return [
            Error(
                "Use conversations.channel_layers.redis.RedisLayer: "
                "the core layer drops bursts and fails with Redis.",
                id="entre.E004",
            )
        ]
    hosts = layer.get("CONFIG", {}).get("hosts", [])
    timeouts = [host.get("socket_timeout") for host in hosts if isinstance(host, dict)]
    if any(timeout is not None and timeout <= MAX_REDIS_READ_SECONDS for timeout in timeouts):
        return [Error("socket_timeout of the Redis layer must be above 5 seconds.", id="entre.E005")]
    return []


@register(Tags.security, deploy=True)
def check_public_url(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.PUBLIC_ORIGIN:
        return [
            Warning(
                "PUBLIC_URL is not set: only browsers on this machine can reach the service.", id="entre.W001"
            )
        ]
    if not settings.PUBLIC_ORIGIN.startswith("https://"):
        return [
            Warning("PUBLIC_URL is not https: passwords and messages are sent unencrypted.", id="entre.W002")
        ]
    return []
