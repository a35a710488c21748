"""The OpenAPI document, rendered once per process.

Rendering takes 0.1 s of CPU, and the route is public: uncached, anonymous requests could exhaust a core.
"""

import hashlib
import json
import threading

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe
from ninja.responses import NinjaJSONEncoder

from conversations.api.openapi_errors import with_errors
from conversations.api.routes import api

_lock = threading.Lock()
_cached: list[tuple[bytes, str]] = []


def rendered_document() -> tuple[bytes, str]:
    """The document and its ETag. Under a lock: concurrent first requests would each render it."""
    with _lock:
        if not _cached:
            body = json.dumps(
                with_errors(api.get_openapi_schema()),
                cls=NinjaJSONEncoder,
                ensure_ascii=False,
                separators=(",", ":"),
            ).encode()
            _cached.append((body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'))
        return _cached[0]


def entity_tag(request: HttpRequest) -> str:
    return rendered_document()[1]


@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=entity_tag)
def document(request: HttpRequest) -> HttpResponse:
    return HttpResponse(rendered_document()[0], content_type="application/json")
