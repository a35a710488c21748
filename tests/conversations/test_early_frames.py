"""Frames before the greeting: bounded in number and in bytes, kept in order."""

import pytest

from conversations.consumers.early_frames import EARLY_BYTES, EARLY_FRAMES, EarlyFrames

LARGE = "я" * (EARLY_BYTES // 8)
"""A quarter of the bytes, an eighth of them as characters."""


def taken(frames: EarlyFrames) -> list[str]:
    return [frames.take() for _ in range(len(frames))]


@pytest.mark.parametrize(("text", "most"), [("x", EARLY_FRAMES), ("", EARLY_FRAMES), (LARGE, 4)])
def test_a_frame_that_does_not_fit_is_refused(text: str, most: int) -> None:
    frames = EarlyFrames()
    assert [frames.add(text) for _ in range(most + 2)] == [True] * most + [False] * 2
    assert taken(frames) == [text] * most
    assert frames.add(text), "what was taken is not counted any more"


def test_the_newest_pushes_replace_the_oldest() -> None:
    frames = EarlyFrames()
    for number in range(EARLY_FRAMES + 3):
        frames.add_newest(str(number))
    assert taken(frames) == [str(number) for number in range(3, EARLY_FRAMES + 3)]
    for number in range(6):
        frames.add_newest(f"{number}{LARGE[1:]}")
    assert [text[0] for text in taken(frames)] == ["2", "3", "4", "5"]


def test_a_push_larger_than_the_buffer_is_dropped_alone() -> None:
    frames = EarlyFrames()
    frames.add_newest("first")
    frames.add_newest("x" * (EARLY_BYTES + 1))
    frames.add_newest("next")
    assert taken(frames) == ["first", "next"]
