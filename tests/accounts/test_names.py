"""Validation of display names."""

import unicodedata
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.fields import NameField, TextField
from accounts.names import check_name, check_text, normalize_name


@pytest.mark.parametrize(
    "name",
    [
        "Ana",
        "João Ávila",
        "Иван",
        "مريم",
        "王小明",
        "می\u200cخواهم",
        "👩‍👩‍👧",
        "O'Neill-Smith",
        "R2",
        "'); DROP TABLE",
        "{{7*7}}",
        "<b>Ana</b>",
        "Owen \U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",  # the flag of Wales
        "葛\U000e0100城",  # a variant form in a family name
        "Ana \u2764\ufe0f",
        "\U0001fae8 Ana",  # newer than this Python
    ],
)
def test_a_name_may_hold_visible_characters(name: str) -> None:
    check_name(normalize_name(name))


@pytest.mark.parametrize(
    "name",
    [
        "Ana\u202eelaV",  # overrides the direction of what follows
        "Ana\u2066",
        "An\u034fa",
        "Ana\u3164",
        "Ana\u0378",  # unassigned
        "Ana\u2065",
        "\u0378",
        "Ana\ufdd0",
        "Ana\U000e0067\U000e0062\U000e007f",  # hidden text without a flag
        "\U0001f3f4\U000e0067\U000e0062\U000e0065",  # a flag without an end
        "\U0001f3f4" + "\U000e0067" * 20 + "\U000e007f",
        "\u200fAna",
        "Ana\u200b",
        "Ana\x00",
        "Ana\x1b[2J",
        "\ufeffAna",
        "Z" + "\u0301" * 9,  # stacked accents cover the lines above
        "\u3164",  # invisible
        "\u2800\u2800",
        "\u034f",
        "\U0001d159",
        "Z" + "\u0301\u200d" * 9,  # a joiner starts no new letter
        "\u200d",
        "\u0301",
        "",
    ],
)
def test_a_name_may_not_hide_anything(name: str) -> None:
    with pytest.raises(ValidationError):
        check_name(normalize_name(name))


def test_the_about_text_may_have_stretched_words_a_name_may_not() -> None:
    check_text("ดี" + "\u0e35" * 20)
    with pytest.raises(ValidationError):
        check_text("ดี" + "\u0e35" * 40)
    with pytest.raises(ValidationError):
        check_text("Z" + "\u0301" * 5)
    with pytest.raises(ValidationError):
        check_name("ดี" + "\u0e35" * 20)


def test_a_name_is_one_line_in_composed_form() -> None:
    assert normalize_name("  Joa\u0303o \r\n Bcc:\tx  ") == "João Bcc: x"


@pytest.mark.parametrize(
    "field",
    [NameField(), TextField(max_length=140, error_messages={"max_length": "Too long."})],
    ids=["name", "about"],
)
@pytest.mark.parametrize(
    "typed",
    ["\u0345\u0300" * 64_000, "\u0f73" * 85_000, "a " * 128_000, "x" * 256_000],
    ids=["marks", "double marks", "spaces", "letters"],
)
def test_length_is_checked_before_normalization(
    field: TextField, typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Normalizing 256 KB of marks blocked the whole process for 26 seconds (docs/threats.md T32)."""
    real = unicodedata.normalize

    def normalize(form: Any, text: str) -> str:
        assert len(text) < 1_000
        return real(form, text)

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    with pytest.raises(ValidationError) as refused:
        field.clean(typed)
    assert refused.value.error_list[0].code == "max_length"


def test_decomposed_name_may_be_longer_as_it_is_typed() -> None:
    assert NameField().clean("u\u0308\u0301" * 50) == "\u01d8" * 50
