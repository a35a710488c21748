"""Uploads of a `Person`, part by part, and slow downloads."""

from __future__ import annotations

import hashlib
import random
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from tests.rig.people import Person

PART = 1_048_576
PART_TYPE = "application/offset+octet-stream"


def bytes_of(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def announce(person: Person, size: int, **fields: Any) -> httpx.Response:
    body = {"id": str(uuid4()), "name": "film.bin", "size": size, "kind": "file", **fields}
    return person.api("POST", "/attachments", body)


def token_of(person: Person) -> dict[str, str]:
    """The header against forged requests."""
    token = next(cookie.value for cookie in person.http.cookies.jar if cookie.name.endswith("csrftoken"))
    return {"X-CSRFToken": str(token)}


def send_part(person: Person, id: str, offset: int, data: bytes) -> httpx.Response:
    headers = {**token_of(person), "Upload-Offset": str(offset), "Content-Type": PART_TYPE}
    return person.http.patch(f"/api/v1/attachments/{id}", content=data, headers=headers)


def cut_part(person: Person, id: str, offset: int, data: bytes, *, after: int) -> None:
    """A part whose connection ends after so many bytes of it."""
    where = urlsplit(person.address)
    lines = [
        f"PATCH /api/v1/attachments/{id} HTTP/1.1",
        f"Host: {where.netloc}",
        f"Cookie: {person.cookies}",
        f"Content-Type: {PART_TYPE}",
        f"Content-Length: {len(data)}",
        f"Upload-Offset: {offset}",
        *[f"{name}: {value}" for name, value in token_of(person).items()],
        "",
        "",
    ]
    with socket.create_connection((where.hostname, where.port or 80), timeout=30) as line:
        line.sendall("\r\n".join(lines).encode() + data[:after])
        if after < len(data):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            # The part arrives whole, and its answer is lost.
            line.recv(1)


def offset_at(person: Person, id: str) -> int:
    return int(person.api("HEAD", f"/attachments/{id}").headers["Upload-Offset"])


def upload(person: Person, data: bytes, **fields: Any) -> dict[str, Any]:
    """All parts, one after the other. Returns the attachment."""
    answer = announce(person, len(data), **fields)
    id = answer.json()["id"]
    for offset in range(0, max(1, len(data)), PART):
        answer = send_part(person, id, offset, data[offset : offset + PART])
        assert answer.status_code in {200, 204}, answer.text
    found: dict[str, Any] = answer.json()
    return found


def send_files(person: Person, room: str, *ids: str, body: str = "") -> httpx.Response:
    return person.api(
        "POST",
        f"/conversations/{room}/messages",
        {"id": str(uuid4()), "body": body, "attachments": list(ids)},
    )


def read_slowly(person: Person, path: str, *, step: int = 65_536) -> Iterator[bytes]:
    """The body of a download, read by a client with a small buffer, only as fast as the caller asks."""
    where = urlsplit(person.address)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, step)
    connection.connect((where.hostname, where.port))
    with connection:
        lines = f"GET {path} HTTP/1.1", f"Host: {where.netloc}", f"Cookie: {person.cookies}", "", ""
        connection.sendall("\r\n".join(lines).encode())
        found = b""
        while b"\r\n\r\n" not in found:
            found += connection.recv(step)
        head_bytes, _, first = found.partition(b"\r\n\r\n")
        assert head_bytes.startswith(b"HTTP/1.1 200"), head_bytes
        yield first
        left = int(head_bytes.lower().partition(b"content-length:")[2].split()[0]) - len(first)
        while left > 0 and (part := connection.recv(step)):
            left -= len(part)
            yield part


def digest(parts: Iterator[bytes]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()
