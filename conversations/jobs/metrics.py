"""Metrics of jobs: counted in the rows when /metrics is read, so they are those of all processes together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import Error, connection
from django.db.models import Count, Min
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from conversations.db.errors import ensure_connection, refusal_for
from conversations.jobs.backend import leases
from conversations.jobs.rows import ready

COUNTED = {
    TaskResultStatus.READY: ("entre_jobs_waiting", "Jobs that have not begun, or wait for another attempt."),
    TaskResultStatus.RUNNING: ("entre_jobs_running", "Jobs that a process has claimed."),
    TaskResultStatus.FAILED: ("entre_jobs_failed", "Jobs that failed five times and are kept for 30 days."),
}


class JobsCollector(Collector):
    """Without a database there are no numbers, and the other metrics are shown."""

    def describe(self) -> list[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            ensure_connection()
            counts, oldest = counts_by_status(), oldest_by_queue(timezone.now())
        except Error as error:
            connection.close()
            refusal_for(error)
            return
        for status, (name, text) in COUNTED.items():
            yield family(name, text, {queue: counts.get((status, queue), 0) for queue in leases()})
        yield family("entre_jobs_oldest_seconds", "How long the oldest due job has been waiting.", oldest)


def family(name: str, text: str, values: dict[str, float]) -> GaugeMetricFamily:
    found = GaugeMetricFamily(name, text, labels=["queue"])
    for queue, value in values.items():
        found.add_metric([queue], value)
    return found


def counts_by_status() -> dict[tuple[str, str], int]:
    rows = DBTaskResult.objects.filter(status__in=COUNTED).order_by().values_list("status", "queue_name")
    return {(status, queue): count for status, queue, count in rows.annotate(count=Count("pk"))}


def oldest_by_queue(now: datetime) -> dict[str, float]:
    """By the moment that a job was added, or that its next attempt was due."""
    found = dict.fromkeys(leases(), 0.0)
    due = DBTaskResult.objects.filter(ready(now)).order_by()
    for rows, field in (
        (due.filter(run_after=get_date_max()), "enqueued_at"),
        (due.exclude(run_after=get_date_max()), "run_after"),
    ):
        for queue, since in rows.values_list("queue_name").annotate(since=Min(field)):
            found[queue] = max(found.get(queue, 0.0), (now - since).total_seconds())
    return found


REGISTRY.register(JobsCollector())
