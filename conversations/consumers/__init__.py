"""The doors for sockets: one class behind both routes."""

from conversations.consumers.connection import EARLY_FRAMES
from conversations.consumers.session import SessionConsumer

__all__ = ["EARLY_FRAMES", "SessionConsumer"]
