"""Headers that every answer carries."""

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
FORGET = '"cache", "storage"'


def security_headers(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Outermost, so that error pages and static files have them too.

    Signed-in pages must never be kept by a shared proxy or come back after log-out with the back button (safety.md T57), hence `no-store`
    wherever no view said something else; and on log-out the browser is told to forget what it has kept of this site. Only then: a session
    that was ended from elsewhere leaves the unsent text on its device, for the next sign-in.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not response.headers.get("Cache-Control"):
            response.headers["Cache-Control"] = "private, no-store"
        if request.META.get(SIGNED_OUT):
            response.headers["Clear-Site-Data"] = FORGET
        return response

    return answer


def forget_body(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A request points to itself by its messages, its answer and the context of its thread, so it stays until the collector comes, which is
    seldom here (dm_project.server). Its body, up to a mebibyte of somebody signed in, goes with the answer; what a view made of it (the
    text in a refusal) goes with a look at the young objects, each time that so many bytes have come in.
    """
    bytes_in = 0

    def answer(request: HttpRequest) -> HttpResponse:
        nonlocal bytes_in
        try:
            return get_response(request)
        finally:
            if isinstance(request, ASGIRequest):
                bytes_in += len(vars(request).get("_body", b""))
                # Not read at all where nobody was asked for it: then it is still in the file that Django made for it.
                request._stream.close()
                request._stream = BytesIO()
                vars(request).update({name: empty() for name, empty in BODY.items() if name in vars(request)})
                if bytes_in >= COLLECT_BYTES:
                    bytes_in = 0
                    gc.collect(1)

    return answer


def watch_writes(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Notes whether a request has stored something, for the answer to a database that goes away afterwards: a page or a problem that says "not
    stored" would make people do it twice."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in SAFE_METHODS:
            return get_response(request)
        request.writes = watch = WriteWatch()  # type: ignore[attr-defined]
        with connection.execute_wrapper(watch):
            return get_response(request)

    return answer
