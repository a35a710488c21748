"""Routes of the HTTP API that find messages: by words, by day, by attachment."""

from __future__ import annotations

import re
from datetime import date as Date
from functools import cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, WithJsonSchema

from accounts.cursors import BadCursor
from accounts.requests import SignedInRequest
from conversations import serializers
from conversations.access import access_conversation
from conversations.api.auth import signed_in
from conversations.api.inputs import BadInput
from conversations.api.outputs import AttachmentPage, FoundMessage, FoundPage, Place, SharedAttachment
from conversations.api.responses import PROBLEMS, json_response
from conversations.protocol.objects import instant
from conversations.selectors.attachments import Shared, attachment_page
from conversations.selectors.dates import seq_at
from conversations.selectors.search import Found, search_messages

router = Router(auth=signed_in, tags=["finding"])
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ZONE_CHARS = 64
AttachmentKind = Literal["picture", "video", "voice", "file"]


@router.get("/search", response={200: FoundPage, **PROBLEMS})
def search(
    request: SignedInRequest, q: str = "", room: str | None = None, cursor: str | None = None
) -> HttpResponse:
    """Messages with all words of `q`, the newest first: the last word may be a beginning, quotes make a
    phrase. Nothing that is typed is an error; what has no two letters finds nothing."""
    membership = access_conversation(request.user, room) if room else None
    try:
        page = search_messages(user=request.user, typed=q, membership=membership, cursor=cursor)
    except BadCursor:
        raise BadInput from None
    items = [found_message(request, found) for found in page.items]
    return json_response(FoundPage(items=items, next=page.next))


def found_message(request: SignedInRequest, found: Found) -> FoundMessage:
    peer = found.participant.peer
    sender = request.user if found.message.sender_id == request.user.id else peer
    return FoundMessage(
        room=found.participant.conversation.room_name,
        message=serializers.message(found.message, sender=sender.public_id),
        matches=found.matches,
    )


class Day(Schema):
    """A day of the reader's calendar. `date` is required; it is judged after the room, so that an outsider
    gets the same answer whatever the query is."""

    model_config = ConfigDict(json_schema_extra={"required": ["date"]})

    date: Annotated[str | None, WithJsonSchema({"type": "string", "format": "date"})] = None
    tz: Annotated[str, WithJsonSchema({"type": "string", "format": "time-zone"})] = "UTC"


@router.get("/conversations/{room}/at", response={200: Place, **PROBLEMS})
def at(request: SignedInRequest, room: str, day: Query[Day]) -> HttpResponse:
    """The first message on or after a day of the reader's calendar, or the newest one; null in an empty
    chat."""
    membership = access_conversation(request.user, room)
    seq = seq_at(membership=membership, day=day_of(day.date or ""), zone=zone_of(day.tz))
    return json_response(Place(seq=seq))


def day_of(text: str) -> Date:
    """Raises BadInput."""
    if DAY.fullmatch(text):
        try:
            return Date.fromisoformat(text)
        except ValueError:
            pass
    raise BadInput("The date must be a day of the calendar, written as YYYY-MM-DD.")


def zone_of(name: str) -> ZoneInfo:
    """A zone of the database of time zones. Names are compared with its list: one that is not in it never
    becomes the name of a file. Raises BadInput."""
    if len(name) > ZONE_CHARS or name not in zones():
        raise BadInput("The time zone is unknown. Use a name such as Europe/Berlin, or UTC.")
    return ZoneInfo(name)


@cache
def zones() -> frozenset[str]:
    return frozenset(available_timezones())


@router.get("/conversations/{room}/attachments", response={200: AttachmentPage, **PROBLEMS})
def attachments(
    request: SignedInRequest, room: str, kind: AttachmentKind | None = None, cursor: str | None = None
) -> HttpResponse:
    """Pictures, videos, voice messages and files of a chat, the newest first."""
    membership = access_conversation(request.user, room)
    try:
        page = attachment_page(membership=membership, kinds=(kind,) if kind else (), cursor=cursor)
    except BadCursor:
        raise BadInput from None
    names = {request.user.id: request.user.public_id, membership.peer.id: membership.peer.public_id}
    return json_response(AttachmentPage(items=[shared(each, names) for each in page.items], next=page.next))


def shared(each: Shared, names: dict[int, str]) -> SharedAttachment:
    return SharedAttachment(
        **serializers.attachment(each.attachment.pk, each.attachment.stored_file).model_dump(),
        seq=each.message.seq,
        sender=names.get(each.message.sender_id, ""),
        created_at=instant(each.message.created_at),
    )
