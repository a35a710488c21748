"""The memory of a request is freed with its response, although requests are in reference cycles."""

import gc
import json
import tracemalloc
from io import BytesIO
from typing import Any

import pytest
from channels.testing import HttpCommunicator
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpResponse

from accounts.models import User
from conversations.models import Conversation
from dm_project.middleware import COLLECT_BYTES, release_request_body
from tests.sockets import IN_PROCESS_HOST, session_key_of

TOKEN = "t" * 32


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every request that Django creates, kept alive as without a garbage collection."""
    found: list[Any] = []
    create = ASGIHandler.create_request

    def noted(self: ASGIHandler, scope: Any, body_file: Any) -> Any:
        request, response = create(self, scope, body_file)
        found.append(request)
        return request, response

    monkeypatch.setattr(ASGIHandler, "create_request", noted)
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "type", "size", "status"),
    [
        ("/api/v1/sync", "application/json", 200_000, 422),
        ("/api/v1/conversations/{room}/messages", "application/json", 200_000, 422),
        ("/api/v1/conversations/{room}/messages", "application/json", 1_000_000, 413),
        ("/chats/{room}/", "application/x-www-form-urlencoded", 200_000, 422),
        ("/nowhere/", "application/json", 200_000, 403),
    ],
)
async def test_no_body_outlives_its_response(
    alice: User, chat: Conversation, requests: list[Any], path: str, type: str, size: int, status: int
) -> None:
    from dm_project.asgi import application

    cookies = (
        f"{settings.SESSION_COOKIE_NAME}={await session_key_of(alice)}; {settings.CSRF_COOKIE_NAME}={TOKEN}"
    )
    headers = {"host": IN_PROCESS_HOST, "cookie": cookies, "x-csrftoken": TOKEN, "content-type": type}
    text = "y" * size
    sent = (
        json.dumps({"id": "none", "body": text}).encode()
        if "json" in type
        else f"id=none&body={text}".encode()
    )
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    communicator = HttpCommunicator(application, "POST", path.format(room=chat.room_name), sent, pairs)
    assert (await communicator.get_response(timeout=10))["status"] in {status, 404}
    (request,) = requests
    assert request._stream.closed or not request._stream.read()
    assert not vars(request).get("_body")
    assert not any(text in str(values) for _name, values in request.POST.lists())


def test_garbage_is_collected_after_so_many_body_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[int] = []
    monkeypatch.setattr("dm_project.middleware.gc.collect", collected.append)
    answer = release_request_body(lambda request: HttpResponse(str(len(request.body))))
    for _ in range(COLLECT_BYTES // 250_000 + 1):
        answer(
            ASGIRequest(
                {"type": "http", "method": "POST", "path": "/", "headers": []}, BytesIO(b"x" * 250_000)
            )
        )
    assert collected == [1], "young objects only"


@pytest.mark.django_db(transaction=True)
async def test_a_rejected_body_leaves_nothing_in_memory(alice: User, chat: Conversation) -> None:
    """Garbage collection would not free what pydantic kept of it."""
    from dm_project.asgi import application

    cookies = (
        f"{settings.SESSION_COOKIE_NAME}={await session_key_of(alice)}; {settings.CSRF_COOKIE_NAME}={TOKEN}"
    )
    headers = {
        "host": IN_PROCESS_HOST,
        "cookie": cookies,
        "x-csrftoken": TOKEN,
        "content-type": "application/json",
    }
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def post() -> None:
        sent = json.dumps({"id": "none", "body": "y" * 250_000}).encode()
        communicator = HttpCommunicator(
            application, "POST", f"/api/v1/conversations/{chat.room_name}/messages", sent, pairs
        )
        assert (await communicator.get_response(timeout=10))["status"] == 422

    await post()
    tracemalloc.start()
    try:
        for _ in range(10):
            await post()
        gc.collect()
        kept, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 500_000, "two of ten bodies"
