"""The HTTP API: a transport like the socket, with the same services and the same wire objects."""

from conversations.api.routes import api

__all__ = ["api"]
