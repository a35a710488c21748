"""Origin check of handshakes: only pages of this exact origin may open a socket (docs/threats.md T7)."""

from typing import Any

import pytest

from dm_project.handshakes.origin import ExactOriginValidator, host_without_port, is_own_origin

PUBLIC = "https://chat.example.org"


@pytest.fixture
def public(settings: Any) -> None:
    settings.PUBLIC_ORIGIN = PUBLIC


@pytest.fixture
def private(settings: Any) -> None:
    """Nothing configured: only this machine's own names are trusted."""
    settings.PUBLIC_ORIGIN = ""


@pytest.mark.usefixtures("public")
def test_with_a_public_address_there_is_one_origin() -> None:
    assert is_own_origin(PUBLIC, "chat.example.org")
    assert is_own_origin(PUBLIC, "127.0.0.1:8000"), "a proxy may use another host name for us"


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://chat.example.org",
        "https://chat.example.org:443",
        "https://chat.example.org:8443",
        "https://chat.example.org/",
        "https://chat.example.org.evil.example",
        "https://evil.example",
        "https://evilchat.example.org",
        "https://sub.chat.example.org",
        "https://user@chat.example.org",
        "https://chat.example.org@evil.example",
        "HTTPS://CHAT.EXAMPLE.ORG",
        "wss://chat.example.org",
        "chat.example.org",
        "https://chat.example.org evil",
        "https://chat.example.org\t",
        "file://",
        "http://localhost:8000",
    ],
)
def test_every_other_origin_is_foreign(origin: str) -> None:
    assert not is_own_origin(origin, "chat.example.org")
    assert not is_own_origin(origin, origin.split("://")[-1])


@pytest.mark.usefixtures("private")
@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "localhost", "127.0.0.1"])
def test_without_a_public_address_the_loopback_host_of_the_handshake_counts(host: str) -> None:
    assert is_own_origin(f"http://{host}", host)
    for foreign in (
        f"https://{host}",
        f"http://{host}1",
        f"http://{host}/",
        "http://localhost:1",
        "null",
        "",
    ):
        assert not is_own_origin(foreign, host)


@pytest.mark.usefixtures("private")
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example:80",
        "10.0.0.7:8000",
        "[::2]:8000",
        "",
        ":8000",
    ],
)
def test_a_name_that_merely_resolves_here_is_not_trusted(host: str) -> None:
    """DNS rebinding: the page of evil.example has the right origin for its own host."""
    assert not is_own_origin(f"http://{host}", host)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:8000", "localhost"),
        ("localhost", "localhost"),
        ("[::1]:8000", "[::1]"),
        ("[::1]", "[::1]"),
        ("127.0.0.1:1", "127.0.0.1"),
    ],
)
def test_the_port_is_removed_from_a_host(host: str, name: str) -> None:
    assert host_without_port(host) == name


class Application:
    """Stands in for the application behind the validator."""

    def __init__(self) -> None:
        self.is_reached = False
        self.sent: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.is_reached = True

    async def handshake(self, *headers: tuple[bytes, bytes]) -> bool:
        events = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1006}])

        async def receive() -> dict[str, Any]:
            return next(events)

        async def send(message: dict[str, Any]) -> None:
            self.sent.append(message)

        await ExactOriginValidator(self)(
            {"type": "websocket", "headers": list(headers), "path": "/ws/"}, receive, send
        )
        return self.is_reached


OWN, HOST = (b"origin", b"http://localhost:8000"), (b"host", b"localhost:8000")


@pytest.mark.usefixtures("private")
async def test_one_valid_origin_and_one_host_pass() -> None:
    assert await Application().handshake(HOST, OWN)
    assert await Application().handshake((b"host", b"LOCALHOST:8000"), OWN)


# Channels closes old connections of the database when it denies; another test may have left one.
@pytest.mark.django_db
@pytest.mark.usefixtures("private")
@pytest.mark.parametrize(
    "headers",
    [
        (),
        (HOST,),
        (OWN,),
        (HOST, OWN, OWN),
        (HOST, HOST, OWN),
        (HOST, OWN, (b"origin", b"https://evil.example")),
        (HOST, (b"origin", b"http://localhost:8000\xff")),
        (HOST, (b"origin", "http://lоcalhost:8000".encode())),
        ((b"host", b"\xff"), OWN),
        (HOST, (b"origin", b"http://[::1:8000")),
    ],
)
async def test_anything_else_is_rejected_before_the_application(
    headers: tuple[tuple[bytes, bytes], ...],
) -> None:
    application = Application()
    assert not await application.handshake(*headers)
    assert [message["type"] for message in application.sent] == ["websocket.close"], (
        "closed before it was accepted: a 403"
    )


async def test_the_validator_wraps_sockets_only() -> None:
    with pytest.raises(ValueError, match="sockets"):
        await ExactOriginValidator(Application())({"type": "http", "headers": []}, None, None)
