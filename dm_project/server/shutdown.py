"""Graceful shutdown: its state, and what must finish before exit.

`/readyz` reads the state from any thread. `server.daphne` begins the shutdown, which is final.
"""

import threading

_begun = threading.Event()


def begin() -> None:
    _begun.set()


def is_begun() -> bool:
    return _begun.is_set()


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
