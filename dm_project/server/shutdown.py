"""Whether this process is about to end, and what of the conversations must be done before it does.

Asked by `/readyz` from any thread; begun by `front` once, never taken back.
"""

import threading

_begun = threading.Event()


def begin() -> None:
    _begun.set()


def is_begun() -> bool:
    return _begun.is_set()


# Imported late: the server is loaded before Django is.


async def dismiss_sockets() -> None:
    """Tell every socket of this process that it restarts, each with a moment of its own to come back."""
    from conversations.consumers.registry import fleet

    await fleet.dismiss()


def has_sockets() -> bool:
    from conversations.consumers.registry import fleet

    return bool(fleet.sockets)


def finish_writing(seconds: float) -> bool:
    """Wait for what the journal has been given. False when it could not be written in time."""
    from conversations.journal.writer import writer

    return writer.finish(seconds)
