"""What of a message can be read."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from conversations.models import Message
from conversations.selectors.message_text import text_of


def test_the_text_of_a_message_is_what_alice_typed() -> None:
    assert text_of(Message(kind="text", body="*hello* _bob_")) == "*hello* _bob_"


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "text", "body": "", "deleted_at": timezone.now()},
        # Never shown again, even if the row still held it.
        {"kind": "text", "body": "hello", "deleted_at": timezone.now()},
        {"kind": "text", "body": ""},
        {"kind": "system", "body": "hello"},
        {"kind": "text", "body": b"\xff"},
    ],
    ids=["deleted", "deleted-with-text", "attachments-only", "system", "corrupt"],
)
def test_a_message_without_readable_text_has_none(fields: dict[str, Any]) -> None:
    assert text_of(Message(**fields)) is None
