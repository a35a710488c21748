"""Uploads across crashes: the server is killed between any two steps, and a repeat finishes the work.

A kill is an exception that nothing catches, before or after one step. What a transaction had not committed is
then rolled back, as by a real one; tests/live/test_files.py kills real processes.
"""

import errno
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.models import User
from accounts.pictures import permits
from conversations.attachments import antivirus, parts, processing
from conversations.attachments.processing import FileRejected, Processed
from conversations.attachments.storage import LocalStorage, attachment_storage
from conversations.exceptions import (
    AttachmentNotFound,
    Busy,
    FileTooLarge,
    InvalidFile,
    QuotaFull,
    StorageFull,
    UploadConflict,
)
from conversations.models import Conversation, StoredFile, Upload
from conversations.services import attachments, upload_finish
from conversations.services.attachments import (
    Announced,
    Progress,
    upload_append,
    upload_begin,
    upload_cancel,
    upload_progress,
    upload_whole,
)
from conversations.services.messages import message_send
from tests.conversations.files import files_in, use_folder
from tests.conversations.races import at_once
from tests.jobs.workers import run_due_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
DATA = b"0123456789" * 1_000


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    return use_folder(settings, tmp_path / "attachments")


@pytest.fixture(autouse=True)
def processed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures with variants, so that there are as many steps as there can be."""

    def process(path: Path, kind: str, *, name: str = "", user: object = None) -> Processed:
        variants = {}
        for which in ("file", "display", "thumb") if kind == "picture" else ():
            variants[which] = path.with_name(f"{path.name}.{which}")
            variants[which].write_bytes(DATA if which == "file" else b"RIFF" + which.encode())
        return Processed(type="image/webp", kind=kind, variants=variants)

    monkeypatch.setattr(processing, "process", process)


class Killed(BaseException):
    """The process ends here."""


def kill_at(patch: pytest.MonkeyPatch, owner: Any, name: str, *, call: int = 1, before: bool) -> None:
    """Killed before or after this call of a function."""
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def killing(*given: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and before:
            raise Killed
        found = original(*given, **options)
        if calls == call:
            raise Killed
        return found

    patch.setattr(owner, name, killing)


def begin(user: User, id: UUID, kind: str = "picture") -> Progress:
    return upload_begin(user=user, id=id, announced=Announced("cat.png", len(DATA), kind))


def append(user: User, id: UUID, offset: int, data: bytes) -> Progress:
    return upload_append(user=user, id=id, offset=offset, read=io.BytesIO(data).read)


STEPS = [
    (antivirus, "scan", 1),
    (processing, "process", 1),
    (LocalStorage, "put", 1),
    (LocalStorage, "put", 2),
    (LocalStorage, "put", 3),
    (StoredFile, "save", 1),
    (parts, "remove", 1),
]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name", "call"), STEPS, ids=[f"{each[1]}-{each[2]}" for each in STEPS])
def test_an_upload_whose_server_is_killed_after_the_last_part_is_finished_by_a_repeat(
    alice: User,
    chat: Conversation,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    call: int,
    before: bool,
) -> None:
    id = uuid4()
    begin(alice, id)
    append(alice, id, 0, DATA[:4_000])
    with monkeypatch.context() as patch:
        kill_at(patch, owner, name, call=call, before=before)
        with pytest.raises(Killed):
            append(alice, id, 4_000, DATA[4_000:])
    assert upload_progress(user=alice, id=id).offset == len(DATA)
    file = append(alice, id, len(DATA), b"").file
    assert file is not None
    assert b"".join(LocalStorage(location=folder).read(f"{file.key[:2]}/{file.key}", 0, 10**6)) == DATA
    message_send(user=alice, room=chat.room_name, id=uuid4(), body="", attachments=(str(id),)).result(0)
    parts.remove(file.key)
    assert sorted(path.name.partition(".")[2] for path in files_in(folder)) == ["", "display", "thumb"]
    assert (StoredFile.objects.count(), Upload.objects.count()) == (1, 0)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name", "call"), STEPS, ids=[f"{each[1]}-{each[2]}" for each in STEPS])
def test_an_upload_that_was_killed_can_still_be_cancelled_and_leaves_nothing(
    alice: User,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    call: int,
    before: bool,
) -> None:
    id = uuid4()
    begin(alice, id)
    with monkeypatch.context() as patch:
        kill_at(patch, owner, name, call=call, before=before)
        with pytest.raises(Killed):
            append(alice, id, 0, DATA)
    upload_cancel(user=alice, id=id)
    run_due_jobs()
    # What the worker of pictures leaves beside the upload is swept (tests of file_sweep).
    left = [path for path in files_in(folder) if ".part." not in path.name]
    assert (left, StoredFile.objects.count(), Upload.objects.count()) == ([], 0, 0)


def test_a_part_that_was_stored_before_the_kill_is_not_asked_for_again(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = uuid4()
    begin(alice, id)
    with monkeypatch.context() as patch:
        kill_at(patch, parts.PartFile, "append", before=False)
        with pytest.raises(Killed):
            append(alice, id, 0, DATA[:4_000])
    assert upload_progress(user=alice, id=id).offset == 4_000
    assert begin(alice, id).offset == 4_000
    assert append(alice, id, 4_000, DATA[4_000:]).file is not None


def test_an_upload_that_is_ready_waits_for_its_message_over_a_restart(
    alice: User, chat: Conversation
) -> None:
    id = uuid4()
    begin(alice, id)
    append(alice, id, 0, DATA)
    progress = begin(alice, id)
    assert (progress.offset, progress.file) == (len(DATA), StoredFile.objects.get())
    sent = message_send(user=alice, room=chat.room_name, id=uuid4(), body="", attachments=(str(id),)).result(
        0
    )
    assert sent.message is not None
    assert sent.message.attachments[0].id == str(id)
    with pytest.raises(AttachmentNotFound):
        upload_progress(user=alice, id=id)


def test_a_file_in_one_request_is_finished_by_a_repeat_after_a_kill(
    alice: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = uuid4()

    def whole() -> Progress:
        announced = Announced("cat.png", len(DATA), "picture")
        return upload_whole(user=alice, id=id, announced=announced, read=io.BytesIO(DATA).read)

    with monkeypatch.context() as patch:
        kill_at(patch, LocalStorage, "put", before=False)
        with pytest.raises(Killed):
            whole()
    assert whole().file == whole().file == StoredFile.objects.get()
    assert sorted(path.name.partition(".")[2] for path in files_in(folder)) == ["", "display", "thumb"]


def test_a_file_that_shrank_while_it_was_read_is_refused(alice: User, folder: Path) -> None:
    with pytest.raises(FileTooLarge):
        upload_whole(
            user=alice,
            id=uuid4(),
            announced=Announced("notes.txt", 100, "file"),
            read=io.BytesIO(b"short").read,
        )
    assert (files_in(folder), Upload.objects.count()) == ([], 0)


# --- Refusals ---


def test_a_rejected_file_is_not_processed_again(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def process(path: Path, kind: str, *, name: str = "", user: object = None) -> Processed:
        asked.append(kind)
        raise FileRejected("damaged")

    monkeypatch.setattr(processing, "process", process)
    id = uuid4()
    begin(alice, id)
    for offset, data in ((0, DATA), (len(DATA), b""), (len(DATA), b"")):
        with pytest.raises(InvalidFile) as refused:
            append(alice, id, offset, data)
        assert refused.value.reason == "damaged"
    assert asked == ["picture"]


def test_who_has_a_file_scanned_already_waits_and_others_do_not(
    alice: User, bob: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CLAMD_SOCKET = "/run/clamd"
    monkeypatch.setattr(antivirus, "scan", lambda path: None)
    monkeypatch.setattr(permits, "PATIENCE_SECONDS", 0.01)
    alices, bobs = uuid4(), uuid4()
    begin(alice, alices, kind="file")
    begin(bob, bobs, kind="file")
    with upload_finish.SCANS.permit(alice.pk):
        with pytest.raises(Busy):
            append(alice, alices, 0, DATA)
        assert append(bob, bobs, 0, DATA).file is not None
    assert append(alice, alices, len(DATA), b"").file is not None


def test_the_space_of_a_user_counts_what_is_stored_and_what_is_announced(
    alice: User, bob: User, settings: Any
) -> None:
    settings.LIMITS = True
    settings.ATTACHMENT_BYTES_A_PERSON = 2 * len(DATA) + 10
    first = uuid4()
    begin(alice, first, "file")
    append(alice, first, 0, DATA)
    second = uuid4()
    begin(alice, second, "file")
    for size, fits in ((11, False), (10, True), (1, False)):
        announced = Announced("x", size, "file")
        if fits:
            upload_begin(user=alice, id=uuid4(), announced=announced)
        else:
            with pytest.raises(QuotaFull):
                upload_begin(user=alice, id=uuid4(), announced=announced)
    begin(alice, second, "file")
    begin(bob, uuid4())
    upload_cancel(user=alice, id=first)
    run_due_jobs()
    begin(alice, uuid4())


def test_a_cancelled_upload_cannot_be_written_by_a_part_that_waited(
    alice: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part had found the upload before it was cancelled, and must not bring its file back."""
    id = uuid4()
    upload = begin(alice, id).upload
    original = parts.opened

    def opened(key: str, **options: Any) -> Any:
        Upload.objects.filter(pk=upload.pk).delete()
        return original(key, **options)

    monkeypatch.setattr(parts, "opened", opened)
    with pytest.raises(AttachmentNotFound):
        append(alice, id, 0, DATA)
    assert files_in(folder) == []


def test_uploads_leave_the_disk_to_the_database(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DISK_FREE_MB = 100
    monkeypatch.setattr(parts, "free_bytes", lambda: 101 * 2**20)
    assert upload_begin(user=alice, id=uuid4(), announced=Announced("x", 2**20, "file")).is_new
    with pytest.raises(StorageFull):
        upload_begin(user=alice, id=uuid4(), announced=Announced("x", 2**20 + 1, "file"))


def test_parts_leave_the_disk_to_the_database(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many uploads that were announced at once, each had found the space that only one may take."""
    settings.DISK_FREE_MB = 100
    id = uuid4()
    begin(alice, id)
    append(alice, id, 0, DATA[:100])
    with monkeypatch.context() as patched:
        patched.setattr(parts, "free_bytes", lambda: 100 * 2**20 + len(DATA) - 101)
        with pytest.raises(StorageFull):
            append(alice, id, 100, DATA[100:])
        assert upload_progress(user=alice, id=id).offset == 100
    assert append(alice, id, 100, DATA[100:]).file


def test_a_full_disk_at_the_end_of_an_upload_loses_nothing(
    alice: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    id = uuid4()
    begin(alice, id)
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", fail)
        patched.setattr(shutil, "copyfile", fail)
        with pytest.raises(StorageFull):
            append(alice, id, 0, DATA)
    assert upload_progress(user=alice, id=id).offset == len(DATA)
    assert append(alice, id, len(DATA), b"").file
    assert len(files_in(folder)) == 3


def test_variants_count_for_the_space_of_a_user(alice: User, settings: Any) -> None:
    """A picture of a few bytes can have large ones."""
    settings.LIMITS = True
    id = uuid4()
    begin(alice, id)
    append(alice, id, 0, DATA)
    file = StoredFile.objects.get()
    assert file.occupied == len(DATA) + len(b"RIFFdisplay") + len(b"RIFFthumb")
    settings.ATTACHMENT_BYTES_A_PERSON = file.occupied + 10
    for size, fits in ((11, False), (10, True)):
        announced = Announced("x", size, "file")
        if fits:
            upload_begin(user=alice, id=uuid4(), announced=announced)
        else:
            with pytest.raises(QuotaFull):
                upload_begin(user=alice, id=uuid4(), announced=announced)


def test_pictures_that_were_announced_small_do_not_pass_the_limit_with_their_variants(
    alice: User, settings: Any, folder: Path
) -> None:
    """Three are announced while there is room for what they say. The third waits for room and is not lost."""
    settings.LIMITS = True
    whole = len(DATA) + len(b"RIFFdisplay") + len(b"RIFFthumb")
    settings.ATTACHMENT_BYTES_A_PERSON = 2 * whole + len(DATA)
    ids = [uuid4() for _ in range(3)]
    for id in ids:
        begin(alice, id)
    for id in ids[:2]:
        append(alice, id, 0, DATA)
    with pytest.raises(QuotaFull):
        append(alice, ids[2], 0, DATA)
    with pytest.raises(QuotaFull):
        upload_whole(
            user=alice, id=uuid4(), announced=Announced("x", 0, "picture"), read=io.BytesIO(b"").read
        )
    assert (StoredFile.objects.count(), Upload.objects.count()) == (2, 3)
    upload_cancel(user=alice, id=ids[0])
    run_due_jobs()
    assert append(alice, ids[2], len(DATA), b"").file
    upload_cancel(user=alice, id=ids[2])
    run_due_jobs()
    assert len(files_in(folder)) == 3


def test_an_id_that_is_sent_while_it_is_announced_again_belongs_to_the_message(
    alice: User, chat: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second upload would fail the message that takes it, and the whole batch around that."""
    id = uuid4()
    original = attachments.ensure_space

    def ensure_space(user: User, size: int) -> None:
        original(user, size)
        monkeypatch.setattr(attachments, "ensure_space", original)
        begin(alice, id)
        append(alice, id, 0, DATA)
        message_send(user=alice, room=chat.room_name, id=uuid4(), body="", attachments=(str(id),)).result(30)

    monkeypatch.setattr(attachments, "ensure_space", ensure_space)
    with pytest.raises(UploadConflict):
        begin(alice, id)
    assert not Upload.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_announcements_at_once_do_not_share_one_space(alice: User, settings: Any) -> None:
    settings.LIMITS = True
    settings.ATTACHMENT_BYTES_A_PERSON = 3 * len(DATA)
    results, errors = at_once([lambda: begin(alice, uuid4()) for _ in range(8)])
    assert (len(results), {type(error) for error in errors}) == (3, {QuotaFull})
    assert Upload.objects.count() == 3


def test_a_still_never_overwrites_the_video_it_is_of(
    alice: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the part file was removed, the storage has the same file under two names."""
    id = uuid4()
    upload = begin(alice, id, "video").upload
    with monkeypatch.context() as patched:
        kill_at(patched, parts, "remove", before=True)
        with pytest.raises(Killed):
            append(alice, id, 0, DATA)
    assert parts.path_of(upload.key).exists()
    assert append(alice, id, len(DATA), b"").file
    attachments.upload_add_still(user=alice, id=id, read=io.BytesIO(b"frame").read)
    assert b"".join(attachment_storage().read(upload.key[:2] + "/" + upload.key, 0, 10**6)) == DATA
    assert sorted(path.name.partition(".")[2] for path in files_in(folder)) == ["", "display", "thumb"]
