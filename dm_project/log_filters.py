"""Log filters: redact secret links, and shorten the lines of bad requests.

A reader of the log must not be able to open an invite or set a password; a client that sends bad requests
must not be able to fill it.
"""

import logging
import re
from http import HTTPStatus

# Django logs the decoded path, servers the raw one, and a link with a superfluous slash is still a valid
# link. So the parts may be separated by anything that a user, a proxy or a browser may read as a slash,
# encoded once or more often, and everything after them is redacted.
SLASH = r"(?:[/\\.;]|%(?:25)*(?:2[ef]|5c|3b))"
LETTER_I = r"(?:i|%(?:25)*[46]9)"
# Possessive, without backtracking: a path of slashes would take quadratic time.
BEFORE = rf"{SLASH}(?:{LETTER_I}|password{SLASH}++reset{SLASH}++key){SLASH}++"
SECRET_PATHS = re.compile(rf"({BEFORE})[^\s?'\"]+", re.IGNORECASE)

MAX_REJECTION_CHARS = 300
MAX_VALUE_CHARS = 300
"""Of one value in a line: a path may have sixteen thousand characters, and six times as many when escaped."""


class RedactSecretPaths(logging.Filter):
    """For Django's request logger, which writes the path of every failed request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                shorten(redact(value), record) if isinstance(value, str) else value for value in record.args
            )
        if isinstance(record.msg, str):
            record.msg = redact(record.msg)
        # The request object is attached for email handlers; nothing here needs it.
        record.__dict__.pop("request", None)
        if is_bad_request(record):
            # Django adds a traceback without further information: a scanner would fill the log with them.
            record.exc_info = record.exc_text = record.stack_info = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def shorten(value: str, record: logging.LogRecord) -> str:
    """For every status, because a 503 names the path, too.

    Values of several lines from our own code are tracebacks.
    """
    is_ours = "\n" in value and not record.name.startswith("django")
    return value if is_ours or len(value) <= MAX_VALUE_CHARS else f"{value[:MAX_VALUE_CHARS]}…"


def is_bad_request(record: logging.LogRecord) -> bool:
    """An expected rejection of client input: Django's suspicious operations, and every response below 500."""
    status = getattr(record, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR)
    return record.name.startswith("django.security") or (
        record.name == "django.request" and status < HTTPStatus.INTERNAL_SERVER_ERROR
    )


class LineFormatter(logging.Formatter):
    """Redacts the final text, which includes tracebacks and values that were not strings."""

    def format(self, record: logging.LogRecord) -> str:
        text = redact(super().format(record))
        if is_bad_request(record) and len(text) > MAX_REJECTION_CHARS:
            text = f"{text[:MAX_REJECTION_CHARS]}…"
        return text


def redact(text: str) -> str:
    return SECRET_PATHS.sub(r"\1…", text)
