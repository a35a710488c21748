"""The emoji that may be a reaction."""

import pytest

from conversations.exceptions import InvalidText
from conversations.protocol.emoji import LIST, LONGEST, clean_emoji, known_emoji

HEART, UNQUALIFIED_HEART = "\u2764\ufe0f", "\u2764"
FAMILY = "👨\u200d👩\u200d👧\u200d👦"
KISS = "🧑🏻\u200d❤\ufe0f\u200d💋\u200d🧑🏿"


@pytest.mark.parametrize(
    "emoji",
    ["👍", "👍🏽", HEART, FAMILY, KISS, "🇧🇷", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "#\ufe0f\u20e3", "🏳️\u200d🌈", "\u2764\ufe0f\u200d🔥"],
)
def test_one_emoji_is_taken_as_it_is(emoji: str) -> None:
    assert clean_emoji(emoji) == emoji


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "1",
        "#",
        "👍👍",
        "👍 ",
        " 👍",
        "👍\n",
        UNQUALIFIED_HEART,
        "👍\ufe0f",
        "👍\ufe0e",
        "🏽",
        "\u200d",
        "👨\u200d",
        "🇧",
        "🇽🇽",
        "🏴󠁧󠁢",
        "# The",
        "👍" * 8_000,
        "\0",
        "\ud83d",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    """What one device shows as a picture and another one as letters would be two reactions."""
    with pytest.raises(InvalidText):
        clean_emoji(text)


def test_length_is_judged_by_the_longest_one() -> None:
    assert max(map(len, known_emoji())) == LONGEST


def test_the_list_is_whole() -> None:
    """Its comments begin as one of the emoji does."""
    told = int(LIST.read_text(encoding="utf-8").split()[2])
    assert len(known_emoji()) == told > 3_900
