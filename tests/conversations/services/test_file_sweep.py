"""The sweep: what was never sent goes after a day, what crashes have left goes, and nothing else."""

import io
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from conversations.attachments import parts
from conversations.jobs.file_sweep import files_sweep, has_expired_uploads, uploads_expire
from conversations.models import Attachment, Conversation, StoredFile, Upload
from conversations.services import file_sweep
from tests.conversations.files import announce, files_in, send_file, send_part, upload, use_folder
from tests.jobs.workers import later, run_due_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    return use_folder(settings, tmp_path / "attachments")


@pytest.fixture
def alices(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


def twice(job: Any) -> None:
    for _ in range(2):
        job.enqueue()
        run_due_jobs()


def test_uploads_that_were_not_sent_go_after_a_day(
    alices: Client, chat: Conversation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_sweep, "BATCH", 2)
    sent = send_file(alices, chat)
    for _ in range(3):
        upload(alices)
        send_part(alices, announce(alices, 10).json()["id"], 0, b"01234")
    announce(alices, 10)
    with later(hours=23):
        assert not has_expired_uploads()
        twice(uploads_expire)
    assert Upload.objects.count() == 7
    with later(hours=25):
        assert has_expired_uploads()
        twice(uploads_expire)
    assert Upload.objects.count() == 0
    assert [str(each.pk) for each in Attachment.objects.all()] == [sent["id"]]
    assert (StoredFile.objects.count(), len(files_in(folder))) == (1, 1)


def test_an_upload_that_is_being_written_is_left_alone(alices: Client) -> None:
    id = announce(alices, 10).json()["id"]
    key = Upload.objects.get().key
    with later(hours=25):
        with parts.opened(key):
            twice(uploads_expire)
        assert Upload.objects.filter(pk=id).exists()
        twice(uploads_expire)
    assert not Upload.objects.exists()


def test_files_whose_job_was_lost_are_found(
    alices: Client, chat: Conversation, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_sweep, "BATCH", 2)
    kept = [send_file(alices, chat)["id"] for _ in range(2)]
    for _ in range(3):
        send_file(alices, chat)
    upload(alices)
    Attachment.objects.exclude(pk__in=kept).delete()
    files_sweep.call()
    assert StoredFile.objects.count() == 6, "young ones may belong to a transaction that is running"
    with later(hours=2):
        files_sweep.call()
    assert (StoredFile.objects.count(), len(files_in(folder))) == (3, 3)


def age(path: Path, **past: float) -> None:
    moment = (timezone.now() - timedelta(**past)).timestamp()
    os.utime(path, (moment, moment))


def test_bytes_that_no_row_names_are_found_and_no_others(
    alices: Client, chat: Conversation, folder: Path
) -> None:
    send_file(alices, chat)
    upload(alices)
    send_part(alices, announce(alices, 10).json()["id"], 0, b"01234")
    kept = set(files_in(folder))
    key = StoredFile.objects.earliest("pk").key
    lost = [
        folder / "zz" / "zzzzzzzzzzzzzzzzzzzzzzzzzz",
        folder / "zz" / "zzzzzzzzzzzzzzzzzzzzzzzzzz.display",
        folder / "zz" / "zzzzzzzzzzzzzzzzzzzzzzzzzz.part",
        folder / key[:2] / f"{key}.part",
        folder / key[:2] / f"{key}.new",
        folder / key[:2] / f"{key}.part.thumb",
    ]
    for path in lost:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"lost")
    young = lost[0].with_name("yyyyyyyyyyyyyyyyyyyyyyyyyy")
    for path in files_in(folder):
        age(path, hours=2)
    young.write_bytes(b"just begun")
    twice(files_sweep)
    assert set(files_in(folder)) == kept | {young}


def test_an_upload_that_ends_during_the_sweep_keeps_its_bytes(alices: Client, folder: Path) -> None:
    """Its last part came long ago, and it is completed between two statements of the sweep."""
    id = announce(alices, 5).json()["id"]
    key = Upload.objects.get().key
    with parts.opened(key) as part:
        part.append(io.BytesIO(b"hello").read, 5)
    for path in files_in(folder):
        age(path, hours=2)
    asked = 0

    def complete(execute: Any, sql: str, *rest: Any) -> Any:
        nonlocal asked
        asked += key in str(rest)
        if asked == 2:
            asked += 1
            assert send_part(alices, id, 5, b"").status_code == 200
        return execute(sql, *rest)

    with connection.execute_wrapper(complete):
        # As it is listed between the storing of the bytes and that of the row.
        left = file_sweep.unnamed([f"{key[:2]}/{key}"])
    assert asked > 2
    assert left == []


def test_an_operator_can_sweep_by_hand(
    alices: Client, chat: Conversation, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    send_file(alices, chat)
    upload(alices)
    (folder / "zz").mkdir()
    (folder / "zz" / "zzzz").write_bytes(b"lost")
    Upload.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    with later(seconds=1):
        call_command("sweepfiles", "--minutes", "0")
    assert capsys.readouterr().out == (
        "Removed 1 uploads that were not sent, 1 files without a message, and 1 files without a row.\n"
    )
    assert len(files_in(folder)) == 1
