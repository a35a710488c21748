"""The invite that a session holds while its user signs up or logs in.

The landing page of an invite puts it there; the account adapter reads it. The session keeps the invite's id
and the time, never the token: the table of sessions must hold no working links either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.selectors.invites import pending_invite_usable, shown_inviter

if TYPE_CHECKING:
    from conversations.models import Invite

HELD_KEY, GONE_KEY = "invite", "invite_gone"
"""Keys in the session."""


@dataclass(frozen=True, slots=True)
class HeldInvite:
    """`made_at` is when the visitor pressed the button of the invite's page."""

    invite_id: UUID
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """For the sign-in pages. `name` is the inviter's, empty if the inviter does not show it on invites."""

    name: str


def hold_invite(request: HttpRequest, invite_id: UUID, now: datetime) -> None:
    request.session[HELD_KEY] = {"id": str(invite_id), "at": now.isoformat()}


def held_invite(request: HttpRequest) -> HeldInvite | None:
    stored = request.session.get(HELD_KEY)
    return HeldInvite(UUID(stored["id"]), datetime.fromisoformat(stored["at"])) if stored else None


def drop_invite(request: HttpRequest) -> None:
    request.session.pop(HELD_KEY, None)


def usable_invite(request: HttpRequest) -> Invite | None:
    """The held invite, if it can still be accepted now."""
    held = held_invite(request)
    return (
        None
        if held is None
        else pending_invite_usable(invite_id=held.invite_id, made_at=held.made_at, now=timezone.now())
    )


def invited(request: HttpRequest) -> dict[str, Callable[[], Invited | None]]:
    """Context processor for the sign-in pages. A function: only a template that calls it runs a query."""

    @cache
    def load() -> Invited | None:
        if not hasattr(request, "session"):
            return None
        invite = usable_invite(request)
        if invite is None:
            return None
        inviter = shown_inviter(invite)
        return Invited(inviter.name if inviter else "")

    return {"invited": load}


def remember_gone(request: HttpRequest, *, used: bool) -> None:
    """Keep for the chat list that the invite this user signed in with can no longer be accepted."""
    request.session[GONE_KEY] = "used" if used else "over"


def gone_notice(request: HttpRequest, *, has_chats: bool) -> str:
    """The sentence about that invite, shown until the user has a chat."""
    stored = request.session.get(GONE_KEY)
    if stored and has_chats:
        del request.session[GONE_KEY]
    return gone_sentence(used=stored == "used") if stored and not has_chats else ""


def gone_sentence(*, used: bool) -> str:
    if used:
        return _("The invite you opened has already been accepted. Ask the person who sent it for a new one.")
    return _("The link you opened has expired. Ask the person who sent it for a new one.")
