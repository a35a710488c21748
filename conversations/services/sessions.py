"""A session or an account lost its rights: its live sockets end."""

from django.db import transaction

from conversations import delivery
from conversations.protocol.codes import CloseCode


def session_end(session_key: str) -> None:
    """After the commit, sockets of this session get `bye` and 4401."""
    transaction.on_commit(lambda: delivery.end_session(session_key, CloseCode.UNAUTHENTICATED), robust=True)


def session_renew(session_key: str) -> None:
    """After the commit, sockets of this session get `bye` and 4012, and come back with what the session is now."""
    transaction.on_commit(lambda: delivery.end_session(session_key, CloseCode.RESTARTING), robust=True)


def person_check(user_id: int) -> None:
    """After the commit, every socket of this person looks whether it may stay."""
    transaction.on_commit(lambda: delivery.check_person(user_id), robust=True)
