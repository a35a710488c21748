"""The publisher: carries finished frames to the sockets of people, after the commit. The only owner of the channel layer.

It may lose anything and never raises: the journal is the truth, and whoever misses a push asks for it (protocol.md P4, P5).
Knows no models.
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
"""Longest wait for the layer to take one push."""
REST_SECONDS = 2.0
"""After a failure nothing is tried for so long: a frozen Redis must not build up a queue of waits."""
QUEUE_LIMIT = 20_000
LayerMessage = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Push:
    """One frame for one group.

    `room` lets a socket that is filtered to another room leave it aside; `head` and `mark` say up to which numbers of that room it tells,
    so that the pulse knows who has heard what (0: tells no such number).
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
    """The same encoded frame for every socket of these people."""
    return [Push(user_group(user_id), room, text, head, mark) for user_id in user_ids]


def channel_layer() -> Any:
    """The layer that sockets listen on."""
    return get_channel_layer()


def publish(pushes: list[Push]) -> None:
    """Hand pushes over, in order, from any thread. Returns at once; a failure is counted, never raised."""
    if pushes:
        send_to_groups([(push.group, push.as_layer_message()) for push in pushes])


def end_session(session_key: str, code: int) -> None:
    """Close every socket of one session with `bye` and this code. What anybody sends after this has returned comes after it."""
    send_to_groups([(session_group(session_key), {"type": "session.end", "code": code})], urgent=True)


def check_person(user_id: int) -> None:
    """Let every socket of one person look whether it may stay, before it takes anything that is sent after this has returned."""
    send_to_groups([(user_group(user_id), {"type": "standing.check"})], urgent=True)


def request_presence_refresh(hints: list[tuple[str, int | None]]) -> None:
    """Let the sockets of these groups ask anew what they may see of a person, or of everybody (None) whose room they show."""
    send_to_groups([(group, {"type": "presence.look", "user_id": about}) for group, about in hints])


def relay_typing(user_id: int, room: str, text: str) -> None:
    """A frame for those sockets of one person that show this room."""
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
        logger.exception("the channel layer refused %d pushes", len(messages))


class Publisher:
    """Publishes to a layer that needs the network, on a thread and a loop of its own, so that no acknowledgement waits for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: deque[LayerMessage] = deque()
        self.urgent: deque[tuple[LayerMessage, threading.Event]] = deque()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.is_running = False
        self.resting_until = 0.0

    def enqueue(self, messages: list[LayerMessage]) -> None:
        with self.lock:
            room_left = QUEUE_LIMIT - len(self.waiting)
            LOST.inc(max(0, len(messages) - room_left))
            self.waiting.extend(messages[: max(0, room_left)])
            self.start()

    def enqueue_urgent(self, messages: list[LayerMessage]) -> None:
        """Before all that waits, and return when it is done or PUBLISH_SECONDS have passed.

        Else whoever has just been told that a device is logged out could write something that another process brings there first.
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
            # The layer has said so once for the whole outage, and the counter says how much was lost.
            logger.debug(
                "the channel layer is away (%s); numbers will repair what is lost", type(error).__name__
            )
        except Exception as error:
            self.resting_until = time.monotonic() + REST_SECONDS
            LOST.inc()
            logger.warning("the channel layer did not take a frame (%s)", type(error).__name__)


publisher = Publisher()
