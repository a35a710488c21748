"""Cache of static files: it repeats what Django answered for a whole file, and nothing else."""

import asyncio
from typing import Any

import pytest
from django.core.asgi import get_asgi_application
from django.test import override_settings

from dm_project.staticfiles import memory
from dm_project.staticfiles.memory import StaticFileCache
from tests.rig.daphne_server import SharedStatics

FILE = "/static/css/kind-page.0123456789ab.css"
IMMUTABLE = (b"Cache-Control", b"max-age=315360000, public, immutable")
BROWSER = (b"accept-encoding", b"gzip, deflate, br, zstd")


class Site:
    """Django, as far as the cache knows it."""

    def __init__(self) -> None:
        self.requests = 0
        self.status = 200
        self.headers = [IMMUTABLE]
        self.parts = [b"body {", b"}"]
        self.is_cut = False

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.requests += 1
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers]})
        for number, part in enumerate(self.parts, start=1):
            more = number < len(self.parts) or self.is_cut
            await send({"type": "http.response.body", "body": part, "more_body": more})


async def ask(
    cache: StaticFileCache,
    path: str = FILE,
    method: str = "GET",
    *headers: tuple[bytes, bytes],
    query: bytes = b"",
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of one response."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(b"host", b"testserver"), *headers],
    }

    received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    received.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    await cache(scope, received.get, send)
    start, *bodies = sent
    return start["status"], start["headers"], b"".join(message.get("body", b"") for message in bodies)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def cache(site: Site) -> StaticFileCache:
    return StaticFileCache(site)


async def test_a_file_is_asked_for_once_and_repeated(cache: StaticFileCache, site: Site) -> None:
    first = await ask(cache, FILE, "GET", BROWSER)
    assert first == (200, [IMMUTABLE], b"body {}")
    assert await ask(cache, FILE, "GET", BROWSER) == first
    assert site.requests == 1


async def test_encodings_and_protocols_have_their_own_copies(cache: StaticFileCache, site: Site) -> None:
    variants = [
        [],
        [BROWSER],
        [(b"accept-encoding", b"gzip")],
        [(b"x-forwarded-proto", b"https")],
        [(b"x-forwarded-proto", b"http"), BROWSER],
    ]
    for number, headers in enumerate(variants, start=1):
        site.parts = [str(number).encode()]
        assert (await ask(cache, FILE, "GET", *headers))[2] == site.parts[0]
    for number, headers in enumerate(variants, start=1):
        assert (await ask(cache, FILE, "GET", *headers))[2] == str(number).encode()
    assert site.requests == len(variants)


@pytest.mark.parametrize(
    ("path", "method", "headers", "query"),
    [
        ("/chats/", "GET", [], b""),
        ("/media/static/", "GET", [], b""),
        (FILE, "HEAD", [], b""),
        (FILE, "POST", [], b""),
        (FILE, "GET", [(b"range", b"bytes=0-1")], b""),
        (FILE, "GET", [(b"if-none-match", b'"x"')], b""),
        (FILE, "GET", [(b"if-modified-since", b"Mon, 30 Nov 2026 00:00:00 GMT")], b""),
        (FILE, "GET", [(b"accept-encoding", b"mallory-1")], b""),
        (FILE, "GET", [BROWSER, BROWSER], b""),
        (FILE, "GET", [(b"x-forwarded-proto", b"http"), (b"x-forwarded-proto", b"https")], b""),
        (FILE, "GET", [(b"x-forwarded-proto", b"mallory")], b""),
        (FILE, "GET", [], b"1"),
    ],
)
async def test_other_requests_go_to_django_each_time(
    cache: StaticFileCache,
    site: Site,
    path: str,
    method: str,
    headers: list[tuple[bytes, bytes]],
    query: bytes,
) -> None:
    """Mallory cannot fill the cache with headers and queries of her own."""
    await ask(cache)
    for _ in range(2):
        await ask(cache, path, method, *headers, query=query)
    assert site.requests == 3
    assert len(cache.responses) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"status": 404},
        {"status": 301},
        {"headers": []},
        {"headers": [(b"Cache-Control", b"public, max-age=60")]},
        {"headers": [IMMUTABLE, (b"Set-Cookie", b"a=b")]},
        {"parts": [b"x" * memory.FILE_BYTES, b"y"]},
        {"is_cut": True},
    ],
    ids=lambda change: ", ".join(change),
)
async def test_a_response_that_may_change_or_is_not_whole_is_not_kept(
    cache: StaticFileCache, site: Site, change: dict[str, Any]
) -> None:
    vars(site).update(change)
    for _ in range(2):
        await ask(cache)
    assert site.requests == 2
    assert cache.responses == {}


async def test_the_cache_has_a_size(
    cache: StaticFileCache, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "TOTAL_BYTES", 10)
    for path in (FILE, f"{FILE}.other", FILE):
        await ask(cache, path)
    assert site.requests == 2
    assert cache.size == len("body {}")


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
async def test_the_copy_has_every_header_of_djangos_response(statics: SharedStatics) -> None:
    """Security headers, type, encoding: a script that is opened as a page keeps its policy."""
    folder = statics.collect()
    storages = {"staticfiles": {"BACKEND": "dm_project.staticfiles.storage.HashedModulesStorage"}}
    (sheet,) = (folder / "css").glob("kind-page.*.css")
    with override_settings(STATIC_ROOT=folder, STORAGES=storages):
        cache = StaticFileCache(get_asgi_application())
        path = f"/static/css/{sheet.name}"
        first = await ask(cache, path, "GET", BROWSER)
        assert await ask(cache, path, "GET", BROWSER) == first
        assert len(cache.responses) == 1
    names = {name.lower() for name, _ in first[1]}
    assert {b"content-security-policy", b"x-content-type-options", b"content-encoding", b"vary"} <= names
    assert len(first[2]) < sheet.stat().st_size
