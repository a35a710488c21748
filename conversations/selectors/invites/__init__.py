"""Queries about invites: tokens, the landing page of a link, the inviter's list."""

from conversations.selectors.invites.landing import (
    PENDING_LIFETIME,
    Landing,
    landing_of,
    pending_invite_usable,
    shown_inviter,
)
from conversations.selectors.invites.lists import InviteView, invite_of, invite_view, invites_of
from conversations.selectors.invites.tokens import digest_of, invite_by_token, token_of

__all__ = [
    "PENDING_LIFETIME",
    "InviteView",
    "Landing",
    "digest_of",
    "invite_by_token",
    "invite_of",
    "invite_view",
    "invites_of",
    "landing_of",
    "pending_invite_usable",
    "shown_inviter",
    "token_of",
]
