"""The page of a chat's files: pictures and videos, other files, voice messages; each leads to its message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.cursors import BadCursor
from accounts.requests import SignedInRequest
from conversations import serializers
from conversations.access import Membership, access_conversation
from conversations.exceptions import ConversationNotFound
from conversations.selectors.attachments import Shared, SharedPage, attachment_page
from conversations.views.file_views import FileView, file_view
from conversations.views.shell import shell

TABS = {"media": ("picture", "video"), "file": ("file",), "voice": ("voice",)}


@dataclass(frozen=True, slots=True)
class SharedView:
    """A file, and where it was sent."""

    file: FileView
    seq: int
    who: str
    at: datetime
    url: str


@login_required
@require_safe
def chat_files(request: SignedInRequest, room_name: str) -> HttpResponse:
    try:
        membership = access_conversation(request.user, room_name)
    except ConversationNotFound:
        # The same page as for an unknown room (T2).
        raise Http404 from None
    kind = request.GET.get("kind", "")
    kind = kind if kind in TABS else "media"
    page = page_of(membership, kind, request.GET.get("cursor"))
    url = reverse("chat_files", args=[room_name])
    context = {
        **shell(request, tab="chats", page="files", current=room_name),
        "peer": membership.peer,
        "room": room_name,
        "kind": kind,
        "tabs": [(name, f"{url}?kind={name}", label) for name, label in labels().items()],
        "items": [shared_view(item, membership, request) for item in page.items],
        "older": f"{url}?{urlencode({'kind': kind, 'cursor': page.next})}" if page.next else "",
    }
    context["page_data"] |= {"files_of": room_name}
    return render(request, "conversations/chat_files.html", context)


def labels() -> dict[str, str]:
    return {"media": _("Photos and videos"), "file": _("Files"), "voice": _("Voice messages")}


def page_of(membership: Membership, kind: str, cursor: str | None) -> SharedPage:
    """An invalid cursor counts as none."""
    try:
        return attachment_page(membership=membership, kinds=TABS[kind], cursor=cursor)
    except BadCursor:
        return attachment_page(membership=membership, kinds=TABS[kind])


def shared_view(item: Shared, membership: Membership, request: SignedInRequest) -> SharedView:
    seq = item.message.seq
    is_own = item.message.sender_id == request.user.id
    room = reverse("conversation", args=[membership.conversation.room_name])
    return SharedView(
        file=file_view(serializers.attachment(item.attachment.pk, item.attachment.stored_file)),
        seq=seq,
        who=_("You") if is_own else membership.peer.name,
        at=item.message.created_at,
        url=f"{room}?m={seq}#message-{seq}",
    )
