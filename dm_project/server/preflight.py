"""Preflight checks of database and Redis, so that a failed start is one sentence without a traceback."""

import sys
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from dm_project import checks, settings_module
from dm_project.env import BadEnvironment, invalid
from dm_project.env_urls import ambient_services

CONNECT_TIMEOUT_S = 5
SQLITE_FULL = 2


def require_database() -> None:
    """Raises BadEnvironment when the database does not answer."""
    database = connection.Database  # type: ignore[attr-defined]
    try:
        if connection.vendor == "postgresql":
            # Not through the pool: it would retry for five seconds, with a warning each time, and then lose
            # the reason.
            database.connect(
                **{"connect_timeout": CONNECT_TIMEOUT_S, **connection.get_connection_params()}
            ).close()
        with connection.cursor() as cursor:
            require_durable_commits(cursor)
    except (Error, database.Error) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        where = settings.DATABASES["default"].get("HOST") or settings.DATABASES["default"]["NAME"]
        raise invalid(
            "DATABASE_URL",
            f"the database ({where}) does not answer: {reason}. Check DATABASE_URL, and that it runs.",
        ) from None
    finally:
        connection.close()


def require_migrations() -> None:
    """Raises BadEnvironment when migrations are missing: pages would look right until the first sign-up."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    finally:
        connection.close()
    if missing:
        raise invalid(
            "DATABASE_URL",
            f"the database lacks {len(missing)} migrations. Run: python manage.py migrate "
            "(`make run` and `make ready` do it themselves).",
        )


def require_durable_commits(cursor: Any) -> None:
    """An acknowledged message survives a power failure (docs/protocol.md P1).

    Asks the database itself, not the settings.
    """
    if connection.vendor == "sqlite":
        cursor.execute("PRAGMA synchronous")
        if cursor.fetchone()[0] < SQLITE_FULL:
            raise BadEnvironment(
                "SQLite does not run with synchronous=FULL, so acknowledged messages could be lost."
            )
    else:
        cursor.execute("SHOW synchronous_commit")
        if cursor.fetchone()[0] == "off":
            raise BadEnvironment(
                "PostgreSQL runs with synchronous_commit off, so acknowledged messages could be lost. "
                "Switch it on."
            )


def require_redis() -> None:
    """Raises BadEnvironment when REDIS_URL is set and Redis does not answer."""
    if not settings.REDIS_URL:
        return
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=3, socket_timeout=3, retry=Retry(NoBackoff(), 0)
        )
        client.ping()
        client.close()
    except (redis.RedisError, OSError) as error:
        where = urlsplit(settings.REDIS_URL).hostname or "the socket of REDIS_URL"
        raise invalid(
            "REDIS_URL",
            f"Redis ({where}) does not answer ({type(error).__name__}). Check REDIS_URL, and that it runs.",
        ) from None


def require_safe_settings() -> None:
    """Raises BadEnvironment for settings that would silently break a promise. `manage.py` checks them too,
    but the server starts without it.
    """
    for problem in (*checks.check_sqlite_durability(), *checks.check_redis_layer()):
        raise BadEnvironment(f"{problem.msg} ({problem.id})")


def main() -> None:
    settings_module.choose()
    django.setup()
    require_safe_settings()
    require_database()
    require_redis()


def require_free_port() -> None:
    """Raises BadEnvironment when another process listens where this one would.

    Before the database is opened: a second `make run` must not migrate what a running server uses.
    """
    from dm_project.server.listener import open_listener

    open_listener(settings.HOST, settings.PORT).close()


def announce_ambient_services() -> None:
    """Before the next step of `make run` migrates that database."""
    for sentence in ambient_services():
        sys.stdout.write(f"{sentence}\n")


if __name__ == "__main__":
    settings_module.choose()
    if sys.argv[1:] == ["--free-port"]:
        require_free_port()
    main()
    announce_ambient_services()
