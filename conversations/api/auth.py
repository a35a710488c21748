"""API authentication: a session cookie and, for writes, a CSRF token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from ninja.security import SessionAuth

JSON = "application/json"


class WrongType(Exception):
    """The request's content type is none of those that the route reads."""

    def __init__(self, types: Iterable[str] = (JSON,)) -> None:
        super().__init__()
        self.types = tuple(types)


class Session(SessionAuth):
    """401 before the CSRF check: a client whose session has ended has no other sign that it must log in."""

    def __call__(self, request: HttpRequest) -> Any:
        return super().__call__(request) if request.user.is_authenticated else None


class JsonSession(Session):
    """Rejects bodies that are not JSON before the CSRF check, which would consume a form's body."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.content_type not in {JSON, ""}:
            raise WrongType
        return super().__call__(request)


signed_in = Session()
signed_in_with_json = JsonSession()
"""For routes that read a body."""
