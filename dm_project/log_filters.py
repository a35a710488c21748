"""What a log line may hold: no link that is a secret, and of a bad request one short line.

Whoever reads a log must not be able to open an invite or set a password; whoever sends bad requests must not be able to fill it.
"""

import logging
import re
from http import HTTPStatus

# Django logs the path as it was decoded, servers as it came, and a link with one slash too many is still somebody's link. So between the
# parts stands anything that a person, a proxy or a browser may read as a slash, encoded once or more often, and behind them all is hidden.
SLASH = r"(?:[/\\.;]|%(?:25)*(?:2[ef]|5c|3b))"
LETTER_I = r"(?:i|%(?:25)*[46]9)"
# Possessive: no slash is tried twice, or a path of slashes would take the square of its length.
BEFORE = rf"{SLASH}(?:{LETTER_I}|password{SLASH}++reset{SLASH}++key){SLASH}++"
SECRET_PATHS = re.compile(rf"({BEFORE})[^\s?'\"]+", re.IGNORECASE)

LONGEST_REFUSAL = 300
LONGEST_VALUE = 300
"""Of one value in a line: a path may have sixteen thousand characters, and is escaped to six times as many."""


class HideSecretPaths(logging.Filter):
    """Django's request logger writes the path of every failed request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                shortened(hide(value), record) if isinstance(value, str) else value for value in record.args
            )
        if isinstance(record.msg, str):
            record.msg = hide(record.msg)
        # The request object itself rides along for mail handlers; nothing here needs it.
        record.__dict__.pop("request", None)
        if is_bad_request(record):
            # Django adds a traceback, which tells nothing that its sentence does not: a scanner would fill the log with them.
            record.exc_info = record.exc_text = record.stack_info = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def shortened(value: str, record: logging.LogRecord) -> str:
    """Whatever the answer was: also one of 503 names the path. What our own code writes over several lines is a traceback."""
    is_ours = "\n" in value and not record.name.startswith("django")
    return value if is_ours or len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"


def is_bad_request(record: logging.LogRecord) -> bool:
    """Refused for what the client sent, and foreseen: Django's suspicious operations, and every answer below 500."""
    status = getattr(record, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR)
    return record.name.startswith("django.security") or (
        record.name == "django.request" and status < HTTPStatus.INTERNAL_SERVER_ERROR
    )


class LineFormatter(logging.Formatter):
    """The last place that everything passes, tracebacks and what was no text included."""

    def format(self, record: logging.LogRecord) -> str:
        text = hide(super().format(record))
        if is_bad_request(record) and len(text) > LONGEST_REFUSAL:
            text = f"{text[:LONGEST_REFUSAL]}…"
        return text


def hide(text: str) -> str:
    return SECRET_PATHS.sub(r"\1…", text)
