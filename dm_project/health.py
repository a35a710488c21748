"""Health checks and metrics: `/healthz`, `/readyz` and `/metrics`."""

import hmac
import shutil
from http import HTTPStatus

import redis
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.backoff import NoBackoff
from redis.retry import Retry

from conversations.db.errors import was_full_within
from dm_project.server import shutdown

DISK_FULL_SECONDS = 10.0
"""How long a write that failed for lack of disk space counts. While the disk is full, retries of browsers
renew it."""


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness: the process answers. Checks no other service."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Readiness: the database answers with every migration, the channel layer exists, there is disk space.

    Otherwise 503 with what is missing. Redis is reported but does not count: without it users can still chat
    (docs/protocol.md P5), and one process less would not help.
    """
    if shutdown.is_begun():
        return JsonResponse({"status": "draining"}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    checks = {
        "database": is_database_ready(),
        "layer": get_channel_layer() is not None,
        "disk": has_disk_space(),
    }
    status = HTTPStatus.OK if all(checks.values()) else HTTPStatus.SERVICE_UNAVAILABLE
    known = {"redis": is_redis_ready()} if settings.REDIS_URL else {}
    return JsonResponse(
        {"status": "ready" if status == HTTPStatus.OK else "not ready", "checks": checks, **known},
        status=status,
    )


def is_database_ready() -> bool:
    try:
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return False


def has_disk_space() -> bool:
    """Space on the local disk; and no recent write failed for lack of space on the database's disk, which may
    be remote.
    """
    free = shutil.disk_usage(settings.DATA_DIR).free
    return free >= settings.DISK_FREE_MB * 2**20 and not was_full_within(DISK_FULL_SECONDS)


def is_redis_ready() -> bool:
    try:
        # One attempt: redis-py's default is four, with pauses of seconds between them.
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0)
        ) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics for clients with METRICS_TOKEN; 404 when no token is set."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
