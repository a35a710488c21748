"""Services for sessions: close the sockets of a session or an account that was revoked."""

from django.db import transaction

from conversations import delivery
from conversations.protocol.codes import CloseCode


def session_end(session_key: str) -> None:
    """After the commit, close the sockets of this session with `bye` and 4401."""
    transaction.on_commit(lambda: delivery.end_session(session_key, CloseCode.UNAUTHENTICATED), robust=True)


def session_renew(session_key: str) -> None:
    """After the commit, close the sockets of this session with `bye` and 4012; they reconnect with the
    rotated key."""
    transaction.on_commit(lambda: delivery.end_session(session_key, CloseCode.RESTARTING), robust=True)


def person_check(user_id: int) -> None:
    """After the commit, every socket of this user checks whether its session is still valid."""
    transaction.on_commit(lambda: delivery.check_person(user_id), robust=True)
