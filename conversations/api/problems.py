"""Exception handlers: every error as `application/problem+json`, with the wire's codes and no internals."""

from __future__ import annotations

import json
import logging
import math
import traceback
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from conversations.api.auth import WrongType
from conversations.api.inputs import BadInput
from conversations.api.sentences import AS_FILE, BY_CODE, REASONS, sentence_for
from conversations.db.errors import may_be_stored, refusal_for
from conversations.exceptions import InvalidFile, Refusal, WrongOffset
from conversations.protocol.codes import RETRYABLE, ErrorCode

logger = logging.getLogger(__name__)
Handler = Callable[[HttpRequest, Any], HttpResponse]

STATUS = {
    ErrorCode.BAD_FRAME: 422,
    ErrorCode.INVALID_TEXT: 422,
    ErrorCode.INVALID_FILE: 422,
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
    ErrorCode.UNKNOWN_RESULT: 504,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.INTERNAL: 500,
    ErrorCode.OTHER_ACCOUNT: 409,
}
TITLES = {
    400: "The request could not be read",
    401: "Not logged in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "In conflict with what is stored",
    410: "Gone",
    413: "Too large",
    415: "Of another type",
    422: "Not valid",
    429: "Too many requests",
    431: "Header fields too large",
    500: "Something went wrong here",
    503: "Not available just now",
    504: "Not known whether it was stored",
}


def problem(
    code: ErrorCode,
    *,
    status: int | None = None,
    retry_after_ms: int | None = None,
    detail: str = "",
    **members: str | int,
) -> HttpResponse:
    """Args:
    detail: a sentence of ours that says what to change; never text of the request. Empty: that of the code.
    members: what else the problem states (RFC 9457, 3.2).
    """
    status = status or STATUS[code]
    body: dict[str, object] = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code.value,
    }
    if sentence := detail or BY_CODE.get(code, ""):
        body["detail"] = sentence
    body |= members
    is_retryable = code in RETRYABLE
    body["retryable"] = is_retryable
    response = HttpResponse(content_type="application/problem+json", status=status)
    if is_retryable:
        wait = retry_after_ms or 1_000
        body["retry_after_ms"] = wait
        response["Retry-After"] = str(max(1, math.ceil(wait / 1_000)))
    response.content = json.dumps(body).encode()
    return response


@csrf_exempt
def unknown_route(request: HttpRequest, rest: str) -> HttpResponse:
    """404 as JSON for unknown paths below the API."""
    return problem(ErrorCode.NOT_FOUND)


def register_problem_handlers(api: NinjaAPI) -> None:
    """Every exception in a route of this API becomes a `problem`."""
    for reason, handler in HANDLERS.items():
        api.add_exception_handler(reason, handler)


def on_refusal(request: HttpRequest, reason: Refusal) -> HttpResponse:
    return problem(ErrorCode(reason.code), retry_after_ms=reason.retry_after_ms, detail=sentence_for(reason))


def on_bad_input(request: HttpRequest, reason: BadInput) -> HttpResponse:
    return problem(ErrorCode.BAD_FRAME, detail=reason.detail)


def on_wrong_offset(request: HttpRequest, reason: WrongOffset) -> HttpResponse:
    response = problem(ErrorCode.CONFLICT, detail=sentence_for(reason), offset=reason.offset)
    response["Upload-Offset"] = str(reason.offset)
    return response


def on_invalid_file(request: HttpRequest, reason: InvalidFile) -> HttpResponse:
    return problem(
        ErrorCode.INVALID_FILE, detail=REASONS.get(reason.reason, AS_FILE.strip()), reason=reason.reason
    )


def on_database_error(request: HttpRequest, reason: Exception) -> HttpResponse:
    refusal = refusal_for(reason)
    return problem(ErrorCode.UNKNOWN_RESULT) if may_be_stored(request) else on_refusal(request, refusal)


def on_http_error(request: HttpRequest, reason: HttpError) -> HttpResponse:
    if reason.status_code == 403:
        return problem(ErrorCode.FORBIDDEN, detail="The CSRF token is missing, or not of this session.")
    return problem(ErrorCode.BAD_FRAME, status=422 if reason.status_code == 400 else reason.status_code)


def on_unexpected(request: HttpRequest, reason: Exception) -> HttpResponse:
    # The traceback, never the exception's text, which may quote a message.
    logger.error(
        "a request of the API failed with %s\n%s",
        type(reason).__name__,
        "".join(traceback.format_tb(reason.__traceback__)),
    )
    return problem(ErrorCode.UNKNOWN_RESULT if may_be_stored(request) else ErrorCode.INTERNAL)


def on_other_type(request: HttpRequest, reason: WrongType) -> HttpResponse:
    types = " or ".join(reason.types)
    return problem(ErrorCode.BAD_FRAME, status=415, detail=f"The Content-Type of this route is {types}.")


def too_large(request: HttpRequest, reason: RequestDataTooBig) -> HttpResponse:
    return problem(ErrorCode.TOO_LARGE, detail="The body is larger than this route takes.")


def fixed(code: ErrorCode, status: int | None = None) -> Handler:
    return lambda request, reason: problem(code, status=status)


HANDLERS: dict[type[Exception], Handler] = {
    Refusal: on_refusal,
    BadInput: on_bad_input,
    WrongOffset: on_wrong_offset,
    InvalidFile: on_invalid_file,
    HttpError: on_http_error,
    AuthenticationError: fixed(ErrorCode.UNAUTHENTICATED),
    ValidationError: fixed(ErrorCode.BAD_FRAME),
    RequestDataTooBig: too_large,
    WrongType: on_other_type,
    # A malformed form on a route without a body: the CSRF check looks for a token in it.
    MultiPartParserError: fixed(ErrorCode.BAD_FRAME, 415),
    SuspiciousOperation: fixed(ErrorCode.BAD_FRAME),
    Http404: fixed(ErrorCode.NOT_FOUND),
    # The writer did not finish in time, and may still commit.
    TimeoutError: fixed(ErrorCode.UNKNOWN_RESULT),
    OperationalError: on_database_error,
    InterfaceError: on_database_error,
    # The database ended a transaction that was idle for too long.
    InternalError: on_database_error,
    Exception: on_unexpected,
}
"""The most specific class of the exception applies."""
