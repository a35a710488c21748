"""Errors as `application/problem+json`: one shape, the codes of the wire, nothing of the inside."""

from __future__ import annotations

import json
import math

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from conversations.exceptions import Refusal
from conversations.protocol.codes import RETRYABLE, ErrorCode

STATUS = {
    ErrorCode.BAD_FRAME: 422,
    ErrorCode.INVALID_TEXT: 422,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CANNOT_DELIVER: 403,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.CONFLICT: 409,
    ErrorCode.GONE: 410,
    ErrorCode.EDIT_WINDOW_CLOSED: 403,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.BUSY: 503,
    ErrorCode.STORAGE_FULL: 503,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.INTERNAL: 500,
}
TITLES = {
    400: "The request could not be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "In conflict with what is stored",
    410: "Gone",
    413: "Too large",
    422: "Not valid",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "Not available just now",
}


def problem(code: ErrorCode, *, status: int | None = None, retry_after_ms: int | None = None) -> HttpResponse:
    status = status or STATUS[code]
    body: dict[str, object] = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "code": code.value}
    is_retryable = code in RETRYABLE
    body["retryable"] = is_retryable
    response = HttpResponse(content_type="application/problem+json", status=status)
    if is_retryable:
        wait = retry_after_ms or 1_000
        body["retry_after_ms"] = wait
        response["Retry-After"] = str(max(1, math.ceil(wait / 1_000)))
    response.content = json.dumps(body).encode()
    return response


def answer_with_problems(api: NinjaAPI) -> None:
    """Every way in which a route of this API can fail ends in `problem`."""

    @api.exception_handler(Refusal)
    def refused(request: HttpRequest, reason: Refusal) -> HttpResponse:
        return problem(ErrorCode(reason.code), retry_after_ms=reason.retry_after_ms)

    @api.exception_handler(AuthenticationError)
    def anonymous(request: HttpRequest, reason: AuthenticationError) -> HttpResponse:
        return problem(ErrorCode.UNAUTHENTICATED)

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, reason: ValidationError) -> HttpResponse:
        return problem(ErrorCode.BAD_FRAME)

    @api.exception_handler(TimeoutError)
    def unknown_end(request: HttpRequest, reason: TimeoutError) -> HttpResponse:
        return problem(ErrorCode.BUSY)

    @api.exception_handler(RequestDataTooBig)
    def oversized(request: HttpRequest, reason: RequestDataTooBig) -> HttpResponse:
        return problem(ErrorCode.TOO_LARGE)

    @api.exception_handler(HttpError)
    def plain(request: HttpRequest, reason: HttpError) -> HttpResponse:
        if reason.status_code == 403:
            return problem(ErrorCode.FORBIDDEN)
        return problem(ErrorCode.BAD_FRAME, status=422 if reason.status_code == 400 else reason.status_code)
