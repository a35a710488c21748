"""WebSocket consumers: one class behind both routes."""

from conversations.consumers.session import EARLY_FRAMES, SessionConsumer

__all__ = ["EARLY_FRAMES", "SessionConsumer"]
