"""A handshake while the database is away."""

from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.db import OperationalError

from dm_project.away import refuse_while_away


async def break_down(scope: Any, receive: Any, send: Any) -> None:
    raise OperationalError("could not connect: a secret")


async def test_it_is_refused_without_a_traceback_and_without_the_text_of_the_error(caplog: pytest.LogCaptureFixture) -> None:
    communicator = WebsocketCommunicator(refuse_while_away(break_down), "/ws/")
    accepted, _ = await communicator.connect()
    assert not accepted
    assert "OperationalError" in caplog.text
    assert "secret" not in caplog.text


async def test_another_error_is_not_hidden() -> None:
    async def stumble(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await WebsocketCommunicator(refuse_while_away(stumble), "/ws/").connect()
