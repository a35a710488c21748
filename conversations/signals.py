"""The one allowed use of signals: a session ended elsewhere, and its live sockets are told.

It stands here and not in accounts, because accounts may not know conversations.
"""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from conversations.services.sessions import session_end


@receiver(user_logged_out)
def end_sockets(sender: Any, request: HttpRequest | None, **kwargs: Any) -> None:
    """Django sends this before it flushes the session, so its key is still known."""
    session_key = getattr(getattr(request, "session", None), "session_key", None)
    if session_key:
        session_end(session_key)
