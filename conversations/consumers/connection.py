"""Connection: one socket's state and identity, what is sent on it, and the resources to release when it ends.

Knows no handshake and no command; `session` and `commands` drive it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum, auto
from functools import cached_property
from typing import Any

from prometheus_client import Counter

from accounts.client_address import address_of_scope
from accounts.models import User
from accounts.session_validity import Credential, SessionStatus, session_status
from conversations import frames
from conversations.consumers.registry import connection_registry
from conversations.db.executor import run_query
from conversations.protocol.codes import CloseCode
from conversations.protocol.frames import Frame
from conversations.selectors.conversations import Heads

logger = logging.getLogger(__name__)

CLOSES = Counter("entre_goodbyes_total", "Sockets that were told why they end.", ["reason"])
Send = Callable[[dict[str, Any]], Awaitable[None]]


class State(Enum):
    """The states of a connection, in their order: none is ever entered again."""

    CONNECTING = auto()
    """The handshake was not accepted yet. A refusal is a bare 403."""
    ACCEPTED = auto()
    """Joins its groups and waits for its greeting. Frames of both directions are buffered."""
    OPEN = auto()
    """Greeted."""
    CLOSING = auto()
    """`bye` was sent, and nothing is sent after it."""
    RELEASED = auto()
    """The resources are released, and no task may start."""


class Connection:
    """One socket of one user. `room` is the one it is filtered to, None on /ws/.

    Args:
        send: the server's own `send`.
        send_frame: the same without the session around it (dm_project.server.websocket.keep_plain_send).
    """

    user: User

    def __init__(self, scope: Any, *, send: Send, send_frame: Send, layer: Any, channel_name: str) -> None:
        self.scope, self.layer, self.channel_name = scope, layer, channel_name
        self.send, self.send_frame = send, send_frame
        self.enter(State.CONNECTING)
        self.room: str | None = None
        self.credential: Credential | None = None
        self.epoch = ""
        self.groups: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.releases: list[Callable[[], object]] = []
        """Each releases one resource of this connection."""

    @cached_property
    def address(self) -> str:
        return address_of_scope(self.scope)

    # States

    def enter(self, state: State) -> None:
        self.state = state
        # Kept beside the state: every frame asks, and in Python 3.11 a member of an enum costs 0.2 µs.
        self.is_open = state is State.OPEN
        self.is_closing = state in {State.CLOSING, State.RELEASED}

    def accept(self) -> None:
        """After the handshake. Not when the connection was closed while its acceptance was being sent."""
        if self.state is State.CONNECTING:
            self.enter(State.ACCEPTED)

    def open(self) -> bool:
        """After the greeting. False when the connection was closed while the greeting was read or sent."""
        if self.state is State.ACCEPTED:
            self.enter(State.OPEN)
        return self.is_open

    # Sending

    async def send_text(self, text: str) -> None:
        await self.send_frame({"type": "websocket.send", "text": text})

    async def reply(self, frame: Frame) -> None:
        if not self.is_closing:
            await self.send_text(frame.encode())

    async def send_heads(self, heads: Heads) -> None:
        """Listener of the change poller."""
        if heads.epoch != self.epoch:
            # A restored backup (P11): the client reconnects, spread over some seconds, and learns of it from
            # the greeting.
            await self.close_with_reason(
                CloseCode.RESTARTING, retry_after_ms=connection_registry.retry_after_ms()
            )
            return
        for frame in frames.heads_frames(heads, only=self.room):
            await self.reply(frame)

    async def close_with_reason(self, code: CloseCode, *, retry_after_ms: int = 0) -> None:
        """Send `bye` with the reason, then close. Only the first call has an effect."""
        if self.is_closing:
            return
        self.enter(State.CLOSING)
        await self.send_text(frames.bye(code, retry_after_ms=retry_after_ms).encode())
        CLOSES.labels(code.reason).inc()
        await self.send({"type": "websocket.close", "code": int(code)})

    # Rights

    async def check_session(self) -> None:
        if self.credential is not None:
            await self.on_revoked(await run_query(session_status, self.credential))

    async def on_revoked(self, status: SessionStatus) -> None:
        """Close for good, or let the client reconnect when the session only got a new key."""
        if status is SessionStatus.REVOKED:
            await self.close_with_reason(CloseCode.UNAUTHENTICATED)
        elif status is SessionStatus.ROTATED:
            await self.close_with_reason(CloseCode.RESTARTING)

    def on_evicted(self) -> None:
        """A newer socket of this user has taken the slot of this one."""
        self.start(self.close_with_reason(CloseCode.REPLACED))

    # Resources

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in a task that ends with the connection."""
        if self.state is State.RELEASED:
            # The journal may answer after the client has disconnected. A task started now would never be
            # cancelled.
            work.close()
            return
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def join_group(self, group: str) -> None:
        # Noted first: a connection that ends in between must still leave the group.
        self.groups.append(group)
        await self.layer.group_add(group, self.channel_name)

    async def leave_group(self, group: str) -> None:
        if group in self.groups:
            self.groups.remove(group)
            await self.layer.group_discard(group, self.channel_name)

    def release(self) -> None:
        """Release all resources, each by itself: one that fails must not keep the others."""
        self.enter(State.RELEASED)
        for task in self.tasks:
            task.cancel()
        while self.releases:
            try:
                self.releases.pop()()
            except Exception:
                logger.exception("a resource of a socket was not released")
