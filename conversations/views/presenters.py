"""View models for templates: flags and texts are decided here, so that templates contain no logic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from conversations import serializers
from conversations.protocol.markup import plain_text
from conversations.selectors.conversations import ConversationRow
from conversations.views.file_views import FileView, file_views, layout_of, summary_of, summary_of_all

if TYPE_CHECKING:
    from conversations.models import Message

GROUP_SPAN = timedelta(minutes=5)
FOLDED_FROM_LINES = 24
LINE_CHARS = 60
PREVIEWED_CHARS = 1_000
FILE_ICONS = {"picture": "image", "video": "video", "voice": "mic", "file": "file-text"}


@dataclass(frozen=True, slots=True)
class QuoteView:
    """What a reply shows of the message it answers."""

    seq: int
    who: str
    text: str
    deleted: bool
    icon: str = ""
    thumb_url: str = ""


@dataclass(frozen=True, slots=True)
class ReactionView:
    """One emoji under a message, and who chose it."""

    emoji: str
    names: str
    count: int
    mine: bool


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as the viewer sees it. `first` and `last` delimit a group; the first message of a day has
    `day`."""

    seq: int
    version: int
    id: str
    is_own: bool
    who: str
    body: str
    kind: str
    created_at: datetime
    edited: bool
    deleted: bool
    status: str
    menu_url: str = ""
    hidden: bool = False
    long: bool = False
    first: bool = True
    last: bool = True
    day: date | None = None
    quote: QuoteView | None = None
    reactions: Sequence[ReactionView] = ()
    files: Sequence[FileView] = ()
    layout: str = ""
    grid: int = 0

    @property
    def icon(self) -> str:
        """What the list of chats shows before the preview: of which kind the files are."""
        return FILE_ICONS.get(self.files[0].kind, "") if self.files and not self.deleted else ""

    @property
    def preview(self) -> str:
        """The beginning of the text, without the signs of its markup; of a message without one, its file."""
        if not self.body and self.files:
            return summary_of_all(self.files)
        # A corrupt row may hold bytes on SQLite.
        body: object = self.body
        return plain_text(body[:PREVIEWED_CHARS]) if isinstance(body, str) else ""


@dataclass(frozen=True, slots=True)
class ConversationView:
    """One conversation as the viewer's list and header show it."""

    room: str
    url: str
    peer: User
    unread: int
    last: MessageView | None
    activity: datetime | None
    muted: bool
    pinned: bool
    state: str
    can_write: bool
    closed_by_me: bool
    origin: str
    created_at: datetime
    is_current: bool = False


def status_of(message: Message, row: ConversationRow) -> str:
    if message.sender_id != row.me.user_id:
        return ""
    if message.seq <= row.peer_participant.shown_read:
        return "read"
    return "delivered" if message.seq <= row.peer_participant.shown_delivered else "sent"


def message_view(message: Message, row: ConversationRow, viewer: User, **grouping: Any) -> MessageView:
    is_own = message.sender_id == viewer.id
    files = file_views(message)
    layout, grid = layout_of(files)
    return MessageView(
        seq=message.seq,
        version=message.version,
        id=str(message.client_id),
        is_own=is_own,
        who=_("You") if is_own else row.peer.name,
        body=message.body,
        kind=message.kind,
        created_at=message.created_at,
        edited=message.edited_at is not None,
        deleted=message.deleted_at is not None or message.deleted_for_me,
        status=status_of(message, row),
        menu_url=""
        if message.deleted_for_me
        else reverse("message_menu", args=[row.conversation.room_name, message.seq]),
        long=message.deleted_at is None and is_long(message.body),
        quote=quote_view(message, row, viewer),
        hidden=message.deleted_for_me,
        reactions=reaction_views(message, row, viewer),
        files=files,
        layout=layout,
        grid=grid,
        **grouping,
    )


def reaction_views(message: Message, row: ConversationRow, viewer: User) -> list[ReactionView]:
    """None of a corrupt row: the page still shows the messages around it (F30)."""
    names = {viewer.public_id: _("You"), row.peer.public_id: row.peer.name}
    try:
        return [
            ReactionView(
                emoji=reaction["emoji"],
                names=", ".join(names.get(user, "") for user in reaction["users"]),
                count=len(reaction["users"]),
                mine=viewer.public_id in reaction["users"],
            )
            for reaction in message.reactions
        ]
    except (KeyError, TypeError):
        return []


def quote_view(message: Message, row: ConversationRow, viewer: User) -> QuoteView | None:
    reply = message.reply
    if reply is None:
        return None
    who = _("You") if reply.sender == viewer.public_id else row.peer.name
    text = plain_text(reply.excerpt) or summary_of(reply.attached)
    icon = "" if reply.deleted else FILE_ICONS.get(reply.attached or "", "")
    thumb_url = "" if reply.deleted or not reply.picture else reverse("file_thumb", args=[reply.picture])
    return QuoteView(reply.seq, who, text, reply.deleted, icon, thumb_url)


def message_views(messages: Sequence[Message], row: ConversationRow, viewer: User) -> list[MessageView]:
    """Groups the messages of one sender within five minutes and one day (docs/interface.md H10), and marks
    new days."""
    views = []
    for index, message in enumerate(messages):
        earlier = messages[index - 1] if index else None
        later = messages[index + 1] if index + 1 < len(messages) else None
        day = timezone.localdate(message.created_at)
        is_new_day = earlier is None or timezone.localdate(earlier.created_at) != day
        views.append(
            message_view(
                message,
                row,
                viewer,
                first=not is_group(earlier, message),
                last=not is_group(message, later),
                day=day if is_new_day else None,
            )
        )
    return views


def is_long(body: str | bytes) -> bool:
    """Estimates whether the body needs folding, without layout. Same rule as static/js/lib/body.js."""
    # A corrupt row may hold bytes on SQLite; the page still shows the messages around it.
    lines = body.split("\n") if isinstance(body, str) else ()
    return sum(max(1, -(-len(line) // LINE_CHARS)) for line in lines) > FOLDED_FROM_LINES


def is_group(earlier: Message | None, later: Message | None) -> bool:
    if earlier is None or later is None or earlier.sender_id != later.sender_id:
        return False
    is_same_day = timezone.localdate(earlier.created_at) == timezone.localdate(later.created_at)
    return is_same_day and later.created_at - earlier.created_at < GROUP_SPAN


def conversation_view(row: ConversationRow, viewer: User, *, current: str | None = None) -> ConversationView:
    conversation = row.conversation
    return ConversationView(
        room=conversation.room_name,
        url=reverse("conversation", args=[conversation.room_name]),
        peer=row.peer,
        unread=row.me.unread,
        last=None if row.last is None else message_view(row.last, row, viewer),
        activity=row.me.activity,
        muted=row.me.muted_until is not None and row.me.muted_until > timezone.now(),
        pinned=row.me.pinned_at is not None,
        state=conversation.state,
        can_write=serializers.can_send(conversation, row.peer),
        closed_by_me=conversation.low_blocks
        if viewer.id == conversation.low_id
        else conversation.high_blocks,
        origin=conversation.origin,
        created_at=conversation.created_at,
        is_current=conversation.room_name == current,
    )
