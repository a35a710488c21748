"""WebSocket consumers: one class behind both routes."""

from conversations.consumers.session import SessionConsumer

__all__ = ["SessionConsumer"]
