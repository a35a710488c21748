"""Wire objects: what frames and API responses are composed of (docs/protocol.md 5 and 7)."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


@lru_cache(maxsize=1024)
def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, the only time format on the wire. Cached: one batch of writes sends
    the same time to hundreds of sockets."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else instant(moment)


class WireObject(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Card(WireObject):
    """A user as others see them: `id` is opaque; `colour` (1 to 8) and `initials` stand in for a picture."""

    id: str
    username: str
    name: str
    avatar: str | None
    initials: str
    colour: int


class Reaction(WireObject):
    emoji: str
    users: list[str]


def is_none(value: object) -> bool:
    return value is None


class Attachment(WireObject):
    """A file of a message. What does not apply to it is left out."""

    id: str
    kind: Literal["picture", "file", "voice", "video"]
    name: str
    size: int
    type: str
    width: int | None = Field(default=None, exclude_if=is_none)
    height: int | None = Field(default=None, exclude_if=is_none)
    seconds: float | None = Field(default=None, exclude_if=is_none)
    peaks: list[int] | None = Field(default=None, exclude_if=is_none)
    placeholder: str | None = Field(default=None, exclude_if=is_none)
    alt: str | None = Field(default=None, exclude_if=is_none)


class Reply(WireObject):
    """What a reply shows of the message it answers; made when it is read, so that changes reach it."""

    seq: int
    sender: str
    kind: str
    excerpt: str
    deleted: bool
    attached: Literal["picture", "file", "voice", "video"] | None = Field(default=None, exclude_if=is_none)
    picture: str | None = Field(default=None, exclude_if=is_none)


class Message(WireObject):
    seq: int
    version: int
    id: str
    sender: str
    ordinal: int | None
    kind: str
    body: str
    reply_to: int | None
    reply: Reply | None
    attachments: list[Attachment]
    reactions: list[Reaction]
    created_at: str
    edited_at: str | None
    deleted_at: str | None
    deleted_for_me: bool
    expires_at: str | None
    event: dict[str, str] | None


class Conversation(WireObject):
    """A row of the viewer's list: what both participants share, and the viewer's own state."""

    room: str
    peer: Card
    head: int
    mark: int
    unread: int
    received: int
    read: int
    read_count: int
    marked_unread: bool
    peer_read: int
    peer_delivered: int
    last_message: Message | None
    activity: str | None
    state: Literal["open", "request", "closed"]
    requested_by: str | None
    muted_until: str | None
    archived: bool
    pinned: bool
    blocked: bool
    can_send: bool
    draft: str


class Receipt(WireObject):
    user: str
    delivered: int
    read: int


class Invite(WireObject):
    id: str
    url: str | None
    note: str
    created_at: str
    expires_at: str
    state: Literal["open", "used", "expired", "revoked"]
    claimed_by: Card | None
    claimed_at: str | None
