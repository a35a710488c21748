"""The gate: HTTP through a bound to Django; sockets through the origin check, then the queue of handshakes and the session, then the routes."""

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from dm_project import settings_module

settings_module.choose()
django_application = get_asgi_application()

# Only now: these modules need the apps that the line above has loaded.
from channels.auth import AuthMiddlewareStack  # noqa: E402

from conversations.routing import websocket_urlpatterns  # noqa: E402
from dm_project.concurrency import RequestLimit  # noqa: E402
from dm_project.handshakes.limit import Admission  # noqa: E402
from dm_project.handshakes.origin import ExactOriginValidator  # noqa: E402
from dm_project.handshakes.session import SessionFromCookie, SignedInOnly  # noqa: E402
from dm_project.handshakes.unavailable import turn_away_while_away  # noqa: E402
from dm_project.server.websocket import keep_plain_send  # noqa: E402

sessions = SessionFromCookie(AuthMiddlewareStack(SignedInOnly(URLRouter(websocket_urlpatterns))))
application = ProtocolTypeRouter(
    {
        "http": RequestLimit(django_application),
        "websocket": ExactOriginValidator(keep_plain_send(Admission(turn_away_while_away(sessions)))),
    }
)
