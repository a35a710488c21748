"""The readable text of a message, for rendering, the search index, quotes and exports."""

from __future__ import annotations

from typing import Protocol

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


def text_of(message: HasText) -> str | None:
    """Returns what the sender wrote, as typed; None when there is nothing to read.

    That is so after a deletion, and for a message that the server words itself (`kind` system). Callers must
    accept None for any message: the server will not be able to read the body of an end-to-end encrypted one.
    On SQLite a corrupt row may hold bytes instead of text (docs/threats.md F30).
    """
    if message.kind != TEXT or message.deleted_at is not None or not isinstance(message.body, str):
        return None
    return message.body or None
