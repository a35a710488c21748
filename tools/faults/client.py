"""A device that behaves as our browser does: reconnects, repeats a send under its id, repairs gaps by number.

See docs/protocol.md P2, P4, P10. Light: hundreds run on one event loop. Records what it does and sees in
the History.
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
from urllib.parse import quote

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from tools.faults.changes import Change, Kind, state_of
from tools.faults.history import History
from tools.faults.room_view import RoomView

Frame = dict[str, Any]

BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
GREETING_TIMEOUT_S, REPLY_TIMEOUT_S, PONG_TIMEOUT_S = 10.0, 10.0, 10.0
STABLE_S = 60.0
RECEIPT_EVERY_S = 2.0
TICK_S = 0.2
CLOSE_TIMEOUT_S = 2.0
EMOJI = "👍", "\u2764\ufe0f", "😂"
REPLACED = 0.5
"""Of the reactions that are not the first: this share replaces one, the others take it back."""
FINAL_CODES = {4401, 4403, 4404, 4426}


@dataclass(slots=True)
class Entry:
    """An unsent command. `id` is that of a message, or the `ref` of a change; `frame` without it. `sent_at`:
    the last attempt, None while it waits. `not_before`: the earliest retry."""

    id: str
    room: str
    frame: Frame
    sent_at: float | None = None
    not_before: float = 0.0
    is_posted: bool = False

    @property
    def is_send(self) -> bool:
        return bool(self.frame["type"] == "message.send")

    def named_frame(self) -> Frame:
        return {**self.frame, "room": self.room, ("id" if self.is_send else "ref"): self.id}

    def request(self) -> tuple[str, str, Frame | None]:
        """The same over HTTP: method, path and body."""
        path = f"/api/v1/conversations/{self.room}/messages"
        frame = self.frame
        match frame["type"]:
            case "message.send":
                return "POST", path, {"id": self.id, "body": frame["body"]}
            case "message.edit":
                fields = {"body": frame["body"], "version": frame["version"]}
                return "PATCH", f"{path}/{frame['seq']}", fields
            case "message.delete":
                return "DELETE", f"{path}/{frame['seq']}", None
        method = "PUT" if frame["on"] else "DELETE"
        return method, f"{path}/{frame['seq']}/reactions/{quote(frame['emoji'])}", None


@dataclass(frozen=True, slots=True)
class Ending:
    """How one socket ended: the code of its `bye`, its close code (1006 without a close frame), and when."""

    at: float
    bye: int | None
    code: int


class Device:
    """One device of one user.

    Args:
        name: unique in the run; `person` is the public id of its user.
        address: http address of the service; `path` that of the socket.
        rooms: all rooms of this user. A frame of any other room is a leak.
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
        self.connection_number = self.attempt = 0
        self.is_greeted = self.is_live = self.is_over = self.is_asleep = self.is_ticking = False
        self.began_at = self.greeted_at = self.not_before = self.live_at = self.pinged_at = 0.0
        self.pong_by: float | None = None
        self.heartbeat = 25.0
        self.bye: Frame | None = None
        self.bye_at = 0.0
        self.endings: list[Ending] = []
        self.suspected: list[float] = []
        self.refused: Counter[int] = Counter()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.wake = asyncio.Event()

    # Actions of the user

    async def write(self, id: str, body: str) -> None:
        """Write a message. It stays in the outbox until it is accepted or permanently refused."""
        room = next(iter(self.views))
        self.outbox.append(Entry(id, room, {"type": "message.send", "body": body}))
        self.history.invoked(id=id, room=room, device=self.name, digest=hash(body), at=time.monotonic())
        await self.send_next()

    async def change(self, ref: str, body: str) -> bool:
        """Edit, delete or react to one of the newest messages. An edit names the version that it changes, as
        that of our page does. False if this device has none."""
        room, view = next(iter(self.views.items()))
        candidates = [message for message in view.recent.values() if message["deleted_at"] is None]
        if not candidates:
            return False
        message = self.random.choice(candidates)
        is_mine = message["sender"] == self.person
        kind = self.random.choices(list(Kind), (4, 1, 5))[0] if is_mine else Kind.REACT
        change = Change(kind, room, message["seq"], self.person)
        frame: Frame = {"type": "message.delete", "seq": change.seq, "scope": "everyone"}
        if kind is Kind.EDIT:
            frame = {"type": "message.edit", "seq": change.seq, "body": body, "version": message["version"]}
            change.value = hash(body)
        elif kind is Kind.REACT:
            mine = [emoji for emoji, user in state_of(message).reactions if user == self.person]
            change.value = self.random.choice(mine or EMOJI)
            change.on = not mine or self.random.random() < REPLACED
            if mine and change.on:
                change.value = self.random.choice(EMOJI)
            frame = {"type": "reaction.set", "seq": change.seq, "emoji": change.value, "on": change.on}
        self.outbox.append(Entry(ref, room, frame))
        self.history.change_invoked(ref, change)
        await self.send_next()
        return True

    def go_away(self, seconds: float) -> None:
        """Lose the connection, and come back after this time."""
        self.not_before = time.monotonic() + seconds
        self.abort()

    async def sleep_for(self, seconds: float) -> None:
        """The laptop sleeps: reads nothing, runs no timer. After waking it pings with a timeout of 5 s
        (K3)."""
        self.is_asleep = True
        if self.socket is not None:
            self.socket.transport.pause_reading()
        await asyncio.sleep(seconds)
        self.is_asleep = False
        if self.socket is not None and not self.socket.transport.is_closing():
            self.socket.transport.resume_reading()
            await self.probe(5.0)
        self.wake.set()

    # Connection

    async def live(self) -> None:
        """Connect, read, reconnect, until `is_over`."""
        while not self.is_over:
            try:
                await self.wait_before_reconnect()
                await self.run_connection()
            except InvalidStatus as refusal:
                self.refused[refusal.response.status_code] += 1
            except (OSError, TimeoutError, EOFError, InvalidHandshake, WebSocketException):
                pass
            finally:
                self.on_disconnect()

    async def wait_before_reconnect(self) -> None:
        """Backoff with full jitter, never before the server's `retry_after_ms`."""
        now = time.monotonic()
        jitter = (
            self.random.random() * BACKOFF_S[min(self.attempt - 1, len(BACKOFF_S) - 1)]
            if self.attempt
            else 0.0
        )
        wait = max(0.0, self.not_before - now) + jitter
        self.attempt += 1
        self.wake.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), wait)
        # `sleep_for` wakes it.
        while self.is_asleep and not self.is_over:
            self.wake.clear()
            await self.wake.wait()

    async def run_connection(self) -> None:
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
            open_timeout=GREETING_TIMEOUT_S,
            close_timeout=0.5,
            max_size=2**20,
            max_queue=None,
        )
        self.connection_number += 1
        self.bye = None
        try:
            async for text in self.socket:
                await self.receive(json.loads(text))
        finally:
            self.record_ending(self.socket)

    def record_ending(self, socket: ClientConnection) -> None:
        received = socket.protocol.close_rcvd
        self.endings.append(
            Ending(
                time.monotonic(),
                None if self.bye is None else self.bye["code"],
                received.code if received else 1006,
            )
        )
        socket.transport.abort()

    def on_disconnect(self) -> None:
        now = time.monotonic()
        if self.is_greeted and now - self.greeted_at >= STABLE_S:
            self.attempt = 0
        self.socket = None
        self.is_greeted = self.is_live = False
        self.pong_by = None
        for entry in self.outbox:
            # A send without a reply is unknown: retry it with the same id.
            entry.sent_at = None
        for view in self.views.values():
            view.asked_at = None
        if self.bye is not None and self.bye["code"] in FINAL_CODES:
            self.is_over = True

    def abort(self) -> None:
        """Drop a connection that is believed dead."""
        if self.socket is not None:
            self.socket.transport.abort()

    async def leave(self) -> None:
        """End the device; sends without a reply stay unknown."""
        self.is_over = True
        self.wake.set()
        self.abort()
        for entry in self.outbox:
            self.history.given_up(entry.id)

    # Timers: one clock ticks five times a second for all devices

    def needs_tick(self, now: float) -> bool:
        """Is anything due? Cheap, because usually nothing is."""
        if self.is_asleep or self.is_over or self.is_ticking:
            return False
        return (
            bool(self.outbox)
            or self.bye is not None
            or self.pong_by is not None
            or not self.is_greeted
            or now - self.pinged_at > self.heartbeat
            or any(
                view.asked_at is not None or view.newest_of_peer > view.sent_receipt
                for view in self.views.values()
            )
        )

    async def tick(self, now: float) -> None:
        self.is_ticking = True
        try:
            await self.check_timers(now)
        finally:
            self.is_ticking = False

    async def check_timers(self, now: float) -> None:
        if self.socket is None or not self.is_greeted:
            if self.socket is not None and now - self.began_at > GREETING_TIMEOUT_S:
                self.abort()
            self.post_overdue(now)
            return
        if (self.bye is not None and now - self.bye_at > CLOSE_TIMEOUT_S) or (
            self.pong_by is not None and now > self.pong_by
        ):
            if self.bye is None:
                self.suspected.append(now)
            self.abort()
            return
        if now - self.pinged_at > self.heartbeat:
            await self.probe(PONG_TIMEOUT_S)
        for view in self.views.values():
            if view.asked_at is not None and now - view.asked_at > REPLY_TIMEOUT_S:
                await self.ask(view)
            await self.send_receipt(view, now)
        self.post_overdue(now)
        await self.send_next()

    async def probe(self, within: float) -> None:
        now = time.monotonic()
        self.pinged_at = now
        self.pong_by = min(self.pong_by or now + within, now + within)
        await self.send_frame({"type": "ping", "visible": True})

    async def send_receipt(self, view: RoomView, now: float) -> None:
        if view.newest_of_peer > view.sent_receipt and now - view.sent_receipt_at > RECEIPT_EVERY_S:
            view.sent_receipt, view.sent_receipt_at = view.newest_of_peer, now
            await self.send_frame(
                {
                    "type": "receipt.set",
                    "room": view.room,
                    "delivered": view.newest_of_peer,
                    "read": view.newest_of_peer,
                }
            )

    # Outbox: at most one command in flight in each room

    async def send_next(self) -> None:
        if not self.outbox or not self.is_greeted or self.bye is not None:
            return
        entry, now = self.outbox[0], time.monotonic()
        if entry.sent_at is None and not entry.is_posted and entry.not_before <= now:
            entry.sent_at = now
            self.history.tried(entry.id)
            await self.send_frame(entry.named_frame())

    def post_overdue(self, now: float) -> None:
        """No reply on an open socket: send over HTTP with the same id."""
        entry = self.outbox[0] if self.outbox else None
        if entry is None or entry.is_posted or entry.sent_at is None or now - entry.sent_at < REPLY_TIMEOUT_S:
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
            async with httpx.AsyncClient(timeout=REPLY_TIMEOUT_S, verify=False, trust_env=False) as http:
                method, path, fields = entry.request()
                answer = await http.request(method, f"{self.address}{path}", json=fields, headers=headers)
                body = answer.json()
        except (httpx.HTTPError, ValueError, OSError):
            entry.sent_at, entry.not_before = None, time.monotonic() + 1.0
        else:
            if answer.is_success:
                message = body["message"]
                if entry.is_send:
                    self.record_accepted(
                        entry.id,
                        seq=message["seq"],
                        duplicate=body["duplicate"],
                        waited=time.monotonic() - began,
                    )
                else:
                    self.record_changed(entry.id, version=message["version"])
                await self.apply(entry.room, message)
            else:
                self.refuse(entry, body.get("code", "internal"), body.get("retry_after_ms") or 1_000)
        finally:
            entry.is_posted = False

    def record_accepted(self, id: str, *, seq: int, duplicate: bool, waited: float | None = None) -> None:
        now = time.monotonic()
        entry = next((entry for entry in self.outbox if entry.id == id), None)
        if entry is not None:
            waited = now - (entry.sent_at or now) if waited is None else waited
            self.outbox.remove(entry)
        self.history.accepted(
            device=self.name,
            connection=self.connection_number,
            id=id,
            seq=seq,
            duplicate=duplicate,
            at=now,
            waited=waited,
        )

    def record_changed(self, ref: str, *, version: int) -> None:
        entry = next((entry for entry in self.outbox if entry.id == ref), None)
        if entry is not None:
            self.outbox.remove(entry)
            self.history.change_accepted(ref, version=version)

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

    # Incoming frames

    async def receive(self, frame: Frame) -> None:
        self.pong_by = None
        room = frame.get("room")
        if room is not None and room not in self.views:
            self.history.foreign(device=self.name, room=room, kind=frame["type"])
            return
        handler = self.HANDLERS.get(frame["type"])
        if handler is not None:
            await handler(self, frame)

    async def created(self, frame: Frame) -> None:
        await self.apply(frame["room"], frame["message"])

    async def row(self, frame: Frame) -> None:
        row = frame["conversation"]
        await self.compare({"rooms": {row["room"]: row["head"]}, "marks": {row["room"]: row["mark"]}})

    async def resync(self, frame: Frame) -> None:
        await self.send_frame({"type": "sync"})

    async def goodbye(self, frame: Frame) -> None:
        self.bye, self.bye_at = frame, time.monotonic()
        self.not_before = self.bye_at + frame["retry_after_ms"] / 1000

    async def greeted(self, frame: Frame) -> None:
        now = time.monotonic()
        self.is_greeted, self.greeted_at, self.pinged_at = True, now, now
        self.heartbeat = frame["heartbeat_ms"] / 1000
        await self.compare(frame)
        await self.send_next()

    async def compare(self, frame: Frame) -> None:
        """Compare the server's heads with the views; a new epoch drops the views."""
        is_new_epoch = self.epoch is not None and frame.get("epoch", self.epoch) != self.epoch
        self.epoch = frame.get("epoch", self.epoch)
        for room, head in frame["rooms"].items():
            if room not in self.views:
                self.history.foreign(device=self.name, room=room, kind="a head")
                continue
            view = self.views[room]
            if is_new_epoch:
                view.drop()
                self.history.was_reset(device=self.name, room=room, base=0, cursor=0, is_new_epoch=True)
            if view.is_behind(head, frame["marks"].get(room, 0)):
                await self.ask(view)
        self.update_live()

    def update_live(self) -> None:
        """The device is live when it has everything that the greeting named."""
        if (
            self.is_greeted
            and not self.is_live
            and all(view.asked_at is None for view in self.views.values())
        ):
            self.is_live, self.live_at = True, time.monotonic()

    async def accepted(self, frame: Frame) -> None:
        entry = next((entry for entry in self.outbox if entry.id == frame["id"]), None)
        self.record_accepted(frame["id"], seq=frame["seq"], duplicate=frame["duplicate"])
        if entry is not None and frame["version"] == frame["seq"]:
            named = {name: frame[name] for name in ("seq", "version", "id")}
            rest: Frame = {"sender": self.person, "reactions": [], "deleted_at": None}
            await self.apply(frame["room"], {**named, **rest, "body": entry.frame["body"]})
        elif frame["version"] > self.views[frame["room"]].cursor:
            # A repeat of what was changed since: its state comes with its event, or has to be fetched.
            await self.ask(self.views[frame["room"]])
        await self.send_next()

    async def done(self, frame: Frame) -> None:
        if "version" in frame:
            self.record_changed(frame["ref"], version=frame["version"])
        await self.send_next()

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
        view.remember(message)
        if not is_mine:
            view.newest_of_peer = max(view.newest_of_peer, message["seq"])
        self.history.shown(
            device=self.name,
            room=view.room,
            seq=message["seq"],
            id=message["id"],
            state=state_of(message),
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
        if not view.advance_mark(frame["mark"]):
            await self.ask(view)

    async def page(self, page: Frame) -> None:
        view = self.views[page["room"]]
        view.asked_at = None
        if page["reset"]:
            base = page["messages"][0]["seq"] - 1 if page["messages"] else page["version"]
            self.history.was_reset(
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
        self.update_live()

    async def error(self, frame: Frame) -> None:
        names = {frame.get("id"), frame.get("ref")}
        entry = next((entry for entry in self.outbox if entry.id in names), None)
        if entry is not None:
            self.refuse(entry, frame["code"], frame.get("retry_after_ms") or 1_000)
        elif (view := self.views.get(str(frame.get("ref", ""))[5:])) is not None:
            # The timer asks again, as if there had been no reply.
            view.asked_at = time.monotonic() - REPLY_TIMEOUT_S + (frame.get("retry_after_ms") or 1_000) / 1000

    async def ask(self, view: RoomView) -> None:
        now = time.monotonic()
        if view.asked_at is None or now - view.asked_at > REPLY_TIMEOUT_S:
            view.asked_at = now
            frame: Frame = {"type": "sync", "ref": f"sync:{view.room}", "rooms": {view.room: view.cursor}}
            await self.send_frame({**frame, "marks": {view.room: view.mark}})

    async def send_frame(self, frame: Frame) -> None:
        socket = self.socket
        if socket is not None:
            with suppress(WebSocketException, OSError):
                await socket.send(json.dumps(frame, ensure_ascii=False))

    HANDLERS: ClassVar[dict[str, Callable[[Device, Frame], Awaitable[None]]]] = {
        "message.created": created,
        "message.changed": created,
        "message.accepted": accepted,
        "done": done,
        "receipt.advanced": receipt,
        "sync.page": page,
        "heads": compare,
        "connection_established": greeted,
        "conversation.changed": row,
        "error": error,
        "resync": resync,
        "bye": goodbye,
    }
