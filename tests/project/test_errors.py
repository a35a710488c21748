"""While database or Redis are unavailable, pages and API answer with a retry time, never with a traceback."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from redis.exceptions import ConnectionError as RedisUnavailable

from accounts.models import User

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User | None], Client]


@pytest.fixture
def browser(client_of: ClientOf, alice: User) -> Client:
    client = client_of(alice)
    client.raise_request_exception = False
    return client


@pytest.fixture
def no_database(browser: Client) -> Iterator[None]:
    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> None:
        raise OperationalError("server closed the connection; canary")

    with connection.execute_wrapper(fail):
        yield


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize("path", ["/chats/", "/people/", "/invites/", "/settings/privacy/"])
def test_a_page_without_its_database_is_503_with_a_retry_time(browser: Client, path: str) -> None:
    page = browser.get(path)
    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert b"canary" not in page.content
    assert b"Wait a moment and reload the page" in page.content


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize("path", ["me", "people", "conversations", "invites"])
def test_the_api_without_its_database_is_a_retryable_problem(browser: Client, path: str) -> None:
    answer = browser.get(f"/api/v1/{path}")
    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (
        503,
        "application/problem+json",
        "1",
    )
    assert (answer.json()["code"], answer.json()["retryable"]) == ("busy", True)


def test_an_unavailable_cache_is_503(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: Any, **values: Any) -> None:
        raise RedisUnavailable("refused")

    monkeypatch.setattr("conversations.views.pages.people_page", fail)
    assert browser.get("/people/").status_code == 503


def test_any_other_error_is_500_on_a_page_and_a_problem_in_the_api(
    browser: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*words: Any, **values: Any) -> None:
        raise ZeroDivisionError("can" + "ary")

    monkeypatch.setattr("conversations.views.pages.people_page", fail)
    monkeypatch.setattr("conversations.api.routes.people_page", fail)
    page = browser.get("/people/")
    assert (page.status_code, page.has_header("Retry-After")) == (500, False)
    caplog.clear()
    answer = browser.get("/api/v1/people")
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (
        500,
        "application/problem+json",
        "internal",
    )
    assert "ZeroDivisionError" in caplog.text
    assert "canary" not in caplog.text


def fail_in_middleware(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a middleware fail, before any route is called."""

    def fail(*words: Any) -> None:
        raise error

    monkeypatch.setattr("dm_project.rate_limit.address_of", fail)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(OperationalError("x"), 503, "busy"), (ZeroDivisionError("x"), 500, "internal")],
)
def test_an_error_in_a_middleware_is_a_problem_too(
    error: Exception, status: int, code: str, browser: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS = True
    fail_in_middleware(error, monkeypatch)
    answer = browser.get("/api/v1/me")
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (
        status,
        "application/problem+json",
        code,
    )
    assert browser.get("/people/")["Content-Type"].startswith("text/html")


def test_an_unknown_host_is_a_problem_in_the_api() -> None:
    answer = Client().get("/api/v1/me", headers={"host": "elsewhere.example"})
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (
        400,
        "application/problem+json",
        "bad_frame",
    )


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_api_path_is_a_problem_too(client: Client, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)("/api/v1/nothing/at/all")
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (
        404,
        "application/problem+json",
        "not_found",
    )


def test_a_browser_without_cookies_and_an_outdated_page_get_different_advice(db: None) -> None:
    form = {"login": "alice", "password": "correct horse battery"}
    blocked = Client(enforce_csrf_checks=True)
    answer = blocked.post("/accounts/login/", form)
    assert (answer.status_code, "Cookies are needed here" in answer.text) == (403, True)
    old = Client(enforce_csrf_checks=True)
    old.get("/accounts/login/")
    answer = old.post("/accounts/login/", form)
    assert (answer.status_code, "This page is out of date" in answer.text) == (403, True)
