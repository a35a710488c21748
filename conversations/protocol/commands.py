"""Commands: frames from the client, and their only decoder. It rejects unknown types and fields."""

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, NoReturn, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from conversations.protocol.codes import ErrorCode
from conversations.protocol.text import is_storable

REF_CHARS = 64
SYNC_ROOMS = 100
LARGEST_NUMBER = 2**63 - 1
UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MAX_DEPTH = 4
"""Levels of nesting that are searched for strings. No command has more than two."""


class BadFrame(Exception):
    """The frame is no valid command. `ref` and `id` are echoed in the error if they could be read."""

    def __init__(self, code: ErrorCode, *, ref: str | None = None, message_id: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.ref = ref
        self.message_id = message_id


def canonical_uuid(value: object) -> UUID:
    """Only the canonical form with hyphens. Python's UUID also accepts `urn:`, underscores, `0x` and digits
    of other scripts."""
    if not isinstance(value, str) or not UUID_PATTERN.fullmatch(value):
        raise ValueError("an id is a UUID with hyphens")
    return UUID(value)


Number = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
Seq = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
Room = Annotated[str, Field(min_length=1, max_length=100)]
MessageId = Annotated[UUID, BeforeValidator(canonical_uuid)]


class Command(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type: str
    ref: Annotated[str, Field(max_length=REF_CHARS)] | None = None


class Forward(BaseModel):
    """The message that a send copies."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    room: Room
    seq: Seq


class MessageSend(Command):
    """Either a text of one's own, or, with `forward`, the copy of another message."""

    type: Literal["message.send"]
    room: Room
    id: MessageId
    body: str | None = None
    reply_to: Seq | None = None
    attachments: Annotated[list[str], Field(max_length=10, default_factory=list)]
    forward: Forward | None = None

    @model_validator(mode="after")
    def require_one_content(self) -> Self:
        if self.forward is None and self.body is None:
            raise ValueError("a message needs a body")
        if self.forward is not None and (self.body or self.reply_to is not None or self.attachments):
            raise ValueError("a forwarded message has no content of its own")
        return self


class MessageEdit(Command):
    type: Literal["message.edit"]
    room: Room
    seq: Seq
    body: str
    version: Seq | None = None


class MessageDelete(Command):
    type: Literal["message.delete"]
    room: Room
    seq: Seq
    scope: Literal["everyone", "me"]


class ReactionSet(Command):
    type: Literal["reaction.set"]
    room: Room
    seq: Seq
    emoji: str
    on: bool


class DraftSet(Command):
    type: Literal["draft.set"]
    room: Room
    body: str


class ReceiptSet(Command):
    type: Literal["receipt.set"]
    room: Room
    delivered: Number | None = None
    read: Number | None = None


class RoomOpen(Command):
    type: Literal["room.open"]
    room: Room


class RoomClose(Command):
    type: Literal["room.close"]
    room: Room


class TypingSet(Command):
    type: Literal["typing.set"]
    room: Room
    on: bool


class Sync(Command):
    type: Literal["sync"]
    rooms: Annotated[dict[Room, Number], Field(max_length=SYNC_ROOMS, default_factory=dict)]
    marks: Annotated[dict[Room, Number], Field(max_length=SYNC_ROOMS, default_factory=dict)]

    @model_validator(mode="after")
    def limit_rooms(self) -> Self:
        """Each room costs a page to read, whether `rooms` or `marks` names it."""
        if len(self.rooms.keys() | self.marks.keys()) > SYNC_ROOMS:
            raise ValueError("too many rooms")
        return self


class Ping(Command):
    type: Literal["ping"]
    visible: bool = False


COMMANDS: dict[str, type[Command]] = {
    "message.send": MessageSend,
    "message.edit": MessageEdit,
    "message.delete": MessageDelete,
    "reaction.set": ReactionSet,
    "draft.set": DraftSet,
    "receipt.set": ReceiptSet,
    "room.open": RoomOpen,
    "room.close": RoomClose,
    "typing.set": TypingSet,
    "sync": Sync,
    "ping": Ping,
}


def decode(text: str) -> Command:
    """Decode one frame.

    Raises:
        BadFrame: bad_frame for anything but one JSON object of a known shape (so, too, for duplicate keys,
            NaN and Infinity), unknown_type for an unknown `type`, invalid_text for NUL or a lone surrogate in
            any string.
    """
    try:
        frame = DECODER.decode(text)
    except (ValueError, RecursionError):
        raise BadFrame(ErrorCode.BAD_FRAME) from None
    if not isinstance(frame, dict):
        raise BadFrame(ErrorCode.BAD_FRAME)
    # JSON carries NUL only escaped, lone surrogates escaped or as non-ASCII: most frames need no search.
    if ("\\u" in text or not text.isascii()) and not all(is_storable(part) for part in strings_in(frame)):
        raise bad_frame(frame, ErrorCode.INVALID_TEXT)
    return decode_object(frame)


def decode_object(frame: dict[str, Any]) -> Command:
    kind = frame.get("type")
    if not isinstance(kind, str):
        raise bad_frame(frame, ErrorCode.BAD_FRAME)
    model = COMMANDS.get(kind)
    if model is None:
        raise bad_frame(frame, ErrorCode.UNKNOWN_TYPE)
    try:
        return model.model_validate(frame)
    except ValidationError:
        raise bad_frame(frame, ErrorCode.BAD_FRAME) from None


def bad_frame(frame: dict[str, Any], code: ErrorCode) -> BadFrame:
    return BadFrame(code, ref=readable_ref(frame), message_id=readable_id(frame))


def reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


REF_PATTERN = re.compile(r'(?<!\\)"ref"\s*:\s*"([^"\\]{0,64})"')
ID_PATTERN = re.compile(r'(?<!\\)"id"\s*:\s*"([0-9A-Fa-f-]{32,36})"')

# Built once: `json.loads` with hooks builds a decoder for each call.
DECODER = json.JSONDecoder(object_pairs_hook=reject_duplicate_keys, parse_constant=reject_constant)


def strings_in(value: Any) -> Iterable[str]:
    """Every string of a frame, keys included, down to MAX_DEPTH; anything deeper fits no model.

    Iterative: a frame nested a thousand levels deep would exceed the recursion limit, or pass each string up
    through every level.
    """
    waiting = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, str):
            yield item
        elif depth < MAX_DEPTH and isinstance(item, dict):
            yield from item
            waiting += [(inner, depth + 1) for inner in item.values()]
        elif depth < MAX_DEPTH and isinstance(item, list):
            waiting += [(inner, depth + 1) for inner in item]


def peek_ids(text: str) -> tuple[str | None, str | None]:
    """`ref` and `id` of a frame that is too large to be parsed, found by pattern.

    Quotation marks inside a JSON string are escaped, so a body that quotes such a key does not match.
    """
    ref, message_id = REF_PATTERN.search(text), ID_PATTERN.search(text)
    return readable_ref({"ref": ref[1]} if ref else {}), readable_id(
        {"id": message_id[1]} if message_id else {}
    )


def readable_ref(frame: dict[str, Any]) -> str | None:
    ref = frame.get("ref")
    return ref if isinstance(ref, str) and len(ref) <= REF_CHARS and is_storable(ref) else None


def readable_id(frame: dict[str, Any]) -> str | None:
    try:
        return str(canonical_uuid(frame.get("id")))
    except ValueError:
        return None
