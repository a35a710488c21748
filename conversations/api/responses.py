"""JSON responses of the routes: wire objects, encoded by pydantic once."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from pydantic import BaseModel

from conversations.api.outputs import Problem

JOURNAL_TIMEOUT_S = 10
"""Longest wait of a request for the writer. After it the result is unknown."""
PROBLEMS: dict[int, Any] = dict.fromkeys((401, 403, 404, 409, 410, 413, 422, 429, 503, 504), Problem)


def json_response(body: BaseModel, status: int = 200) -> HttpResponse:
    return HttpResponse(body.model_dump_json(), content_type="application/json", status=status)
