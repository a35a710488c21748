"""JSON responses of the routes: wire objects, encoded by pydantic once."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from pydantic import BaseModel

from accounts.requests import SignedInRequest
from conversations import serializers
from conversations.api.outputs import Problem
from conversations.protocol import objects
from conversations.selectors.conversations import ConversationRow

PROBLEMS: dict[int, Any] = dict.fromkeys((401, 403, 404, 409, 410, 413, 422, 429, 503, 504), Problem)


def json_response(body: BaseModel, status: int = 200) -> HttpResponse:
    return HttpResponse(body.model_dump_json(), content_type="application/json", status=status)


def conversation_object(row: ConversationRow, request: SignedInRequest) -> objects.Conversation:
    return serializers.conversation(
        row.conversation,
        me=row.me,
        peer_participant=row.peer_participant,
        viewer=request.user,
        peer=row.peer,
        last=row.last,
    )
