"""Storage in an object store that speaks S3 (`FILES_URL`). Loaded only where it is used: requirements-s3.txt.

The server fetches each file itself, so that the right of the reader is judged on each request; no address of
the store ever reaches a browser.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from accounts.log_limits import OnceAMinute
from conversations.attachments.storage import CHUNK
from conversations.exceptions import Busy, StorageFull

logger = logging.getLogger(__name__)
limited = OnceAMinute(logger)
MISSING = {"NoSuchKey", "404", "NotFound"}
FULL = {"EntityTooLarge", "QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "507"}
RETRY_MS = 5_000
TRANSFER = TransferConfig(
    multipart_threshold=16 * 1024 * 1024, multipart_chunksize=8 * 1024 * 1024, use_threads=False
)
"""One piece in memory at a time."""
PLACES, PLACE_SECONDS = threading.BoundedSemaphore(8), 1.0
"""Requests to the store of this process at once. One that hangs must not hold all threads that pages need."""
CLIENT = Config(connect_timeout=3, read_timeout=20, retries={"max_attempts": 2, "mode": "standard"})


class ObjectStorage(S3Storage):
    """Raises Busy while the store does not answer: the request can be repeated."""

    def __init__(self, **options: object) -> None:
        style, version = options.pop("addressing_style", None), options.pop("signature_version", None)
        config = CLIENT.merge(Config(s3={"addressing_style": style}, signature_version=version))
        super().__init__(**options, client_config=config, transfer_config=TRANSFER)

    def put(self, name: str, path: Path) -> None:
        # Not `upload_file`, which hides the code of an error in a text.
        with asked(), path.open("rb") as file:
            self.bucket.upload_fileobj(file, self.full_name(name), Config=TRANSFER)

    def read(self, name: str, start: int, length: int) -> Iterator[bytes]:
        if length <= 0:
            return
        wanted = f"bytes={start}-{start + length - 1}"
        with asked():
            body = self.bucket.Object(self.full_name(name)).get(Range=wanted)["Body"]
        try:
            with answered():
                yield from body.iter_chunks(CHUNK)
        finally:
            body.close()

    def delete(self, name: str) -> None:
        with asked():
            self.bucket.Object(self.full_name(name)).delete()

    def stored(self, before: datetime) -> Iterator[str]:
        root = self.full_name("")
        with answered():
            for entry in self.bucket.objects.filter(Prefix=root):
                if entry.last_modified < before:
                    yield entry.key.removeprefix(root)

    def full_name(self, name: str) -> str:
        return f"{self.location.strip('/')}/{name}".removeprefix("/")


@contextmanager
def asked() -> Iterator[None]:
    """A request, as `answered`. Raises Busy as well: too many wait for the store already."""
    if not PLACES.acquire(timeout=PLACE_SECONDS):
        raise Busy(retry_after_ms=RETRY_MS)
    try:
        with answered():
            yield
    finally:
        PLACES.release()


@contextmanager
def answered() -> Iterator[None]:
    """Translates the errors of the store. Their texts name buckets and keys, and are never logged."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in MISSING:
            raise FileNotFoundError from None
        if code in FULL:
            raise StorageFull(retry_after_ms=RETRY_MS) from None
        limited.warning("the object store refused a request (%s)", code)
        raise Busy(retry_after_ms=RETRY_MS) from None
    except BotoCoreError as error:
        limited.warning("the object store does not answer (%s)", type(error).__name__)
        raise Busy(retry_after_ms=RETRY_MS) from None
