"""Edits, deletions and reactions: what clients asked for, and what must be stored in the end. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    INVOKED = "invoked"
    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    EDIT = "edit"
    DELETE = "deletion"
    REACT = "reaction"


EMPTY = hash("")
"""The digest of the text of a deleted message."""


@dataclass(frozen=True, slots=True)
class State:
    """A message after its change `version`. `digest` stands for its body; `reactions` are (emoji, user)."""

    version: int
    digest: int
    reactions: tuple[tuple[str, str], ...] = ()
    is_deleted: bool = False

    @property
    def is_erased(self) -> bool:
        return self.digest == EMPTY and not self.reactions


@dataclass(slots=True)
class Change:
    """One command. `value` is the digest of the new text, or the emoji; `on` is that of a reaction.
    `person` is the public id. `version`: that of the message in the answer, when it was as this command
    wants it."""

    kind: Kind
    room: str
    seq: int
    person: str
    value: int | str = ""
    on: bool = True
    outcome: Outcome = Outcome.INVOKED
    version: int = 0
    tries: int = 0
    is_excused: bool = False
    """Acknowledged before an older backup was restored."""

    @property
    def is_open(self) -> bool:
        """It may have been carried out or not."""
        return self.outcome in {Outcome.INVOKED, Outcome.UNKNOWN}

    @property
    def spare_numbers(self) -> int:
        """How many numbers it may have taken that no answer named."""
        if self.is_excused:
            return self.tries + 1
        return self.tries - (self.outcome is Outcome.OK)


def state_of(item: dict[str, Any]) -> State:
    """Of a wire object."""
    reactions = tuple((each["emoji"], user) for each in item["reactions"] for user in each["users"])
    return State(item["version"], hash(item["body"]), reactions, item["deleted_at"] is not None)


def mistakes(state: State, sent: int, changes: Iterable[Change]) -> list[tuple[str, str]]:
    """(column, what is wrong) of one stored message.

    Args:
        sent: the digest of its first text.
        changes: all commands for it.
    """
    asked = list(changes)
    if any(change.is_excused for change in asked):
        return []
    done = sorted((each for each in asked if each.outcome is Outcome.OK), key=lambda each: each.version)
    found = []
    if done and state.version < done[-1].version:
        found.append(("lost", f"is at {state.version}, and a {done[-1].kind} was acknowledged as later"))
    deletions = [each for each in asked if each.kind is Kind.DELETE]
    if state.is_deleted:
        if not state.is_erased:
            found.append(("phantom", "is deleted and has a text or reactions"))
        if all(each.outcome is Outcome.REFUSED for each in deletions):
            found.append(("phantom", "is deleted, which no command may have done"))
        return found
    if any(each.outcome is Outcome.OK for each in deletions):
        found.append(("lost", "is not deleted, and its deletion was acknowledged"))
    found += wrong_text(state, sent, [each for each in asked if each.kind is Kind.EDIT])
    reactions = [each for each in asked if each.kind is Kind.REACT]
    for person in sorted({each.person for each in reactions} | {user for _, user in state.reactions}):
        found += wrong_reaction(state, person, [each for each in reactions if each.person == person])
    return found


def wrong_text(state: State, sent: int, edits: list[Change]) -> list[tuple[str, str]]:
    done = [each for each in edits if each.outcome is Outcome.OK]
    expected = max(done, key=lambda each: each.version).value if done else sent
    if state.digest in {expected, *(each.value for each in edits if each.is_open)}:
        return []
    if done and state.digest in {sent, *(each.value for each in done)}:
        return [("lost", "has an earlier text than that of an acknowledged edit")]
    return [("phantom", "has another text")]


def wrong_reaction(state: State, person: str, commands: list[Change]) -> list[tuple[str, str]]:
    """One reaction a person: the newest that was set and not taken back."""
    shown = [emoji for emoji, user in state.reactions if user == person]
    if len(shown) > 1:
        return [("duplicate", f"has two reactions of {person}")]
    done = [each for each in commands if each.outcome is Outcome.OK]
    newest = max((each for each in done if each.on), key=lambda each: each.version, default=None)
    is_off = newest is not None and any(
        not each.on and each.value == newest.value and each.version > newest.version for each in done
    )
    expected = [newest.value] if newest is not None and not is_off else []
    possible = [[each.value] if each.on else [] for each in commands if each.is_open]
    if shown in [expected, *possible]:
        return []
    return [("lost" if expected else "phantom", f"has the reactions {shown} of {person}, not {expected}")]
