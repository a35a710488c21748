"""HTTP concurrency limit: separate bounded queues, and a timeout for waiting requests."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from dm_project import concurrency
from dm_project.concurrency import RequestLimit
from dm_project.handshakes.limit import ConcurrencyLimit


class Site:
    """An application whose requests finish when the test lets them."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go_on = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.begun.append(scope["path"])
        assert (await receive())["type"] == "http.request", "messages received while waiting are passed on"
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


class Request:
    def __init__(
        self,
        limit: RequestLimit,
        path: str,
        method: str = "GET",
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        self.sent: list[dict[str, Any]] = []
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.incoming.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self.task = asyncio.ensure_future(
            limit(
                {"type": "http", "path": path, "method": method, "headers": headers or []},
                self.incoming.get,
                self.send,
            )
        )

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])


@pytest.fixture
async def site() -> Site:
    return Site()


@pytest.fixture
async def limit(site: Site) -> RequestLimit:
    found = RequestLimit(site)
    found.pages = ConcurrencyLimit(max_concurrent=2, max_queued=1, timeout_seconds=30.0)
    found.passwords = ConcurrencyLimit(max_concurrent=1, max_queued=1, timeout_seconds=30.0)
    return found


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        # There is nothing to wait for but iterations of the loop.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_requests_over_the_limit_wait_and_over_the_queue_get_503(
    site: Site, limit: RequestLimit
) -> None:
    inside = [Request(limit, "/chats/") for _ in range(2)]
    await wait_until(lambda: len(site.begun) == 2)
    waiting = Request(limit, "/people/")
    await wait_until(lambda: limit.pages.queued == 1)
    refused = Request(limit, "/invites/")
    await refused.task
    headers = dict(refused.sent[0]["headers"])
    assert (refused.status, headers[b"Retry-After"]) == (503, b"5")
    assert headers[b"Content-Security-Policy"].startswith(b"default-src 'none'")
    program = Request(limit, "/api/v1/people")
    await program.task
    headers = dict(program.sent[0]["headers"])
    assert (program.status, headers[b"Retry-After"], headers[b"Content-Type"]) == (
        503,
        b"5",
        b"application/problem+json",
    )
    assert json.loads(program.sent[1]["body"])["code"] == "busy"
    assert site.begun == ["/chats/"] * 2
    site.go_on.set()
    await asyncio.gather(waiting.task, *(request.task for request in inside))
    assert {request.status for request in [*inside, waiting]} == {200}
    assert limit.pages.queued == 0
    assert not limit.pages.semaphore.locked()


async def test_a_request_that_waits_too_long_gets_503(site: Site, limit: RequestLimit) -> None:
    limit.pages.timeout_seconds = 0.01
    inside = [Request(limit, "/chats/") for _ in range(2)]
    waiting = Request(limit, "/people/")
    await waiting.task
    assert waiting.status == 503
    site.go_on.set()
    await asyncio.gather(*(request.task for request in inside))


async def test_a_client_that_disconnects_while_waiting_costs_no_work(site: Site, limit: RequestLimit) -> None:
    inside = [Request(limit, "/chats/") for _ in range(2)]
    waiting = Request(limit, "/people/")
    await wait_until(lambda: limit.pages.queued == 1)
    waiting.incoming.put_nowait({"type": "http.disconnect"})
    await waiting.task
    assert waiting.sent == []
    site.go_on.set()
    await asyncio.gather(*(request.task for request in inside))
    assert "/people/" not in site.begun


async def test_pages_logins_and_health_checks_do_not_delay_each_other(
    site: Site, limit: RequestLimit
) -> None:
    requests = [
        Request(limit, "/chats/"),
        Request(limit, "/chats/"),
        Request(limit, "/accounts/login/", "pOST"),
        Request(limit, "/readyz"),
    ]
    await wait_until(lambda: len(site.begun) == 4)
    extra = Request(limit, "/admin/login/", "POST")
    await wait_until(lambda: limit.passwords.queued == 1)
    site.go_on.set()
    await asyncio.gather(extra.task, *(request.task for request in requests))


async def test_a_failed_request_releases_its_slot(limit: RequestLimit) -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    limit.application = fail
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await Request(limit, "/chats/").task
    assert not limit.pages.semaphore.locked()


async def test_password_responses_take_constant_time_and_hold_no_slot(
    site: Site, limit: RequestLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quick response would reveal that there was no password to hash."""
    slept: list[float] = []
    real_sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        slept.append(seconds)
        assert not limit.passwords.semaphore.locked(), "the slot is free while the response waits"
        await real_sleep(0)

    monkeypatch.setattr(concurrency.asyncio, "sleep", note)
    site.go_on.set()
    answered = Request(limit, "/accounts/login/", "POST")
    await answered.task
    assert len(slept) == 1
    assert 0 < slept[0] <= concurrency.PASSWORD_ANSWER_SECONDS
    assert [message["type"] for message in answered.sent] == ["http.response.start", "http.response.body"]
    await Request(limit, "/accounts/login/").task
    assert len(slept) == 1, "a page is not delayed"


async def test_a_client_that_reads_slowly_holds_no_slot(limit: RequestLimit) -> None:
    """Sixteen slow downloads would otherwise keep every page from every user."""
    taken = asyncio.Event()

    class SlowReader(Request):
        async def send(self, message: dict[str, Any]) -> None:
            await super().send(message)
            if message["type"] == "http.response.body":
                await taken.wait()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        await send({"type": "http.response.body", "body": b"end"})

    limit.application = answer
    slow = [SlowReader(limit, "/files/1/film") for _ in range(8)]
    await wait_until(lambda: all(len(request.sent) == 2 for request in slow))
    page = Request(limit, "/chats/")
    await page.task
    assert page.status == 200
    taken.set()
    await asyncio.gather(*(request.task for request in slow))
    assert not limit.pages.semaphore.locked()


async def test_uploads_wait_in_their_own_queue_and_are_not_read_meanwhile(
    site: Site, limit: RequestLimit
) -> None:
    limit.uploads = ConcurrencyLimit(max_concurrent=1, max_queued=4, timeout_seconds=30.0)
    path = "/api/v1/attachments/7c9e6679-7425-40de-944b-e07fc1f90ae7"
    inside = Request(limit, path, "PATCH")
    await wait_until(lambda: len(site.begun) == 1)
    disconnected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    scope = {"type": "http", "path": path, "method": "PATCH", "disconnected": lambda: disconnected}
    waiting = Request(limit, path, "PATCH")
    waiting.task.cancel()
    waiting.task = asyncio.ensure_future(limit(scope, waiting.incoming.get, waiting.send))
    await wait_until(lambda: limit.uploads.queued == 1)
    assert waiting.incoming.qsize() == 1, "its body stays in its file"
    pages = [Request(limit, "/chats/"), Request(limit, path)]
    await wait_until(lambda: len(site.begun) == 3)
    disconnected.set_result(None)
    await waiting.task
    assert waiting.sent == []
    site.go_on.set()
    await asyncio.gather(inside.task, *(page.task for page in pages))
    assert len(site.begun) == 3


async def test_one_session_has_only_a_share_of_the_uploads(site: Site, limit: RequestLimit) -> None:
    """docs/threats.md T40: pictures that take seconds each, over a hundred connections of one user."""
    path = "/api/v1/attachments/7c9e6679-7425-40de-944b-e07fc1f90ae7"
    name = settings.SESSION_COOKIE_NAME.encode()
    mallory, alice = (
        [(b"cookie", b"theme=dark; " + name + b"=" + session)] for session in (b"mallory", b"alice")
    )
    flood = [Request(limit, path, "PATCH", mallory) for _ in range(100)]
    await wait_until(lambda: len(site.begun) == concurrency.SHARE)
    other = Request(limit, f"{path}/", "PATCH", alice)
    await wait_until(lambda: f"{path}/" in site.begun)
    assert len(site.begun) == concurrency.SHARE + 1
    site.go_on.set()
    await asyncio.gather(other.task, *(request.task for request in flood))
    assert {request.status for request in [other, *flood]} == {200}
    assert limit.shares == {}
    assert not limit.uploads.semaphore.locked()


async def test_a_form_with_files_is_an_upload_and_one_with_a_text_is_a_page(
    site: Site, limit: RequestLimit
) -> None:
    """Files of a plain form take as long as those of the API, and must not hold the pages."""
    limit.uploads = ConcurrencyLimit(max_concurrent=1, max_queued=4, timeout_seconds=30.0)
    room = "/chats/dm-2q2qkl6mbgzduynrdakhqabbq6m3r65w/"

    def form(length: int) -> Request:
        return Request(limit, room, "POST", headers=[(b"content-length", str(length).encode())])

    files = [form(8_000_000), form(8_000_000)]
    await wait_until(lambda: any(share.queued or limit.uploads.queued for share in limit.shares.values()))
    texts = [form(concurrency.TEXT_FORM_BYTES), form(40)]
    await wait_until(lambda: len(site.begun) == 3)
    site.go_on.set()
    await asyncio.gather(*(request.task for request in [*files, *texts]))


async def test_uploads_that_wait_are_bounded_for_a_session_and_for_all(
    site: Site, limit: RequestLimit
) -> None:
    """Each keeps a body of up to 8 MiB on the disk."""
    limit.uploads = ConcurrencyLimit(max_concurrent=6, max_queued=20, timeout_seconds=30.0)
    name = settings.SESSION_COOKIE_NAME

    def upload(session: int) -> Request:
        return Request(
            limit, concurrency.UPLOADS, "POST", headers=[(b"cookie", f"{name}={session}".encode())]
        )

    own = [upload(1) for _ in range(14)]
    await wait_until(lambda: own[-1].sent != [])
    assert own[-1].status == 503, "three are in work, ten wait"
    others = [upload(session) for session in (2, 3, 4, 5) for _ in range(4)]
    await wait_until(lambda: others[-1].sent != [])
    assert others[-1].status == 503
    site.go_on.set()
    await asyncio.gather(*(request.task for request in [*own, *others]))
    assert sorted(request.status for request in own) == [200] * 13 + [503]
    assert limit.shares == {}
