"""The tokenizer of message search: folded words with their places, the same for index and marks."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.search_index.words import LONGEST, TokenizedText, tokens_of


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Hello, WORLD 42!", ["hello", "world", "42"]),
        ("Ёлка, ёж и Йод", ["елка", "еж", "и", "йод"]),
        ("São coração Wałęsa Groß", ["sao", "coracao", "walesa", "gross"]),
        ("don't e-mail a.b@c.de", ["don", "t", "e", "mail", "a", "b", "c", "de"]),
        ("snake_case _p1", ["snake", "case", "p1"]),
        ("½ ℡ ﬁona Ａｎａ", ["1", "2", "tel", "fiona", "ana"]),
        ("سلامٌ دنیا", ["سلام", "دنیا"]),
        ("שָׁלוֹם", ["שלום"]),
        ("हिन्दी", ["हिनदी"]),
        ("❤️ 1️⃣ 👨‍👩‍👧 !?", ["1"]),
        ("so\u00adft zero\u200bwidth", ["soft", "zerowidth"]),
        ("", []),
        ("\0\ud800", []),
    ],
)
def test_a_text_has_these_words(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


def test_a_korean_syllable_is_found_while_it_is_typed() -> None:
    assert tokens_of("한국어 공부") == [unicodedata.normalize("NFKD", word) for word in ("한국어", "공부")]
    assert tokens_of("한국어")[0].startswith(tokens_of("하")[0])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("今天天气", ["今天", "天天", "天气", "气"]),
        ("abc東京", ["abc", "東京", "京"]),
        ("テスト", ["テス", "スト", "ト"]),
        ("茶", ["茶"]),
    ],
)
def test_letters_of_scripts_without_spaces_are_paired(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


def test_a_word_of_500_letters_is_cut() -> None:
    assert tokens_of("x" * 500 + " y") == ["x" * LONGEST, "y"]
    text = TokenizedText("x" * 500 + " y")
    assert (text.start(0), text.end(0), text.start(1)) == (0, 500, 501)


def test_a_place_is_counted_in_code_points_and_covers_the_marks_of_its_letters() -> None:
    text = "🌿 cafe\u0301s!"
    found = TokenizedText(text)
    assert (found.tokens, text[found.start(0) : found.end(0)]) == (["cafes"], "cafe\u0301s")


@given(
    st.text(st.characters(codec=None), max_size=80)
    | st.text("aёй今テ½ 1_'\u0301\u200d\ud800กि한", max_size=40)
)
def test_the_words_that_are_marked_are_those_of_the_index(text: str) -> None:
    """Two ways through the same text: a difference would find messages that cannot be marked."""
    found = TokenizedText(text)
    assert found.tokens == tokens_of(text)
    places = [(found.start(index), found.end(index)) for index in range(len(found.tokens))]
    assert all(0 <= start < end <= len(text) for start, end in places)


@given(st.text(max_size=200))
def test_no_token_has_a_character_that_the_databases_read_as_syntax(text: str) -> None:
    assert all(char not in "\"'\\ _<*:&|!()\0" for token in tokens_of(text) for char in token)
