"""The menu page of one message: what JavaScript offers in place, as plain forms."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.requests import SignedInRequest
from conversations import serializers, throttling
from conversations.access import Membership, access_conversation
from conversations.db.errors import TRANSIENT_ERRORS, refusal_for
from conversations.exceptions import ConversationNotFound, MessageNotFound, Refusal
from conversations.forms import EditForm, ForwardForm, MessageForm, ReplyForm
from conversations.protocol.commands import LARGEST_NUMBER
from conversations.selectors.conversations import ConversationRow, conversation_list, conversation_row
from conversations.selectors.message_text import text_of
from conversations.selectors.messages import message_at, was_sent
from conversations.services.messages import message_delete, message_edit, message_hide, message_send
from conversations.services.reactions import reaction_set
from conversations.views.presenters import conversation_view, message_view
from conversations.views.refusals import retry_after_s, sentence_for, status_for
from conversations.views.shell import SeeOther, shell

if TYPE_CHECKING:
    from conversations.models import Message

JOURNAL_TIMEOUT_S = 10
USUAL_EMOJI = "👍", "\u2764\ufe0f", "😂", "😮", "😢", "🙏"
FORWARD_TARGETS = 30
Action = Callable[[SignedInRequest, Membership, "Message"], HttpResponse]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def message_menu(request: SignedInRequest, room_name: str, seq: int) -> HttpResponse:
    try:
        membership = access_conversation(request.user, room_name)
        message = message_at(membership=membership, seq=min(seq, LARGEST_NUMBER))
    except (ConversationNotFound, MessageNotFound):
        # The same page for a room of others and for an unknown one (T2).
        raise Http404 from None
    if request.method == "POST":
        action = ACTIONS.get(request.POST.get("do", ""))
        return SeeOther(request.path) if action is None else action(request, membership, message)
    return render_menu(request, membership, message)


def edit(request: SignedInRequest, membership: Membership, message: Message) -> HttpResponse:
    """`message.edit` as a form. Its hidden version tells whether another device has changed the message since
    the page was loaded."""
    form = EditForm(request.POST)
    if not form.is_valid():
        return render_menu(request, membership, message, form=form, status=422)

    def change(**where: Any) -> Future[Any]:
        return message_edit(
            **where, body=form.cleaned_data["body"], version=form.cleaned_data["version"] or None
        )

    return carry_out(request, membership, message, change, form=form)


def delete(request: SignedInRequest, membership: Membership, message: Message) -> HttpResponse:
    return carry_out(request, membership, message, message_delete)


def hide(request: SignedInRequest, membership: Membership, message: Message) -> HttpResponse:
    return carry_out(request, membership, message, message_hide)


def react(request: SignedInRequest, membership: Membership, message: Message) -> HttpResponse:
    """`reaction.set`: the button sends the emoji; the one that is set takes it back."""
    change = partial(reaction_set, emoji=request.POST.get("emoji", ""), on=request.POST.get("on") != "false")
    return carry_out(request, membership, message, change, allow=throttling.allow_reaction)


def reply(request: SignedInRequest, membership: Membership, message: Message) -> HttpResponse:
    form = ReplyForm(request.POST)
    if not form.is_valid():
        return render_menu(request, membership, message, reply_form=form, status=422)
    body, id = form.cleaned_data["body"], form.cleaned_data["id"]

    def change(*, user: Any, room: str, seq: int) -> Future[Any]:
        return message_send(user=user, room=room, id=id, body=body, reply_to=seq)

    room = membership.conversation.room_name
    allow = partial(
        throttling.allow_send, is_repeat=partial(was_sent, user_id=request.user.id, room=room, id=id)
    )
    return carry_out(request, membership, message, change, form=form, allow=allow, then=room)


def forward(request: SignedInRequest, membership: Membership, message: Message) -> HttpResponse:
    """`message.send` with `forward`, into a chat of the list."""
    form = ForwardForm(request.POST, targets=forward_targets(request))
    if not form.is_valid():
        return render_menu(request, membership, message, status=422)
    to, id = form.cleaned_data["room"], form.cleaned_data["id"]

    def change(*, user: Any, room: str, seq: int) -> Future[Any]:
        return message_send(user=user, room=to, id=id, body="", forward=(room, seq))

    allow = partial(
        throttling.allow_send, is_repeat=partial(was_sent, user_id=request.user.id, room=to, id=id)
    )
    return carry_out(request, membership, message, change, allow=allow, then=to)


def forward_targets(request: SignedInRequest) -> list[tuple[str, str]]:
    rows = conversation_list(user=request.user, limit=FORWARD_TARGETS).items
    return [
        (row.conversation.room_name, row.peer.name)
        for row in rows
        if serializers.can_send(row.conversation, row.peer)
    ]


ACTIONS: dict[str, Action] = {
    "edit": edit,
    "delete": delete,
    "hide": hide,
    "react": react,
    "reply": reply,
    "forward": forward,
}
"""By the name that the button of the form sends as `do`."""


def carry_out(
    request: SignedInRequest,
    membership: Membership,
    message: Message,
    change: Callable[..., Future[Any]],
    *,
    form: EditForm | ReplyForm | None = None,
    allow: Callable[[int], None] = throttling.allow_message,
    then: str | None = None,
) -> HttpResponse:
    """Run one service, then show the message in its chat, or the end of the chat `then`; after a refusal the
    menu, with its text kept."""
    room = membership.conversation.room_name
    try:
        allow(request.user.id)
        change(user=request.user, room=room, seq=message.seq).result(JOURNAL_TIMEOUT_S)
    except (ConversationNotFound, MessageNotFound):
        raise Http404 from None
    except (Refusal, TimeoutError) as reason:
        return refused(request, membership, message.seq, reason, form)
    if then is not None:
        return SeeOther(reverse("conversation", args=[then]))
    return SeeOther(f"{reverse('conversation', args=[room])}?m={message.seq}")


def refused(
    request: SignedInRequest,
    membership: Membership,
    seq: int,
    reason: Exception,
    form: EditForm | ReplyForm | None,
) -> HttpResponse:
    """The menu with the error; if the database is unavailable, only a form with the text."""
    try:
        message = message_at(membership=membership, seq=seq)
        shown: dict[str, Any] = {}
        if form is None:
            messages.error(request, sentence_for(reason))
        else:
            form.add_error("body", sentence_for(reason))
            shown = {"reply_form" if isinstance(form, MessageForm) else "form": form}
        if isinstance(form, EditForm):
            # Saving again overwrites the change that the page shows now.
            form.data = {"body": form.data.get("body", ""), "version": message.version}
        status = status_for(reason)
        response = render_menu(request, membership, message, **shown, status=status)
    except TRANSIENT_ERRORS as error:
        refusal_for(error)
        response = unsaved(request, reason, has_text=form is not None)
    if response.status_code in {429, 503, 504}:
        response["Retry-After"] = retry_after_s(reason)
    return response


KEPT = "do", "version", "id", "room", "emoji", "on"
"""Fields of the forms, besides the text, that submitting again needs."""


def unsaved(request: SignedInRequest, reason: Exception, *, has_text: bool) -> HttpResponse:
    status = status_for(reason)
    heading = _("We can’t tell whether this was saved") if status == 504 else _("Not saved yet")
    kept = {name: request.POST[name] for name in KEPT if name in request.POST}
    context = {
        "heading": heading,
        "sentence": sentence_for(reason),
        "action": request.path,
        "body": request.POST.get("body") if has_text else None,
        "hidden": kept,
    }
    return render(request, "conversations/unsent.html", context, status=status)


def render_menu(
    request: SignedInRequest,
    membership: Membership,
    message: Message,
    *,
    form: EditForm | None = None,
    reply_form: ReplyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    row = conversation_row(membership)
    current = conversation_view(row, request.user, current=row.conversation.room_name)
    # Neither a deleted message nor one that the server words itself has a text of mine.
    has_text = text_of(message) is not None
    is_mine = message.sender_id == request.user.id and (has_text or bool(message.attachments))
    is_recent = timezone.now() - message.created_at <= timedelta(seconds=settings.EDIT_WINDOW_S)
    can_edit = is_mine and has_text and is_recent and current.can_write
    context = {
        **shell(request, tab="chats", page="message", current=current.room),
        "conversation": current,
        "message": message_view(message, row, request.user),
        # After a refusal the text stays on the page, whatever can be done with it now.
        "form": form
        or (EditForm(initial={"body": message.body, "version": message.version}) if can_edit else None),
        "can_delete": is_mine,
        "can_hide": not message.deleted_for_me,
        **answers(request, row, message, reply_form),
    }
    return render(request, "conversations/message_menu.html", context, status=status)


def answers(
    request: SignedInRequest, row: ConversationRow, message: Message, reply_form: ReplyForm | None
) -> dict[str, Any]:
    """The forms to react, reply and forward: only where there is a text or a file, and a chat that takes the
    answer."""
    has_content = text_of(message) is not None or bool(message.attachments)
    is_open = has_content and serializers.can_send(row.conversation, row.peer)
    wire = serializers.message(message, sender="")
    mine = [each.emoji for each in wire.reactions if request.user.public_id in each.users]
    usual = [(emoji, emoji in mine) for emoji in dict.fromkeys([*mine, *USUAL_EMOJI])]
    targets = forward_targets(request) if has_content else []
    return {
        "reactions": usual if is_open else [],
        # After a refusal the text stays on the page, whatever can be done with it now.
        "reply_form": reply_form or (ReplyForm(initial={"id": uuid.uuid4()}) if is_open else None),
        "forward_form": ForwardForm(targets=targets, initial={"id": uuid.uuid4()}) if targets else None,
    }
