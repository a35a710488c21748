"""Readers for the storage of files in the environment: a folder of this machine, or an object store (S3).

Called by settings only.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from dm_project.env import invalid, text
from dm_project.env_urls import split

SHARED_FILE, SHARED_DIRECTORY = 0o640, 0o750
PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700
EXAMPLE = "s3://KEY:SECRET@s3.example.org/bucket/folder?region=eu-central-1"
OPTIONS = {"region", "tls"}
CONNECT_S, READ_S = 3, 20


def attachment_storage(name: str, folder: Path, *, shared: bool) -> dict[str, Any]:
    """The entry of STORAGES for attachments.

    Args:
        folder: for local files, and for uploads on their way.
        shared: the group of the folder may read them: the web server serves them.
    """
    raw = text(name)
    if raw:
        return object_store(name, raw)
    return {
        "BACKEND": "conversations.attachments.storage.LocalStorage",
        "OPTIONS": {
            "location": folder,
            "file_permissions_mode": SHARED_FILE if shared else PRIVATE_FILE,
            "directory_permissions_mode": SHARED_DIRECTORY if shared else PRIVATE_DIRECTORY,
        },
    }


def object_store(name: str, raw: str) -> dict[str, Any]:
    """`s3://KEY:SECRET@host/bucket/folder`; without a host that of AWS, without a key what boto3 finds."""
    parts = split(raw)
    bucket, _, folder = (parts.path.strip("/") if parts else "").partition("/")
    query = parse_qs(parts.query, keep_blank_values=True) if parts else {}
    if not parts or parts.scheme != "s3" or not bucket or not query.keys() <= OPTIONS or parts.fragment:
        raise invalid(name, f"{name} cannot be read; it must look like {EXAMPLE}.")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    scheme = "http" if query.get("tls") == ["off"] else "https"
    port = f":{parts.port}" if parts.port else ""
    return {
        "BACKEND": "conversations.attachments.object_storage.ObjectStorage",
        "OPTIONS": {
            "bucket_name": bucket,
            "location": folder,
            "endpoint_url": f"{scheme}://{host}{port}" if host else None,
            "region_name": query.get("region", [None])[0],
            "access_key": unquote(parts.username) if parts.username else None,
            "secret_key": unquote(parts.password) if parts.password else None,
            "default_acl": None,
            "signature_version": "s3v4",
            "addressing_style": "path" if host else "auto",
            "querystring_auth": False,
        },
    }
