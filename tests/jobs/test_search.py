"""The search job: indexes what waits, when something waits, and leaves senders their time."""

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from conversations.jobs.beats import BEATS, fire
from conversations.jobs.search import BUSY, is_needed, pause_after, search_index
from conversations.models import Conversation, SearchRow
from conversations.services.search_indexing import indexer
from tests.factories import make_message
from tests.jobs.workers import later, run_due_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
BEAT = next(beat for beat in BEATS if beat.job is search_index)


@pytest.fixture(autouse=True)
def _new_process() -> None:
    """Each test has another database than the one that this process knows."""
    indexer.seen = None


def test_a_new_message_is_in_the_index_after_one_beat(chat: Conversation, alice: User) -> None:
    fire(BEAT, timezone.now())
    make_message(chat, alice, "hello")
    assert BEAT.every.total_seconds() <= 1
    with later(seconds=2):
        fire(BEAT, timezone.now())
        assert run_due_jobs() == 1
    assert SearchRow.objects.filter(conversation=chat, seq=1).exists()
    assert not is_needed()


def test_an_idle_server_adds_no_job(chat: Conversation, alice: User) -> None:
    make_message(chat, alice, "hello")
    search_index.call()
    for round in range(3):
        with later(seconds=2 * round):
            fire(BEAT, timezone.now())
    assert not DBTaskResult.objects.filter(task_path=search_index.module_path).exists()


def test_the_job_may_run_twice(chat: Conversation, alice: User) -> None:
    make_message(chat, alice, "hello")
    search_index.call()
    search_index.call()
    assert SearchRow.objects.count() == 1


def test_a_busy_process_indexes_a_twentieth_of_the_time() -> None:
    assert pause_after(0.01, BUSY) == pytest.approx(0.19)
    assert pause_after(0.01, 0.0) == pytest.approx(0.01)
