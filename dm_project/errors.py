"""Error pages that need neither database nor session."""

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from redis.exceptions import RedisError

AWAY = (OperationalError, InterfaceError, RedisError)
"""Database or Redis do not answer: true now, maybe not in a moment."""
RETRY_AFTER_S = 5


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its token: an old tab, or another site's page in this browser."""
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """What nobody foresaw. Django calls it while the error is in hand; a store that is away is worth another try, and proxies are told so."""
    is_away = isinstance(sys.exc_info()[1], AWAY)
    page = HttpResponse(
        render_to_string("500.html"), status=HTTPStatus.SERVICE_UNAVAILABLE if is_away else HTTPStatus.INTERNAL_SERVER_ERROR
    )
    if is_away:
        page["Retry-After"] = str(RETRY_AFTER_S)
    return page
