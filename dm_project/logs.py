"""Keeps links that are secrets out of the log: whoever reads a log must not be able to open an invite or set a password."""

import logging
import re

SECRET_PATHS = re.compile(r"(/i/|/password/reset/key/)[^/\s?'\"]+")


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
