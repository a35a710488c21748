"""Sockets as the tutorial wires them."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.peers.tutorial.settings")
django_application = get_asgi_application()

# Only now: the consumer needs the apps that the line above has loaded.
from benchmarks.peers.tutorial.consumers import ChatConsumer  # noqa: E402

routes = [re_path(r"^ws/chat/(?P<room>[\w-]+)/$", ChatConsumer.as_asgi())]
application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(routes))),
    }
)
