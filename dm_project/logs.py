"""Keeps links that are secrets out of the log: whoever reads a log must not be able to open an invite or set a password."""

import logging
import re

SLASH = r"(?:/|%2f)+"
SECRET_PATHS = re.compile(rf"({SLASH}(?:i|%69|password{SLASH}reset{SLASH}key){SLASH})[^\s?'\"]+", re.IGNORECASE)
"""With doubled and encoded slashes, too: such an address is "not found", which is logged, and its token opens the invite all the same."""


class HideSecretPaths(logging.Filter):
    """Django's request logger writes the path of every failed request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(hide(value) if isinstance(value, str) else value for value in record.args)
        if isinstance(record.msg, str):
            record.msg = hide(record.msg)
        # The request object itself rides along for mail handlers; nothing here needs it.
        record.__dict__.pop("request", None)
        return True


def hide(text: str) -> str:
    return SECRET_PATHS.sub(r"\1…", text)
