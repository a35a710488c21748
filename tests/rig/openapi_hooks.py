"""Schemathesis hooks: authentication, and generators of valid texts.

Loaded by Schemathesis in its own process (tests/live/test_openapi.py).
"""

import os
from typing import Any

import schemathesis
from hypothesis import strategies as st


@schemathesis.auth()
class SignedIn:
    """The cookies of one user, and the CSRF token for writes."""

    def get(self, case: Any, context: Any) -> dict[str, str]:
        return dict(pair.split("=", 1) for pair in os.environ["ENTRE_COOKIES"].split("; "))

    def set(self, case: Any, data: dict[str, str], context: Any) -> None:
        case.cookies = {**(case.cookies or {}), **data}
        token = next(value for name, value in data.items() if name.endswith("csrftoken"))
        case.headers = {**(case.headers or {}), "X-CSRFToken": token, "Origin": os.environ["ENTRE_ORIGIN"]}


def words(least: int) -> Any:
    return st.text(st.sampled_from("abcXYZ 019.,!?\n äßçñжשع日🌿"), min_size=least, max_size=80).filter(
        lambda text: text.strip() or not least
    )


schemathesis.openapi.format("message-text", words(1))
schemathesis.openapi.format("note-text", words(0))
# Any bytes are a file; as a picture they would be rejected.
schemathesis.openapi.format("attachment-kind", st.just("file"))
schemathesis.openapi.format("emoji", st.sampled_from(["👍", "👍🏽", "❤\ufe0f", "🇧🇷"]))
schemathesis.openapi.format("time-zone", st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo"]))
# Parts of uploads are bytes of any kind.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
