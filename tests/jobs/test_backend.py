"""Adding jobs: ids only, inside the caller's transaction, one statement for many."""

from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from conversations.jobs.backend import enqueue_all, leases, woken
from tests.jobs.sample_jobs import SECRET_TEXT, exporting, notes, noting
from tests.jobs.workers import run_due_jobs

ID = UUID("0f3c1c9e-6f0e-4c8b-9a1d-0123456789ab")


@pytest.mark.django_db
@pytest.mark.parametrize("value", [7, ID, str(ID)], ids=str)
def test_ids_are_arguments(value: Any) -> None:
    noting.enqueue(value)
    enqueue_all(noting, [(value,)])
    assert [row.args_kwargs["args"] for row in DBTaskResult.objects.all()] == [
        [value if value == 7 else str(ID)]
    ] * 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value",
    [SECRET_TEXT, "dm-abcdefghijklmnopqrstuvwxyz234567", "7", b"7", 1.5, None, [7], {"id": 7}],
    ids=str,
)
def test_nothing_else_is_an_argument(value: Any) -> None:
    """The row would keep a message after it was deleted (docs/threats.md T63)."""
    for add in (
        lambda: noting.enqueue(value),
        lambda: noting.enqueue(number=value),
        lambda: enqueue_all(noting, [(1,), (value,)]),
    ):
        with pytest.raises(ValueError, match="integers and UUIDs") as refused:
            add()
        assert SECRET_TEXT not in str(refused.value)
    assert not DBTaskResult.objects.exists()


@pytest.mark.django_db
@pytest.mark.both_databases
def test_many_jobs_cost_one_statement(django_assert_num_queries: Any) -> None:
    with transaction.atomic(), django_assert_num_queries(1):
        enqueue_all(noting, [(number,) for number in range(50)])
    with django_assert_num_queries(0):
        enqueue_all(noting, [])
    assert run_due_jobs() == 50
    assert len(notes("ran-49")) == 1


@pytest.mark.django_db
def test_jobs_added_together_keep_the_queue_of_their_kind() -> None:
    enqueue_all(exporting, [(1,)])
    assert DBTaskResult.objects.get().queue_name == "exports"


@pytest.mark.django_db(transaction=True)
def test_the_engine_of_this_process_is_woken_by_the_commit_only() -> None:
    woken.clear()
    with transaction.atomic():
        noting.enqueue(1)
        assert not woken.is_set()
    assert woken.is_set()


def test_each_queue_has_a_lease() -> None:
    assert set(settings.TASKS["default"]["QUEUES"]) == set(leases())
    assert leases().items() >= {"default": 60, "media": 300, "exports": 1800}.items()
