"""ASGI application: routes HTTP and sockets through their limits to Django and the consumers.

HTTP passes the cache of static files and the concurrency limit. Sockets pass the origin check, the handshake
limit and the session.
"""

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from dm_project import settings_module

settings_module.choose()
django_application = get_asgi_application()

# Imported here, because these modules need the apps that the line above has loaded.
from channels.auth import AuthMiddlewareStack  # noqa: E402

from conversations.routing import websocket_urlpatterns  # noqa: E402
from dm_project.concurrency import RequestLimit  # noqa: E402
from dm_project.handshakes.limit import HandshakeLimit  # noqa: E402
from dm_project.handshakes.origin import ExactOriginValidator  # noqa: E402
from dm_project.handshakes.session import AuthenticatedOnly, SessionFromCookie  # noqa: E402
from dm_project.handshakes.unavailable import close_on_database_error  # noqa: E402
from dm_project.server.websocket import keep_plain_send  # noqa: E402
from dm_project.staticfiles.memory import StaticFileCache  # noqa: E402

sessions = SessionFromCookie(AuthMiddlewareStack(AuthenticatedOnly(URLRouter(websocket_urlpatterns))))
application = ProtocolTypeRouter(
    {
        "http": StaticFileCache(RequestLimit(django_application)),
        "websocket": ExactOriginValidator(keep_plain_send(HandshakeLimit(close_on_database_error(sessions)))),
    }
)
