"""The list of devices, and revoking sessions."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.devices import device_record, devices_list
from accounts.models import Device, User
from accounts.signals import session_revoked
from tests.accounts.conftest import PASSWORD, is_signed_in

PAGE = "/settings/devices/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1"


def sign_in(user_agent: str = FIREFOX, login: str = "alice", password: str = PASSWORD) -> Client:
    client = Client(headers={"user-agent": user_agent})
    assert client.post("/accounts/login/", {"login": login, "password": password}).status_code == 302
    return client


@pytest.fixture
def laptop(alice: User) -> Client:
    return sign_in()


@pytest.fixture
def phone(alice: User) -> Client:
    return sign_in(PHONE)


@pytest.fixture
def ended() -> Any:
    keys: list[str] = []

    def note(session_key: str, **kwargs: Any) -> None:
        keys.append(session_key)

    session_revoked.connect(note)
    yield keys
    session_revoked.disconnect(note)


def names(client: Client) -> list[tuple[str, bool]]:
    return [(device.appearance.system, device.is_this) for device in client.get(PAGE).context["devices"]]


def test_every_session_is_listed_in_words_the_current_one_first(laptop: Client, phone: Client) -> None:
    assert names(laptop) == [("Linux", True), ("iPhone", False)]
    page = phone.get(PAGE).text
    for words in (
        "Safari on iPhone",
        "Firefox on Linux",
        "This device",
        "Active now",
        "Log out everywhere else",
    ):
        assert words in page


def test_alice_revokes_her_phone_from_the_laptop(laptop: Client, phone: Client, ended: list[str]) -> None:
    key = phone.session.session_key
    there = next(device for device in laptop.get(PAGE).context["devices"] if not device.is_this)
    assert laptop.post(PAGE, {"device": there.id})["Location"] == PAGE
    assert ended == [key]
    assert phone.get("/chats/").status_code == 302
    assert not is_signed_in(phone)
    assert names(laptop) == [("Linux", True)]
    assert "1 device logged out." not in laptop.get(PAGE).text, "shown once"


def test_revoking_a_device_again_is_no_error(laptop: Client, phone: Client) -> None:
    there = next(device for device in laptop.get(PAGE).context["devices"] if not device.is_this)
    laptop.post(PAGE, {"device": there.id})
    answer = laptop.post(PAGE, {"device": there.id}, follow=True)
    assert (answer.status_code, "This device has already been logged out." in answer.text) == (200, True)


def test_revoking_all_others_leaves_only_this_one(laptop: Client, phone: Client, ended: list[str]) -> None:
    tablet = sign_in(PHONE)
    answer = laptop.post(PAGE, {"others": "1"}, follow=True)
    assert "2 devices logged out." in answer.text
    assert sorted(ended) == sorted(
        str(client.cookies[settings.SESSION_COOKIE_NAME].value) for client in (phone, tablet)
    )
    assert [is_signed_in(client) for client in (laptop, phone, tablet)] == [True, False, False]
    assert "You aren’t logged in anywhere else." in laptop.post(PAGE, {"others": "1"}, follow=True).text


def test_mallory_cannot_revoke_the_device_of_another_user(
    laptop: Client, mallory: User, ended: list[str]
) -> None:
    """Any id that she sends is searched among her own devices (docs/threats.md T2)."""
    hers = sign_in(login="mallory")
    for wanted in (Device.objects.get(user__username="alice").pk, "", "-1", "x", "9" * 30, "٣"):
        assert hers.post(PAGE, {"device": wanted}).status_code == 303
    hers.post(PAGE, {"others": "1"})
    assert ended == []
    assert is_signed_in(laptop)


def test_the_current_device_cannot_be_revoked(laptop: Client) -> None:
    laptop.post(PAGE, {"device": Device.objects.get().pk})
    assert is_signed_in(laptop)


def test_revoking_requires_a_recent_authentication_and_then_continues(
    laptop: Client, phone: Client, settings: Any
) -> None:
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    answer = laptop.post(PAGE, {"others": "1"})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert is_signed_in(phone)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
    assert laptop.post(answer["Location"], {"password": PASSWORD})["Location"] == PAGE
    assert not is_signed_in(phone)


def test_a_new_password_revokes_the_others_and_keeps_this_one_with_its_date(
    laptop: Client, phone: Client
) -> None:
    Device.objects.update(created_at=timezone.now() - timedelta(days=20))
    laptop.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": "another horse battery"})
    (device,) = laptop.get(PAGE).context["devices"]
    assert device.is_this
    assert (timezone.now() - device.since).days == 20


def test_logging_out_removes_the_device_from_the_list(laptop: Client, phone: Client) -> None:
    phone.post("/accounts/logout/")
    assert names(laptop) == [("Linux", True)]
    assert Device.objects.count() == 1


def test_the_use_of_a_device_is_written_once_a_minute(alice: User, django_assert_num_queries: Any) -> None:
    now = timezone.now()
    note = {"user": alice, "session_key": "k" * 32, "user_agent": "x\x00\n" + "y" * 500, "now": now}
    device_record(**note)
    with django_assert_num_queries(0):
        device_record(**{**note, "now": now + timedelta(seconds=30)})
    assert Device.objects.get().user_agent == "x" + "y" * 199
    cache.clear()
    device_record(**{**note, "now": now + timedelta(seconds=61)})
    assert (Device.objects.get().created_at, Device.objects.get().active_at) == (
        now,
        now + timedelta(seconds=61),
    )


def test_no_ip_address_is_stored(alice: User) -> None:
    assert {field.name for field in Device._meta.get_fields()} == {
        "id",
        "public_id",
        "user",
        "session_key",
        "user_agent",
        "created_at",
        "active_at",
    }


def test_a_health_check_does_not_query_the_session(laptop: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        laptop.get("/healthz")


def test_the_devices_table_grants_no_access(laptop: Client, alice: User) -> None:
    """Viewing the list deletes a row whose session has expired."""
    Device.objects.create(user=alice, session_key="gone", created_at=timezone.now(), active_at=timezone.now())
    assert len(devices_list(user=alice, session_key="")) == 1
    assert Device.objects.count() == 1


def test_a_device_is_addressed_by_a_random_id_not_its_primary_key(
    laptop: Client, phone: Client, alice: User
) -> None:
    """Primary keys would reveal the number of logins on this server."""
    there = Device.objects.exclude(session_key=laptop.session.session_key).get()
    assert f'value="{there.public_id}"' in laptop.get(PAGE).text
    assert f'value="{there.pk}"' not in laptop.get(PAGE).text
    for wrong in (str(there.pk), "\0", "", "x" * 10_000):
        assert laptop.post(PAGE, {"device": wrong}).status_code == 303
    assert is_signed_in(phone)
