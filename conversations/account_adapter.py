"""allauth's adapter, refined for invites: sign-up and log-in end in the chat that the visitor was invited to.

A transport, like views and consumers. It is here and not in `accounts`, which does not know invites.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.adapter import AccountAdapter
from accounts.models import User
from conversations.exceptions import InviteGone, InviteIsYours
from conversations.held_invite import drop_invite, gone_sentence, held_invite, remember_gone, usable_invite
from conversations.selectors.conversations import heads
from conversations.services.invites import pending_invite_accept, pending_invite_resolve, pending_invite_set


class InviteAccountAdapter(AccountAdapter):
    """The policy of `accounts`, plus what an invite changes."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Where registration is by invite, only a visitor who holds a usable invite may sign up."""
        if settings.REGISTRATION == "invite":
            return usable_invite(request) is not None
        return super().is_open_for_signup(request)

    def account_created(self, request: HttpRequest, user: User) -> None:
        """Runs in the transaction of the sign-up. Stores the invite with the account; where registration is
        by invite, accepts it at once.

        Raises: ValidationError, which rolls the account back. Of two sign-ups with one link at the same time,
            one succeeds (T17).
        """
        super().account_created(request, user)
        held = held_invite(request)
        if settings.REGISTRATION == "invite":
            try:
                if held is None:
                    raise InviteGone
                pending_invite_accept(user=user, invite_id=held.invite_id, made_at=held.made_at)
            except InviteGone:
                raise ValidationError(
                    _("This invite no longer works. Ask the person who sent it for a new one.")
                ) from None
        if held is not None:
            # Also after it was accepted: the device that completes the sign-in is led to the chat.
            pending_invite_set(user=user, invite_id=held.invite_id, made_at=held.made_at)

    def pre_login(self, request: HttpRequest, user: User, **details: Any) -> HttpResponse | None:
        """The password was right. A second factor or an emailed code may follow, on this device or another,
        so from here on the account keeps the invite and the session drops it."""
        response: HttpResponse | None = super().pre_login(request, user, **details)
        held = held_invite(request)
        if response is None and held is not None:
            pending_invite_set(user=user, invite_id=held.invite_id, made_at=held.made_at)
            drop_invite(request)
        return response

    def post_login(self, request: HttpRequest, user: User, **details: Any) -> HttpResponse:
        """Log-in is complete: accept the invite and redirect to its chat, ahead of any `next` address."""
        room = self.settle_invite(request, user)
        if room is not None:
            details["redirect_url"] = reverse("conversation", args=[room])
        return super().post_login(request, user, **details)

    def settle_invite(self, request: HttpRequest, user: User) -> str | None:
        """Accept the invite that the account keeps. Returns the address of its chat, if there is one."""
        try:
            conversation = pending_invite_resolve(user=user)
        except InviteIsYours:
            return None
        except InviteGone as gone:
            # The invite was the whole purpose of the visit: without any chat, the reason stays on the page.
            if heads(user_id=user.pk, limit=1).rooms:
                messages.info(request, gone_sentence(used=gone.used))
            else:
                remember_gone(request, used=gone.used)
            return None
        return None if conversation is None else conversation.room_name
