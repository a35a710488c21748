"""Upload authorization: which clients may send a body above the usual limit."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import OperationalError

from accounts.models import User
from accounts.sessions import SessionStore
from dm_project.server import uploads
from dm_project.server.uploads import AuthorizationUnavailable, can_upload, is_logged_in


def session_of(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    assert session.session_key is not None
    return session.session_key


def test_only_the_session_of_an_active_account_counts(
    alice: User, mallory: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Called in the test's own thread, whose connection must stay open.
    monkeypatch.setattr(uploads, "close_old_connections", lambda: None)
    assert is_logged_in([session_of(alice)])
    assert is_logged_in(["o" * 32, session_of(alice)]), "a cookie of another service is tried first"
    key = session_of(mallory)
    mallory.is_active = False
    mallory.save()
    assert not is_logged_in([key])
    assert not is_logged_in(["a" * 32])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    found: list[list[str]] = []

    def note(keys: list[str]) -> bool:
        found.append(keys)
        return True

    monkeypatch.setattr(uploads, "is_logged_in", note)
    return found


@pytest.mark.parametrize(
    "cookies",
    ["", "other=1", "{name}=short", '{name}="a\\000b"', "{name}=" + "A" * 32, "x{name}=" + "a" * 32],
)
async def test_a_malformed_session_costs_no_query(cookies: str, asked: list[list[str]]) -> None:
    assert not await can_upload(cookies.format(name=settings.SESSION_COOKIE_NAME))
    assert asked == []


async def test_a_well_formed_session_is_looked_up(asked: list[list[str]]) -> None:
    assert await can_upload(f"a=b; {settings.SESSION_COOKIE_NAME}={'a' * 32}")
    assert asked == [["a" * 32]]


async def test_an_unavailable_database_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(keys: list[str]) -> Any:
        raise OperationalError

    monkeypatch.setattr(uploads, "is_logged_in", fail)
    with pytest.raises(AuthorizationUnavailable):
        await can_upload(f"{settings.SESSION_COOKIE_NAME}={'a' * 32}")


async def test_requests_over_the_queue_cost_no_query(
    asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_QUEUED", 0)
    with pytest.raises(AuthorizationUnavailable):
        await can_upload(f"{settings.SESSION_COOKIE_NAME}={'a' * 32}")
    assert asked == []
