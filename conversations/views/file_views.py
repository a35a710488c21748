"""View models of the files of messages. static/js/state/attachments-shape.js and attachments-words.js do the
same in the browser; tests/golden/files.json holds both to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import ValidationError

from conversations.protocol.objects import Attachment

if TYPE_CHECKING:
    from conversations.models import Message

LONGEST, SHORTEST = 368, 180
"""The longer edge of a picture alone, in points of the page (docs/interface.md T8)."""
TALLEST, WIDEST = 3 / 4, 16 / 9
SHOWN = 4
"""Pictures of one message on the page; the last one says how many follow."""
BAR, WAVE_HEIGHT = 4, 32
FLAT = (8,) * 48
"""The waveform of a voice message without one."""
KILO = 1_000
RISKY = frozenset(
    re.findall(
        r"\w+",
        "apk app appimage bat bin cmd com cpl deb dll dmg docm exe gadget hta img ins iso jar js jse lnk msc"
        " msi msp mst pif pkg ps1 pptm py reg rpm run scf scr sh sys url vb vbe vbs wsf wsh xlsm",
    )
)
"""Endings of files that can run programs."""


@dataclass(frozen=True, slots=True)
class FileView:
    """One file of a message. Addresses that do not apply are empty."""

    id: str
    kind: str
    name: str
    size: int
    url: str
    thumb_url: str = ""
    display_url: str = ""
    media_url: str = ""
    alt: str = ""
    placeholder: str = ""
    seconds: float = 0
    box: tuple[int, int] = (LONGEST, LONGEST)
    wave: str = ""
    wave_width: int = 0
    moves: bool = False
    beyond: int = 0
    """Of the last picture that is shown: how many follow; of these, -1."""

    @property
    def summary(self) -> str:
        """What the list of chats shows of a message without a text."""
        if self.kind == "file":
            return self.name
        if self.kind == "voice" and self.seconds:
            return _("Voice message, %(time)s") % {"time": clock_text(self.seconds)}
        return summary_of(self.kind)

    @property
    def clock(self) -> str:
        return clock_text(self.seconds)

    @property
    def details(self) -> str:
        """Its type, as its name says, and its size."""
        ending = ending_of(self.name)
        return f"{ending.upper()} · {size_text(self.size)}" if ending else size_text(self.size)

    @property
    def is_risky(self) -> bool:
        return is_risky(self.name)

    @property
    def more(self) -> str:
        if self.beyond <= 0:
            return ""
        return ngettext("%(n)s more", "%(n)s more", self.beyond) % {"n": self.beyond}

    @property
    def is_wide(self) -> bool:
        return self.box[0] >= self.box[1]


def summary_of(kind: str | None) -> str:
    """A message without a text, in a word."""
    words = {"picture": _("Photo"), "video": _("Video"), "voice": _("Voice message"), "file": _("File")}
    return words.get(kind or "", "")


def summary_of_all(files: Sequence[FileView]) -> str:
    """Of several pictures, how many."""
    if len(files) > 1 and all(file.kind == "picture" for file in files):
        return ngettext("%(n)s photo", "%(n)s photos", len(files)) % {"n": len(files)}
    return files[0].summary if files else ""


def file_views(message: Message) -> Sequence[FileView]:
    """None of a corrupt row: the page still shows the messages around it (docs/threats.md F30)."""
    try:
        found = [Attachment(**each) for each in message.attachments or ()]
    except (ValidationError, TypeError):
        return ()
    seen = [file for file in found if file.kind in {"picture", "video"}]
    beyond = {file.id: -1 for file in seen[SHOWN:]}
    if beyond:
        beyond[seen[SHOWN - 1].id] = len(beyond)
    return [file_view(file, beyond=beyond.get(file.id, 0)) for file in found]


def file_view(file: Attachment, *, beyond: int = 0) -> FileView:
    is_picture = file.kind == "picture"
    has_still = is_picture or (file.kind == "video" and bool(file.placeholder))
    return FileView(
        id=file.id,
        kind=file.kind,
        name=file.name,
        size=file.size,
        url=f"/files/{file.id}/{quote(file.name, safe='')}",
        thumb_url=reverse("file_thumb", args=[file.id]) if has_still else "",
        display_url=reverse("file_display", args=[file.id]) if is_picture else "",
        media_url=reverse("file_media", args=[file.id]) if file.kind in {"voice", "video"} else "",
        alt=file.alt or "",
        placeholder=file.placeholder or "",
        seconds=file.seconds or 0,
        box=box_of(file.width, file.height),
        wave=wave_path(file.peaks) if file.kind == "voice" else "",
        wave_width=wave_width(file.peaks),
        moves=file.type == "image/gif",
        beyond=beyond,
    )


def layout_of(files: Sequence[FileView]) -> tuple[str, int]:
    """("pictures", "media" or "rows", how many are in the grid): what the style sheet needs to know."""
    seen = [file for file in files if file.kind in {"picture", "video"}]
    if not files or len(seen) < len(files):
        return "rows" if files else "", min(len(seen), SHOWN)
    return "pictures" if all(file.kind == "picture" for file in seen) else "media", min(len(seen), SHOWN)


def box_of(width: int | None, height: int | None) -> tuple[int, int]:
    """The box of a picture that is alone: it is there before the picture, so that nothing moves."""
    if not width or not height:
        return LONGEST, rounded(LONGEST / 4 * 3)
    ratio = min(WIDEST, max(TALLEST, width / height))
    long = min(LONGEST, max(SHORTEST, width, height))
    return (long, rounded(long / ratio)) if ratio >= 1 else (rounded(long * ratio), long)


def rounded(number: float) -> int:
    """As Math.round: Python's own rounds halves to even numbers."""
    return int(number + 0.5)


def wave_path(peaks: Sequence[int] | None) -> str:
    """The bars of a waveform as the path of an SVG: the policy of the page allows no styles in it."""
    bars = peaks or FLAT
    parts = []
    for index, peak in enumerate(bars):
        half = max(1, rounded(peak / 100 * (WAVE_HEIGHT / 2 - 2)))
        parts.append(f"M{index * BAR + 2} {WAVE_HEIGHT // 2 - half}v{2 * half}")
    return "".join(parts)


def wave_width(peaks: Sequence[int] | None) -> int:
    return len(peaks or FLAT) * BAR


def clock_text(seconds: float) -> str:
    """0:24, 12:05 or 1:00:00."""
    whole = rounded(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size_text(size: int) -> str:
    """1.5 MB; units of a thousand, as phones and Macs count them."""
    if size < KILO:
        return _("%(n)s B") % {"n": size}
    texts = (_("%(n)s kB"), _("%(n)s MB"), _("%(n)s GB"))
    # 999.6 kB are 1 MB: rounded before the unit is chosen.
    power = 1
    while power < len(texts) and rounded(size / KILO**power) >= KILO:
        power += 1
    value = size / KILO**power
    tenths = rounded(value * 10)
    number = formats.number_format(tenths / 10, 1) if tenths < 100 and tenths % 10 else str(rounded(value))
    return texts[power - 1] % {"n": number}


def ending_of(name: str) -> str:
    """In lower case; empty if it has none that could be one."""
    stem, dot, ending = name.rpartition(".")
    return (
        ending.lower() if stem and dot and ending.isascii() and ending.isalnum() and len(ending) <= 8 else ""
    )


def is_risky(name: str) -> bool:
    return ending_of(name) in RISKY
