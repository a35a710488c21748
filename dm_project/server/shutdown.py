"""Graceful shutdown: its state, and what must finish before exit.

`/readyz` reads the state from any thread. `server.daphne` begins the shutdown, which is final; the worker
process (`dm_project.worker`) ends by the same functions.
"""

import os
import threading

FORCED_EXIT_SECONDS = 9.5

_begun = threading.Event()


def begin() -> None:
    _begun.set()


def is_begun() -> bool:
    return _begun.is_set()


def schedule_forced_exit() -> None:
    """Python waits for its threads without a timeout; a request that hangs in one must not block the exit."""
    timer = threading.Timer(FORCED_EXIT_SECONDS, os._exit, [0])
    timer.daemon = True
    timer.start()


# Imported late: the server is loaded before Django is.


async def close_sockets() -> None:
    """Tell every socket of this process that it restarts, each with its own delay before the reconnect."""
    from conversations.consumers.registry import connection_registry

    await connection_registry.close_all()


def has_sockets() -> bool:
    from conversations.consumers.registry import connection_registry

    return bool(connection_registry.sockets)


def flush_journal(seconds: float) -> bool:
    """Wait until the journal has written its queue. False when it could not within this time."""
    from conversations.journal.writer import writer

    return writer.finish(seconds)


def stop_jobs() -> None:
    """Begin no more jobs. Returns at once."""
    from conversations.jobs.engine import engine

    engine.stop()


def finish_jobs(seconds: float) -> bool:
    """Wait until the running jobs have ended. False when they have not within this time."""
    from conversations.jobs.engine import engine

    return engine.finish(seconds)


def release_jobs() -> None:
    """Give back the jobs that still run. The last step: it may wait for the database."""
    from conversations.jobs.engine import engine

    engine.release()
