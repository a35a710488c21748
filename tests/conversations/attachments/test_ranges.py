"""Ranges: which bytes a Range header asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.attachments.ranges import NotSatisfiable, Part, part_of


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-99", (0, 100)),
        ("bytes=0-", (0, 100)),
        ("bytes=90-1000", (90, 10)),
        ("bytes=99-", (99, 1)),
        ("bytes=-1", (99, 1)),
        ("bytes=-1000", (0, 100)),
        ("Bytes= 5-6 ", (5, 2)),
    ],
)
def test_a_single_range_is_answered_with_its_bytes(header: str, expected: tuple[int, int]) -> None:
    part = part_of(header, 100)
    assert part == Part(*expected, 100)
    assert part.content_range == f"bytes {part.start}-{part.start + part.length - 1}/100"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=a-b",
        "bytes=1-2,4-5",
        "lines=1-2",
        "bytes=1-2; x",
        "bytes=" + "9" * 400 + "-",
        "bytes=١-٢",
    ],
)
def test_what_is_no_single_range_means_the_whole_file(header: str | None) -> None:
    assert part_of(header, 100) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0)])
def test_a_range_without_a_byte_is_not_satisfiable(header: str, size: int) -> None:
    with pytest.raises(NotSatisfiable):
        part_of(header, size)


@given(st.from_regex(r"bytes=[0-9]{0,20}-[0-9]{0,20}", fullmatch=True), st.integers(0, 10**12))
def test_a_range_never_leaves_the_file(header: str, size: int) -> None:
    try:
        part = part_of(header, size)
    except NotSatisfiable:
        return
    assert part is None or (part.start >= 0 and part.length > 0 and part.start + part.length <= size)
