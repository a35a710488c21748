"""Tokens of invites: derived from the id and a key, looked up by digest."""

from __future__ import annotations

import base64
import hashlib
import hmac
from uuid import UUID

from django.conf import settings

from conversations.models import Invite

TOKEN_DOMAIN = b"invite/1\0"
TOKEN_BYTES = 20


def token_of(invite_id: UUID) -> str:
    """The secret of a link, 160 bits. Derived, so that the inviter can see it again while the table holds no
    working link."""
    digest = hmac.new(settings.INVITE_KEY, TOKEN_DOMAIN + invite_id.bytes, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:TOKEN_BYTES]).rstrip(b"=").decode("ascii")


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def invite_by_token(token: str) -> Invite | None:
    """One indexed lookup of a digest, whatever the token is: there is nothing to time or to compare."""
    return (
        Invite.objects.select_related("inviter__profile", "claimed_by", "conversation")
        .filter(token_digest=digest_of(token))
        .first()
    )
