"""Storage in an object store: the same promises as a folder, tried against moto's S3 server."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import httpx
import pytest
from django.core.files.storage import storages
from django.test import Client
from moto.server import ThreadedMotoServer

from accounts.models import User
from conversations.attachments import object_storage
from conversations.attachments.object_storage import ObjectStorage
from conversations.exceptions import Busy
from conversations.models import Conversation, StoredFile, Upload
from conversations.services import file_sweep
from dm_project import env_files
from tests.conversations.files import (
    announce,
    body_of,
    delete,
    files_in,
    offset_at,
    send_file,
    send_files,
    send_part,
    upload,
    use_folder,
)
from tests.jobs.workers import later, run_due_jobs
from tests.rig.daphne_server import free_port

BUCKET = "entre-files"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Host and port of a store with an empty bucket."""
    found = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    found.start()
    host = "{}:{}".format(*found.get_host_and_port())
    # Its buckets are those of the process: one of an earlier server may be there.
    httpx.post(f"http://{host}/moto-api/reset").raise_for_status()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}",
        region_name="eu-central-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield host
    found.stop()


def setting_for(host: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """As settings read it from the environment."""
    url = f"s3://key:secret@{host}/{BUCKET}/{uuid4()}?region=eu-central-1&tls=off"
    monkeypatch.setenv("FILES_URL", url)
    return env_files.attachment_storage("FILES_URL", Path("/nonexistent"), shared=False)


@pytest.fixture
def storage(server: str, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStorage:
    use_folder(settings, tmp_path / "attachments")
    settings.STORAGES = settings.STORAGES | {"attachments": setting_for(server, monkeypatch)}
    found = storages["attachments"]
    assert isinstance(found, ObjectStorage)
    return found


@pytest.fixture
def away(storage: ObjectStorage, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From this call on, no store answers at the address."""

    def leave() -> None:
        nowhere = setting_for(f"127.0.0.1:{free_port()}", monkeypatch)
        settings.STORAGES = settings.STORAGES | {"attachments": nowhere}

    return leave


@pytest.fixture
def alices(client_of: Callable[[User | None], Client], alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def bobs(client_of: Callable[[User | None], Client], bob: User) -> Client:
    return client_of(bob)


def names_in(storage: ObjectStorage) -> list[str]:
    return sorted(storage.stored(datetime.now(UTC) + timedelta(minutes=1)))


def test_a_file_is_stored_whole_and_read_in_pieces(storage: ObjectStorage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 3_000)
    storage.put("ab/abc", source)
    storage.put("ab/abc", source)
    whole = source.read_bytes()
    assert b"".join(storage.read("ab/abc", 0, len(whole))) == whole
    assert b"".join(storage.read("ab/abc", 1_000, 10)) == whole[1_000:1_010]
    assert list(storage.read("ab/abc", 0, 0)) == []
    assert names_in(storage) == ["ab/abc"]
    assert list(storage.stored(datetime.now(UTC) - timedelta(hours=1))) == []
    storage.delete("ab/abc")
    storage.delete("ab/abc")
    with pytest.raises(FileNotFoundError):
        next(storage.read("ab/abc", 0, 1))


@pytest.mark.django_db
def test_a_message_with_a_file_from_its_upload_to_its_deletion(
    alices: Client, bobs: Client, chat: Conversation, storage: ObjectStorage, settings: Any
) -> None:
    data = bytes(range(256)) * 2_000
    file = send_file(alices, chat, data, part=200_000)
    assert files_in(Path(settings.ATTACHMENTS_DIR)) == []
    key = StoredFile.objects.get().key
    assert names_in(storage) == [f"{key[:2]}/{key}"]
    address = f"/files/{file['id']}/notes.txt"
    assert body_of(bobs.get(address)) == data
    part = bobs.get(address, headers={"Range": "bytes=500000-500009"})
    assert (part.status_code, body_of(part)) == (206, data[500_000:500_010])
    delete(alices, chat, file["seq"])
    run_due_jobs()
    assert names_in(storage) == []


@pytest.mark.django_db
def test_while_the_store_is_away_nothing_is_lost(
    alices: Client,
    bobs: Client,
    chat: Conversation,
    storage: ObjectStorage,
    settings: Any,
    away: Callable[[], None],
) -> None:
    present = settings.STORAGES
    sent = send_file(alices, chat, b"hello")
    begun = announce(alices, 10).json()["id"]
    away()
    answer = send_part(alices, begun, 0, b"0123456789")
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert offset_at(alices, begun) == 10
    address = f"/files/{sent['id']}/notes.txt"
    answer = bobs.get(address)
    assert (answer.status_code, "Retry-After" in answer) == (503, True)
    delete(alices, chat, sent["seq"])
    run_due_jobs()
    assert StoredFile.objects.get().state == StoredFile.State.REMOVING
    settings.STORAGES = present
    file = send_part(alices, begun, 10, b"").json()
    send_files(alices, chat, file["id"])
    assert body_of(bobs.get(f"/files/{file['id']}/notes.txt")) == b"0123456789"
    with later(hours=1):
        run_due_jobs()
    assert StoredFile.objects.count() == len(names_in(storage)) == 1


@pytest.mark.django_db
def test_the_sweep_finds_what_no_row_names(
    alices: Client, chat: Conversation, storage: ObjectStorage, settings: Any, tmp_path: Path
) -> None:
    send_file(alices, chat)
    upload(alices)
    send_part(alices, announce(alices, 10).json()["id"], 0, b"01234")
    lost = tmp_path / "lost"
    lost.write_bytes(b"lost")
    storage.put("zz/zzzz", lost)
    kept = set(names_in(storage)) - {"zz/zzzz"}
    assert file_sweep.bytes_sweep(datetime.now(UTC) + timedelta(minutes=1)) == 1
    assert set(names_in(storage)) == kept
    assert Upload.objects.count() == 2
    assert len(files_in(Path(settings.ATTACHMENTS_DIR))) == 1


def test_an_error_of_the_store_is_retryable_and_its_text_is_not_logged(
    storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(object_storage.limited, "written_at", {})
    source = tmp_path / "source"
    source.write_bytes(b"hello")
    storage.bucket_name = "another-bucket"
    storage._bucket = None
    with pytest.raises(Busy):
        storage.put("ab/secret-key", source)
    ours = [record.getMessage() for record in caplog.records if record.name == object_storage.__name__]
    assert ours == ["the object store refused a request (NoSuchBucket)"]


def test_a_store_that_hangs_holds_few_requests(
    storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would hold a thread that pages need."""
    places = threading.BoundedSemaphore(1)
    monkeypatch.setattr(object_storage, "PLACES", places)
    monkeypatch.setattr(object_storage, "PLACE_SECONDS", 0)
    source = tmp_path / "source"
    source.write_bytes(b"hello")
    storage.put("ab/abcd", source)
    with object_storage.asked():
        for request in (
            lambda: storage.put("ab/abcd", source),
            lambda: next(storage.read("ab/abcd", 0, 5)),
            lambda: storage.delete("ab/abcd"),
        ):
            with pytest.raises(Busy):
                request()
    reading = storage.read("ab/abcd", 0, 5)
    assert next(reading) == b"hello"
    assert places.acquire(blocking=False), "a client that reads slowly holds no place"
    places.release()
