"""A cookie of backslashes costs no more than others of its length, and all cookies keep their values."""

from http import cookies

import pytest
from django.http import parse_cookie
from hypothesis import given
from hypothesis import strategies as st

from dm_project import cookie_parsing

PARTS = st.sampled_from(["\\", '"', "\\054", "\\377", "\\400", "\\08", "a", ";", "\n", "é", ""])


@given(st.lists(PARTS, max_size=12).map("".join), st.booleans())
def test_a_quoted_value_is_read_as_the_standard_library_reads_it(text: str, is_quoted: bool) -> None:
    value = f'"{text}"' if is_quoted else text
    assert cookie_parsing.unquote(value) == cookie_parsing.standard(value)


def test_the_slow_parser_is_not_in_use() -> None:
    """In releases that have it. Django and the standard library call it by this name."""
    assert (cookies._unquote is cookie_parsing.unquote) is cookie_parsing.is_vulnerable()
    assert parse_cookie(r'a="one\054two\"three"')["a"] == 'one,two"three'


@pytest.mark.parametrize(
    ("version", "is_vulnerable"),
    [((3, 11, 7), True), ((3, 11, 10), False), ((3, 12, 5), True), ((3, 12, 6), False), ((3, 13, 0), False)],
)
def test_only_vulnerable_releases_are_patched(version: tuple[int, int, int], is_vulnerable: bool) -> None:
    assert cookie_parsing.is_vulnerable(version) is is_vulnerable
