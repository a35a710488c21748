"""The invite routes of the HTTP API; the services are those of the pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from ninja import Router

from accounts.client_address import address_of
from accounts.requests import SignedInRequest, own_origin
from conversations import serializers, throttling
from conversations.access import access_conversation
from conversations.api.auth import signed_in, signed_in_with_json
from conversations.api.inputs import ClaimInput, InviteChange, InviteInput, idempotency_key
from conversations.api.outputs import InvitePage
from conversations.api.responses import PROBLEMS, json_response
from conversations.exceptions import InviteNotFound
from conversations.protocol import objects
from conversations.protocol.objects import instant, instant_or_none
from conversations.selectors.conversations import conversation_row
from conversations.selectors.invites import InviteView, invite_of, invites_of
from conversations.services.invites import invite_change, invite_claim, invite_create, invite_revoke

router = Router(auth=signed_in, tags=["invites"])
RESPONSES: dict[int, Any] = {200: objects.Invite, **PROBLEMS}


def invite_object(view: InviteView) -> objects.Invite:
    return objects.Invite(
        id=str(view.id),
        url=view.url,
        note=view.note,
        created_at=instant(view.created_at),
        expires_at=instant(view.expires_at),
        state=view.state,
        claimed_by=None if view.claimed_by is None else serializers.card(view.claimed_by),
        claimed_at=instant_or_none(view.claimed_at),
    )


def invite_response(request: SignedInRequest, invite_id: UUID, status: int = 200) -> HttpResponse:
    view = invite_of(
        inviter=request.user, invite_id=invite_id, origin=own_origin(request), now=timezone.now()
    )
    if view is None:
        raise InviteNotFound
    return json_response(invite_object(view), status)


@router.get("", response={200: InvitePage, **PROBLEMS})
def invites(request: SignedInRequest) -> HttpResponse:
    """The user's own invites: open ones first, then the newest of the ended ones."""
    found = invites_of(inviter=request.user, origin=own_origin(request), now=timezone.now())
    return json_response(InvitePage(items=[invite_object(view) for view in found], next=None))


@router.post("", auth=signed_in_with_json, response={201: objects.Invite, **PROBLEMS})
def create(request: SignedInRequest, body: InviteInput) -> HttpResponse:
    """A link for exactly one person; 409 when twenty are open already. With the same Idempotency-Key, note
    and life, a retry after an unknown result creates no second link."""
    made = invite_create(inviter=request.user, note=body.note, lives=body.lives, key=idempotency_key(request))
    return invite_response(request, made.pk, 201)


@router.post(
    "/claim",
    auth=signed_in_with_json,
    response={200: objects.Conversation, 201: objects.Conversation, **PROBLEMS},
)
def claim(request: SignedInRequest, body: ClaimInput) -> HttpResponse:
    """Accept an invite: 201 if this request used it; 200 if the user had accepted it before, or the two have
    a chat already (it stays unused)."""
    throttling.take_invite_attempt(address=address_of(request.META), user_id=request.user.id)
    found = invite_claim(user=request.user, token=body.token)
    membership = access_conversation(request.user, found.conversation.room_name)
    return json_response(
        serializers.conversation(conversation_row(membership), request.user),
        201 if found.outcome == "created" else 200,
    )


@router.get("/{invite_id}", response=RESPONSES)
def invite(request: SignedInRequest, invite_id: UUID) -> HttpResponse:
    return invite_response(request, invite_id)


@router.patch("/{invite_id}", auth=signed_in_with_json, response=RESPONSES)
def change(request: SignedInRequest, invite_id: UUID, body: InviteChange) -> HttpResponse:
    """Change the note, or the lifetime counted from now, while the invite is open; 410 afterwards."""
    return invite_response(
        request, invite_change(inviter=request.user, invite_id=invite_id, note=body.note, lives=body.lives).pk
    )


@router.delete("/{invite_id}", response=RESPONSES)
def revoke(request: SignedInRequest, invite_id: UUID) -> HttpResponse:
    """Revoke the link. A repeat changes nothing; 410 if it has been accepted."""
    return invite_response(request, invite_revoke(inviter=request.user, invite_id=invite_id).pk)
