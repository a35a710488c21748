"""The server process: graceful shutdown, back-pressure, request limits and handshakes, on a real Daphne."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from conversations.protocol.codes import CloseCode
from tests.conftest import ServerMaker
from tests.rig.daphne_server import EntreServer
from tests.rig.people import Person
from tests.sockets import Closed, Socket, expect, expect_close, open_socket

Newcomer = Callable[..., Person]
TIMEOUT_S = 30.0
MEBIBYTE = 1024 * 1024


def memory_of(server: EntreServer) -> int:
    """Resident memory of the process in bytes."""
    process = server.processes[0]
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def half_open(server: EntreServer, data: bytes) -> socket.socket:
    """A connection that has sent this and nothing else."""
    connection = socket.create_connection(("127.0.0.1", server.ports[0]), timeout=TIMEOUT_S)
    connection.sendall(data)
    return connection


def everything_from(connection: socket.socket) -> bytes:
    found = b""
    try:
        while part := connection.recv(65_536):
            found += part
    except ConnectionResetError:
        pass
    return found


# --- Shutdown ---


async def test_on_sigterm_every_socket_is_closed_with_a_reason_and_requests_finish(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    server = start_server(LIMITS="off")
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    process = server.processes[0]
    assert process is not None
    body = json.dumps({"id": str(uuid4()), "body": "just in time"}).encode()
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(open_socket(person)) for person in (alice, bob) for _ in range(25)
        ]
        for each in sockets:
            await expect(each, "connection_established", within=TIMEOUT_S)
        # A request without its last byte.
        token = alice.http.cookies["csrftoken"]
        lines = (
            f"POST /api/v1/conversations/{room}/messages HTTP/1.1",
            f"Host: {urlsplit(alice.address).netloc}",
            f"Origin: {alice.address}",
            f"Cookie: {alice.cookies}",
            f"X-CSRFToken: {token}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "",
            "",
        )
        running = half_open(server, "\r\n".join(lines).encode() + body[:-1])
        waiting = half_open(server, b"")
        process.send_signal(signal.SIGTERM)
        retries = []
        for each in sockets:
            bye = await expect(each, "bye", within=TIMEOUT_S)
            assert (bye["code"], bye["reason"], bye["retryable"]) == (4012, "restarting", True)
            retries.append(bye["retry_after_ms"])
            await expect_close(each, 4012)
        assert all(500 <= wait <= 10_000 for wait in retries)
        assert len(set(retries)) > 10, "they do not all reconnect at once"
        waiting.sendall(f"GET /readyz HTTP/1.1\r\nHost: {urlsplit(alice.address).netloc}\r\n\r\n".encode())
        answer = await asyncio.to_thread(everything_from, waiting)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"draining" in answer
        assert b"connection: close" in answer.lower()
        with pytest.raises(ConnectionRefusedError):
            half_open(server, b"")
        running.sendall(body[-1:])
        answer = await asyncio.to_thread(everything_from, running)
        assert answer.startswith(b"HTTP/1.1 201")
        waiting.close()
        running.close()
    assert await asyncio.to_thread(process.wait, TIMEOUT_S) == 0
    assert "Traceback" not in server.log()
    server.start()
    page = person_at(server, "alice", signed_up=False)
    page.log_in()
    assert "just in time" in page.api("GET", f"/conversations/{room}/messages").text


# --- Floods and stalls ---


async def test_a_flooding_client_is_closed_while_another_user_talks(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    server = start_server()
    alice, bob, mallory = (person_at(server, name) for name in ("alice", "bob", "mallory"))
    room = alice.open_chat_with(bob)
    async with open_socket(alice) as hers, open_socket(mallory) as flood:
        for each in (hers, flood):
            await expect(each, "connection_established")
        before = memory_of(server)

        async def pour() -> None:
            try:
                while True:
                    # Ten thousand a second; with more, this client would not get to reading its own frames.
                    for _ in range(100):
                        await flood.send_text('{"type": "ping"}')
                    await asyncio.sleep(0.01)
            except Exception:
                return

        pouring = asyncio.ensure_future(pour())
        bye = await expect(flood, "bye", within=TIMEOUT_S)
        assert (bye["code"], bye["reason"], bye["retryable"]) == (4429, "rate_limited", True)
        assert bye["retry_after_ms"] > 0
        for number in range(5):
            await hers.send("message.send", ref=str(number), room=room, id=str(uuid4()), body="undisturbed")
            await expect(hers, "message.accepted", ref=str(number))
        pouring.cancel()
        assert memory_of(server) - before < 16 * MEBIBYTE
    assert "Traceback" not in server.log()


async def test_twenty_sockets_aborted_while_busy_release_their_slots(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    """A phone with a bad connection must lock out neither itself nor others behind its address."""
    server = start_server(METRICS_TOKEN="for-the-test-only")
    mallory = person_at(server, "mallory")
    busy = json.dumps({"type": "sync", "rooms": {f"unknown-{number}": 0 for number in range(100)}})
    # They stop reading: a reply in the kernel's buffer must not hold a slot either.
    stalled = [await stalled_socket(mallory) for _ in range(20)]
    assert "entre_sockets 20.0" in metrics(server)
    for each in stalled:
        for _ in range(10):
            await each.send(busy)
    for each in stalled:
        each.transport.abort()
    async with asyncio.timeout(TIMEOUT_S):
        while "entre_sockets 0.0" not in metrics(server):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.1)
    async with AsyncExitStack() as stack:
        again = [await stack.enter_async_context(open_socket(mallory)) for _ in range(20)]
        for socket in again:
            await expect(socket, "connection_established")
            assert not socket.of_type("bye")
    assert "Traceback" not in server.log()


async def test_a_client_that_stops_reading_is_closed_and_costs_little_memory(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    # Without jobs: indexing needs memory of its own, which says nothing about sockets.
    server = start_server(LIMITS="off", METRICS_TOKEN="for-the-test-only", JOBS="outside")
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    body = "🌿" * 8_000
    async with open_socket(alice) as hers:
        await expect(hers, "connection_established")
        # Lets caches and buffers grow to their size.
        await talk(hers, room, body, 200)
        before = memory_of(server)
        stalled = [await stalled_socket(bob) for _ in range(6)]
        await talk(hers, room, body, 400)
        assert memory_of(server) - before < 40 * MEBIBYTE, "six times 12 MiB have been pushed"
        async with asyncio.timeout(TIMEOUT_S * 2):
            while 'entre_goodbyes_total{reason="too_slow"} 6.0' not in metrics(server):
                await talk(hers, room, "still here", 1)
                await asyncio.sleep(0.5)
        for each in stalled:
            each.transport.abort()
        async with open_socket(bob) as again:
            greeting = await expect(again, "connection_established")
            assert greeting["rooms"][room] > 600
    assert "Traceback" not in server.log()


async def test_a_client_that_reads_again_gets_the_heads(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    server = start_server(LIMITS="off", HEADS_EVERY_MS="30000")
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    async with open_socket(alice) as hers:
        await expect(hers, "connection_established")
        his = await stalled_socket(bob)
        await talk(hers, room, "🌿" * 8_000, 500)
        his.transport.resume_reading()
        created = 0
        async with asyncio.timeout(TIMEOUT_S):
            while (frame := json.loads(await his.recv()))["type"] != "heads" or frame["rooms"][room] < 500:
                created += frame["type"] == "message.created"
        assert created < 500, "some were dropped, or this test shows nothing"
        await his.close()


async def stalled_socket(person: Person) -> ClientConnection:
    """A client that has received its greeting and stops reading."""
    address = f"ws://{urlsplit(person.address).netloc}/ws/"
    headers = {"Cookie": person.cookies, "Origin": person.address}
    connection = await connect(
        address, additional_headers=headers, max_queue=1, compression=None, proxy=None, ping_interval=None
    )
    await connection.recv()
    connection.transport.pause_reading()
    return connection


def metrics(server: EntreServer) -> str:
    return httpx.get(f"{server.address}/metrics", headers={"Authorization": "Bearer for-the-test-only"}).text


async def talk(socket: Socket, room: str, body: str, times: int) -> None:
    """Send and receive every reply, so that nothing queues on this side."""
    for start in range(0, times, 10):
        wanted = min(10, times - start)
        for _ in range(wanted):
            await socket.send("message.send", room=room, id=str(uuid4()), body=body)
        for _ in range(wanted):
            await expect(socket, "message.accepted", within=TIMEOUT_S)
        socket.waiting.clear()
        socket.seen.clear()


# --- HTTP ---


def test_a_body_over_the_limit_is_rejected_before_it_is_read(daphne_server: EntreServer) -> None:
    head = (
        f"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1:{daphne_server.ports[0]}\r\n"
        "Content-Length: 52428800\r\n\r\n"
    )
    with half_open(daphne_server, head.encode()) as connection:
        assert everything_from(connection).startswith(b"HTTP/1.1 413 ")


def test_five_mebibytes_get_413_with_and_without_a_length(daphne_server: EntreServer) -> None:
    address = f"{daphne_server.address}/accounts/login/"
    assert httpx.post(address, content=b"x" * 5 * MEBIBYTE).status_code == 413
    assert httpx.post(address, content=iter([b"x" * 65_536] * 80)).status_code == 413, "chunked"
    assert httpx.post(address, content=b"x" * 1000).status_code == 403, "a small one is left to Django"


HEADS: dict[str, tuple[int, str, str]] = {
    "a body over the limit": (
        413,
        "too_large",
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 52428800\r\n\r\n",
    ),
    "an absolute target": (
        413,
        "too_large",
        "POST http://{host}{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 52428800\r\n\r\n",
    ),
    "a header value too long": (
        431,
        "too_large",
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: " + "x" * 600 + "\r\n\r\n",
    ),
    "an invalid charset": (
        400,
        "bad_frame",
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: a/b; charset=hex\r\n\r\n",
    ),
    "two lengths": (
        400,
        "bad_frame",
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ),
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_rejection_by_the_http_server_below_the_api_is_a_problem(
    daphne_server: EntreServer, kind: str
) -> None:
    """An API client reads `code` and `retryable`, whichever part of the server rejects it."""
    status, code, head = HEADS[kind]
    answers = {}
    for path in ("/api/v1/sync", "/accounts/login/"):
        with half_open(
            daphne_server, head.format(path=path, host=f"127.0.0.1:{daphne_server.ports[0]}").encode()
        ) as connection:
            answers[path] = everything_from(connection)
    top, _, content = answers["/api/v1/sync"].partition(b"\r\n\r\n")
    lines = top.decode().lower().split("\r\n")
    assert lines[0].startswith(f"http/1.1 {status} ")
    assert "content-type: application/problem+json" in lines
    assert sum(line.startswith("content-type:") for line in lines) == 1
    problem = json.loads(content)
    assert (problem["status"], problem["code"], problem["retryable"]) == (status, code, False)
    assert answers["/accounts/login/"].startswith(f"HTTP/1.1 {status} ".encode())
    assert b"application/problem+json" not in answers["/accounts/login/"]


def test_an_avatar_may_be_larger_with_a_declared_length_at_its_own_path(
    daphne_server: EntreServer,
) -> None:
    address = f"{daphne_server.address}/settings/profile/picture/"
    assert httpx.post(address, content=b"x" * 5 * MEBIBYTE).status_code == 403, (
        "read, and rejected by Django: it has no token"
    )
    assert httpx.post(address, content=b"x" * 9 * MEBIBYTE).status_code == 413
    assert httpx.post(address, content=iter([b"x" * 65_536] * 80)).status_code == 413, "chunked"
    for other in (
        "/settings/profile/picture/remove/",
        "/settings/profile/picture",
        "//settings/profile/picture/",
    ):
        assert httpx.post(f"{daphne_server.address}{other}", content=b"x" * 5 * MEBIBYTE).status_code == 413


@pytest.mark.parametrize(
    "head",
    [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "],
    ids=["mute", "line", "header"],
)
def test_headers_that_never_end_time_out(daphne_server: EntreServer, head: bytes) -> None:
    with half_open(daphne_server, head) as connection:
        everything_from(connection)


def test_oversized_headers_are_rejected(daphne_server: EntreServer) -> None:
    with half_open(
        daphne_server, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 100_000
    ) as connection:
        assert b"200 OK" not in everything_from(connection)


def test_a_keep_alive_connection_serves_many_requests(daphne_server: EntreServer) -> None:
    with httpx.Client(base_url=daphne_server.address) as client:
        assert {client.get("/healthz").status_code for _ in range(5)} == {200}


# --- Handshakes ---


async def test_five_hundred_handshakes_at_once_are_all_accepted(
    start_server: ServerMaker, person_at: Newcomer
) -> None:
    server = start_server(LIMITS="off")
    alice = person_at(server, "alice")

    async def handshake() -> str:
        """On a busy machine the queue may be too long: such a client is told to come back, and does."""
        for _ in range(20):
            async with open_socket(alice) as opened:
                try:
                    frame = await opened.next(TIMEOUT_S)
                except Closed as closed:
                    return f"closed {closed.code}"
            if frame.get("code") != CloseCode.OVERLOADED:
                return str(frame["type"])
        return "never"

    assert set(await asyncio.gather(*(handshake() for _ in range(500)))) == {"connection_established"}


# --- Static files ---


def test_static_files_have_the_headers_of_pages_and_belong_to_this_origin(daphne_server: EntreServer) -> None:
    """A script or image can be opened as a page; and if other sites could read them, they would learn the
    version.
    """
    names = json.loads(
        (Path(daphne_server.environment["STATIC_ROOT"]) / "staticfiles.json").read_text(encoding="utf-8")
    )["paths"].values()
    one_of_each = {Path(name).suffix: name for name in names}
    assert one_of_each.keys() >= {".js", ".css", ".svg", ".png", ".woff2"}
    with httpx.Client(
        base_url=daphne_server.address, headers={"Origin": "https://evil.example", "Accept-Encoding": "br"}
    ) as client:
        page = client.get("/accounts/login/").headers
        same = (
            "Content-Security-Policy",
            "X-Frame-Options",
            "X-Content-Type-Options",
            "Referrer-Policy",
            "Cross-Origin-Resource-Policy",
        )
        for name in one_of_each.values():
            whole = client.get(f"/static/{name}")
            known = client.get(
                f"/static/{name}",
                headers={
                    "If-None-Match": whole.headers.get("ETag", ""),
                    "If-Modified-Since": whole.headers["Last-Modified"],
                },
            )
            part = client.get(f"/static/{name}", headers={"Range": "bytes=0-9"})
            assert [answer.status_code for answer in (whole, known, part)] == [200, 304, 206]
            for answer in (whole, known, part, client.head(f"/static/{name}")):
                assert [header for header in answer.headers if header.startswith("access-control-")] == []
                assert {header: answer.headers.get(header) for header in same} == {
                    header: page[header] for header in same
                }, name
