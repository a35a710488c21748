"""Routes of one message: edit it, delete it, react to it."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpResponse
from ninja import Router
from pydantic import Field

from accounts.requests import SignedInRequest
from conversations import throttling
from conversations.api.auth import signed_in, signed_in_with_json
from conversations.api.inputs import MessageChange
from conversations.api.outputs import ChangeAnswer
from conversations.api.responses import JOURNAL_TIMEOUT_S, PROBLEMS, json_response
from conversations.journal import Changed, Hidden
from conversations.protocol.commands import LARGEST_NUMBER
from conversations.protocol.emoji import LONGEST
from conversations.services.messages import message_delete, message_edit, message_hide
from conversations.services.reactions import reaction_set

router = Router()
MESSAGE = "/conversations/{room}/messages/{seq}"
SeqInPath = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
EmojiInPath = Annotated[
    str,
    Field(
        description="One fully qualified emoji of Unicode, percent-encoded.",
        json_schema_extra={"minLength": 1, "maxLength": LONGEST, "format": "emoji"},
    ),
]
RESPONSES = {200: ChangeAnswer, **PROBLEMS}


def answer(changed: Changed | Hidden) -> HttpResponse:
    return json_response(ChangeAnswer(room=changed.room, message=changed.message))


@router.patch(MESSAGE, auth=signed_in_with_json, response=RESPONSES)
def edit(request: SignedInRequest, room: str, seq: SeqInPath, body: MessageChange) -> HttpResponse:
    """Change the text of a message of one's own. The text that it has already changes nothing."""
    throttling.allow_message(request.user.id)
    future = message_edit(user=request.user, room=room, seq=seq, body=body.body, version=body.version)
    return answer(future.result(JOURNAL_TIMEOUT_S))


@router.delete(MESSAGE, auth=signed_in, response=RESPONSES)
def delete(
    request: SignedInRequest, room: str, seq: SeqInPath, scope: Literal["everyone", "me"] = "everyone"
) -> HttpResponse:
    """Delete a message of one's own for both people, or any message for oneself. A repeat changes nothing."""
    throttling.allow_message(request.user.id)
    if scope == "me":
        return answer(message_hide(user=request.user, room=room, seq=seq).result(JOURNAL_TIMEOUT_S))
    return answer(message_delete(user=request.user, room=room, seq=seq).result(JOURNAL_TIMEOUT_S))


@router.put(f"{MESSAGE}/reactions/{{emoji}}", auth=signed_in, response=RESPONSES)
def react(request: SignedInRequest, room: str, seq: SeqInPath, emoji: EmojiInPath) -> HttpResponse:
    """React to a message; replaces my other reaction to it. A repeat changes nothing."""
    throttling.allow_reaction(request.user.id)
    future = reaction_set(user=request.user, room=room, seq=seq, emoji=emoji, on=True)
    return answer(future.result(JOURNAL_TIMEOUT_S))


@router.delete(f"{MESSAGE}/reactions/{{emoji}}", auth=signed_in, response=RESPONSES)
def take_back(request: SignedInRequest, room: str, seq: SeqInPath, emoji: EmojiInPath) -> HttpResponse:
    """Take this reaction back. One that I have not set changes nothing."""
    throttling.allow_reaction(request.user.id)
    future = reaction_set(user=request.user, room=room, seq=seq, emoji=emoji, on=False)
    return answer(future.result(JOURNAL_TIMEOUT_S))
