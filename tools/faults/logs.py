"""Counts unhandled exceptions in the logs of the servers. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

HEADER = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ [A-Z]+ (\S+) (.*)$")
TRACEBACK = "Traceback (most recent call last)"
UNKNOWN_ERROR = "that it does not know"
"""The journal's log line for an unexpected error, which has no traceback because that could quote a body."""

KNOWN = {"channels_redis.pubsub": "while Redis is unavailable its receiver logs a traceback each second"}
"""Loggers whose tracebacks are not counted, each with the reason."""


@dataclass(slots=True)
class Errors:
    """Records with a traceback, by logger: counted (`unhandled`) and not counted (`known`)."""

    unhandled: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)


def errors_in(text: str) -> Errors:
    """Count in one log. A traceback outside any record (printed to standard error) counts as `stderr`."""
    found = Errors()
    logger, lines = "stderr", [""]
    for line in [*text.splitlines(), None]:
        header = HEADER.match(line) if line is not None else None
        if line is not None and header is None:
            lines.append(line)
            continue
        record = "\n".join(lines)
        if TRACEBACK in record or UNKNOWN_ERROR in record:
            (found.known if logger in KNOWN else found.unhandled)[logger] += 1
            if logger not in KNOWN:
                found.examples.append(f"{logger}: {lines[0][:160]} … {lines[-1][:200]}")
        if header is not None:
            logger, lines = header.group(1), [header.group(2)]
    return found
