"""Session validity: is the session of an open socket still valid (docs/protocol.md P9)?

Polled while the socket is open: the handshake reads session and account only once. Logout, a password change
or a suspension happens later, in another request.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.identity import SessionHash, check_session_hash
from accounts.models import User
from accounts.session_secrets import secret_of

CHUNK = 500
"""Credentials in one query; both databases limit the number of parameters."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a client authenticated with. `secret` is the account's session secret at that moment; a new
    password changes it.

    Neither the secret nor the session key, which gives access to the account, may be printed.
    """

    session_key: str = field(repr=False)
    user_id: int
    secret: str = field(repr=False)


class SessionStatus(StrEnum):
    VALID = "valid"
    ROTATED = "rotated"
    """The password has changed, and this session was kept."""
    REVOKED = "revoked"


def credential_of(user: User, session_key: str) -> Credential:
    return Credential(session_key, user.pk, user.session_secret)


def session_status(credential: Credential) -> SessionStatus:
    return revoked_sessions({credential}).get(credential, SessionStatus.VALID)


def revoked_sessions(credentials: Collection[Credential]) -> dict[Credential, SessionStatus]:
    """The credentials that are no longer VALID, with their status. One statement for each CHUNK of them."""
    found: dict[Credential, SessionStatus] = {}
    ordered = list(credentials)
    for start in range(0, len(ordered), CHUNK):
        found |= revoked_among(ordered[start : start + CHUNK])
    return found


def revoked_among(credentials: Sequence[Credential]) -> dict[Credential, SessionStatus]:
    secrets = secrets_of(credentials)
    found = {}
    for credential in credentials:
        secret = secrets.get((credential.session_key, credential.user_id))
        if secret is None:
            found[credential] = SessionStatus.REVOKED
        elif secret != credential.secret:
            found[credential] = (
                SessionStatus.ROTATED if has_current_secret(credential) else SessionStatus.REVOKED
            )
    return found


def secrets_of(credentials: Sequence[Credential]) -> dict[tuple[str, int], str]:
    """The session secret of each (session, account) that is valid. Raw SQL, because every batch of the
    journal runs it."""
    types = ("(%s::varchar, %s::bigint)" if connection.vendor == "postgresql" else "(%s, %s)",)
    rows = ", ".join([*types, *["(%s, %s)"] * (len(credentials) - 1)])
    sql = (
        f"WITH known (session_key, user_id) AS (VALUES {rows})"
        " SELECT k.session_key, k.user_id, u.password, u.session_binding FROM known k"
        " JOIN django_session s ON s.session_key = k.session_key AND s.expire_date > %s"
        " JOIN accounts_user u ON u.id = k.user_id AND u.is_active"
    )
    values: list[Any] = [
        value for credential in credentials for value in (credential.session_key, credential.user_id)
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, connection.ops.adapt_datetimefield_value(timezone.now())])
        return {
            (session_key, user_id): secret_of(password, binding)
            for session_key, user_id, password, binding in cursor.fetchall()
        }


def has_current_secret(credential: Credential) -> bool:
    """Does the session carry the digest of the account's current secret?"""
    store = import_module(settings.SESSION_ENGINE).SessionStore(credential.session_key)
    user = User.objects.filter(pk=credential.user_id).first()
    return user is not None and check_session_hash(store, user) is not SessionHash.INVALID
