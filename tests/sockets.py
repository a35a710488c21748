"""Test sockets: a real WebSocket to a real server, or one in this process, with the same interface.

    async with open_socket(alice_browser, f"/ws/chat/{room}/") as socket:
        await socket.send("message.send", room=room, id=..., body="hello")
        accepted = await expect(socket, "message.accepted")

Unread frames are in `socket.waiting`; all frames ever received are in `socket.seen`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.rig.people import Person

Frame = dict[str, Any]
TIMEOUT_S = 10.0
SILENCE_S = 0.3
IN_PROCESS_HOST = "localhost:8000"


class Refused(Exception):
    """The handshake was rejected with an HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with {status}")
        self.status = status


class Closed(Exception):
    """The server closed the socket, with this code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Socket:
    """One open socket, independent of the transport."""

    def __init__(
        self,
        send_data: Callable[[str | bytes], Awaitable[None]],
        receive_text: Callable[[float], Awaitable[str]],
    ) -> None:
        self._send_data = send_data
        self._receive_text = receive_text
        self.waiting: list[Frame] = []
        self.seen: list[Frame] = []
        self.closed_with: int | None = None

    async def send(self, type: str, **fields: Any) -> None:
        await self.send_text(json.dumps({"type": type, **fields}, ensure_ascii=False))

    async def send_text(self, text: str) -> None:
        """Send any text, also an invalid frame."""
        await self._send_data(text)

    async def send_bytes(self, data: bytes) -> None:
        await self._send_data(data)

    async def next(self, within: float = TIMEOUT_S) -> Frame:
        """The oldest unread frame. Raises TimeoutError or Closed."""
        return self.waiting.pop(0) if self.waiting else await self._read(within)

    async def _read(self, within: float) -> Frame:
        try:
            frame: Frame = json.loads(await self._receive_text(within))
        except Closed as closed:
            self.closed_with = closed.code
            raise
        self.seen.append(frame)
        return frame

    async def take(self, matches: Callable[[Frame], bool], within: float) -> Frame:
        """The oldest unread frame that matches; the others stay unread, in order."""
        for index, frame in enumerate(self.waiting):
            if matches(frame):
                return self.waiting.pop(index)
        async with asyncio.timeout(within):
            while True:
                frame = await self._read(within)
                if matches(frame):
                    return frame
                self.waiting.append(frame)

    def of_type(self, type: str) -> list[Frame]:
        """All received frames of a type."""
        return [frame for frame in self.seen if frame["type"] == type]


async def expect(socket: Socket, type: str, *, within: float = TIMEOUT_S, **fields: Any) -> Frame:
    """The next frame of this type with these fields; other frames stay unread."""
    wanted = {"type": type, **fields}
    try:
        return await socket.take(
            lambda frame: wanted.items() <= {k: v for k, v in frame.items() if k in wanted}.items(), within
        )
    except TimeoutError:
        raise AssertionError(f"no {wanted} within {within} s; unread: {socket.waiting}") from None


async def expect_close(socket: Socket, code: int, *, within: float = TIMEOUT_S) -> None:
    """Wait until the server closes with this code; frames before it stay unread."""
    try:
        await socket.take(lambda frame: False, within)
    except TimeoutError:
        raise AssertionError(f"still open after {within} s") from None
    except Closed as closed:
        if closed.code != code:
            raise AssertionError(f"closed with {closed.code} instead of {code}") from None


async def expect_silence(socket: Socket, *types: str, within: float = SILENCE_S) -> None:
    """Assert that no frame of these types (of any type, without types) arrives within this time."""
    try:
        frame = await socket.take(lambda frame: not types or frame["type"] in types, within)
    except TimeoutError:
        return
    raise AssertionError(f"unexpected frame: {frame}")


# --- A real socket against a real server ---


@asynccontextmanager
async def open_socket(
    person: Person, path: str = "/ws/", *, origin: str | None = "", cookies: str | None = None
) -> AsyncIterator[Socket]:
    """Open a socket with the cookies of a user and our own origin.

    Args:
        origin: another origin, or None for no Origin header.
        cookies: another Cookie header; "" for none.

    Raises:
        Refused: the server rejected the handshake.
    """
    sent = person.cookies if cookies is None else cookies
    address = f"ws://{urlsplit(person.address).netloc}{path}"
    headers = {"Cookie": sent} if sent else {}
    if origin is not None:
        headers["Origin"] = origin or person.address
    try:
        connection = await connect(
            address,
            additional_headers=headers,
            max_size=2**24,
            max_queue=None,
            # Hundreds of handshakes at once, on a machine that does other work as well.
            open_timeout=60,
            compression=None,
            proxy=None,
            ping_interval=None,
        )
    except InvalidStatus as refused:
        raise Refused(refused.response.status_code) from None
    try:
        yield Socket(connection.send, _receiver_of(connection))
    finally:
        await connection.close()


def _receiver_of(connection: ClientConnection) -> Callable[[float], Awaitable[str]]:
    async def receive(within: float) -> str:
        try:
            async with asyncio.timeout(within):
                return str(await connection.recv())
        except ConnectionClosed as closed:
            raise Closed(closed.rcvd.code if closed.rcvd else None) from None

    return receive


# --- A socket in this process ---


@asynccontextmanager
async def open_in_process(
    user: Any,
    path: str = "/ws/",
    *,
    origin: str | None = f"http://{IN_PROCESS_HOST}",
    session_key: str | None = None,
) -> AsyncIterator[Socket]:
    """A socket through the ASGI application, on the test's database (mark it `transaction=True`).

    The handshake is complete: origin, session cookie, routes. Close codes and size limits of the real server
    are missing; tests/live covers them.

    Args:
        user: None for a client without a session.
        session_key: the session of a browser that is logged in already.

    Raises:
        Refused: the handshake was rejected.
    """
    from dm_project.asgi import application

    headers = [(b"host", IN_PROCESS_HOST.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if user is not None:
        headers.append(
            (
                b"cookie",
                f"{settings.SESSION_COOKIE_NAME}={session_key or await session_key_of(user)}".encode(),
            )
        )
    communicator = WebsocketCommunicator(application, path, headers=headers)
    accepted, _ = await communicator.connect(timeout=TIMEOUT_S)
    if not accepted:
        raise Refused(403)
    try:
        yield Socket(_sender_inside(communicator), _receiver_inside(communicator))
    finally:
        await communicator.disconnect(timeout=TIMEOUT_S)


def _sender_inside(communicator: WebsocketCommunicator) -> Callable[[str | bytes], Awaitable[None]]:
    async def send(data: str | bytes) -> None:
        await communicator.send_input(
            {"type": "websocket.receive", "text" if isinstance(data, str) else "bytes": data}
        )

    return send


def _receiver_inside(communicator: WebsocketCommunicator) -> Callable[[float], Awaitable[str]]:
    async def receive(within: float) -> str:
        message = await _output(communicator, within)
        if message["type"] == "websocket.close":
            raise Closed(message.get("code"))
        return str(message["text"])

    return receive


async def _output(communicator: WebsocketCommunicator, within: float) -> Frame:
    """The next output. `receive_output` is unsuitable: it cancels the application after a timeout."""
    queue, application = communicator.output_queue, communicator.future
    if queue.empty():
        getter = asyncio.ensure_future(queue.get())
        try:
            await asyncio.wait({getter, application}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if getter.done():
                return dict(getter.result())
        finally:
            # A pending getter would consume the next frame.
            getter.cancel()
        if not application.done():
            raise TimeoutError
        application.result()
        if queue.empty():
            raise Closed(None)
    return dict(queue.get_nowait())


@sync_to_async
def session_key_of(user: Any) -> str:
    """A session as after a login."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)
