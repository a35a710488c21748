"""Session consumer in process: the socket contract, and what needs direct access to the database."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import profile_update
from conversations import frames, throttling
from conversations.consumers.commands import CommandHandlers
from conversations.consumers.early_frames import EARLY_BYTES, EARLY_FRAMES
from conversations.models import Conversation, Message, Participant
from tests.contract import FRAME_BYTES, SocketContract, Target, uuid
from tests.conversations.files import upload
from tests.factories import make_conversation, make_message, make_messages, make_user
from tests.sockets import Socket, expect, expect_close, open_in_process

pytestmark = [pytest.mark.django_db(transaction=True)]


class InProcessTarget:
    """The contract's users as rows of this database, their browsers as Django's test clients."""

    def __init__(
        self, alice: User, bob: User, mallory: User, room: str, client_of: Callable[[User | None], Client]
    ) -> None:
        self.alice, self.bob, self.mallory, self.room = alice, bob, mallory, room
        self.client_of = client_of
        self.browsers: dict[Any, Client] = {}

    def open(self, person: Any, path: str, **options: Any) -> AbstractAsyncContextManager[Socket]:
        if isinstance(person, Client):
            return open_in_process(
                self.alice, path, session_key=person.cookies[settings.SESSION_COOKIE_NAME].value, **options
            )
        return open_in_process(person, path, **options)

    async def write(self, person: Any, room: str, id: str, body: str) -> tuple[int, Any]:
        def post() -> tuple[int, Any]:
            answer = self.client_of(person).post(
                f"/api/v1/conversations/{room}/messages", {"id": id, "body": body}, "application/json"
            )
            return answer.status_code, answer.json()

        return await sync_to_async(post)()

    async def another_browser(self, person: Any) -> Any:
        return await sync_to_async(self.client_of)(person)

    async def log_out(self, browser: Any) -> None:
        self.ended = browser.cookies[settings.SESSION_COOKIE_NAME].value
        await sync_to_async(browser.post)("/accounts/logout/")
        browser.cookies[settings.SESSION_COOKIE_NAME] = self.ended

    def public_id(self, person: Any) -> str:
        return str(person.public_id)


@pytest.fixture(autouse=True)
def _as_in_the_service(settings: Any) -> None:
    """The journal on its own thread, and heads so often that a test can wait for them."""
    settings.JOURNAL_INLINE = False
    settings.HEADS_EVERY_MS = 100


@pytest.fixture
def limits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three sends, and time stands still."""
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "sends_burst": 3, "sends_per_s": 1}
    monkeypatch.setattr(throttling, "monotonic", lambda now: 1_000.0)
    throttling.sends.clear()
    throttling.frames.clear()


@pytest.fixture
def target(
    alice: User, bob: User, mallory: User, chat: Conversation, client_of: Callable[[User | None], Client]
) -> Target:
    make_conversation(mallory, make_user("trent"))
    return InProcessTarget(alice, bob, mallory, chat.room_name, client_of)


class TestInside(SocketContract):
    """The contract, in process."""


# --- Who may send what ---


async def answer_to_send(user: User, room: str) -> dict[str, Any]:
    async with open_in_process(user) as socket:
        await expect(socket, "connection_established")
        await socket.send(
            "message.send", ref="r", room=room, id="7c9e6679-7425-40de-944b-e07fc1f90ae7", body="hello"
        )
        return await expect(socket, "error")


async def test_alice_cannot_tell_why_bob_cannot_be_reached(
    alice: User, bob: User, chat: Conversation
) -> None:
    """Blocked by him, blocked by her, closed, his account gone: the replies are identical (T14)."""
    conversation, account = Conversation.objects.filter(pk=chat.pk), User.objects.filter(pk=bob.pk)
    frames = []
    for changes in ({"low_blocks": True}, {"high_blocks": True}, {"state": "closed"}):
        await conversation.aupdate(**changes)
        frames.append(await answer_to_send(alice, chat.room_name))
        await conversation.aupdate(low_blocks=False, high_blocks=False, state="open")
    await account.aupdate(is_active=False)
    frames.append(await answer_to_send(alice, chat.room_name))
    assert frames == [frames[0]] * 4
    assert (frames[0]["code"], frames[0]["retryable"]) == ("cannot_deliver", False)
    assert await Message.objects.acount() == 0


async def test_a_file_goes_with_a_message_and_an_unknown_one_is_refused(
    alice: User, bob: User, chat: Conversation, client_of: Any
) -> None:
    file = await sync_to_async(lambda: upload(client_of(alice)))()
    async with open_in_process(alice) as hers, open_in_process(bob) as his:
        for socket in (hers, his):
            await expect(socket, "connection_established")
        send = {"type": "message.send", "room": chat.room_name, "body": ""}
        for attachments in (["x"], [uuid()], [file["id"], uuid()]):
            id = uuid()
            await hers.send(**send, ref="r", id=id, attachments=attachments)
            error = await expect(hers, "error", ref="r")
            assert (error["code"], error["retryable"], error["id"]) == ("not_found", False, id)
        await hers.send(**send, ref="s", id=uuid(), attachments=[file["id"]])
        await expect(hers, "message.accepted", ref="s")
        assert (await expect(his, "message.created"))["message"]["attachments"] == [file]


async def test_too_many_sends_are_told_when_to_retry(
    alice: User, chat: Conversation, client_of: Any, limits: None
) -> None:
    """One count for all transports: a user out of sends at the socket is out at the API and the form, too
    (T36, T69).

    A repeat costs nothing: it gets its number whatever the limits say (P2).
    """
    first = uuid()
    async with open_in_process(alice) as socket:
        await expect(socket, "connection_established")
        for id in (first, uuid(), uuid(), uuid()):
            await socket.send("message.send", room=chat.room_name, id=id, body="quick")
        error = await expect(socket, "error")
        assert (error["code"], error["retryable"]) == ("rate_limited", True)
        assert 0 < error["retry_after_ms"] <= 1_001
        assert error["id"] == id
        for _ in range(3):
            await expect(socket, "message.accepted")
        await socket.send("message.send", room=chat.room_name, id=first, body="quick")
        assert (await expect(socket, "message.accepted"))["duplicate"]

    def other_doors(id: str) -> list[Any]:
        browser = client_of(alice)
        api = browser.post(
            f"/api/v1/conversations/{chat.room_name}/messages",
            {"id": id, "body": "quick"},
            "application/json",
        )
        return [api, browser.post(f"/chats/{chat.room_name}/", {"id": id, "body": "quick"})]

    for answer in await sync_to_async(other_doors)(uuid()):
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) > 0
    assert [answer.status_code for answer in await sync_to_async(other_doors)(first)] == [200, 303]
    assert await Message.objects.acount() == 3


# --- Who receives what ---


async def test_no_frame_of_the_room_reaches_another_user(
    alice: User, bob: User, mallory: User, chat: Conversation
) -> None:
    carol = await sync_to_async(make_user)("carol")
    with_carol = await sync_to_async(make_conversation)(alice, carol)
    async with (
        open_in_process(mallory) as mallorys,
        open_in_process(carol) as carols,
        open_in_process(alice) as alices,
        open_in_process(bob) as bobs,
    ):
        for socket in (mallorys, carols, alices, bobs):
            await expect(socket, "connection_established")
        await alices.send("message.send", room=chat.room_name, id=uuid(), body="between us")
        await bobs.send("receipt.set", room=chat.room_name, read=1)
        await expect(alices, "receipt.advanced")
        while chat.room_name not in (await expect(bobs, "heads"))["rooms"]:
            pass
        await alices.send("message.send", room=with_carol.room_name, id=uuid(), body="a fence")
        await expect(carols, "message.created", room=with_carol.room_name)
        for stranger in (mallorys, carols):
            await stranger.send("ping")
            await expect(stranger, "pong")
            assert not [
                frame
                for frame in stranger.seen
                if chat.room_name in str(frame) or bob.public_id in str(frame)
            ]


async def test_the_route_of_one_room_gets_nothing_of_others(
    alice: User, bob: User, carol: User, chat: Conversation
) -> None:
    other = await sync_to_async(make_conversation)(alice, carol)
    async with (
        open_in_process(alice, f"/ws/chat/{chat.room_name}/") as filtered,
        open_in_process(alice) as everything,
    ):
        await expect(filtered, "connection_established")
        await expect(everything, "connection_established")
        await everything.send("message.send", room=other.room_name, id=uuid(), body="to Carol")
        await expect(everything, "message.created", room=other.room_name)
        await everything.send("message.send", room=chat.room_name, id=uuid(), body="to Bob")
        await expect(filtered, "message.created", room=chat.room_name)
        while chat.room_name not in (await expect(filtered, "heads"))["rooms"]:
            pass
        assert not [frame for frame in filtered.seen if other.room_name in str(frame)]


async def test_bob_learns_of_the_chat_with_its_first_message(
    alice: User, bob: User, chat: Conversation
) -> None:
    await Participant.objects.filter(user=bob).aupdate(activity=None)
    async with open_in_process(bob) as bobs, open_in_process(alice) as alices:
        assert (await expect(bobs, "connection_established"))["rooms"] == {}
        await expect(alices, "connection_established")
        await alices.send("message.send", room=chat.room_name, id=uuid(), body="hello Bob")
        row = (await expect(bobs, "conversation.changed"))["conversation"]
        await expect(bobs, "message.created", room=chat.room_name)
    assert (row["room"], row["peer"]["username"], row["unread"], row["last_message"]["body"]) == (
        chat.room_name,
        "alice",
        1,
        "hello Bob",
    )


async def test_forty_sockets_of_two_people_are_not_mixed_up(
    alice: User, mallory: User, chat: Conversation
) -> None:
    """State shared between handshakes would serve one user as another (T70)."""

    async def who_am_i(stack: AsyncExitStack, person: User) -> tuple[str, list[str]]:
        socket = await stack.enter_async_context(open_in_process(person))
        greeting = await expect(socket, "connection_established")
        return greeting["user"]["username"], list(greeting["rooms"])

    async with AsyncExitStack() as stack:
        greetings = await asyncio.gather(*[who_am_i(stack, person) for person in [alice, mallory] * 20])
    assert greetings == [("alice", [chat.room_name]), ("mallory", [])] * 20


# --- Catching up ---


async def synced(user: User, room: str, after: int) -> dict[str, Any]:
    async with open_in_process(user) as socket:
        await expect(socket, "connection_established")
        await socket.send("sync", rooms={room: after})
        page = await expect(socket, "sync.page")
    assert len(str(page).encode()) <= FRAME_BYTES
    return page


def history_of(chat: Conversation, sender: User, how_many: int) -> None:
    """A long history, written quickly."""
    Message.objects.bulk_create(
        Message(
            conversation=chat,
            seq=n,
            version=n,
            client_id=uuid(),
            sender=sender,
            ordinal=n,
            body=f"{n}",
            created_at=timezone.now(),
        )
        for n in range(1, how_many + 1)
    )
    Conversation.objects.filter(pk=chat.pk).update(head=how_many)


async def test_a_thousand_changes_behind_are_paged_and_one_more_resets(
    alice: User, chat: Conversation
) -> None:
    await sync_to_async(history_of)(chat, alice, 1_001)
    near, far = await synced(alice, chat.room_name, 1), await synced(alice, chat.room_name, 0)
    assert (near["reset"], near["messages"][0]["seq"], near["more"]) == (False, 2, True)
    assert (far["reset"], far["more"], far["version"]) == (True, False, 1_001)
    assert [message["seq"] for message in far["messages"]] == list(range(952, 1_002))
    assert far["conversation"]["head"] == 1_001, "the fresh page brings what was left out"


async def test_a_deleted_message_leaves_its_number_and_no_word(
    alice: User, bob: User, chat: Conversation
) -> None:
    """A later change arrives at its version; a page never ends early because of an empty row."""
    await sync_to_async(make_messages)(chat, [alice, bob], 4)
    await Message.objects.filter(seq=2).aupdate(
        body="", version=5, deleted_at=timezone.now(), fingerprint=None
    )
    await Conversation.objects.filter(pk=chat.pk).aupdate(head=5)
    page = await synced(alice, chat.room_name, 0)
    assert [(message["seq"], message["version"]) for message in page["messages"]] == [
        (1, 1),
        (3, 3),
        (4, 4),
        (2, 5),
    ]
    assert (page["messages"][-1]["body"], bool(page["messages"][-1]["deleted_at"])) == ("", True)
    assert (page["version"], page["more"]) == (5, False)
    later = await synced(alice, chat.room_name, 4)
    assert [(message["seq"], message["version"]) for message in later["messages"]] == [(2, 5)]


async def test_a_mark_that_is_behind_brings_the_row_along(alice: User, bob: User, chat: Conversation) -> None:
    await sync_to_async(make_message)(chat, bob, "unread")
    async with open_in_process(alice) as socket:
        mark = (await expect(socket, "connection_established"))["marks"][chat.room_name]
        await socket.send("receipt.set", ref="r", room=chat.room_name, read=1)
        await expect(socket, "done")
        await socket.send("sync", rooms={chat.room_name: 1}, marks={chat.room_name: mark})
        page = await expect(socket, "sync.page")
        await socket.send("sync", marks={chat.room_name: page["mark"]})
        level = await expect(socket, "sync.page")
    assert (page["mark"], page["hidden"], page["messages"]) == (mark + 1, [], [])
    assert (page["conversation"]["unread"], page["conversation"]["read"], page["conversation"]["mark"]) == (
        0,
        1,
        mark + 1,
    )
    assert "conversation" not in level


async def test_a_hundred_invented_rooms_cost_no_query_each(
    alice: User, chat: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    page_of = frames.sync_page

    def sync_page(user: User, room: str, *where: Any) -> Any:
        asked.append(room)
        return page_of(user, room, *where)

    monkeypatch.setattr(frames, "sync_page", sync_page)
    async with open_in_process(alice, "/ws/") as socket:
        await expect(socket, "connection_established")
        await socket.send("sync", rooms={**{f"dm-{number}": 0 for number in range(99)}, chat.room_name: 0})
        assert (await expect(socket, "sync.page"))["room"] == chat.room_name
    assert [frame["code"] for frame in socket.of_type("error")] == ["not_found"] * 99
    assert asked == [chat.room_name]


async def test_the_greeting_has_the_hundred_latest_heads_and_sync_has_all(
    alice: User, chat: Conversation
) -> None:
    def many() -> None:
        User.objects.bulk_create(User(username=f"peer{n:03}", name=f"Peer {n}") for n in range(110))
        long_ago = timezone.now() - timedelta(days=1)
        for peer in User.objects.filter(username__startswith="peer"):
            make_conversation(alice, peer, now=long_ago)

    await sync_to_async(many)()
    async with open_in_process(alice) as socket:
        greeting = await expect(socket, "connection_established")
        await socket.send("sync")
        heads = await expect(socket, "heads", more=False)
    assert len(greeting["rooms"]) == 100
    assert next(iter(greeting["rooms"])) == chat.room_name
    assert len(heads["rooms"]) == 111


# --- Internal errors ---


async def test_without_a_database_the_socket_stays_open_and_replies_busy(
    alice: User, chat: Conversation, monkeypatch: Any
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    async with open_in_process(alice) as socket:
        await expect(socket, "connection_established")
        with monkeypatch.context() as patch:
            patch.setattr(frames, "changes_after", fail)
            await socket.send("sync", ref="s", rooms={chat.room_name: 0})
            error = await expect(socket, "error", ref="s")
        assert (error["code"], error["retryable"]) == ("busy", True)
        assert error["retry_after_ms"] > 0
        await socket.send("sync", ref="s", rooms={chat.room_name: 0})
        await expect(socket, "sync.page", ref="s")


async def test_an_unexpected_error_is_replied_and_the_socket_stays_open(
    alice: User, chat: Conversation, monkeypatch: Any
) -> None:
    """A client whose socket is closed would reconnect and meet the same error again."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    async with open_in_process(alice) as socket:
        await expect(socket, "connection_established")
        monkeypatch.setattr(frames, "changes_after", fail)
        await socket.send("sync", ref="s", rooms={chat.room_name: 0})
        error = await expect(socket, "error", ref="s")
        assert (error["code"], error["retryable"]) == ("internal", True)
        await socket.send("ping")
        await expect(socket, "pong")


async def test_without_a_database_a_new_socket_is_told_to_retry(alice: User, monkeypatch: Any) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(frames, "greeting", fail)
    async with open_in_process(alice) as socket:
        await expect_close(socket, 4503)
    (bye,) = socket.seen
    assert (bye["type"], bye["retryable"]) == ("bye", True)
    assert bye["retry_after_ms"] > 0


async def test_alices_other_devices_learn_her_new_name_at_once(
    alice: User, bob: User, chat: Conversation
) -> None:
    """Whatever room a socket is filtered to; and no other user's device."""
    async with (
        open_in_process(alice) as everything,
        open_in_process(alice, f"/ws/chat/{chat.room_name}/") as filtered,
        open_in_process(bob) as other,
    ):
        for socket in (everything, filtered, other):
            await expect(socket, "connection_established")
        await sync_to_async(profile_update)(profile=alice.profile, name="Alix", about="", username=None)
        for socket in (everything, filtered):
            assert (await expect(socket, "user.changed"))["user"]["name"] == "Alix"
        assert (await expect(other, "conversation.changed"))["conversation"]["peer"]["name"] == "Alix"
        assert other.of_type("user.changed") == []


async def test_what_comes_before_the_greeting_waits_for_it(
    alice: User, chat: Conversation, monkeypatch: Any
) -> None:
    """A layer with a network greets late; commands sent meanwhile are answered after it, in order."""
    monkeypatch.setattr("conversations.channel_layers.local.LocalChannelLayer.joins_at_once", False)
    async with open_in_process(alice) as socket:
        for number in range(5):
            await socket.send("room.close", ref=f"{number}", room=chat.room_name)
        assert [(await socket.next())["type"] for _ in range(6)] == ["connection_established", *["done"] * 5]
    assert [frame["ref"] for frame in socket.of_type("done")] == ["0", "1", "2", "3", "4"]


async def test_what_comes_after_the_greeting_does_not_overtake_what_came_before(
    alice: User, chat: Conversation, monkeypatch: Any
) -> None:
    """Messages of one socket keep their order (P3), also around a late greeting."""
    monkeypatch.setattr("conversations.channel_layers.local.LocalChannelLayer.joins_at_once", False)
    handle = CommandHandlers.handle

    async def slowly(self: CommandHandlers, text: str) -> None:
        await asyncio.sleep(0.2 if '"early"' in text else 0)
        await handle(self, text)

    monkeypatch.setattr(CommandHandlers, "handle", slowly)
    async with open_in_process(alice) as socket:
        await socket.send("room.close", ref="early", room=chat.room_name)
        assert (await socket.next())["type"] == "connection_established"
        await socket.send("room.close", ref="late", room=chat.room_name)
        assert [(await expect(socket, "done"))["ref"] for _ in range(2)] == ["early", "late"]


@pytest.mark.parametrize(
    ("frame", "fitting"),
    [({}, EARLY_FRAMES), ({"ref": "я" * 60_000}, EARLY_BYTES // 120_000)],
    ids=["many", "large"],
)
async def test_a_flood_before_the_greeting_closes_the_socket_and_drops_no_single_message(
    alice: User, monkeypatch: Any, frame: dict[str, Any], fitting: int
) -> None:
    """Dropping one of many in silence would let the later ones pass it."""
    monkeypatch.setattr("conversations.channel_layers.local.LocalChannelLayer.joins_at_once", False)

    async def never(*args: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("conversations.consumers.SessionConsumer.greet_after_probe", never)
    async with open_in_process(alice) as socket:
        for _ in range(fitting + 1):
            await socket.send("ping", **frame)
        await expect_close(socket, 4429)
    assert [frame["type"] for frame in socket.seen] == ["bye"]
