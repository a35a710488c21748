"""The app shell: the context that its pages share, the chat list and the initial data of its script."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseRedirect

from accounts.cursors import BadCursor
from accounts.requests import SignedInRequest
from conversations import serializers
from conversations.held_invite import gone_notice
from conversations.selectors.conversations import ConversationPage, conversation_list
from conversations.views.client_texts import client_texts
from conversations.views.presenters import conversation_view


class SeeOther(HttpResponseRedirect):
    """303: the browser continues with a GET after a POST."""

    status_code = 303


def list_page(request: SignedInRequest) -> ConversationPage:
    """The newest chats, or those after a cursor; an invalid cursor counts as none."""
    try:
        return conversation_list(user=request.user, cursor=request.GET.get("cursor"))
    except BadCursor:
        return conversation_list(user=request.user)


def shell(request: SignedInRequest, *, tab: str, page: str, current: str | None = None) -> dict[str, Any]:
    """The template context of every page with the chat list."""
    rows = list_page(request)
    views = [conversation_view(row, request.user, current=current) for row in rows.items]
    # A chat opened from People without a message: the list hides it, or it would stay there for ever.
    unwritten = {view.room for view in views if view.last is None and view.origin == "people"}
    return {
        "rows_next": rows.next,
        "note": gone_notice(request, has_chats=bool(rows.items)),
        "rows": [view for view in views if view.is_current or view.room not in unwritten],
        "tab": tab,
        "total_unread": rows.unread.total,
        "page_data": {
            "page": page,
            "user": serializers.card(request.user).model_dump(mode="json"),
            "conversations": [
                serializers.conversation(row, request.user).model_dump(mode="json") for row in rows.items
            ],
            "unread_total": rows.unread.total,
            "unwritten": sorted(unwritten),
            "strings": client_texts(),
        },
    }
