"""Security headers of every response."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path

from accounts.models import User
from dm_project.urls import urlpatterns as real_patterns

ClientOf = Callable[[User | None], Client]
PAGES = ["/", "/accounts/login/", "/accounts/signup/", "/nowhere/", "/healthz"]


def crash(request: object) -> HttpResponse:
    raise RuntimeError("deliberate")


urlpatterns = [*real_patterns, path("crash/", crash)]


def policy_of(response: HttpResponse) -> dict[str, str]:
    parts = [
        part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";") if part.strip()
    ]
    return {part[0]: part[1] if len(part) > 1 else "" for part in parts}


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_every_page_carries_the_strict_policy(client: Client, page: str) -> None:
    response = client.get(page)
    policy = policy_of(response)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_every_page_carries_the_small_headers(client: Client, page: str) -> None:
    headers = client.get(page).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert "Server" not in headers


def test_pages_of_logged_in_users_are_never_cached(alice: User, client_of: ClientOf) -> None:
    """The back button after logout, or a shared proxy, must not show a chat."""
    for page in ("/chats/", "/people/", "/invites/", "/settings/profile/"):
        response = client_of(alice).get(page)
        assert response.status_code == 200, page
        assert "no-store" in response["Cache-Control"], page


@pytest.mark.django_db
@override_settings(ROOT_URLCONF="tests.project.test_security_headers")
def test_a_crash_is_a_plain_page_with_the_same_headers() -> None:
    client = Client(raise_request_exception=False)
    response = client.get("/crash/")
    assert response.status_code == 500
    assert policy_of(response)["default-src"] == "'none'"
    assert b"deliberate" not in response.content
    assert b"Traceback" not in response.content


@pytest.mark.django_db
def test_a_form_without_its_token_is_rejected() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/accounts/login/", {"login": "alice", "password": "whatever it is"})
    assert response.status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"])
def test_an_unknown_host_gets_no_page(client: Client, host: str) -> None:
    """A forged Host must not get into links of pages and emails."""
    assert client.get("/accounts/login/", headers={"host": host}).status_code == 400


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(alice: User, client_of: ClientOf) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": "alice", "password": "correct horse battery"})
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    assert session["httponly"] is True
    assert session["samesite"] == "Lax"
    assert session["path"] == "/"
    assert not session["domain"]


@pytest.mark.django_db
def test_metrics_do_not_exist_without_a_token(client: Client) -> None:
    assert client.get("/metrics").status_code == 404
    with override_settings(METRICS_TOKEN="a token of the operator"):
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"authorization": "Bearer another token"}).status_code == 404
        assert (
            client.get("/metrics", headers={"authorization": "Bearer a token of the operator"}).status_code
            == 200
        )
