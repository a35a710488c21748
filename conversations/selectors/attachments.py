"""Queries about files of messages: one that may be served to a user, and those of a chat."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from accounts.cursors import cursor_read, cursor_write
from accounts.models import User
from conversations.access import Membership
from conversations.exceptions import AttachmentNotFound
from conversations.models import Attachment, Conversation, HiddenMessage, Message, StoredFile, Upload

PAGE = 60


@dataclass(frozen=True, slots=True)
class Shared:
    """A file of a chat, and the message that it is in."""

    attachment: Attachment
    message: Message


@dataclass(frozen=True, slots=True)
class SharedPage:
    items: Sequence[Shared]
    next: str | None


def visible_to(user_id: int) -> QuerySet[Attachment]:
    """Attachments of messages that this user sees at this moment: theirs, not deleted, hidden or cleared."""
    hidden = HiddenMessage.objects.filter(
        conversation_id=OuterRef("conversation_id"), seq=OuterRef("seq"), user_id=user_id
    )
    return Attachment.objects.filter(
        ~Exists(hidden),
        conversation__participants__user_id=user_id,
        conversation__participants__user__is_active=True,
        conversation__participants__activity__isnull=False,
        conversation__participants__cleared_seq__lt=F("seq"),
    )


def file_for(user: User | AnonymousUser, id: UUID) -> StoredFile:
    """The file of one attachment, judged by the state of this moment. One statement.

    Raises:
        AttachmentNotFound: unknown, not yours, deleted, hidden, or not yet accepted; the answer does not tell
            which.
    """
    if not user.is_authenticated or user.pk is None:
        raise AttachmentNotFound
    # A request shows text only, until it is accepted (T38).
    open_chats = ~Q(conversation__state=Conversation.State.REQUEST)
    found = visible_to(user.pk).filter(open_chats, pk=id).select_related("stored_file").first()
    if found is None:
        raise AttachmentNotFound
    return found.stored_file


def attachment_page(
    *, membership: Membership, kinds: Collection[str] = (), cursor: str | None = None
) -> SharedPage:
    """Files of a chat, of these kinds or of all, the newest first, those of one message in their order. Two
    statements.

    Raises:
        BadCursor: the cursor is not one of ours.
    """
    me = membership.me
    rows = visible_to(me.user_id).filter(conversation_id=membership.conversation.id)
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if cursor:
        seq, position = cursor_read(cursor, name="attachments", user_id=me.user_id)
        rows = rows.filter(Q(seq__lt=seq) | Q(seq=seq, position__gt=position))
    found = list(rows.select_related("stored_file").order_by("-seq", "position")[: PAGE + 1])
    kept = found[:PAGE]
    messages = {
        message.seq: message
        for message in Message.objects.filter(
            conversation_id=membership.conversation.id, seq__in={each.seq for each in kept}
        )
    }
    following = None
    if len(found) > PAGE:
        place = [kept[-1].seq, kept[-1].position]
        following = cursor_write(place, name="attachments", user_id=me.user_id)
    return SharedPage([Shared(each, messages[each.seq]) for each in kept if each.seq in messages], following)


def space_taken(user_id: int) -> int:
    """Bytes that count for this user: stored with their variants, and announced."""
    stored = StoredFile.objects.filter(uploader_id=user_id).aggregate(sum=Sum("occupied"))["sum"] or 0
    unfinished = Upload.objects.filter(uploader_id=user_id, stored_file=None)
    return int(stored + (unfinished.aggregate(sum=Sum("size"))["sum"] or 0))
