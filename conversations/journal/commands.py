"""What the pen is asked to write, and what it answers.

A `credential` is what a long-lived socket came in with; whether it is still good is judged with the command. Other doors ask at each request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.session_validity import Credential
from conversations.protocol.objects import Message


@dataclass(frozen=True, slots=True)
class SendCommand:
    """One message. `sender` is the public id; `body` is already clean."""

    room: str
    user_id: int
    sender: str
    id: UUID
    body: str
    reply_to: int | None = None
    attachments: tuple[str, ...] = ()
    credential: Credential | None = None


@dataclass(frozen=True, slots=True)
class ReceiptCommand:
    """How far this person has come; either position may be left out. Positions are absolute, clamped to the head, and only grow."""

    room: str
    user_id: int
    reader: str
    delivered: int | None = None
    read: int | None = None
    credential: Credential | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message is stored. `revealed_to` is the person in whose list the conversation appears with it, if there is one."""

    room: str
    id: UUID
    seq: int
    version: int
    created_at: datetime
    duplicate: bool
    revealed_to: int | None = None
    message: Message | None = None
    """As it stands on the wire, so that nobody must ask for it. None for a repeat of what was changed since."""
    first_meeting: bool = False
    """With this message both have written."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """My positions after a receipt."""

    room: str
    delivered: int
    read: int
    read_count: int
    mark: int


Command = SendCommand | ReceiptCommand
Result = Accepted | Advanced
