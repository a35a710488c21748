"""Frames from the browser, and the one decoder that lets them in.

Strict: what is not in the dictionary does not get further than this room.
"""

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
"""Floors of a frame that are looked through for text. No command has more than two."""


class BadFrame(Exception):
    """A frame that is not one of ours. `ref` and `id` are given back when they could be read."""

    def __init__(self, code: ErrorCode, *, ref: str | None = None, message_id: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.ref = ref
        self.message_id = message_id


def canonical_uuid(value: object) -> UUID:
    """Only the usual form with hyphens. Python's UUID would also take `urn:`, underscores, `0x` and digits of other scripts."""
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


class MessageSend(Command):
    type: Literal["message.send"]
    room: Room
    id: MessageId
    body: str
    reply_to: Seq | None = None
    attachments: Annotated[list[str], Field(max_length=10, default_factory=list)]


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
    def few_rooms(self) -> Self:
        """Each room named is a page to read, whichever of the two names it."""
        if len(self.rooms.keys() | self.marks.keys()) > SYNC_ROOMS:
            raise ValueError("too many rooms")
        return self


class Ping(Command):
    type: Literal["ping"]
    visible: bool = False


COMMANDS: dict[str, type[Command]] = {
    "message.send": MessageSend,
    "receipt.set": ReceiptSet,
    "room.open": RoomOpen,
    "room.close": RoomClose,
    "typing.set": TypingSet,
    "sync": Sync,
    "ping": Ping,
}


def decode(text: str) -> Command:
    """Read one frame.

    Raises:
        BadFrame: bad_frame for anything but one JSON object of a known shape (duplicate keys, NaN and Infinity included),
            unknown_type for an unknown `type`, invalid_text for NUL or a lone surrogate in any string.
    """
    try:
        frame = DECODER.decode(text)
    except (ValueError, RecursionError):
        raise BadFrame(ErrorCode.BAD_FRAME) from None
    if not isinstance(frame, dict):
        raise BadFrame(ErrorCode.BAD_FRAME)
    # JSON carries NUL and lone surrogates only escaped or, the latter, as what they are: in most frames there is nothing to look for.
    if ("\\u" in text or not text.isascii()) and not all(is_storable(part) for part in texts_in(frame)):
        raise bad_frame(frame, ErrorCode.INVALID_TEXT)
    return from_object(frame)


def from_object(frame: dict[str, Any]) -> Command:
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


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


NAMED_REF = re.compile(r'(?<!\\)"ref"\s*:\s*"([^"\\]{0,64})"')
NAMED_ID = re.compile(r'(?<!\\)"id"\s*:\s*"([0-9A-Fa-f-]{32,36})"')

# Made once: `json.loads` with hooks makes a new one for each text.
DECODER = json.JSONDecoder(object_pairs_hook=without_duplicates, parse_constant=refuse_constant)


def texts_in(value: Any) -> Iterable[str]:
    """Every string of a frame, keys included, down to MAX_DEPTH; what lies deeper fits no model.

    Without recursion: a frame nested a thousand deep would end the interpreter's patience, or pass each string up through every floor.
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


def named_in(text: str) -> tuple[str | None, str | None]:
    """`ref` and `id` of a frame that is too large to be read, as far as they stand there plainly.

    Inside a JSON string every quotation mark is escaped, so a message that contains such words is not taken for them.
    """
    ref, message_id = NAMED_REF.search(text), NAMED_ID.search(text)
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
