"""Error responses of the OpenAPI document: `application/problem+json`, with the codes possible at each route.

Ninja by itself describes every response as `application/json`.
"""

from __future__ import annotations

from typing import Any

from conversations.api.problems import STATUS, TITLES
from conversations.protocol.codes import ErrorCode

WRITE_METHODS = {"post", "put", "patch", "delete"}
ANY_ROUTE = {401, 409, 429, 500, 503}
"""409: a page may name its user (X-Acting-User), and is rejected if another user is logged in by now."""
PROBLEM = {"$ref": "#/components/schemas/Problem"}
RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds until another try makes sense.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


def with_errors(schema: dict[str, Any]) -> dict[str, Any]:
    """The same document, with its error responses replaced. In place: Ninja builds one for each call."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            successes = {
                status: found for status, found in operation["responses"].items() if int(status) < 400
            }
            errors = statuses_at(path, method, operation)
            operation["responses"] = successes | {str(status): error(status) for status in sorted(errors)}
    schema["components"]["schemas"]["Problem"]["properties"]["code"] = {
        "type": "string",
        "enum": sorted({code.value for code in STATUS}),
        "title": "Code",
    }
    return schema


def statuses_at(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    """The error statuses that this route can respond with."""
    found = set(ANY_ROUTE)
    if operation.get("parameters") or "requestBody" in operation:
        found |= {422}
    if "{" in path or any(parameter["name"] == "room" for parameter in operation.get("parameters", ())):
        # Not existing, or not this user's.
        found |= {404}
    if method in WRITE_METHODS:
        # No CSRF token, or not allowed; not found, or gone; not JSON; not known whether it was stored.
        found |= {403, 404, 410, 415, 504}
    if "requestBody" in operation:
        found |= {413}
    return found


def error(status: int) -> dict[str, Any]:
    codes = sorted(code.value for code, its in STATUS.items() if its == status) or [ErrorCode.BAD_FRAME.value]
    response: dict[str, Any] = {
        "description": f"{TITLES[status]}: {', '.join(f'`{code}`' for code in codes)}",
        "content": {"application/problem+json": {"schema": PROBLEM}},
    }
    return response | ({"headers": RETRY_AFTER} if status in {429, 503} else {})
