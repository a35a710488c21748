"""Session validity while connected (P9): a revoked session is refused at once, and only its sockets close."""

from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client

from accounts import services
from accounts.models import User
from conversations.models import Conversation, Message
from tests.factories import PASSWORD
from tests.sockets import Socket, expect, expect_close, open_in_process

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _as_in_the_service(settings: Any) -> None:
    settings.JOURNAL_INLINE = False
    settings.VIGIL_EVERY_MS = 100


@pytest.fixture
def _no_session_monitor(settings: Any) -> None:
    """What is tested must happen without the session monitor."""
    settings.VIGIL_EVERY_MS = 60_000


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


async def greeted(socket: Socket) -> None:
    await expect(socket, "connection_established")


async def still_lives(socket: Socket) -> None:
    await socket.send("ping")
    await expect(socket, "pong")


def change_password(client: Client) -> None:
    answer = client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"},
    )
    assert answer.status_code == 302, answer.content[:500]


@pytest.mark.usefixtures("_no_session_monitor")
async def test_a_new_password_closes_the_other_sessions_and_the_acting_one_reconnects(
    alice: User, bob: User, client_of: Any
) -> None:
    acting, other = await sync_to_async(client_of)(alice), await sync_to_async(client_of)(alice)
    async with (
        open_in_process(alice, session_key=key_of(acting)) as here,
        open_in_process(alice, session_key=key_of(other)) as elsewhere,
        open_in_process(bob) as bobs,
    ):
        for socket in (here, elsewhere, bobs):
            await greeted(socket)
        await sync_to_async(change_password)(acting)
        assert (await expect(elsewhere, "bye"))["code"] == 4401
        await expect_close(elsewhere, 4401)
        assert (await expect(here, "bye"))["code"] == 4012
        await expect_close(here, 4012)
        await still_lives(bobs)
    async with open_in_process(alice, session_key=key_of(acting)) as back:
        await greeted(back)


async def test_a_log_in_elsewhere_that_replaces_an_old_hash_closes_no_socket(
    alice: User, client_of: Any, settings: Any
) -> None:
    """The password is the same. A later change of it closes those two, a reset by link all."""
    settings.PASSWORD_HASHERS = [
        *settings.PASSWORD_HASHERS,
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    old = PBKDF2PasswordHasher().encode(PASSWORD, "0123456789abcdef", 1)
    await User.objects.filter(pk=alice.pk).aupdate(password=old)
    await alice.arefresh_from_db()
    one, two = await sync_to_async(client_of)(alice), await sync_to_async(client_of)(alice)
    third = Client()
    async with (
        open_in_process(alice, session_key=key_of(one)) as first,
        open_in_process(alice, session_key=key_of(two)) as second,
    ):
        await greeted(first)
        await greeted(second)
        await sync_to_async(third.post)("/accounts/login/", {"login": "alice", "password": PASSWORD})
        assert (await User.objects.aget(pk=alice.pk)).password != old
        for socket in (first, second):
            await socket.send("sync")
            await expect(socket, "heads")
            await still_lives(socket)
        async with open_in_process(alice, session_key=key_of(third)) as acting:
            await greeted(acting)
            await sync_to_async(change_password)(third)
            await expect_close(first, 4401)
            await expect_close(second, 4401)
            await expect_close(acting, 4012)
    async with open_in_process(alice, session_key=key_of(third)) as acting:
        await greeted(acting)
        link = await sync_to_async(services.password_link)(user=await User.objects.aget(pk=alice.pk))
        somewhere = Client()
        form = (await sync_to_async(somewhere.get)(link))["Location"]
        await sync_to_async(somewhere.post)(form, {"password1": "a third horse battery"})
        await expect_close(acting, 4401)


@pytest.mark.usefixtures("_no_session_monitor")
async def test_a_suspension_closes_all_sockets_of_the_user_at_once(alice: User, bob: User) -> None:
    async with open_in_process(alice) as one, open_in_process(alice) as two, open_in_process(bob) as bobs:
        for socket in (one, two, bobs):
            await greeted(socket)
        await sync_to_async(services.account_deactivate)(user=alice)
        await expect_close(one, 4401)
        await expect_close(two, 4401)
        await still_lives(bobs)


async def test_a_revocation_without_a_signal_is_found_by_the_session_monitor(alice: User, bob: User) -> None:
    """A row changed by another program, without a signal in this process."""
    async with open_in_process(alice) as alices, open_in_process(bob) as bobs:
        await greeted(alices)
        await greeted(bobs)
        await User.objects.filter(pk=alice.pk).aupdate(is_active=False)
        await expect_close(alices, 4401)
        await still_lives(bobs)


async def test_a_password_set_in_a_shell_closes_the_sockets(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_in_process(alice) as socket:
        await greeted(socket)
        monkeypatch.setattr("getpass.getpass", lambda *_args, **_kwargs: "a fresh horse battery")
        await sync_to_async(call_command)("changepassword", alice.username)
        await expect_close(socket, 4401)


async def test_an_ended_session_closes_its_own_sockets_only(alice: User, client_of: Any) -> None:
    one, two = await sync_to_async(client_of)(alice), await sync_to_async(client_of)(alice)
    async with (
        open_in_process(alice, session_key=key_of(one)) as first,
        open_in_process(alice, session_key=key_of(two)) as second,
    ):
        await greeted(first)
        await greeted(second)
        await Session.objects.filter(session_key=key_of(one)).adelete()
        await expect_close(first, 4401)
        await still_lives(second)


@pytest.mark.usefixtures("_no_session_monitor")
@pytest.mark.parametrize(
    "command",
    [
        ("message.send", {"body": "too late"}),
        ("receipt.set", {"read": 1}),
        ("room.open", {}),
        ("sync", {}),
    ],
)
async def test_every_command_after_that_commit_is_refused(
    alice: User, chat: Conversation, client_of: Any, command: tuple[str, Any]
) -> None:
    """The socket was not notified; the command itself finds out."""
    browser = await sync_to_async(client_of)(alice)
    kind, fields = command
    if kind == "message.send":
        fields = {**fields, "id": str(uuid4())}
    fields = (
        {**fields, "rooms": {chat.room_name: 0}} if kind == "sync" else {**fields, "room": chat.room_name}
    )
    async with open_in_process(alice, session_key=key_of(browser)) as socket:
        await greeted(socket)
        await Session.objects.filter(session_key=key_of(browser)).adelete()
        await socket.send(kind, ref="r", **fields)
        error = await expect(socket, "error", ref="r")
        assert (error["code"], error["retryable"]) == ("unauthenticated", False)
        await expect_close(socket, 4401)
    assert not await Message.objects.aexists()


@pytest.mark.both_databases
def test_many_sockets_are_checked_in_few_statements(
    alice: User, bob: User, client_of: Any, django_assert_num_queries: Any
) -> None:
    from accounts.session_validity import CHUNK, SessionStatus, credential_of, revoked_sessions

    good = credential_of(bob, key_of(client_of(bob)))
    lost = {credential_of(alice, f"no such session {number}") for number in range(CHUNK)}
    with django_assert_num_queries(2):
        assert revoked_sessions({good, *lost}) == dict.fromkeys(lost, SessionStatus.REVOKED)


async def test_a_session_that_gets_a_new_key_is_not_taken_for_a_revoked_one(
    alice: User, client_of: Any
) -> None:
    """A poll may fall between the end of the old key and the notice that the session goes on: one is not
    enough."""
    from accounts.session_validity import SessionStatus, credential_of
    from conversations.monitors.sessions import SessionMonitor

    seen = []

    class Socket:
        credential = credential_of(alice, "a key that has just been replaced")

        async def on_revoked(self, standing: SessionStatus) -> None:
            seen.append(standing)

    monitor = SessionMonitor()
    monitor.sockets = {Socket.credential: {Socket()}}
    await monitor.poll()
    assert seen == []
    await monitor.poll()
    assert seen == [SessionStatus.REVOKED]
