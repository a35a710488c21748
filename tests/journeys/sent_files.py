"""Files that a person of a journey sends over the HTTP API, as another device of theirs does."""

import io
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from PIL import Image, ImageDraw

from tests.rig.people import Person

VOICE = (Path(__file__).with_name("voice.webm")).read_bytes()
"""1.2 seconds of a tone, as Chromium records it."""
PEAKS = [10, 80, 40, 100, 60, 20] * 10


@cache
def jpeg(width: int, height: int, colour: str) -> bytes:
    picture = Image.new("RGB", (width, height), colour)
    ImageDraw.Draw(picture).ellipse([width // 3, height // 3, width // 2, height // 2], fill="white")
    data = io.BytesIO()
    picture.save(data, "JPEG")
    return data.getvalue()


def upload(person: Person, data: bytes, name: str, kind: str, **fields: Any) -> str:
    """Returns its id."""
    id = str(uuid4())
    announced = person.api(
        "POST", "/attachments", {"id": id, "name": name, "size": len(data), "kind": kind, **fields}
    )
    assert announced.status_code == 201, announced.text
    put(
        person,
        "PATCH",
        f"/attachments/{id}",
        data,
        {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
    )
    return id


def add_still(person: Person, id: str, picture: bytes) -> None:
    """Of a video that was not sent yet."""
    put(person, "PUT", f"/attachments/{id}/still", picture, {"Content-Type": "image/png"})


def put(person: Person, method: str, path: str, data: bytes, headers: dict[str, str]) -> None:
    token = next(cookie.value for cookie in person.http.cookies.jar if cookie.name.endswith("csrftoken"))
    headers = {"X-CSRFToken": str(token), **headers}
    sent = person.http.request(method, f"/api/v1{path}", content=data, headers=headers)
    assert sent.status_code == 200, sent.text


def send_files(person: Person, room: str, *ids: str, body: str = "", **fields: Any) -> int:
    """Returns the number of the message."""
    sent = person.api(
        "POST",
        f"/conversations/{room}/messages",
        {"id": str(uuid4()), "body": body, "attachments": list(ids), **fields},
    )
    assert sent.status_code == 201, sent.text
    return int(sent.json()["message"]["seq"])


def send_pictures(person: Person, room: str, *colours: str, body: str = "") -> int:
    ids = [
        upload(person, jpeg(640, 420, colour), f"{colour}.jpg", "picture", alt=f"All {colour}")
        for colour in colours
    ]
    return send_files(person, room, *ids, body=body)


def send_voice(person: Person, room: str) -> int:
    return send_files(person, room, upload(person, VOICE, "voice.webm", "voice", seconds=1.2, peaks=PEAKS))
