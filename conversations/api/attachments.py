"""Routes of uploads: announced with JSON and sent in parts (in the words of tus), or sent as one form."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Literal, get_args
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BeforeValidator, Field, ValidationError

from accounts.requests import SignedInRequest
from conversations import serializers, throttling
from conversations.api.auth import Session, WrongType, signed_in
from conversations.api.inputs import NO_NUL, BadInput, Input, StrictParser
from conversations.api.outputs import UploadAnswer
from conversations.api.responses import PROBLEMS, json_response
from conversations.attachments.kinds import HEAD_BYTES
from conversations.attachments.names import ALT_CHARS, SENT_CHARS
from conversations.attachments.processing import kind_of
from conversations.exceptions import AttachmentNotFound, FormTooLarge, InvalidFile, TooManyTries
from conversations.protocol import objects
from conversations.protocol.commands import canonical_uuid
from conversations.services.attachments import (
    PEAKS,
    Announced,
    Progress,
    upload_add_still,
    upload_append,
    upload_begin,
    upload_cancel,
    upload_progress,
    upload_whole,
)
from conversations.throttling.windows import Attempt

PART_TYPE = "application/offset+octet-stream"
OFFSET_CHARS = 15
Kind = Literal["picture", "file", "voice", "video"]
FormId = Annotated[UUID, BeforeValidator(canonical_uuid)]


class TypedSession(Session):
    """Rejects a body of another type before the CSRF check, which would consume a form's body. An empty one
    has no type."""

    def __init__(self, *types: str) -> None:
        super().__init__()
        self.types = types

    def __call__(self, request: HttpRequest) -> Any:
        is_empty = not request.content_type and request.META.get("CONTENT_LENGTH") in {None, "", "0"}
        if request.content_type not in self.types and not is_empty:
            raise WrongType(self.types)
        return super().__call__(request)


router = Router(auth=signed_in, tags=["attachments"])


class UploadInput(Input):
    """A file that will be sent in parts. `id` becomes that of the attachment."""

    id: FormId
    name: Annotated[str, Field(max_length=SENT_CHARS, json_schema_extra=NO_NUL)]
    size: Annotated[int, Field(ge=0)]
    kind: Kind
    seconds: Annotated[float | None, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)] = None
    peaks: Annotated[list[int] | None, Field(max_length=PEAKS)] = None
    alt: Annotated[str, Field(max_length=ALT_CHARS, json_schema_extra=NO_NUL)] = ""


WHOLE_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "id": {"type": "string", "format": "uuid"},
        "kind": {
            "type": "string",
            "format": "attachment-kind",
            "description": f"{', '.join(get_args(Kind))}; it must be true of the file. Without it, what"
            " begins like a picture is one, and everything else a file.",
        },
    },
}
PART: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {PART_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    },
    "parameters": [
        {
            "name": "Upload-Offset",
            "in": "header",
            "required": True,
            "description": "Where the part begins: the end of what is stored.",
            "schema": {"type": "integer", "minimum": 0, "maximum": 10**OFFSET_CHARS - 1},
        }
    ],
}


STILL: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def announcement() -> dict[str, Any]:
    """The schemas of the two bodies that announce a file."""
    schema = UploadInput.model_json_schema()
    schema["properties"]["size"]["maximum"] = settings.ATTACHMENT_BYTES
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema},
                "multipart/form-data": {"schema": WHOLE_FORM},
            },
        }
    }


def upload_answer(progress: Progress, status: int) -> HttpResponse:
    answer = UploadAnswer(
        id=str(progress.upload.pk),
        offset=progress.offset,
        part_bytes=settings.ATTACHMENT_PART_BYTES,
        attachment=attachment_of(progress),
    )
    return json_response(answer, status)


def attachment_of(progress: Progress) -> objects.Attachment | None:
    return None if progress.file is None else serializers.attachment(progress.upload.pk, progress.file)


@router.post(
    "",
    auth=TypedSession("application/json", "multipart/form-data"),
    openapi_extra=announcement(),
    response={
        200: UploadAnswer | objects.Attachment,
        201: UploadAnswer | objects.Attachment,
        **PROBLEMS,
    },
)
def begin(request: SignedInRequest) -> HttpResponse:
    """Announce a file (JSON), or send it whole (a form with `file`)."""
    if request.content_type == "multipart/form-data":
        return whole(request)
    try:
        body = UploadInput.model_validate(StrictParser().parse_body(request))
    except ValidationError as error:
        raise not_valid(error) from None
    except ValueError:
        raise BadInput("The body must be one JSON object, without duplicate keys.") from None
    announced = Announced(body.name, body.size, body.kind, body.seconds, body.peaks, body.alt)
    attempt = attempt_for(request, body.id)
    progress = counted(attempt, lambda: upload_begin(user=request.user, id=body.id, announced=announced))
    return upload_answer(progress, 201 if progress.is_new else 200)


def not_valid(error: ValidationError) -> BadInput:
    """Names our own fields only: other keys are text of the request."""
    wrong = {
        str(each["loc"][0]) for each in error.errors(include_url=False, include_input=False) if each["loc"]
    }
    known = [name for name in UploadInput.model_fields if name in wrong]
    if len(known) < len(wrong) or not known:
        return BadInput(f"The fields are {', '.join(UploadInput.model_fields)}.")
    return BadInput(f"Missing, or not valid: {', '.join(known)}.")


def whole(request: SignedInRequest) -> HttpResponse:
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise BadInput("The form must have one file, named file.")
    if (file.size or 0) > settings.ATTACHMENT_WHOLE_BYTES:
        raise FormTooLarge
    try:
        kind = kind_of(file.read(HEAD_BYTES))
        file.seek(0)
        fields = {"id": str(uuid4()), "kind": kind} | {
            name: request.POST[name] for name in ("id", "kind") if name in request.POST
        }
        body = UploadInput.model_validate(fields | {"name": file.name or "", "size": file.size or 0})
    except ValidationError as error:
        raise not_valid(error) from None
    announced = Announced(body.name, body.size, body.kind)
    progress = counted(
        attempt_for(request, body.id),
        lambda: upload_whole(user=request.user, id=body.id, announced=announced, read=file.read),
    )
    found = serializers.attachment(progress.upload.pk, progress.file)  # type: ignore[arg-type]
    return json_response(found, 201 if progress.is_new else 200)


def attempt_for(request: SignedInRequest, id: UUID) -> Attempt:
    """Raises TooManyTries: not for what was announced already, which goes on."""
    try:
        return throttling.take_upload(user_id=request.user.id)
    except TooManyTries:
        with suppress(AttachmentNotFound):
            upload_progress(user=request.user, id=id)
            return Attempt()
        raise


def counted(attempt: Attempt, begin: Callable[[], Progress]) -> Progress:
    """A repeat, and what is refused, does not count, unless it was the processing that refused it: that may
    take seconds each time (docs/threats.md T40)."""
    try:
        progress = begin()
    except InvalidFile:
        raise
    except Exception:
        attempt.refund()
        raise
    if not progress.is_new:
        attempt.refund()
    return progress


@router.patch(
    "/{id}",
    auth=TypedSession(PART_TYPE),
    openapi_extra=PART,
    response={200: objects.Attachment, 204: None, **PROBLEMS},
)
def append(request: SignedInRequest, id: UUID) -> HttpResponse:
    """Send the next part. The last one is answered with the attachment."""
    offset = request.headers.get("Upload-Offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) <= OFFSET_CHARS):
        raise BadInput("The header Upload-Offset must be a whole number.")
    progress = upload_append(user=request.user, id=id, offset=int(offset), read=request.read)
    found = attachment_of(progress)
    response = HttpResponse(status=204) if found is None else json_response(found)
    return with_offset(response, progress)


@router.api_operation(["HEAD"], "/{id}", response={200: None, **PROBLEMS})
def tell(request: SignedInRequest, id: UUID) -> HttpResponse:
    """How far the upload has come, in Upload-Offset."""
    return with_offset(HttpResponse(), upload_progress(user=request.user, id=id))


def with_offset(response: HttpResponse, progress: Progress) -> HttpResponse:
    response["Upload-Offset"] = str(progress.offset)
    response["Upload-Length"] = str(progress.upload.size)
    response["Cache-Control"] = "no-store"
    return response


@router.put(
    "/{id}/still",
    auth=TypedSession("image/jpeg", "image/png", "image/webp"),
    openapi_extra=STILL,
    response={200: objects.Attachment, **PROBLEMS},
)
def add_still(request: SignedInRequest, id: UUID) -> HttpResponse:
    """The picture that is shown of a video before it plays, for one that is complete and not sent."""
    attempt = throttling.take_upload(user_id=request.user.id)
    progress = counted(attempt, lambda: upload_add_still(user=request.user, id=id, read=request.read))
    return json_response(serializers.attachment(id, progress.file))  # type: ignore[arg-type]


@router.delete("/{id}", response={204: None, **PROBLEMS})
def cancel(request: SignedInRequest, id: UUID) -> HttpResponse:
    """Cancel an upload, or drop a file that was not sent."""
    upload_cancel(user=request.user, id=id)
    return HttpResponse(status=204)
