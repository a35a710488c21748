"""Pages of search results: `/chats/?q=`, in all chats or in one. They work without JavaScript; with it, the
results are replaced while the user types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.cursors import BadCursor
from accounts.models import User
from accounts.requests import SignedInRequest
from accounts.selectors import people_listed
from conversations.access import Membership, access_conversation
from conversations.exceptions import ConversationNotFound
from conversations.selectors.conversations import chats_named
from conversations.selectors.search import Found, FoundPage, search_messages
from conversations.views.file_views import file_views
from conversations.views.shell import shell

if TYPE_CHECKING:
    from conversations.models import Message

TYPED_CHARS = 500
PEOPLE = 5
BEFORE_CHARS, SNIPPET_CHARS = 30, 160
LINE_BREAK = re.compile(r"\s*\n\s*")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a snippet; `is_match` is marked."""

    text: str
    is_match: bool


@dataclass(frozen=True, slots=True)
class FoundView:
    """One message of the results."""

    url: str
    peer: User
    pieces: list[Piece]
    created_at: datetime


def search_results(request: SignedInRequest) -> HttpResponse:
    typed = request.GET.get("q", "").replace("\0", " ")[:TYPED_CHARS]
    membership = membership_of(request)
    page = messages_found(request, typed, membership)
    words = typed.strip()
    is_everywhere = membership is None and bool(words)
    chats = chats_named(user=request.user, q=words, limit=PEOPLE) if is_everywhere else []
    people = people_listed(viewer=request.user, q=words, limit=PEOPLE) if is_everywhere else []
    known = {chat.peer_id for chat in chats}
    context = {
        **shell(request, tab="chats", page="search"),
        "typed": typed,
        "words": words,
        "room": membership and membership.conversation.room_name,
        "peer": membership and membership.peer,
        "found": [found_view(found, request.user) for found in page.items],
        "more": page.next and more_address(typed, membership, page.next),
        "chats": chats,
        "people": [person for person in people if person.pk not in known],
    }
    return render(request, "conversations/search.html", context)


def membership_of(request: SignedInRequest) -> Membership | None:
    """The chat that is searched; None for all of them. Raises Http404, as the page of the chat would."""
    room = request.GET.get("room")
    if not room:
        return None
    try:
        return access_conversation(request.user, room)
    except ConversationNotFound:
        raise Http404 from None


def messages_found(request: SignedInRequest, typed: str, membership: Membership | None) -> FoundPage:
    cursor = request.GET.get("cursor")
    try:
        return search_messages(user=request.user, typed=typed, membership=membership, cursor=cursor)
    except BadCursor:
        # An outdated address shows the first page.
        return search_messages(user=request.user, typed=typed, membership=membership)


def more_address(typed: str, membership: Membership | None, cursor: str) -> str:
    query: dict[str, Any] = {"q": typed.encode("utf-8", "replace"), "cursor": cursor}
    if membership is not None:
        query["room"] = membership.conversation.room_name
    return f"{reverse('inbox')}?{urlencode(query)}"


def found_view(found: Found, viewer: User) -> FoundView:
    participant, message = found.participant, found.message
    own = [Piece(f"{_('You')}: ", False)] if message.sender_id == viewer.id else []
    return FoundView(
        url=f"{reverse('conversation', args=[participant.conversation.room_name])}?m={message.seq}",
        peer=participant.peer,
        pieces=[*own, *pieces_of(message, found.matches)],
        created_at=message.created_at,
    )


def pieces_of(message: Message, matches: Sequence[tuple[int, int]]) -> list[Piece]:
    """The text around what was found, or the names of the files, where that was found."""
    names = "" if matches else ", ".join(file.name for file in file_views(message))
    return [Piece(names[:SNIPPET_CHARS], False)] if names else snippet(message.body, matches)


def snippet(body: str, matches: Sequence[tuple[int, int]]) -> list[Piece]:
    """The text around the first match, in one line. The same as static/js/state/snippet.js."""
    first = matches[0][0] if matches else 0
    start = max(0, first - BEFORE_CHARS)
    end = min(len(body), start + SNIPPET_CHARS)
    pieces = [Piece("…", False)] if start else []
    at = start
    for begin, length in matches:
        if begin >= end:
            break
        pieces += [Piece(body[at:begin], False), Piece(body[begin : min(end, begin + length)], True)]
        at = min(end, begin + length)
    pieces += [Piece(body[at:end], False), Piece("…" if end < len(body) else "", False)]
    return [Piece(LINE_BREAK.sub(" ", piece.text), piece.is_match) for piece in pieces if piece.text]
