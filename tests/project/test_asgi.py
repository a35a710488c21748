"""Which clients may open a socket. Rejections come before accept, and all look alike."""

from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import override_settings

from accounts.models import User
from conversations.models import Conversation
from dm_project.asgi import application
from tests.factories import make_user
from tests.sockets import IN_PROCESS_HOST, Refused, expect, open_in_process, session_key_of

pytestmark = pytest.mark.django_db(transaction=True)
OWN = f"http://{IN_PROCESS_HOST}"

FOREIGN_ORIGINS = [
    None,
    "null",
    "",
    "https://evil.example",
    "http://localhost:9999",
    "https://localhost:8000",
    "http://localhost",
    "http://localhost:8000.evil.example",
    "http://evil.example/localhost:8000",
    "http://localhost:8000/",
    "http://LOCALHOST:8000",
    "file://localhost:8000",
    "http://127.0.0.1:8000",
]


async def test_alice_can_connect_from_our_own_page(alice: User) -> None:
    async with open_in_process(alice) as socket:
        greeting = await expect(socket, "connection_established")
    assert greeting["message"] == "You are now connected!"
    assert greeting["user"]["username"] == "alice"


async def test_bob_and_alice_can_connect_to_their_chat(alice: User, bob: User, chat: Conversation) -> None:
    for person in (alice, bob):
        async with open_in_process(person, f"/ws/chat/{chat.room_name}/") as socket:
            greeting = await expect(socket, "connection_established")
        assert list(greeting["rooms"]) == [chat.room_name]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_another_page_cannot_ride_on_alices_cookie(alice: User, origin: str | None) -> None:
    """Cross-site WebSocket hijacking: browsers send the cookie with every handshake, from any page."""
    with pytest.raises(Refused):
        async with open_in_process(alice, origin=origin):
            pass


async def handshake(headers: list[tuple[bytes, bytes]], path: str = "/ws/") -> bool:
    communicator = WebsocketCommunicator(application, path, headers=headers)
    accepted, _ = await communicator.connect(timeout=5)
    if accepted:
        await communicator.disconnect()
    return bool(accepted)


async def session_cookie(user: User) -> tuple[bytes, bytes]:
    return (b"cookie", f"{settings.SESSION_COOKIE_NAME}={await session_key_of(user)}".encode())


async def test_two_origin_headers_are_as_bad_as_none(alice: User) -> None:
    """A proxy that reads the first and a server that reads the last would check different pages."""
    own, host, cookie = (
        (b"origin", OWN.encode()),
        (b"host", IN_PROCESS_HOST.encode()),
        await session_cookie(alice),
    )
    assert await handshake([host, own, cookie])
    assert not await handshake([host, own, own, cookie])
    assert not await handshake([host, own, (b"origin", b"https://evil.example"), cookie])


async def test_a_host_that_only_resolves_to_us_is_not_trusted(alice: User) -> None:
    """DNS rebinding: evil.example points to 127.0.0.1, and its page has the right origin for its own host."""
    rebound = [
        (b"host", b"evil.example:8000"),
        (b"origin", b"http://evil.example:8000"),
        await session_cookie(alice),
    ]
    assert not await handshake(rebound)


@override_settings(PUBLIC_ORIGIN="https://chat.example.org")
async def test_with_a_public_address_only_its_own_pages_count(alice: User) -> None:
    cookie, host = await session_cookie(alice), (b"host", b"chat.example.org")
    assert await handshake([host, (b"origin", b"https://chat.example.org"), cookie])
    for foreign in (
        b"http://chat.example.org",
        b"https://chat.example.org:8443",
        OWN.encode(),
        b"https://sub.chat.example.org",
    ):
        assert not await handshake([host, (b"origin", foreign), cookie])


@pytest.mark.parametrize("path", ["/ws/", "/ws/chat/dm-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/"])
async def test_a_client_without_a_session_is_rejected(path: str, db: None) -> None:
    with pytest.raises(Refused):
        async with open_in_process(None, path):
            pass


async def test_a_forged_session_is_rejected(db: None) -> None:
    made_up = (b"cookie", f"{settings.SESSION_COOKIE_NAME}=abcdefghijklmnopqrstuvwxyz012345".encode())
    assert not await handshake([(b"host", IN_PROCESS_HOST.encode()), (b"origin", OWN.encode()), made_up])


async def test_mallory_cannot_tell_a_foreign_chat_from_a_missing_one(
    mallory: User, chat: Conversation
) -> None:
    """Otherwise "forbidden" would tell a stranger that these two talk."""
    answers = [
        await rejection_of(mallory, room)
        for room in (chat.room_name, "dm-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "nonsense", "..", "%00")
    ]
    assert answers == [answers[0]] * len(answers)


async def rejection_of(user: User, room: str) -> list[dict[str, Any]]:
    headers = [(b"host", IN_PROCESS_HOST.encode()), (b"origin", OWN.encode()), await session_cookie(user)]
    communicator = WebsocketCommunicator(application, f"/ws/chat/{room}/", headers=headers)
    accepted, code = await communicator.connect(timeout=5)
    assert not accepted
    return [{"code": code}]


async def test_a_deactivated_account_is_rejected(alice: User) -> None:
    alice.is_active = False
    await alice.asave(update_fields=["is_active"])
    with pytest.raises(Refused):
        async with open_in_process(alice):
            pass


@pytest.mark.parametrize(
    "path", ["/", "/ws", "/ws/chat/", "/ws/other/", "/ws/chat/a/b/", "/chats/", "/" + "x" * 5000]
)
async def test_an_unknown_path_is_rejected_without_a_traceback(alice: User, path: str) -> None:
    with pytest.raises(Refused):
        async with open_in_process(alice, path):
            pass


async def test_two_users_who_connect_at_once_get_their_own_chats(alice: User, chat: Conversation) -> None:
    """Two users at once must never see each other's chats."""
    from asgiref.sync import sync_to_async

    carol = await sync_to_async(make_user)("carol")
    async with open_in_process(alice) as hers, open_in_process(carol) as other:
        assert list((await expect(hers, "connection_established"))["rooms"]) == [chat.room_name]
        assert (await expect(other, "connection_established"))["rooms"] == {}
