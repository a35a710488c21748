"""Log throttling: a warning that every request would repeat during an outage is logged once a minute."""

import logging
import time

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
