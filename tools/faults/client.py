"""A device that behaves as our browser does: it comes back by itself, sends the same id until it is answered, and repairs what it missed
from numbers alone (protocol.md P2, P4, P10). Light: hundreds of them live on one event loop.

Whatever it does and sees goes into the run's History.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from tools.faults.history import History
from tools.faults.room_view import RoomView

Frame = dict[str, Any]

BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
GREETING_S, SILENCE_S, PONG_S = 10.0, 10.0, 10.0
STABLE_S = 60.0
RECEIPT_EVERY_S = 2.0
TICK_S = 0.2
GOODBYE_S = 2.0
FINAL_CODES = {4401, 4403, 4404, 4426}


@dataclass(slots=True)
class Entry:
    """An unsent message. `sent_at` is when it last went out, None while it waits; `not_before` what the server asked for."""

    id: str
    room: str
    body: str
    sent_at: float | None = None
    not_before: float = 0.0
    is_posted: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How one socket ended: with a `bye` (its code), a close code (1006 when there was no close frame), and when."""

    at: float
    bye: int | None
    code: int


class Device:
    """One device of one person.

    Args:
        name: unique in the run; `person` is the public id of who holds it.
        address: http address of the service; `path` the socket's.
        rooms: all rooms that are theirs. A frame of any other is a leak.
    """

    def __init__(
        self,
        history: History,
        *,
        name: str,
        person: str,
        cookie: str,
        address: str,
        rooms: list[str],
        path: str = "/ws/",
        seed: int = 0,
    ) -> None:
        self.history, self.name, self.person, self.cookie = history, name, person, cookie
        self.address, self.path = address, path
        self.views = {room: RoomView(room) for room in rooms}
        self.outbox: deque[Entry] = deque()
        self.random = random.Random(f"{seed} {name}")
        self.socket: ClientConnection | None = None
        self.epoch: str | None = None
        self.line = self.attempt = 0
        self.is_greeted = self.is_live = self.is_over = self.is_dozing = self.is_ticking = False
        self.began_at = self.greeted_at = self.not_before = self.live_at = self.pinged_at = 0.0
        self.pong_by: float | None = None
        self.heartbeat = 25.0
        self.bye: Frame | None = None
        self.bye_at = 0.0
        self.endings: list[Ending] = []
        self.suspected: list[float] = []
        self.refused: Counter[int] = Counter()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.hurry = asyncio.Event()

    # What the person does

    async def write(self, id: str, body: str) -> None:
        """Type a message. It stays in the outbox until the service has it or refuses it for good."""
        room = next(iter(self.views))
        self.outbox.append(Entry(id, room, body))
        self.history.invoked(id=id, room=room, device=self.name, digest=hash(body), at=time.monotonic())
        await self.pump()

    async def doze(self, seconds: float) -> None:
        """The laptop sleeps: nothing is read, no timer rings. On waking the line is asked within 5 s (K1)."""
        self.is_dozing = True
        if self.socket is not None:
            self.socket.transport.pause_reading()
        await asyncio.sleep(seconds)
        self.is_dozing = False
        if self.socket is not None and not self.socket.transport.is_closing():
            self.socket.transport.resume_reading()
            await self.probe(5.0)
        self.hurry.set()

    # The life of the connection

    async def live(self) -> None:
        """Until `is_over`: connect, listen, come back."""
        while not self.is_over:
            try:
                await self.rest()
                await self.one_line()
            except InvalidStatus as refusal:
                self.refused[refusal.response.status_code] += 1
            except (OSError, TimeoutError, EOFError, InvalidHandshake, WebSocketException):
                pass
            finally:
                self.lost()

    async def rest(self) -> None:
        """Full jitter, and never before the moment that the server named."""
        now = time.monotonic()
        jitter = (
            self.random.random() * BACKOFF_S[min(self.attempt - 1, len(BACKOFF_S) - 1)]
            if self.attempt
            else 0.0
        )
        wait = max(0.0, self.not_before - now) + jitter
        self.attempt += 1
        self.hurry.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.hurry.wait(), wait)
        # Whoever sleeps is woken by `doze`.
        while self.is_dozing and not self.is_over:
            self.hurry.clear()
            await self.hurry.wait()

    async def one_line(self) -> None:
        if self.is_over:
            return
        headers = {"Cookie": self.cookie, "Origin": self.address}
        url = f"{self.address.replace('http', 'ws', 1)}{self.path}"
        self.began_at = time.monotonic()
        self.socket = await connect(
            url,
            additional_headers=headers,
            compression=None,
            proxy=None,
            ping_interval=None,
            open_timeout=GREETING_S,
            close_timeout=0.5,
            max_size=2**20,
            max_queue=None,
        )
        self.line += 1
        self.bye = None
        try:
            async for text in self.socket:
                await self.hear(json.loads(text))
        finally:
            self.ended(self.socket)

    def ended(self, socket: ClientConnection) -> None:
        received = socket.protocol.close_rcvd
        self.endings.append(
            Ending(
                time.monotonic(),
                None if self.bye is None else self.bye["code"],
                received.code if received else 1006,
            )
        )
        socket.transport.abort()

    def lost(self) -> None:
        now = time.monotonic()
        if self.is_greeted and now - self.greeted_at >= STABLE_S:
            self.attempt = 0
        self.socket = None
        self.is_greeted = self.is_live = False
        self.pong_by = None
        for entry in self.outbox:
            # What was on its way is unknown, so it waits again, with the same id.
            entry.sent_at = None
        for view in self.views.values():
            view.asked_at = None
        if self.bye is not None and self.bye["code"] in FINAL_CODES:
            self.is_over = True

    def abort(self) -> None:
        """The line is believed dead."""
        if self.socket is not None:
            self.socket.transport.abort()

    async def leave(self) -> None:
        """For good; what is unanswered stays unknown."""
        self.is_over = True
        self.hurry.set()
        self.abort()
        for entry in self.outbox:
            self.history.given_up(entry.id)

    # The clock, five times a second for all devices

    def needs_tick(self, now: float) -> bool:
        """Is anything due? Cheap, because most of the time nothing is."""
        if self.is_dozing or self.is_over or self.is_ticking:
            return False
        return (
            bool(self.outbox)
            or self.bye is not None
            or self.pong_by is not None
            or not self.is_greeted
            or now - self.pinged_at > self.heartbeat
            or any(
                view.asked_at is not None or view.newest_of_peer > view.told_receipt
                for view in self.views.values()
            )
        )

    async def tick(self, now: float) -> None:
        self.is_ticking = True
        try:
            await self.look(now)
        finally:
            self.is_ticking = False

    async def look(self, now: float) -> None:
        if self.socket is None or not self.is_greeted:
            if self.socket is not None and now - self.began_at > GREETING_S:
                self.abort()
            self.post_the_silent(now)
            return
        if (self.bye is not None and now - self.bye_at > GOODBYE_S) or (
            self.pong_by is not None and now > self.pong_by
        ):
            if self.bye is None:
                self.suspected.append(now)
            self.abort()
            return
        if now - self.pinged_at > self.heartbeat:
            await self.probe(PONG_S)
        for view in self.views.values():
            if view.asked_at is not None and now - view.asked_at > SILENCE_S:
                await self.ask(view)
            await self.tell_receipt(view, now)
        self.post_the_silent(now)
        await self.pump()

    async def probe(self, within: float) -> None:
        now = time.monotonic()
        self.pinged_at = now
        self.pong_by = min(self.pong_by or now + within, now + within)
        await self.say({"type": "ping", "visible": True})

    async def tell_receipt(self, view: RoomView, now: float) -> None:
        if view.newest_of_peer > view.told_receipt and now - view.told_receipt_at > RECEIPT_EVERY_S:
            view.told_receipt, view.told_receipt_at = view.newest_of_peer, now
            await self.say(
                {
                    "type": "receipt.set",
                    "room": view.room,
                    "delivered": view.newest_of_peer,
                    "read": view.newest_of_peer,
                }
            )

    # The outbox: one at most on its way in each room

    async def pump(self) -> None:
        if not self.outbox or not self.is_greeted or self.bye is not None:
            return
        entry, now = self.outbox[0], time.monotonic()
        if entry.sent_at is None and not entry.is_posted and entry.not_before <= now:
            entry.sent_at = now
            self.history.tried(entry.id)
            await self.say({"type": "message.send", "room": entry.room, "id": entry.id, "body": entry.body})

    def post_the_silent(self, now: float) -> None:
        """The socket is open and says nothing: the other door, with the same id."""
        entry = self.outbox[0] if self.outbox else None
        if entry is None or entry.is_posted or entry.sent_at is None or now - entry.sent_at < SILENCE_S:
            return
        entry.is_posted = True
        self.history.tried(entry.id)
        task = asyncio.ensure_future(self.post(entry))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def post(self, entry: Entry) -> None:
        token = "f" * 32
        headers = {
            "Cookie": f"{self.cookie}; csrftoken={token}",
            "X-CSRFToken": token,
            "Origin": self.address,
        }
        began = time.monotonic()
        try:
            async with httpx.AsyncClient(timeout=SILENCE_S, verify=False, trust_env=False) as http:
                url = f"{self.address}/api/v1/conversations/{entry.room}/messages"
                answer = await http.post(url, json={"id": entry.id, "body": entry.body}, headers=headers)
                body = answer.json()
        except (httpx.HTTPError, ValueError, OSError):
            entry.sent_at, entry.not_before = None, time.monotonic() + 1.0
        else:
            if answer.is_success:
                message = body["message"]
                self.answered(
                    entry.id, seq=message["seq"], duplicate=body["duplicate"], waited=time.monotonic() - began
                )
                await self.apply(entry.room, message)
            else:
                self.refuse(entry, body.get("code", "internal"), body.get("retry_after_ms") or 1_000)
        finally:
            entry.is_posted = False

    def answered(self, id: str, *, seq: int, duplicate: bool, waited: float | None = None) -> None:
        now = time.monotonic()
        entry = next((entry for entry in self.outbox if entry.id == id), None)
        if entry is not None:
            waited = now - (entry.sent_at or now) if waited is None else waited
            self.outbox.remove(entry)
        self.history.accepted(
            device=self.name, line=self.line, id=id, seq=seq, duplicate=duplicate, at=now, waited=waited
        )

    def refuse(self, entry: Entry, code: str, retry_after_ms: int) -> None:
        is_retryable = code in {
            "rate_limited",
            "busy",
            "storage_full",
            "unknown_result",
            "internal",
            "unauthenticated",
        }
        now = time.monotonic()
        waited = None if entry.sent_at is None else now - entry.sent_at
        self.history.refused(entry.id, code, retryable=is_retryable, at=now, waited=waited)
        if is_retryable:
            entry.sent_at, entry.not_before = None, now + retry_after_ms / 1000
        else:
            self.outbox.remove(entry)

    # What comes

    async def hear(self, frame: Frame) -> None:
        self.pong_by = None
        room = frame.get("room")
        if room is not None and room not in self.views:
            self.history.foreign(device=self.name, room=room, kind=frame["type"])
            return
        hear = self.HEARD.get(frame["type"])
        if hear is not None:
            await hear(self, frame)

    async def created(self, frame: Frame) -> None:
        await self.apply(frame["room"], frame["message"])

    async def row(self, frame: Frame) -> None:
        row = frame["conversation"]
        await self.compare({"rooms": {row["room"]: row["head"]}, "marks": {row["room"]: row["mark"]}})

    async def resync(self, frame: Frame) -> None:
        await self.say({"type": "sync"})

    async def goodbye(self, frame: Frame) -> None:
        self.bye, self.bye_at = frame, time.monotonic()
        self.not_before = self.bye_at + frame["retry_after_ms"] / 1000

    async def greeted(self, frame: Frame) -> None:
        now = time.monotonic()
        self.is_greeted, self.greeted_at, self.pinged_at = True, now, now
        self.heartbeat = frame["heartbeat_ms"] / 1000
        await self.compare(frame)
        await self.pump()

    async def compare(self, frame: Frame) -> None:
        """Heads from the server against what is here; another epoch drops what is here."""
        is_new_epoch = self.epoch is not None and frame.get("epoch", self.epoch) != self.epoch
        self.epoch = frame.get("epoch", self.epoch)
        for room, head in frame["rooms"].items():
            if room not in self.views:
                self.history.foreign(device=self.name, room=room, kind="a head")
                continue
            view = self.views[room]
            if is_new_epoch:
                view.drop()
                self.history.started_anew(device=self.name, room=room, base=0, cursor=0, is_new_epoch=True)
            if view.is_behind(head, frame["marks"].get(room, 0)):
                await self.ask(view)
        self.look_whether_live()

    def look_whether_live(self) -> None:
        """All that the greeting spoke of is here."""
        if (
            self.is_greeted
            and not self.is_live
            and all(view.asked_at is None for view in self.views.values())
        ):
            self.is_live, self.live_at = True, time.monotonic()

    async def accepted(self, frame: Frame) -> None:
        entry = next((entry for entry in self.outbox if entry.id == frame["id"]), None)
        self.answered(frame["id"], seq=frame["seq"], duplicate=frame["duplicate"])
        if entry is not None:
            own = {"seq": frame["seq"], "version": frame["version"], "id": frame["id"], "sender": self.person}
            await self.apply(frame["room"], own)
        await self.pump()

    async def apply(self, room: str, message: Frame) -> None:
        view = self.views[room]
        for shown in view.receive(message):
            self.show(view, shown)
        if view.has_gap:
            await self.ask(view)
        else:
            self.history.moved(device=self.name, room=room, cursor=view.cursor)

    def show(self, view: RoomView, message: Frame) -> None:
        is_mine = message["sender"] == self.person
        if not is_mine:
            view.newest_of_peer = max(view.newest_of_peer, message["seq"])
        self.history.shown(
            device=self.name,
            room=view.room,
            seq=message["seq"],
            id=message["id"],
            is_mine=is_mine,
            at=time.monotonic(),
        )

    async def receipt(self, frame: Frame) -> None:
        view = self.views[frame["room"]]
        self.history.receipt(
            device=self.name,
            room=view.room,
            user=frame["user"],
            delivered=frame["delivered"],
            read=frame["read"],
            is_stored=False,
        )
        if not view.place_mark(frame["mark"]):
            await self.ask(view)

    async def page(self, page: Frame) -> None:
        view = self.views[page["room"]]
        view.asked_at = None
        if page["reset"]:
            base = page["messages"][0]["seq"] - 1 if page["messages"] else page["version"]
            self.history.started_anew(
                device=self.name, room=view.room, base=base, cursor=page["version"], is_new_epoch=False
            )
        for message in view.turn(page):
            self.show(view, message)
        self.history.moved(device=self.name, room=view.room, cursor=view.cursor)
        for receipt in page["receipts"]:
            self.history.receipt(
                device=self.name,
                room=view.room,
                user=receipt["user"],
                delivered=receipt["delivered"],
                read=receipt["read"],
                is_stored=True,
            )
        if page["more"] or view.has_gap:
            await self.ask(view)
        self.look_whether_live()

    async def error(self, frame: Frame) -> None:
        entry = next((entry for entry in self.outbox if entry.id == frame.get("id")), None)
        if entry is not None:
            self.refuse(entry, frame["code"], frame.get("retry_after_ms") or 1_000)
        elif (view := self.views.get(str(frame.get("ref", ""))[5:])) is not None:
            # Asked again by the clock, as if there had been no answer.
            view.asked_at = time.monotonic() - SILENCE_S + (frame.get("retry_after_ms") or 1_000) / 1000

    async def ask(self, view: RoomView) -> None:
        now = time.monotonic()
        if view.asked_at is None or now - view.asked_at > SILENCE_S:
            view.asked_at = now
            frame: Frame = {"type": "sync", "ref": f"sync:{view.room}", "rooms": {view.room: view.cursor}}
            await self.say({**frame, "marks": {view.room: view.mark}})

    async def say(self, frame: Frame) -> None:
        socket = self.socket
        if socket is not None:
            with suppress(WebSocketException, OSError):
                await socket.send(json.dumps(frame, ensure_ascii=False))

    HEARD: ClassVar[dict[str, Callable[[Device, Frame], Awaitable[None]]]] = {
        "message.created": created,
        "message.changed": created,
        "message.accepted": accepted,
        "receipt.advanced": receipt,
        "sync.page": page,
        "heads": compare,
        "connection_established": greeted,
        "conversation.changed": row,
        "error": error,
        "resync": resync,
        "bye": goodbye,
    }
