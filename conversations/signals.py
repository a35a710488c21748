"""The one allowed use of signals: a session or an account loses its rights elsewhere, and its live sockets are told.

It stands here and not in accounts, because accounts may not know conversations. What no signal tells of, `vigil` finds.
"""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.signals import account_status_changed, privacy_changed, profile_changing, session_revoked
from conversations.presence import privacy_look
from conversations.services.profile_changes import card_change
from conversations.services.sessions import person_check, session_end, session_renew

SIGNED_OUT = "entre.signed_out"
"""Set in the META of a request that has ended its own session, for the headers of its answer (dm_project/middleware.py)."""


@receiver(user_logged_out)
def signed_out(sender: Any, request: HttpRequest | None, **kwargs: Any) -> None:
    """Django sends this before it flushes the session, so its key is still known."""
    if request is not None:
        request.META[SIGNED_OUT] = True
    session_key = getattr(getattr(request, "session", None), "session_key", None)
    if session_key:
        session_end(session_key)


@receiver([password_changed, password_set, password_reset])
def has_new_password(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """The acting session lives on under a new key: its sockets, which came in with the old one, leave and return. All others end."""
    old_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if old_key and request.user.is_authenticated and request.user.pk == user.pk:
        session_renew(old_key)
    person_check(user.pk)


@receiver(session_revoked)
def was_ended_elsewhere(sender: Any, session_key: str, **kwargs: Any) -> None:
    session_end(session_key)


@receiver(account_status_changed)
def has_other_standing(sender: Any, user: User, **kwargs: Any) -> None:
    person_check(user.pk)


@receiver(privacy_changed)
def shows_something_else(sender: Any, user_id: int, **kwargs: Any) -> None:
    transaction.on_commit(lambda: privacy_look(user_id), robust=True)


@receiver(profile_changing)
def looks_different(sender: Any, user_id: int, **kwargs: Any) -> None:
    card_change(user_id=user_id)
