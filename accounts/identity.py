"""Who a session belongs to: one answer for pages, API and sockets.

Asking changes nothing but one thing: a session that was signed under a key of SECRET_KEY_FALLBACKS is signed anew by an HTTP request.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare

from accounts.models import User


class Seal(StrEnum):
    """How the digest in a session fits the account's session secret."""

    GOOD = "good"
    OLD_KEY = "old key"
    """Under a key that was replaced and is still named in SECRET_KEY_FALLBACKS."""
    WRONG = "wrong"


def seal_of(session: Any, user: User) -> Seal:
    kept = session.get(HASH_SESSION_KEY)
    if not isinstance(kept, str) or not kept:
        return Seal.WRONG
    if constant_time_compare(kept, user.get_session_auth_hash()):
        return Seal.GOOD
    if any(constant_time_compare(kept, digest) for digest in user.get_session_auth_fallback_hash()):
        return Seal.OLD_KEY
    return Seal.WRONG


def person_of(session: Any) -> tuple[User | None, Seal]:
    """The account that is logged in with this session; None for nobody. Never ends a session, whatever it finds."""
    try:
        user_id = User._meta.pk.to_python(session[SESSION_KEY])
        backend_path = session[BACKEND_SESSION_KEY]
    except (KeyError, ValidationError):
        return None, Seal.WRONG
    if backend_path not in settings.AUTHENTICATION_BACKENDS:
        return None, Seal.WRONG
    user = load_backend(backend_path).get_user(user_id)
    if not isinstance(user, User):
        return None, Seal.WRONG
    seal = seal_of(session, user)
    return (None if seal is Seal.WRONG else user), seal


def user_of_session(session: Any) -> User | AnonymousUser:
    """In place of Django's `get_user`.

    That one gives a session under an old key another key, so that all requests on their way with the old cookie are logged out, and deletes
    a session whose password has changed, which takes the cookie from the one who has just changed it.
    """
    user, seal = person_of(session)
    if user is None:
        return AnonymousUser()
    if seal is Seal.OLD_KEY:
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    return user
