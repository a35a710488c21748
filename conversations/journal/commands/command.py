"""What the journal requires of a command, and what a command returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from uuid import UUID

from accounts.session_validity import Credential
from conversations.exceptions import Refusal

if TYPE_CHECKING:
    from conversations.journal.restore import Write
    from conversations.journal.unit_of_work import UnitOfWork

CommandId = UUID | tuple[str, str, int]
R_co = TypeVar("R_co", covariant=True)


@dataclass(slots=True)
class Outcome(Generic[R_co]):
    """How one command ended."""

    result: R_co | Refusal
    write: Write | None = None
    """The message that the command stored, for noticing later that the database went back; None if it stored
    none."""
    after_commit: Callable[[], object] | None = None
    """Work that needs the commit behind it. The writer thread runs it; see `writer.Writer.answer`."""


class Command(Protocol[R_co]):
    """One numbered write.

    `id` is what a repeat has in common with the first try: the client's UUID, or the kind of change and the
    message. None for a command whose repeat needs no answer about the first. `credential` is what a
    long-lived socket logged in with, judged with the command. HTTP requests are checked on arrival.
    """

    @property
    def room(self) -> str: ...

    @property
    def id(self) -> CommandId | None: ...

    @property
    def credential(self) -> Credential | None: ...

    def prepare(self, unit: UnitOfWork) -> None:
        """Request what `apply` will look up. The conversations and participants are loaded and locked
        already."""

    def apply(self, unit: UnitOfWork) -> Outcome[R_co]:
        """Judge the command on the locked rows and record what to write.

        Raises:
            Refusal: judged before anything is changed, so that a refused command never fails its neighbours.
        """
        ...
