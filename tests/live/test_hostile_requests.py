"""Hostile requests, one of each kind, and what each costs the shared server.

Judged by the processor time of the server and by the order of events, never by the clock: a busy machine is
no fault. How long a neighbour really waits is measured by `python -m benchmarks.stall`.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.conftest import ServerMaker
from tests.pictures.files import encoded, gif_of, halves
from tests.pictures.test_hostile import TOO_MANY_PIXELS, jpeg_of_scans
from tests.rig import files
from tests.rig.daphne_server import EntreServer
from tests.rig.people import Person
from tests.sockets import expect, open_socket

Newcomer = Callable[..., Person]
TIMEOUT_S = 30.0
KIBIBYTE, MEBIBYTE = 1024, 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")
PING, PONG, START, PIECE = b"\x89\x80mask", b"\x8a\x80mask", b"\x01\x80mask", b"\x00\x80mask"


def cpu_seconds(server: EntreServer) -> float:
    """Processor time that the server has used so far, in user and system."""
    process = server.processes[0]
    assert process is not None
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(server: EntreServer, name: str = "VmRSS") -> int:
    process = server.processes[0]
    assert process is not None
    return (
        int(
            Path(f"/proc/{process.pid}/status")
            .read_text(encoding="ascii")
            .partition(f"{name}:")[2]
            .split()[0]
        )
        * KIBIBYTE
    )


def ask(server: EntreServer, data: bytes) -> bytes:
    """Send these bytes and read to the end."""
    found = b""
    with socket.create_connection(("127.0.0.1", server.ports[0]), timeout=TIMEOUT_S) as connection:
        try:
            connection.sendall(data)
            while part := connection.recv(65_536):
                found += part
        except (ConnectionResetError, BrokenPipeError):
            pass
    return found


def request(server: EntreServer, line: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [
        f"{line} HTTP/1.1",
        f"Host: 127.0.0.1:{server.ports[0]}",
        "Connection: close",
        f"Cookie: csrftoken={'a' * 32}",
        *headers,
    ]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer.split(b" ", 2)[1])


MULTIPART = "Content-Type: multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n'
QUOTE = b'--x\r\nContent-Disposition: form-data; z="' + b";" * 64 * KIBIBYTE + b"\r\n\r\nv\r\n--x--\r\n"
NESTED = b"".join(
    b"--x%d\r\nContent-Type: multipart/mixed; boundary=x%d\r\n\r\n" % (depth, depth + 1)
    for depth in range(1_500)
)
WEBSOCKET = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {'A' * 22}==",
)
PICTURE = "POST /settings/profile/picture/"

HOSTILE: dict[str, tuple[str, tuple[str, ...], bytes, set[int]]] = {
    "a quote that never ends": ("POST /accounts/login/", (MULTIPART,), QUOTE, {400, 403}),
    "at an address that is none": ("POST /nowhere/", (MULTIPART,), QUOTE, {400, 403, 404}),
    "multipart in multipart": (
        "POST /accounts/login/",
        (MULTIPART.replace("=x", "=x0"),),
        NESTED,
        {400, 403},
    ),
    "a mebibyte of parts": (
        "POST /accounts/login/",
        (MULTIPART,),
        PART * (MEBIBYTE // len(PART) - 1),
        {400, 403},
    ),
    "thousands of fields": (
        "POST /accounts/login/",
        ("Content-Type: application/x-www-form-urlencoded",),
        b"a=1&" * 5_000,
        {400, 403},
    ),
    "a long content type": ("GET /accounts/login/", (f'Content-Type: a/b; z="{";" * 15_000}',), b"", {431}),
    "a long content type in pieces": (
        "GET /accounts/login/",
        tuple(f'Content-Type: a/b; z="{";" * 200}' for _ in range(70)),
        b"",
        {431},
    ),
    "an encoded charset": ("POST /accounts/login/", ("Content-Type: a/b; charset*=x''%ff",), b"x", {400}),
    "a charset for no text": ("POST /accounts/login/", (f"{MULTIPART}; charset=hex",), PART, {400}),
    "a content length without end": (
        "POST /accounts/login/",
        (f"Content-Length: {'1' * 5_000}",),
        b"",
        {431},
    ),
    "a folded header": ("GET /healthz", ("X-Folded: a", " b"), b"", {400}),
    "headers without end": ("GET /healthz", (f"X-Long: {'x' * 60_000}",), b"", {431}),
    "another host": ("GET http://elsewhere.example/accounts/login/", (), b"", {400}),
    "no path": ("GET healthz", (), b"", {400}),
    "bytes that are no letters": ("GET /\xa1", (), b"", {400}),
    "a root path": ("GET /healthz", ("Daphne-Root-Path: \xff",), b"", {200}),
    "a socket with a body": ("POST /ws/", WEBSOCKET, b"x" * 100_000, {400}),
    "a socket without a key": ("GET /ws/", WEBSOCKET[:3], b"", {400}),
    "a socket with bytes that are no letters": (
        "GET /ws/",
        (*WEBSOCKET, "X-Odd: \xe2\x82\xac", "Sec-WebSocket-Protocol: \xff"),
        b"",
        {403},
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_request_is_answered_at_little_cost_with_every_header_and_no_traceback(
    daphne_server: EntreServer, kind: str
) -> None:
    line, headers, body, statuses = HOSTILE[kind]
    log_before, before = len(daphne_server.log()), cpu_seconds(daphne_server)
    answer = ask(daphne_server, request(daphne_server, line, *headers, body=body))
    spent = cpu_seconds(daphne_server) - before
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert status_of(answer) in statuses
    assert spent < 1.0, "the worst of them took 2.6 s, by the square of their length"
    for name in (
        b"content-security-policy:",
        b"x-content-type-options: nosniff",
        b"x-frame-options: deny",
        b"permissions-policy:",
    ):
        assert name in head, head
    logged = daphne_server.log()[log_before:]
    assert "Traceback" not in logged
    assert logged.count("\n") <= 2


def test_a_request_by_its_whole_address_is_served(daphne_server: EntreServer) -> None:
    """As proxies may send it (RFC 9112, 3.2.2). The host comes from the address, whatever the header says."""
    target = f"GET {daphne_server.address}/healthz HTTP/1.1\r\n"
    headers = "Host: elsewhere.example\r\nConnection: close\r\n\r\n"
    assert status_of(ask(daphne_server, (target + headers).encode())) == 200


def test_ten_thousand_chunks_of_a_byte_are_refused(daphne_server: EntreServer) -> None:
    head = request(daphne_server, "POST /accounts/login/", "Transfer-Encoding: chunked")
    before = cpu_seconds(daphne_server)
    assert status_of(ask(daphne_server, head + b"1\r\na\r\n" * 100_000)) == 400
    assert cpu_seconds(daphne_server) - before < 0.5


# --- Unauthorised bodies ---


def upload_head(server: EntreServer, *headers: str) -> bytes:
    return request(server, PICTURE, MULTIPART, f"Content-Length: {8 * MEBIBYTE}", *headers)


@pytest.mark.parametrize(
    "cookie",
    ["", "sessionid=" + "a" * 32, "sessionid=short", 'sessionid="a\\000b"'],
    ids=["none", "guessed", "short", "odd"],
)
def test_an_anonymous_upload_is_refused_before_a_byte_of_it_is_sent(
    daphne_server: EntreServer, cookie: str
) -> None:
    headers = (f"Cookie: {cookie}",) if cookie else ()
    assert status_of(ask(daphne_server, upload_head(daphne_server, *headers))) == 403
    assert b" 100 " not in ask(daphne_server, upload_head(daphne_server, *headers, "Expect: 100-continue"))


def test_a_signed_in_upload_is_asked_for_and_read(daphne_server: EntreServer, person_at: Newcomer) -> None:
    alice = person_at(daphne_server, "alice-uploads")
    cookies = f"Cookie: {alice.cookies}"
    head = request(
        daphne_server, PICTURE, MULTIPART, f"Content-Length: {2 * MEBIBYTE}", "Expect: 100-continue"
    ).decode("latin-1")
    head = head.replace(f"Cookie: csrftoken={'a' * 32}", cookies)
    with socket.create_connection(("127.0.0.1", daphne_server.ports[0]), timeout=TIMEOUT_S) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        # The first half in one piece with nothing before it, the rest later.
        connection.sendall(b"x" * MEBIBYTE)
        connection.sendall(b"x" * MEBIBYTE)
        assert connection.recv(100).startswith(b"HTTP/1.1 400"), (
            "Django's answer: it has read it, and it is no form"
        )


# --- Frames that never reach the application ---


async def raw_socket(person: Person) -> ClientConnection:
    address = f"ws://{urlsplit(person.address).netloc}/ws/"
    headers = {"Cookie": person.cookies, "Origin": person.address}
    connection = await connect(
        address, additional_headers=headers, compression=None, proxy=None, ping_interval=None, max_queue=None
    )
    assert json.loads(await connection.recv())["type"] == "connection_established"
    return connection


async def messages_until_closed(connection: ClientConnection) -> AsyncIterator[str | bytes]:
    try:
        while True:
            yield await connection.recv()
    except ConnectionClosed:
        return


HOSTILE_PICTURES = {
    "four hundred megapixels": (TOO_MANY_PIXELS["png of four hundred megapixels"], "too_many_pixels"),
    "four gigapixels": (TOO_MANY_PIXELS["jpeg of four gigapixels"], "too_many_pixels"),
    "a hundred thousand frames": (gif_of(100_000), "too_many_frames"),
    "five thousand scans": (jpeg_of_scans(5_000), "too_slow"),
    "cut": (encoded(halves(2_000, 1_000), "JPEG")[:-1_000], "damaged"),
    "a page as well": (encoded(halves(), "PNG") + b"<html><script>alert(1)</script>", "mismatch"),
    "a drawing": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "not_a_picture"),
}


def test_hostile_pictures_cost_the_server_itself_next_to_nothing(
    daphne_server: EntreServer, person_at: Newcomer
) -> None:
    """Processes of their own look at them, and are gone afterwards (docs/threats.md T40)."""
    mallory = person_at(daphne_server, "bomber")
    before, memory = cpu_seconds(daphne_server), memory_of(daphne_server)
    for name, (data, reason) in HOSTILE_PICTURES.items():
        answer = mallory.http.post(
            "/api/v1/attachments",
            data={"kind": "picture"},
            files={"file": ("photo.png", data)},
            headers=files.token_of(mallory),
        )
        assert (answer.status_code, answer.json().get("reason")) == (422, reason), name
    assert cpu_seconds(daphne_server) - before < 2
    assert memory_of(daphne_server) - memory < 24 * MEBIBYTE
    process = daphne_server.processes[0]
    assert process is not None
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    assert "".join(path.read_text(encoding="ascii") for path in children) == ""
    assert mallory.http.get("/chats/").status_code == 200


@pytest.mark.parametrize("flood", [[PING], [PONG], [START, PIECE]], ids=["pings", "pongs", "empty fragments"])
async def test_a_flood_of_empty_frames_is_told_why_and_closed(
    daphne_server: EntreServer, person_at: Newcomer, flood: list[bytes]
) -> None:
    names = (f"{name}-{flood[-1].hex()[:2]}" for name in ("alice", "mallory"))
    alice, mallory = (person_at(daphne_server, name) for name in names)
    async with open_socket(alice) as hers:
        await expect(hers, "connection_established")
        connection = await raw_socket(mallory)
        before = cpu_seconds(daphne_server)
        for frame in flood[:-1]:
            connection.transport.write(frame)
        for _ in range(10):
            connection.transport.write(flood[-1] * 20_000)
            await asyncio.sleep(0)
        async with asyncio.timeout(TIMEOUT_S):
            # The iteration ends with the connection.
            frames: list[dict[str, Any]] = [
                json.loads(text) async for text in messages_until_closed(connection)
            ]
        bye = frames[-1]
        assert (bye["type"], bye["code"], bye["reason"]) == ("bye", 4429, "rate_limited")
        assert connection.close_code == 4429
        assert cpu_seconds(daphne_server) - before < 1.5, "two hundred thousand frames took several seconds"
        await hers.send("ping")
        await expect(hers, "pong")


def test_bytes_before_the_answer_to_the_handshake_start_nothing(daphne_server: EntreServer) -> None:
    """A second handshake would start a second application, and the slots of the first would leak."""
    log_before = len(daphne_server.log())
    with socket.create_connection(("127.0.0.1", daphne_server.ports[0]), timeout=TIMEOUT_S) as connection:
        connection.sendall(request(daphne_server, "GET /ws/", *WEBSOCKET))
        try:
            for _ in range(20):
                connection.sendall(request(daphne_server, "GET /ws/", *WEBSOCKET))
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert "Traceback" not in daphne_server.log()[log_before:]


# --- Floods ---


@pytest.fixture
def unlimited(start_server: ServerMaker) -> EntreServer:
    """Without the limit of log-ins per address, as if they came from many."""
    return start_server(LIMITS="off")


async def test_log_ins_at_once_take_little_memory_and_another_client_goes_on(
    unlimited: EntreServer, person_at: Newcomer
) -> None:
    alice = person_at(unlimited, "alice")
    token = "a" * 32
    async with (
        open_socket(alice) as hers,
        httpx.AsyncClient(
            base_url=unlimited.address, timeout=60, limits=httpx.Limits(max_connections=None)
        ) as client,
    ):
        await expect(hers, "connection_established")
        # The baseline: memory that a single log-in takes is not due to the flood.
        before = memory_of(unlimited)

        async def log_in(number: int) -> int:
            fields = {"login": f"nobody{number}", "password": "not this one", "csrfmiddlewaretoken": token}
            headers = {"Cookie": f"csrftoken={token}", "Origin": unlimited.address}
            return (await client.post("/accounts/login/", data=fields, headers=headers)).status_code

        flood = [asyncio.ensure_future(log_in(number)) for number in range(40)]
        answered = 0
        while not all(each.done() for each in flood):
            await hers.send("ping")
            await expect(hers, "pong", within=TIMEOUT_S)
            answered += 1
        statuses = [each.result() for each in flood]
        assert set(statuses) <= {200, 503}
        assert statuses.count(200) > 10
        assert answered > 1, "another client was answered while the log-ins waited"
        # The most that was ever in memory. Forty of Django's own hashes are four gigabytes.
        assert memory_of(unlimited, "VmHWM") - before < 200 * MEBIBYTE
    assert "Traceback" not in unlimited.log()


def test_the_description_of_the_api_costs_next_to_nothing(daphne_server: EntreServer) -> None:
    with httpx.Client(base_url=daphne_server.address) as client:
        first = client.get("/api/v1/openapi.json")
        before = cpu_seconds(daphne_server)
        for _ in range(40):
            assert client.get("/api/v1/openapi.json").content == first.content
        again = client.get("/api/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert cpu_seconds(daphne_server) - before < 2.0, "forty of them took six seconds"
