"""In-process channel layer: a dict of sets whose cost does not grow with the number of sockets.

Django Channels' in-memory layer iterates over every channel on each call; this one touches only the members
of the group. Like any layer it may lose messages, here those to a full mailbox; the numbers of the journal
repair that (docs/protocol.md P4, P5).
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Iterable
from typing import Any

from channels.layers import BaseChannelLayer

logger = logging.getLogger(__name__)


class Mailbox:
    """The messages that wait for one channel. Used only on the loop it was made in."""

    __slots__ = ("loop", "messages", "waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.messages: deque[dict[str, Any]] = deque()
        self.waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class LocalChannelLayer(BaseChannelLayer):
    """Channel layer for exactly one process.

    Args:
        capacity: messages that may wait for a channel; further ones are dropped and counted.
    """

    extensions = ("groups", "flush")
    joins_at_once = True
    """A channel that was added to a group gets the very next message: no probe is needed."""

    def __init__(self, capacity: int = 1_000, **kwargs: Any) -> None:
        super().__init__(capacity=capacity, **kwargs)
        self.mailboxes: dict[str, Mailbox] = {}
        self.groups: dict[str, set[str]] = {}
        self.memberships: dict[str, set[str]] = {}
        self.dropped = 0

    async def new_channel(self, prefix: str = "specific") -> str:
        channel = f"{prefix}.{uuid.uuid4().hex}"
        self.mailboxes[channel] = Mailbox(asyncio.get_running_loop())
        return channel

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        self.deliver([((channel,), message)])

    async def receive(self, channel: str) -> dict[str, Any]:
        mailbox = self.mailboxes.get(channel)
        if mailbox is None:
            mailbox = self.mailboxes[channel] = Mailbox(asyncio.get_running_loop())
        while not mailbox.messages:
            mailbox.waiter = mailbox.loop.create_future()
            try:
                await mailbox.waiter
            except asyncio.CancelledError:
                # Channels cancels the wait only when the consumer ends; no other call reports that.
                self.forget(channel)
                raise
        return mailbox.messages.popleft()

    async def group_add(self, group: str, channel: str) -> None:
        self.groups.setdefault(group, set()).add(channel)
        self.memberships.setdefault(channel, set()).add(group)

    async def group_discard(self, group: str, channel: str) -> None:
        self.leave(group, channel)
        self.memberships.get(channel, set()).discard(group)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.deliver([(tuple(self.groups.get(group, ())), message)])

    async def flush(self) -> None:
        self.mailboxes.clear()
        self.groups.clear()
        self.memberships.clear()

    def send_to_groups(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Deliver (group, message) pairs from any thread, in order, with one hop to each loop however many
        they are."""
        # `list` copies a set in one step of the interpreter, so a socket that joins meanwhile cannot break
        # the loop.
        self.deliver([(list(self.groups.get(group, ())), message) for group, message in messages])

    def deliver(self, messages: list[tuple[Iterable[str], dict[str, Any]]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Mailbox, dict[str, Any]]]] = {}
        for channels, message in messages:
            for channel in channels:
                mailbox = self.mailboxes.get(channel)
                if mailbox is not None:
                    by_loop.setdefault(mailbox.loop, []).append((mailbox, message))
        for loop, deliveries in by_loop.items():
            if is_running_here(loop):
                self.put(deliveries)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(self.put, deliveries)

    def put(self, deliveries: list[tuple[Mailbox, dict[str, Any]]]) -> None:
        for mailbox, message in deliveries:
            if len(mailbox.messages) >= self.capacity:
                self.dropped += 1
                continue
            mailbox.messages.append(message)
            mailbox.wake()

    def forget(self, channel: str, groups: Iterable[str] = ()) -> None:
        """Remove an ended channel from all its groups. They are known here, so `groups` is not used."""
        self.mailboxes.pop(channel, None)
        for group in self.memberships.pop(channel, set()):
            self.leave(group, channel)

    def leave(self, group: str, channel: str) -> None:
        members = self.groups.get(group)
        if members is None:
            return
        members.discard(channel)
        if not members:
            del self.groups[group]


def is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
