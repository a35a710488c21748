"""Concurrent calls: real threads with their own connections, started together. For tests marked
`transaction=True`."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection


def at_once(turns: Sequence[Callable[[], Any]]) -> tuple[list[Any], list[Exception]]:
    """Run all turns in parallel. Returns their results, and what they raised."""
    results: list[Any] = []
    errors: list[Exception] = []
    start = threading.Barrier(len(turns))

    def run(turn: Callable[[], Any]) -> None:
        try:
            start.wait()
            results.append(turn())
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(turn,)) for turn in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results, errors
