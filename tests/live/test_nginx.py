"""deploy/nginx.conf in the system's nginx: forwarded headers, limits, response headers, and logs.

Most tests use an upstream that echoes its request; the last part uses Entre behind TLS.
"""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.conftest import or_skip
from tests.rig import files, programs
from tests.rig.daphne_server import EntreServer, SharedStatics, free_port
from tests.rig.nginx import HOST, NginxServer
from tests.rig.people import Person

TIMEOUT_S = 10.0
TOKEN = "8Fk2wQ7xLm4PzR9sVb3NcYtHdJgK6e1A"
FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "http",
    "Daphne-Root-Path": "/evil",
    "X_Forwarded_For": "6.6.6.6",
}
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Echo(BaseHTTPRequestHandler):
    """Stands in for Entre and responds with the request that it got."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        seen: dict[str, Any] = {
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
        }
        kind = "text/html" if self.path.startswith("/page") else "application/json"
        body = (json.dumps(seen) + " " * 4000).encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        # As Django sends it behind TLS.
        self.send_header("Strict-Transport-Security", "max-age=31536000")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *words: Any) -> None: ...


def start_nginx(stack: ExitStack, upstream_port: int, tls_port: int, **options: Path) -> NginxServer:
    try:
        return stack.enter_context(
            NginxServer(upstream_port=upstream_port, tls_port=tls_port, plain_port=free_port(), **options)
        )
    except programs.MissingProgram as reason:
        or_skip(reason)


@pytest.fixture(scope="module")
def echoing() -> Iterator[NginxServer]:
    """nginx in front of the echoing upstream."""
    with ExitStack() as stack:
        upstream = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Echo))
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        stack.callback(upstream.shutdown)
        yield start_nginx(stack, upstream.server_port, free_port())


@pytest.fixture
def alone() -> Iterator[NginxServer]:
    """nginx in front of an upstream that is down."""
    with ExitStack() as stack:
        yield start_nginx(stack, free_port(), free_port())


@pytest.fixture(scope="module")
def entre(statics: SharedStatics) -> Iterator[NginxServer]:
    """nginx in front of Entre, configured as the first lines of nginx.conf say."""
    with ExitStack() as stack:
        tls_port = free_port()
        files = Path(stack.enter_context(TemporaryDirectory(prefix="entre-files-")))
        server = stack.enter_context(
            EntreServer(
                statics,
                PUBLIC_URL=f"https://{HOST}:{tls_port}",
                TRUSTED_PROXIES="1",
                ATTACHMENTS_DIR=str(files),
                FILES_BY_NGINX="on",
            )
        )
        yield start_nginx(stack, server.ports[0], tls_port, files=files)


# --- What reaches Entre ---


def headers_at(nginx: NginxServer, path: str, **sent: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with nginx.browser() as browser:
        answer = browser.get(path, headers=sent)
    for name, value in answer.json()["headers"]:
        found.setdefault(name, []).append(value)
    return found


PROXY_HEADERS = (
    "host",
    "x-forwarded-for",
    "x-forwarded-proto",
    "daphne-root-path",
    "x_forwarded_for",
    "x-forwarded-host",
)
PATHS = [
    "/",
    "/ws/",
    "/ws/chat/dm-x/",
    "/api/v1/me",
    "/settings/profile/picture/",
    f"/i/{TOKEN}/",
    "/static/x.css",
    "/files/7c9e6679-7425-40de-944b-e07fc1f90ae7/notes.txt",
    "/api/v1/attachments",
    f"/chats/dm-{'a' * 32}/",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("more", [{}, HANDSHAKE], ids=["request", "handshake"])
def test_every_location_sets_the_same_client_headers(
    echoing: NginxServer, path: str, more: dict[str, str]
) -> None:
    """A location with a header of its own loses all inherited ones, and would pass on those of the client."""
    seen = headers_at(echoing, path, **FORGED, **more)
    assert {name: seen.get(name) for name in PROXY_HEADERS} == {
        "host": [f"{HOST}:{echoing.tls_port}"],
        "x-forwarded-for": ["127.0.0.1"],
        "x-forwarded-proto": ["https"],
        "daphne-root-path": None,
        "x_forwarded_for": None,
        "x-forwarded-host": None,
    }


def test_only_a_socket_is_upgraded(echoing: NginxServer) -> None:
    socket = headers_at(echoing, "/ws/", **HANDSHAKE)
    assert (socket["upgrade"], socket["connection"]) == (["websocket"], ["upgrade"])
    for asked in ("h2c", "TLS/1.0"):
        other = headers_at(echoing, "/", Upgrade=asked, Connection="Upgrade")
        assert "upgrade" not in other
        assert "connection" not in other


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/accounts/login/", 2**20, 200),
        ("/accounts/login/", 2**20 + 1, 413),
        ("/settings/profile/picture/", 8 * 2**20 + 65_536, 200),
        ("/settings/profile/picture/", 10 * 2**20, 413),
        ("/settings/profile/picture/remove/", 2**21, 413),
        ("/api/v1/attachments", 8 * 2**20 + 65_536, 200),
        ("/api/v1/attachments", 10 * 2**20, 413),
        ("/api/v1/attachments/7c9e6679-7425-40de-944b-e07fc1f90ae7", 2**20, 200),
        ("/api/v1/attachments/7c9e6679-7425-40de-944b-e07fc1f90ae7", 2**20 + 1, 413),
        (f"/chats/dm-{'a' * 32}/", 8 * 2**20 + 65_536, 200),
        (f"/chats/dm-{'a' * 32}/1/", 2**21, 413),
        ("/api/v1/sync", 2**21, 413),
    ],
)
def test_nginx_rejects_a_body_that_entre_would_reject(
    echoing: NginxServer, path: str, size: int, status: int
) -> None:
    with echoing.browser() as browser:
        assert browser.post(path, content=b"x" * size).status_code == status


def test_plain_http_redirects_to_tls_at_our_own_name(echoing: NginxServer) -> None:
    answer = httpx.get(f"http://127.0.0.1:{echoing.plain_port}/people/?q=x", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://{HOST}/people/?q=x")


def test_metrics_are_not_public(echoing: NginxServer) -> None:
    for path in ("/metrics", "/%6Detrics", "//metrics", "/metrics/", "/x/../metrics"):
        assert echoing.status_of(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n") == 404


# --- Response headers ---


def test_every_response_has_one_hsts_header(echoing: NginxServer, alone: NginxServer) -> None:
    with echoing.browser() as browser, alone.browser() as unlucky:
        answers = [
            browser.get("/"),
            browser.get("/metrics"),
            browser.post("/", content=b"x" * 2**21),
            unlucky.get("/ws/"),
        ]
    assert [answer.status_code for answer in answers] == [200, 404, 413, 502]
    assert {tuple(answer.headers.get_list("Strict-Transport-Security")) for answer in answers} == {
        ("max-age=31536000",)
    }


@pytest.mark.parametrize(
    ("path", "encoding"),
    [
        ("/page/", "gzip"),
        ("/api/v1/conversations", "gzip"),
        ("/api/v1/people?q=x", "gzip"),
        ("/page/?q=x", None),
        (f"/i/{TOKEN}/", None),
    ],
)
def test_a_page_that_repeats_its_query_is_not_compressed(
    echoing: NginxServer, path: str, encoding: str | None
) -> None:
    """Its length would reveal private text on the same page, guess by guess (BREACH)."""
    with echoing.browser() as browser:
        answer = browser.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers.get("Content-Encoding") == encoding
    assert answer.json() if encoding is None else answer.status_code == 200


# --- Logs ---

SPELLINGS = [
    f"/i/{TOKEN}/",
    f"/i/{TOKEN}",
    f"/i//{TOKEN}/",
    f"//i/{TOKEN}/",
    f"/%69/{TOKEN}/",
    f"/i%2F{TOKEN}/",
    f"/I/{TOKEN}/",
    f"/i/./{TOKEN}/",
    f"/x/../i/{TOKEN}/",
    f"/en/i/{TOKEN}/",
    f"/accounts/password/reset/key/2-{TOKEN}/",
    f"/accounts/password//reset/key/2-{TOKEN}/",
    f"/accounts/login/?next=/i/{TOKEN}/",
    f"/?q={TOKEN}",
]


def request_every_spelling(nginx: NginxServer) -> set[int]:
    """Sent as raw bytes, because HTTP clients normalize URLs."""
    referrers = (f"{nginx.origin}/i/{TOKEN}/", f"{nginx.origin}/accounts/login/?next=/i/{TOKEN}/")
    heads = [
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nReferer: {referrer}\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
        for path in [*SPELLINGS, f"https://{HOST}/i/{TOKEN}/", "/static/x.css"]
        for referrer in referrers
        for method, length in (("GET", 0), ("POST", 2**21))
    ]
    return {nginx.status_of(head, tls=tls) for head in heads for tls in (True, False)}


def test_no_log_contains_the_token_of_an_invite_in_any_spelling(echoing: NginxServer) -> None:
    assert request_every_spelling(echoing) >= {200, 308, 413}
    logs = echoing.logs()
    assert "/i/-" in logs["entre.log"]
    assert [line for text in logs.values() for line in text.splitlines() if TOKEN in line] == []


def test_no_log_contains_the_token_while_entre_is_unavailable(alone: NginxServer) -> None:
    assert request_every_spelling(alone) >= {502, 308, 413}
    logs = alone.logs()
    assert '"GET /i/-" 502' in logs["entre.log"]
    assert [line for text in logs.values() for line in text.splitlines() if TOKEN in line] == []


# --- Entre itself ---


@pytest.fixture
def visitor(entre: NginxServer) -> Iterator[Callable[[str], Person]]:
    with ExitStack() as stack:

        def sign_up(username: str) -> Person:
            person = Person(entre.origin, username)
            person.http.close()
            person.http = stack.enter_context(entre.browser())
            person.sign_up()
            return person

        yield sign_up


async def test_two_people_talk_over_tls(entre: NginxServer, visitor: Callable[[str], Person]) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    assert {cookie.name for cookie in alice.http.cookies.jar} >= {"__Host-sessionid", "__Host-csrftoken"}
    room = alice.open_chat_with(bob)
    context = ssl.create_default_context(cafile=str(entre.folder / "fullchain.pem"))
    headers = {"Cookie": bob.cookies, "Origin": entre.origin}
    there = {"host": "127.0.0.1", "port": entre.tls_port, "server_hostname": HOST, "ssl": context}
    async with connect(
        f"wss://{HOST}:{entre.tls_port}/ws/", additional_headers=headers, proxy=None, **there
    ) as socket:
        assert json.loads(await socket.recv())["type"] == "connection_established"
        assert alice.write(room, "over TLS", str(uuid4())).status_code == 201
        async with asyncio.timeout(TIMEOUT_S):
            while (frame := json.loads(await socket.recv()))["type"] != "message.created":
                pass
        assert frame["message"]["body"] == "over TLS"


def test_limits_count_clients_by_their_real_address(entre: NginxServer) -> None:
    """Two addresses that claim the same one: only the client that guesses invites is limited."""

    def guesses(address: str) -> list[int]:
        with entre.browser(address) as browser:
            return [
                browser.get(f"/i/{uuid4().hex}/", headers={"X-Forwarded-For": "6.6.6.6"}).status_code
                for _ in range(12)
            ]

    assert 429 in guesses("127.0.0.10")
    assert guesses("127.0.0.11")[0] != 429


def test_nginx_serves_files_after_entre_has_checked_the_reader(
    entre: NginxServer, visitor: Callable[[str], Person]
) -> None:
    alice, bob, mallory = visitor("anna"), visitor("boris"), visitor("mallory")
    room = alice.open_chat_with(bob)
    data = files.bytes_of(3 * files.PART + 5)
    sent = files.upload(alice, data, name="film été.bin")
    assert files.send_files(alice, room, sent["id"]).status_code == 201
    address = f"/files/{sent['id']}/film"
    whole = bob.http.get(address)
    assert whole.content == data
    assert {name: whole.headers[name] for name in EXPECTED} == EXPECTED
    assert not {"X-Accel-Redirect", "Last-Modified"} & whole.headers.keys()
    part = bob.http.get(address, headers={"Range": "bytes=1000-1999", "If-Range": whole.headers["ETag"]})
    assert (part.status_code, part.content) == (206, data[1_000:2_000])
    changed = bob.http.get(address, headers={"Range": "bytes=1000-1999", "If-Range": '"other"'})
    assert (changed.status_code, len(changed.content)) == (200, len(data))
    assert bob.http.get(address, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
    head = bob.http.head(address)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(data)))
    same = bob.http.get(address, headers={"If-None-Match": whole.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert mallory.http.get(address).status_code == 404
    with entre.browser() as stranger:
        assert stranger.get(address).status_code == 404
    assert alice.api("DELETE", f"/conversations/{room}/messages/1").status_code == 200
    assert bob.http.get(address, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 404


EXPECTED = {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": "attachment; filename=\"film _t_.bin\"; filename*=UTF-8''film%20%C3%A9t%C3%A9.bin",
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "Accept-Ranges": "bytes",
    "Vary": "Cookie",
}


def test_the_folder_of_files_is_not_public(entre: NginxServer, visitor: Callable[[str], Person]) -> None:
    """Not even for a client that knows a name in it."""
    anna = visitor("agatha")
    files.upload(anna, b"hello")
    stored = [path for path in Path(entre.files).rglob("*") if path.is_file()]
    assert stored
    for path in stored:
        for prefix in ("/entre-files/", "/files/../entre-files/", "/entre-files//", "/entre%2Dfiles/"):
            name = path.relative_to(entre.files)
            assert anna.http.get(f"{prefix}{name}").status_code == 404
