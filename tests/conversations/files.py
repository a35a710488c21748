"""Uploads through the API, as a client makes them."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import Client

from conversations.models import Conversation

API = "/api/v1"
PART_TYPE = "application/offset+octet-stream"


def announce(client: Client, size: int, **fields: Any) -> HttpResponse:
    body = {"id": str(uuid4()), "name": "notes.txt", "size": size, "kind": "file", **fields}
    return client.post(f"{API}/attachments", json.dumps(body), content_type="application/json")


def send_part(client: Client, id: str, offset: int, data: bytes, **headers: str) -> HttpResponse:
    return client.generic(
        "PATCH",
        f"{API}/attachments/{id}",
        data,
        content_type=PART_TYPE,
        headers={"Upload-Offset": str(offset), **headers},
    )


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


def send_file(client: Client, chat: Conversation, data: bytes = b"hello", **fields: Any) -> dict[str, Any]:
    """A message with one file. Returns the message."""
    answer = send_message(client, chat, attachments=[upload(client, data, **fields)["id"]])
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()["message"]
    return found


def body_of(response: Any) -> bytes:
    """Of a response that streams from an async generator."""
    if not response.streaming:
        return bytes(response.content)
    return async_to_sync(gathered)(response)


async def gathered(response: Any) -> bytes:
    return b"".join([part async for part in response])
