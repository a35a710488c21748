"""What a display name may hold."""

import pytest
from django.core.exceptions import ValidationError

from accounts.names import check_name, tidy_name


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
    ],
)
def test_a_name_may_hold_what_can_be_seen(name: str) -> None:
    check_name(tidy_name(name))


@pytest.mark.parametrize(
    "name",
    [
        "Ana\u202eelaV",  # turns the writing direction of what follows
        "Ana\u2066",
        "\u200fAna",
        "Ana\u200b",
        "Ana\x00",
        "Ana\x1b[2J",
        "\ufeffAna",
        "Z" + "\u0301" * 9,  # a tower of accents hides the lines above
        "\u3164",  # draws nothing
        "\u2800\u2800",
        "\u200d",
        "\u0301",
        "",
    ],
)
def test_a_name_may_not_hide_anything(name: str) -> None:
    with pytest.raises(ValidationError):
        check_name(tidy_name(name))


def test_a_name_is_one_line_in_composed_form() -> None:
    assert tidy_name("  Joa\u0303o \r\n Bcc:\tx  ") == "João Bcc: x"
