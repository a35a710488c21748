"""Error pages, which need neither database nor session, and responses while a store is unavailable."""

import logging
import sys
from http import HTTPStatus

from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from redis.exceptions import RedisError

from accounts import hashers
from conversations.api.problems import problem
from conversations.db.errors import may_be_stored, refusal_for
from conversations.protocol.codes import ErrorCode
from dm_project.refusals import API

logger = logging.getLogger(__name__)
UNAVAILABLE_ERRORS = (OperationalError, InterfaceError, InternalError, RedisError)
"""Database or Redis do not answer, or the database ended an idle transaction: worth another try."""
RETRY_AFTER_S = 5


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without a valid token: from an old tab, from another site's page, or from a browser that rejects
    our cookies.

    For the last one, the advice to reload would never help.
    """
    template = "403_cookies.html" if reason == REASON_NO_CSRF_COOKIE else "403_csrf.html"
    return render(request, template, status=HTTPStatus.FORBIDDEN)


# Django's own handlers of these three read the CSRF token, and with it the request body: with an unreadable
# body, a 404 became a 500.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path_info.startswith(API):
        return problem(ErrorCode.BAD_FRAME, status=HTTPStatus.BAD_REQUEST)
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Unexpected errors.

    Django calls it while the exception is handled; for an unavailable store, proxies get 503.
    """
    if request.path_info.startswith(API):
        return server_problem(request)
    if may_be_stored(request):
        return result_unknown()
    if isinstance(sys.exc_info()[1], UNAVAILABLE_ERRORS):
        return store_unavailable()
    return HttpResponse(render_to_string("500.html"), status=HTTPStatus.INTERNAL_SERVER_ERROR)


def server_problem(request: HttpRequest) -> HttpResponse:
    """The same for the API, when not a route failed but a middleware before it."""
    if may_be_stored(request):
        return problem(ErrorCode.UNKNOWN_RESULT)
    if isinstance(sys.exc_info()[1], UNAVAILABLE_ERRORS):
        return problem(ErrorCode.BUSY, retry_after_ms=RETRY_AFTER_S * 1_000)
    return problem(ErrorCode.INTERNAL)


def store_unavailable(retry_after_s: int = RETRY_AFTER_S) -> HttpResponse:
    page = HttpResponse(render_to_string("500.html"), status=HTTPStatus.SERVICE_UNAVAILABLE)
    page["Retry-After"] = str(retry_after_s)
    return page


def result_unknown() -> HttpResponse:
    """Something was stored, or may be: with "try again" on the page, users would do it twice."""
    page = HttpResponse(render_to_string("504.html"), status=HTTPStatus.GATEWAY_TIMEOUT)
    page["Retry-After"] = str(RETRY_AFTER_S)
    return page


class UnavailableStoreMiddleware(MiddlewareMixin):
    """Answers without a traceback when a store is unavailable or too many passwords are hashed at once.

    Both are expected, and would fill the log.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, hashers.HashingBusy):
            logger.warning("password check rejected: too many at once")
            return store_unavailable(hashers.RETRY_AFTER_S)
        if not isinstance(exception, UNAVAILABLE_ERRORS):
            return None
        if isinstance(exception, DatabaseError):
            # It may be a full disk, which `/readyz` reports.
            refusal_for(exception)
        logger.warning("page not served: a store is unavailable (%s)", type(exception).__name__)
        return result_unknown() if may_be_stored(request) else store_unavailable()

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Ninja rejects a method as plain text; errors of the API have one shape (docs/protocol.md 7)."""
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or not request.path_info.startswith(API):
            return response
        answer = problem(ErrorCode.BAD_FRAME, status=HTTPStatus.METHOD_NOT_ALLOWED)
        answer["Allow"] = response["Allow"]
        return answer
