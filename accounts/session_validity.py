"""Whether somebody who came in is still in: asked again and again for as long as a socket lives (protocol.md P9).

A session and an account are read once at the handshake; sign-out, a new password or a suspension happen elsewhere afterwards.
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

from accounts.identity import Seal, seal_of
from accounts.models import User
from accounts.session_secrets import secret_of

CHUNK = 500
"""Credentials in one question; neither database takes an unlimited list."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody came in with. `secret` is the account's session secret of that moment: another one means another password.

    Neither it nor the key, which opens the account, may be printed.
    """

    session_key: str = field(repr=False)
    user_id: int
    secret: str = field(repr=False)


class Standing(StrEnum):
    GOOD = "good"
    RENEWED = "renewed"
    """The password has changed, and this session was kept."""
    LOST = "lost"


def credential_of(user: User, session_key: str) -> Credential:
    return Credential(session_key, user.pk, user.session_secret)


def standing_of(credential: Credential) -> Standing:
    return fallen({credential}).get(credential, Standing.GOOD)


def fallen(credentials: Collection[Credential]) -> dict[Credential, Standing]:
    """Those whose standing is no longer good. One statement for each CHUNK of them, whatever they are."""
    found: dict[Credential, Standing] = {}
    waiting = list(credentials)
    for start in range(0, len(waiting), CHUNK):
        found |= fallen_among(waiting[start : start + CHUNK])
    return found


def fallen_among(credentials: Sequence[Credential]) -> dict[Credential, Standing]:
    secrets = secrets_of(credentials)
    found = {}
    for credential in credentials:
        secret = secrets.get((credential.session_key, credential.user_id))
        if secret is None:
            found[credential] = Standing.LOST
        elif secret != credential.secret:
            found[credential] = Standing.RENEWED if is_kept(credential) else Standing.LOST
    return found


def secrets_of(credentials: Sequence[Credential]) -> dict[tuple[str, int], str]:
    """The session secret for each (session, account) that is alive. Written out, because every batch of the journal asks it."""
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


def is_kept(credential: Credential) -> bool:
    """Does the session carry the digest of the new session secret? Asked only after a password has changed."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(credential.session_key)
    user = User.objects.filter(pk=credential.user_id).first()
    return user is not None and seal_of(store, user) is not Seal.WRONG
