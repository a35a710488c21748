"""Who may ask the API: somebody with a session and, to write, the CSRF token of a page. Used by its routes only."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.security import SessionAuth


class NotJson(Exception):
    """The body is of another kind than the API reads."""


class JsonSession(SessionAuth):
    """As Ninja's own, but a body that is not JSON is refused first: the check of the token would read a form, and leave no body to look at."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.content_type not in {"application/json", ""}:
            raise NotJson
        return super().__call__(request)


signed_in = SessionAuth()
signed_in_with_json = JsonSession()
"""Where a body is read."""
