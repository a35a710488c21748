"""FILES_URL: a folder of this machine, or an object store; a value that cannot be read stops the start."""

from pathlib import Path
from typing import Any

import pytest

from dm_project.env_files import attachment_storage
from tests.rig.environment import startup_error

FOLDER = Path("/var/lib/entre-files")


def storage(monkeypatch: pytest.MonkeyPatch, url: str, *, shared: bool = False) -> dict[str, Any]:
    monkeypatch.setenv("FILES_URL", url)
    return attachment_storage("FILES_URL", FOLDER, shared=shared)


@pytest.mark.parametrize(("shared", "file", "folder"), [(False, 0o600, 0o700), (True, 0o640, 0o750)])
def test_without_a_url_files_are_in_the_folder(
    monkeypatch: pytest.MonkeyPatch, shared: bool, file: int, folder: int
) -> None:
    """Readable by the group of the folder where nginx serves them, and never by others."""
    assert storage(monkeypatch, "", shared=shared) == {
        "BACKEND": "conversations.attachments.storage.LocalStorage",
        "OPTIONS": {
            "location": FOLDER,
            "file_permissions_mode": file,
            "directory_permissions_mode": folder,
        },
    }


def test_an_object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    found = storage(monkeypatch, "s3://KEY:se%2Fcret@s3.example.org:9000/bucket/a/folder?region=eu&tls=off")
    assert found["BACKEND"] == "conversations.attachments.object_storage.ObjectStorage"
    options = found["OPTIONS"]
    assert (options["bucket_name"], options["location"]) == ("bucket", "a/folder")
    assert (options["endpoint_url"], options["region_name"]) == ("http://s3.example.org:9000", "eu")
    assert (options["access_key"], options["secret_key"]) == ("KEY", "se/cret")
    assert options["default_acl"] is None, "the bucket decides, and stays private"


def test_the_store_of_aws_with_what_boto3_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    options = storage(monkeypatch, "s3:///bucket")["OPTIONS"]
    assert options["endpoint_url"] is options["access_key"] is options["secret_key"] is None
    assert (options["bucket_name"], options["location"]) == ("bucket", "")


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:secret@host",
        "s3://key:secret@host/",
        "https://key:secret@host/bucket",
        "bucket",
        "s3://key:secret@host:x/bucket",
        "s3://key:secret@host/bucket?rgion=eu",
        "s3://key:secret@host/bucket#x",
    ],
)
def test_another_url_stops_the_start_without_showing_the_key(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("FILES_URL", url)
    sentence = startup_error(attachment_storage, "FILES_URL", FOLDER, shared=False)
    assert "FILES_URL" in sentence
    assert "key:secret" not in sentence
