"""Quotes: what replies show of the messages they answer. Read with the page and never stored: an edit and a
deletion reach every quote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q
from django.db.models.functions import Substr

from conversations import serializers
from conversations.models import HiddenMessage, Message, Participant
from conversations.protocol.text import EXCERPT_CHARS, EXCERPT_LOOKAHEAD


@dataclass(frozen=True, slots=True)
class QuotedRow:
    """The columns of a quoted message that a quote is made of; `body` is only its beginning."""

    conversation_id: int
    seq: int
    kind: str
    body: str
    attachments: object
    deleted_at: object
    author: str
    is_hidden: bool


def add_quotes(messages: Sequence[Message], whose: Q) -> None:
    """Fill in `reply` of every reply, for the user whose hidden messages `whose` selects. One statement for
    all; none without a reply."""
    wanted: defaultdict[int, set[int]] = defaultdict(set)
    for message in messages:
        # A corrupt row may hold anything (docs/threats.md F30).
        if isinstance(message.reply_to, int):
            wanted[message.conversation_id].add(message.reply_to)
    if not wanted:
        return
    found = {(row.conversation_id, row.seq): row for row in quoted_rows(wanted, whose)}
    for message in messages:
        row = found.get((message.conversation_id, message.reply_to or 0))
        if row is not None:
            message.reply = serializers.reply(row, seq=row.seq, sender=row.author, is_hidden=row.is_hidden)


def hidden_from(whose: Q) -> ExpressionWrapper[Any]:
    """The condition on a message that this user deleted it for themselves, or has cleared the chat since."""
    deleted = HiddenMessage.objects.filter(
        whose, conversation_id=OuterRef("conversation_id"), seq=OuterRef("seq")
    )
    cleared = Participant.objects.filter(
        whose, conversation_id=OuterRef("conversation_id"), cleared_seq__gte=OuterRef("seq")
    )
    return ExpressionWrapper(Exists(deleted) | Exists(cleared), output_field=BooleanField())


def quoted_rows(wanted: dict[int, set[int]], whose: Q) -> list[QuotedRow]:
    keys = Q()
    for conversation_id, seqs in wanted.items():
        keys |= Q(conversation_id=conversation_id, seq__in=seqs)
    rows = Message.objects.filter(keys).annotate(
        beginning=Substr("body", 1, EXCERPT_CHARS + EXCERPT_LOOKAHEAD),
        author=F("sender__public_id"),
        is_hidden=hidden_from(whose),
    )
    columns = (
        "conversation_id",
        "seq",
        "kind",
        "beginning",
        "attachments",
        "deleted_at",
        "author",
        "is_hidden",
    )
    return [QuotedRow(*row) for row in rows.values_list(*columns)]
