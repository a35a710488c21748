"""Group commit with a single writer thread: every numbered write of this process, many in one transaction.

Services call `submit` with a command and get a future that resolves after the commit.
"""

from conversations.journal.commands import (
    Accepted,
    Advanced,
    Changed,
    DeleteCommand,
    DraftCommand,
    Drafted,
    EditCommand,
    Hidden,
    HideCommand,
    ReactionCommand,
    ReceiptCommand,
    SendCommand,
)
from conversations.journal.restore import begin_epoch, current_epoch, last_write, renew_epoch_if_restored
from conversations.journal.writer import submit

__all__ = [
    "Accepted",
    "Advanced",
    "Changed",
    "DeleteCommand",
    "DraftCommand",
    "Drafted",
    "EditCommand",
    "Hidden",
    "HideCommand",
    "ReactionCommand",
    "ReceiptCommand",
    "SendCommand",
    "begin_epoch",
    "current_epoch",
    "last_write",
    "renew_epoch_if_restored",
    "submit",
]
