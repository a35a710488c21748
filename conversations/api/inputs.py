"""Request bodies of the API, as strict as the frames of the socket."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.parser import Parser
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from conversations.exceptions import Refusal
from conversations.protocol.commands import (
    SYNC_ROOMS,
    Number,
    Room,
    Seq,
    canonical_uuid,
    reject_constant,
    reject_duplicate_keys,
    strings_in,
)
from conversations.protocol.text import BODY_CHARS, MARKS_PER_BASE, is_storable


class StrictParser(Parser):
    """JSON as the socket reads it: no duplicate keys, no NaN, no text that cannot be stored.

    Raises: ValueError, which becomes 422.
    """

    def parse_body(self, request: HttpRequest) -> Any:
        try:
            value = json.loads(
                request.body, object_pairs_hook=reject_duplicate_keys, parse_constant=reject_constant
            )
        except RecursionError:
            raise ValueError("nested too deep") from None
        if not all(is_storable(text) for text in strings_in(value)):
            raise ValueError("a character that cannot be stored")
        return value


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


# The schema also describes what later checks reject: it must not promise more than the API accepts.
NO_NUL = {"pattern": "^[^\\u0000]*$"}
BODY = {"minLength": 1, "maxLength": BODY_CHARS, "format": "message-text"}
BODY_DESCRIPTION = (
    f"Plain text of 1 to {BODY_CHARS} characters (code points, counted in NFC) of which at least one shows; "
    f"no NUL, no lone surrogate, at most {MARKS_PER_BASE} marks on one letter."
)
DRAFT = {"maxLength": BODY_CHARS, "format": "message-text"}
DRAFT_DESCRIPTION = "The same as the body of a message, or empty to remove the draft."
NOTE = {"format": "note-text"}
NOTE_DESCRIPTION = "Plain text; no NUL, no lone surrogate, no piled-up marks."
# An upload that a generated example names does not exist.
NO_FILES: dict[str, Any] = {"items": {"type": "string", "format": "uuid"}}
ID = {
    "type": "string",
    "format": "uuid",
    "description": "New for each message. May stand in the header Idempotency-Key instead.",
}


class ConversationInput(Input):
    user: Annotated[
        str, Field(max_length=64, description="The username of the person.", json_schema_extra=NO_NUL)
    ]


class MessageInput(Input):
    model_config = ConfigDict(json_schema_extra={"required": ["id", "body"]})

    id: Annotated[Annotated[UUID, BeforeValidator(canonical_uuid)] | None, WithJsonSchema(ID)] = None
    body: Annotated[str, Field(description=BODY_DESCRIPTION, json_schema_extra=BODY)]
    reply_to: Seq | None = None
    attachments: Annotated[
        list[str],
        Field(
            max_length=10,
            description="Ids of complete uploads of mine. With them the body may be empty.",
            json_schema_extra=NO_FILES,
        ),
    ] = []


class MessageChange(Input):
    body: Annotated[str, Field(description=BODY_DESCRIPTION, json_schema_extra=BODY)]
    version: Annotated[
        Seq | None, Field(description="The version that was edited; 409 if the message has a later one.")
    ] = None


class ForwardSource(Input):
    room: Room
    seq: Seq


class ForwardInput(Input):
    """The copy of a message that I can see, instead of a text."""

    model_config = ConfigDict(json_schema_extra={"required": ["id", "forward"]})

    id: Annotated[Annotated[UUID, BeforeValidator(canonical_uuid)] | None, WithJsonSchema(ID)] = None
    forward: ForwardSource
    body: Literal[""] = ""


class DraftInput(Input):
    body: Annotated[str, Field(description=DRAFT_DESCRIPTION, json_schema_extra=DRAFT)]


class ReceiptInput(Input):
    delivered: Number | None = None
    read: Number | None = None


class SyncInput(Input):
    rooms: Annotated[dict[Room, Number], Field(max_length=SYNC_ROOMS)] = {}
    marks: Annotated[dict[Room, Number], Field(max_length=SYNC_ROOMS)] = {}

    @model_validator(mode="after")
    def limit_rooms(self) -> Self:
        """Each room costs a page to read, whether `rooms` or `marks` names it."""
        if len(self.rooms.keys() | self.marks.keys()) > SYNC_ROOMS:
            raise ValueError("too many rooms")
        return self


class InviteInput(Input):
    note: Annotated[str, Field(max_length=80, description=NOTE_DESCRIPTION, json_schema_extra=NOTE)] = ""
    lives: Literal["1h", "1d", "7d", "30d"] = "7d"


class InviteChange(Input):
    note: (
        Annotated[str, Field(max_length=80, description=NOTE_DESCRIPTION, json_schema_extra=NOTE)] | None
    ) = None
    lives: Literal["1h", "1d", "7d", "30d"] | None = None


class ClaimInput(Input):
    token: Annotated[str, Field(max_length=200, json_schema_extra=NO_NUL)]


class BadInput(Refusal):
    """A value is not valid. `detail` is the sentence for the client; it repeats nothing of the request."""

    code = "bad_frame"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


def idempotency_key(request: HttpRequest) -> UUID | None:
    """The Idempotency-Key header, with or without the quotes of its draft standard. Raises: BadInput."""
    header = request.headers.get("Idempotency-Key")
    try:
        return None if header is None else canonical_uuid(header.strip('"'))
    except ValueError:
        raise BadInput from None


class Api(NinjaAPI):
    def validation_error_from_error_contexts(self, error_contexts: list[Any]) -> Any:
        """Ninja leaves pydantic's error in a list of a stack frame that the error's traceback references.
        Part of that cycle is native code, which Python's collector cannot see: the body would leak.
        """
        error = super().validation_error_from_error_contexts(error_contexts)
        error_contexts.clear()
        return error


def new_api() -> NinjaAPI:
    return Api(
        title="Entre",
        version="v1",
        urls_namespace="api",
        docs_url=None,
        openapi_url=None,
        parser=StrictParser(),
    )
