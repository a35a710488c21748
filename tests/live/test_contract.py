"""The socket contract on the real Daphne, and what only a real server can break."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import pytest

from tests.contract import DROP_BYTES, UNKNOWN, SocketContract, Target, padded
from tests.rig.daphne_server import EntreServer, SharedStatics
from tests.rig.people import Person
from tests.sockets import Closed, Socket, open_socket


class LiveTarget:
    """The contract's users at a real server, with their own cookies, for all tests of the module."""

    def __init__(self, server: EntreServer) -> None:
        self.server = server
        self.browsers = [Person(server.address, name) for name in ("alice", "bob", "mallory", "trent")]
        for person in self.browsers:
            person.sign_up()
        self.alice, self.bob, self.mallory, trent = self.browsers
        self.room = self.alice.open_chat_with(self.bob)
        assert self.alice.write(self.room, "so that Bob sees it").status_code == 201
        self.mallory.open_chat_with(trent)

    def open(self, person: Any, path: str, **options: Any) -> AbstractAsyncContextManager[Socket]:
        return open_socket(person or self.alice, path, cookies=None if person else "", **options)

    async def write(self, person: Any, room: str, id: str, body: str) -> tuple[int, Any]:
        answer = await asyncio.to_thread(person.write, room, body, id)
        return answer.status_code, answer.json()

    async def another_browser(self, person: Any) -> Any:
        browser = Person(self.server.address, person.username)
        self.browsers.append(browser)
        await asyncio.to_thread(browser.log_in)
        return browser

    async def log_out(self, browser: Any) -> None:
        await asyncio.to_thread(browser.log_out)

    def public_id(self, person: Any) -> str:
        return str(person.api("GET", "/me").json()["id"])

    def leave(self) -> None:
        for browser in self.browsers:
            browser.leave()


@pytest.fixture(scope="module")
def server(statics: SharedStatics) -> Iterator[EntreServer]:
    with EntreServer(statics, LIMITS="off", HEADS_EVERY_MS="200") as server:
        yield server


@pytest.fixture(scope="module")
def target(server: EntreServer) -> Iterator[Target]:
    target = LiveTarget(server)
    yield target
    target.leave()


class TestOnDaphne(SocketContract):
    """The contract, on the real server."""

    async def test_above_128_kib_the_connection_is_dropped_and_no_other_client_notices(
        self, target: Target, path: str, phone: Socket
    ) -> None:
        async with self.greeted(target, target.alice, path) as flooder:
            await flooder.send_text(padded(DROP_BYTES + 1, type="ping"))
            with pytest.raises(Closed):
                await flooder.take(lambda frame: False, 10)
        await self.is_alive(phone)

    async def test_text_that_is_no_utf8_is_dropped(
        self, target: LiveTarget, path: str, phone: Socket
    ) -> None:
        reader, writer, answer = await handshake(target.server, path, target.alice.cookies)
        assert b" 101 " in answer.split(b"\r\n")[0]
        mask = bytes(4)
        writer.write(b"\x81" + bytes([0x80 | 4]) + mask + b"\xff\xfe\xfd\xfc")
        await drained(reader, writer)
        await self.is_alive(phone)

    async def test_an_unmasked_frame_is_dropped(self, target: LiveTarget, path: str, phone: Socket) -> None:
        reader, writer, answer = await handshake(target.server, path, target.alice.cookies)
        assert b" 101 " in answer.split(b"\r\n")[0]
        writer.write(b"\x81\x0f" + b'{"type":"ping"}')
        await drained(reader, writer)
        await self.is_alive(phone)

    async def test_refusals_of_a_foreign_and_an_unknown_room_are_equal_to_the_byte(
        self, target: LiveTarget
    ) -> None:
        """Mallory learns nothing from status, headers, length or body; neither does an anonymous client."""
        for cookies in (target.mallory.cookies, ""):
            refusals = []
            for room in (target.room, UNKNOWN):
                reader, writer, answer = await handshake(target.server, f"/ws/chat/{room}/", cookies)
                refusals.append(without_date(answer + await drained(reader, writer)))
            assert refusals[0] == refusals[1]
            assert refusals[0].startswith(b"HTTP/1.1 403 ")

    async def test_two_origins_are_as_bad_as_none(self, target: LiveTarget, path: str) -> None:
        own = target.server.address
        for origins in ([own, own], [own, "https://evil.example"], ["https://evil.example", own], []):
            reader, writer, answer = await handshake(
                target.server, path, target.alice.cookies, origins=origins
            )
            await drained(reader, writer)
            # Daphne's library joins two headers of one name, and rejects the result itself.
            assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 ")), origins

    async def test_nothing_of_all_this_left_a_traceback_in_the_log(self, target: LiveTarget) -> None:
        """The last test of the module: bad paths, frames, origins and broken connections are no errors."""
        log = target.server.log()
        assert "Traceback" not in log, log[log.index("Traceback") - 200 :][:3_000]
        assert "Unhandled" not in log


async def handshake(
    server: EntreServer, path: str, cookies: str, *, origins: list[str] | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    """A WebSocket handshake, byte for byte. Returns the connection and the head of the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.ports[0])
    head = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{server.ports[0]}",
        "Upgrade: websocket",
        "Connection: Upgrade",
    ]
    head += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
    head += [f"Origin: {origin}" for origin in ([server.address] if origins is None else origins)]
    head += [f"Cookie: {cookies}"] if cookies else []
    writer.write("\r\n".join([*head, "", ""]).encode())
    async with asyncio.timeout(10):
        return reader, writer, await reader.readuntil(b"\r\n\r\n")


async def drained(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """What arrives until the server closes."""
    rest = b""
    async with asyncio.timeout(15):
        with suppress(ConnectionResetError):
            while more := await reader.read(65_536):
                rest += more
    writer.close()
    return rest


def without_date(answer: bytes) -> bytes:
    return b"\r\n".join(line for line in answer.split(b"\r\n") if not line.lower().startswith(b"date:"))
