"""Handshakes while the database is unavailable."""

import json
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.db import OperationalError

from dm_project.handshakes.unavailable import close_on_database_error


async def fail_to_connect(scope: Any, receive: Any, send: Any) -> None:
    raise OperationalError("could not connect: a secret")


async def test_a_client_is_told_when_to_retry_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    communicator = WebsocketCommunicator(close_on_database_error(fail_to_connect), "/ws/")
    accepted, _ = await communicator.connect()
    assert accepted, "a 403 would say: not you"
    bye = json.loads(await communicator.receive_from())
    assert (bye["type"], bye["code"], bye["retryable"]) == ("bye", 4503, True)
    assert bye["retry_after_ms"] >= 2_000
    assert await communicator.receive_output() == {"type": "websocket.close", "code": 4503}
    assert "OperationalError" in caplog.text
    assert "secret" not in caplog.text


async def test_another_error_is_not_hidden() -> None:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await WebsocketCommunicator(close_on_database_error(fail), "/ws/").connect()
