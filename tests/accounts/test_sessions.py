"""Sessions: which cookies are looked up, whose a session is, how it lives on while it is used, and that no race takes a cookie away."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings as configured
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.devices import devices_sweep
from accounts.middleware import SlidingSessionMiddleware
from accounts.models import Device, User
from accounts.sessions import OLD_COOKIE_NAME, SessionStore, sessions_renew, sessions_sweep
from tests.sockets import IN_PROCESS_HOST, Refused, expect, expect_close, open_in_process, session_key_of

ClientOf = Callable[[User | None], Client]
NAME = configured.SESSION_COOKIE_NAME
LIFETIME = timedelta(seconds=configured.SESSION_COOKIE_AGE)
NOT_KEYS = [
    "",
    "short",
    "a" * 31,
    "a" * 33,
    "A" * 32,
    "a" * 31 + "-",
    "a" * 31 + "\n",
    '"abcdefgh\\000xyz"',
    "a" * 31 + "\0",
    "ä" * 32,
    "a" * 4_000,
]
PAGES = ["/", "/accounts/login/", "/api/v1/me", "/i/x/", "/chats/"]


def key_of(client: Client) -> str:
    return str(client.cookies[NAME].value)


def ends_in(key: str, delta: timedelta) -> None:
    Session.objects.filter(pk=key).update(expire_date=timezone.now() + delta)


def left_of(key: str) -> timedelta:
    return Session.objects.get(pk=key).expire_date - timezone.now()


# --- What is looked up ---


@pytest.mark.parametrize("value", NOT_KEYS)
@pytest.mark.parametrize("page", PAGES)
def test_a_cookie_that_cannot_be_a_session_is_never_looked_up(
    db: None, client: Client, monkeypatch: Any, page: str, value: str
) -> None:
    """A NUL in it was an error of PostgreSQL on every page."""
    asked: list[Any] = []
    monkeypatch.setattr(SessionStore, "_get_session_from_db", lambda self: asked.append(self.session_key))
    for name in (NAME, OLD_COOKIE_NAME):
        response = client.get(page, headers={"cookie": f"{name}={value}"})
        assert response.status_code in {200, 302, 401, 404}
    assert set(asked) <= {None}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("value", NOT_KEYS)
async def test_nor_when_it_opens_a_socket(monkeypatch: Any, value: str) -> None:
    for door in ("channels.auth.get_user", "dm_project.handshakes.session.load_user"):
        monkeypatch.setattr(door, lambda session: pytest.fail("asked the database"))
    assert not await handshake(f"{NAME}={value}")


@pytest.mark.django_db(transaction=True)
async def test_whoever_cannot_be_found_out_is_refused_before_the_socket_is_accepted(
    alice: User, monkeypatch: Any
) -> None:
    async def fail(*args: Any) -> None:
        raise ValueError("A string literal cannot contain NUL (0x00) characters.")

    key = await session_key_of(alice)
    monkeypatch.setattr("channels.auth.get_user", fail)
    assert not await handshake(f"{NAME}={key}")


async def handshake(cookie: str) -> bool:
    from dm_project.asgi import application

    headers = [
        (b"host", IN_PROCESS_HOST.encode()),
        (b"origin", f"http://{IN_PROCESS_HOST}".encode()),
        (b"cookie", cookie.encode()),
    ]
    communicator = WebsocketCommunicator(application, "/ws/", headers=headers)
    accepted, _ = await communicator.connect(timeout=10)
    await communicator.disconnect()
    return bool(accepted)


@pytest.mark.parametrize(
    "kind", ["csrftoken", configured.CSRF_COOKIE_NAME, "django_language", "messages", "theme", "looks"]
)
def test_no_other_cookie_stops_a_page(alice: User, client_of: ClientOf, kind: str) -> None:
    client = client_of(alice)
    for page in ("/accounts/login/", "/chats/", "/api/v1/me"):
        cookie = f'{NAME}={key_of(client)}; {kind}="a\\000\\377z"'
        assert Client().get(page, headers={"cookie": cookie}).status_code in {200, 302}


# --- Two services on one host ---


def test_a_session_of_an_earlier_version_is_taken_over_once(alice: User, client_of: ClientOf) -> None:
    key = key_of(client_of(alice))
    browser = Client()
    browser.cookies[OLD_COOKIE_NAME] = key
    response = browser.get("/chats/")
    assert response.status_code == 200
    assert browser.cookies[NAME].value == key
    assert response.cookies[OLD_COOKIE_NAME]["max-age"] == 0
    assert NAME not in browser.get("/chats/").cookies


@pytest.mark.django_db(transaction=True)
async def test_another_process_of_the_same_service_knows_the_session(alice: User) -> None:
    """Behind a proxy each has a port of its own; the table is one. The keys of other services lead nowhere."""
    cookies = f"{OLD_COOKIE_NAME}={'o' * 32}; port1-sessionid={'p' * 32}; port2-sessionid={await session_key_of(alice)}"
    assert await handshake(cookies)
    assert (await sync_to_async(Client().get)("/api/v1/me", headers={"cookie": cookies})).status_code == 200
    assert not await handshake(f"{cookies}; {NAME}={'q' * 32}"), (
        "whoever logged out here is not brought back by another name"
    )


def test_the_cookie_of_another_service_is_left_alone(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    browser.cookies[OLD_COOKIE_NAME] = "o" * 32
    response = browser.get("/chats/")
    assert response.status_code == 200
    assert OLD_COOKIE_NAME not in response.cookies
    stranger = Client()
    stranger.cookies[OLD_COOKIE_NAME] = "o" * 32
    response = stranger.get("/chats/")
    assert response.status_code == 302
    assert OLD_COOKIE_NAME not in response.cookies


def test_a_log_in_at_another_port_spoils_no_form_of_this_one(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    token = browser.get("/accounts/login/").context["csrf_token"]
    assert browser.cookies["csrftoken"].value == browser.cookies[configured.CSRF_COOKIE_NAME].value, (
        "scripts may read the plain name"
    )
    browser.cookies["csrftoken"] = "x" * 32
    form = {"login": "alice", "password": "wrong", "csrfmiddlewaretoken": token}
    assert browser.post("/accounts/login/", form).status_code == 200


def test_a_form_of_an_earlier_version_is_still_taken(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    token = browser.get("/accounts/login/").context["csrf_token"]
    del browser.cookies[configured.CSRF_COOKIE_NAME]
    form = {"login": "alice", "password": "wrong", "csrfmiddlewaretoken": token}
    assert browser.post("/accounts/login/", form).status_code == 200


# --- Whose it is ---


@pytest.fixture
def rotated(settings: Any) -> Callable[[], None]:
    def rotate() -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-secret-key-0123456789-0123456789"

    return rotate


@pytest.mark.django_db(transaction=True)
async def test_under_a_new_secret_key_sockets_open_and_nobody_is_logged_out(
    alice: User, client_of: ClientOf, rotated: Callable[[], None]
) -> None:
    browser = await sync_to_async(client_of)(alice)
    key = key_of(browser)
    rotated()
    async with open_in_process(alice, session_key=key) as socket:
        await expect(socket, "connection_established")
    assert (await sync_to_async(browser.get)("/api/v1/me")).status_code == 200


def test_requests_that_are_on_their_way_under_the_old_key_are_all_answered(
    alice: User, client_of: ClientOf, rotated: Any
) -> None:
    """The first one would give the session another key, and the others would be told that they are logged out."""
    browser = client_of(alice)
    key = key_of(browser)
    rotated()
    before = SessionStore(key)[HASH_SESSION_KEY]
    for _ in range(6):
        late = Client()
        late.cookies[NAME] = key
        response = late.get("/api/v1/me")
        assert response.status_code == 200
        assert late.cookies[NAME].value == key
    assert SessionStore(key)[HASH_SESSION_KEY] != before, "signed anew, or dropping the old key would log out"


def test_without_the_fallback_a_new_secret_key_logs_out_and_takes_nothing_away(
    alice: User, client_of: ClientOf, settings: Any
) -> None:
    browser = client_of(alice)
    settings.SECRET_KEY = "another-secret-key-0123456789-0123456789"
    response = browser.get("/api/v1/me")
    assert response.status_code == 401
    assert NAME not in response.cookies


@pytest.mark.django_db(transaction=True)
async def test_a_socket_never_ends_a_session(alice: User) -> None:
    key = await session_key_of(alice)
    await sync_to_async(alice.set_password)("another password")
    await sync_to_async(alice.save)()
    with pytest.raises(Refused):
        async with open_in_process(alice, session_key=key):
            pass
    assert await sync_to_async(Session.objects.filter(pk=key).exists)()


def test_an_answer_on_its_way_during_a_log_in_takes_no_cookie_away(alice: User, client_of: ClientOf) -> None:
    """The browser has the new cookie when the late answer to the old one comes."""
    late = client_of(alice)
    Session.objects.all().delete()
    response = late.get("/chats/")
    assert response.status_code == 302
    assert NAME not in response.cookies


def test_a_log_out_takes_it_away(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    response = browser.post("/accounts/logout/")
    assert response.cookies[NAME]["max-age"] == 0
    assert not Session.objects.exists()


# --- It lives on while it is used ---


@pytest.mark.parametrize("path", ["/chats/", "/api/v1/me", "/settings/"])
def test_a_session_in_use_is_renewed_once_a_day_with_its_cookie(
    alice: User, client_of: ClientOf, path: str
) -> None:
    browser = client_of(alice)
    key = key_of(browser)
    response = browser.get(path, follow=True)
    assert NAME not in response.cookies, "not with every request"
    ends_in(key, timedelta(seconds=20))
    response = browser.get(path, follow=False)
    assert left_of(key) > LIFETIME - timedelta(minutes=1)
    assert response.cookies[NAME].value == key
    assert response.cookies[NAME]["max-age"] == configured.SESSION_COOKIE_AGE
    assert response.cookies[NAME]["httponly"]
    assert "Cookie" in response["Vary"]
    assert NAME not in browser.get(path).cookies


def test_a_session_that_is_over_is_not_brought_back(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    ends_in(key_of(browser), timedelta(seconds=-1))
    assert browser.get("/api/v1/me").status_code == 401
    assert sessions_renew([key_of(browser), "gone" * 8]) == 0


def test_an_answer_that_others_may_be_given_carries_no_session(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    ends_in(key_of(browser), timedelta(seconds=20))
    response = browser.get("/manifest/en.webmanifest")
    assert "public" in response["Cache-Control"]
    assert NAME not in response.cookies


def test_somebody_who_is_not_logged_in_renews_nothing(db: None, client: Client) -> None:
    session = SessionStore()
    session["anything"] = "kept"
    session.save()
    ends_in(str(session.session_key), timedelta(days=1))
    client.cookies[NAME] = str(session.session_key)
    client.get("/accounts/login/")
    assert left_of(str(session.session_key)) < timedelta(days=2)


@pytest.mark.django_db(transaction=True)
async def test_an_open_socket_keeps_its_session_alive_and_no_other(
    alice: User, settings: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("conversations.monitors.sessions.RENEW_EVERY_POLLS", 1)
    settings.VIGIL_EVERY_MS = 20
    key, other = await session_key_of(alice), await session_key_of(alice)
    for each in (key, other):
        await sync_to_async(ends_in)(each, timedelta(seconds=20))
    async with open_in_process(alice, session_key=key) as socket:
        await expect(socket, "connection_established")
        while await sync_to_async(left_of)(key) < LIFETIME - timedelta(minutes=1):
            await socket.send("ping")
            await expect(socket, "pong")
        await sync_to_async(Session.objects.filter(pk=key).delete)()
        await expect_close(socket, 4401)
    assert await sync_to_async(left_of)(other) < timedelta(seconds=20)


# --- What is over leaves ---


def test_sessions_and_devices_that_are_over_are_deleted_a_few_at_a_time(
    alice: User, client_of: ClientOf, monkeypatch: Any
) -> None:
    browser = client_of(alice)
    now = timezone.now()
    for number in range(7):
        Session.objects.create(
            session_key=f"{number:032d}", session_data="", expire_date=now - timedelta(days=1 + number)
        )
        Device.objects.create(
            user=alice, session_key=f"{number:032d}", created_at=now, active_at=now - timedelta(days=2)
        )
    Device.objects.create(user=alice, session_key="n" * 32, created_at=now, active_at=now)
    assert (sessions_sweep(limit=3), devices_sweep(limit=3)) == (3, 3)
    monkeypatch.setattr(SlidingSessionMiddleware, "swept_at", float("-inf"))
    browser.get("/chats/")
    assert list(Session.objects.values_list("pk", flat=True)) == [key_of(browser)]
    assert {device.session_key for device in Device.objects.all()} == {key_of(browser), "n" * 32}, (
        "one of this day may be on its way"
    )


def test_a_sweep_that_fails_stops_no_page_and_is_not_tried_with_every_request(
    alice: User, client_of: ClientOf, monkeypatch: Any
) -> None:
    tries: list[int] = []

    def fail() -> int:
        tries.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr("accounts.middleware.sessions_sweep", fail)
    monkeypatch.setattr(SlidingSessionMiddleware, "swept_at", float("-inf"))
    browser = client_of(alice)
    assert [browser.get("/chats/").status_code for _ in range(3)] == [200] * 3
    assert tries == [1]
