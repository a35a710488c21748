"""WebSocket routes. The last one rejects every other path without a traceback."""

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.urls import re_path

from conversations.consumers import SessionConsumer

websocket_urlpatterns: list[Any] = [
    re_path(r"^ws/$", SessionConsumer.as_asgi()),  # type: ignore[arg-type]
    re_path(r"^ws/chat/(?P<room_name>[^/]{1,100})/?$", SessionConsumer.as_asgi()),  # type: ignore[arg-type]
    re_path(r"", WebsocketDenier.as_asgi()),  # type: ignore[arg-type]
]
