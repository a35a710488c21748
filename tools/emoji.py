"""Writes conversations/protocol/emoji.txt: every emoji that may be a reaction.

    .venv/bin/pip download --no-deps --dest /tmp emoji==2.16.0
    .venv/bin/python -m tools.emoji /tmp/emoji-2.16.0-py3-none-any.whl

The package (BSD licence) carries Unicode's emoji-test.txt in a form that programs read, and is published
again with each version of Unicode. Only the sequences are taken, no names. For a newer version change PACKAGE
and SHA256.
"""

from __future__ import annotations

import hashlib
import json
import sys
import textwrap
import zipfile
from pathlib import Path

PACKAGE = "emoji 2.16.0"
SHA256 = "c4230d80640def9071599ff56b1b5950fe13a2a94c0da98c5deab12431b24330"
DATA = "emoji/unicode_codes/emoji.json"
FULLY_QUALIFIED = 2
TARGET = Path(__file__).resolve().parents[1] / "conversations" / "protocol" / "emoji.txt"
COLUMNS = 100


def emoji_in(wheel: Path) -> tuple[list[str], float]:
    """The emoji in the order of their code points, and the newest version of Unicode Emoji among them."""
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
        raise SystemExit(f"{wheel.name} is not the wheel of {PACKAGE}")
    with zipfile.ZipFile(wheel) as archive:
        data = json.loads(archive.read(DATA))
    found = {text: each["E"] for text, each in data.items() if each["status"] == FULLY_QUALIFIED}
    return sorted(found), max(found.values())


def write(wheel: Path) -> None:
    emoji, version = emoji_in(wheel)
    head = (
        f"# The {len(emoji)} fully qualified emoji of Unicode Emoji {version}, written by tools/emoji.py from"
        f" {PACKAGE}.\n"
        "# The sequences are Unicode's: https://www.unicode.org/license.txt\n"
    )
    lines = textwrap.wrap(" ".join(emoji), COLUMNS, break_long_words=False, break_on_hyphens=False)
    TARGET.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
