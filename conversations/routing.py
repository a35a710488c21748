"""The map of sockets. The last route refuses every other path quietly instead of with a traceback."""

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.urls import re_path

from conversations.consumers import SessionConsumer

websocket_urlpatterns: list[Any] = [
    re_path(r"^ws/$", SessionConsumer.as_asgi()),  # type: ignore[arg-type]
    re_path(r"^ws/chat/(?P<room_name>[^/]{1,100})/?$", SessionConsumer.as_asgi()),  # type: ignore[arg-type]
    re_path(r"", WebsocketDenier.as_asgi()),  # type: ignore[arg-type]
]
