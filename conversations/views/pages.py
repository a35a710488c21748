"""Pages of chats and people, and the plain-form way to do what a socket can: everything here works without JavaScript."""

from __future__ import annotations

import math
import uuid
from contextlib import suppress
from typing import Any

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
from conversations.access import Seat, access_conversation
from conversations.db.errors import TRANSIENT_ERRORS, refusal_for
from conversations.exceptions import (
    CannotDeliver,
    ConversationNotFound,
    MessageConflict,
    PersonNotFound,
    Refusal,
    TooManyTries,
    UnknownResult,
)
from conversations.forms import MessageForm
from conversations.selectors.conversations import conversation_row, room_with, startable_among
from conversations.selectors.messages import PAGE, MessagePage, message_page, message_page_around, was_sent
from conversations.services.conversations import conversation_open, conversation_reopen, person_startable
from conversations.services.messages import message_send
from conversations.services.receipts import receipt_advance
from conversations.views.presenters import conversation_object, conversation_view, message_views
from conversations.views.shell import SeeOther, shell

ANSWER_SECONDS = 10
"""Longest wait of a form for the journal; after it nobody knows whether it was stored, and the same form may be sent again."""


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(reverse("inbox"))
    return render(request, "landing.html")


@login_required
@require_safe
def inbox(request: SignedInRequest) -> HttpResponse:
    return render(request, "conversations/inbox.html", shell(request, tab="chats", page="inbox"))


@login_required
@require_safe
def people(request: SignedInRequest) -> HttpResponse:
    q = request.GET.get("q", "")[:50]
    try:
        found, following = people_page(viewer=request.user, q=q, cursor=request.GET.get("cursor"))
    except BadCursor:
        # An old address shows the first page.
        found, following = people_page(viewer=request.user, q=q)
    startable = startable_among(user_id=request.user.id, people=found)
    rows = [{"person": person, "can_start": person.pk in startable} for person in found]
    context = {**shell(request, tab="people", page="people"), "people": rows, "people_next": following}
    return render(request, "conversations/people.html", {**context, "q": q, "directory": settings.DIRECTORY})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def chat_with(request: SignedInRequest, username: str) -> HttpResponse:
    """A person's link. It leads exactly two people into one room: the one it names and the one who follows it."""
    try:
        guess = throttling.take_person_try(user_id=request.user.id)
        person = person_startable(request.user, username)
    except TooManyTries as refusal:
        return too_many(request, refusal)
    except PersonNotFound:
        return person_not_found(request)
    guess.give_back()
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
        # A block came between the look and the lock.
        return person_not_found(request)
    except TooManyTries as refusal:
        return too_many(request, refusal)
    return SeeOther(reverse("conversation", args=[conversation.room_name]))


def person_not_found(request: SignedInRequest) -> HttpResponse:
    """One page inside the app for everybody who cannot be written to, whoever they are: neither the name that was asked for nor a token
    of this answer stands in it, so that two of them are equal byte for byte."""
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
        seat = access_conversation(request.user, room_name)
    except ConversationNotFound:
        # The same page as for a room that never was: nobody learns who talks to whom (safety.md T2).
        raise Http404 from None
    if request.method == "POST":
        response = (
            send(request, seat)
            if "body" in request.POST
            else SeeOther(reverse("conversation", args=[room_name]))
        )
        # After the answer: only with it may the other one see how far a first message was read (protocol.md P6).
        mark_read(request, seat)
        return response
    return show(request, seat, MessageForm(initial={"id": uuid.uuid4()}))


@login_required
@require_POST
def reopen(request: SignedInRequest, room_name: str) -> HttpResponse:
    """The one who closed a chat has the button; of anybody else the page says what it said before."""
    try:
        with suppress(CannotDeliver):
            conversation_reopen(user=request.user, room_name=room_name)
    except ConversationNotFound:
        raise Http404 from None
    return SeeOther(reverse("conversation", args=[room_name]))


def mark_read(request: SignedInRequest, seat: Seat) -> None:
    """Who sends the form of a page, or presses its button, has seen what stands on it. A script never sends forms: it knows what was in view."""
    read = whole(request.POST.get("read"))
    if read and seat.me.unread:
        # Not worth a refusal: the button is still there.
        with suppress(Refusal, TimeoutError):
            receipt_advance(
                user=request.user, room=seat.conversation.room_name, read=read, delivered=read
            ).result(ANSWER_SECONDS)


def send(request: SignedInRequest, seat: Seat) -> HttpResponse:
    """The form way of `message.send`; the hidden id makes a second press harmless."""
    form = MessageForm(request.POST)
    if not form.is_valid():
        return show(request, seat, form, status=422)
    room = seat.conversation.room_name
    try:
        id = form.cleaned_data["id"]
        throttling.allow_send(request.user.id, lambda: was_sent(user_id=request.user.id, room=room, id=id))
        message_send(user=request.user, room=room, id=id, body=form.cleaned_data["body"]).result(
            ANSWER_SECONDS
        )
    except ConversationNotFound:
        raise Http404 from None
    except (Refusal, TimeoutError) as reason:
        form.add_error("body", sentence_for(reason))
        return refused(request, seat, form, reason)
    except TRANSIENT_ERRORS as error:
        # The limit could not be looked up; nothing was tried.
        return unsent(request, room, form, refusal_for(error))
    return SeeOther(reverse("conversation", args=[room]))


def refused(request: SignedInRequest, seat: Seat, form: MessageForm, reason: Exception) -> HttpResponse:
    """The chat with the sentence, the text and the id in its form; without the chat, where the database cannot be asked for it."""
    try:
        return show(request, seat, form, status=status_for(reason), retry_after=reason)
    except TRANSIENT_ERRORS as error:
        refusal_for(error)
        return unsent(request, seat.conversation.room_name, form, reason)


def unsent(request: SignedInRequest, room: str, form: MessageForm, reason: Exception) -> HttpResponse:
    status = status_for(reason)
    heading = _("It is not certain that this was sent") if status == 504 else _("Not sent yet")
    action = reverse("conversation", args=[room])
    context = {
        "heading": heading,
        "sentence": sentence_for(reason),
        "action": action,
        "body": form.data["body"],
        "id": form.data["id"],
    }
    response = render(request, "conversations/unsent.html", context, status=status)
    response["Retry-After"] = retry_after_s(reason)
    return response


def sentence_for(reason: Exception) -> str:
    match reason:
        case CannotDeliver():
            return _("You can’t write to this person now.")
        case MessageConflict():
            return _("This message was already sent with a different text. Send it again as a new message.")
        case TooManyTries():
            return _("You’re sending messages too fast. Wait a moment and try again.")
        case UnknownResult() | TimeoutError():
            return _(
                "It is not certain that your message was saved. Send it again: it will not arrive twice."
            )
        case _:
            return _(
                "The server couldn’t save this right now. Your text is still here; send it again in a moment."
            )


def status_for(reason: Exception) -> int:
    match reason:
        case MessageConflict():
            return 409
        case TooManyTries():
            return 429
        case CannotDeliver():
            return 422
        case UnknownResult() | TimeoutError():
            return 504
        case _:
            return 503


def retry_after_s(reason: Exception | None) -> str:
    return str(max(1, (getattr(reason, "retry_after_ms", None) or 1_000) // 1_000))


def show(
    request: SignedInRequest,
    seat: Seat,
    form: MessageForm,
    *,
    status: int = 200,
    retry_after: Exception | None = None,
) -> HttpResponse:
    row = conversation_row(seat)
    page = message_page(seat=seat, before=whole(request.GET.get("before")), after=None)
    opens_at, window = opening(request, seat, page)
    if "m" in request.GET and opens_at is None:
        messages.info(request, _("This message cannot be found."))
    current = conversation_view(row, request.user, current=row.conversation.room_name)
    if form.is_bound and (status == 409 or "id" in form.errors):
        # Under the old id nothing more can be sent.
        form.data = {"body": form.data.get("body", ""), "id": str(uuid.uuid4())}
    context = {
        **shell(request, tab="chats", page="conversation", current=current.room),
        "conversation": current,
        "messages_list": message_views(window.items, row, request.user),
        "older": window.has_older,
        "older_before": window.items[0].seq if window.items else None,
        "is_newest": "before" not in request.GET,
        "newest": page.items[-1].seq if window.has_newer else None,
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


def opening(request: SignedInRequest, seat: Seat, newest: MessagePage) -> tuple[int | None, MessagePage]:
    """Where the chat opens: at `?m=<seq>`, or at the first unread message when the newest page does not hold it (ui-spec H6).

    Returns:
        The seq that a link points at, if it is a message, and the page to show: the newest one, unless that place stands above it.
    """
    asked = whole(request.GET.get("m"))
    unread_above = (
        seat.me.unread > PAGE - 10 and newest.items and newest.items[-1].sender_id != request.user.id
    )
    at = asked or (seat.me.read_seq + 1 if unread_above and "before" not in request.GET else None)
    if at is None or not newest.items or at >= newest.items[0].seq:
        return (asked if any(message.seq == asked for message in newest.items) else None), newest
    window = message_page_around(seat=seat, seq=at, version=newest.version)
    if asked and not any(message.seq == asked for message in window.items):
        return None, newest
    return asked, window


def conversation_data(request: SignedInRequest, row: Any, page: MessagePage) -> dict[str, Any]:
    """What the script needs to go live from this page: the very objects of the wire, and the number they were read at."""
    return {
        "room": row.conversation.room_name,
        "conversation": conversation_object(row, request.user).model_dump(mode="json"),
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


def whole(text: str | None) -> int | None:
    """A positive number from an address; anything else counts as not given."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else None


def too_many(request: SignedInRequest, refusal: TooManyTries) -> HttpResponse:
    wait_s = math.ceil((refusal.retry_after_ms or 1_000) / 1_000)
    response = render(request, "429.html", {"wait_s": wait_s}, status=429)
    response["Retry-After"] = str(wait_s)
    return response
