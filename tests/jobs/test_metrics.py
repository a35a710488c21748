"""Metrics of jobs: counted in the rows, for all processes, also for one that runs none."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from prometheus_client.parser import text_string_to_metric_families

from conversations.db import errors as db_errors
from conversations.db.errors import CircuitBreaker
from conversations.jobs import metrics, rows
from conversations.jobs.backend import leases
from tests.jobs.sample_jobs import exporting, failing, noting
from tests.jobs.workers import later, run_due_jobs

TOKEN = "a-token-of-the-operator"


def shown(settings: Any) -> dict[str, dict[str, float]]:
    """The values of /metrics that are about jobs: by name and queue."""
    settings.METRICS_TOKEN = TOKEN
    text = Client(headers={"Authorization": f"Bearer {TOKEN}"}).get("/metrics").content.decode()
    return {
        family.name: {sample.labels["queue"]: sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
        if family.name.startswith("entre_jobs")
    }


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.usefixtures("_still_clock")
def test_waiting_running_failed_and_oldest_are_told_by_queue(settings: Any) -> None:
    none = dict.fromkeys(leases(), 0.0)
    names = [f"entre_jobs_{name}" for name in ("waiting", "running", "failed", "oldest_seconds")]
    assert shown(settings) == dict.fromkeys(names, none)
    failing.enqueue(1)
    run_due_jobs()
    exporting.enqueue(2)
    rows.exchange("exports", "test", None, take=True)
    DBTaskResult.objects.create(
        args_kwargs={},
        task_path="x",
        backend_name="default",
        queue_name="media",
        status="FAILED",
        run_after=timezone.now(),
    )
    noting.enqueue(3)
    with later(seconds=90):
        found = shown(settings)
    assert found["entre_jobs_waiting"] == none | {"default": 2}
    assert found["entre_jobs_running"] == none | {"exports": 1}
    assert found["entre_jobs_failed"] == none | {"media": 1}
    assert found["entre_jobs_oldest_seconds"] == none | {"default": 90}


@pytest.mark.django_db
@pytest.mark.usefixtures("_still_clock")
def test_a_job_that_is_not_due_is_not_old(settings: Any) -> None:
    noting.using(run_after=timezone.now() + timedelta(hours=1)).enqueue(1)
    assert shown(settings)["entre_jobs_oldest_seconds"]["default"] == 0
    with later(hours=2):
        assert shown(settings)["entre_jobs_oldest_seconds"]["default"] == 3600


@pytest.mark.django_db
def test_without_a_database_the_other_metrics_are_shown(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OperationalError

    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(db_errors, "breaker", CircuitBreaker())
    monkeypatch.setattr(metrics, "ensure_connection", fail)
    monkeypatch.setattr(metrics.connection, "close", lambda: None)
    answer = Client(headers={"Authorization": f"Bearer {TOKEN}"}).get("/metrics")
    assert answer.status_code == 200
    assert "entre_journal" in answer.content.decode()
    assert "entre_jobs" not in answer.content.decode()
