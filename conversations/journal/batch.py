"""Group commit: one transaction for many commands. Lock, look up, judge and number in Python, write, commit.

Every command is judged on the locked rows: a judgement made before the queue would race.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import Error, transaction

from conversations.db.errors import current_connection, is_connection_dead
from conversations.delivery import Push
from conversations.exceptions import ConversationLocked, Refusal, Unauthenticated
from conversations.journal.commands import Command, Outcome
from conversations.journal.unit_of_work import UnitOfWork

LOCKED_RETRY_MS = 1_000


class InDoubt(Exception):
    """The whole batch is stored, or nothing of it: the connection ended during the commit."""


def write(
    commands: Sequence[Command[Any]], *, skip_locked: bool = False
) -> tuple[list[Outcome[Any]], list[Push]]:
    """Write all commands in one transaction.

    Args:
        skip_locked: do not wait for conversations that another transaction holds; their commands end with
            ConversationLocked.

    Returns: An outcome for each command, in their order, and what to push now that the commit has happened.

    Raises: django.db.Error: nothing of the batch was stored.
        InDoubt: the connection ended while the database was asked to commit.
    """
    committing: Any = None
    try:
        with transaction.atomic():
            unit = UnitOfWork.load((command.room for command in commands), skip_locked=skip_locked)
            for command in commands:
                command.prepare(unit)
            unit.look_up({command.credential for command in commands if command.credential is not None})
            outcomes = [judge(unit, command) for command in commands]
            unit.flush()
            committing = current_connection()
    except Error:
        if is_connection_dead(committing):
            raise InDoubt from None
        raise
    return outcomes, unit.pushes


def judge(unit: UnitOfWork, command: Command[Any]) -> Outcome[Any]:
    """A refused command never fails its neighbours."""
    try:
        # The session was revoked while this command was on its way (P9).
        if command.credential in unit.revoked:
            raise Unauthenticated
        if command.room in unit.locked:
            raise ConversationLocked(retry_after_ms=LOCKED_RETRY_MS)
        return command.apply(unit)
    except Refusal as refusal:
        return Outcome(refusal)
