"""The contract of both socket routes, run in process and against the real Daphne.

A subclass provides the fixture `target`: alice and bob share a room; mallory shares none with them. Rooms may
have a history, so numbers are compared with the head in the greeting.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from itertools import islice
from typing import Any, Protocol
from uuid import uuid4

import pytest

from tests.sockets import Frame, Refused, Socket, expect, expect_close

ROUTES = {"everything": "/ws/", "one_room": "/ws/chat/{room}/"}
UNKNOWN = "dm-" + "a" * 32
SOME_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
FRAME_BYTES, DROP_BYTES = 65_536, 131_072
GREETING_FIELDS = {
    "type", "message", "protocol", "user", "epoch", "now", "heartbeat_ms", "limits", "rooms", "marks",
    "unread_total", "unread_chats",
}  # fmt: skip
MESSAGE_FIELDS = {
    "seq", "version", "id", "sender", "ordinal", "kind", "body", "reply_to", "reply", "attachments",
    "reactions", "created_at", "edited_at", "deleted_at", "deleted_for_me", "expires_at", "event",
}  # fmt: skip


class Target(Protocol):
    """What the contract runs against. The type of a user is up to the target."""

    alice: Any
    bob: Any
    mallory: Any
    room: str

    def open(self, person: Any, path: str, **options: Any) -> AbstractAsyncContextManager[Socket]:
        """A socket of this user (None: without a session). Raises Refused."""

    async def write(self, person: Any, room: str, id: str, body: str) -> tuple[int, Any]:
        """Send a message over HTTP. Returns status and response."""

    async def another_browser(self, person: Any) -> Any:
        """A second session of the same user."""

    async def log_out(self, browser: Any) -> None: ...

    def public_id(self, person: Any) -> str: ...


def uuid() -> str:
    return str(uuid4())


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    waiting = iter(items)
    while some := list(islice(waiting, size)):
        yield some


def padded(size: int, **fields: Any) -> str:
    """A frame of exactly this many bytes."""
    frame = json.dumps(fields)
    return frame + " " * (size - len(frame))


BAD_FRAMES = {
    "no JSON": ("hello", "bad_frame"),
    "nothing": ("", "bad_frame"),
    "a list": ("[]", "bad_frame"),
    "a number": ("1", "bad_frame"),
    "a string": ('"ping"', "bad_frame"),
    "null": ("null", "bad_frame"),
    "text after it": ('{"type":"ping"} and more', "bad_frame"),
    "two frames": ('{"type":"ping"}{"type":"ping"}', "bad_frame"),
    "a key twice": ('{"type":"ping","type":"ping"}', "bad_frame"),
    "a key twice, deep": ('{"type":"sync","rooms":{"ROOM":1,"ROOM":2}}', "bad_frame"),
    "NaN": ('{"type":"receipt.set","room":"ROOM","read":NaN}', "bad_frame"),
    "Infinity": ('{"type":"receipt.set","room":"ROOM","read":Infinity}', "bad_frame"),
    "a number of 5000 digits": (
        '{"type":"receipt.set","room":"ROOM","read":' + "9" * 5000 + "}",
        "bad_frame",
    ),
    "a number above 64 bits": (
        '{"type":"receipt.set","room":"ROOM","read":9223372036854775808}',
        "bad_frame",
    ),
    "a negative number": ('{"type":"receipt.set","room":"ROOM","read":-1}', "bad_frame"),
    "a fraction": ('{"type":"receipt.set","room":"ROOM","read":1.5}', "bad_frame"),
    "a number as text": ('{"type":"receipt.set","room":"ROOM","read":"1"}', "bad_frame"),
    "a truth as a number": ('{"type":"receipt.set","room":"ROOM","read":true}', "bad_frame"),
    "no type": ('{"room":"ROOM"}', "bad_frame"),
    "a type that is no text": ('{"type":1}', "bad_frame"),
    "a missing field": ('{"type":"message.send","room":"ROOM","body":"hello"}', "bad_frame"),
    "an unknown field": ('{"type":"ping","sender":"alice"}', "bad_frame"),
    "a forged sequence number": (
        '{"type":"message.send","room":"ROOM","id":"UUID","body":"hello","seq":1}',
        "bad_frame",
    ),
    "a room that is a list": (
        '{"type":"message.send","room":["ROOM"],"id":"UUID","body":"hello"}',
        "bad_frame",
    ),
    "a body that is a number": ('{"type":"message.send","room":"ROOM","id":"UUID","body":1}', "bad_frame"),
    "an id that is no UUID": ('{"type":"message.send","room":"ROOM","id":"1","body":"hello"}', "bad_frame"),
    "a ref too long": ('{"type":"ping","ref":"' + "r" * 65 + '"}', "bad_frame"),
    "a hundred and one rooms": (
        json.dumps({"type": "sync", "rooms": {f"dm-{n}": 0 for n in range(101)}}),
        "bad_frame",
    ),
    "thirty thousand lists": ("[" * 30_000 + "]" * 30_000, "bad_frame"),
    "thirty thousand objects": ('{"a":' * 9_000 + "1" + "}" * 9_000, "bad_frame"),
    "an unknown type": ('{"type":"message.forge"}', "unknown_type"),
    "a type of the layer": ('{"type":"frame.push","room":"ROOM","text":"{}"}', "unknown_type"),
    "another type of the layer": ('{"type":"session.end","code":4401}', "unknown_type"),
    "a type of the server": ('{"type":"websocket.disconnect","code":1000}', "unknown_type"),
    "NUL in the text": (
        '{"type":"message.send","room":"ROOM","id":"UUID","body":"a\\u0000b"}',
        "invalid_text",
    ),
    "NUL in the room": ('{"type":"room.open","room":"dm-\\u0000"}', "invalid_text"),
    "half a character": (
        '{"type":"message.send","room":"ROOM","id":"UUID","body":"\\ud800"}',
        "invalid_text",
    ),
}

ROOM_COMMANDS: list[Frame] = [
    {"type": "message.send", "ref": "r", "room": "ROOM", "id": "UUID", "body": "let me in"},
    {"type": "message.edit", "ref": "r", "room": "ROOM", "seq": 1, "body": "let me in"},
    {"type": "message.delete", "ref": "r", "room": "ROOM", "seq": 1, "scope": "everyone"},
    {"type": "message.delete", "ref": "r", "room": "ROOM", "seq": 1, "scope": "me"},
    {"type": "reaction.set", "ref": "r", "room": "ROOM", "seq": 1, "emoji": "👍", "on": True},
    {"type": "draft.set", "ref": "r", "room": "ROOM", "body": "let me in"},
    {"type": "receipt.set", "ref": "r", "room": "ROOM", "read": 1},
    {"type": "room.open", "ref": "r", "room": "ROOM"},
    {"type": "room.close", "ref": "r", "room": "ROOM"},
    {"type": "typing.set", "ref": "r", "room": "ROOM", "on": True},
    {"type": "sync", "ref": "r", "rooms": {"ROOM": 0}},
    {"type": "sync", "ref": "r", "marks": {"ROOM": 0}},
]

BAD_TEXTS = {
    "nothing": ("", "invalid_text"),
    "white space": (" \n\t  ", "invalid_text"),
    "only what cannot be seen": ("\u200b\u2060", "invalid_text"),
    "8,001 characters": ("x" * 8_001, "too_large"),
    "a tower of marks": ("a" + "\u0301" * 200, "invalid_text"),
}


class SocketContract:
    """One contract for `/ws/` and `/ws/chat/<room_name>/`."""

    @pytest.fixture(params=ROUTES.values(), ids=ROUTES.keys())
    def path(self, request: pytest.FixtureRequest, target: Target) -> str:
        return str(request.param.format(room=target.room))

    @pytest.fixture
    async def phone(self, target: Target, path: str) -> AsyncIterator[Socket]:
        """Alice's phone, after the greeting."""
        async with self.greeted(target, target.alice, path) as socket:
            yield socket

    @asynccontextmanager
    async def greeted(self, target: Target, person: Any, path: str) -> AsyncIterator[Socket]:
        async with target.open(person, path) as socket:
            await expect(socket, "connection_established")
            yield socket

    async def is_alive(self, socket: Socket) -> None:
        await socket.send("ping")
        await expect(socket, "pong")

    async def refused(self, target: Target, person: Any, path: str, **options: Any) -> int:
        with pytest.raises(Refused) as refusal:
            async with target.open(person, path, **options):
                pass
        return refusal.value.status

    # Handshake

    async def test_alice_is_greeted_first_of_all(self, target: Target, path: str) -> None:
        async with target.open(target.alice, path) as socket:
            greeting = await socket.next()
        assert (greeting["type"], greeting["message"]) == ("connection_established", "You are now connected!")
        assert set(greeting) == GREETING_FIELDS
        assert (greeting["protocol"], greeting["user"]["id"]) == ("dm.v1", target.public_id(target.alice))
        assert greeting["limits"]["body_chars"] == 8_000
        assert greeting["limits"]["frame_bytes"] == FRAME_BYTES
        assert set(greeting["rooms"]) == set(greeting["marks"])
        assert target.room in greeting["rooms"]
        if target.room in path:
            assert list(greeting["rooms"]) == [target.room]

    async def test_a_client_without_an_account_is_rejected(self, target: Target, path: str) -> None:
        assert await self.refused(target, None, path) == 403

    async def test_alices_cookie_from_another_origin_is_rejected(self, target: Target, path: str) -> None:
        for origin in (
            None,
            "null",
            "https://evil.example",
            "http://localhost",
            "http://localhost:1",
            "ws://localhost:8000",
        ):
            assert await self.refused(target, target.alice, path, origin=origin) == 403

    async def test_mallory_cannot_open_the_room_of_others(self, target: Target) -> None:
        for room in (target.room, UNKNOWN, "lobby", target.room.upper(), target.room + "a", "dm-%00"):
            assert await self.refused(target, target.mallory, f"/ws/chat/{room}/") == 403

    async def test_an_unknown_path_is_rejected(self, target: Target) -> None:
        for path in (
            "/",
            "/ws",
            "/ws/chat/",
            "/ws/other/",
            "/ws/chat/a/b/",
            "/chats/",
            "/api/v1/me",
            "/" + "x" * 3_000,
        ):
            assert await self.refused(target, target.alice, path) == 403

    # Bad frames

    async def test_every_bad_frame_gets_an_error_and_the_socket_stays_open(
        self, target: Target, path: str
    ) -> None:
        for some in batched(BAD_FRAMES.items(), 9):
            async with self.greeted(target, target.alice, path) as phone:
                for name, (text, code) in some:
                    await phone.send_text(text.replace("ROOM", target.room).replace("UUID", uuid()))
                    error = await expect(phone, "error")
                    assert (error["code"], error["retryable"]) == (code, False), name
                    assert len(json.dumps(error)) < 300, f"{name}: an error does not echo the input"
                await self.is_alive(phone)

    async def test_the_error_of_a_bad_frame_carries_its_ref_and_id(self, phone: Socket) -> None:
        id = uuid()
        await phone.send("message.send", ref="r7", id=id, body="no room")
        assert (await expect(phone, "error", ref="r7", id=id))["code"] == "bad_frame"

    async def test_a_binary_frame_is_rejected_and_the_socket_stays_open(self, phone: Socket) -> None:
        await phone.send_bytes(b'{"type":"ping"}')
        await expect(phone, "error", code="bad_frame")
        await self.is_alive(phone)

    async def test_ten_bad_frames_close_the_socket_with_a_reason(self, phone: Socket) -> None:
        for _ in range(10):
            await phone.send_text("nonsense")
        await expect_close(phone, 4400)
        assert [frame["code"] for frame in phone.of_type("error")] == ["bad_frame"] * 10
        (bye,) = phone.of_type("bye")
        assert (bye["code"], bye["reason"], bye["retryable"]) == (4400, "bad_protocol", True)
        assert bye["retry_after_ms"] > 0
        assert phone.seen[-1] == bye, "no frame follows it"

    @pytest.mark.parametrize(
        "body", ["\u0345\u0300" * 7_000, "x" * 32_001, "\u3164"], ids=["marks in a row", "too long", "blank"]
    )
    async def test_ten_texts_that_no_page_would_send_close_it_too(
        self, target: Target, phone: Socket, body: str
    ) -> None:
        """Each costs parsing; unlimited errors would invite a flood."""
        for _ in range(10):
            await phone.send("message.send", room=target.room, id=uuid(), body=body)
            assert (await expect(phone, "error"))["code"] in {"invalid_text", "too_large"}
        await expect_close(phone, 4400)

    async def test_nine_bad_frames_do_not(self, phone: Socket) -> None:
        for _ in range(9):
            await phone.send_text("nonsense")
        await self.is_alive(phone)

    async def test_a_frame_of_64_kib_is_read_and_one_byte_more_is_too_large(self, phone: Socket) -> None:
        await phone.send_text(padded(FRAME_BYTES, type="ping"))
        await expect(phone, "pong")
        for size in (FRAME_BYTES + 1, DROP_BYTES):
            await phone.send_text(padded(size, type="ping"))
            await expect(phone, "error", code="too_large", retryable=False)
        await self.is_alive(phone)

    async def test_bytes_count_not_characters(self, phone: Socket) -> None:
        await phone.send("ping", ref="я" * 40_000)
        await expect(phone, "error", code="too_large")
        await self.is_alive(phone)

    async def test_a_message_in_an_oversized_frame_is_rejected_by_its_id(
        self, target: Target, phone: Socket
    ) -> None:
        """8,000 emoji fit a message, unless each is escaped as a surrogate pair (docs/protocol.md P10)."""
        id = uuid()
        escaped = json.dumps(
            {"type": "message.send", "ref": "r", "room": target.room, "id": id, "body": "🌿" * 8_000}
        )
        await phone.send_text(escaped)
        await expect(phone, "error", code="too_large", ref="r", id=id)
        await self.is_alive(phone)

    # Sending

    async def test_a_message_from_alice_reaches_every_device_of_both(
        self, target: Target, path: str, phone: Socket
    ) -> None:
        async with AsyncExitStack() as stack:
            others = [
                await stack.enter_async_context(self.greeted(target, person, route.format(room=target.room)))
                for person in (target.alice, target.bob)
                for route in ROUTES.values()
            ]
            id = uuid()
            await phone.send("message.send", ref="r1", room=target.room, id=id, body="Grüße, Боб 👋\r\n")
            accepted = await expect(phone, "message.accepted", id=id)
            created = [
                await expect(socket, "message.created", room=target.room) for socket in (phone, *others)
            ]
        assert set(accepted) == {"type", "ref", "room", "id", "seq", "version", "created_at", "duplicate"}
        assert (accepted["ref"], accepted["room"], accepted["duplicate"]) == ("r1", target.room, False)
        assert created == [created[0]] * 5, "all devices get the same frame"
        message = created[0]["message"]
        assert set(message) == MESSAGE_FIELDS
        assert (message["id"], message["sender"], message["body"]) == (
            id,
            target.public_id(target.alice),
            "Grüße, Боб 👋\n",
        )
        assert (message["seq"], message["version"], message["created_at"]) == (
            accepted["seq"],
            accepted["version"],
            accepted["created_at"],
        )

    async def test_a_burst_keeps_its_order(self, target: Target, path: str, phone: Socket) -> None:
        ids = [uuid() for _ in range(40)]
        async with self.greeted(target, target.bob, path) as bob:
            for number, id in enumerate(ids):
                await phone.send("message.send", room=target.room, id=id, body=f"{number}")
            accepted = [await expect(phone, "message.accepted") for _ in ids]
            created = [await expect(bob, "message.created") for _ in ids]
        first = accepted[0]["seq"]
        assert [(frame["id"], frame["seq"]) for frame in accepted] == [
            (id, first + n) for n, id in enumerate(ids)
        ]
        assert [frame["message"]["id"] for frame in created] == ids
        assert [frame["message"]["seq"] for frame in created] == list(range(first, first + len(ids)))
        assert "ref" not in accepted[0], "no ref in the command, none in the reply"

    async def test_a_repeat_gets_the_first_number_over_every_transport(
        self, target: Target, path: str, phone: Socket
    ) -> None:
        id = uuid()
        command: Frame = {"room": target.room, "id": id, "body": "once"}
        await phone.send("message.send", **command)
        first = await expect(phone, "message.accepted", id=id)
        await expect(phone, "message.created")
        await phone.send("message.send", **command)
        again = await expect(phone, "message.accepted", id=id)
        async with self.greeted(target, target.alice, path) as tablet:
            await tablet.send("message.send", **command)
            elsewhere = await expect(tablet, "message.accepted", id=id)
        assert again == elsewhere == {**first, "duplicate": True}
        status, answer = await target.write(target.alice, target.room, id, "once")
        assert (status, answer["duplicate"], answer["message"]["seq"]) == (200, True, first["seq"])
        await phone.send("message.send", room=target.room, id=uuid(), body="afterwards")
        assert (await expect(phone, "message.created"))["message"]["body"] == "afterwards", (
            "a repeat is not announced"
        )

    async def test_a_repeat_of_a_message_sent_over_http_is_a_duplicate(
        self, target: Target, phone: Socket
    ) -> None:
        id = uuid()
        status, answer = await target.write(target.alice, target.room, id, "by letter")
        assert status == 201
        assert (await expect(phone, "message.created"))["message"] == answer["message"], (
            "stored over HTTP, announced to the sockets"
        )
        await phone.send("message.send", room=target.room, id=id, body="by letter")
        accepted = await expect(phone, "message.accepted")
        assert (accepted["seq"], accepted["duplicate"]) == (answer["message"]["seq"], True)

    async def test_one_id_for_two_texts_is_a_conflict(self, target: Target, path: str, phone: Socket) -> None:
        id = uuid()
        await phone.send("message.send", room=target.room, id=id, body="one")
        await expect(phone, "message.accepted")
        await phone.send("message.send", ref="r2", room=target.room, id=id, body="two")
        conflict = await expect(phone, "error", ref="r2")
        assert (conflict["code"], conflict["id"], conflict["retryable"]) == ("conflict", id, False)
        async with self.greeted(target, target.bob, path) as bob:
            await bob.send("message.send", room=target.room, id=id, body="one")
            assert (await expect(bob, "error", id=id))["code"] == "conflict"
        assert (await target.write(target.alice, target.room, id, "two"))[0] == 409

    async def test_an_invalid_text_is_rejected_and_not_retryable(self, target: Target, phone: Socket) -> None:
        for name, (body, code) in BAD_TEXTS.items():
            id = uuid()
            await phone.send("message.send", ref="r3", room=target.room, id=id, body=body)
            error = await expect(phone, "error", ref="r3")
            assert (error["code"], error["retryable"], error["id"]) == (code, False, id), name
            assert (await target.write(target.alice, target.room, id, body))[0] in {413, 422}, name
            await phone.send("message.send", room=target.room, id=id, body="now it is good")
            assert not (await expect(phone, "message.accepted"))["duplicate"], (
                f"{name}: nothing was stored under that id"
            )

    async def test_an_edit_and_a_deletion_reach_every_device_of_both(
        self, target: Target, path: str, phone: Socket
    ) -> None:
        async with (
            self.greeted(target, target.alice, path) as laptop,
            self.greeted(target, target.bob, path) as bob,
        ):
            await phone.send("message.send", room=target.room, id=uuid(), body="eihgt")
            seq = (await expect(phone, "message.accepted"))["seq"]
            await phone.send("message.edit", ref="r8", room=target.room, seq=seq, body="eight")
            done = await expect(phone, "done", ref="r8")
            edited = [await expect(socket, "message.changed") for socket in (phone, laptop, bob)]
            await bob.send("message.delete", ref="r9", room=target.room, seq=seq, scope="everyone")
            assert (await expect(bob, "error", ref="r9"))["code"] == "forbidden"
            await phone.send("message.delete", ref="r9", room=target.room, seq=seq, scope="everyone")
            await expect(phone, "done", ref="r9", version=done["version"] + 1)
            deleted = [await expect(socket, "message.changed") for socket in (phone, laptop, bob)]
        assert set(done) == {"type", "ref", "room", "version"}
        assert edited == [edited[0]] * 3
        assert deleted == [deleted[0]] * 3
        assert set(edited[0]["message"]) == MESSAGE_FIELDS
        assert (edited[0]["message"]["body"], edited[0]["message"]["version"]) == ("eight", done["version"])
        assert (deleted[0]["message"]["body"], deleted[0]["message"]["seq"]) == ("", seq)

    async def test_8000_characters_of_four_bytes_arrive(self, target: Target, phone: Socket) -> None:
        body = "👋" * 8_000
        await phone.send("message.send", room=target.room, id=uuid(), body=body)
        assert (await expect(phone, "message.created"))["message"]["body"] == body

    async def test_a_reply_to_an_unknown_message_is_not_found(self, target: Target, phone: Socket) -> None:
        await phone.send("message.send", ref="r4", room=target.room, id=uuid(), body="re", reply_to=2**62)
        assert (await expect(phone, "error", ref="r4"))["code"] == "not_found"

    async def test_a_foreign_room_looks_like_an_unknown_one(self, target: Target) -> None:
        """Mallory gets the same replies for a room of others and for an unknown room."""
        async with self.greeted(target, target.mallory, "/ws/") as mallory:
            for command in ROOM_COMMANDS:
                for room in (target.room, UNKNOWN):
                    await mallory.send_text(
                        json.dumps(command).replace("ROOM", room).replace("UUID", SOME_ID)
                    )
                foreign, unknown = await expect(mallory, "error"), await expect(mallory, "error")
                assert foreign == unknown
                assert (foreign["code"], foreign["ref"]) == ("not_found", "r")
            await self.is_alive(mallory)
            assert not [frame for frame in mallory.seen if target.room in json.dumps(frame)]

    async def test_the_route_of_one_room_rejects_others(self, target: Target) -> None:
        async with self.greeted(target, target.alice, f"/ws/chat/{target.room}/") as phone:
            for command in ROOM_COMMANDS:
                await phone.send_text(json.dumps(command).replace("ROOM", UNKNOWN).replace("UUID", uuid()))
                assert (await expect(phone, "error", ref="r"))["code"] == "not_found"
            await phone.send("sync", ref="both", rooms={target.room: 0, UNKNOWN: 0})
            assert (await expect(phone, "error", ref="both"))["code"] == "not_found"
            await self.is_alive(phone)
            assert not phone.of_type("sync.page")

    # Catching up

    async def test_alice_catches_up_from_where_she_was(self, target: Target, path: str) -> None:
        async with target.open(target.alice, path) as socket:
            cursor = (await expect(socket, "connection_established"))["rooms"][target.room]
        bodies = [f"while you were away {number}" for number in range(3)]
        for body in bodies:
            assert (await target.write(target.bob, target.room, uuid(), body))[0] == 201
        async with target.open(target.alice, path) as socket:
            assert (await expect(socket, "connection_established"))["rooms"][target.room] == cursor + 3
            await socket.send("sync", ref="s1", rooms={target.room: cursor})
            page = await expect(socket, "sync.page", ref="s1")
        assert [message["body"] for message in page["messages"]] == bodies
        assert [message["version"] for message in page["messages"]] == [cursor + 1, cursor + 2, cursor + 3]
        assert (page["after"], page["version"], page["more"], page["reset"]) == (
            cursor,
            cursor + 3,
            False,
            False,
        )
        assert {receipt["user"] for receipt in page["receipts"]} == {
            target.public_id(target.alice),
            target.public_id(target.bob),
        }
        assert not {"conversation", "hidden", "mark"} & set(page), "her mark was current"

    async def test_large_messages_come_in_pages_that_fit(self, target: Target, phone: Socket) -> None:
        bodies = ["x" * 8_000] * 7 + [
            '"' * 8_000,
            "\u0001" * 7_999 + "x",
            "\n" * 7_999 + "x",
            "Ж" * 8_000,
            "👋" * 8_000,
        ]
        for body in bodies:
            await phone.send("message.send", room=target.room, id=uuid(), body=body)
        accepted = [await expect(phone, "message.accepted") for _ in bodies]
        cursor, last = accepted[0]["seq"] - 1, accepted[-1]["seq"]
        found: list[str] = []
        more = True
        while more:
            await phone.send("sync", rooms={target.room: cursor}, marks={target.room: 10**6})
            page = await expect(phone, "sync.page")
            assert len(json.dumps(page, ensure_ascii=False).encode()) <= FRAME_BYTES
            assert page["messages"] or not page["more"], "a page always makes progress"
            assert page["version"] == max([cursor, *[message["version"] for message in page["messages"]]]), (
                "the cursor is never ahead"
            )
            found += [message["body"] for message in page["messages"]]
            cursor, more = page["version"], page["more"]
        assert found == bodies
        assert page["conversation"]["last_message"]["body"] == bodies[-1], (
            "the conversation row is included if it fits"
        )
        assert cursor == last

    async def test_a_cursor_beyond_the_head_resets_the_timeline(self, target: Target, phone: Socket) -> None:
        await phone.send("message.send", room=target.room, id=uuid(), body="the newest")
        head = (await expect(phone, "message.accepted"))["seq"]
        await phone.send("sync", rooms={target.room: head + 1_000_000})
        page = await expect(phone, "sync.page")
        assert (page["reset"], page["more"], page["version"]) == (True, False, head)
        assert page["messages"][-1]["body"] == "the newest"
        assert len(page["messages"]) <= 50

    async def test_an_empty_sync_returns_the_heads(self, target: Target, phone: Socket) -> None:
        await phone.send("message.send", room=target.room, id=uuid(), body="one more")
        head = (await expect(phone, "message.accepted"))["version"]
        await expect(phone, "message.created")
        await phone.send("sync")
        # A periodic heads frame may precede the reply.
        while (heads := await expect(phone, "heads", more=False))["rooms"].get(target.room, 0) < head:
            pass
        assert set(heads["rooms"]) == set(heads["marks"])
        assert heads["epoch"]

    async def test_a_changed_room_is_announced_again_by_the_poller(
        self, target: Target, path: str, phone: Socket
    ) -> None:
        """No later event reveals a lost last event; the change poller does."""
        head = (await target.write(target.bob, target.room, uuid(), "psst"))[1]["message"]["version"]
        while (await expect(phone, "heads"))["rooms"][target.room] < head:
            pass

    # Receipts and the rest

    async def test_bobs_reading_is_shown_to_alice_and_to_his_own_devices(
        self, target: Target, path: str, phone: Socket
    ) -> None:
        await phone.send("message.send", room=target.room, id=uuid(), body="read me")
        seq = (await expect(phone, "message.accepted"))["seq"]
        async with (
            self.greeted(target, target.bob, path) as bobs_phone,
            self.greeted(target, target.bob, path) as bobs_laptop,
        ):
            await bobs_phone.send("receipt.set", ref="r5", room=target.room, delivered=seq)
            assert await expect(bobs_phone, "done") == {"type": "done", "ref": "r5", "room": target.room}
            await bobs_phone.send("receipt.set", room=target.room, read=seq)
            shown = [
                await expect(phone, "receipt.advanced", user=target.public_id(target.bob)) for _ in range(2)
            ]
            own = [
                await expect(bobs_laptop, "receipt.advanced", user=target.public_id(target.bob))
                for _ in range(2)
            ]
        assert [(frame["delivered"], frame["read"] == seq) for frame in shown] == [(seq, False), (seq, True)]
        assert not any("read_count" in frame for frame in shown), "her read count is private"
        assert own[-1]["read"] == seq
        assert own[1]["read_count"] > own[0]["read_count"]
        assert own[1]["mark"] == own[0]["mark"] + 1

    async def test_a_receipt_without_news_is_not_announced(
        self, target: Target, path: str, phone: Socket
    ) -> None:
        async with self.greeted(target, target.bob, path) as bob:
            await bob.send("receipt.set", ref="r6", room=target.room, read=2**62)
            await expect(bob, "done", ref="r6")
            await bob.send("receipt.set", ref="r7", room=target.room, read=1)
            await expect(bob, "done", ref="r7")
            await bob.send("message.send", room=target.room, id=uuid(), body="afterwards")
            await expect(bob, "message.created")
            assert len(bob.of_type("receipt.advanced")) <= 1

    async def test_open_and_close_are_confirmed_if_a_ref_is_given(
        self, target: Target, phone: Socket
    ) -> None:
        for command in ("room.open", "room.close"):
            await phone.send(command, ref=command, room=target.room)
            assert await expect(phone, "done") == {"type": "done", "ref": command, "room": target.room}
        await phone.send("room.open", room=target.room)
        await self.is_alive(phone)
        assert len(phone.of_type("done")) == 2, "without a ref there is no confirmation"

    async def test_logging_out_closes_the_sockets_of_that_browser_only(
        self, target: Target, path: str, phone: Socket
    ) -> None:
        browser = await target.another_browser(target.alice)
        async with self.greeted(target, browser, path) as one, self.greeted(target, browser, "/ws/") as two:
            await target.log_out(browser)
            for socket in (one, two):
                await expect_close(socket, 4401)
                (bye,) = socket.of_type("bye")
                assert (bye["code"], bye["reason"], bye["retryable"]) == (4401, "unauthenticated", False)
        await self.is_alive(phone)
        assert await self.refused(target, browser, path) == 403

    async def test_a_hundred_concurrent_commands_all_get_a_reply(self, target: Target, phone: Socket) -> None:
        await asyncio.gather(*[phone.send("room.open", ref=f"{n}", room=target.room) for n in range(100)])
        assert [(await expect(phone, "done"))["ref"] for _ in range(100)] == [f"{n}" for n in range(100)]
