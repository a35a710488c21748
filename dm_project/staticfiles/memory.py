"""In-memory cache of static files: ASGI middleware in front of Django, for servers without nginx.

A page loads some eighty files. Through Django each costs a thread and all middleware, several times what the
transfer costs.
"""

from typing import Any

from django.conf import settings

FILE_BYTES, TOTAL_BYTES = 512 * 1024, 16 * 1024 * 1024
ENCODINGS = frozenset({b"", b"gzip", b"gzip, deflate", b"gzip, deflate, br", b"gzip, deflate, br, zstd"})
"""Values of Accept-Encoding that browsers send. With invented ones a client could fill the cache, so their
requests go to Django."""
PROTOCOLS = frozenset({b"", b"http", b"https"})
PARTIAL = frozenset({b"range", b"if-none-match", b"if-modified-since"})

Key = tuple[str, bytes, bytes, str]
Message = dict[str, Any]


class StaticFileCache:
    """Repeats the response that Django gave for a file, with all its headers.

    Only for GET requests of a whole file, and only responses that Django has marked `immutable`: their names
    contain a digest of their content, so no copy becomes outdated.
    """

    def __init__(self, application: Any) -> None:
        self.application = application
        self.responses: dict[Key, tuple[Message, Message]] = {}
        self.size = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        key = key_of(scope)
        if key is None:
            await self.application(scope, receive, send)
        elif key in self.responses:
            for message in self.responses[key]:
                await send(message)
        else:
            recorder = Recorder(send)
            await self.application(scope, receive, recorder.send)
            self.keep(key, recorder)

    def keep(self, key: Key, recorder: "Recorder") -> None:
        if recorder.is_whole and self.size + len(recorder.body) <= TOTAL_BYTES and key not in self.responses:
            self.size += len(recorder.body)
            body = {"type": "http.response.body", "body": bytes(recorder.body)}
            self.responses[key] = recorder.start, body


def key_of(scope: dict[str, Any]) -> Key | None:
    """What the response depends on; None if it is not for this cache."""
    if scope["method"] != "GET" or scope.get("query_string"):
        return None
    if not scope["path"].startswith(settings.STATIC_URL):
        return None
    values = {b"accept-encoding": b"", b"x-forwarded-proto": b""}
    for name, value in scope["headers"]:
        # Django joins repeated headers, so the last one alone would be another question.
        if name in PARTIAL or values.get(name):
            return None
        if name in values:
            values[name] = value
    encoding, protocol = values.values()
    if encoding not in ENCODINGS or protocol not in PROTOCOLS:
        return None
    return scope["path"], encoding, protocol, scope.get("scheme", "http")


class Recorder:
    """Forwards a response, and copies it if it may be kept."""

    def __init__(self, send: Any) -> None:
        self.forward = send
        self.start: Message = {}
        self.body = bytearray()
        self.is_recording = self.is_whole = False

    async def send(self, message: Message) -> None:
        await self.forward(message)
        if message["type"] == "http.response.start":
            headers = {name.lower(): value for name, value in message["headers"]}
            self.is_recording = (
                message["status"] == 200
                and b"immutable" in headers.get(b"cache-control", b"")
                and b"set-cookie" not in headers
            )
            self.start = message
        elif self.is_recording:
            self.body += message.get("body", b"")
            self.is_recording = len(self.body) <= FILE_BYTES
            self.is_whole = self.is_recording and not message.get("more_body", False)
