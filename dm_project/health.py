"""What operators and proxies ask: is it alive, is it ready, how is it doing."""

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

FULL_FOR_SECONDS = 10.0
"""So long after a refusal for want of room. Browsers try again and again, so while it lasts it is renewed."""


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing of anybody else."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers and has every migration, the layer exists, and there is room to write. 503 with the name of what is missing
    otherwise.

    Redis is told and does not count: without it people chat on (protocol.md P5), and a process less would help nobody.
    """
    if shutdown.is_begun():
        return JsonResponse({"status": "draining"}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    checks = {"database": is_database_ready(), "layer": get_channel_layer() is not None, "disk": has_room()}
    status = HTTPStatus.OK if all(checks.values()) else HTTPStatus.SERVICE_UNAVAILABLE
    known = {"redis": does_redis_answer()} if settings.REDIS_URL else {}
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


def has_room() -> bool:
    """Room on the disk that we can look at; and nobody was told lately that the database has none, which may be on another machine."""
    free = shutil.disk_usage(settings.DATA_DIR).free
    return free >= settings.DISK_FREE_MB * 2**20 and not was_full_within(FULL_FOR_SECONDS)


def does_redis_answer() -> bool:
    try:
        # One attempt: redis-py's own would be four, with pauses of seconds between.
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0)
        ) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for whoever holds METRICS_TOKEN; without a token in the settings the page does not exist."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
