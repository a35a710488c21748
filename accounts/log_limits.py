"""Logs: a warning of an outage is written once a minute, an unexpected error without its text."""

import logging
import time
import traceback

SECONDS = 60.0


class OnceAMinute:
    """Wraps a logger. The message template, without its arguments, identifies a message."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self.written_at: dict[str, float] = {}

    def warning(self, message: str, *args: object) -> None:
        now = time.monotonic()
        if now - self.written_at.get(message, -SECONDS) >= SECONDS:
            self.written_at[message] = now
            self.logger.warning(message, *args)


def log_unexpected(logger: logging.Logger, what: str, error: BaseException) -> None:
    """The class and the stack only: the text of an error may quote a message (docs/threats.md T63)."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed with a %s\n%s", what, type(error).__name__, where)
