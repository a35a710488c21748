"""Profile pictures: the same code as for pictures in messages, and the same hostile files (docs/threats.md
T39 to T41)."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from PIL import Image

from accounts.pictures.worker.jpeg import MOST_SCANS
from accounts.pictures.worker.rejection import Rejected
from tests.pictures.files import encoded, halves, is_near, moving
from tests.pictures.test_hostile import (
    PICTURES,
    POLYGLOTS,
    TOO_MANY_PIXELS,
    gif_that_is_a_script,
    jpeg_of_scans,
)
from tests.pictures.test_metadata import CANARY, CASES, KINDS, PLAIN, ensure_bare
from tests.pictures.worker import frames_of, shown, squared


def reason_for(data: bytes) -> str:
    with pytest.raises(Rejected) as rejected:
        squared(data)
    return rejected.value.reason


def test_no_profile_picture_has_metadata_of_any_kind() -> None:
    for name, kind in CASES:
        made = squared(KINDS[name][kind](PLAIN[name], CANARY))
        assert shown(made).size == (256, 256)
        assert CANARY not in made, f"{kind} of {name}"
        ensure_bare(made)


@pytest.mark.parametrize("name", POLYGLOTS)
def test_a_polyglot_is_no_profile_picture(name: str) -> None:
    assert reason_for(POLYGLOTS[name]) == "mismatch"


def test_a_bomb_is_no_profile_picture() -> None:
    for data in TOO_MANY_PIXELS.values():
        if data != TOO_MANY_PIXELS["animated gif with large frames"]:
            assert reason_for(data) == "too_many_pixels"
    assert reason_for(jpeg_of_scans(MOST_SCANS + 1)) == "too_slow"
    assert reason_for(gif_that_is_a_script()) == "mismatch"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken_however_many_there_are(kind: str) -> None:
    made = squared(moving(kind, 300, (20, 20)))
    assert len(frames_of(made)) == 1
    assert is_near(shown(made).getpixel((5, 5)), (0, 255, 40))


def test_a_broken_file_ends_in_a_square_or_a_refusal() -> None:
    rolled = random.Random("square")
    for data in PICTURES.values():
        for _ in range(10):
            broken = bytearray(data)
            for _ in range(rolled.randint(1, 20)):
                broken[rolled.randrange(12, len(broken))] = rolled.randrange(256)
            with suppress(Rejected):
                assert shown(squared(bytes(broken))).size == (256, 256)


def test_any_part_of_any_shape_can_be_chosen() -> None:
    """Also one that rounding makes smaller than a point."""
    for size in ((1, 1), (2, 5_000), (5_000, 2), (7, 3)):
        data = encoded(halves(*size) if size[0] > 1 else Image.new("RGB", size), "PNG")
        for crop in (None, [0.0, 0.0, 0.01], [1.0, 1.0, 0.01], [0.99, 0.5, 1.0]):
            assert shown(squared(data, crop)).size == (256, 256)
