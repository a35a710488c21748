"""Chat and people pages, with a plain form for each command: everything here works without JavaScript."""

from __future__ import annotations

import math
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.cursors import BadCursor
from accounts.requests import SignedInRequest
from accounts.selectors import people_page
from conversations import serializers, throttling
from conversations.access import Membership, access_conversation
from conversations.db.errors import TRANSIENT_ERRORS, refusal_for
from conversations.exceptions import (
    CannotDeliver,
    ConversationNotFound,
    PersonNotFound,
    Refusal,
    TooManyTries,
)
from conversations.forms import MessageForm
from conversations.selectors.conversations import conversation_row, room_with, startable_among
from conversations.selectors.messages import MessagePage, message_page, message_page_around, was_sent
from conversations.services.conversations import conversation_open, conversation_reopen, person_startable
from conversations.services.messages import message_send
from conversations.services.receipts import receipt_advance
from conversations.views.file_forms import chosen_files, upload_files
from conversations.views.finding import search_results
from conversations.views.presenters import conversation_view, message_views
from conversations.views.refusals import retry_after_s, sentence_for, sentence_with_files, status_for
from conversations.views.shell import SeeOther, shell

if TYPE_CHECKING:
    from conversations.models import Message

JOURNAL_TIMEOUT_S = 10
"""Longest wait of a form for the writer. After it the result is unknown, and the same form may be sent
again."""

PAGE_CHARS = 100_000
"""Text of the messages of one page: drawing 50 of the longest took 1.5 s of the processor, and a user may
load ten pages a second (docs/threats.md T35)."""


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(reverse("inbox"))
    return render(request, "landing.html")


@login_required
@require_safe
def inbox(request: SignedInRequest) -> HttpResponse:
    if "q" in request.GET:
        return search_results(request)
    return render(request, "conversations/inbox.html", shell(request, tab="chats", page="inbox"))


@login_required
@require_safe
def people(request: SignedInRequest) -> HttpResponse:
    q = request.GET.get("q", "")[:50]
    try:
        found, following = people_page(viewer=request.user, q=q, cursor=request.GET.get("cursor"))
    except BadCursor:
        # An outdated address shows the first page.
        found, following = people_page(viewer=request.user, q=q)
    startable = startable_among(user_id=request.user.id, people=found)
    rows = [{"person": person, "can_start": person.pk in startable} for person in found]
    context = {**shell(request, tab="people", page="people"), "people": rows, "people_next": following}
    return render(request, "conversations/people.html", {**context, "q": q, "directory": settings.DIRECTORY})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def chat_with(request: SignedInRequest, username: str) -> HttpResponse:
    """A person's link: the chat of the person it names with the user who follows it."""
    try:
        attempt = throttling.take_person_attempt(user_id=request.user.id)
        person = person_startable(request.user, username)
    except TooManyTries as refusal:
        return rate_limited(request, refusal)
    except PersonNotFound:
        return person_not_found(request)
    attempt.refund()
    room = room_with(user_id=request.user.id, peer_id=person.id)
    if room is not None:
        return SeeOther(reverse("conversation", args=[room]))
    if request.method != "POST":
        return render(
            request,
            "conversations/chat_with.html",
            {**shell(request, tab="people", page="people"), "person": person},
        )
    try:
        conversation, _created = conversation_open(user=request.user, peer=person)
    except PersonNotFound:
        # A block was set between the check and the lock.
        return person_not_found(request)
    except TooManyTries as refusal:
        return rate_limited(request, refusal)
    return SeeOther(reverse("conversation", args=[conversation.room_name]))


def person_not_found(request: SignedInRequest) -> HttpResponse:
    """The same page for unknown users and for users who cannot be written to. It contains neither the
    requested name nor a per-response token: two such responses are equal byte for byte, so they reveal no
    account."""
    return render(
        request,
        "conversations/person_not_found.html",
        shell(request, tab="people", page="people"),
        status=404,
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def conversation(request: SignedInRequest, room_name: str) -> HttpResponse:
    try:
        membership = access_conversation(request.user, room_name)
    except ConversationNotFound:
        # The same page as for an unknown room, so that it does not reveal who talks to whom (T2).
        raise Http404 from None
    if request.method == "POST":
        response = (
            send(request, membership)
            if "body" in request.POST
            else SeeOther(reverse("conversation", args=[room_name]))
        )
        # After sending: the peer sees how far a first message was read only once it was answered (P6).
        mark_read(request, membership)
        return response
    form = MessageForm(initial={"id": uuid.uuid4(), "body": membership.me.draft})
    return render_conversation(request, membership, form)


@login_required
@require_POST
def reopen(request: SignedInRequest, room_name: str) -> HttpResponse:
    """Only the user who closed the chat has the button; for others the page stays the same."""
    try:
        with suppress(CannotDeliver):
            conversation_reopen(user=request.user, room_name=room_name)
    except ConversationNotFound:
        raise Http404 from None
    return SeeOther(reverse("conversation", args=[room_name]))


def mark_read(request: SignedInRequest, membership: Membership) -> None:
    """A user who submits a form of the page has seen its messages. The script never submits forms: it reports
    what was in view."""
    read = parse_number(request.POST.get("read"))
    if read and membership.me.unread:
        # Not worth an error: the button is still there.
        with suppress(Refusal, TimeoutError):
            receipt_advance(
                user=request.user, room=membership.conversation.room_name, read=read, delivered=read
            ).result(JOURNAL_TIMEOUT_S)


def send(request: SignedInRequest, membership: Membership) -> HttpResponse:
    """`message.send` as a form; the hidden id makes a second submit harmless."""
    files = chosen_files(request)
    form = MessageForm(request.POST, has_files=bool(files))
    if form.is_valid() and len(files) > throttling.PER_MESSAGE:
        form.add_error(
            "body", _("You can send at most %(most)s files at once.") % {"most": throttling.PER_MESSAGE}
        )
    if not form.is_valid():
        return render_conversation(request, membership, form, status=422)
    room = membership.conversation.room_name
    try:
        id, body = form.cleaned_data["id"], form.cleaned_data["body"]
        throttling.allow_send(request.user.id, lambda: was_sent(user_id=request.user.id, room=room, id=id))
        ids = upload_files(request, id, files, as_files="as_files" in request.POST)
        sent = message_send(user=request.user, room=room, id=id, body=body, attachments=ids)
        sent.result(JOURNAL_TIMEOUT_S)
    except ConversationNotFound:
        raise Http404 from None
    except (Refusal, TimeoutError) as reason:
        form.add_error("body", sentence_with_files(reason) if files else sentence_for(reason))
        return conversation_with_error(request, membership, form, reason)
    except TRANSIENT_ERRORS as error:
        # The lookup for the rate limit failed: nothing was written.
        return unsent(request, room, form, refusal_for(error))
    return SeeOther(reverse("conversation", args=[room]))


def conversation_with_error(
    request: SignedInRequest, membership: Membership, form: MessageForm, reason: Exception
) -> HttpResponse:
    """The chat, with the error, the text and the id in its form; if the database is unavailable, only the
    form."""
    try:
        return render_conversation(request, membership, form, status=status_for(reason), retry_after=reason)
    except TRANSIENT_ERRORS as error:
        refusal_for(error)
        return unsent(request, membership.conversation.room_name, form, reason)


def unsent(request: SignedInRequest, room: str, form: MessageForm, reason: Exception) -> HttpResponse:
    status = status_for(reason)
    heading = _("We can’t tell whether this was sent") if status == 504 else _("Not sent yet")
    action = reverse("conversation", args=[room])
    context = {
        "heading": heading,
        "sentence": sentence_for(reason),
        "action": action,
        "body": form.data["body"],
        "hidden": {"id": form.data["id"]},
    }
    response = render(request, "conversations/unsent.html", context, status=status)
    response["Retry-After"] = retry_after_s(reason)
    return response


def render_conversation(
    request: SignedInRequest,
    membership: Membership,
    form: MessageForm,
    *,
    status: int = 200,
    retry_after: Exception | None = None,
) -> HttpResponse:
    row = conversation_row(membership)
    before = parse_number(request.GET.get("before"))
    page = message_page(membership=membership, before=before, chars=PAGE_CHARS)
    opens_at, window = opening_page(request, membership, page)
    if "m" in request.GET and opens_at is None:
        messages.info(request, _("This message can’t be found."))
    elif any(message.seq == opens_at and is_deleted(message) for message in window.items):
        messages.info(request, _("This message was deleted."))
    current = conversation_view(row, request.user, current=row.conversation.room_name)
    if form.is_bound and (status == 409 or "id" in form.errors):
        # The old id is used: a retry needs a new one.
        form.data = {"body": form.data.get("body", ""), "id": str(uuid.uuid4())}
    views = message_views(window.items, row, request.user)
    context = {
        **shell(request, tab="chats", page="conversation", current=current.room),
        "conversation": current,
        "timeline": {
            "messages": views,
            "has_files": any(view.files or (view.quote and view.quote.thumb_url) for view in views),
            "older_before": window.items[0].seq if window.has_older and window.items else None,
            "newest": page.items[-1].seq if window.has_newer else None,
            "is_newest": "before" not in request.GET,
        },
        "seen": window.items[-1].seq if window.items else None,
        "form": form,
    }
    context["page_data"] |= conversation_data(request, row, page) | {"opens_at": opens_at}
    if window is not page:
        context["page_data"] |= {
            "window": message_objects(request, row, window),
            "window_has_older": window.has_older,
        }
    response = render(request, "conversations/detail.html", context, status=status)
    if status in {429, 503, 504}:
        response["Retry-After"] = retry_after_s(retry_after)
    return response


def opening_page(
    request: SignedInRequest, membership: Membership, newest: MessagePage
) -> tuple[int | None, MessagePage]:
    """Where the chat opens: at `?m=<seq>`, or at the first unread message if it is older than the newest page
    (docs/interface.md H6).

    Returns:
        The seq of the linked message, if it exists, and the page to show: the newest one, or one around an
        older message.
    """
    asked = parse_number(request.GET.get("m"))
    unread_above = (
        membership.me.unread > max(0, len(newest.items) - 10)
        and newest.items
        and newest.items[-1].sender_id != request.user.id
    )
    at = asked or (membership.me.read_seq + 1 if unread_above and "before" not in request.GET else None)
    if at is None or not newest.items or at >= newest.items[0].seq:
        return (asked if any(message.seq == asked for message in newest.items) else None), newest
    window = message_page_around(membership=membership, seq=at, version=newest.version, chars=PAGE_CHARS)
    if asked and not any(message.seq == asked for message in window.items):
        return None, newest
    return asked, window


def is_deleted(message: Message) -> bool:
    return message.deleted_at is not None or message.deleted_for_me


def conversation_data(request: SignedInRequest, row: Any, page: MessagePage) -> dict[str, Any]:
    """What the script needs to continue from this page: wire objects, and the version at which they were
    read."""
    return {
        "room": row.conversation.room_name,
        "conversation": serializers.conversation(row, request.user).model_dump(mode="json"),
        "messages": message_objects(request, row, page),
        "version": page.version,
        "has_older": page.has_older,
        "shows_typing": request.user.profile.shares_typing,
    }


def message_objects(request: SignedInRequest, row: Any, page: MessagePage) -> list[Any]:
    senders = {request.user.id: request.user.public_id, row.peer.id: row.peer.public_id}
    return [
        serializers.message(message, sender=senders.get(message.sender_id, "")).model_dump(mode="json")
        for message in page.items
    ]


def parse_number(text: str | None) -> int | None:
    """A query parameter as a number; anything else counts as not given."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else None


def rate_limited(request: SignedInRequest, refusal: TooManyTries) -> HttpResponse:
    wait_s = math.ceil((refusal.retry_after_ms or 1_000) / 1_000)
    response = render(request, "429.html", {"wait_s": wait_s}, status=429)
    response["Retry-After"] = str(wait_s)
    return response
