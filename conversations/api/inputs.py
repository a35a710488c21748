"""Bodies that the API takes, as strict as the frames of the socket."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.parser import Parser
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from conversations.protocol.commands import SYNC_ROOMS, Number, Room, Seq, canonical_uuid, refuse_constant, texts_in, without_duplicates
from conversations.protocol.text import is_storable


class StrictParser(Parser):
    """JSON as the socket reads it: no duplicate keys, no NaN, no text that cannot be stored. A ValueError becomes 422."""

    def parse_body(self, request: HttpRequest) -> Any:
        try:
            value = json.loads(request.body, object_pairs_hook=without_duplicates, parse_constant=refuse_constant)
        except RecursionError:
            raise ValueError("nested too deep") from None
        if not all(is_storable(text) for text in texts_in(value)):
            raise ValueError("a character that cannot be stored")
        return value


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ConversationInput(Input):
    user: Annotated[str, Field(max_length=64)]


class MessageInput(Input):
    id: Annotated[UUID, BeforeValidator(canonical_uuid)] | None = None
    body: str
    reply_to: Seq | None = None
    attachments: Annotated[list[str], Field(max_length=10)] = []


class ReceiptInput(Input):
    delivered: Number | None = None
    read: Number | None = None


class SyncInput(Input):
    rooms: Annotated[dict[Room, Number], Field(max_length=SYNC_ROOMS)] = {}
    marks: Annotated[dict[Room, Number], Field(max_length=SYNC_ROOMS)] = {}

    @model_validator(mode="after")
    def few_rooms(self) -> Self:
        """Each room named is a page to read, whichever of the two names it."""
        if len(self.rooms.keys() | self.marks.keys()) > SYNC_ROOMS:
            raise ValueError("too many rooms")
        return self


class InviteInput(Input):
    note: Annotated[str, Field(max_length=80)] = ""
    lives: Literal["1h", "1d", "7d", "30d"] = "7d"


class InviteChange(Input):
    note: Annotated[str, Field(max_length=80)] | None = None
    lives: Literal["1h", "1d", "7d", "30d"] | None = None


class ClaimInput(Input):
    token: Annotated[str, Field(max_length=200)]


def new_api() -> NinjaAPI:
    return NinjaAPI(title="Entre", version="v1", urls_namespace="api", docs_url=None, openapi_url=None, parser=StrictParser())
