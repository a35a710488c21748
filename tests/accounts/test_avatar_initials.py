"""Placeholder avatars: initials and colours."""

import pytest

from accounts.avatars.initials import colour, initials


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Marta Oliveira", "MO"),
        ("marta", "M"),
        ("Ana Maria de Souza", "AS"),
        ("  Ana   Vale ", "AV"),
        ("élise", "É"),
        ("e\u0301lise", "É"),
        ("Ёлка Иванова", "ЁИ"),
        ("(Ana) [Vale]", "AV"),
        ("Ana 🎈", "A"),
        ("Agent 007", "A0"),
        ("🎉 🎈", "🎉"),
        ("👩‍👩‍👧 🎈", "👩‍👩‍👧"),
        ("👍🏽", "👍🏽"),
        ("🇧🇷🇵🇹", "🇧🇷"),
        ("مريم علي", "م\u200cع"),
        ("مريم Ali", "مA"),
        ("שרה לוי", "של"),
        ("王 小明", "王小"),
        ("नमिता", "न"),
        ("ლალი ბერიძე", "ლბ"),
        ("ǆenan", "ǅ"),
        ("ﬁona", "Fi"),
        ("", ""),
    ],
)
def test_initials_of_a_name(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_colours_are_fnv_1a_of_the_id_and_lie_between_one_and_eight() -> None:
    # FNV-1a of "" is 0x811c9dc5, of "a" 0xe40c292c, of "foobar" 0xbf9cf968 (the authors' test vectors).
    assert [colour(""), colour("a"), colour("foobar")] == [
        0x811C9DC5 % 8 + 1,
        0xE40C292C % 8 + 1,
        0xBF9CF968 % 8 + 1,
    ]
    assert {colour(f"id{number}") for number in range(200)} == set(range(1, 9))
