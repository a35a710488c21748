"""Sizes of text on the wire, so that a frame is never longer than a client reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conversations.protocol.text import excerpt

if TYPE_CHECKING:
    from conversations.protocol.objects import Conversation

ROW_TEXT_BYTES = 50_000
"""Of the newest message, its files and the draft of a row, together. The longest draft has 48,000: 8,000
characters, each escaped in six. Ten files have at most 8,000 without their looks."""


def json_size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def row_in_frame(row: Conversation) -> Conversation:
    """The same row, for a frame. If the newest message and the draft are too long together, only what a list
    shows of the message is left: the beginning of its text, and its files without placeholders and peaks. The
    draft is in no other frame, and stays whole."""
    last = row.last_message
    if last is None:
        return row
    files = [file.model_dump() for file in last.attachments]
    if json_size(last.body) + json_size(files) + json_size(row.draft) <= ROW_TEXT_BYTES:
        return row
    plain = [file.model_copy(update={"placeholder": None, "peaks": None}) for file in last.attachments]
    short = last.model_copy(update={"body": excerpt(last.body), "attachments": plain})
    return row.model_copy(update={"last_message": short})
