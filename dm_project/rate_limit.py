"""HTTP rate limit per user and per address; it shares its buckets with sockets (conversations.throttling).

Every request has a weight, its cost in socket commands. Users who click as fast as they can stay far below
the limit; a script does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.client_address import address_of
from conversations import throttling
from conversations.api.problems import problem
from conversations.exceptions import TooManyTries
from conversations.protocol.codes import ErrorCode
from dm_project.errors import UNAVAILABLE_ERRORS
from dm_project.refusals import API

PAGE, PICTURE = 4, 0.25
WEIGHTS: tuple[tuple[str, float], ...] = (
    # Health checks come from load balancers; these responses cost next to nothing.
    (r"/healthz|/readyz|/metrics|/release|/sw\.js|/manifest/.*", 0),
    # A page of People shows sixty of them.
    (r"/media/pictures/.*", PICTURE),
    # A chat, or its page of media, shows as many; a player asks for a file in pieces.
    (r"/files/[^/]+/(display|thumb|media)", PICTURE),
    (r"/files/.*", 1),
    (r"/api/v1/(people|conversations|invites|search)", 2),
    (r"/invites/[^/]+/qr\.svg", 2),
    # Invite links have limits of their own, with an error page of their own.
    (r"/api/.*|/i/.*|/theme/|/language/.*|/offline/", 1),
)
TABLE = [(re.compile(pattern), weight) for pattern, weight in WEIGHTS]
SENDING = re.compile(r"/chats/dm-[^/]*/([0-9]+/)?")


def is_sending(method: str | None, path: str) -> bool:
    return method == "POST" and SENDING.fullmatch(path) is not None


def weight_of(method: str | None, path: str) -> float:
    if is_sending(method, path):
        # Counted as a message: its text must not be lost to an error page.
        return 1
    return next((weight for pattern, weight in TABLE if pattern.fullmatch(path)), PAGE)


def limit_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """After the session, because users are counted from every address; before everything that costs."""

    def answer(request: HttpRequest) -> HttpResponse:
        if settings.LIMITS:
            try:
                count(request)
            except TooManyTries as refusal:
                return reject(request, refusal)
        response = get_response(request)
        if settings.LIMITS:
            charge_refused_form(request, response)
        return response

    return answer


def count(request: HttpRequest) -> None:
    """Raises TooManyTries."""
    weight = weight_of(request.method, request.path_info)
    if not weight:
        return
    # The address first: a flood without a session costs no database query.
    throttling.allow_visit(address_of(request.META), count=weight)
    user_id = user_id_of(request)
    if user_id is not None:
        throttling.allow_frame(user_id, count=weight)


def charge_refused_form(request: HttpRequest, response: HttpResponse) -> None:
    """A form that was refused is answered with a whole page. Otherwise an empty text, forty times a second,
    would draw four times as many pages as may be loaded."""
    user_id = user_id_of(request)
    if (
        user_id is not None
        and response.status_code >= HTTPStatus.BAD_REQUEST
        and is_sending(request.method, request.path_info)
    ):
        throttling.charge_frame(user_id, count=PAGE - 1)


def user_id_of(request: HttpRequest) -> int | None:
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    try:
        return request.user.pk
    except UNAVAILABLE_ERRORS:
        # The view gets the same error, and answers in its own way.
        return None


def reject(request: HttpRequest, refusal: TooManyTries) -> HttpResponse:
    if request.path_info.startswith(API):
        return problem(ErrorCode.RATE_LIMITED, retry_after_ms=refusal.retry_after_ms)
    wait_s = math.ceil((refusal.retry_after_ms or 1_000) / 1_000)
    response = render(request, "429.html", {"wait_s": wait_s}, status=429)
    response["Retry-After"] = str(wait_s)
    # The URL may be that of an invite, which is a secret (docs/threats.md T20).
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
