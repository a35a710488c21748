"""Warnings that would come with every request while a store is away, written at most once a minute each."""

import logging
import time

SECONDS = 60.0


class OnceAMinute:
    """Goes before a logger. Messages are told apart by their text before the arguments are filled in."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self.written_at: dict[str, float] = {}

    def warning(self, message: str, *args: object) -> None:
        now = time.monotonic()
        if now - self.written_at.get(message, -SECONDS) >= SECONDS:
            self.written_at[message] = now
            self.logger.warning(message, *args)
