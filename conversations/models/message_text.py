"""The readable text of a message, for rendering, quotes and exports, and its words, for the search index."""

from __future__ import annotations

from typing import Any, Protocol

from conversations.models.message import Message

TEXT = Message.Kind.TEXT


class HasText(Protocol):
    """A `Message`, or a row with the same columns."""

    @property
    def kind(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def deleted_at(self) -> object: ...


class HasWords(HasText, Protocol):
    @property
    def attachments(self) -> Any: ...


def words_of(message: HasWords) -> str | None:
    """What search finds a message by: its text, and below it the names of its files. None as `text_of`."""
    if message.deleted_at is not None:
        return None
    # A corrupt row may hold anything (docs/threats.md F30).
    files = message.attachments if isinstance(message.attachments, list) else ()
    names = [each["name"] for each in files if isinstance(each, dict) and isinstance(each.get("name"), str)]
    return "\n".join([text_of(message) or "", *names]) or None


def text_of(message: HasText) -> str | None:
    """Returns what the sender wrote, as typed; None when there is nothing to read.

    That is so after a deletion, and for a message that the server words itself (`kind` system). Callers must
    accept None for any message: the server will not be able to read the body of an end-to-end encrypted one.
    On SQLite a corrupt row may hold bytes instead of text (docs/threats.md F30).
    """
    if message.kind != TEXT or message.deleted_at is not None or not isinstance(message.body, str):
        return None
    return message.body or None
