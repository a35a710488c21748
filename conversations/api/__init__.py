"""The HTTP API: another door to the same services. Its objects are those of the socket's frames."""

from conversations.api.routes import api

__all__ = ["api"]
