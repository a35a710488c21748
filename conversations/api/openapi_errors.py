"""Makes the description of the API true: errors are `application/problem+json` with the codes that really occur, at each route those that
can occur there. Ninja writes every answer down as `application/json`. Called by `document` only.
"""

from __future__ import annotations

from typing import Any

from conversations.api.problems import STATUS, TITLES
from conversations.protocol.codes import ErrorCode

WRITES = {"post", "put", "patch", "delete"}
ANYWHERE = {401, 409, 429, 500, 503}
"""409: a page may say for whom it acts (X-Acting-User), and is refused when somebody else is signed in by now."""
PROBLEM = {"$ref": "#/components/schemas/Problem"}
WAITING = {
    "Retry-After": {
        "description": "Seconds until another try makes sense.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """The same document, with true errors. It is changed in place: Ninja makes it anew for each question."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            answers = {status: found for status, found in operation["responses"].items() if int(status) < 400}
            errors = statuses_at(path, method, operation)
            operation["responses"] = answers | {str(status): error(status) for status in sorted(errors)}
    schema["components"]["schemas"]["Problem"]["properties"]["code"] = {
        "type": "string",
        "enum": sorted({code.value for code in STATUS}),
        "title": "Code",
    }
    return schema


def statuses_at(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    """Errors that this route can answer with."""
    found = set(ANYWHERE)
    if operation.get("parameters") or "requestBody" in operation:
        found |= {422}
    if "{" in path:
        found |= {404}
    if method in WRITES:
        # Without its CSRF token, or not allowed; not JSON; of somebody or something that is not there, or is over; not known whether it was stored.
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
    return response | ({"headers": WAITING} if status in {429, 503} else {})
