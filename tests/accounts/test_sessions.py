"""Sessions: cookie look-up, authentication, sliding expiry, and races that must not delete a cookie."""

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


# --- Cookie look-up ---


@pytest.mark.parametrize("value", NOT_KEYS)
@pytest.mark.parametrize("page", PAGES)
def test_a_malformed_session_cookie_is_never_looked_up(
    db: None, client: Client, monkeypatch: Any, page: str, value: str
) -> None:
    """A NUL in it raised an error in PostgreSQL on every page."""
    asked: list[Any] = []
    monkeypatch.setattr(SessionStore, "_get_session_from_db", lambda self: asked.append(self.session_key))
    for name in (NAME, OLD_COOKIE_NAME):
        response = client.get(page, headers={"cookie": f"{name}={value}"})
        assert response.status_code in {200, 302, 401, 404}
    assert set(asked) <= {None}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("value", NOT_KEYS)
async def test_a_malformed_session_cookie_is_not_looked_up_for_a_socket(monkeypatch: Any, value: str) -> None:
    for function in ("channels.auth.get_user", "dm_project.handshakes.session.load_user"):
        monkeypatch.setattr(function, lambda session: pytest.fail("asked the database"))
    assert not await handshake(f"{NAME}={value}")


@pytest.mark.django_db(transaction=True)
async def test_a_socket_without_an_identified_user_is_rejected_before_accept(
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


def test_a_session_cookie_of_an_earlier_version_is_replaced_once(alice: User, client_of: ClientOf) -> None:
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
    """Each process behind a proxy has its own port; all share one table. Keys of other services are
    unknown."""
    key = await session_key_of(alice)
    cookies = f"{OLD_COOKIE_NAME}={'o' * 32}; port1-sessionid={'p' * 32}; port2-sessionid={key}"
    assert await handshake(cookies)
    assert (await sync_to_async(Client().get)("/api/v1/me", headers={"cookie": cookies})).status_code == 200
    assert not await handshake(f"{cookies}; {NAME}={'q' * 32}"), (
        "a logged-out browser does not get back in by a cookie of another name"
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


def test_a_login_at_another_port_invalidates_no_form_of_this_one(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    token = browser.get("/accounts/login/").context["csrf_token"]
    assert browser.cookies["csrftoken"].value == browser.cookies[configured.CSRF_COOKIE_NAME].value, (
        "scripts may read the plain name"
    )
    browser.cookies["csrftoken"] = "x" * 32
    form = {"login": "alice", "password": "wrong", "csrfmiddlewaretoken": token}
    assert browser.post("/accounts/login/", form).status_code == 200


def test_a_form_of_an_earlier_version_is_still_accepted(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    token = browser.get("/accounts/login/").context["csrf_token"]
    del browser.cookies[configured.CSRF_COOKIE_NAME]
    form = {"login": "alice", "password": "wrong", "csrfmiddlewaretoken": token}
    assert browser.post("/accounts/login/", form).status_code == 200


# --- Authentication ---


@pytest.fixture
def rotated(settings: Any) -> Callable[[], None]:
    def rotate() -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-secret-key-0123456789-0123456789"

    return rotate


@pytest.mark.django_db(transaction=True)
async def test_under_a_new_secret_key_sockets_open_and_sessions_stay_valid(
    alice: User, client_of: ClientOf, rotated: Callable[[], None]
) -> None:
    browser = await sync_to_async(client_of)(alice)
    key = key_of(browser)
    rotated()
    async with open_in_process(alice, session_key=key) as socket:
        await expect(socket, "connection_established")
    assert (await sync_to_async(browser.get)("/api/v1/me")).status_code == 200


def test_requests_in_flight_under_the_old_key_all_succeed(
    alice: User, client_of: ClientOf, rotated: Any
) -> None:
    """The first one would rotate the session key, and the others would be logged out."""
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
    assert SessionStore(key)[HASH_SESSION_KEY] != before, (
        "signed again; otherwise dropping the old key would log out"
    )


def test_without_the_fallback_a_new_secret_key_logs_out_and_deletes_no_cookie(
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


def test_a_response_in_flight_during_a_login_deletes_no_cookie(alice: User, client_of: ClientOf) -> None:
    """The browser already has the new cookie when the late response arrives."""
    late = client_of(alice)
    Session.objects.all().delete()
    response = late.get("/chats/")
    assert response.status_code == 302
    assert NAME not in response.cookies


def test_a_logout_deletes_the_cookie(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    response = browser.post("/accounts/logout/")
    assert response.cookies[NAME]["max-age"] == 0
    assert not Session.objects.exists()


# --- Sliding expiry ---


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


def test_an_expired_session_is_not_restored(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    ends_in(key_of(browser), timedelta(seconds=-1))
    assert browser.get("/api/v1/me").status_code == 401
    assert sessions_renew([key_of(browser), "gone" * 8]) == 0


def test_a_publicly_cacheable_response_carries_no_session(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    ends_in(key_of(browser), timedelta(seconds=20))
    response = browser.get("/manifest/en.webmanifest")
    assert "public" in response["Cache-Control"]
    assert NAME not in response.cookies


def test_a_visitor_renews_nothing(db: None, client: Client) -> None:
    session = SessionStore()
    session["anything"] = "kept"
    session.save()
    ends_in(str(session.session_key), timedelta(days=1))
    client.cookies[NAME] = str(session.session_key)
    client.get("/accounts/login/")
    assert left_of(str(session.session_key)) < timedelta(days=2)


@pytest.mark.django_db(transaction=True)
async def test_an_open_socket_renews_only_its_own_session(
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


# --- Deleting expired sessions ---


def test_expired_sessions_and_devices_are_deleted_in_batches(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    browser.get("/chats/")
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
    assert (sessions_sweep(), devices_sweep()) == (4, 4)
    assert list(Session.objects.values_list("pk", flat=True)) == [key_of(browser)]
    assert {device.session_key for device in Device.objects.all()} == {key_of(browser), "n" * 32}, (
        "one of today may belong to a request in flight"
    )
