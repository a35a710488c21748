"""Invite pages: the inviter's list and dialog, and the landing page of an invite link.

The address of the landing page is a secret: no caching, no Referer, and only a POST changes anything.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.client_address import address_of
from accounts.models import User
from accounts.requests import SignedInRequest, own_origin
from conversations import throttling
from conversations.exceptions import InviteGone, InviteIsYours, InviteNotFound, TooManyInvites, TooManyTries
from conversations.forms import LIVES, InviteChangeForm, InviteForm
from conversations.held_invite import hold_invite
from conversations.selectors.invites import (
    InviteView,
    Landing,
    invite_of,
    invite_view,
    invites_of,
    landing_of,
)
from conversations.services.invites import (
    invite_change,
    invite_claim,
    invite_create,
    invite_revoke,
    invite_undo,
)
from conversations.templatetags.qr_code import qr_file
from conversations.views.shell import SeeOther, shell

# --- The inviter's pages ---


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def invites(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return invites_page(request, InviteForm())
    form = InviteForm(request.POST)
    if not form.is_valid():
        return invites_page(request, form, status=422)
    try:
        invite = invite_create(inviter=request.user, **form.cleaned_data)
    except TooManyInvites:
        return invites_page(request, form, status=409)
    return SeeOther(f"{reverse('invites')}?fresh={invite.pk}")


def invites_page(request: SignedInRequest, form: InviteForm, *, status: int = 200) -> HttpResponse:
    lists = invite_lists(request)
    context = {
        **shell(request, tab="", page="invites"),
        **lists,
        "form": form,
        "fresh": fresh_invite(request, lists["waiting"]),
    }
    # Rendered once for twenty links: rendering the same choices for each took a tenth of the page's time.
    context["lives"] = render_to_string("conversations/_lifetime_options.html", {"lives": LIVES})
    context["back"] = reverse("settings") if request.GET.get("from") == "settings" else ""
    return render(request, "conversations/invites.html", context, status=status)


def invite_lists(request: SignedInRequest) -> dict[str, Any]:
    mine = invites_of(inviter=request.user, origin=own_origin(request), now=timezone.now())
    waiting = [invite for invite in mine if invite.state == "open"]
    past = [invite for invite in mine if invite.state != "open"]
    return {
        "waiting": waiting,
        "past": past,
        "limit_reached": len(waiting) >= settings.LIMIT_NUMBERS["open_invites"],
    }


@login_required
@require_safe
def dialog(request: SignedInRequest) -> HttpResponse:
    """An HTML fragment: the invite dialog of the shell. `invites` is the same without JavaScript."""
    return render(
        request, "conversations/_invite_dialog.html", {**invite_lists(request), "form": InviteForm()}
    )


@login_required
@require_safe
def qr(request: SignedInRequest, invite_id: UUID) -> HttpResponse:
    """The QR code of an open invite, for its inviter. The address has the invite's id, never the token."""
    invite = invite_of(
        inviter=request.user, invite_id=invite_id, origin=own_origin(request), now=timezone.now()
    )
    if invite is None or invite.open_url is None:
        raise Http404
    return HttpResponse(qr_file(invite.open_url), content_type="image/svg+xml")


def fresh_invite(request: SignedInRequest, waiting: list[InviteView]) -> InviteView | None:
    """The invite just created. The address has its id: tokens stay out of addresses."""
    wanted = request.GET.get("fresh", "")
    return next((invite for invite in waiting if str(invite.id) == wanted), None)


@login_required
@require_POST
def revoke(request: SignedInRequest, invite_id: UUID) -> HttpResponse:
    try:
        invite_revoke(inviter=request.user, invite_id=invite_id)
    except InviteNotFound:
        raise Http404 from None
    except InviteGone:
        messages.info(request, _("Someone has already accepted this invite."))
    else:
        messages.info(request, _("The link no longer works."))
    return SeeOther(reverse("invites"))


@login_required
@require_POST
def change(request: SignedInRequest, invite_id: UUID) -> HttpResponse:
    form = InviteChangeForm(request.POST)
    if not form.is_valid():
        # Not as the page's own form, which would create a second link instead of changing this one.
        for reason in form.errors.values():
            messages.error(request, str(reason[0]))
        return invites_page(request, InviteForm(), status=422)
    try:
        invite_change(inviter=request.user, invite_id=invite_id, note=form.new_note, lives=form.new_lives)
    except InviteNotFound:
        raise Http404 from None
    except InviteGone:
        messages.info(request, _("This link can no longer be changed."))
    else:
        messages.info(request, _("Saved"))
    return SeeOther(reverse("invites"))


@login_required
@require_POST
def undo(request: SignedInRequest, invite_id: UUID) -> HttpResponse:
    """Wrong person: close the chat, block the person and create a new link."""
    try:
        new = invite_undo(inviter=request.user, invite_id=invite_id)
    except InviteNotFound:
        raise Http404 from None
    except InviteGone:
        messages.info(request, _("Nobody has accepted this invite."))
        return SeeOther(reverse("invites"))
    messages.info(request, _("The chat is closed, and this person can’t write to you."))
    return SeeOther(f"{reverse('invites')}?fresh={new.pk}" if new else reverse("invites"))


# --- The landing page ---


@require_http_methods(["GET", "HEAD", "OPTIONS", "POST"])
def landing(request: HttpRequest, token: str) -> HttpResponse:
    """GET, HEAD and OPTIONS change nothing: link previews and scanners open every link they find (T19)."""
    if request.method == "OPTIONS":
        return keep_secret(HttpResponse(headers={"Allow": "GET, HEAD, OPTIONS, POST"}))
    try:
        response = submit(request, token) if request.method == "POST" else show(request, token)
    except TooManyTries as refusal:
        wait_s = math.ceil((refusal.retry_after_ms or 1_000) / 1_000)
        response = landing_page(request, Landing("limited"), wait_s=wait_s)
        response["Retry-After"] = str(wait_s)
    return keep_secret(response)


def keep_secret(response: HttpResponse) -> HttpResponse:
    """The token in the address must not leak by Referer, cache or search engine (T20)."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def show(request: HttpRequest, token: str) -> HttpResponse:
    landing = checked_landing(request, token)
    if landing.state == "yours":
        return SeeOther(reverse("conversation", args=[landing.room]))
    return landing_page(request, landing)


def checked_landing(request: HttpRequest, token: str) -> Landing:
    """Raises: TooManyTries, after too many unknown tokens from this client. It then applies to valid tokens,
    too: otherwise the response would confirm a guess."""
    address, visitor = address_of(request.META), request.user if request.user.is_authenticated else None
    attempt = throttling.take_invite_attempt(address=address, user_id=request.user.pk)
    landing = landing_of(token=token, visitor=visitor, now=timezone.now())
    if landing.state != "unknown":
        attempt.refund()
    return landing


def submit(request: HttpRequest, token: str) -> HttpResponse:
    if request.user.is_authenticated and request.POST.get("go") == "switch":
        logout(request)
    if request.user.is_authenticated:
        return accept(request, token, request.user)
    return sign_in_first(request, token)


def sign_in_first(request: HttpRequest, token: str) -> HttpResponse:
    """The session holds the invite during sign-in, so that no later address contains the token (T20)."""
    landing = checked_landing(request, token)
    if landing.state != "open_visitor" or landing.invite is None:
        return landing_page(request, landing)
    hold_invite(request, landing.invite.pk, timezone.now())
    return SeeOther(reverse("account_signup" if request.POST.get("go") == "signup" else "account_login"))


def accept(request: HttpRequest, token: str, user: User) -> HttpResponse:
    throttling.take_invite_attempt(address=address_of(request.META), user_id=user.pk)
    try:
        claim = invite_claim(user=user, token=token)
    except InviteIsYours:
        return landing_page(request, landing_of(token=token, visitor=user, now=timezone.now()), refused=True)
    except InviteNotFound:
        return landing_page(request, Landing("unknown"))
    except InviteGone as gone:
        return landing_page(request, Landing("used" if gone.used else "gone"))
    return SeeOther(reverse("conversation", args=[claim.conversation.room_name]))


STATUS = {"used": 410, "gone": 410, "unknown": 404, "limited": 429}


def landing_page(
    request: HttpRequest, landing: Landing, *, refused: bool = False, wait_s: int = 0
) -> HttpResponse:
    """`wait_s` is for the rate-limited page."""
    invite = shown_invite(request, landing)
    context = {
        "state": landing.state,
        "invite": invite,
        "inviter": landing.inviter,
        "refused": refused,
        "wait_s": wait_s,
    }
    return render(
        request, "conversations/invite_landing.html", context, status=STATUS.get(landing.state, 200)
    )


def shown_invite(request: HttpRequest, landing: Landing) -> InviteView | None:
    """The inviter sees all of it, others only until when it is valid: the note is private."""
    if landing.invite is None:
        return None
    now, origin = timezone.now(), own_origin(request)
    view = invite_view(landing.invite, origin=origin, now=now)
    return view if landing.state == "own" else replace(view, note="", url=None, claimed_by=None)
