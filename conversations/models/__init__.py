"""Models: tables and their constraints, each with its queryset. pyproject.toml lists who may import them."""

from conversations.models.attachment import Attachment, FileKind, StoredFile, Upload
from conversations.models.beat import Beat
from conversations.models.block import Block
from conversations.models.conversation import Conversation, Participant
from conversations.models.epoch import Epoch
from conversations.models.invite import Invite, PendingInvite
from conversations.models.message import HiddenMessage, Message
from conversations.models.search import SearchProgress, SearchRow

__all__ = [
    "Attachment",
    "Beat",
    "Block",
    "Conversation",
    "Epoch",
    "FileKind",
    "HiddenMessage",
    "Invite",
    "Message",
    "Participant",
    "PendingInvite",
    "SearchProgress",
    "SearchRow",
    "StoredFile",
    "Upload",
]
