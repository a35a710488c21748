"""Subscriptions: the rooms that a client shows. The peer's presence and typing are sent only for those.

`presence` decides each time what may be shown. Kept here is only what was sent to the client last, to take it
back when the right ends.
"""

from __future__ import annotations

import logging
from typing import Any

from conversations import presence
from conversations.access import access_conversation
from conversations.consumers.connection import Connection
from conversations.db.executor import run_cache_query, run_query
from conversations.exceptions import Busy, Refusal, TooManyRoomsOpen
from conversations.protocol.events import Presence
from conversations.rooms import watch_group

logger = logging.getLogger(__name__)

ROOMS_OPEN = 50


class Subscriptions:
    """The open rooms of one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.peers: dict[str, int] = {}
        """The peer's id by room."""
        self.sent: dict[str, Presence] = {}

    async def open_filtered(self) -> None:
        """The room route shows its room from the greeting on. Never raises a refusal."""
        if self.connection.room is not None:
            try:
                await self.open(self.connection.room)
            except Refusal as refusal:
                logger.info("a room was not opened (%s)", refusal.code)

    async def open(self, room: str) -> None:
        """Raises ConversationNotFound, TooManyRoomsOpen."""
        peer = (await run_query(access_conversation, self.connection.user, room)).peer
        if room not in self.peers and len(self.peers) >= ROOMS_OPEN:
            raise TooManyRoomsOpen
        self.peers[room] = peer.pk
        # Not awaited: the layer or the cache may be unavailable, and the next command must not wait for them.
        self.connection.start(self.subscribe(room, peer.pk))

    def close(self, room: str) -> None:
        peer_id = self.peers.pop(room, None)
        self.sent.pop(room, None)
        if peer_id is not None:
            self.connection.start(self.unsubscribe(peer_id))

    async def subscribe(self, room: str, peer_id: int) -> None:
        try:
            await self.connection.join_group(watch_group(peer_id))
        except Exception as error:
            logger.info("joining a group failed (%s)", type(error).__name__)
        if room not in self.peers:
            await self.unsubscribe(peer_id)
            return
        await self.send_presence(room)
        try:
            typing = await run_cache_query(presence.typing_of, user=self.connection.user, room=room)
        except Refusal:
            return
        if typing is not None and room in self.peers:
            await self.connection.reply(typing)

    async def unsubscribe(self, peer_id: int) -> None:
        try:
            await self.connection.leave_group(watch_group(peer_id))
        except Exception as error:
            logger.info("leaving a group failed (%s)", type(error).__name__)

    async def send_presence(self, room: str) -> None:
        try:
            frame = await run_cache_query(presence.presence_of, user=self.connection.user, room=room)
        except Busy:
            return
        except Refusal:
            frame = None
        if room not in self.peers:
            return
        before = self.sent.pop(room, None)
        if frame is not None:
            self.sent[room] = frame
            if frame.online or frame != before:
                await self.connection.reply(frame)
        elif before is not None and (before.online or before.last_seen):
            # The right to see the peer is gone. Shown as offline without a last-seen moment, so that the
            # reason stays hidden.
            await self.connection.reply(Presence(user=before.user, online=False, ttl_ms=0))

    # From the layer

    async def on_presence_changed(self, event: dict[str, Any]) -> None:
        """Read presence again: of one peer, or (None) of all."""
        for room, peer_id in tuple(self.peers.items()):
            if event["user_id"] in {peer_id, None}:
                self.connection.start(self.send_presence(room))

    async def on_typing(self, event: dict[str, Any]) -> None:
        if event["room"] in self.peers and not self.connection.is_closing:
            await self.connection.send_text(event["text"])
