"""What a request brings along: the invite somebody holds while they sign up or log in, and where the service is reached.

Furniture of the doors: pages, the API and the entrance share it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.selectors.invites import shown_maker, wish_is_open

if TYPE_CHECKING:
    from conversations.models import Invite

SESSION_KEY, GONE_KEY = "invite", "invite_gone"


@dataclass(frozen=True, slots=True)
class HeldInvite:
    """The invite that this browser is on its way to accept. The session keeps its id and the moment, never the token: the table of sessions
    must hold no working links either."""

    invite_id: UUID
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """For the sign-in pages: who waits at the end, if their invites say so."""

    name: str


def hold_invite(request: HttpRequest, invite_id: UUID, now: datetime) -> None:
    request.session[SESSION_KEY] = {"id": str(invite_id), "at": now.isoformat()}


def held_invite(request: HttpRequest) -> HeldInvite | None:
    kept = request.session.get(SESSION_KEY)
    return HeldInvite(UUID(kept["id"]), datetime.fromisoformat(kept["at"])) if kept else None


def drop_invite(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


def keep_gone(request: HttpRequest, *, used: bool) -> None:
    """Somebody came for a chat and there is none."""
    request.session[GONE_KEY] = "used" if used else "over"


def gone_note(request: HttpRequest, *, has_chats: bool) -> str:
    """The sentence for them, until they have a chat."""
    kept = request.session.get(GONE_KEY)
    if kept and has_chats:
        del request.session[GONE_KEY]
    return gone_sentence(used=kept == "used") if kept and not has_chats else ""


def gone_sentence(*, used: bool) -> str:
    if used:
        return _("The link you opened has already been used. Ask the person who sent it for a new one.")
    return _("The link you opened has expired. Ask the person who sent it for a new one.")


def usable_invite(request: HttpRequest) -> Invite | None:
    """The held one, if it could still be accepted now."""
    held = held_invite(request)
    return (
        None
        if held is None
        else wish_is_open(invite_id=held.invite_id, made_at=held.made_at, now=timezone.now())
    )


def invited(request: HttpRequest) -> dict[str, Callable[[], Invited | None]]:
    """Template context: `invited` on the sign-in pages of somebody who holds an invite. Asked only by the templates that want it."""

    @cache
    def look() -> Invited | None:
        if not hasattr(request, "session"):
            return None
        invite = usable_invite(request)
        if invite is None:
            return None
        maker = shown_maker(invite)
        return Invited(maker.name if maker else "")

    return {"invited": look}


def own_origin(request: HttpRequest) -> str:
    """Where links of ours begin: PUBLIC_URL, else the checked host of this very request, which is its maker's own."""
    return settings.PUBLIC_ORIGIN or f"{request.scheme}://{request.get_host()}"
