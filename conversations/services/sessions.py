"""A session or an account lost its rights: its live sockets end."""

from conversations import delivery
from conversations.protocol.codes import CloseCode


def session_end(session_key: str) -> None:
    """Sockets of this session get `bye` and 4401."""
    delivery.end_session(session_key, CloseCode.UNAUTHENTICATED)
