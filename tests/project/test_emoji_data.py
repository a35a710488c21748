"""The data of the emoji panel, made by tools/emoji_panel.py."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from conversations.protocol.emoji import known_emoji

FOLDER = Path(__file__).resolve().parents[2] / "static" / "emoji"
LANGUAGES = ("en", "ru", "pt")
LARGEST = 52_000


def categories(language: str) -> list[list[list[Any]]]:
    found: list[list[list[Any]]] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_emoji_of_a_language_are_about_50_kilobytes(language: str) -> None:
    """Fetched when the panel is opened for the first time (docs/interface.md X9)."""
    assert len(gzip.compress((FOLDER / f"{language}.json").read_bytes(), 9)) <= LARGEST


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_emoji_of_the_panel_may_be_a_reaction(language: str) -> None:
    rows = [row for category in categories(language) for row in category]
    assert len(rows) > 1_900
    assert [row[0] for row in rows if row[0] not in known_emoji()] == []
    toned = [row[0] for row in rows if len(row) > 3 and row[3]]
    assert len(toned) > 300
    assert all(row[1].strip() for row in rows)


def test_all_languages_have_the_same_emoji_in_the_same_order() -> None:
    orders = [[[row[0] for row in category] for category in categories(language)] for language in LANGUAGES]
    assert orders[0] == orders[1] == orders[2]
    assert len(orders[0]) == 9
