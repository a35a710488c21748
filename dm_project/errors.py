"""Error pages that need neither database nor session."""

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
AWAY = (OperationalError, InterfaceError, InternalError, RedisError)
"""Database or Redis do not answer, or the database ended a transaction that stood still: true now, maybe not in a moment."""
RETRY_AFTER_S = 5


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its token: an old tab, another site's page in this browser, or a browser that keeps no cookies from us.

    The last one would be told to reload for ever.
    """
    template = "403_cookies.html" if reason == REASON_NO_CSRF_COOKIE else "403_csrf.html"
    return render(request, template, status=HTTPStatus.FORBIDDEN)


# Django's own handlers of these three ask for the token of a form first, and so read what was posted: a body that cannot be read then made
# a page that does not exist an error of the server.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path_info.startswith(API):
        return problem(ErrorCode.BAD_FRAME, status=HTTPStatus.BAD_REQUEST)
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """What nobody foresaw. Django calls it while the error is in hand; a store that is away is worth another try, and proxies are told so."""
    if request.path_info.startswith(API):
        return server_problem(request)
    if may_be_stored(request):
        return not_known()
    if isinstance(sys.exc_info()[1], AWAY):
        return store_away()
    return HttpResponse(render_to_string("500.html"), status=HTTPStatus.INTERNAL_SERVER_ERROR)


def server_problem(request: HttpRequest) -> HttpResponse:
    """The same below the API, where it was not a route that failed: what stands before them did."""
    if may_be_stored(request):
        return problem(ErrorCode.UNKNOWN_RESULT)
    if isinstance(sys.exc_info()[1], AWAY):
        return problem(ErrorCode.BUSY, retry_after_ms=RETRY_AFTER_S * 1_000)
    return problem(ErrorCode.INTERNAL)


def store_away(retry_after_s: int = RETRY_AFTER_S) -> HttpResponse:
    page = HttpResponse(render_to_string("500.html"), status=HTTPStatus.SERVICE_UNAVAILABLE)
    page["Retry-After"] = str(retry_after_s)
    return page


def not_known() -> HttpResponse:
    """Something was stored, or may be: a page that says "try again" would make people do it twice."""
    page = HttpResponse(render_to_string("504.html"), status=HTTPStatus.GATEWAY_TIMEOUT)
    page["Retry-After"] = str(RETRY_AFTER_S)
    return page


class StoresMayBeAway(MiddlewareMixin):
    """A view that met a store which is away, or found no place to hash a password in, is answered without a traceback: it is foreseen,
    and there would be thousands.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, hashers.HashingBusy):
            logger.warning("a password was not looked at: too many at once")
            return store_away(hashers.RETRY_AFTER_S)
        if not isinstance(exception, AWAY):
            return None
        if isinstance(exception, DatabaseError):
            # It may be its disk: readiness remembers.
            refusal_for(exception)
        logger.warning("a page could not be shown: a store is away (%s)", type(exception).__name__)
        return not_known() if may_be_stored(request) else store_away()
