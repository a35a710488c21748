"""Hostile clients, one function for each kind, bounded in number and time.

`benchmarks.stall` runs each in a process of its own, so that its work does not count as the server's:
`python -m benchmarks.hostile KIND`, with a Target as JSON on standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks import hostile_pictures

KIBIBYTE, MEBIBYTE = 1024, 1024 * 1024
FLOOD_SECONDS = 5.0
INDEXED_SECONDS = 4.0
"""After it what was sent can be found."""
TIMEOUT_SECONDS = 120.0
TOKEN = "a" * 32
PING, PONG, START, PIECE = b"\x89\x80mask", b"\x8a\x80mask", b"\x01\x80mask", b"\x00\x80mask"
PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n'


@dataclass
class Target:
    """The address of the service, and the session and room of a user."""

    address: str
    cookie: str
    room: str

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    def headers(self, *, signed_in: bool = False) -> dict[str, str]:
        cookies = f"csrftoken={TOKEN}" + (f"; {self.cookie}" if signed_in else "")
        return {"Cookie": cookies, "Origin": self.address, "X-CSRFToken": TOKEN}


Outcome = Counter[str]


def marks(number: int) -> str:
    """Combining marks of two classes in the wrong order, which takes longest to normalise (T32)."""
    return "a" + "\u0345" * (number // 2) + "\u0300" * (number // 2)


async def raw(
    target: Target, line: str, *headers: str, body: bytes = b"", length: int | None = None
) -> Outcome:
    """One raw request. Returns its status, or "cut" without one."""
    reader, writer = await asyncio.open_connection(*target.host.split(":"))
    fields = [f"Host: {target.host}", "Connection: close", f"Cookie: csrftoken={TOKEN}", *headers]
    if body or length is not None:
        fields.append(f"Content-Length: {len(body) if length is None else length}")
    answer = b""
    try:
        writer.write("\r\n".join([f"{line} HTTP/1.1", *fields, "", ""]).encode() + body)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer = await reader.read(64)
    except (OSError, TimeoutError):
        pass
    finally:
        writer.transport.abort()
    return Counter([answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/1.1 ") else "cut"])


async def flood(
    target: Target, connections: int, once: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]
) -> Outcome:
    """The same request over so many connections, as fast as possible, for FLOOD_SECONDS."""
    outcome: Outcome = Counter()
    end = time.monotonic() + FLOOD_SECONDS

    async def repeat(client: httpx.AsyncClient) -> None:
        while time.monotonic() < end:
            try:
                outcome[str((await once(client)).status_code)] += 1
            except httpx.HTTPError:
                outcome["cut"] += 1

    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(base_url=target.address, limits=limits, timeout=TIMEOUT_SECONDS) as client:
        await asyncio.gather(*(repeat(client) for _ in range(connections)))
    return outcome


# --- Anonymous: one request ---

MULTIPART = "Content-Type: multipart/form-data; boundary=x"


async def nothing(target: Target) -> Outcome:
    await asyncio.sleep(FLOOD_SECONDS)
    return Counter()


async def quote(target: Target) -> Outcome:
    body = b'--x\r\nContent-Disposition: form-data; z="' + b";" * 128 * KIBIBYTE + b"\r\n\r\nv\r\n--x--\r\n"
    return await raw(target, "POST /accounts/login/", MULTIPART, body=body)


async def nested(target: Target) -> Outcome:
    body = b"".join(
        b"--x%d\r\nContent-Type: multipart/mixed; boundary=x%d\r\n\r\n" % (depth, depth + 1)
        for depth in range(1_700)
    )
    return await raw(target, "POST /accounts/login/", f"{MULTIPART}0", body=body)


async def parts(target: Target) -> Outcome:
    return await raw(target, "POST /accounts/login/", MULTIPART, body=PART * (MEBIBYTE // len(PART) - 1))


async def upload(target: Target) -> Outcome:
    body = PART * (8 * MEBIBYTE // len(PART) - 1)
    return await raw(target, "POST /settings/profile/picture/", MULTIPART, body=body)


async def chunked(target: Target) -> Outcome:
    reader, writer = await asyncio.open_connection(*target.host.split(":"))
    writer.write(
        f"POST /accounts/login/ HTTP/1.1\r\nHost: {target.host}\r\n".encode()
        + b"Transfer-Encoding: chunked\r\n\r\n"
    )
    try:
        writer.write(b"1\r\na\r\n" * 500_000 + b"0\r\n\r\n")
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer = await reader.read(64)
    except (OSError, TimeoutError):
        answer = b""
    writer.transport.abort()
    return Counter([answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/1.1 ") else "cut"])


async def marks_in_a_name(target: Target) -> Outcome:
    fields = {
        "name": marks(128_000),
        "username": f"u{uuid4().hex[:12]}",
        "password1": "correct horse battery",
    }
    async with httpx.AsyncClient(base_url=target.address, timeout=TIMEOUT_SECONDS) as client:
        body = "&".join(
            [f"csrfmiddlewaretoken={TOKEN}", *(f"{name}={value}" for name, value in fields.items())]
        ).encode()
        headers = {**target.headers(), "Content-Type": "application/x-www-form-urlencoded"}
        answer = await client.post("/accounts/signup/", content=body, headers=headers)
    return Counter([str(answer.status_code)])


# --- Anonymous: many ---


async def log_ins(target: Target) -> Outcome:
    limits = httpx.Limits(max_connections=60)
    async with httpx.AsyncClient(base_url=target.address, limits=limits, timeout=TIMEOUT_SECONDS) as client:

        async def log_in(number: int) -> str:
            fields = {"login": f"nobody{number}", "password": "not this one", "csrfmiddlewaretoken": TOKEN}
            return str(
                (await client.post("/accounts/login/", data=fields, headers=target.headers())).status_code
            )

        return Counter(await asyncio.gather(*(log_in(number) for number in range(60))))


async def description(target: Target) -> Outcome:
    return await flood(target, 30, lambda client: client.get("/api/v1/openapi.json"))


async def content_types(target: Target) -> Outcome:
    headers = {"Content-Type": 'a/b; z="' + ";" * 15_000}
    return await flood(target, 10, lambda client: client.get("/accounts/login/", headers=headers))


# --- Signed in ---


async def open_socket(target: Target) -> ClientConnection:
    headers = {"Cookie": target.cookie, "Origin": target.address}
    address = f"ws://{target.host}/ws/"
    connection = await connect(
        address, additional_headers=headers, compression=None, proxy=None, ping_interval=None, max_queue=None
    )
    await connection.recv()
    return connection


async def frames(target: Target, sockets: int, first: bytes, then: bytes) -> Outcome:
    """Endless frames on so many sockets, each until the server closes it or the time is over."""
    end = time.monotonic() + FLOOD_SECONDS

    async def send_frames() -> str:
        connection = await open_socket(target)
        connection.transport.write(first)
        while time.monotonic() < end and not connection.transport.is_closing():
            if connection.transport.get_write_buffer_size() < 256 * KIBIBYTE:
                connection.transport.write(then * 5_000)
            await asyncio.sleep(0)
        if connection.transport.is_closing():
            await connection.wait_closed()
        ended = str(connection.close_code or "not ended")
        connection.transport.abort()
        return ended

    return Counter(await asyncio.gather(*(send_frames() for _ in range(sockets))))


async def marks_in_messages(target: Target) -> Outcome:
    outcome: Outcome = Counter()
    connection = await open_socket(target)
    try:
        for _ in range(8):
            await connection.send(
                json.dumps(
                    {"type": "message.send", "room": target.room, "id": str(uuid4()), "body": marks(31_000)},
                    ensure_ascii=False,
                )
            )
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while outcome.total() < 8:
                frame = json.loads(await connection.recv())
                if frame["type"] == "error":
                    outcome[frame["code"]] += 1
    except (WebSocketException, TimeoutError):
        outcome["ended"] += 1
    connection.transport.abort()
    return outcome


async def sync(target: Target) -> Outcome:
    rooms = {f"{number:032d}"[:22]: 0 for number in range(100)}
    headers = target.headers(signed_in=True)
    return await flood(
        target, 10, lambda client: client.post("/api/v1/sync", json={"rooms": rooms}, headers=headers)
    )


async def invites(target: Target) -> Outcome:
    headers = target.headers(signed_in=True)
    async with httpx.AsyncClient(base_url=target.address, timeout=TIMEOUT_SECONDS) as client:
        for _ in range(20):
            await client.post("/api/v1/invites", json={"note": "", "lives": "1d"}, headers=headers)
    return await flood(target, 10, lambda client: client.get("/invites/", headers=headers))


async def send(target: Target, bodies: Sequence[str]) -> None:
    """Messages of the hostile user, up to the 60 that may be sent at once."""
    headers = target.headers(signed_in=True)
    async with httpx.AsyncClient(base_url=target.address, timeout=TIMEOUT_SECONDS) as client:
        for body in bodies:
            message = {"id": str(uuid4()), "body": body}
            path = f"/api/v1/conversations/{target.room}/messages"
            (await client.post(path, json=message, headers=headers)).raise_for_status()


async def phrases(target: Target) -> Outcome:
    """Every message nearly has the phrase, at every word."""
    await send(target, ["b " + "a " * 3_990] * 50)
    await asyncio.sleep(INDEXED_SECONDS)
    query = {"q": '"' + "a " * 240 + 'b"'}
    headers = target.headers(signed_in=True)
    return await flood(target, 10, lambda client: client.get("/api/v1/search", params=query, headers=headers))


async def marked_words(target: Target) -> Outcome:
    """The page is full of long texts, in each of which a thousand places are found."""
    await send(target, ["ab cd " * 1_300] * 50)
    await asyncio.sleep(INDEXED_SECONDS)
    headers = target.headers(signed_in=True)
    return await flood(target, 10, lambda client: client.get("/api/v1/search?q=ab+cd+a+c", headers=headers))


async def markup(target: Target) -> Outcome:
    """The page of a chat draws 50 texts that consist of signs."""
    await send(target, ["*_~a `b` " * 880, "> - a\n" * 1_140] * 25)
    headers = target.headers(signed_in=True)
    return await flood(target, 10, lambda client: client.get(f"/chats/{target.room}/", headers=headers))


async def changes(target: Target) -> Outcome:
    """Edits, reactions and drafts without a pause on one socket, beside each other."""
    await send(target, ["first"])
    outcome: Outcome = Counter()
    connection = await open_socket(target)
    frames = [
        {"type": "message.edit", "seq": 1, "body": "x" * 8_000},
        {"type": "reaction.set", "seq": 1, "emoji": "👍", "on": True},
        {"type": "draft.set", "body": "x" * 8_000},
    ]
    end = time.monotonic() + FLOOD_SECONDS
    try:
        while time.monotonic() < end:
            for number, frame in enumerate(frames):
                await connection.send(json.dumps({"ref": str(number), "room": target.room, **frame}))
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = json.loads(await connection.recv())
            outcome[answer.get("code") or answer["type"]] += 1
    except (WebSocketException, TimeoutError):
        outcome["ended"] += 1
    connection.transport.abort()
    return outcome


# --- Signed in: pictures ---


def pictures(make: Callable[[], bytes]) -> Callable[[Target], Awaitable[Outcome]]:
    """The same picture over several connections, as fast as it is answered."""

    async def attack(target: Target) -> Outcome:
        data = make()
        headers = target.headers(signed_in=True)

        async def post(client: httpx.AsyncClient) -> httpx.Response:
            form = {"kind": "picture", "id": str(uuid4())}
            return await client.post(
                "/api/v1/attachments", data=form, files={"file": ("a.png", data)}, headers=headers
            )

        return await flood(target, hostile_pictures.UPLOADS_AT_ONCE, post)

    return attack


KINDS: dict[str, tuple[str, Callable[[Target], Awaitable[Outcome]]]] = {
    "quiet": ("nothing, for comparison", nothing),
    "quote": ("one form of 128 KiB with a quote that never ends", quote),
    "nested": ("one form of multipart in multipart, 1,700 deep", nested),
    "parts": ("one form of 1 MiB of parts", parts),
    "upload": ("8 MiB to the address of the picture, without a session", upload),
    "chunks": ("one body in 500,000 chunks of a byte", chunked),
    "name": ("one sign-up with a name of 128,000 combining marks", marks_in_a_name),
    "messages": ("8 messages of 31,000 combining marks", marks_in_messages),
    "log-ins": ("60 log-ins at once", log_ins),
    "openapi": ("openapi.json over 30 connections", description),
    "content-type": ("a content type of 15 KB over 10 connections", content_types),
    "pings": ("pings without end on one socket", lambda target: frames(target, 1, b"", PING)),
    "pongs": ("pongs without end on 10 sockets", lambda target: frames(target, 10, b"", PONG)),
    "fragments": (
        "empty fragments without end on one socket",
        lambda target: frames(target, 1, START, PIECE),
    ),
    "sync": ("sync of 100 unknown rooms over 10 connections", sync),
    "invites": ("/invites/ with 20 links over 10 connections", invites),
    "phrases": ("a search that nearly finds 50 long messages, over 10 connections", phrases),
    "marks": ("a search that finds 50 long messages at every word, over 10 connections", marked_words),
    "markup": ("the page of a chat of 50 long messages of markup, over 10 connections", markup),
    "changes": ("edits, reactions and drafts without a pause on one socket", changes),
    **{
        f"picture-{name}": (f"pictures over 6 connections: {what}", pictures(make))
        for name, (what, make) in hostile_pictures.KINDS.items()
    },
}


def main() -> None:
    target = Target(**json.loads(sys.stdin.read()))
    outcome = asyncio.run(KINDS[sys.argv[1]][1](target))  # type: ignore[arg-type]
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main()
