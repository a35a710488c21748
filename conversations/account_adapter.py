"""The street door for people who come with an invite: sign-up and log-in end in the chat they were invited to.

A door like views and consumers; accounts may not know invites, so its adapter is refined here.
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
from conversations.context import drop_invite, gone_sentence, held_invite, keep_gone, usable_invite
from conversations.exceptions import InviteGone, InviteIsYours
from conversations.selectors.conversations import heads
from conversations.services.invites import wish_fulfil, wish_remember, wish_settle


class EntranceAdapter(AccountAdapter):
    """accounts' policy, plus what an invite changes."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Where registration is by invite, whoever holds one that still works may come in."""
        if settings.REGISTRATION == "invite":
            return usable_invite(request) is not None
        return super().is_open_for_signup(request)

    def account_created(self, request: HttpRequest, user: User) -> None:
        """Inside the transaction of the sign-up: tie the wish to the account, and, by invite only, spend the invite together with it.

        Raises: ValidationError, which undoes the account. Of two who sign up with one link at one instant, one gets in (safety.md T17).
        """
        super().account_created(request, user)
        held = held_invite(request)
        if settings.REGISTRATION == "invite":
            try:
                if held is None:
                    raise InviteGone
                wish_fulfil(user=user, invite_id=held.invite_id, made_at=held.made_at)
            except InviteGone:
                raise ValidationError(
                    _("This invite no longer works. Ask the person who sent it for a new one.")
                ) from None
        if held is not None:
            # Also after it was spent: whichever device ends the sign-in is led to the chat.
            wish_remember(user=user, invite_id=held.invite_id, made_at=held.made_at)

    def pre_login(self, request: HttpRequest, user: User, **details: Any) -> HttpResponse | None:
        """The password was right; a second factor or a mailed code may follow, on this device or another. From here on the account keeps
        the wish."""
        response: HttpResponse | None = super().pre_login(request, user, **details)
        held = held_invite(request)
        if response is None and held is not None:
            wish_remember(user=user, invite_id=held.invite_id, made_at=held.made_at)
            drop_invite(request)
        return response

    def post_login(self, request: HttpRequest, user: User, **details: Any) -> HttpResponse:
        """Completely signed in: the wish comes true, and leads on before anything else that was asked for."""
        room = self.fulfil_wish(request, user)
        if room is not None:
            details["redirect_url"] = reverse("conversation", args=[room])
        return super().post_login(request, user, **details)

    def fulfil_wish(self, request: HttpRequest, user: User) -> str | None:
        try:
            conversation = wish_settle(user=user)
        except InviteIsYours:
            return None
        except InviteGone as gone:
            # With no chat to show, it is the whole reason why they came, and stands on the page until there is one.
            if heads(user_id=user.pk, limit=1).rooms:
                messages.info(request, gone_sentence(used=gone.used))
            else:
                keep_gone(request, used=gone.used)
            return None
        return None if conversation is None else conversation.room_name
