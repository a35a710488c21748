"""View models of the files of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.urls import reverse
from django.utils.translation import gettext as _
from pydantic import ValidationError

from conversations.protocol.objects import Attachment

if TYPE_CHECKING:
    from conversations.models import Message


@dataclass(frozen=True, slots=True)
class FileView:
    """One file of a message. Addresses that do not apply are empty."""

    kind: str
    name: str
    size: int
    url: str
    thumb_url: str = ""
    display_url: str = ""
    media_url: str = ""
    width: int | None = None
    height: int | None = None

    @property
    def summary(self) -> str:
        """What the list of chats shows of a message without a text."""
        return self.name if self.kind == "file" else summary_of(self.kind)


def summary_of(kind: str | None) -> str:
    """A message without a text, in a word."""
    words = {"picture": _("Photo"), "video": _("Video"), "voice": _("Voice message"), "file": _("File")}
    return words.get(kind or "", "")


def file_views(message: Message) -> Sequence[FileView]:
    """None of a corrupt row: the page still shows the messages around it (docs/threats.md F30)."""
    try:
        return [file_view(Attachment(**each)) for each in message.attachments or ()]
    except (ValidationError, TypeError):
        return ()


def file_view(file: Attachment) -> FileView:
    is_picture = file.kind == "picture"
    return FileView(
        kind=file.kind,
        name=file.name,
        size=file.size,
        url=f"/files/{file.id}/{quote(file.name, safe='')}",
        thumb_url=reverse("file_thumb", args=[file.id]) if is_picture else "",
        display_url=reverse("file_display", args=[file.id]) if is_picture else "",
        media_url=reverse("file_media", args=[file.id]) if file.kind in {"voice", "video"} else "",
        width=file.width,
        height=file.height,
    )
