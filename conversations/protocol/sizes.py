"""Sizes of text on the wire, so that a frame is never longer than a client reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conversations.protocol.text import excerpt

if TYPE_CHECKING:
    from conversations.protocol.objects import Conversation

ROW_TEXT_BYTES = 50_000
"""Of the newest message and the draft of a row, together. The longest draft has 48,000: 8,000 characters,
each escaped in six."""


def json_size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def row_in_frame(row: Conversation) -> Conversation:
    """The same row, for a frame. If the newest message and the draft are too long together, only the
    beginning of the message is left, which is all that a list shows; the draft is in no other frame, and
    stays whole."""
    last = row.last_message
    if last is None or json_size(last.body) + json_size(row.draft) <= ROW_TEXT_BYTES:
        return row
    short = last.model_copy(update={"body": excerpt(last.body)})
    return row.model_copy(update={"last_message": short})
