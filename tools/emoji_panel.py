"""Writes static/emoji/<language>.json: names and search words for the emoji panel.

    npm pack emoji-picker-element-data@1.8.0
    .venv/bin/python -m tools.emoji_panel emoji-picker-element-data-1.8.0.tgz

The result depends on the package only. For a newer version change SHA256 and static/LICENSE-emoji.txt.

A file is a list of nine categories (CATEGORIES), each a list of rows in the order of Unicode:
`[emoji, name, search words, has skin tones, version]`. The first search word is the short English name, or
empty. The last two fields may be missing: 0, and a version that every font has.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

from accounts.folding import search_key
from conversations.protocol.emoji import known_emoji

SHA256 = "cd50a3a50680bd99625ede703c617dfd21c6f2391cd514cb7b1addbdff500e68"
SOURCES = {"en": "en/cldr", "ru": "ru/cldr", "pt": "pt/cldr"}
SHORTCODES = "en/github"
"""Short English names of one word, by which an emoji is completed in every language (":tada")."""
CATEGORIES = (0, 1, 3, 4, 5, 6, 7, 8, 9)
"""Smileys, people, animals, food, travel, activities, objects, symbols, flags. Group 2 are the skin tones."""
FLAGS = 9
OLDEST_VERSION = 14
"""Fonts without an emoji of this version or a later one are still in use."""
TONES = "🏻🏼🏽🏾🏿"
VARIATION = "\ufe0f"
OUT = Path(__file__).resolve().parents[1] / "static" / "emoji"


def load(package: tarfile.TarFile, name: str) -> list[dict[str, Any]]:
    file = package.extractfile(f"package/{name}/data.json")
    assert file is not None, name
    entries: list[dict[str, Any]] = json.load(file)
    return entries


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", search_key(text))


def search_words(name: str, texts: list[str]) -> list[str]:
    """What is found besides the name. A search is by prefix, so the beginning of another word is left out."""
    named = words_of(name)
    wanted = dict.fromkeys(word for text in texts for word in words_of(text))
    found = sorted(wanted)
    return [
        word
        for word in wanted
        if not any(other.startswith(word) for other in named)
        and not any(other != word and other.startswith(word) for other in found)
    ]


def with_tone(emoji: str, tone: str, bases: frozenset[str]) -> str:
    """As static/js/state/emoji-recents.js does it: after each base, in place of a variation selector."""
    toned = "".join(char + tone if char in bases else char for char in emoji)
    return toned.replace(tone + VARIATION, tone)


def has_tones(entry: dict[str, Any], bases: frozenset[str]) -> bool:
    skins = {skin["tone"]: skin["emoji"] for skin in entry.get("skins", ()) if isinstance(skin["tone"], int)}
    return len(skins) == len(TONES) and all(
        with_tone(entry["emoji"], tone, bases) == skins[number] for number, tone in enumerate(TONES, start=1)
    )


def bare(emoji: str) -> str:
    return emoji.replace(VARIATION, "")


def rows(package: tarfile.TarFile, source: str) -> list[list[list[Any]]]:
    entries = load(package, source)
    # The package adds variation selectors where Unicode's list has none.
    qualified = {bare(emoji): emoji for emoji in known_emoji()}
    shortcodes = {
        entry["emoji"]: [name for name in entry.get("shortcodes") or () if name.isalpha()]
        for entry in load(package, SHORTCODES)
        if entry["group"] != FLAGS
    }
    bases = frozenset(
        entry["emoji"].removesuffix(VARIATION)
        for entry in entries
        if len(entry["emoji"].removesuffix(VARIATION)) == 1 and entry.get("skins")
    ) - {"🤝"}
    categories: dict[int, list[list[Any]]] = {number: [] for number in CATEGORIES}
    for entry in sorted(entries, key=lambda entry: entry["order"]):
        if entry["group"] not in categories:
            continue
        name = entry["annotation"]
        short, *others = shortcodes.get(entry["emoji"]) or [""]
        words = [word for word in search_words(name, [*others, *entry["tags"]]) if not short.startswith(word)]
        emoji = qualified[bare(entry["emoji"])]
        row = [emoji, name, " ".join([short, *words]), int(has_tones(entry, bases)), entry["version"]]
        if row[-1] < OLDEST_VERSION:
            row.pop()
            if not row[-1]:
                row.pop()
        categories[entry["group"]].append(row)
    return [categories[number] for number in CATEGORIES]


def main(archive: Path) -> None:
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"{archive} is not the package of this tool's description")
    OUT.mkdir(exist_ok=True)
    with tarfile.open(archive) as package:
        for language, source in SOURCES.items():
            text = json.dumps(rows(package, source), ensure_ascii=False, separators=(",", ":"))
            (OUT / f"{language}.json").write_text(text + "\n", encoding="utf-8")
            sys.stdout.write(f"static/emoji/{language}.json  {len(text.encode())} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
