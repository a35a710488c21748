"""Signal receivers: a session or account lost its rights, so its live sockets are closed.

The one allowed use of signals. Here and not in accounts, because accounts may not import conversations. What
no signal reports, the session monitor finds.
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
from conversations.presence import presence_refresh
from conversations.services.profile_changes import card_change
from conversations.services.sessions import person_check, session_end, session_renew

SIGNED_OUT = "entre.signed_out"
"""META key of a request that has ended its own session; dm_project/middleware.py then adds response headers.
"""


@receiver(user_logged_out)
def on_logged_out(sender: Any, request: HttpRequest | None, **kwargs: Any) -> None:
    """Django sends this before it flushes the session, so its key is still known."""
    if request is not None:
        request.META[SIGNED_OUT] = True
    session_key = getattr(getattr(request, "session", None), "session_key", None)
    if session_key:
        session_end(session_key)


@receiver([password_changed, password_set, password_reset])
def on_password_changed(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """The acting session goes on under a new key: its sockets, opened under the old one, reconnect.

    All others close.
    """
    old_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if old_key and request.user.is_authenticated and request.user.pk == user.pk:
        session_renew(old_key)
    person_check(user.pk)


@receiver(session_revoked)
def on_session_revoked(sender: Any, session_key: str, **kwargs: Any) -> None:
    session_end(session_key)


@receiver(account_status_changed)
def on_account_status_changed(sender: Any, user: User, **kwargs: Any) -> None:
    person_check(user.pk)


@receiver(privacy_changed)
def on_privacy_changed(sender: Any, user_id: int, **kwargs: Any) -> None:
    transaction.on_commit(lambda: presence_refresh(user_id), robust=True)


@receiver(profile_changing)
def on_profile_changing(sender: Any, user_id: int, **kwargs: Any) -> None:
    card_change(user_id=user_id)
