"""Middleware: security headers, early release of request bodies, and tracking of writes."""

import gc
from collections.abc import Callable
from io import BytesIO

from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import HttpRequest, HttpResponse, QueryDict

from conversations.db.errors import WriteWatch
from conversations.signals import SIGNED_OUT
from dm_project.security_headers import PERMISSIONS

COLLECT_BYTES = 16 * 1024 * 1024
BODY: dict[str, Callable[[], object]] = {"_body": bytes, "_post": QueryDict}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
CLEAR_SITE_DATA = '"cache", "storage"'


def security_headers(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Outermost, so that error pages and static files have them too.

    A shared proxy must never cache pages of a logged-in user, and the back button must not show them after
    logout (docs/threats.md T57): hence `no-store` unless a view sets another value. On logout the browser is
    told to clear what it has stored of this site. Only on logout: a session that was revoked from elsewhere
    leaves unsent text on its device, for the next login.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not response.headers.get("Cache-Control"):
            response.headers["Cache-Control"] = "private, no-store"
        if request.META.get(SIGNED_OUT):
            response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
        return response

    return answer


def release_request_body(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Free the body of a request together with its response, and collect garbage after so many bytes.

    A request refers to itself through its messages, its response and the context of its thread, so it stays
    in memory until the garbage collector runs, which is rare here (dm_project.server). A body of a logged-in
    user may have a mebibyte. The collection frees what a view made of it (the text in an error page).
    """
    bytes_in = 0

    def answer(request: HttpRequest) -> HttpResponse:
        nonlocal bytes_in
        try:
            return get_response(request)
        finally:
            if isinstance(request, ASGIRequest):
                bytes_in += len(vars(request).get("_body", b""))
                # If no view has read the body, it is still in the file that Django created for it.
                request._stream.close()
                request._stream = BytesIO()
                vars(request).update({name: empty() for name, empty in BODY.items() if name in vars(request)})
                if bytes_in >= COLLECT_BYTES:
                    bytes_in = 0
                    gc.collect(1)

    return answer


def track_writes(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Record whether a request has stored something, for the response when the database becomes unavailable
    afterwards.

    If it said "not stored", users would do it twice.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in SAFE_METHODS:
            return get_response(request)
        request.writes = watch = WriteWatch()  # type: ignore[attr-defined]
        with connection.execute_wrapper(watch):
            return get_response(request)

    return answer
