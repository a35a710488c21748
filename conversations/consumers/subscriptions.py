"""The rooms that a socket can see: presence and typing of the peer flow only there.

What may be told is asked anew each time (`presence`); here it is only remembered what the device believes, to take it back when it ends.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from conversations import presence
from conversations.access import access_conversation
from conversations.consumers.connection import Connection
from conversations.db.executor import run_cache_query, run_query
from conversations.exceptions import Busy, Refusal, TooManyRoomsOpen
from conversations.protocol.events import Presence
from conversations.rooms import watch_group

logger = logging.getLogger(__name__)

ROOMS_OPEN = 50


class Subscriptions(Connection):
    LAYER_EVENTS: ClassVar[Mapping[str, str]] = {
        **Connection.LAYER_EVENTS,
        "presence.look": "presence_look",
        "typing.push": "typing_push",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.in_view: dict[str, int] = {}
        """Room to peer."""
        self.believed: dict[str, Presence] = {}

    async def begin(self) -> None:
        """The room route shows its room."""
        if self.room is not None:
            try:
                await self.show(self.room)
            except Refusal as refusal:
                logger.info("a room was not opened (%s)", refusal.code)

    async def show(self, room: str) -> None:
        """Raises ConversationNotFound, TooManyRoomsOpen."""
        peer = (await run_query(access_conversation, self.user, room)).peer
        if room not in self.in_view and len(self.in_view) >= ROOMS_OPEN:
            raise TooManyRoomsOpen
        self.in_view[room] = peer.pk
        # Not awaited: the layer or the cache may be away, and the next command must not wait for them.
        self.start(self.watch(room, peer.pk))

    async def hide(self, room: str) -> None:
        peer_id = self.in_view.pop(room, None)
        self.believed.pop(room, None)
        if peer_id is not None:
            self.start(self.unwatch(peer_id))

    async def watch(self, room: str, peer_id: int) -> None:
        try:
            await self.join(watch_group(peer_id))
        except Exception as error:
            logger.info("joining a group failed (%s)", type(error).__name__)
        if room not in self.in_view:
            await self.unwatch(peer_id)
            return
        await self.tell_presence(room)
        try:
            typing = await run_cache_query(presence.typing_of, user=self.user, room=room)
        except Refusal:
            return
        if typing is not None and room in self.in_view:
            await self.reply(typing)

    async def unwatch(self, peer_id: int) -> None:
        try:
            await self.part(watch_group(peer_id))
        except Exception as error:
            logger.info("leaving a group failed (%s)", type(error).__name__)

    async def tell_presence(self, room: str) -> None:
        try:
            frame = await run_cache_query(presence.presence_of, user=self.user, room=room)
        except Busy:
            return
        except Refusal:
            frame = None
        if room not in self.in_view:
            return
        before = self.believed.pop(room, None)
        if frame is not None:
            self.believed[room] = frame
            if frame.online or frame != before:
                await self.reply(frame)
        elif before is not None and (before.online or before.last_seen):
            # The right to see is gone, whyever: told as somebody who has left and never said when.
            await self.reply(Presence(user=before.user, online=False, ttl_ms=0))

    # From the layer

    async def presence_look(self, event: dict[str, Any]) -> None:
        """About one peer, or (None) about all of them."""
        for room, peer_id in tuple(self.in_view.items()):
            if event["user_id"] in {peer_id, None}:
                self.start(self.tell_presence(room))

    async def typing_push(self, event: dict[str, Any]) -> None:
        if event["room"] in self.in_view and not self.is_over:
            await self.send_text(event["text"])
