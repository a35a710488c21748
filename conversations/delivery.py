"""Publisher: sends encoded frames to the sockets of users, after the commit. Sole owner of the channel layer.

It may lose anything and never raises: the journal is the truth, and a client that misses a push asks for it
(docs/protocol.md P4, P5). Knows no models.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from channels.layers import get_channel_layer
from prometheus_client import Counter
from redis.exceptions import RedisError

from conversations.channel_layers.local import LocalChannelLayer
from conversations.rooms import session_group, user_group

logger = logging.getLogger(__name__)
LOST = Counter("entre_pushes_lost_total", "Frames that the channel layer did not take; repaired by numbers.")

PUBLISH_SECONDS = 1.0
"""Timeout of one publication."""
REST_SECONDS = 2.0
"""After a failure nothing is published for this long: a frozen Redis must not build up a queue of waits."""
QUEUE_LIMIT = 20_000
LayerMessage = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Push:
    """One frame for one group.

    A socket filtered to another room skips it by `room`. `head` and `mark` are the highest numbers of that
    room in the frame (0: none), from which the change poller knows what was delivered.
    """

    group: str
    room: str
    text: str
    head: int = 0
    mark: int = 0

    def as_layer_message(self) -> dict[str, Any]:
        return {
            "type": "frame.push",
            "room": self.room,
            "text": self.text,
            "head": self.head,
            "mark": self.mark,
        }


def to_users(user_ids: Iterable[int], room: str, text: str, *, head: int = 0, mark: int = 0) -> list[Push]:
    """The same encoded frame for every socket of these users."""
    return [Push(user_group(user_id), room, text, head, mark) for user_id in user_ids]


def channel_layer() -> Any:
    """The layer that sockets listen on."""
    return get_channel_layer()


def publish(pushes: list[Push]) -> None:
    """Publish in order, from any thread. Returns at once; a failure is counted, never raised."""
    if pushes:
        send_to_groups([(push.group, push.as_layer_message()) for push in pushes])


def end_session(session_key: str, code: int) -> None:
    """Close every socket of one session with `bye` and this code.

    What is published after this returns comes later.
    """
    send_to_groups([(session_group(session_key), {"type": "session.end", "code": code})], urgent=True)


def check_person(user_id: int) -> None:
    """Make every socket of one user check its session, before anything published after this returns."""
    send_to_groups([(user_group(user_id), {"type": "standing.check"})], urgent=True)


def request_presence_refresh(hints: list[tuple[str, int | None]]) -> None:
    """Make the sockets of these groups read presence again: of one user, or (None) of all whose room they
    show."""
    send_to_groups([(group, {"type": "presence.look", "user_id": about}) for group, about in hints])


def relay_typing(user_id: int, room: str, text: str) -> None:
    """A frame for those sockets of one user that show this room."""
    send_to_groups([(user_group(user_id), {"type": "typing.push", "room": room, "text": text})])


def send_to_groups(messages: list[LayerMessage], *, urgent: bool = False) -> None:
    try:
        layer = get_channel_layer()
        if layer is None:
            return
        if isinstance(layer, LocalChannelLayer):
            layer.send_to_groups(messages)
        elif urgent:
            publisher.enqueue_urgent(messages)
        else:
            publisher.enqueue(messages)
    except Exception:
        LOST.inc(len(messages))
        logger.exception("the channel layer rejected %d pushes", len(messages))


class Publisher:
    """Publishes to a layer that needs the network, on a thread and loop of its own: no reply waits for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: deque[LayerMessage] = deque()
        self.urgent: deque[tuple[LayerMessage, threading.Event]] = deque()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.is_running = False
        self.resting_until = 0.0

    def enqueue(self, messages: list[LayerMessage]) -> None:
        with self.lock:
            free = max(0, QUEUE_LIMIT - len(self.waiting))
            LOST.inc(max(0, len(messages) - free))
            self.waiting.extend(messages[:free])
            self.start()

    def enqueue_urgent(self, messages: list[LayerMessage]) -> None:
        """Publish before all that waits; return when it is done or PUBLISH_SECONDS have passed.

        Otherwise a client that was just told that a device is logged out could write something that reaches
        the device first, over another process.
        """
        done = [threading.Event() for _ in messages]
        with self.lock:
            self.urgent.extend(zip(messages, done, strict=True))
            self.start()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            deadline = time.monotonic() + PUBLISH_SECONDS
            for event in done:
                event.wait(max(0.0, deadline - time.monotonic()))

    def start(self) -> None:
        """With the lock held."""
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
            threading.Thread(target=self.loop.run_forever, name="publisher", daemon=True).start()
        if not self.is_running:
            self.is_running = True
            asyncio.run_coroutine_threadsafe(self.run(), self.loop)

    async def run(self) -> None:
        while True:
            done = None
            with self.lock:
                if self.urgent:
                    (group, message), done = self.urgent.popleft()
                elif self.waiting:
                    group, message = self.waiting.popleft()
                else:
                    self.is_running = False
                    return
            await self.deliver(group, message)
            if done is not None:
                done.set()

    async def deliver(self, group: str, message: dict[str, Any]) -> None:
        if time.monotonic() < self.resting_until:
            LOST.inc()
            return
        try:
            layer: Any = get_channel_layer()
            await asyncio.wait_for(layer.group_send(group, message), PUBLISH_SECONDS)
        except (OSError, RedisError) as error:
            self.resting_until = time.monotonic() + REST_SECONDS
            LOST.inc()
            # The layer has logged the outage once, and the counter says how much was lost.
            logger.debug(
                "the channel layer is unavailable (%s); numbers repair what is lost", type(error).__name__
            )
        except Exception as error:
            self.resting_until = time.monotonic() + REST_SECONDS
            LOST.inc()
            logger.warning("the channel layer did not take a frame (%s)", type(error).__name__)


publisher = Publisher()
