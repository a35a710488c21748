"""Presence: online, last seen and typing; strangers and blocked users see nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.utils import timezone

from accounts.models import Profile, User
from accounts.services import last_seen_update, privacy_update
from conversations import presence, throttling
from conversations.consumers.subscriptions import ROOMS_OPEN
from conversations.exceptions import CannotDeliver, ConversationNotFound
from conversations.models import Conversation, Participant
from conversations.selectors.invites import token_of
from conversations.services.conversations import conversation_open
from conversations.services.invites import invite_claim, invite_create
from conversations.services.notifications import announce_conversation
from tests.factories import make_conversation, make_message, make_user
from tests.sockets import Frame, Socket, expect, expect_silence, open_in_process

pytestmark = [pytest.mark.django_db(transaction=True)]

Change = Callable[[User, User, Conversation], Any]


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    settings.AWAY_AFTER_MS = 200
    settings.JOURNAL_INLINE = False


def switch(user: User, **choices: bool) -> None:
    privacy_update(profile=Profile.objects.get(user=user), **choices)


def block(chat: Conversation, flag: str) -> None:
    Conversation.objects.filter(pk=chat.pk).update(**{flag: True})
    announce_conversation(chat, chat.low_id)


def close(chat: Conversation) -> None:
    Conversation.objects.filter(pk=chat.pk).update(state="closed")
    announce_conversation(chat, chat.low_id)


APART: dict[str, Change] = {
    "alice hides it": lambda alice, bob, chat: switch(alice, shares_presence=False, shares_typing=False),
    "bob hides it": lambda alice, bob, chat: switch(bob, shares_presence=False, shares_typing=False),
    "alice blocks": lambda alice, bob, chat: block(chat, "low_blocks"),
    "bob blocks": lambda alice, bob, chat: block(chat, "high_blocks"),
    "the chat is closed": lambda alice, bob, chat: close(chat),
}
apart = pytest.mark.parametrize("change", APART.values(), ids=APART)


# --- Leases ---


def test_a_lease_expires_by_itself(alice: User, bob: User, chat: Conversation) -> None:
    """A killed process leaves no user online."""
    presence.lease_renew([alice.id], holder="one", now=1_000)

    def seen(now: float) -> tuple[bool, int]:
        frame = presence.presence_of(user=bob, room=chat.room_name, now=now)
        assert frame is not None
        assert frame.user == alice.public_id
        return frame.online, frame.ttl_ms

    assert seen(1_010) == (True, 35_000)
    assert seen(1_045) == (False, 0)


SPOILED = [
    7,
    "text",
    [1, 2],
    {"one": "later"},
    {"one": None},
    {"one": True},
    {"one": float("inf")},
    float("inf"),
    float("nan"),
    True,
    10**400,
    1e300,
    {"one": 10**400},
]


@pytest.mark.parametrize("kept", SPOILED, ids=repr)
def test_a_value_of_another_type_in_the_cache_is_not_there(
    kept: Any, alice: User, bob: User, chat: Conversation
) -> None:
    """One such value showed all users as offline, and failed the command that opened the room."""
    cache.set(presence.lease_key(alice.id), kept)
    cache.set(presence.typing_key(chat.room_name, alice.id), kept)
    frame = presence.presence_of(user=bob, room=chat.room_name, now=1_000)
    assert frame is not None
    assert not frame.online
    typing = presence.typing_of(user=bob, room=chat.room_name)
    assert typing is None
    presence.lease_renew([alice.id, bob.id], holder="one", now=1_000)
    frame = presence.presence_of(user=bob, room=chat.room_name, now=1_010)
    assert frame is not None
    assert frame.online


def test_no_value_in_the_cache_shows_a_user_online_or_typing_for_longer_than_a_lease(
    alice: User, bob: User, chat: Conversation
) -> None:
    cache.set(presence.lease_key(alice.id), {"one": 9e9})
    cache.set(presence.typing_key(chat.room_name, alice.id), 9e9)
    frame = presence.presence_of(user=bob, room=chat.room_name, now=1_000)
    typing = presence.typing_of(user=bob, room=chat.room_name)
    assert frame is not None
    assert frame.ttl_ms == presence.LEASE_SECONDS * 1000
    assert typing is None or typing.ttl_ms <= presence.TYPING_SECONDS * 1000


def test_leaving_one_process_ends_nothing_while_another_holds_a_lease(
    alice: User, bob: User, chat: Conversation
) -> None:
    for holder in ("one", "other"):
        presence.lease_renew([alice.id], holder=holder, now=1_000)
    for holder, is_online in (("one", True), ("stranger", True), ("other", False)):
        presence.lease_end([alice.id], holder=holder, now=1_001)
        frame = presence.presence_of(user=bob, room=chat.room_name, now=1_002)
        assert frame is not None
        assert frame.online is is_online


def test_last_seen_is_shown_to_the_minute(alice: User, bob: User, chat: Conversation) -> None:
    last_seen_update([alice.id], datetime(2026, 11, 21, 18, 4, 59, 123_456, tzinfo=UTC))
    frame = presence.presence_of(user=bob, room=chat.room_name)
    assert frame is not None
    assert (frame.online, frame.last_seen) == (False, "2026-11-21T18:04:00.000Z")


def test_nothing_is_stored_of_users_who_hide_it(alice: User, bob: User) -> None:
    moment = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)
    last_seen_update([alice.id, bob.id], moment)
    switch(alice, shares_presence=False)
    last_seen_update([alice.id, bob.id], moment)
    switch(alice, shares_presence=True)
    assert Profile.objects.get(user=alice).last_seen_at is None
    assert Profile.objects.get(user=bob).last_seen_at == moment


@apart
def test_neither_sees_the_other_when(alice: User, bob: User, chat: Conversation, change: Change) -> None:
    presence.lease_renew([alice.id, bob.id], holder="one")
    presence.typing_remember(user_id=alice.id, room=chat.room_name, on=True)
    change(alice, bob, chat)
    for user in (alice, bob):
        assert presence.presence_of(user=user, room=chat.room_name) is None
        assert presence.typing_of(user=user, room=chat.room_name) is None
        with pytest.raises(CannotDeliver):
            presence.typing_set(user=user, room=chat.room_name, on=True)


def test_a_stranger_who_has_only_opened_a_chat_sees_nothing(
    alice: User, bob: User, chat: Conversation
) -> None:
    Participant.objects.filter(conversation=chat, user=bob).update(activity=None)
    Conversation.objects.filter(pk=chat.pk).update(is_met=False)
    presence.lease_renew([bob.id], holder="one")
    presence.typing_remember(user_id=bob.id, room=chat.room_name, on=True)
    assert presence.presence_of(user=alice, room=chat.room_name) is None
    assert presence.typing_of(user=alice, room=chat.room_name) is None
    presence.typing_set(user=alice, room=chat.room_name, on=True)


def test_mallory_is_told_that_there_is_no_such_room(mallory: User, chat: Conversation) -> None:
    for question in (presence.presence_of, presence.typing_of):
        with pytest.raises(ConversationNotFound):
            question(user=mallory, room=chat.room_name)
    with pytest.raises(ConversationNotFound):
        presence.typing_set(user=mallory, room=chat.room_name, on=True)


def test_without_a_cache_all_look_offline_and_nothing_fails(
    alice: User, bob: User, chat: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    presence.lease_renew([alice.id], holder="one")

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("refused")

    for name in ("get", "get_many", "set", "set_many", "delete"):
        monkeypatch.setattr(cache, name, fail)
    presence.lease_renew([alice.id], holder="one")
    presence.lease_end([alice.id], holder="one")
    presence.typing_remember(user_id=alice.id, room=chat.room_name, on=True)
    frame = presence.presence_of(user=bob, room=chat.room_name)
    assert frame is not None
    assert not frame.online
    assert presence.typing_of(user=bob, room=chat.room_name) is None


# --- Sockets ---


async def greeted(socket: Socket) -> None:
    await expect(socket, "connection_established")


async def opened(socket: Socket, chat: Conversation) -> Frame:
    await greeted(socket)
    await socket.send("room.open", ref="o", room=chat.room_name)
    await expect(socket, "done", ref="o")
    return await expect(socket, "presence")


async def test_bob_sees_alice_come_and_go(alice: User, bob: User, chat: Conversation) -> None:
    async with open_in_process(bob) as his:
        assert not (await opened(his, chat))["online"]
        async with open_in_process(alice) as hers:
            await greeted(hers)
            await hers.send("ping", visible=True)
            came = await expect(his, "presence", online=True)
            assert came["user"] == alice.public_id
            assert 0 < came["ttl_ms"] <= 45_000
        gone = await expect(his, "presence", online=False)
        assert gone["ttl_ms"] == 0
        assert gone["last_seen"].endswith(":00.000Z")


async def test_the_current_state_is_sent_at_once_also_on_the_room_route(
    alice: User, bob: User, chat: Conversation
) -> None:
    async with open_in_process(alice) as hers:
        await greeted(hers)
        await hers.send("ping", visible=True)
        await expect(hers, "pong")
        await hers.send("typing.set", ref="t", room=chat.room_name, on=True)
        await expect(hers, "done", ref="t")
        async with open_in_process(bob, f"/ws/chat/{chat.room_name}/") as his:
            await greeted(his)
            await expect(his, "presence", online=True)
            typing = await expect(his, "typing", on=True)
            assert 0 < typing["ttl_ms"] <= 6_000


async def test_a_hidden_tab_is_not_online(alice: User, bob: User, chat: Conversation) -> None:
    async with open_in_process(bob) as his, open_in_process(alice) as hers:
        await opened(his, chat)
        await greeted(hers)
        await hers.send("ping", visible=False)
        await hers.send("ping")
        await expect_silence(his, "presence")


async def test_nothing_flows_where_the_room_is_not_open(alice: User, bob: User, chat: Conversation) -> None:
    async with open_in_process(bob) as his, open_in_process(alice) as hers:
        await opened(his, chat)
        await his.send("room.close", ref="c", room=chat.room_name)
        await expect(his, "done", ref="c")
        await greeted(hers)
        await hers.send("ping", visible=True)
        await hers.send("typing.set", room=chat.room_name, on=True)
        await expect_silence(his)


async def test_typing_goes_to_the_peer_alone_and_ends(alice: User, bob: User, chat: Conversation) -> None:
    async with (
        open_in_process(bob) as his,
        open_in_process(alice) as hers,
        open_in_process(alice) as her_phone,
    ):
        await opened(his, chat)
        await opened(hers, chat)
        await opened(her_phone, chat)
        await hers.send("typing.set", room=chat.room_name, on=False)
        await hers.send("typing.set", room=chat.room_name, on=True)
        await hers.send("typing.set", room=chat.room_name, on=False)
        here = {"room": chat.room_name, "user": alice.public_id}
        assert await expect(his, "typing") == {"type": "typing", **here, "on": True, "ttl_ms": 6_000}
        assert await expect(his, "typing") == {"type": "typing", **here, "on": False, "ttl_ms": 0}
        await expect_silence(hers)
        await expect_silence(her_phone)


async def test_typing_is_limited_and_stopping_is_not(
    alice: User, bob: User, chat: Conversation, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS = True
    monkeypatch.setattr(throttling, "monotonic", lambda now: 5_000.0)
    throttling.typing.clear()
    async with open_in_process(bob) as his, open_in_process(alice) as hers:
        await opened(his, chat)
        await greeted(hers)
        for ref in ("1", "2"):
            await hers.send("typing.set", ref=ref, room=chat.room_name, on=True)
        await hers.send("typing.set", ref="3", room=chat.room_name, on=False)
        await expect(hers, "done", ref="1")
        await expect(hers, "error", ref="2", code="rate_limited", retryable=True)
        await expect(hers, "done", ref="3")
        await expect(his, "typing", on=False)
        assert len(his.of_type("typing")) == 2


@apart
async def test_what_flows_stops_while_the_room_is_open_when(
    alice: User, bob: User, chat: Conversation, change: Change
) -> None:
    async with open_in_process(bob) as his, open_in_process(alice) as hers:
        await opened(his, chat)
        await opened(hers, chat)
        for socket in (his, hers):
            await socket.send("ping", visible=True)
        for socket in (his, hers):
            await expect(socket, "presence", online=True)
        await sync_to_async(change)(alice, bob, chat)
        for socket in (his, hers):
            gone = await expect(socket, "presence", online=False, within=1)
            assert "last_seen" not in gone
        await sync_to_async(presence.lease_renew)([alice.id, bob.id], holder="one")
        await hers.send("typing.set", ref="t", room=chat.room_name, on=True)
        await expect(hers, "error", ref="t", code="cannot_deliver", retryable=False)
        for socket in (his, hers):
            await expect_silence(socket, "presence", "typing")


async def test_switched_on_again_it_flows_again(alice: User, bob: User, chat: Conversation) -> None:
    await sync_to_async(switch)(alice, shares_presence=False)
    async with open_in_process(bob) as his, open_in_process(alice) as hers:
        await greeted(his)
        await his.send("room.open", room=chat.room_name)
        await greeted(hers)
        await hers.send("ping", visible=True)
        await expect_silence(his, "presence")
        await sync_to_async(switch)(alice, shares_presence=True)
        await expect(his, "presence", online=True)


async def test_a_message_without_an_answer_shows_nothing_and_the_answer_everything(
    alice: User, bob: User, chat: Conversation
) -> None:
    """A stranger who writes to many must not learn who is online, types or reads (docs/threats.md T47)."""
    await Participant.objects.filter(conversation=chat, user=bob).aupdate(activity=None)
    await Conversation.objects.filter(pk=chat.pk).aupdate(is_met=False)
    async with open_in_process(alice) as hers, open_in_process(bob) as his:
        await greeted(his)
        await his.send("ping", visible=True)
        await expect(his, "pong")
        await greeted(hers)
        await hers.send("room.open", ref="o", room=chat.room_name)
        await expect(hers, "done", ref="o")
        await expect_silence(hers, "presence")
        await hers.send("message.send", room=chat.room_name, id=str(uuid4()), body="Hello")
        await expect(his, "message.created")
        await his.send("room.open", ref="o", room=chat.room_name)
        await expect(his, "done", ref="o")
        await his.send("receipt.set", ref="r", room=chat.room_name, read=1)
        await expect(his, "done", ref="r")
        await his.send("typing.set", ref="t", room=chat.room_name, on=True)
        await expect(his, "done", ref="t")
        await expect_silence(hers, "presence", "typing", "receipt.advanced")
        await expect_silence(his, "presence", "typing")
        his_seat = await Participant.objects.aget(conversation=chat, user=bob)
        assert (his_seat.read_seq, his_seat.shown_read, his_seat.shown_delivered) == (1, 0, 0)

        await his.send("message.send", room=chat.room_name, id=str(uuid4()), body="Hello!")
        await expect(hers, "presence", user=bob.public_id, online=True)
        await hers.send("message.send", room=chat.room_name, id=str(uuid4()), body="How are you?")
        await expect(his, "message.created")
        await his.send("receipt.set", room=chat.room_name, read=3)
        await expect(hers, "receipt.advanced", user=bob.public_id, read=3)


@pytest.mark.parametrize(
    "how", ["both open it", "an invite is accepted", "an invite for the chat that is there"]
)
def test_two_users_who_both_want_a_chat_see_each_other_before_a_message(
    alice: User, bob: User, how: str
) -> None:
    chat, _ = conversation_open(user=alice, peer=bob)
    assert not presence_shown(alice, chat)
    if how == "both open it":
        conversation_open(user=bob, peer=alice)
    else:
        if "there" in how:
            conversation_open(user=alice, peer=bob)
            make_message(chat, alice)
            Participant.objects.filter(conversation=chat).update(activity=timezone.now())
            assert not presence_shown(alice, chat), "one message of hers is no consent of his"
        invite = invite_create(inviter=alice)
        invite_claim(user=bob, token=token_of(invite.id))
    assert presence_shown(alice, chat)
    assert presence_shown(bob, chat)


def presence_shown(user: User, chat: Conversation) -> bool:
    return presence.presence_of(user=user, room=chat.room_name) is not None


async def test_fifty_rooms_are_open_and_the_next_is_refused_until_one_is_closed(
    alice: User, bob: User, chat: Conversation
) -> None:
    others = [
        await sync_to_async(make_conversation)(alice, await sync_to_async(make_user)(f"friend{number}"))
        for number in range(ROOMS_OPEN)
    ]
    async with open_in_process(alice) as hers:
        await greeted(hers)
        for other in others:
            await hers.send("room.open", ref=other.room_name, room=other.room_name)
            await expect(hers, "done", ref=other.room_name)
        await hers.send("room.open", ref="again", room=others[0].room_name)
        await expect(hers, "done", ref="again")
        await hers.send("room.open", ref="one too many", room=chat.room_name)
        await expect(hers, "error", ref="one too many", code="forbidden", retryable=False)
        await hers.send("room.close", ref="closed", room=others[0].room_name)
        await expect(hers, "done", ref="closed")
        await hers.send("room.open", ref="now", room=chat.room_name)
        await expect(hers, "done", ref="now")


async def test_mallory_opens_nothing(alice: User, mallory: User, chat: Conversation) -> None:
    async with open_in_process(mallory) as hers:
        await greeted(hers)
        for type, fields in (("room.open", {}), ("typing.set", {"on": True}), ("typing.set", {"on": False})):
            await hers.send(type, ref="x", room=chat.room_name, **fields)
            await expect(hers, "error", ref="x", code="not_found")
        await sync_to_async(presence.lease_renew)([alice.id], holder="one")
        await expect_silence(hers)
