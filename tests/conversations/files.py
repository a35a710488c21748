"""Uploads through the API, as a client makes them, and the folder in which a test finds their bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import Client

from conversations.models import Conversation

API = "/api/v1"
PART_TYPE = "application/offset+octet-stream"


def use_folder(settings: Any, folder: Path) -> Path:
    """Store the files of a test below this folder."""
    settings.ATTACHMENTS_DIR = folder
    local = settings.STORAGES["attachments"]
    settings.STORAGES = settings.STORAGES | {
        "attachments": local | {"OPTIONS": local["OPTIONS"] | {"location": folder}}
    }
    return folder


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def announce(client: Client, size: int, **fields: Any) -> HttpResponse:
    body = {"id": str(uuid4()), "name": "notes.txt", "size": size, "kind": "file", **fields}
    return client.post(f"{API}/attachments", json.dumps(body), content_type="application/json")


def send_part(client: Client, id: str, offset: int | str, data: bytes, **headers: str) -> HttpResponse:
    return client.generic(
        "PATCH",
        f"{API}/attachments/{id}",
        data,
        content_type=headers.pop("content_type", PART_TYPE),
        headers={"Upload-Offset": str(offset), **headers},
    )


def offset_at(client: Client, id: str) -> int:
    return int(client.head(f"{API}/attachments/{id}")["Upload-Offset"])


def upload(client: Client, data: bytes = b"hello", *, part: int = 1_048_576, **fields: Any) -> dict[str, Any]:
    """A complete upload. Returns the attachment."""
    id = announce(client, len(data), **fields).json()["id"]
    answer = send_part(client, id, 0, data[:part])
    for offset in range(part, len(data), part):
        assert answer.status_code == 204, answer.content
        answer = send_part(client, id, offset, data[offset : offset + part])
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def send_message(client: Client, chat: Conversation, body: str = "", **fields: Any) -> HttpResponse:
    return client.post(
        f"{API}/conversations/{chat.room_name}/messages",
        json.dumps({"id": str(uuid4()), "body": body, **fields}),
        content_type="application/json",
    )


def send_files(client: Client, chat: Conversation, *ids: str, body: str = "") -> dict[str, Any]:
    """A message with these uploads. Returns the message."""
    answer = send_message(client, chat, body, attachments=list(ids))
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()["message"]
    return found


def send_file(client: Client, chat: Conversation, data: bytes = b"hello", **fields: Any) -> dict[str, Any]:
    """A message with one file. Returns its attachment, with the `seq` of the message."""
    message = send_files(client, chat, upload(client, data, **fields)["id"])
    return message["attachments"][0] | {"seq": message["seq"]}


def forward(client: Client, chat: Conversation, seq: int, *, to: Conversation) -> dict[str, Any]:
    answer = client.post(
        f"{API}/conversations/{to.room_name}/messages",
        json.dumps({"id": str(uuid4()), "forward": {"room": chat.room_name, "seq": seq}}),
        content_type="application/json",
    )
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()["message"]
    return found


def delete(client: Client, chat: Conversation, seq: int, scope: str = "everyone") -> HttpResponse:
    return client.delete(f"{API}/conversations/{chat.room_name}/messages/{seq}?scope={scope}")


def body_of(response: Any) -> bytes:
    """Of a response that streams from an async generator."""
    if not response.streaming:
        return bytes(response.content)
    return async_to_sync(gathered)(response)


async def gathered(response: Any) -> bytes:
    return b"".join([part async for part in response])
