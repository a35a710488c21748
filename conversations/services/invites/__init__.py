"""Services for invites: inviting, accepting, pending while the user signs in, undoing."""

from conversations.services.invites.accepting import Claim, invite_claim
from conversations.services.invites.inviting import (
    DEFAULT_LIFE,
    LIVES,
    NOTE_MAX,
    clean_note,
    invite_change,
    invite_create,
    invite_revoke,
)
from conversations.services.invites.pending import (
    pending_invite_accept,
    pending_invite_resolve,
    pending_invite_set,
)
from conversations.services.invites.undoing import invite_undo

__all__ = [
    "DEFAULT_LIFE",
    "LIVES",
    "NOTE_MAX",
    "Claim",
    "clean_note",
    "invite_change",
    "invite_claim",
    "invite_create",
    "invite_revoke",
    "invite_undo",
    "pending_invite_accept",
    "pending_invite_resolve",
    "pending_invite_set",
]
