"""Indexing and searching as tests call them."""

from collections.abc import Callable

import pytest

from accounts.models import User
from conversations.access import access_conversation
from conversations.models import Conversation
from conversations.selectors.search import FoundPage, search_messages
from conversations.services.search_indexing import Indexer

Search = Callable[..., list[str]]


def page_of(user: User, typed: str, chat: Conversation | None = None, cursor: str | None = None) -> FoundPage:
    membership = None if chat is None else access_conversation(user, chat.room_name)
    return search_messages(user=user, typed=typed, membership=membership, cursor=cursor)


@pytest.fixture
def found() -> Search:
    """`found(alice, "words")`: index what is waiting, then the texts that are found, the newest first."""

    def found(user: User, typed: str, chat: Conversation | None = None) -> list[str]:
        assert Indexer().run()
        return [item.message.body for item in page_of(user, typed, chat).items]

    return found
