"""The session consumer in process: the contract of the sockets, and what only the database next door can show."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import User
from conversations import answers, delivery, lanes
from conversations.consumers import SessionConsumer
from conversations.models import Conversation, Message, Participant
from conversations.pulse import Pulse
from tests.contract import FRAME_BYTES, ROUTES, SocketContract, Stage, uuid
from tests.factories import make_conversation, make_messages, make_user
from tests.sockets import Socket, expect, expect_close, expect_silence, open_inside

pytestmark = [pytest.mark.django_db(transaction=True)]


class InsideStage:
    """The contract's people as rows of this database, their browsers as Django's test clients."""

    def __init__(self, alice: User, bob: User, mallory: User, room: str, client_of: Callable[[User | None], Client]) -> None:
        self.alice, self.bob, self.mallory, self.room = alice, bob, mallory, room
        self.client_of = client_of
        self.browsers: dict[Any, Client] = {}

    def open(self, person: Any, path: str, **options: Any) -> AbstractAsyncContextManager[Socket]:
        if isinstance(person, Client):
            return open_inside(self.alice, path, session_key=person.cookies["sessionid"].value, **options)
        return open_inside(person, path, **options)

    async def write(self, person: Any, room: str, id: str, body: str) -> tuple[int, Any]:
        def post() -> tuple[int, Any]:
            answer = self.client_of(person).post(f"/api/v1/conversations/{room}/messages", {"id": id, "body": body}, "application/json")
            return answer.status_code, answer.json()

        return await sync_to_async(post)()

    async def another_browser(self, person: Any) -> Any:
        return await sync_to_async(self.client_of)(person)

    async def log_out(self, browser: Any) -> None:
        self.ended = browser.cookies["sessionid"].value
        await sync_to_async(browser.post)("/accounts/logout/")
        browser.cookies["sessionid"] = self.ended

    def public_id(self, person: Any) -> str:
        return str(person.public_id)


@pytest.fixture(autouse=True)
def _as_in_the_service(settings: Any) -> None:
    """The journal on its own thread, and a beat that a test can wait for."""
    settings.JOURNAL_INLINE = False
    settings.HEADS_EVERY_MS = 100


@pytest.fixture
def stage(alice: User, bob: User, mallory: User, chat: Conversation, client_of: Callable[[User | None], Client]) -> Stage:
    make_conversation(mallory, make_user("trent"))
    return InsideStage(alice, bob, mallory, chat.room_name, client_of)


class TestInside(SocketContract):
    """The contract, kept in process."""
