"""Removal of stored files: with the last reference, across crashes, and never beneath a new one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from conversations.attachments.storage import LocalStorage
from conversations.models import Conversation, StoredFile
from conversations.services import file_removal
from conversations.services.file_removal import file_remove
from tests.conversations.files import announce, delete, files_in, forward, send_file, use_folder
from tests.conversations.services.test_attachments import Killed, kill_at
from tests.factories import make_conversation
from tests.jobs.workers import run_due_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    return use_folder(settings, tmp_path / "attachments")


@pytest.fixture
def alices(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


STEPS = [(file_removal, "has_references", 1), *[(LocalStorage, "delete", call) for call in (1, 2, 3)]]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name", "call"), STEPS, ids=[f"{each[1]}-{each[2]}" for each in STEPS])
def test_a_removal_that_was_killed_is_finished_by_the_next_run(
    alices: Client,
    chat: Conversation,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    call: int,
    before: bool,
) -> None:
    delete(alices, chat, send_file(alices, chat)["seq"])
    file = StoredFile.objects.get()
    with monkeypatch.context() as patch:
        kill_at(patch, owner, name, call=call, before=before)
        with pytest.raises(Killed):
            file_remove(file.pk)
    assert StoredFile.objects.exists(), "the row goes last, so that the next run knows what is left"
    file_remove(file.pk)
    file_remove(file.pk)
    assert (StoredFile.objects.count(), files_in(folder)) == (0, [])


def test_the_job_is_added_in_the_transaction_that_removes_the_last_reference(
    alices: Client, chat: Conversation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is killed after the commit has the job in its rows."""
    file = send_file(alices, chat)
    with monkeypatch.context() as patch:
        kill_at(patch, file_removal, "remove_bytes", before=True)
        delete(alices, chat, file["seq"])
    assert len(files_in(folder)) == 1
    assert run_due_jobs() == 1
    assert files_in(folder) == []


def test_what_others_keep_does_not_fill_the_space_of_its_uploader(
    alices: Client,
    client_of: Callable[[User | None], Client],
    chat: Conversation,
    alice: User,
    bob: User,
    carol: User,
) -> None:
    file = send_file(alices, chat)
    theirs = make_conversation(bob, carol)
    bobs = client_of(bob)
    forward(bobs, chat, file["seq"], to=theirs)
    own = forward(alices, chat, file["seq"], to=chat)
    delete(alices, chat, file["seq"])
    run_due_jobs()
    assert StoredFile.objects.get().uploader == alice, "another message of hers has it"
    delete(alices, chat, own["seq"])
    run_due_jobs()
    assert StoredFile.objects.get().uploader == bob
    delete(bobs, theirs, 1)
    run_due_jobs()
    assert not StoredFile.objects.exists()


def test_two_users_who_forward_each_others_files_get_no_more_space_together(
    alices: Client,
    client_of: Callable[[User | None], Client],
    chat: Conversation,
    alice: User,
    bob: User,
    settings: Any,
) -> None:
    """Alice sends, Bob forwards it back to her, she deletes hers: each time a file would count for Bob."""
    settings.LIMITS = True
    settings.ATTACHMENT_BYTES_A_PERSON = 100
    bobs = client_of(bob)
    for _ in range(4):
        file = send_file(alices, chat, b"x" * 50)
        forward(bobs, chat, file["seq"], to=chat)
        delete(alices, chat, file["seq"])
        run_due_jobs()
    owners = [each.uploader for each in StoredFile.objects.order_by("pk")]
    assert owners == [bob, bob, alice, alice]
    assert announce(alices, 1).json()["code"] == "storage_full"
