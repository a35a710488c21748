"""Commands of the journal, one module each: what it loads, its judgement on locked rows, what it writes."""

from conversations.journal.commands.command import Command, CommandId, Outcome
from conversations.journal.commands.delete import DeleteCommand, Hidden, HideCommand
from conversations.journal.commands.draft import DraftCommand, Drafted
from conversations.journal.commands.edit import Changed, EditCommand
from conversations.journal.commands.react import ReactionCommand
from conversations.journal.commands.receipt import Advanced, ReceiptCommand
from conversations.journal.commands.send import Accepted, SendCommand

__all__ = [
    "Accepted",
    "Advanced",
    "Changed",
    "Command",
    "CommandId",
    "DeleteCommand",
    "DraftCommand",
    "Drafted",
    "EditCommand",
    "Hidden",
    "HideCommand",
    "Outcome",
    "ReactionCommand",
    "ReceiptCommand",
    "SendCommand",
]
