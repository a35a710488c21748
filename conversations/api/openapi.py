"""The description of the API, for programs: the same for everybody, so it is rendered once in the life of a process.

Rendering takes a tenth of a second of a core, and nobody has to be signed in to ask for it.
"""

import hashlib
import json
import threading

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe
from ninja.responses import NinjaJSONEncoder

from conversations.api.openapi_errors import described
from conversations.api.routes import api

_lock = threading.Lock()
_rendered: list[tuple[bytes, str]] = []


def rendered() -> tuple[bytes, str]:
    """The document and its entity tag. Under a lock: those who ask first would all render it."""
    with _lock:
        if not _rendered:
            body = json.dumps(
                described(api.get_openapi_schema()),
                cls=NinjaJSONEncoder,
                ensure_ascii=False,
                separators=(",", ":"),
            ).encode()
            _rendered.append((body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'))
        return _rendered[0]


def entity_tag(request: HttpRequest) -> str:
    return rendered()[1]


@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=entity_tag)
def document(request: HttpRequest) -> HttpResponse:
    return HttpResponse(rendered()[0], content_type="application/json")
