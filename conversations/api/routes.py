"""The routes of the HTTP API (docs/protocol.md 7). Each calls the same function as the socket."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse

from accounts.client_address import address_of
from accounts.cursors import BadCursor
from accounts.requests import SignedInRequest
from accounts.selectors import people_page
from conversations import frames, serializers, throttling
from conversations.access import Membership, access_conversation
from conversations.api.attachments import router as attachments
from conversations.api.auth import signed_in, signed_in_with_json
from conversations.api.finding import router as finding
from conversations.api.inputs import (
    BadInput,
    ConversationInput,
    DraftInput,
    ForwardInput,
    MessageInput,
    ReceiptInput,
    SyncInput,
    idempotency_key,
    new_api,
)
from conversations.api.invites import router as invites
from conversations.api.messages import router as messages
from conversations.api.outputs import (
    CardPage,
    ConversationPage,
    MessagePage,
    PersonCard,
    SendAnswer,
    SyncAnswer,
)
from conversations.api.problems import problem, register_problem_handlers
from conversations.api.responses import JOURNAL_TIMEOUT_S, PROBLEMS, json_response
from conversations.db.errors import after_write
from conversations.protocol import objects
from conversations.protocol.codes import ErrorCode
from conversations.selectors.conversations import conversation_list, conversation_row, startable_among
from conversations.selectors.messages import PAGE, message_page, stored_message, was_sent
from conversations.services.conversations import conversation_open, conversation_reopen, person_startable
from conversations.services.drafts import draft_set
from conversations.services.messages import message_send
from conversations.services.receipts import receipt_advance

api = new_api()
api.add_router("/invites", invites)
api.add_router("/attachments", attachments)
api.add_router("", messages)
api.add_router("", finding)
register_problem_handlers(api)

ROOMS_CHARS = 100 * 36
"""A hundred room names and the commas between them; the rest is ignored."""


def senders(request: SignedInRequest, membership: Membership) -> dict[int, str]:
    return {request.user.id: request.user.public_id, membership.peer.id: membership.peer.public_id}


@api.get("/me", auth=signed_in, response={200: objects.Card, **PROBLEMS})
def me(request: SignedInRequest) -> HttpResponse:
    """The logged-in user. 401 tells a client that its session has ended."""
    return json_response(serializers.card(request.user))


@api.get("/people", auth=signed_in, response={200: CardPage, **PROBLEMS})
def people(request: SignedInRequest, q: str = "", cursor: str | None = None) -> HttpResponse:
    """Users who chose to be listed, by name; `next` of a page is the `cursor` of the following one."""
    try:
        found, following = people_page(viewer=request.user, q=q[:50], cursor=cursor)
    except BadCursor:
        return problem(ErrorCode.BAD_FRAME)
    startable = startable_among(user_id=request.user.id, people=found)
    cards = [
        PersonCard(**serializers.card(person).model_dump(), can_start=person.pk in startable)
        for person in found
    ]
    return json_response(CardPage(items=cards, next=following))


@api.get("/conversations", auth=signed_in, response={200: ConversationPage, **PROBLEMS})
def conversations(
    request: SignedInRequest, cursor: str | None = None, limit: int = 60, rooms: str | None = None
) -> HttpResponse:
    """The chats of the list, the newest first. `rooms`: only these, separated by commas; rooms that are not
    the user's are left out."""
    named = None if rooms is None else rooms[:ROOMS_CHARS].split(",")[:100]
    try:
        page = conversation_list(user=request.user, cursor=cursor, limit=max(1, min(limit, 100)), rooms=named)
    except BadCursor:
        return problem(ErrorCode.BAD_FRAME)
    items = [serializers.conversation(row, request.user) for row in page.items]
    return json_response(
        ConversationPage(
            items=items, next=page.next, unread_total=page.unread.total, unread_chats=page.unread.chats
        )
    )


@api.post(
    "/conversations",
    auth=signed_in_with_json,
    response={200: objects.Conversation, 201: objects.Conversation, **PROBLEMS},
)
def open_conversation(request: SignedInRequest, body: ConversationInput) -> HttpResponse:
    """Open the chat with one person: 201 if it is new to the user, 200 if it was in their list."""
    attempt = throttling.take_person_attempt(user_id=request.user.id)
    person = person_startable(request.user, body.user)
    attempt.refund()
    conversation, is_new = conversation_open(user=request.user, peer=person)
    membership = access_conversation(request.user, conversation.room_name)
    return json_response(
        serializers.conversation(conversation_row(membership), request.user), 201 if is_new else 200
    )


@api.get("/conversations/{room}", auth=signed_in, response={200: objects.Conversation, **PROBLEMS})
def conversation(request: SignedInRequest, room: str) -> HttpResponse:
    return json_response(
        serializers.conversation(conversation_row(access_conversation(request.user, room)), request.user)
    )


@api.get("/conversations/{room}/messages", auth=signed_in, response={200: MessagePage, **PROBLEMS})
def history(
    request: SignedInRequest,
    room: str,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> HttpResponse:
    """A page of history, ascending; `before` and `after` are message numbers and exclusive."""
    membership = access_conversation(request.user, room)
    page = message_page(membership=membership, before=bounded(before), after=bounded(after), limit=limit)
    names = senders(request, membership)
    items = [serializers.message(row, sender=names.get(row.sender_id, "")) for row in page.items]
    return json_response(MessagePage(items=items, version=page.version))


@api.post(
    "/conversations/{room}/messages",
    auth=signed_in_with_json,
    response={200: SendAnswer, 201: SendAnswer, **PROBLEMS},
)
def send(request: SignedInRequest, room: str, body: MessageInput | ForwardInput) -> HttpResponse:
    """201 the first time, 200 for a repeat of the same id, 409 if the id was used for another message."""
    id = message_id(request, body)
    throttling.allow_send(request.user.id, lambda: was_sent(user_id=request.user.id, room=room, id=id))
    where: dict[str, Any] = {"user": request.user, "room": room, "id": id, "body": body.body}
    if isinstance(body, ForwardInput):
        future = message_send(**where, forward=(body.forward.room, body.forward.seq))
    else:
        future = message_send(**where, reply_to=body.reply_to, attachments=tuple(body.attachments))
    accepted = future.result(JOURNAL_TIMEOUT_S)
    wire = accepted.message
    if wire is None:
        # A repeat of a message that was changed since, or of a forwarded one.
        with after_write():
            row = stored_message(membership=access_conversation(request.user, room), seq=accepted.seq)
        wire = serializers.message(row, sender=request.user.public_id)
    return json_response(
        SendAnswer(room=room, message=wire, duplicate=accepted.duplicate), 200 if accepted.duplicate else 201
    )


def message_id(request: SignedInRequest, body: MessageInput | ForwardInput) -> UUID:
    """The id of the body, or the Idempotency-Key; if both are given, they must be equal."""
    key = idempotency_key(request)
    if (body.id is None and key is None) or (body.id is not None and key is not None and body.id != key):
        raise BadInput
    return body.id or key  # type: ignore[return-value]


@api.post("/conversations/{room}/reopen", auth=signed_in, response={200: objects.Conversation, **PROBLEMS})
def reopen(request: SignedInRequest, room: str) -> HttpResponse:
    """Reopen a chat that the user closed; 403 if it was not closed by them."""
    conversation_reopen(user=request.user, room_name=room)
    return json_response(
        serializers.conversation(conversation_row(access_conversation(request.user, room)), request.user)
    )


@api.put(
    "/conversations/{room}/receipt",
    auth=signed_in_with_json,
    response={200: objects.Conversation, **PROBLEMS},
)
def receipt(request: SignedInRequest, room: str, body: ReceiptInput) -> HttpResponse:
    receipt_advance(user=request.user, room=room, delivered=body.delivered, read=body.read).result(
        JOURNAL_TIMEOUT_S
    )
    with after_write():
        row = conversation_row(access_conversation(request.user, room))
    return json_response(serializers.conversation(row, request.user))


@api.put(
    "/conversations/{room}/draft",
    auth=signed_in_with_json,
    response={200: objects.Conversation, **PROBLEMS},
)
def draft(request: SignedInRequest, room: str, body: DraftInput) -> HttpResponse:
    """What I have typed and not sent, for my other devices; empty removes it."""
    throttling.allow_draft(request.user.id)
    draft_set(user=request.user, room=room, body=body.body).result(JOURNAL_TIMEOUT_S)
    with after_write():
        row = conversation_row(access_conversation(request.user, room))
    return json_response(serializers.conversation(row, request.user))


@api.post("/sync", auth=signed_in_with_json, response={200: SyncAnswer, **PROBLEMS})
def sync(request: SignedInRequest, body: SyncInput) -> HttpResponse:
    """Catch up without a socket: the same pages as the `sync` command. Rooms that are not the user's are left
    out, as if they had not been named."""
    named = len(body.rooms.keys() | body.marks.keys())
    throttling.allow_frame(
        request.user.id, address=address_of(request.META), count=throttling.weight_of_sync(named) - 1
    )
    pages = frames.sync_pages(request.user, body.rooms, body.marks)
    return HttpResponse(
        '{"pages":[' + ",".join(page.encode() for page in pages) + "]}", content_type="application/json"
    )


def bounded(seq: int | None) -> int | None:
    """Clamped to what the database can compare with."""
    return None if seq is None else max(0, min(seq, 2**63 - 1))
