"""Error responses of the HTTP server itself, outside of Django: one sentence, or problem details below /api/.

Needs only settings at import time, because the server is loaded before Django's apps are.
"""

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from dm_project.security_headers import plain_headers

API = "/api/"
CODES = {
    400: "bad_frame",
    403: "forbidden",
    413: "too_large",
    431: "too_large",
    500: "internal",
    503: "busy",
    504: "unknown_result",
}

DETAILS = {
    403: "A body of this size is for logged-in users only.",
    413: "The body is larger than this route takes. Nothing of it was read.",
    431: "The address or the header fields are too long.",
}
"""What problem details say below the API."""
SENTENCES = {
    413: _("This is too large for one form, and nothing was sent. Choose fewer files."),
    503: _("Too many requests at this moment. Go back, and try again in a few seconds."),
}
"""What pages say, which may be those of a form without a script."""


def refusal(
    status: int, text: str, *, path: str, retry_after_s: int = 0, code: str = ""
) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of an error response.

    Args:
        path: empty if unknown; a request may be rejected for its first line.
        code: of the API, where another one than usual for the status says more.
    """
    headers = plain_headers()
    if not path.startswith(API) or status not in CODES:
        body = in_all_languages(SENTENCES[status]) if status in SENTENCES else text
        return [*headers, *([("Retry-After", str(retry_after_s))] if retry_after_s else [])], body.encode()
    from conversations.api.problems import problem
    from conversations.protocol.codes import ErrorCode

    response = problem(
        ErrorCode(code or CODES[status]),
        status=status,
        retry_after_ms=retry_after_s * 1_000 or None,
        detail=DETAILS.get(status, ""),
    )
    others = [(name, value) for name, value in headers if name != "Content-Type"]
    return [*others, *response.items()], response.content


def in_all_languages(sentence: Promise) -> str:
    """Nothing of the request was read, so nothing tells the language of its user."""
    lines = []
    for language, _name in settings.LANGUAGES:
        with override(language):
            lines.append(str(sentence))
    return "\n\n".join(dict.fromkeys(lines))
