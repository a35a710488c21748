"""Normalisation of message text, and which text is rejected."""

import json
import unicodedata
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.texts import LONGEST_RUN, VOWEL_MARKS_PER_BASE, has_long_run, is_blank
from conversations.exceptions import InvalidText, TextTooLong
from conversations.protocol import text as rules
from conversations.protocol.text import (
    BODY_CHARS,
    MARKS_PER_BASE,
    clean_body,
    excerpt,
    is_storable,
    strip_trailing_blank_lines,
)

ACUTE = "\u0301"
ENCLOSING = "\u0489"
GRAPHEME_JOINER = "\u034f"
ZERO_WIDTH_JOINER = "\u200d"


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        " hello ",
        "line\nline",
        "\ttab",
        "Привет",
        "مرحبا",
        "שָׁלוֹם",
        "हिन्दी",
        "ภาษาไทย",
        "བོད་སྐད་",
        "👩‍👩‍👧‍👦 🇧🇷 🏴󠁧󠁢󠁷󠁬󠁳󠁿 👍🏽 ❤️",
        "a\u0001b",
        "\u200bx",
    ],
)
def test_ordinary_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert clean_body(unicodedata.normalize("NFC", text)) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("e\u0301", "é"),
        ("\u1100\u1161\u11a8", "각"),
        ("\u212b", "Å"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\nb"),
        ("a\r\r\nb\n\rc", "a\n\nb\n\nc"),
        ("ﬁ²", "ﬁ²"),
    ],
)
def test_text_is_stored_composed_with_plain_line_ends(typed: str, stored: str) -> None:
    assert clean_body(typed) == stored


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "\r\n\t",
        "\u00a0",
        "\u3000",
        "\u2028",
        "\u200b",
        "\u200d\u2060\ufeff",
        "\u202e",
        "\u0001",
        "\u00ad",
    ],
)
def test_invisible_text_is_rejected(text: str) -> None:
    with pytest.raises(InvalidText):
        clean_body(text)


BLANK = json.loads((Path(__file__).parent / "blank.json").read_text())


@pytest.mark.parametrize("text", BLANK["blank"], ids=ascii)
def test_characters_without_a_glyph_are_no_message(text: str) -> None:
    """tests/js/body-text.test.js reads the same file: what the page sends is never rejected as empty."""
    assert is_blank(text)
    with pytest.raises(InvalidText):
        clean_body(text)


@pytest.mark.parametrize("text", BLANK["visible"], ids=ascii)
def test_any_visible_character_is_a_message(text: str) -> None:
    """Including an emoji that is newer than this Python's Unicode tables."""
    assert clean_body(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(("typed", "sent"), BLANK["ends"])
def test_pages_strip_trailing_blank_lines(typed: str, sent: str) -> None:
    assert strip_trailing_blank_lines(typed.replace("\r\n", "\n")) == sent


def test_trailing_blank_lines_of_api_clients_are_kept() -> None:
    assert clean_body("a\n\n") == "a\n\n"


@pytest.mark.parametrize("text", ["", " "])
def test_body_may_be_empty_with_attachments(text: str) -> None:
    assert clean_body(text, may_be_empty=True) == text


@pytest.mark.parametrize("text", ["\0", "a\0b", "я\0", "\ud800", "a\udfffb", "\ude00\ud83d"])
def test_nul_and_lone_surrogates_are_refused(text: str) -> None:
    assert not is_storable(text)
    with pytest.raises(InvalidText):
        clean_body(text)
    with pytest.raises(InvalidText):
        clean_body(text, may_be_empty=True)


# --- Length: code points after normalisation ---


@pytest.mark.parametrize(
    "text",
    [
        "x" * BODY_CHARS,
        "я" * BODY_CHARS,
        "🌿" * BODY_CHARS,
        "e\u0301" * BODY_CHARS,
        "\u03b1\u0313\u0300\u0345" * BODY_CHARS,
        "\r\n" * 3_999 + "x",
    ],
)
def test_longest_text_is_accepted(text: str) -> None:
    assert len(clean_body(text)) <= BODY_CHARS


@pytest.mark.parametrize(
    "text",
    [
        "x" * (BODY_CHARS + 1),
        "é" * (BODY_CHARS + 1),
        "\ufb2c" * 2_667,
        "e\u0301" * (BODY_CHARS + 1),
        "x" * 1_000_000,
        "\0" * 1_000_000,
    ],
)
def test_one_more_is_too_long(text: str) -> None:
    """`\ufb2c` becomes three code points in NFC: the length of the stored text counts."""
    with pytest.raises(TextTooLong):
        clean_body(text)


# --- Marks stacked on one letter ---


@pytest.mark.parametrize("letter", ["q", "я", "あ"])
def test_letter_with_a_few_marks_is_accepted(letter: str) -> None:
    text = letter + "\u0308" + "\u0316" * (MARKS_PER_BASE - 1)
    assert clean_body(text * 100)


@pytest.mark.parametrize(
    "text",
    [
        "q" + "\u0316" * (MARKS_PER_BASE + 1),
        "hello q" + "\u0316" * 7_000,
        "\u0316" * (MARKS_PER_BASE + 1),
        "q" + ENCLOSING * (MARKS_PER_BASE + 1),
        "q" + ("\u0316" * MARKS_PER_BASE + GRAPHEME_JOINER) * 50,
        "q" + ("\u0316" * MARKS_PER_BASE + ZERO_WIDTH_JOINER) * 50,
        "q" + (ENCLOSING + "\u0316") * 50,
    ],
    ids=[
        "one too many",
        "thousands",
        "without a letter",
        "enclosing",
        "through a grapheme joiner",
        "through a zero-width joiner",
        "mixed",
    ],
)
def test_letter_with_too_many_marks_is_rejected(text: str) -> None:
    """Stacked marks paint over other lines and slow down every viewer's text rendering."""
    with pytest.raises(InvalidText):
        clean_body(text)


@pytest.mark.parametrize(
    ("letter", "sign"),
    [
        ("हा", "\u093e"),
        ("की", "\u0941"),
        ("দা", "\u09be"),
        ("கா", "\u0bc0"),
        ("కా", "\u0c3e"),
        ("മാ", "\u0d41"),
        ("ක", "\u0dd2"),
        ("ดี", "\u0e35"),
        ("ดุ", "\u0e38"),
        ("น้", "\u0e49"),
        ("ດ", "\u0eb5"),
        ("ཀ", "\u0f72"),
        ("က", "\u102f"),
        ("ဟ", "\u1038"),
        ("កូ", "\u17bc"),
        ("ᬓ", "\u1b38"),
        ("ꦏ", "\ua9b6"),
    ],
)
@pytest.mark.parametrize("times", [17, 60])
def test_word_with_repeated_vowel_signs_is_accepted(letter: str, sign: str, times: int) -> None:
    assert clean_body(f"{letter}{sign * times}!")


@pytest.mark.parametrize(
    "text",
    [
        "ดี" + "\u0e35" * 7_000,
        "ดี" + "\u0e35" * (VOWEL_MARKS_PER_BASE + 1),
        "ดี" + ("\u0e35" + ZERO_WIDTH_JOINER) * (VOWEL_MARKS_PER_BASE + 1),
        "ก" + ("\u0301" + "\u0e35") * (MARKS_PER_BASE + 1),
        "\U0001d165" * (MARKS_PER_BASE + 1),
    ],
    ids=[
        "thousands",
        "one too many",
        "through a zero-width joiner",
        "accents among them",
        "spacing marks that are sorted",
    ],
)
def test_stacked_signs_are_rejected(text: str) -> None:
    with pytest.raises(InvalidText):
        clean_body(text)


# --- Cost ---


COSTLY = {
    "classes that change places": "\u0345\u0300" * 16_000,
    "begun and ended by a letter": "a" + "\u0301\u0316" * 15_999 + "b",
    "without a class, taken apart into two with": "\u0f73" * 32_000,
    "as many as are allowed, again and again": ("a" + "\u0301\u0316" * 64) * 248,
    "signs": ("ก" + "\u0e49\u0e38" * 50) * 316,
    "growing threefold": "\U0001d160" * 32_000,
    "growing eighteenfold": "\ufdfa" * 32_000,
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY.keys())
def test_costly_text_is_never_normalised_whole(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorting a run of marks takes quadratic time on the event loop: 32,000 took 1.5 s (T32)."""
    work = 0

    def normalize(form: str, part: str) -> str:
        nonlocal work
        work += len(part)
        assert not has_long_run(part)
        return unicodedata.normalize(form, part)

    watched = SimpleNamespace(
        normalize=normalize, combining=unicodedata.combining, category=unicodedata.category
    )
    monkeypatch.setattr("accounts.texts.unicodedata", watched)
    with pytest.raises((InvalidText, TextTooLong)):
        rules.normalized(text)
    assert work <= 2 * BODY_CHARS


def test_longest_run_that_is_sorted_is_short() -> None:
    assert not has_long_run("a" + "\u0301\u0316" * (LONGEST_RUN // 2))
    assert has_long_run("a" + "\u0301\u0316" * (LONGEST_RUN // 2) + "\u0301")


# --- Properties ---


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("\r\n\u0301\u0316\u1161\u11a8\u2028\ufb2c")))
def test_clean_text_is_composed_and_cleaning_it_again_changes_nothing(typed: str) -> None:
    try:
        clean = clean_body(typed)
    except (InvalidText, TextTooLong):
        return
    assert clean_body(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert "\r" not in clean
    assert "\0" not in clean
    assert 0 < len(clean) <= BODY_CHARS
    assert clean.encode().decode() == clean


@given(st.text(st.characters()))
def test_any_text_is_stored_or_rejected_by_name(typed: str) -> None:
    with suppress(InvalidText, TextTooLong):
        clean_body(typed)


# --- Excerpts ---

FAMILY = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}\u200d\N{BOY}"


@pytest.mark.parametrize("text", ["", "short", "x" * 200, "🌿" * 200])
def test_a_short_text_is_quoted_whole(text: str) -> None:
    assert excerpt(text) == text


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        ("abc", 199 + 1),
        ("e" + ACUTE + "x", 199),
        ("👍🏽x", 199),
        ("❤\ufe0f", 199),
        ("1\ufe0f\u20e3", 199),
        (FAMILY, 199),
        ("🇧🇷", 199),
        ("\r\n", 199),
    ],
)
def test_no_written_character_is_cut(end: str, kept: int) -> None:
    assert excerpt("x" * 199 + end + "x" * 50) == ("x" * 199 + end)[:kept]


def test_flags_are_counted_from_the_first_of_their_row() -> None:
    assert excerpt("🇧🇷" * 150) == "🇧🇷" * 100
    assert excerpt("x" + "🇧🇷" * 150) == "x" + "🇧🇷" * 99


def test_what_is_piled_up_higher_is_cut() -> None:
    """The search for a place to cut is bounded (T32)."""
    assert len(excerpt("a" + ACUTE * 7_000)) == 200
    assert len(excerpt("a" + ZERO_WIDTH_JOINER * 7_000)) == 200


@given(st.text(st.sampled_from("ab\u0301\u200d👍🏽🇧🇷❤\ufe0f\n"), max_size=260))
def test_an_excerpt_begins_the_text_and_its_end_is_known_by_one_more_character(text: str) -> None:
    """The database hands over one code point more than fits (conversations/selectors/quotes.py)."""
    found = excerpt(text)
    assert text.startswith(found)
    assert len(found) <= 200
    assert len(found) > 184 or found == text
    assert excerpt(text[:201]) == found
