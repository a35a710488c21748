"""The emoji that may be a reaction: one fully qualified sequence that Unicode recommends (RGI)."""

from functools import lru_cache
from pathlib import Path

from conversations.exceptions import InvalidText

LIST = Path(__file__).with_name("emoji.txt")
"""Written by tools/emoji.py."""
LONGEST = 10
"""Code points of the longest one: two people of different skin tones who kiss."""


@lru_cache(maxsize=1)
def known_emoji() -> frozenset[str]:
    """Read at the first reaction; tens of kilobytes that a process without one does not need."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    # The sign of the comments is also the first character of an emoji (#️⃣), which no space follows.
    return frozenset(emoji for line in lines if not line.startswith("# ") for emoji in line.split())


def clean_emoji(raw: str) -> str:
    """One emoji, as it is stored. Nothing is normalised: a heart without its variation selector is shown as a
    sign of text by some fonts, so that two devices would show two reactions.

    Raises:
        InvalidText: no emoji, more than one, a part of one, or not fully qualified.
    """
    # The length first: a text of a whole frame need not be hashed.
    if len(raw) > LONGEST or raw not in known_emoji():
        raise InvalidText("not an emoji")
    return raw
