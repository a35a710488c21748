"""Session authentication: which account a session belongs to, by one rule for pages, API and sockets.

Reading has a single side effect: an HTTP request re-signs a session that was signed with a key of
SECRET_KEY_FALLBACKS.
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


class SessionHash(StrEnum):
    """How the hash stored in a session compares with the hash of the account's session secret."""

    VALID = "valid"
    OLD_KEY = "old key"
    """Signed with a replaced key that SECRET_KEY_FALLBACKS still names."""
    INVALID = "invalid"


def check_session_hash(session: Any, user: User) -> SessionHash:
    stored = session.get(HASH_SESSION_KEY)
    if not isinstance(stored, str) or not stored:
        return SessionHash.INVALID
    if constant_time_compare(stored, user.get_session_auth_hash()):
        return SessionHash.VALID
    if any(constant_time_compare(stored, digest) for digest in user.get_session_auth_fallback_hash()):
        return SessionHash.OLD_KEY
    return SessionHash.INVALID


def account_of_session(session: Any) -> tuple[User | None, SessionHash]:
    """The account that is logged in with this session, or None. Never ends the session."""
    try:
        user_id = User._meta.pk.to_python(session[SESSION_KEY])
        backend_path = session[BACKEND_SESSION_KEY]
    except (KeyError, ValidationError):
        return None, SessionHash.INVALID
    if backend_path not in settings.AUTHENTICATION_BACKENDS:
        return None, SessionHash.INVALID
    user = load_backend(backend_path).get_user(user_id)
    if not isinstance(user, User):
        return None, SessionHash.INVALID
    result = check_session_hash(session, user)
    return (None if result is SessionHash.INVALID else user), result


def user_of_session(session: Any) -> User | AnonymousUser:
    """Replaces Django's `get_user`.

    Django's version gives a session signed with an old key a new session key, which logs out every request in
    flight with the old cookie. It also deletes a session whose password has changed, which takes the cookie
    of the browser that changed it.
    """
    user, result = account_of_session(session)
    if user is None:
        return AnonymousUser()
    if result is SessionHash.OLD_KEY:
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    return user
