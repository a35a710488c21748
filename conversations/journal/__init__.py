"""The one pen: every numbered write of this process goes through here, many in one transaction.

Entered by services only. `submit` takes a command and gives a future that resolves after the commit.
"""

from conversations.journal.commands import Accepted, Advanced, ReceiptCommand, SendCommand
from conversations.journal.restore import begin_epoch, current_epoch, last_write, look_back
from conversations.journal.writer import submit

__all__ = [
    "Accepted",
    "Advanced",
    "ReceiptCommand",
    "SendCommand",
    "begin_epoch",
    "current_epoch",
    "last_write",
    "look_back",
    "submit",
]
