"""PURE. Names and descriptions of files: what is stored of them, and how a response states a name (T42)."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from accounts.texts import has_piled_marks, is_blank, is_storable
from conversations.exceptions import InvalidFileName

NAME_BYTES = 255
"""The longest name that file systems take, in UTF-8."""
SENT_CHARS = 4_096
"""A longer name is refused unread: a browser sends a name, not a path."""
LONGEST_ENDING = 20
ALT_CHARS = 200
NAMELESS = "file"
JOINERS = "\u200c\u200d"
"""Without a glyph, but part of words in Persian and of emoji."""
DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "123456789¹²³"}
)
"""Names that open a device on Windows, with any ending."""
FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs that look like a space."""
GAP = re.compile(f"[ {FILLERS}]{{2,}}|[{FILLERS}]")


def clean_name(raw: str) -> str:
    """The last part of a path, without characters that do not show or that change the direction of others,
    and without wide gaps: two hundred spaces would hide the ending of a program behind that of a picture.

    Raises:
        InvalidFileName: far too long, or a lone surrogate.
    """
    if len(raw) > SENT_CHARS or not is_storable(raw.replace("\0", "")):
        raise InvalidFileName
    last = raw.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join(" " if char.isspace() else char for char in last if is_shown(char))
    name = GAP.sub(" ", composed(shown)).strip(" ").rstrip(". ")
    if name.partition(".")[0].strip().lower() in DEVICES:
        name = f"_{name}"
    return NAMELESS if is_blank(name) else shortened(name)


def clean_alt(raw: str) -> str:
    """The description of a picture: one line, without characters that do not show.

    Raises:
        InvalidFileName: too long, or a lone surrogate.
    """
    if len(raw) > ALT_CHARS or not is_storable(raw.replace("\0", "")):
        raise InvalidFileName
    shown = "".join(" " if char.isspace() else char for char in raw if char.isspace() or is_shown(char))
    alt = composed(shown).strip(" ")
    return "" if is_blank(alt) else alt


def composed(text: str) -> str:
    """NFC. Of marks that are piled up, which take long to sort and cover what stands around them
    (docs/threats.md T32), none stays."""
    if has_piled_marks(text):
        text = "".join(char for char in text if unicodedata.category(char) not in {"Mn", "Me"})
    return unicodedata.normalize("NFC", text)


def is_shown(char: str) -> bool:
    """Not control characters, line ends, direction overrides and the like."""
    return char in JOINERS or char == "\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def shortened(name: str) -> str:
    """At most NAME_BYTES, with its ending, and no character cut in two."""
    if len(name.encode()) <= NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > LONGEST_ENDING:
        stem, dot, ending = name, "", ""
    room = NAME_BYTES - len(f"{dot}{ending}".encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + dot + ending


def content_disposition(kind: str, name: str) -> str:
    """The header's value (RFC 6266): a plain form that every client reads, and the exact name beside it.

    Args:
        kind: attachment or inline.
    """
    plain = "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name
    )
    value = f'{kind}; filename="{plain}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{quote(name, safe='')}"
